"""What the token classifier is measured against: the fuzzy matcher, and a logistic regression.

python -m eval.label_baselines TRAIN... -o out/label-baseline.joblib

The regression sees, of each token: character n-grams (1 to 4) of its text; n-grams (1 and 2) of the tokens
left of it and above it; left, right, width, top, height and place in reading order as numbers, and its left
and right edge as one of 20 columns of the page. It is trained on what the classifier is trained on: pages of
the same corpus with the same noise, and pages that are none of the forms, in the same shares.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from eval.fuzzy_labels import FuzzyLabeller
from giar_ml.cli.console import complain
from giar_ml.document import Labels, Token
from giar_ml.errors import GiarError, UsageError
from giar_ml.figures import plain
from giar_ml.forms import load_forms
from giar_ml.geometry import overlap
from giar_ml.label import PageLabeller
from giar_ml.label.frame import UNITS_PER_LINE, WIDTH, Placed, reading_order
from giar_ml.label.names import OTHER
from giar_ml.text import normalize_radicals
from training.labels.config import DataConfig
from training.labels.data import load_examples
from training.labels.examples import Example, count_tokens, place_example
from training.labels.negatives import sample_negative
from training.labels.noise import add_noise

MAX_TOKENS = 100_000
"""What is trained on, in whole pages drawn by chance: about two minutes on one core."""
DEFAULT_BASELINE = Path("out/label-baseline.joblib")
_LEAST_NAMED = 1e-3
"""Less probable labels are not named."""
_N_COLUMNS = 20
_MAX_ITERATIONS = 300
"""Beyond that the loss falls by less than 1 % and nothing else changes."""
_FIELDS: dict[str, tuple[tuple[int, int], int]] = {
    "text": ((1, 4), 30_000),
    "left": ((1, 2), 3_000),
    "above": ((1, 2), 3_000),
}
"""Texts that n-grams are taken of: their lengths, and how many of them are kept."""


# The labellers


@dataclass(frozen=True)
class FuzzyPageLabeller:
    """The fuzzy matcher over the union of all forms: each token as the form says that knows it best."""

    def label_pages(self, pages: Sequence[Sequence[Placed]]) -> list[list[Labels]]:
        return [self._label_page(page) for page in pages]

    def _label_page(self, page: Sequence[Placed]) -> list[Labels]:
        matcher = FuzzyLabeller()
        tokens = [Token(token.text, token.bbox) for token in page]
        by_form = [matcher.label(tokens, form) for form in load_forms().values()]
        return [min(found, key=lambda labels: labels.get(OTHER, 0.0)) for found in zip(*by_form, strict=True)]


@dataclass(frozen=True)
class RegressionLabeller:
    """The logistic regression; `parts` as `train_regression` makes them."""

    parts: dict[str, Any]

    def label_pages(self, pages: Sequence[Sequence[Placed]]) -> list[list[Labels]]:
        names = self.parts["model"].classes_
        labelled: list[list[Labels]] = []
        for page in pages:
            if not page:
                labelled.append([])
                continue
            probabilities = self.parts["model"].predict_proba(_features(self.parts, [page]))
            labelled.append(
                [
                    {str(names[k]): float(row[k]) for k in np.argsort(-row) if row[k] >= _LEAST_NAMED}
                    for row in probabilities
                ]
            )
        return labelled

    @classmethod
    def read(cls, path: Path) -> RegressionLabeller:
        """Raises UsageError when there is no such file. A file of joblib can run code: read your own only."""
        if not path.is_file():
            raise UsageError(f"{path}: no such file; train it with python -m eval.label_baselines")
        return cls(joblib.load(path))


def load_labellers(
    *, model: Path | None = None, baseline: Path | None = None
) -> tuple[dict[str, PageLabeller], dict[str, str]]:
    """The labellers that are there, by name, and why the others are not.

    Args:
        model: the folder of the classifier; None for the one that comes with the package.
        baseline: the trained regression; None for the default place.

    Raises:
        UsageError: a file or folder that was named is not there.
    """
    factories: dict[str, tuple[Callable[[], PageLabeller], bool]] = {
        "fuzzy": (FuzzyPageLabeller, False),
        "regression": (lambda: RegressionLabeller.read(baseline or DEFAULT_BASELINE), baseline is not None),
        "classifier": (lambda: _load_classifier(model), model is not None),
    }
    labellers: dict[str, PageLabeller] = {}
    missing: dict[str, str] = {}
    for name, (make, is_wanted) in factories.items():
        try:
            labellers[name] = make()
        except GiarError as error:
            if is_wanted:
                raise
            missing[name] = str(error)
    return labellers, missing


def _load_classifier(folder: Path | None) -> PageLabeller:
    try:
        from giar_ml.label.classifier import load_classifier
    except ModuleNotFoundError as error:
        raise UsageError(f"the classifier cannot be loaded: no module {error.name}") from error
    return load_classifier(folder, device="cpu")


# Training


def draw_examples(
    examples: Sequence[Example],
    *,
    n_tokens: int = MAX_TOKENS,
    seed: int = 0,
    config: DataConfig | None = None,
) -> list[Example]:
    """Pages as the classifier sees them, until they have `n_tokens` tokens: drawn with replacement, most of
    them with noise, some none of the forms, in the shares of `config`; none from none."""
    config = config or DataConfig()
    rng = np.random.default_rng(seed)
    weights = np.array([_weight(example, config) for example in examples])
    drawn: list[Example] = []
    n = 0
    while n < n_tokens and weights.sum() > 0:
        if rng.random() < config.negatives:
            example = sample_negative(rng)
        else:
            example = examples[int(rng.choice(len(examples), p=weights / weights.sum()))]
        if rng.random() >= config.clean:
            example = add_noise(example, rng)
        drawn.append(example)
        n += len(example.items)
    return drawn


def _weight(example: Example, config: DataConfig) -> float:
    if not example.items:
        return 0.0
    return 1.0 if any(label != OTHER for label in example.labels) else config.prose


def train_regression(examples: Sequence[Example]) -> RegressionLabeller:
    """Train on all tokens of some pages.

    Raises:
        UsageError: the examples have fewer than two labels.
    """
    chosen = [example for example in examples if example.items]
    labels = [label for example in chosen for label in example.labels]
    if len(set(labels)) < 2:
        raise UsageError("the examples have fewer than two labels: nothing to learn from")
    pages = [place_example(example) for example in chosen]
    texts = _texts(pages)
    parts: dict[str, Any] = {
        name: TfidfVectorizer(
            analyzer="char",
            ngram_range=lengths,
            max_features=n_kept,
            lowercase=False,
            sublinear_tf=True,
            dtype=np.float32,
        ).fit(texts[name])
        for name, (lengths, n_kept) in _FIELDS.items()
    }
    parts["scaler"] = StandardScaler().fit(_positions(pages))
    model = LogisticRegression(C=30.0, max_iter=_MAX_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        parts["model"] = model.fit(_features(parts, pages), labels)
    return RegressionLabeller(parts)


def _read_examples(folder: Path) -> list[Example]:
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder; name one with documents and their gold")
    return load_examples(folder)


# Features


def _features(parts: dict[str, Any], pages: Sequence[Sequence[Placed]]) -> sparse.csr_matrix:
    texts = _texts(pages)
    numbers = _positions(pages)
    edges = np.clip((numbers[:, :2] * _N_COLUMNS).astype(int), 0, _N_COLUMNS - 1)
    in_columns = np.eye(_N_COLUMNS, dtype=np.float32)[edges].reshape(-1, 2 * _N_COLUMNS)
    blocks = [
        *(parts[name].transform(texts[name]) for name in _FIELDS),
        sparse.csr_matrix(parts["scaler"].transform(numbers).astype(np.float32)),
        sparse.csr_matrix(in_columns),
    ]
    return sparse.hstack(blocks, format="csr")


def _positions(pages: Sequence[Sequence[Placed]]) -> np.ndarray:
    """(N, 6): left, right, width, top and height in shares of the page and lines, rank in reading order."""
    rows = []
    for page in pages:
        ranks = {index: rank for rank, index in enumerate(reading_order(page))}
        for i, token in enumerate(page):
            left, top, right, bottom = token.bbox
            height = (bottom - top) / UNITS_PER_LINE
            rows.append(
                (left / WIDTH, right / WIDTH, (right - left) / WIDTH, top / UNITS_PER_LINE, height, ranks[i])
            )
    return np.array(rows, np.float32).reshape(-1, 6)


def _texts(pages: Sequence[Sequence[Placed]]) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {name: [] for name in _FIELDS}
    for page in pages:
        own = [plain(normalize_radicals(token.text)) for token in page]
        for i, (left, above) in enumerate(_neighbours(page)):
            texts["text"].append(own[i])
            texts["left"].append(own[left] if left is not None else "")
            texts["above"].append(own[above] if above is not None else "")
    return texts


def _neighbours(page: Sequence[Placed]) -> list[tuple[int | None, int | None]]:
    """For each token the nearest one left of it on its line, and the nearest one above it."""
    if not page:
        return []
    boxes = np.array([token.bbox for token in page], float)
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    found = []
    for i, (left, _, right, _) in enumerate(boxes):
        level = np.abs(middles - middles[i]) <= UNITS_PER_LINE / 2
        before = np.flatnonzero(level & (boxes[:, 0] < left))
        over = [
            int(k)
            for k in np.flatnonzero(middles < middles[i] - UNITS_PER_LINE / 2)
            if overlap(left, right, boxes[k, 0], boxes[k, 2])
        ]
        found.append(
            (
                int(before[np.argmax(boxes[before, 2])]) if len(before) else None,
                max(over, key=lambda k: middles[k], default=None),
            )
        )
    return found


# Command


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m eval.label_baselines",
        description="Trains the logistic regression that the token classifier is measured against.",
    )
    parser.add_argument("train", nargs="+", type=Path, metavar="TRAIN", help="folder of documents with gold")
    parser.add_argument("-o", "--output", type=Path, default=DEFAULT_BASELINE, metavar="FILE")
    parser.add_argument("--max-tokens", type=int, default=MAX_TOKENS, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    try:
        examples = [example for folder in args.train for example in _read_examples(folder)]
        started = time.perf_counter()
        drawn = draw_examples(examples, n_tokens=args.max_tokens, seed=args.seed)
        labeller = train_regression(drawn)
    except GiarError as error:
        complain(str(error))
        return error.exit_status
    args.output.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(labeller.parts, args.output, compress=3)
    seconds = time.perf_counter() - started
    print(
        f"wrote {args.output}: {len(labeller.parts['model'].classes_)} labels, trained in {seconds:.0f} s"
        f" on {count_tokens(drawn):,} tokens of {len(drawn):,} pages drawn from {len(examples):,}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

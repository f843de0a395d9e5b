"""What the token classifier is measured against: the fuzzy matcher, and a logistic regression.

python -m eval.label_baselines CONFIG.toml -o out/label-baseline.joblib

The regression sees, of each token: character n-grams (1 to 4) of its text; n-grams (1 and 2) of the tokens
left of it and above it; left, right, width, top, height, place in reading order and confidence as numbers,
and its left and right edge as one of 20 columns of the page. It is trained on what the classifier is trained
on: pages drawn alike from the same data with the same noise, and pages that are none of the forms.
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
from giar_ml.models import shipped_model
from giar_ml.text import normalize_radicals
from training.labels.config import DataConfig, TrainConfig
from training.labels.datasets import make_data
from training.labels.examples import Data, Example, count_tokens, place_example
from training.labels.sampling import PageSampler
from training.paths import CORPORA

MAX_TOKENS = 100_000
"""What is trained on, in whole pages drawn by chance: about two minutes on one core."""
DEFAULT_BASELINE = Path("out/label-baseline.joblib")
_LEAST_NAMED = 1e-3
"""Less probable labels are not named."""
_N_COLUMNS = 20
_N_NUMBERS = 7
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
        """Raises UsageError when there is no such file, or it was trained by another version of this module.
        A file of joblib can run code: read your own only."""
        command = f"python -m eval.label_baselines training/labels/labels.toml -o {path}"
        if not path.is_file():
            raise UsageError(f"{path}: no such file; train it with {command}")
        parts = joblib.load(path)
        if parts["scaler"].n_features_in_ != _N_NUMBERS:
            raise UsageError(f"{path}: was trained for other features; train it anew with {command}")
        return cls(parts)


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
    return load_classifier(folder or shipped_model(), device="cpu")


# Training


def draw_examples(
    data: Data, config: DataConfig, *, n_tokens: int = MAX_TOKENS, seed: int = 0
) -> list[Example]:
    """Pages as the classifier sees them in training, until they have `n_tokens` tokens."""
    pages = PageSampler(data.train, config, weights=data.weights)
    rng = np.random.default_rng(seed)
    drawn: list[Example] = []
    while count_tokens(drawn) < n_tokens:
        drawn.append(pages.draw(rng))
    return drawn


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
    """(N, `_N_NUMBERS`): left, right, width, top and height in shares of the page and lines, rank in reading
    order, confidence."""
    rows = []
    for page in pages:
        ranks = {index: rank for rank, index in enumerate(reading_order(page))}
        for i, token in enumerate(page):
            left, top, right, bottom = token.bbox
            height = (bottom - top) / UNITS_PER_LINE
            across = left / WIDTH, right / WIDTH, (right - left) / WIDTH
            rows.append((*across, top / UNITS_PER_LINE, height, ranks[i], token.confidence))
    return np.array(rows, np.float32).reshape(-1, _N_NUMBERS)


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
    parser.add_argument(
        "config", type=Path, metavar="CONFIG", help="of the classifier: training/labels/labels.toml"
    )
    parser.add_argument("-o", "--output", type=Path, default=DEFAULT_BASELINE, metavar="FILE")
    parser.add_argument(
        "--corpus",
        type=Path,
        default=CORPORA,
        metavar="DIR",
        help="made-up documents (default: %(default)s)",
    )
    parser.add_argument("--max-tokens", type=int, default=MAX_TOKENS, metavar="N")
    args = parser.parse_args(arguments)
    try:
        config = TrainConfig.read(args.config)
        data = make_data(config, args.corpus)
        started = time.perf_counter()
        drawn = draw_examples(data, config.data, n_tokens=args.max_tokens, seed=config.seed)
        labeller = train_regression(drawn)
    except GiarError as error:
        complain(str(error))
        return error.exit_status
    args.output.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(labeller.parts, args.output, compress=3)
    seconds = time.perf_counter() - started
    print(
        f"wrote {args.output}: {len(labeller.parts['model'].classes_)} labels, trained in {seconds:.0f} s"
        f" on {count_tokens(drawn):,} tokens of {len(drawn):,} pages drawn from {len(data.train):,}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

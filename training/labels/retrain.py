"""Going on from a model with annotated documents, beside made-up reports so that it forgets nothing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from giar_ml.annotations.checking import Annotated
from giar_ml.errors import UsageError
from giar_ml.label.encode import Encoder
from giar_ml.label.names import OTHER, is_header, label_names
from giar_ml.metrics.token_labels import TokenCounts, count_tokens
from giar_ml.models import FILES, ModelError
from training.labels.config import DataConfig, ModelConfig, TrainConfig
from training.labels.data import gold_examples
from training.labels.examples import Data, Example
from training.labels.negatives import sample_negative
from training.labels.predict import example_log_probs, predict_logits
from training.labels.sampling import share_weights
from training.labels.train import RECORD, SETTINGS, Say, data_hash, load_model, train

MIN_DOCUMENTS = 5
"""Two to measure on, one to stop by, two to learn from."""
MIN_HELD_OUT = 2
HELD_OUT_SHARE = 0.2
PARTS = ("train", "stop", "held_out")
ANNOTATED_SHARE = 0.4
"""Of the windows that are learnt from, forms that are none apart."""
TOLERANCE = 0.001
"""So much F1 may be lost on the fixtures, of headers and of all labels: about one in a thousand. And so many
more of the tokens of pages that are no such form may be taken for headers."""
N_NO_FORM = 100
_NO_FORM_SEED = 9_000_003
KINDS = ("title:", "caption:", "column:", "row:", "under:", "corner", "figure", "note")
_PAGE = re.compile(r"-\d{1,3}$")


class Split(NamedTuple):
    """Examples of annotated documents: to learn from, to stop by, to measure on; the number of the documents
    of each; and the part of every document ever split, by the sha256 of it and of its pictures."""

    train: list[Example]
    stop: list[Example]
    held_out: list[Example]
    n_documents: tuple[int, int, int]
    parts: Mapping[str, str]


@dataclass(frozen=True)
class LabelScores:
    """Of tokens; F1 micro-averaged, `f1` over all labels but `other`. None where there is no such label.
    `n_false_headers` are tokens of `other` that are taken for headers."""

    n_tokens: int
    header_f1: float | None
    f1: float | None
    kinds: Mapping[str, float | None]
    n_false_headers: int = 0


@dataclass(frozen=True)
class Retrained:
    """The new model's folder, and the scores of both models on the sets `held_out`, `fixtures` and `no_form`,
    made-up pages that are none. `reasons` are why the new model is not to be installed; none: it is."""

    folder: Path
    old: Mapping[str, LabelScores]
    new: Mapping[str, LabelScores]
    reasons: tuple[str, ...]


def retrain(
    config: TrainConfig,
    split: Split,
    made_up: Data,
    fixtures: Sequence[Example],
    out: Path,
    *,
    parent: Path,
    parent_name: str,
    quiet: bool = False,
    say: Say = print,
) -> Retrained:
    """Train a successor of a model, write its folder, and measure both.

    Args:
        made_up: made-up reports, and scans as OCR reads them, to learn from and to stop by; weights as of
            `share_weights`.
        fixtures: what the new model must read no worse.
        parent: the folder of the model to go on from.

    Raises:
        ModelError: the parent cannot be gone on from.
    """
    config = replace(config, model=_model_config(parent))
    sets = {"held_out": split.held_out, "fixtures": fixtures, "no_form": _no_form()}
    old = {name: measure(parent, examples) for name, examples in sets.items()}
    train(config, mix(split, made_up, config.data), out, start_from=parent, quiet=quiet, say=say)
    new = {name: measure(out, examples) for name, examples in sets.items()}
    retrained = Retrained(out, old, new, tuple(find_reasons(old, new)))
    _note(retrained, split, parent_name)
    return retrained


def known_parts(model: Path) -> dict[str, str]:
    """Which part each document had, by sha256, when a model and those before it were retrained.

    Raises:
        ModelError: the model cannot be gone on from.
    """
    _check_files(model)
    parts: dict[str, str] = _read(model / RECORD).get("retrained", {}).get("parts", {})
    return parts


def split_documents(annotated: Iterable[Annotated], known: Mapping[str, str] | None = None) -> Split:
    """A fifth of the documents to measure on, a fifth of the rest to stop by; new ones by a hash of their
    content. What shares a name, a document or a picture is one document, see `_group`.

    Args:
        known: parts that documents had before, see `known_parts`. They keep them: what was learnt from is
            never measured on.

    Raises:
        UsageError: too few documents, or no header among those to measure on.
    """
    documents = _group(annotated)
    if len(documents) < MIN_DOCUMENTS:
        pages = "; pictures NAME-1, NAME-2 … are the pages of one" if documents else ""
        raise UsageError(
            f"{len(documents)} annotated documents: at least {MIN_DOCUMENTS} are needed, a part of them to"
            f" measure on{pages}"
        )
    known = known or {}
    n_held_out = max(MIN_HELD_OUT, math.ceil(HELD_OUT_SHARE * len(documents)))
    n_stop = max(1, round(HELD_OUT_SHARE * (len(documents) - n_held_out)))
    members: dict[str, list[int]] = {part: [] for part in PARTS}
    marks = [sorted({mark for item in items for mark in _marks(item)}) for items in documents]
    order = sorted(range(len(documents)), key=lambda i: marks[i])
    before = [[known[mark] for mark in found if mark in known] for found in marks]
    for i in order:
        if before[i]:
            # Of a document put together from several, what was learnt from counts.
            members[min(before[i], key=PARTS.index)].append(i)
    for i in order:
        if not before[i]:
            missing = len(members["held_out"]) < n_held_out, len(members["stop"]) < n_stop
            members["held_out" if missing[0] else "stop" if missing[1] else "train"].append(i)
    train, stop, held_out = ([e for i in members[part] for e in _examples(documents[i])] for part in PARTS)
    if not train or not count_tokens(labels := _gold(held_out), labels).headers.labels:
        raise UsageError(
            "the annotated documents have no labelled headers to learn from or to measure on; annotate more"
        )
    counts = len(members["train"]), len(members["stop"]), len(members["held_out"])
    own = {mark: part for part, numbers in members.items() for i in numbers for mark in marks[i]}
    return Split(train, stop, held_out, counts, {**known, **own})


def _group(annotated: Iterable[Annotated]) -> list[list[Annotated]]:
    """What was annotated, by document: items that share their name or a mark, also by way of others, are of
    one. Tools keep different marks, so no single one tells all pages of a document."""
    documents: list[tuple[set[str], list[Annotated]]] = []
    for item in annotated:
        shared, items = {_name(item), *_marks(item)}, [item]
        apart = []
        for document in documents:
            if shared.isdisjoint(document[0]):
                apart.append(document)
            else:
                shared |= document[0]
                items = [*document[1], *items]
        documents = [*apart, (shared, items)]
    return [items for _, items in documents]


def _name(item: Annotated) -> str:
    """The name of the document; pictures `NAME-1`, `NAME-2` are pages of NAME."""
    stem = Path(str(item.gold.origin.get("picture") or item.path.name)).stem
    return _PAGE.sub("", stem) if item.gold.kind == "image" else stem


def _marks(item: Annotated) -> set[str]:
    """What stays the same when a document is renamed: the sha256 of it, and of the one its picture is of."""
    return {item.gold.sha256, str(item.gold.origin.get("document_sha256") or item.gold.sha256)}


def mix(split: Split, made_up: Data, config: DataConfig) -> Data:
    """Annotated and made-up pages, weighted so that `ANNOTATED_SHARE` of what is drawn is annotated."""
    made_up_weights = made_up.weights or share_weights([made_up.train], [1.0], config)
    return Data(
        [*split.train, *made_up.train],
        [*split.stop, *made_up.validation],
        [
            *share_weights([split.train], [ANNOTATED_SHARE], config),
            *((1 - ANNOTATED_SHARE) * weight for weight in made_up_weights),
        ],
    )


def measure(folder: Path, examples: Sequence[Example]) -> LabelScores:
    """The scores of the model of a folder."""
    return score_labels(_gold(examples), predict_labels(folder, examples))


def predict_labels(folder: Path, examples: Sequence[Example]) -> list[str]:
    """The label that the model of a folder gives each token of the examples, in order."""
    names = label_names()
    encoder = Encoder.load(folder, size=_read(folder / SETTINGS)["window"])
    logits = predict_logits(load_model(folder), encoder, examples)
    found = example_log_probs(encoder, examples, logits, temperature=1.0)
    return [names[k] for part in found if len(part) for k in part.argmax(axis=1)]


def score_labels(gold: Sequence[str], predicted: Sequence[str]) -> LabelScores:
    counts: TokenCounts = count_tokens(gold, predicted)
    kinds = {kind.rstrip(":"): counts.labels.only(kind).f1 for kind in KINDS}
    n_false = sum(g == OTHER and is_header(p) for g, p in zip(gold, predicted, strict=True))
    return LabelScores(counts.tokens, counts.headers.f1, counts.f1, kinds, n_false)


def find_reasons(old: Mapping[str, LabelScores], new: Mapping[str, LabelScores]) -> Iterable[str]:
    """Why the new model is not to be installed; where there is nothing to compare, that is why."""
    for name, of, what, where in (
        ("held_out", "header_f1", "headers", "held-out annotations"),
        ("fixtures", "header_f1", "headers", "the fixtures"),
        ("fixtures", "f1", "all labels", "the fixtures"),
    ):
        before, after = (getattr(scores[name], of) for scores in (old, new))
        if before is None or after is None:
            yield f"nothing is known of it on {where}: no F1 of {what}"
        elif name == "held_out" and not after > before:
            yield f"it is no better on {where}: F1 of {what} {after:.4f}, before {before:.4f}"
        elif after < before - TOLERANCE:
            yield f"it is worse on {where}: F1 of {what} {after:.4f}, before {before:.4f}"
    n_before, n_after = old["no_form"].n_false_headers, new["no_form"].n_false_headers
    if n_after > n_before + TOLERANCE * new["no_form"].n_tokens:
        yield (
            f"it takes {n_after} of {new['no_form'].n_tokens} tokens on pages of no such form for headers,"
            f" before {n_before}"
        )


def _no_form() -> list[Example]:
    """Pages of no form, the same for every model."""
    return [sample_negative(np.random.default_rng([_NO_FORM_SEED, i])) for i in range(N_NO_FORM)]


def _examples(items: Iterable[Annotated]) -> Iterable[Example]:
    for item in items:
        for example in gold_examples(item.gold, item.path):
            yield replace(example, source=f"annotated:{example.source}")


def _gold(examples: Iterable[Example]) -> list[str]:
    return [label for example in examples for label in example.labels]


def _check_files(parent: Path) -> None:
    if missing := [name for name in FILES if not (parent / name).is_file()]:
        raise ModelError(f"{parent}: training cannot go on from it, {', '.join(missing)} not in it")


def _model_config(parent: Path) -> ModelConfig:
    """The size of a trained model."""
    _check_files(parent)
    settings = _read(parent / SETTINGS)
    if settings.get("labels") != list(label_names()):
        raise ModelError(f"{parent}: was trained with other labels; train it anew with `giar train`")
    model = _read(parent / RECORD)["config"]["model"]
    pretrained = model.get("pretrained")
    return ModelConfig(**{**model, "pretrained": Path(pretrained) if pretrained else None})


def _note(retrained: Retrained, split: Split, parent_name: str) -> None:
    """In the record and the card of the new model: what it was retrained on, and both scores."""
    counts = dict(zip(PARTS, split.n_documents, strict=True))
    scores = {
        age: {name: asdict(found) for name, found in sets.items()}
        for age, sets in (("old", retrained.old), ("new", retrained.new))
    }
    path = retrained.folder / RECORD
    record = _read(path)
    record["retrained"] = {
        "parent": parent_name,
        "documents": sum(counts.values()),
        **counts,
        "parts": dict(sorted(split.parts.items())),
        "sha256": data_hash([*split.train, *split.stop, *split.held_out]),
        **scores,
        "not_installed": list(retrained.reasons),
    }
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    rows = [
        f"| {title} | {_say(retrained.old[name].header_f1)} | {_say(retrained.new[name].header_f1)} |"
        for title, name in (("held-out annotations", "held_out"), ("fixtures, gold tokens", "fixtures"))
    ]
    with (retrained.folder / "card.md").open("a", encoding="utf-8") as card:
        card.write(
            "\n## Retrained\n\n"
            f"From version {parent_name}, with {counts['train']} annotated documents to learn from and"
            f" {counts['stop']} to stop by beside the made-up ones. F1 of headers, before and after, on"
            f" {counts['held_out']} other annotated documents and on eval/fixtures (tokens of the gold, no"
            " OCR):\n\n| | before | after |\n|---|---:|---:|\n" + "\n".join(rows) + "\n"
        )


def _say(score: float | None) -> str:
    return "" if score is None else f"{score:.4f}"


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found

"""`giar retrain --annotations DIR`: a new version of the label model, in use only if it is better."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from giar_ml.annotations.gold import SUFFIX, Gold
from giar_ml.cli.console import EXIT_ACCEPTED, EXIT_FAILED, EXIT_REVIEW, complain, print_on_stdout
from giar_ml.errors import InputError, UsageError
from giar_ml.label.names import FIGURE, is_header
from training.labels.config import TrainConfig
from training.labels.datasets import make_data

if TYPE_CHECKING:
    from giar_ml.annotations.reading import Imported
    from training.labels.retrain import Retrained

_TELLING_FIGURES = 12
"""So many figures other than 0 are not the same on two pages by chance."""


def run(args: argparse.Namespace) -> int:
    """Returns the exit status."""
    from giar_ml.models import current_label_model, current_version, install_model

    if not find_spec("torch") or not find_spec("transformers"):
        raise UsageError("training needs PyTorch and transformers: pip install 'giar-ml[train]'")
    config = _read_config(args)
    if not any(args.fixtures.rglob(f"*{SUFFIX}")):
        raise UsageError(
            f"{args.fixtures}: no documents with gold; give those that must be read no worse, eval/fixtures"
            " of the repository say, with --fixtures DIR"
        )
    out = args.output or Path("out") / "retrained" / f"{datetime.now():%Y-%m-%d-%H%M%S}"
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out}: is no empty folder; choose another with -o")
    parent_name, parent = current_version(), current_label_model()
    imported = _read_annotations(args)
    if imported is None:
        return EXIT_FAILED
    fixtures = {path: Gold.read(path) for path in sorted(args.fixtures.rglob(f"*{SUFFIX}"))}
    _refuse([item.gold for item in imported.golds], list(fixtures.values()))

    from training.labels.data import gold_examples
    from training.labels.retrain import known_parts, retrain, split_documents

    to_keep = [
        example
        for path, gold in fixtures.items()
        for example in gold_examples(gold, path.with_name(path.name.removesuffix(SUFFIX)))
    ]
    if not any(is_header(label) for example in to_keep for label in example.labels):
        raise UsageError(f"{args.fixtures}: its gold has no labelled headers that could be read worse")
    split = split_documents(imported.golds, known_parts(parent))
    say = (lambda text: None) if args.quiet else (lambda text: print(text, file=sys.stderr))
    say("{} annotated documents to learn from, {} to stop by, {} to measure on".format(*split.n_documents))
    retrained = retrain(
        config,
        split,
        make_data(config, args.corpus, quiet=args.quiet),
        to_keep,
        out,
        parent=parent,
        parent_name=parent_name,
        quiet=args.quiet,
        say=say,
    )
    if not args.quiet:
        _print_scores(retrained)
    if retrained.reasons:
        for reason in retrained.reasons:
            complain(f"not installed: {reason}")
        complain(f"{parent_name} stays in use; the new model is in {out}")
        return EXIT_REVIEW
    version = install_model(out, after=parent_name)
    if not args.quiet:
        print(f"{version} is installed and in use; `giar models rollback` goes back to {parent_name}")
    return EXIT_ACCEPTED


def _read_config(args: argparse.Namespace) -> TrainConfig:
    config = TrainConfig.read(args.config)
    if args.documents:
        config = dataclasses.replace(config, data=dataclasses.replace(config.data, documents=args.documents))
    if args.steps:
        every = min(config.run.evaluate_every, args.steps)
        config = dataclasses.replace(
            config, run=dataclasses.replace(config.run, steps=args.steps, evaluate_every=every)
        )
    return config


def _read_annotations(args: argparse.Namespace) -> Imported | None:
    """None when something is wrong with them, which is then said."""
    from giar_ml.annotations.reading import BAD_ANNOTATIONS, read_annotations

    try:
        return read_annotations(args.annotations, images=args.images, skip_bad=args.skip_bad)
    except InputError as error:
        if error.code != BAD_ANNOTATIONS:
            raise
        for line in str(error).splitlines():
            complain(line)
        return None


def _refuse(golds: Sequence[Gold], fixtures: Sequence[Gold]) -> None:
    """Raises UsageError when a document, or one of its pages, is one of the fixtures: pictures of pages have
    neither the seed nor all figures of their report."""
    from training.corpus import refuse_fixtures

    refuse_fixtures(golds, fixtures)
    known = {mark: gold.file for gold in fixtures for mark in _marks(gold)}
    for gold in golds:
        for mark in _marks(gold):
            if mark in known:
                raise UsageError(f"{gold.file}: the same page as of fixture {known[mark]}; leave it out")


def _marks(gold: Gold) -> Iterator[object]:
    """What tells a document and each of its pages."""
    yield gold.sha256
    pages: dict[int | None, list[str]] = {}
    for token in gold.tokens:
        if token.label == FIGURE and token.text.strip(" 0") and token.text.strip():
            pages.setdefault(token.place.page, []).append(token.text.strip())
    for figures in pages.values():
        if len(figures) >= _TELLING_FIGURES:
            yield tuple(sorted(figures))


def _print_scores(retrained: Retrained) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("F1 of", no_wrap=True)
    for title in ("annotated, old", "new", "fixtures (gold tokens), old", "new"):
        table.add_column(title, justify="right", no_wrap=True)
    scores = [found[name] for name in ("held_out", "fixtures") for found in (retrained.old, retrained.new)]
    table.add_row("headers", *_say(found.header_f1 for found in scores))
    table.add_row("all labels", *_say(found.f1 for found in scores))
    table.add_section()
    for kind in scores[0].kinds:
        table.add_row(kind, *_say(found.kinds[kind] for found in scores))
    table.add_section()
    table.add_row("tokens", *(str(found.n_tokens) for found in scores))
    print_on_stdout(Console(width=160), table)


def _say(scores: Iterable[float | None]) -> list[str]:
    return ["" if score is None else f"{score:.4f}" for score in scores]

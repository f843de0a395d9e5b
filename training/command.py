"""`giar synth`, `giar train` and `giar retrain`: their options. What they do is imported when they run."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from giar_ml.cli.console import progress
from giar_ml.cli.options import positive
from training.paths import CORPORA, FIXTURES, RETRAIN_CONFIG

SHEET = "contact-sheet.jpg"
SHEET_PICTURES = 40
EXPORTS = ("ppocrlabel", "label_studio", "xfund", "pubtabnet")


def add_synth(commands: Any) -> None:
    """Add `giar synth` to the subparsers of `giar`."""
    synth = commands.add_parser(
        "synth",
        help="make up reports with their gold, to train and to measure on",
        description="Makes up reports as offices publish them, with gold: every figure, label and table, and"
        " where they stand. The same seed gives the same reports.",
    )
    synth.set_defaults(run=_synth)
    synth.add_argument("output", type=Path, metavar="OUT", help="folder to write into: new or empty")
    synth.add_argument("--n", type=positive, default=20, help="number of reports (default: 20)")
    synth.add_argument("--seed", type=int, default=1, help="0 or more (default: 1)")
    synth.add_argument("--profile", default="mixed", help="what to make, see README (default: mixed)")
    synth.add_argument(
        "--workers", type=positive, default=os.cpu_count() or 1, help="processes (default: all cores)"
    )
    synth.add_argument(
        "--contact-sheet", action="store_true", help=f"also draw {SHEET_PICTURES} samples on {SHEET}"
    )
    synth.add_argument(
        "--export",
        action="append",
        default=[],
        choices=EXPORTS,
        help="also write the gold for another tool (repeatable)",
    )
    synth.add_argument("--quiet", action="store_true", help="print errors only")


def _synth(args: argparse.Namespace) -> int:
    from training.corpus import write_corpus

    with progress(args.n, visible=sys.stderr.isatty() and not args.quiet) as advance:
        paths = write_corpus(
            args.output,
            n=args.n,
            seed=args.seed,
            profile=args.profile,
            workers=args.workers,
            advance=advance,
        )
    if not args.quiet:
        print(f"{len(paths)} documents with gold in {args.output}")
    if args.contact_sheet:
        from training.pictures import write_contact_sheet

        if not write_contact_sheet(paths, args.output / SHEET, n=SHEET_PICTURES):
            print("no contact sheet: none of the documents has pages", file=sys.stderr)
    for name in args.export:
        from training.pictures import export_corpus

        n_exported = export_corpus(paths, args.output / name, name)
        if not args.quiet:
            print(f"{n_exported} of them, those with pages, in {args.output / name}")
    return 0


def add_train(commands: Any) -> None:
    """Add `giar train` to the subparsers of `giar`."""
    command = commands.add_parser(
        "train",
        help="train the classifier that labels rows, columns and figures",
        description="Makes up reports, trains the token classifier on them, writes the model and its card."
        " Stop it and start it again with --resume: it goes on at its last checkpoint.",
    )
    command.set_defaults(run=_train)
    command.add_argument("config", type=Path, nargs="?", metavar="CONFIG.toml", help="settings of the run")
    command.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the model"
    )
    _add_corpus(command)
    command.add_argument("--resume", action="store_true", help="go on at the last checkpoint")
    command.add_argument("--smoke", action="store_true", help="two minutes, to see that it learns")
    command.add_argument("--seed", type=int, help="in place of the seed of CONFIG.toml")
    command.add_argument("--quiet", action="store_true", help="print errors only")


def _add_corpus(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--corpus",
        type=Path,
        default=CORPORA,
        metavar="DIR",
        help="where made-up reports are kept (default: out/corpus)",
    )


def _train(args: argparse.Namespace) -> int:
    from training.train_labels import run

    return run(args)


def add_retrain(commands: Any) -> None:
    """Add `giar retrain` to the subparsers of `giar`."""
    command = commands.add_parser(
        "retrain",
        help="teach the label model annotated documents; it is used only if it is better",
        description="Trains on from the label model in use, two fifths on annotated documents, the rest on"
        " made-up reports. A fifth of the documents, at least two, is only measured on. The new model is"
        " installed if its F1 of headers is higher on them, its F1 on the fixtures at most 0.001 lower and it"
        " takes hardly more of other pages for headers; else it stays in the output folder. `giar models"
        " rollback` goes back.",
        epilog="exit status: 0 installed, 3 trained but not better and so not installed, 2 usage, 4 something"
        " is wrong with the annotations",
    )
    command.set_defaults(run=_retrain)
    command.add_argument(
        "--annotations",
        action="append",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder or file that `giar annotations import` takes, or that it wrote (repeatable); at least 5"
        " documents",
    )
    command.add_argument(
        "--images",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="one more folder with the pictures (repeatable)",
    )
    command.add_argument(
        "--skip-bad", action="store_true", help="leave out documents whose annotations have something wrong"
    )
    command.add_argument(
        "--config", type=Path, default=RETRAIN_CONFIG, metavar="TOML", help="settings of the run"
    )
    command.add_argument("--documents", type=positive, metavar="N", help="made-up reports to learn from")
    command.add_argument("--steps", type=positive, metavar="N", help="training steps at most")
    command.add_argument(
        "--fixtures",
        type=Path,
        default=FIXTURES,
        metavar="DIR",
        help="documents with gold, in subfolders too, that must be read no worse (default: eval/fixtures of"
        " the repository)",
    )
    command.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help="folder of the new model (default: in out/retrained)"
    )
    _add_corpus(command)
    command.add_argument("--quiet", action="store_true", help="print errors only")


def _retrain(args: argparse.Namespace) -> int:
    from training.retrain_labels import run

    return run(args)

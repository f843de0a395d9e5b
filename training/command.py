"""`giar synth`: a corpus of made-up reports with their gold."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from giar_ml.cli.console import progress
from giar_ml.cli.options import positive

SHEET = "contact-sheet.jpg"
SHEET_PICTURES = 40
EXPORTS = ("ppocrlabel", "label_studio", "xfund", "pubtabnet")


def add_command(commands: Any) -> None:
    """Add the command to the subparsers of `giar`."""
    synth = commands.add_parser(
        "synth",
        help="make up reports with their gold, to train and to measure on",
        description="Makes up reports as offices publish them, with gold: every figure, label and table, and"
        " where they stand. The same seed gives the same reports.",
    )
    synth.set_defaults(run=run)
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


def run(args: argparse.Namespace) -> int:
    """Returns the exit status."""
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

"""`giar show`: print results as on the form."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from giar_ml.cli.console import EXIT_ACCEPTED, EXIT_FAILED, print_on_stdout


def add_command(commands: Any) -> None:
    """Add the command to the subparsers of `giar`."""
    show = commands.add_parser("show", help="print results as on the form")
    show.set_defaults(run=_show)
    show.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON file that `extract` wrote")


def _show(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.text import Text

    from giar_ml.cli.results import read_result
    from giar_ml.show import render_report

    console = Console()
    width = min(max(console.width, 100), 120) if console.is_terminal else 120
    status = EXIT_ACCEPTED
    for i, path in enumerate(args.files):
        report = read_result(path)
        if report is None:
            status = EXIT_FAILED
            continue
        divider = [Text("═" * width + "\n")] if i else []
        print_on_stdout(console, *divider, render_report(report, width=width))
    return status

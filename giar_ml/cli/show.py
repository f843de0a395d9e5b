"""`giar show`: print results as on the form."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from giar_ml.cli.console import EXIT_ACCEPTED, EXIT_FAILED, complain, print_on_stdout


def add_command(commands: Any) -> None:
    """Add the command to the subparsers of `giar`."""
    show = commands.add_parser("show", help="print results as on the form")
    show.set_defaults(run=_show)
    show.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON file that `extract` wrote")


def _show(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.text import Text

    from giar_ml.report import Report
    from giar_ml.show import render_report

    console = Console()
    width = min(max(console.width, 100), 120) if console.is_terminal else 120
    status = EXIT_ACCEPTED
    for i, path in enumerate(args.files):
        try:
            text = render_report(Report.read(path), width=width)
        except OSError as error:
            complain(f"{path}: cannot read the file ({error.strerror})")
            status = EXIT_FAILED
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
            complain(f"{path}: not a result that `giar extract` wrote, or one of another version")
            status = EXIT_FAILED
        else:
            divider = [Text("═" * width + "\n")] if i else []
            print_on_stdout(console, *divider, text)
    return status

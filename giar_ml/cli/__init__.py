"""The command line: parses, calls the pipeline, says what came of it. Heavy imports happen when used."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points

from giar_ml import __version__
from giar_ml.cli import batch, check, extract, models, show
from giar_ml.cli.annotations import add_command as add_annotations
from giar_ml.cli.console import EXIT_INTERRUPTED, complain, stdout
from giar_ml.errors import GiarError

EXTRA_COMMANDS = "giar.commands"
"""Entry points of this group add commands: functions that take the subparsers, in modules quick to import."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    parser = _build_parser()
    try:
        try:
            args = parser.parse_args(argv)
            return args.run(args)
        finally:
            with stdout():  # flushes what was printed otherwise: help, say
                pass
    except GiarError as error:
        complain(str(error))
        return error.exit_status
    except KeyboardInterrupt:
        complain("interrupted")
        return EXIT_INTERRUPTED


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="giar",
        description="Reads the statutory tables of government information disclosure reports.",
    )
    parser.add_argument("--version", action="version", version=f"giar {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_CommandParser)
    for add_command in (
        extract.add_command,
        batch.add_command,
        show.add_command,
        check.add_command,
        add_annotations,
        models.add_command,
    ):
        add_command(commands)
    for entry in sorted(entry_points(group=EXTRA_COMMANDS)):
        try:
            add_command = entry.load()
        except ImportError as error:  # must not cost the commands that are there
            complain(f"command {entry.name} left out ({error}); install the package again")
        else:
            add_command(commands)
    return parser


class _CommandParser(argparse.ArgumentParser):
    """Takes files before, between and after options; argparse alone takes them in one place only."""

    _is_parsing = False

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        if self._is_parsing or self._subparsers is not None:  # commands of a command parse for themselves
            return super().parse_known_args(args, namespace)
        self._is_parsing = True
        try:
            return self.parse_intermixed_args(_without_separator(args or ()), namespace), []
        finally:
            self._is_parsing = False


def _without_separator(args: Sequence[str]) -> list[str]:
    """All that follows `--` is a file, which argparse forgets between its two passes."""
    args = list(args)
    end = args.index("--") if "--" in args else len(args)
    return args[:end] + [f"./{name}" if name.startswith("-") else name for name in args[end + 1 :]]

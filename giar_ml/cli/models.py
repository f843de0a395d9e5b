"""`giar models`: the versions of the label model, and which one reads."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from giar_ml.cli.console import EXIT_ACCEPTED, print_on_stdout, say


def add_command(commands: Any) -> None:
    """Add the command to the subparsers of `giar`."""
    models = commands.add_parser("models", help="list the label models, choose one, go back")
    actions = models.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="all versions with their scores")
    listing.set_defaults(run=_list)
    use = actions.add_parser("use", help="read with this version from now on")
    use.set_defaults(run=_use)
    use.add_argument("version", metavar="VERSION", help="a name that `list` shows; `shipped` always is one")
    install = actions.add_parser("install", help="copy what `giar train` wrote and read with it from now on")
    install.set_defaults(run=_install)
    install.add_argument("folder", type=Path, metavar="DIR", help="folder of a model")
    back = actions.add_parser("rollback", help="read with the version that was in use before")
    back.set_defaults(run=_rollback)


def _list(args: argparse.Namespace) -> int:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from giar_ml.models import list_models, models_home
    from giar_ml.words import one_line

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("", "version", "installed", "from", "F1 of headers"):
        table.add_column(name, no_wrap=True)
    for model in list_models():
        installed = (model.installed or "").replace("T", " ").removesuffix("+00:00")
        scores = f"cannot be used: {model.fault}" if model.fault else _scores(model.record)
        origin = _origin(model.record)
        table.add_row("*" if model.in_use else "", *map(one_line, (model.name, installed, origin, scores)))
    console = Console(width=200)
    print_on_stdout(console, table, f"* is in use. Installed ones are in {models_home() / 'labels'} (UTC).")
    return EXIT_ACCEPTED


def _origin(record: Mapping[str, Any]) -> str:
    retrained = record.get("retrained")
    if isinstance(retrained, dict):
        return f"{retrained.get('parent')} + {retrained.get('documents')} annotated"
    return "made-up reports" if record else ""


def _scores(record: Mapping[str, Any]) -> str:
    try:
        if retrained := record.get("retrained"):
            old, new = retrained["old"], retrained["new"]
            return ", ".join(
                f"{name} {new[key]['header_f1']:.4f} (before {old[key]['header_f1']:.4f})"
                for name, key in (("annotated", "held_out"), ("fixtures", "fixtures"))
            )
        return ", ".join(
            f"{'scans' if name == 'read' else f'noise {name}'} {scores['header_f1']:.4f}"
            for name, scores in record["scores"].items()
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        return ""


def _use(args: argparse.Namespace) -> int:
    from giar_ml.models import use_model

    use_model(args.version)
    say(f"{args.version} is in use")
    return EXIT_ACCEPTED


def _install(args: argparse.Namespace) -> int:
    from giar_ml.label.classifier import load_classifier
    from giar_ml.models import install_model

    load_classifier(args.folder)
    say(f"{install_model(args.folder)} is installed and in use")
    return EXIT_ACCEPTED


def _rollback(args: argparse.Namespace) -> int:
    from giar_ml.models import rollback

    say(f"{rollback()} is in use")
    return EXIT_ACCEPTED

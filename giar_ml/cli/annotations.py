"""`giar annotations`: what people annotated comes in, what the model sees goes out to be corrected."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from giar_ml.cli.console import EXIT_ACCEPTED, EXIT_FAILED, complain, print_on_stdout, progress, say
from giar_ml.cli.options import add_reader_options, positive, reader_options
from giar_ml.errors import GiarError, InputError, UsageError

if TYPE_CHECKING:
    from giar_ml.annotations.gold import Gold
    from giar_ml.annotations.reading import Imported, Skipped
    from giar_ml.pipeline import Extractor

EXPORTS = ("ppocrlabel", "label-studio")
_MAX_NAMED = 5
"""So many documents left out for one reason are named; the rest are counted."""
_MIN_DPI, _MAX_DPI = 30, 600


def add_command(commands: Any) -> None:
    """Add the command to the subparsers of `giar`."""
    annotations = commands.add_parser(
        "annotations",
        help="take in what people annotated; write what the model sees for them to correct",
    )
    actions = annotations.add_subparsers(required=True, metavar="ACTION")

    take = actions.add_parser(
        "import",
        help="check annotations and write them as gold beside copies of their pictures",
        description="Reads folders of PPOCRLabel, exports of Label Studio (JSON), files in the shape of XFUND"
        " or FUNSD, and corrected gold files; checks them; writes <picture>.gold.json and the picture.",
        epilog="exit status: 0 imported, 2 usage, 4 something is wrong, or nothing is confirmed",
    )
    take.set_defaults(run=_import)
    _add_sources(take)
    take.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="output folder")
    take.add_argument("--skip-bad", action="store_true", help="leave out documents with something wrong")
    take.add_argument("--overwrite", action="store_true", help="replace files that are in DIR already")

    check = actions.add_parser(
        "check",
        help="only check annotations",
        epilog="exit status: 0 nothing wrong, 2 usage, 4 something is wrong",
    )
    check.set_defaults(run=_check)
    _add_sources(check)

    export = actions.add_parser(
        "export",
        help="write what the model sees, to be corrected in a tool",
        description="Renders the pages of PDF files and pictures, reads them, and writes every token with its"
        " label as the tool opens it. Nothing in it is confirmed yet.",
        epilog="exit status: 0 exported, 2 usage, 4 some could not be read, or none has pages",
    )
    export.set_defaults(run=_export)
    export.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="file, or folder of files")
    export.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="output folder")
    export.add_argument("--format", choices=EXPORTS, required=True, help="the tool")
    export.add_argument(
        "--dpi", type=_dpi, metavar="N", help="resolution of the pictures (default: that of the analysis)"
    )
    export.add_argument(
        "--overwrite", action="store_true", help="replace an export that is in DIR already, its pictures too"
    )
    export.add_argument("--quiet", action="store_true", help="print errors only")
    add_reader_options(export)


def _add_sources(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sources",
        nargs="+",
        type=Path,
        metavar="SOURCE",
        help="folder with Label.txt or gold files, or JSON file of Label Studio, XFUND or FUNSD",
    )
    parser.add_argument(
        "--images",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help="folder that pictures may lie in, when not beside their annotations (repeatable)",
    )
    parser.add_argument("--quiet", action="store_true", help="print errors only")


def _dpi(text: str) -> int:
    number = positive(text)
    if not _MIN_DPI <= number <= _MAX_DPI:
        raise argparse.ArgumentTypeError(f"{text} is not from {_MIN_DPI} to {_MAX_DPI}")
    return number


# import, check


def _import(args: argparse.Namespace) -> int:
    from giar_ml.annotations.storing import store

    imported = _read(args, skip_bad=args.skip_bad)
    if imported is None:
        return EXIT_FAILED
    _tell_skipped(imported.skipped, quiet=args.quiet)
    if not imported.golds:
        complain("nothing was imported: no document is annotated and confirmed")
        return EXIT_FAILED
    store(imported.golds, args.output, overwrite=args.overwrite)
    if not args.quiet:
        _print_counts(imported)
        say(f"{len(imported.golds)} imported into {args.output}, {len(imported.skipped)} left out")
    return EXIT_ACCEPTED


def _check(args: argparse.Namespace) -> int:
    imported = _read(args, skip_bad=False)
    if imported is None:
        return EXIT_FAILED
    _tell_skipped(imported.skipped, quiet=args.quiet)
    if not args.quiet:
        _print_counts(imported)
        say(f"{len(imported.golds)} good, {len(imported.skipped)} not to be used")
    return EXIT_ACCEPTED


def _read(args: argparse.Namespace, *, skip_bad: bool) -> Imported | None:
    """None when something is wrong with the annotations, which is then said."""
    from giar_ml.annotations.reading import BAD_ANNOTATIONS, read_annotations

    for folder in args.images:
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder of pictures")
    try:
        return read_annotations(args.sources, images=args.images, skip_bad=skip_bad)
    except InputError as error:
        if error.code != BAD_ANNOTATIONS:
            raise
        for line in str(error).splitlines():
            complain(line)
        return None


def _tell_skipped(skipped: Sequence[Skipped], *, quiet: bool) -> None:
    """Bad documents each, in any case; the others by reason."""
    by_reason: dict[str, list[Skipped]] = {}
    for item in skipped:
        if item.reason.startswith("bad: "):
            complain(f"left out: {item.where}: {item.reason.removeprefix('bad: ')}")
        else:
            by_reason.setdefault(item.reason, []).append(item)
    for reason, items in by_reason.items() if not quiet else ():
        names = ", ".join(item.name or item.where for item in items[:_MAX_NAMED])
        more = f" and {len(items) - _MAX_NAMED} more" if len(items) > _MAX_NAMED else ""
        complain(f"left out, {reason}: {names}{more}")


def _print_counts(imported: Imported) -> None:
    from collections import Counter

    from rich import box
    from rich.console import Console
    from rich.table import Table

    from giar_ml.words import one_line

    tools = sorted({item.tool for item in imported.golds})
    tokens = Counter((token.label, item.tool) for item in imported.golds for token in item.gold.tokens)
    documents = Counter(item.tool for item in imported.golds)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("label", no_wrap=True)
    for tool in tools:
        table.add_column(one_line(tool), justify="right", no_wrap=True)
    for label in sorted({label for label, _ in tokens}):
        table.add_row(label, *(str(tokens[label, tool] or "") for tool in tools))
    table.add_section()
    table.add_row("documents", *(str(documents[tool]) for tool in tools))
    console = Console()
    if not console.is_terminal:
        console.width = 160
    if tools:
        print_on_stdout(console, table)


# export


def _export(args: argparse.Namespace) -> int:
    from giar_ml.annotations.export import export_predictions, exported_pictures
    from giar_ml.annotations.predicting import model_version
    from giar_ml.cli.extract import _list_inputs, _prepare_folder
    from giar_ml.pipeline import Extractor

    inputs = _list_inputs(args.inputs)
    options = reader_options(args)
    _prepare_folder(args.output)
    labels = "Label.txt" if args.format == "ppocrlabel" else "label_studio.json"
    if (args.output / labels).exists() and not args.overwrite:
        raise UsageError(
            f"{args.output / labels}: already there, perhaps with corrections; choose another folder with -o,"
            " or use --overwrite"
        )
    tool = args.format.replace("-", "_")
    read = set(map(_identity, filter(Path.exists, inputs)))
    earlier = exported_pictures(args.output, tool) if args.overwrite else []
    replaceable = {path for path in earlier if path.exists() and _identity(path) not in read}
    # PPOCRLabel opens the folder of the pictures; Label Studio imports a file beside it.
    pictures = args.output if args.format == "ppocrlabel" else args.output / "pages"
    _prepare_folder(pictures)
    extractor = Extractor(**{**options, "prose": True})
    status = EXIT_ACCEPTED
    golds: list[tuple[Gold, list[Path]]] = []
    taken: dict[str, Path] = {}
    with progress(len(inputs), visible=sys.stderr.isatty() and not args.quiet) as advance:
        for path in inputs:
            advance(path.name)
            first = taken.setdefault(path.stem, path)
            if first is not path:
                complain(f"{path}: left out: its pictures would be called as those of {first}; rename one")
                status = EXIT_FAILED
                continue
            try:
                exported = _predict(extractor, path, pictures, dpi=args.dpi, replaceable=replaceable)
            except GiarError as error:
                complain(f"{path}: left out: {str(error).removeprefix(f'{path.name}: ')}")
                status = max(status, error.exit_status)
                continue
            except OSError as error:
                raise _cannot_write(args.output, error) from error
            except Exception as error:  # a bug must not cost the other documents
                complain(f"{path}: left out: internal error, please report it ({error!r})")
                status = EXIT_FAILED
                continue
            if exported is None:
                complain(f"{path}: left out: texts, Word files and web pages have no pages to annotate")
            else:
                golds.append(exported)
    if not golds:
        complain("nothing was exported")
        return status or EXIT_FAILED
    try:
        written = export_predictions(golds, args.output, tool, model_version=model_version())
    except OSError as error:
        raise _cannot_write(args.output, error) from error
    if not args.quiet:
        n_pages = sum(len(paths) for _, paths in golds)
        n_tokens = sum(len(gold.tokens) for gold, _ in golds)
        say(f"{n_tokens} tokens on {n_pages} pages of {len(golds)} documents in {written}")
        say(_NEXT[args.format].format(folder=args.output))
    return status


_NEXT = {
    "ppocrlabel": "Open it with: PPOCRLabel --kie True, folder {folder}; a page is confirmed with Check",
    "label-studio": "Label Studio: make a project with {folder}/label_studio.xml, serve {folder} as local"
    " files (LOCAL_FILES_DOCUMENT_ROOT), import {folder}/label_studio.json; export as JSON into the folder",
}


def _cannot_write(folder: Path, error: OSError) -> UsageError:
    reason = error.strerror or type(error).__name__
    return UsageError(f"{folder}: cannot be written to ({reason}); make room there or choose another with -o")


def _identity(path: Path) -> tuple[int, int]:
    """What a file has in common with itself under another name."""
    found = path.stat()
    return found.st_dev, found.st_ino


def _predict(
    extractor: Extractor, path: Path, folder: Path, *, dpi: int | None, replaceable: Collection[Path]
) -> tuple[Gold, list[Path]] | None:
    """What the model sees, with the pictures of the pages; None where there are no pages."""
    from giar_ml.annotations.predicting import fit_to_pictures, predicted_gold, save_pictures
    from giar_ml.load import load

    gold = predicted_gold(extractor.label(path))
    if gold.kind in ("text", "word", "html"):
        return None
    # Read again: the extractor drops its pictures, and a long document has many.
    pictures = save_pictures(load(path).pages, folder, path.stem, dpi=dpi, replaceable=replaceable)
    return fit_to_pictures(gold, dpi), pictures

"""`giar check`: hold the reports of an office against each other, year by year."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from giar_ml.cli.console import EXIT_ACCEPTED, EXIT_FAILED, EXIT_REVIEW, say
from giar_ml.errors import UsageError

if TYPE_CHECKING:
    from giar_ml.report import Report


def add_command(commands: Any) -> None:
    """Add the command to the subparsers of `giar`."""
    check = commands.add_parser(
        "check",
        help="link results of one office by year, and decide open cells with the years beside them",
        epilog="exit status: 0 every link holds, 3 some do not or reports need review, 4 some failed or"
        " are no results, 2 usage",
    )
    check.set_defaults(run=_check)
    check.add_argument("folder", type=Path, metavar="DIR", help="folder of results that `extract` wrote")
    check.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="folder for the results as they are then"
    )


def _check(args: argparse.Namespace) -> int:
    from giar_ml.years import find_links, use_links

    results, n_unreadable = _read_results(args.folder)
    reports = [report for _, report in results]
    links = find_links(reports)
    found = use_links(reports)
    for before, after in links:
        say(_describe(found[before], found[after]))
    n_decided = sum(new.cells != old.cells for new, old in zip(found, reports, strict=True))
    statuses = Counter(report.status for report in found)
    say(
        f"{len(reports)} reports, links between years: {len(links)}; decided anew: {n_decided},"
        f" for review: {statuses['review']}, failed: {statuses['failed']}, not results: {n_unreadable}"
    )
    if args.output:
        _write(args.output, [(path.stem, report) for (path, _), report in zip(results, found, strict=True)])
    if statuses["failed"] or n_unreadable:
        return EXIT_FAILED
    is_broken = any(c.id.startswith("year:") and not c.holds for report in found for c in report.checks)
    return EXIT_REVIEW if is_broken or statuses["review"] else EXIT_ACCEPTED


def _write(folder: Path, results: Sequence[tuple[str, Report]]) -> None:
    from giar_ml.export import write

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for stem, report in results:
            write(report, folder, stem, ["json"])
    except OSError as error:
        raise UsageError(f"{folder}: cannot write there ({error.strerror})") from error


def _read_results(folder: Path) -> tuple[list[tuple[Path, Report]], int]:
    """The results of a folder, and how many of its files are none."""
    from giar_ml.cli.results import read_result

    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder of results")
    found = [(path, read_result(path)) for path in sorted(folder.glob("*.json"))]
    results = [(path, report) for path, report in found if report]
    if not results:
        raise UsageError(f"{folder}: no results in it; `giar extract … -o {folder}` writes them")
    return results, len(found) - len(results)


def _describe(before: Report, after: Report) -> str:
    """A line that says whether a link holds, and one for each sum that does not, in words of the form."""
    from giar_ml.forms import load_form
    from giar_ml.words import name_check

    assert after.form is not None
    form = load_form(after.form)
    checks = [check for check in after.checks if check.id.startswith("year:")]
    broken = [check for check in checks if not check.holds]
    lines = [
        f"{after.organisation} {before.year}–{after.year}: {len(checks) - len(broken)} of {len(checks)} hold"
    ]
    for check in broken:
        name = name_check(form, check.id)
        lines.append(f"  {name}: {check.left} in {after.year}, {check.right} by {before.year}")
    return "\n".join(lines)

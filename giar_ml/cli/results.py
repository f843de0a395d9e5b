"""Results that `giar extract` wrote, read again by other commands."""

from __future__ import annotations

from pathlib import Path

from giar_ml.cli.console import complain
from giar_ml.report import Report
from giar_ml.years import is_complete


def read_result(path: Path) -> Report | None:
    """The result in a file; None, with a complaint, where there is none that this version can use."""
    try:
        report = Report.read(path)
    except OSError as error:
        complain(f"{path}: cannot read the file ({error.strerror})")
        return None
    except (ValueError, RecursionError):
        report = None
    if report is None or (report.cells and not is_complete(report)):
        complain(f"{path}: not a result that `giar extract` wrote, or one of another version")
        return None
    return report

"""Report -> JSON, CSV and XLSX files, whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from giar_ml.forms import load_form
from giar_ml.report import Report
from giar_ml.workbook import to_xlsx_bytes

CSV_COLUMNS = ("key", "名称", "value", "printed", "status", "confidence", "page", "line", "suggestion")


def write(report: Report, folder: Path, stem: str, formats: Iterable[str]) -> list[Path]:
    """Write `folder/stem.<format>` for each format; returns the paths, JSON last.

    Each file is written beside its place and then renamed, and none is renamed before all are
    written, so a full disk leaves what was there before.

    Raises:
        OSError: a file cannot be written.
        ValueError: there is no such format.
    """
    content = {"csv": _to_csv, "xlsx": to_xlsx_bytes, "json": to_json_bytes}
    wanted = set(formats)
    if unknown := wanted - set(content):
        raise ValueError(f"no such format: {', '.join(sorted(unknown))}")
    names = [name for name in content if name in wanted]
    return write_files({folder / f"{stem}.{name}": content[name](report) for name in names})


def write_files(contents: Mapping[Path, bytes]) -> list[Path]:
    """Write files, each beside its place and then renamed, none before all are written.

    Raises:
        OSError: a file cannot be written.
    """
    written: dict[Path, Path] = {}
    try:
        for path, content in contents.items():
            beside = path.with_name(f".{secrets.token_hex(8)}{path.suffix}.tmp")
            written[beside] = path
            with beside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for beside, path in written.items():
            beside.replace(path)
    finally:
        for beside in written:
            beside.unlink(missing_ok=True)
    return list(written.values())


def to_json_bytes(report: Report) -> bytes:
    """The content of a result file."""
    # A file name that is not UTF-8 holds lone surrogates: they become JSON escapes.
    return (report.to_json() + "\n").encode("utf-8", errors="backslashreplace")


def _to_csv(report: Report) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for key, form_cell in load_form(report.form).cells.items() if report.form else ():
        cell = report.cells.get(key)
        if cell:
            figures = (cell.value, cell.printed, cell.status, cell.confidence)
            writer.writerow([key, form_cell.name, *figures, cell.page, cell.line, cell.suggestion])
    return out.getvalue().encode("utf-8-sig")  # Chinese Excel reads CSV without the mark as GBK

"""The results in the output folder: written, found again, decided anew."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from giar_ml.batch.manifest import Document, Manifest
from giar_ml.batch.settings import Reading
from giar_ml.batch.worker import Result
from giar_ml.errors import UsageError
from giar_ml.export import to_json_bytes, write_files
from giar_ml.report import Report
from giar_ml.verdict import accept

FOLDER = "reports"
_ID_LENGTH = 32


def report_id(sha256: str) -> str:
    """The name of the result of a content: two files of one name have two, one file given twice has one."""
    return sha256[:_ID_LENGTH]


class Results:
    """The results of a batch and what the manifest says of them.

    Args:
        folder: the output folder; it must be there.
        settings: of each kind of reading, see `find_settings`.
        max_risk: share of accepted reports that may have a wrong cell, see `giar_ml.acceptance.RiskCurve`.
    """

    def __init__(
        self, folder: Path, manifest: Manifest, settings: dict[Reading, str], *, max_risk: float
    ) -> None:
        self._folder = folder / FOLDER
        self._manifest = manifest
        self._settings = settings
        self._max_risk = max_risk
        with explained(self._folder):
            self._folder.mkdir(exist_ok=True)
            for left in self._folder.glob(".*.tmp"):  # by one that was stopped
                left.unlink()
            sync_folder(folder)

    def path(self, sha256: str) -> Path:
        return self._folder / f"{report_id(sha256)}.json"

    def read(self, sha256: str) -> Report:
        """The result of a document that was read.

        Raises:
            UsageError: it is not there, or damaged.
        """
        path = self.path(sha256)
        try:
            return Report.read(path)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{path}: the result cannot be read ({error}); delete it and start the same command again"
            ) from error

    def save(self, results: Sequence[Result]) -> None:
        """Write results for good, then say so in the manifest.

        Raises:
            UsageError: they cannot be written.
        """
        with explained(self._folder):
            write_files({self.path(result.task.sha256): result.content for result in results})
            sync_folder(self._folder)
        for result in results:
            self._manifest.note_document(
                Document(
                    result.task.sha256,
                    result.reading,
                    self._settings[result.reading],
                    result.status,
                    result.code,
                    self._max_risk,
                    len(result.content),
                    result.seconds,
                )
            )
        self._manifest.commit()

    def find(self, sha256: str) -> Document | None:
        """What is known of a content, if it holds under these settings; decided anew where only the accepted
        risk is another."""
        document = self._manifest.find_document(sha256)
        if document is None or document.settings != self._settings.get(document.reading):
            return None
        try:
            if self.path(sha256).stat().st_size != document.size:
                return None
        except OSError:
            return None
        return document if document.max_risk == self._max_risk else self._decide_again(document)

    def _decide_again(self, document: Document) -> Document:
        report = accept(self.read(document.sha256), max_risk=self._max_risk)
        content = to_json_bytes(report)
        with explained(self._folder):
            write_files({self.path(document.sha256): content})
            sync_folder(self._folder)
        document = document._replace(status=report.status, max_risk=self._max_risk, size=len(content))
        self._manifest.note_document(document)
        self._manifest.commit()  # now, or a kill would leave a result of another size than is recorded
        return document


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a power cut."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Errors of writing as such that the user can act on."""
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written to ({error.strerror or error}); make room there and start the same"
            " command again: what is done is kept"
        ) from error

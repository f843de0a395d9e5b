"""A copy of the output folder elsewhere, on an object store say, that is kept up while the batch runs.

The folder is the truth. A round copies a snapshot of the manifest after all results that it lists: whatever
stops it, what the copied manifest lists is there and whole.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from giar_ml.batch.results import FOLDER, report_id
from giar_ml.errors import UsageError
from giar_ml.urls import Remote, Url

_MARK = ".copied.json"
_EVERY_S = 300.0
"""Between two rounds: what a machine that is lost takes along."""
_AT_ONCE = 32
"""Files on their way: an object store takes its time to answer, whatever their size."""


class Mirror:
    """Copies what a folder has and the place elsewhere has not.

    Args:
        folder: of the results.
        url: of the folder elsewhere; made where it is not there.
        warn: told of a round that failed; the next one tries again.
    """

    def __init__(self, folder: Path, url: Url, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._url = url
        self._warn = warn
        self._remote = Remote(url)

    def restore(self, manifest: str) -> None:
        """Fetch all into a folder without a manifest, that of a new machine, so that the batch goes on.

        Raises:
            UsageError: it cannot be fetched.
        """
        try:
            if (self._folder / manifest).exists() or not self._remote.has(manifest):
                return
            (self._folder / FOLDER).mkdir(exist_ok=True)
            beside = self._folder / f".{manifest}.tmp"
            self._remote.get(manifest, beside)
            with closing(sqlite3.connect(beside)) as db:
                names, last = _list_results(db, after=0)
                number = _read_number(db)
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                list(threads.map(self._get, names))
        except OSError as error:
            raise UsageError(
                f"{self._url}: what is there cannot be fetched ({error}); take another address to read"
                " everything again"
            ) from error
        self._write_mark(number, last)
        beside.replace(self._folder / manifest)

    @contextmanager
    def kept_up(self, manifest: str) -> Iterator[None]:
        """Copy now and then meanwhile, and last when that ends, by an interrupt, too."""
        is_over = threading.Event()

        def copy_now_and_then() -> None:
            while not is_over.wait(_EVERY_S):
                self._try_to_copy(manifest)

        thread = threading.Thread(target=copy_now_and_then, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
            self._try_to_copy(manifest)

    def finish(self, manifest: str, tables: Iterable[str]) -> None:
        """Copy what is left, and the files that are made of all results.

        Raises:
            UsageError: it cannot be copied.
        """
        try:
            self._copy(manifest)
            for name in tables:
                self._remote.replace(self._folder / name, name)
        except OSError as error:
            raise UsageError(
                f"{self._url}: cannot be copied to ({error}); all results are in {self._folder}: start the"
                " same command again to copy them"
            ) from error

    def _try_to_copy(self, manifest: str) -> None:
        try:
            self._copy(manifest)
        except (OSError, sqlite3.Error) as error:
            self._warn(f"warning: {self._url}: not copied to ({error}); the results are in {self._folder}")

    def _copy(self, manifest: str) -> None:
        is_empty = not self._remote.has(manifest)  # emptied since the last round, say
        with TemporaryDirectory(prefix="giar-") as name:
            snapshot = Path(name) / manifest
            with (
                closing(sqlite3.connect(self._folder / manifest)) as ours,
                closing(sqlite3.connect(snapshot)) as theirs,
            ):
                ours.backup(theirs)
                number = _read_number(theirs)
                names, last = _list_results(theirs, after=0 if is_empty else self._read_mark(number))
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                list(threads.map(self._put, names))
            self._remote.replace(snapshot, manifest)
        self._write_mark(number, last)

    def _get(self, name: str) -> None:
        with suppress(FileNotFoundError):  # deleted there: it is read again
            self._remote.get(name, self._folder / name)

    def _put(self, name: str) -> None:
        path = self._folder / name
        if path.exists():  # else deleted here
            self._remote.put(path, name)

    def _read_mark(self, number: int) -> int:
        """How many rows of results of the manifest with this number are copied to this place."""
        try:
            mark = json.loads((self._folder / _MARK).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0
        is_of_these = mark["url"] == str(self._url) and mark.get("manifest", 0) == number
        return int(mark["row"]) if is_of_these else 0

    def _write_mark(self, number: int, row: int) -> None:
        mark = {"url": str(self._url), "manifest": number, "row": row}
        (self._folder / _MARK).write_text(json.dumps(mark), encoding="utf-8")


def _read_number(db: sqlite3.Connection) -> int:
    """The number that a manifest has of its own; 0 for an older one."""
    return int(db.execute("PRAGMA application_id").fetchone()[0])


def _list_results(db: sqlite3.Connection, *, after: int) -> tuple[list[str], int]:
    """The files of the results that were recorded, or recorded anew, after a row, and the row of the last:
    SQLite numbers rows as they come."""
    rows = db.execute(
        "SELECT rowid, sha256 FROM documents WHERE rowid > ? ORDER BY rowid", (after,)
    ).fetchall()
    names = [f"{FOLDER}/{report_id(sha256)}.json" for _, sha256 in rows]
    return names, rows[-1][0] if rows else after

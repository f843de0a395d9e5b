"""What is known of a batch: a SQLite file that is right whenever the machine stops.

A result file is in its place for good before the manifest says so: what it says is there, is there. What
a stop takes along is only what was being read or not yet recorded.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from giar_ml.batch.inputs import Input
from giar_ml.batch.settings import Reading
from giar_ml.errors import UsageError
from giar_ml.report import ReportStatus
from giar_ml.urls import Location, Url, find_file, to_location

_VERSION = 1
_SCHEMA = """
CREATE TABLE inputs (  -- of the latest call, in order
  position INTEGER PRIMARY KEY, path BLOB NOT NULL, office TEXT, year INTEGER,
  sha256 TEXT, code TEXT, message TEXT
) STRICT;
CREATE TABLE files (  -- contents of files, so that only changed ones are hashed again
  path BLOB PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
  sha256 TEXT NOT NULL
) STRICT;
CREATE TABLE documents (  -- contents that were read
  sha256 TEXT PRIMARY KEY, reading TEXT NOT NULL, settings TEXT NOT NULL REFERENCES settings,
  status TEXT NOT NULL, code TEXT, max_risk REAL, size INTEGER NOT NULL, seconds REAL NOT NULL,
  read_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT;
CREATE TABLE losses (sha256 TEXT PRIMARY KEY, n INTEGER NOT NULL, code TEXT NOT NULL) STRICT;
CREATE TABLE settings (id TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT;
"""

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def error_code(error: sqlite3.Error) -> int:
    """What SQLite calls an error, without the details in the rest of the code."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error says that the file is damaged, and not that it cannot be used for now."""
    return error_code(error) in _DAMAGED


class Document(NamedTuple):
    """A content that was read. `settings` as they were then; `code` of its problem if it failed;
    `max_risk` what was accepted; `size` of the result in bytes."""

    sha256: str
    reading: Reading
    settings: str
    status: ReportStatus
    code: str | None
    max_risk: float
    size: int
    seconds: float


@dataclass(frozen=True)
class Listed:
    """An input of the latest call; `sha256` once its content is known, `code` and `message` where it cannot
    be."""

    given: Input
    sha256: str | None = None
    code: str | None = None
    message: str | None = None


class Stamp(NamedTuple):
    """By what a changed file is known: any of them differs."""

    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, path: Location) -> Stamp:
        if isinstance(path, Url):
            return cls(*find_file(path), 0)
        stat = path.stat()
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


class Manifest:
    """The manifest in a file, made if it is not there. What is written counts from `commit` on.

    A new one has a number of its own, by which a copy of another one is told from a copy of it.

    Raises:
        UsageError: it is damaged, or was written by another version.
        sqlite3.Error: it cannot be used for now.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._db = sqlite3.connect(path)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._db.executescript(
                    f"BEGIN; {_SCHEMA} PRAGMA application_id = {secrets.randbits(31) or 1};"
                    f" PRAGMA user_version = {_VERSION}; COMMIT;"
                )
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            raise UsageError(
                f"{path}: cannot be used ({error}); choose another output folder, or delete it to read"
                " everything again"
            ) from error
        if version not in (0, _VERSION):
            raise UsageError(f"{path}: is of another version; choose another output folder with -o")

    def close(self) -> None:
        """Close the file; what is not committed is dropped."""
        self._db.close()

    def commit(self) -> None:
        """Make what was written last, through a power cut too."""
        self._db.commit()

    def set_inputs(self, inputs: Iterable[Input]) -> None:
        self._db.execute("DELETE FROM inputs")
        self._db.executemany(
            "INSERT INTO inputs (position, path, office, year) VALUES (?, ?, ?, ?)",
            ((i, os.fsencode(str(item.path)), item.office, item.year) for i, item in enumerate(inputs)),
        )

    def note_input(self, position: int, listed: Listed) -> None:
        """Keep what has become known of an input."""
        # A message may have a name that is no UTF-8 in it.
        message = listed.message and listed.message.encode(errors="backslashreplace").decode()
        self._db.execute(
            "UPDATE inputs SET sha256 = ?, code = ?, message = ? WHERE position = ?",
            (listed.sha256, listed.code, message, position),
        )

    def list_inputs(self) -> Iterator[Listed]:
        rows = self._db.execute(
            "SELECT path, office, year, sha256, code, message FROM inputs ORDER BY position"
        )
        for path, office, year, *known in rows:
            yield Listed(Input(to_location(os.fsdecode(path)), office, year), *known)

    def find_last(self, path: Location) -> tuple[Stamp, str] | None:
        """The stamp and the sha256 of a file when it was noted last."""
        row = self._db.execute(
            "SELECT size, mtime_ns, ctime_ns, sha256 FROM files WHERE path = ?", (_key(path),)
        ).fetchone()
        return (Stamp(*row[:3]), row[3]) if row else None

    def note_content(self, path: Location, stamp: Stamp, sha256: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", (_key(path), *stamp, sha256))

    def find_document(self, sha256: str) -> Document | None:
        row = self._db.execute(
            "SELECT sha256, reading, content, status, code, max_risk, size, seconds FROM documents"
            " JOIN settings ON settings.id = documents.settings WHERE sha256 = ?",
            (sha256,),
        ).fetchone()
        return Document(*row) if row else None

    def note_document(self, document: Document) -> None:
        """Keep what was read, in place of what was read before; its losses are forgiven."""
        settings_id = hashlib.sha256(document.settings.encode()).hexdigest()[:16]
        self._db.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (settings_id, document.settings))
        self._db.execute(
            "INSERT OR REPLACE INTO documents"
            " (sha256, reading, settings, status, code, max_risk, size, seconds)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            document._replace(settings=settings_id),
        )
        self._db.execute("DELETE FROM losses WHERE sha256 = ?", (document.sha256,))

    def note_loss(self, sha256: str, code: str) -> int:
        """Keep that a worker was lost over a document; returns how many were."""
        row = self._db.execute(
            "INSERT INTO losses VALUES (?, 1, ?) ON CONFLICT DO UPDATE SET n = n + 1, code = excluded.code"
            " RETURNING n",
            (sha256, code),
        ).fetchone()
        return int(row[0])


def _key(path: Location) -> bytes:
    return os.fsencode(str(path) if isinstance(path, Url) else path.absolute())

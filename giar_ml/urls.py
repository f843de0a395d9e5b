"""Files that lie elsewhere: on an object store, in HDFS, wherever fsspec reads."""

from __future__ import annotations

import hashlib
import posixpath
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path
from typing import Any, NamedTuple

from giar_ml.errors import UsageError

_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_CHUNK = 1 << 20


class UnknownAddressError(UsageError):
    """No file system has such addresses."""


@dataclass(frozen=True)
class Url:
    """The address of a file or folder; in text as it was given."""

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def name(self) -> str:
        return posixpath.basename(self.text.rstrip("/"))

    @property
    def suffix(self) -> str:
        return posixpath.splitext(self.name)[1]

    def beside(self, name: str) -> Url:
        """Another one of the same folder."""
        return Url(f"{self.text.rpartition('/')[0]}/{name}")


Location = Path | Url


def to_location(text: str) -> Location:
    return Url(text) if _URL.match(text) else Path(text)


class Place(NamedTuple):
    """Where a file or folder really lies, by whatever name it was given; `files` is None on this machine."""

    files: Any
    path: str

    @classmethod
    def of(cls, location: Location) -> Place:
        if isinstance(location, Path):
            return cls(None, _real(location))
        files, path = _open(location)
        from fsspec.implementations.local import LocalFileSystem

        if isinstance(files, LocalFileSystem):
            return cls(None, _real(path))
        return cls(files, path.rstrip("/"))

    def is_in(self, folder: Place) -> bool:
        """Whether it is this folder, or lies in it."""
        return self.files == folder.files and f"{self.path}/".startswith(f"{folder.path}/")


def _real(path: str | Path) -> str:
    return Path(path).resolve().as_posix().rstrip("/")


class Found(NamedTuple):
    """What is known of a file without its content: `changed` is a number that differs once it changes."""

    size: int
    changed: int


def find_file(url: Url) -> Found:
    """What is there.

    Raises:
        OSError: nothing, or it cannot be asked.
    """
    with _explained(url):
        files, path = _open(url)
        info = files.info(path)
        if info["type"] != "file":
            raise IsADirectoryError(f"{url}: not a file")
        # Some file systems keep a hash of the content, some a time: `ukey` is of all that they know.
        key = hashlib.sha256(str(files.ukey(path)).encode()).digest()
        return Found(info["size"] or 0, int.from_bytes(key[:7]))


def hash_url(url: Url) -> str:
    """The sha256 of the content.

    Raises:
        OSError: it cannot be read.
    """
    with _explained(url):
        files, path = _open(url)
        digest = hashlib.sha256()
        with files.open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        return digest.hexdigest()


@contextmanager
def fetched(location: Location) -> Iterator[Path]:
    """The file on this machine: itself, or a copy of its name that is there meanwhile.

    Raises:
        OSError: it cannot be fetched.
    """
    if isinstance(location, Path):
        yield location
        return
    with tempfile.TemporaryDirectory(prefix="giar-") as folder:
        copy = Path(folder) / location.name
        with _explained(location):
            files, path = _open(location)
            files.get_file(path, str(copy))
        yield copy


def is_pattern(argument: Url) -> bool:
    """Whether an address stands for those that it matches: not if there is one of just this name.

    Raises:
        UsageError: it cannot be asked; what reads such addresses is not installed.
    """
    try:
        with _explained(argument):
            files, path = _open(argument)
            return has_magic(path) and not files.exists(path)
    except OSError as error:
        raise UsageError(f"{argument}: cannot be listed ({error})") from error


def list_urls(argument: Url) -> list[Url] | None:
    """The files that a pattern matches or that lie below a folder and are not hidden, by name; None for what
    is no folder.

    Raises:
        UsageError: it is not there or cannot be listed; what reads such addresses is not installed.
    """
    try:
        with _explained(argument):
            files, path = _open(argument)
            if is_pattern(argument):
                paths = [p for p, info in files.glob(path, detail=True).items() if info["type"] == "file"]
            elif files.isdir(path):
                start = len(path.rstrip("/"))
                paths = [found for found in files.find(path) if "/." not in found[start:]]
            elif files.exists(path):
                return None
            else:
                raise UsageError(f"{argument}: cannot be found; check the name")
            head = _find_head(argument, path)
            return [
                Url(files.unstrip_protocol(found) if head is None else head + found)
                for found in sorted(paths)
            ]
    except OSError as error:
        raise UsageError(f"{argument}: cannot be listed ({error})") from error


def _find_head(argument: Url, path: str) -> str | None:
    """What is before the path in an address: it may name a host, which a file system does not put back. None
    where the path is no part of the address."""
    if argument.text.endswith(path):
        return argument.text.removesuffix(path)
    text = argument.text.rstrip("/")
    return text.removesuffix(path) if path and text.endswith(path) else None


class Remote:
    """A folder elsewhere. Its methods raise OSError where they cannot do it.

    Raises:
        UsageError: what reads such addresses is not installed.
    """

    def __init__(self, url: Url) -> None:
        self._url = url
        self._files, self._folder = _open(url)
        self._made: set[str] = set()

    def has(self, name: str) -> bool:
        with _explained(self._url):
            self._files.invalidate_cache()
            try:
                self._files.info(self._path(name))  # `exists` takes any fault for an answer
            except FileNotFoundError:
                return False
            return True

    def get(self, name: str, path: Path) -> None:
        with _explained(self._url):
            self._files.get_file(self._path(name), str(path))

    def put(self, path: Path, name: str) -> None:
        with _explained(self._url):
            there = self._path(name)
            parent = posixpath.dirname(there)
            if parent not in self._made:
                self._files.makedirs(parent, exist_ok=True)
                self._made.add(parent)
            self._files.put_file(str(path), there)

    def replace(self, path: Path, name: str) -> None:
        """As `put`, but what was there before is there until the new one is whole."""
        self.put(path, f"{name}.tmp")
        with _explained(self._url):
            self._files.mv(self._path(f"{name}.tmp"), self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._folder.rstrip('/')}/{name}"


def _open(url: Url) -> tuple[Any, str]:
    """The file system and the path in it."""
    try:
        import fsspec

        files, path = fsspec.core.url_to_fs(url.text)
    except ImportError as error:
        raise UsageError(
            f"{url}: needs a package that is not installed ({error}); pip install 'giar-ml[cluster]', for s3://"
            " also s3fs, for hdfs:// a Hadoop client"
        ) from error
    except ValueError as error:  # unknown protocol
        raise UnknownAddressError(
            f"{url}: no such addresses are known ({error}); see the list of fsspec"
        ) from error
    return files, path


@contextmanager
def _explained(url: Url) -> Iterator[None]:
    """Whatever a file system raises as OSError: each has errors of its own."""
    try:
        yield
    except (OSError, UsageError):
        raise
    except Exception as error:
        raise OSError(f"{url}: {type(error).__name__}: {error}") from error

"""Hands out what is to be read, takes what comes of it, and has it recorded."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Literal

from giar_ml.batch.inputs import Input
from giar_ml.batch.manifest import Listed, Manifest, Stamp
from giar_ml.batch.pool import CRASHED, TIMEOUT, Pool
from giar_ml.batch.results import Results
from giar_ml.batch.worker import (
    CHANGED,
    OUT_OF_MEMORY,
    UNREADABLE,
    UNUSABLE,
    Loss,
    Outcome,
    Result,
    Task,
    to_result,
)
from giar_ml.errors import InputError, UsageError
from giar_ml.failures import failed_report, hash_file
from giar_ml.load import read_bytes
from giar_ml.urls import Location, UnknownAddressError, Url, hash_url

MOST_LOSSES = 2
"""Workers that a document may cost before it is given up."""
RETRIED = (CRASHED, TIMEOUT, OUT_OF_MEMORY, "internal_error")
"""Codes of failures that another try may mend, on another machine say."""
_MOST_TRIES = 3
"""How often a file is opened, or hashed again because it changes."""
_PAUSE_S = 0.5
"""Before a file that could not be opened is tried again."""
_COMMIT_S = 0.2
"""Results that come within this time are recorded together."""
_AHEAD = 4
"""Tasks that are prepared while all workers read."""
_FETCHED_AHEAD = 32
"""Files elsewhere that are looked at at the same time: an object store takes its time to answer."""
_LONGEST_LOOK_S = 600.0
"""After which a file elsewhere counts as one that cannot be opened."""
_LOOK_EVERY_S = 0.02
"""Between looks whether one of them is known, while a worker has nothing to do."""


@dataclass(frozen=True)
class Note:
    """Something that happened to an input, to be shown and logged: it was `read`, its result `kept` from
    before, it has the content of another one (`repeated`), it will be tried again (`again`), or it cannot be
    read at all (`lost`). `rss_mib` is what the worker that read it holds."""

    kind: Literal["read", "kept", "repeated", "again", "lost"]
    path: Location
    status: str | None = None
    code: str | None = None
    reason: str = ""
    seconds: float | None = None
    rss_mib: float | None = None
    traceback: str | None = None


Tell = Callable[[Note], None]


@dataclass
class _Todo:
    """An input on its way; `tries` of opening it; `content` of one that lies elsewhere, `asked` for then."""

    position: int
    given: Input
    content: Future[tuple[Stamp, str]] | None = None
    asked: float = 0.0
    tries: int = 0
    not_before: float = 0.0


class Scheduler:
    """Reads the inputs of a manifest.

    Args:
        tell: called with all that happens.
        retry_failed: also read documents again whose failure another try may mend.
    """

    def __init__(
        self, manifest: Manifest, results: Results, pool: Pool, tell: Tell, *, retry_failed: bool = False
    ) -> None:
        self._manifest = manifest
        self._results = results
        self._pool = pool
        self._tell = tell
        self._retry_failed = retry_failed
        self._seen: dict[str, int] = {}
        """Contents, and which input each is read for."""
        self._repeated: defaultdict[str, list[_Todo]] = defaultdict(list)
        self._ahead: deque[tuple[Task, _Todo]] = deque()
        self._asked: list[_Todo] = []
        """Those elsewhere whose content is being found out, in the order in which they were asked for."""
        self._again: deque[_Todo] = deque()
        self._under_way: dict[str, _Todo] = {}
        self._unsaved: list[Result] = []
        self._saved = time.monotonic()

    def run(self) -> None:
        """Read all that is not read yet. Whatever stops it, what is done is recorded first.

        Raises:
            UsageError: an engine or model cannot be used, no worker can be started, or results cannot be
                written.
        """
        inputs = enumerate(list(self._manifest.list_inputs()))
        todo = (_Todo(position, listed.given) for position, listed in inputs)
        try:
            while True:
                is_behind = self._prepare(todo)
                self._give()
                if not (is_behind or self._ahead or self._asked or self._again or self._under_way):
                    self._save()  # here, too, so that an interrupt meanwhile has it done again below
                    break
                is_hungry = self._asked and self._pool.n_idle
                for outcome in self._pool.wait(
                    0.0 if is_behind else _LOOK_EVERY_S if is_hungry else _COMMIT_S
                ):
                    self._take(outcome)
                self._give()
                if time.monotonic() - self._saved >= _COMMIT_S:
                    self._save()
        finally:
            self._save()

    def _give(self) -> None:
        while self._ahead and self._pool.n_idle:
            task, todo = self._ahead.popleft()
            self._under_way[task.sha256] = todo
            self._pool.give(task)

    def _prepare(self, todo: Iterator[_Todo]) -> bool:
        """Find the next tasks: inputs without a result, then those to be tried again; returns whether time
        was too short to find enough, as many inputs in a row need no reading."""
        started = time.monotonic()
        while len(self._ahead) < _AHEAD + self._pool.n_idle:
            item = self._next(todo)
            if item is None:
                return False
            task = self._find_task(item)
            if task:
                self._ahead.append((task, item))
            if time.monotonic() - started >= _COMMIT_S:
                return True
        return False

    def _next(self, todo: Iterator[_Todo]) -> _Todo | None:
        """The next input that lies here, or whose content is known; None where there is none for now.

        Contents of files elsewhere are found out meanwhile: a store that does not answer holds up nothing.
        """
        while len(self._asked) < _FETCHED_AHEAD and (item := next(todo, None) or self._next_again()):
            path = item.given.path
            if not isinstance(path, Url):
                return item
            item.content = _look_in_background(path, self._manifest.find_last(path))
            item.asked = time.monotonic()
            self._asked.append(item)
        late = time.monotonic() - _LONGEST_LOOK_S
        for item in self._asked:
            if item.asked <= late or (item.content and item.content.done()):
                self._asked.remove(item)
                return item
        return None

    def _next_again(self) -> _Todo | None:
        for _ in range(len(self._again)):
            if self._again[0].not_before <= time.monotonic():
                return self._again.popleft()
            self._again.rotate(-1)
        return None

    def _find_task(self, item: _Todo) -> Task | None:
        """What to read for an input; None where nothing is."""
        path = item.given.path
        try:
            sha256 = self._identify(item)
        except InputError as error:
            self._open_again(item, error.code, str(error))
            return None
        self._manifest.note_input(item.position, Listed(item.given, sha256))
        if self._seen.setdefault(sha256, item.position) != item.position:
            self._repeated[sha256].append(item)
            self._tell(Note("repeated", path))
            return None
        known = self._results.find(sha256)
        if known and not (self._retry_failed and known.code in RETRIED):
            self._tell(Note("kept", path, known.status, known.code))
            return None
        return Task(path, sha256)

    def _identify(self, item: _Todo) -> str:
        """The sha256 of a file, hashed only if it changed.

        Raises:
            InputError: it cannot be opened.
        """
        path, content, item.content = item.given.path, item.content, None
        last = self._manifest.find_last(path)
        try:
            if content and not content.done():
                raise TimeoutError(f"no answer within {_LONGEST_LOOK_S:g} seconds")
            stamp, sha256 = content.result() if content else _look_at(path, last)
        except (OSError, ValueError, UnknownAddressError) as error:
            raise _why_not(path, error) from error
        if not sha256:
            raise _why_not(path, OSError("for a moment"))
        if (stamp, sha256) != last:
            self._manifest.note_content(path, stamp, sha256)
        return sha256

    def _open_again(self, item: _Todo, code: str, message: str) -> None:
        """Try to open a file again later, unless it is simply not there or was tried often enough."""
        path = item.given.path
        item.tries += 1
        if code == "not_readable" and item.tries < _MOST_TRIES:
            item.not_before = time.monotonic() + _PAUSE_S * item.tries
            self._again.append(item)
            self._tell(Note("again", path, code=code, reason=message))
            return
        reason = message.removeprefix(f"{path.name}: ")
        self._manifest.note_input(item.position, Listed(item.given, None, code, reason))
        self._tell(Note("lost", path, "failed", code, reason))

    def _take(self, outcome: Outcome) -> None:
        item = self._under_way.pop(outcome.task.sha256)
        if isinstance(outcome, Result):
            self._unsaved.append(outcome)
            path, code, reason = outcome.task.path, outcome.code, outcome.reason
            measured = outcome.seconds, outcome.rss_mib, outcome.traceback
            self._tell(Note("read", path, outcome.status, code, reason, *measured))
        elif outcome.code == UNUSABLE:
            raise UsageError(outcome.message)
        elif outcome.code == CHANGED or outcome.code in UNREADABLE:
            self._release(outcome.task.sha256)
            code = "not_readable" if outcome.code == CHANGED else outcome.code
            self._open_again(item, code, outcome.message)
        else:
            self._take_loss(outcome, item)

    def _release(self, sha256: str) -> None:
        """Let another file of a content be read for it."""
        self._seen.pop(sha256, None)
        self._again.extend(self._repeated.pop(sha256, ()))

    def _take_loss(self, loss: Loss, item: _Todo) -> None:
        """Read the document once more after all others, or give it up."""
        n_losses = self._manifest.note_loss(loss.task.sha256, loss.code)
        self._manifest.commit()
        if n_losses < MOST_LOSSES:
            item.tries += 1
            self._release(loss.task.sha256)
            self._again.append(item)
            self._tell(Note("again", loss.task.path, code=loss.code, reason=loss.message))
            return
        message = f"{loss.message}; tried {n_losses} times"
        report = failed_report(Path(loss.task.path.name), loss.code, message, sha256=loss.task.sha256)
        result = to_result(loss.task, report, "scan", seconds=loss.seconds)
        self._under_way[loss.task.sha256] = item
        self._take(result)

    def _save(self) -> None:
        if self._unsaved:
            self._results.save(self._unsaved)
            self._unsaved = []  # an interrupt before has them saved again
        else:
            self._manifest.commit()
        self._saved = time.monotonic()


def _look_at(path: Location, last: tuple[Stamp, str] | None) -> tuple[Stamp, str]:
    """The stamp and the content of a file, which is hashed only where the stamp is another than the last."""
    stamp = Stamp.of(path)
    if last and last[0] == stamp:
        return last
    return stamp, hash_url(path) if isinstance(path, Url) else hash_file(path)


def _look_in_background(path: Url, last: tuple[Stamp, str] | None) -> Future[tuple[Stamp, str]]:
    """What `_look_at` finds, by a thread that keeps no program from ending: a store may never answer."""
    found: Future[tuple[Stamp, str]] = Future()

    def look() -> None:
        try:
            found.set_result(_look_at(path, last))
        except Exception as error:
            found.set_exception(error)

    Thread(target=look, daemon=True).start()
    return found


def _why_not(path: Location, error: Exception) -> InputError:
    """Why a file could not be opened."""
    if isinstance(path, Path):
        try:
            read_bytes(path)
        except InputError as found:
            return found
        except ValueError:  # a name with a character that no name has
            return InputError(f"{path.name}: no such file; check the name", code="not_found")
        return InputError(f"{path.name}: could not be opened for a moment", code="not_readable")
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path.name}: no such file; check the address", code="not_found")
    if isinstance(error, UnknownAddressError):
        return InputError(f"{path.name}: {error}", code="not_found")
    if isinstance(error, IsADirectoryError):
        return InputError(f"{path.name}: not a file", code="not_a_file")
    return InputError(f"{path.name}: cannot be opened ({error})", code="not_readable")

"""How commands speak to the user: exit statuses, complaints, progress. Heavy imports happen when used."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

from giar_ml.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

EXIT_ACCEPTED = 0
EXIT_USAGE = 2
EXIT_REVIEW = 3
EXIT_FAILED = 4
EXIT_INTERRUPTED = 130


def complain(message: str) -> None:
    """Say it on stderr; one that is gone, with its terminal say, is no error."""
    from giar_ml.words import one_line

    try:
        print(f"giar: {one_line(message)}", file=sys.stderr, flush=True)
    except OSError:
        let_go(sys.stderr)


def let_go(stream: TextIO) -> None:
    """Have all else that is written to a stream that is gone, at the end of the program say, go nowhere."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextlib.contextmanager
def stdout() -> Iterator[TextIO]:
    """Stdout, flushed at the end; a reader that has gone away, `head` or a terminal say, is no error.

    Raises:
        UsageError: it cannot be written, on a full disk say.
    """
    try:
        yield sys.stdout
        sys.stdout.flush()
    except OSError as error:
        let_go(sys.stdout)
        if error.errno not in (errno.EPIPE, errno.EIO):
            raise UsageError(f"stdout: cannot be written ({error.strerror})") from error


def say(text: str) -> None:
    """Print a text on stdout as it is."""
    with stdout() as stream:
        print(text, file=stream)


def print_on_stdout(console: Console, *things: RenderableType) -> None:
    """Print on stdout what the console makes of things."""
    with stdout() as stream:
        with console.capture() as capture:
            for thing in things:
                console.print(thing, soft_wrap=True)
        stream.write(capture.get())


@contextlib.contextmanager
def progress(total: int, *, visible: bool) -> Iterator[Callable[[str], None]]:
    """A function to call with the name of each report as it begins."""
    if not visible:
        yield lambda _name: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from giar_ml.words import one_line

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=False) as bar:
        task = bar.add_task("", total=total)
        begun = 0

        def advance(name: str) -> None:
            nonlocal begun
            bar.update(task, completed=begun, description=escape(one_line(name)))
            begun += 1

        yield advance
        bar.update(task, completed=begun, description="")

"""Pages of a document are read on several threads: in order, with few pictures at a time."""

from __future__ import annotations

import time
import weakref
from collections import deque
from concurrent.futures import Future
from typing import Any

import pytest

from giar_ml.document import Page
from giar_ml.pipeline import Extractor, _Clock

PAGES = tuple(Page(number=n, kind="scan", width=1, height=1) for n in range(1, 21))


class Structured:
    """A page with a picture."""

    def __init__(self, page: Page) -> None:
        self.page = page


class Recorder(Extractor):
    """Keeps what it was asked to read, and how many pictures there were at most."""

    def __init__(self, *, threads: int, broken: int | None = None) -> None:
        super().__init__(threads=threads)
        self.broken = broken
        self.started: list[int] = []
        self.alive: weakref.WeakSet[Structured] = weakref.WeakSet()
        self.most = 0

    def _find_structure(self, page: Page, clock: Any, *, ruled: bool) -> Any:
        self.started.append(page.number)
        if page.number == self.broken:
            raise ValueError(f"page {page.number} is broken")
        time.sleep(0.002)
        structured = Structured(page)
        self.alive.add(structured)
        self.most = max(self.most, len(self.alive))
        return structured

    def _read_text(self, structured: Future[Any], clock: Any) -> Page:
        page: Page = structured.result().page
        time.sleep(0.004)
        return page


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_few_pictures_at_a_time(threads: int) -> None:
    extractor = Recorder(threads=threads)
    assert tuple(extractor._read_pages(deque(PAGES), _Clock())) == PAGES
    assert extractor.most <= 2 * threads + 2


def test_no_pages() -> None:
    assert Recorder(threads=2)._read_pages(deque(), _Clock()) == []


def test_an_error_ends_the_reading() -> None:
    extractor = Recorder(threads=2, broken=2)
    with pytest.raises(ValueError, match="page 2 is broken"):
        extractor._read_pages(deque(PAGES), _Clock())
    assert len(extractor.started) < len(PAGES)

"""The gold label of every token that a reader found.

A reader cuts lines elsewhere than the gold does, so labels go by place. On a page a token has the label of
the gold tokens that it covers: those that share at least half of the smaller one's area. Where it covers
several, the label of a row or column comes before that of a group, corner or figure, which stand in the same
line by accident of the cut; otherwise the largest share counts. A token beside all gold tokens is a stray
mark, hence `other`. In a text, tokens and gold tokens are found one after another in the source line, and
shares are characters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from giar_ml.annotations.frame import Scale, scale_bbox
from giar_ml.annotations.gold import Gold, Poly, bounds
from giar_ml.document import BBox, Token
from giar_ml.geometry import poly_area
from giar_ml.label.names import OTHER
from giar_ml.text import normalize_radicals

MIN_SHARE = 0.5
"""Of the smaller one's area: less is a neighbour that is touched."""
MAX_STRAY_SHARE = 0.2
"""Of a token's area: one that touches more of the print, and covers none, is neither print nor stray."""
MAX_STRETCH = 1.1
"""Width to height, read by gold: more is no other resolution but a page that was turned."""
_UNKNOWN = -1  # a character of a line whose gold was not found there
_GAP = -2  # a character between gold tokens: a pipe, a heading mark


class TokenGold(NamedTuple):
    """The gold label of a token, None where it cannot be said, and the gold tokens (their indices) that
    it covers."""

    label: str | None
    covered: tuple[int, ...] = ()


def gold_labels(
    tokens: Sequence[Token],
    page_number: int,
    gold: Gold,
    *,
    scale: Scale = (1.0, 1.0),
    lines: Sequence[str] = (),
) -> list[str | None]:
    """The gold label of each token of a page or text; None where it cannot be said.

    Args:
        scale: gold pixels per pixel of the tokens, see `giar_ml.annotations.frame.page_scales`.
        lines: the source lines of a text, from the first; the tokens then have a `line`.
    """
    return [found.label for found in match_tokens(tokens, page_number, gold, scale=scale, lines=lines)]


def match_tokens(
    tokens: Sequence[Token],
    page_number: int,
    gold: Gold,
    *,
    scale: Scale = (1.0, 1.0),
    lines: Sequence[str] = (),
) -> list[TokenGold]:
    """The same with the gold tokens that each token covers; arguments as of `gold_labels`."""
    if gold.kind == "text":
        return _match_in_text(tokens, gold, lines)
    if not 1 / MAX_STRETCH < scale[0] / scale[1] < MAX_STRETCH:
        return [TokenGold(None)] * len(tokens)
    return _match_on_page([scale_bbox(token.bbox, scale) for token in tokens], page_number, gold)


def _choose(gold: Gold, shares: Sequence[tuple[int, float]]) -> str:
    """The label of a token that covers these gold tokens, each with the size of what they share."""
    sizes: Counter[str] = Counter()
    for index, size in shares:
        sizes[gold.tokens[index].label] += size  # type: ignore[assignment]  # counts areas
    best = max(sizes, key=sizes.__getitem__)
    if best == OTHER:
        return best
    cells = [label for label in sizes if label.startswith(("row:", "column:"))]
    return max(cells or [best], key=sizes.__getitem__)


# Pages


def _match_on_page(bboxes: Sequence[BBox], page_number: int, gold: Gold) -> list[TokenGold]:
    indices, polys = [], []
    for i, token in enumerate(gold.tokens):
        if token.place.page == page_number and token.place.poly is not None and token.text.strip():
            indices.append(i)
            polys.append(token.place.poly)
    boxes = np.array([bounds(poly) for poly in polys], float).reshape(-1, 4)
    areas = [poly_area(poly) for poly in polys]
    matches = []
    for bbox in bboxes:
        near = np.flatnonzero(
            (boxes[:, 0] < bbox.right)
            & (boxes[:, 2] > bbox.left)
            & (boxes[:, 1] < bbox.bottom)
            & (boxes[:, 3] > bbox.top)
        )
        area = bbox.width * bbox.height
        shared = {int(k): poly_area(clip_poly(polys[k], bbox)) for k in near}
        covered = [k for k, size in shared.items() if size > 0 and size >= MIN_SHARE * min(areas[k], area)]
        if covered:
            label: str | None = _choose(gold, [(indices[k], shared[k]) for k in covered])
        else:
            label = OTHER if sum(shared.values()) <= MAX_STRAY_SHARE * area else None
        matches.append(TokenGold(label, tuple(indices[k] for k in covered)))
    return matches


def clip_poly(poly: Poly, bbox: BBox) -> list[tuple[float, float]]:
    """The part of a convex polygon that lies in a box (Sutherland and Hodgman, 1974); maybe no points."""
    points: list[tuple[float, float]] = list(poly)
    for axis, limit, sign in ((0, bbox.left, 1), (0, bbox.right, -1), (1, bbox.top, 1), (1, bbox.bottom, -1)):
        clipped = []
        for a, b in zip(points[-1:] + points[:-1], points, strict=True):
            depth_a, depth_b = sign * (a[axis] - limit), sign * (b[axis] - limit)
            if (depth_a < 0) != (depth_b < 0):
                t = depth_a / (depth_a - depth_b)
                clipped.append((a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))
            if depth_b >= 0:
                clipped.append(b)
        points = clipped
    return points


# Texts


def _match_in_text(tokens: Sequence[Token], gold: Gold, lines: Sequence[str]) -> list[TokenGold]:
    """Every character of the text but its spaces stands in one string, so that a token put together from
    several lines is found too."""
    texts = [_squeeze(line) for line in lines]
    starts = np.cumsum([0, *map(len, texts)])
    whole = "".join(texts)
    owners = np.concatenate([np.zeros(0, int), *_own_characters(texts, gold)])
    cursors = list(map(int, starts[:-1]))
    found = [TokenGold(None)] * len(tokens)
    order = sorted(
        (i for i, token in enumerate(tokens) if token.line is not None and 0 < token.line <= len(lines)),
        key=lambda i: (tokens[i].line or 0, tokens[i].bbox.left),
    )
    for i in order:
        line = (tokens[i].line or 0) - 1
        text = _squeeze(tokens[i].text)
        start = whole.find(text, cursors[line], int(starts[line + 1]) + len(text) - 1) if text else -1
        if start < 0:
            continue
        cursors[line] = start + len(text)
        found[i] = _read_owners(owners[start : start + len(text)], gold)
    return found


def _own_characters(texts: Sequence[str], gold: Gold) -> list[np.ndarray]:
    """For each line the index of the gold token that each character belongs to."""
    by_line: dict[int, list[int]] = defaultdict(list)
    for index, token in enumerate(gold.tokens):
        if token.place.line is not None:
            by_line[token.place.line].append(index)
    owners = []
    for number, text in enumerate(texts, start=1):
        own = np.full(len(text), _GAP)
        cursor = 0
        for index in by_line.get(number, ()):
            run = _squeeze(gold.tokens[index].text)
            start = text.find(run, cursor)
            if start < 0:
                own[cursor:] = _UNKNOWN
                break
            cursor = start + len(run)
            own[start:cursor] = index
        owners.append(own)
    return owners


def _read_owners(owners: np.ndarray, gold: Gold) -> TokenGold:
    if (owners == _UNKNOWN).any():
        return TokenGold(None)
    shares = sorted(Counter(owners[owners >= 0].tolist()).items())
    if not shares:
        return TokenGold(OTHER)
    return TokenGold(_choose(gold, shares), tuple(index for index, _ in shares))


def _squeeze(text: str) -> str:
    return "".join(normalize_radicals(text).replace("\ufeff", "").split())

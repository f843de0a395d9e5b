"""The final page: one file of HTML with counts, times, problems, and the reports to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from giar_ml.batch.dataset import ReportRow
from giar_ml.batch.results import FOLDER
from giar_ml.batch.totals import MOST_LISTED, Totals
from giar_ml.words import one_line

_STATUSES = ("accepted", "review", "failed")
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.cards { display: flex; flex-wrap: wrap; gap: 1rem; }
.card { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1.1rem; min-width: 7rem; }
.card b { display: block; font-size: 1.7rem; line-height: 1.3; }
.card.accepted b { color: #2a8a3e; }
.card.review b { color: #b57a00; }
.card.failed b { color: #c43030; }
.bar { display: flex; height: .8rem; border-radius: .4rem; overflow: hidden; margin: 1.2rem 0; }
.bar .accepted { background: #2a8a3e; }
.bar .review { background: #e0a72e; }
.bar .failed { background: #c43030; }
table { border-collapse: collapse; }
th, td { text-align: left; vertical-align: top; padding: .3rem 1.2rem .3rem 0; }
th, td { border-bottom: 1px solid var(--line); }
.counts :not(:first-child) { text-align: right; font-variant-numeric: tabular-nums; }
.reports { width: 100%; }
.reports td { overflow-wrap: anywhere; }
.reports td:nth-child(1), .reports td:nth-child(2) { min-width: 9rem; }
.reports td:nth-child(3), .reports td:nth-child(5) { overflow-wrap: normal; }
code { background: var(--soft); padding: 0 .25rem; border-radius: .2rem; }
"""


@dataclass(frozen=True)
class Run:
    """The call that made the page: when it ended, how long it took, how many documents it read, by how many
    workers."""

    ended: str
    seconds: float
    n_read: int
    n_workers: int
    version: str


def render_page(totals: Totals, run: Run) -> str:
    """The page as HTML, with nothing to fetch from elsewhere but the results it links to."""
    n = totals.n_reports
    parts = [
        "<h1>Batch of disclosure reports</h1>",
        f"<p>{_count(n, 'report')}, {escape(run.ended)}, giar {escape(run.version)}. {_say_rate(run)}</p>",
        _cards(totals),
        "<h2>Kinds of files</h2>",
        _table(
            ["kind", "documents", "seconds each"],
            ([kind, f"{k:,}", f"{totals.seconds[kind] / k:.2f}"] for kind, k in totals.kinds.most_common()),
            kind="counts",
        ),
        "<h2>Problems</h2>",
        _table(
            ["code", "reports", "share"],
            ([code, f"{k:,}", f"{k / n:.1%}"] for code, k in totals.codes.most_common()),
            kind="counts",
        ),
        *_list_reports("Failed", totals.failed, totals.statuses["failed"]),
        *_list_reports("For review", totals.review, totals.statuses["review"]),
    ]
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>Batch of disclosure reports'
        '</title>\n<meta name="viewport" content="width=device-width">\n'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _say_rate(run: Run) -> str:
    if not run.n_read:
        return "Nothing was left to read."
    rate = run.n_read / run.seconds if run.seconds else 0.0
    return (
        f"The last call read {_count(run.n_read, 'document')} in {run.seconds:,.0f} s with"
        f" {_count(run.n_workers, 'worker')}: {rate:.2f} per second."
    )


def _cards(totals: Totals) -> str:
    n = max(totals.n_reports, 1)
    cards = "".join(
        f'<div class="card {status}"><b>{totals.statuses[status]:,}</b>{status}'
        f" · {totals.statuses[status] / n:.1%}</div>"
        for status in _STATUSES
    )
    if totals.n_duplicates:
        cards += f'<div class="card"><b>{totals.n_duplicates:,}</b>given twice</div>'
    bars = "".join(f'<i class="{s}" style="flex:{totals.statuses[s]}"></i>' for s in _STATUSES)
    return f'<div class="cards">{cards}</div>\n<div class="bar">{bars}</div>'


def _list_reports(title: str, rows: Sequence[ReportRow], n: int) -> list[str]:
    if not n:
        return []
    parts = [f"<h2>{title}: {n:,}</h2>"]
    if n > len(rows):
        parts.append(f"<p>The first {MOST_LISTED:,} of them; <code>reports.parquet</code> has them all.</p>")
    parts.append(_table(["file", "office", "year", "why", "problems"], map(_describe, rows), kind="reports"))
    return parts


def _describe(row: ReportRow) -> list[object]:
    name = _text(row.given.path)
    link = f'<a href="{FOLDER}/{row.id}.json">{name}</a>' if row.id else name
    codes = " ".join(f"<code>{_text(code)}</code>" for code in row.problems)
    return [_Html(link), row.office or "", row.year or "", row.reason, _Html(codes)]


class _Html(str):
    """Markup that is safe as it is."""


def _table(titles: Sequence[str], rows: Iterable[Sequence[object]], *, kind: str) -> str:
    lines = []
    for row in rows:
        cells = (value if isinstance(value, _Html) else _text(value) for value in row)
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    if not lines:
        return "<p>None.</p>"
    head = "".join(f"<th>{title}</th>" for title in titles)
    return f'<table class="{kind}">\n<tr>{head}</tr>\n' + "\n".join(lines) + "\n</table>"


def _text(value: object) -> str:
    """Text from outside; a file name that is not UTF-8 holds lone surrogates."""
    return escape(one_line(value).encode(errors="backslashreplace").decode())


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"

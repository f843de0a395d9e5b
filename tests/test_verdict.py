import math
from dataclasses import replace
from functools import partial

import pytest

from giar_ml.decode import decode_within
from giar_ml.document import BBox, Token
from giar_ml.fields import FormEvidence, Layout, RowEvidence, Seen
from giar_ml.forms import load_form
from giar_ml.prose import Stated
from giar_ml.solve import Budget
from giar_ml.verdict import decide

FORM = load_form("2021")
BOX = BBox(10, 10, 30, 20)


def scanned(*readings):
    """A place read from pixels: figures with their probabilities, best first."""
    token = Token(str(readings[0][0]) if readings else "?", BOX)
    return Seen(tuple(readings), False, 2, BOX, token)


def scanned_surely(figure):
    return scanned((figure, 0.9999))


def printed(figure):
    """A place read from a text, without doubt."""
    return Seen(((figure, 1.0),), True, 1, BOX, Token(str(figure), BOX, line=7))


BLANK = Seen(((None, 1.0),), True, 1, BOX, None)


def evidence(changes=None, make=printed):
    """The form filled with zeros that add up, but for `changes`: what is seen in a cell."""
    changes = changes or {}
    rows = []
    for section in FORM.sections:
        for row in section.rows:
            keys = [section.cell_key(row, column) for column in section.columns]
            cells = {key: changes[key] if key in changes else make(0) for key in keys}
            layout = Layout(tuple(range(len(keys))), cells, 0.0)
            rows.append(RowEvidence(section, row, (layout,), (section.table, 0, row.key), 0.0))
    return FormEvidence(FORM, tuple(rows), 0.0)


REQUEST = {
    "requests.new.natural_person": 11,
    "requests.new.total": 11,
    "requests.granted.natural_person": 11,
    "requests.granted.total": 11,
    "requests.handled_total.natural_person": 11,
    "requests.handled_total.total": 11,
}


def seen(figures, make=printed):
    return {key: make(figure) for key, figure in figures.items()}


def test_lawful_text_is_accepted_as_read():
    verdict = decide(evidence(seen(REQUEST)), [], max_risk=0.05)
    assert verdict.status == "accepted"
    assert not verdict.problems
    assert {cell.status for cell in verdict.cells.values()} == {"read"}
    assert all(check.holds for check in verdict.checks)
    cell = verdict.cells["requests.new.total"]
    assert (cell.value, cell.printed, cell.line, cell.page, cell.bbox) == (11, 11, 7, None, None)


def test_blank_that_agrees_is_zero():
    verdict = decide(evidence({"requests.new.enterprise": BLANK}), [], max_risk=0.05)
    cell = verdict.cells["requests.new.enterprise"]
    assert (cell.value, cell.printed, cell.status) == (0, None, "blank")
    assert verdict.status == "accepted"


def test_blank_total_is_inferred_and_reviewed():
    figures = {**seen(REQUEST), "requests.granted.total": BLANK}
    verdict = decide(evidence(figures), [], max_risk=0.05)
    cell = verdict.cells["requests.granted.total"]
    assert (cell.value, cell.printed, cell.status) == (11, None, "inferred")
    assert [problem.code for problem in verdict.problems] == ["left_blank"]
    assert verdict.status == "review"


NEW = "requests.new.total"
FIVE = {
    f"requests.{row}.{column}": figure
    for row in ("new", "granted", "handled_total")
    for column, figure in (("natural_person", 3), ("enterprise", 2), ("total", 5))
}


@pytest.mark.parametrize("make", [printed, scanned_surely])
def test_a_total_left_blank_is_reviewed_whatever_layout_shows_it(make):
    # Once it was accepted where the 2 beside it stood nearer to the total.
    blank = BLANK if make is printed else BLANK._replace(certain=False, spotless=True)
    found = evidence(seen(FIVE, make), make)
    rows = list(found.rows)
    [place] = [
        i for i, row in enumerate(rows) if row.section.cell_key(row.row, row.section.columns[-1]) == NEW
    ]
    keys = list(rows[place].layouts[0].cells)
    empty = dict.fromkeys(keys, blank)
    rows[place] = replace(
        rows[place],
        layouts=(
            Layout((0, 6), empty | {keys[0]: make(3), keys[6]: make(2)}, 0.0),
            Layout((0, 1), empty | {keys[0]: make(3), keys[1]: make(2)}, 0.2),
        ),
    )
    verdict = decide(replace(found, rows=tuple(rows)), [], max_risk=0.05)
    assert (verdict.cells[NEW].value, verdict.cells[NEW].status) == (5, "inferred")
    assert [problem.code for problem in verdict.problems] == ["left_blank"]


@pytest.mark.parametrize("readings", [((None, 0.97), (7, 0.02)), ((None, 0.999),)])
def test_a_mark_that_is_most_likely_nothing_leaves_a_total_blank(readings):
    found = evidence(seen(FIVE, scanned_surely) | {NEW: scanned(*readings)}, scanned_surely)
    verdict = decide(found, [], max_risk=0.05)
    assert (verdict.cells[NEW].value, verdict.status) == (5, "review")
    assert [problem.code for problem in verdict.problems] == ["left_blank"]


def test_a_misprint_is_no_surer_than_what_was_read():
    # Once 8 was printed with 0.99 where 6 was nearly as likely.
    upheld, total = "reviews.reconsideration.upheld", "reviews.reconsideration.total"
    changes = {upheld: scanned_surely(3), total: scanned((8, 0.55), (6, 0.45))}
    verdict = decide(evidence(changes, scanned_surely), [], max_risk=0.05)
    assert (verdict.cells[total].status, verdict.cells[total].confidence) == ("conflict", 0.55)


def test_a_misprinted_total_is_one_whichever_part_was_misread():
    # Once it might "as well be blank": whether 1 or 7 is printed beside it leaves it 3.
    upheld, total = "reviews.reconsideration.upheld", "reviews.reconsideration.total"
    changes = {total: scanned_surely(3), upheld: scanned((1, 0.6), (7, 0.39))}
    verdict = decide(evidence(changes, scanned_surely), [], max_risk=0.05)
    assert verdict.cells[total].confidence > 0.99
    assert verdict.cells[upheld].confidence == 0.6
    assert [problem.code for problem in verdict.problems] == ["misprint"]


def test_an_unproven_rival_leaves_the_gap_unproven(monkeypatch):
    upheld, total = "reviews.reconsideration.upheld", "reviews.reconsideration.total"
    first = evidence({total: scanned((5, 0.6), (3, 0.39)), upheld: scanned_surely(5)}, scanned_surely)
    rival = evidence({total: scanned_surely(6), upheld: scanned_surely(6)}, scanned_surely)
    found = replace(first, rival=replace(rival, cost=8.0))
    assert decide(found, [], max_risk=0.05).proof.proven

    def hurry(*args, **options):
        return replace(decode_within(*args, **options), proven=False)

    monkeypatch.setattr("giar_ml.verdict.decode_within", hurry)
    verdict = decide(found, [], max_risk=0.05)
    assert not verdict.proof.proven
    assert verdict.status == "review"


def test_lost_cell_is_inferred_and_accepted():
    figures = {**seen(REQUEST), "requests.granted.total": None}
    verdict = decide(evidence(figures), [], max_risk=0.05)
    assert verdict.cells["requests.granted.total"].status == "inferred"
    assert verdict.status == "accepted"


def test_misprint_is_kept_and_named_in_the_words_of_the_form():
    figures = {**seen(REQUEST), "requests.granted.total": printed(0)}
    verdict = decide(evidence(figures), [], max_risk=0.05)
    cell = verdict.cells["requests.granted.total"]
    assert (cell.value, cell.printed, cell.status, cell.suggestion) == (0, 0, "conflict", 11)
    (problem,) = verdict.problems
    assert problem.code == "misprint"
    assert "（一）予以公开 × 总计" in problem.message
    assert verdict.status == "review"


def test_misreading_is_repaired_by_candidates_and_sums_together():
    figures = seen(REQUEST, lambda figure: scanned((figure, 0.9999)))
    figures["requests.granted.total"] = scanned((71, 0.6), (11, 0.39))
    verdict = decide(evidence(figures, lambda figure: scanned((figure, 0.99999))), [], max_risk=0.05)
    cell = verdict.cells["requests.granted.total"]
    assert (cell.value, cell.printed, cell.status, cell.page, cell.bbox) == (11, 11, "repaired", 2, BOX)
    assert verdict.status == "accepted"


def test_the_verdict_says_what_its_answer_costs_and_another_one_more():
    figures = seen(REQUEST, scanned_surely)
    figures["requests.granted.total"] = scanned((71, 0.6), (11, 0.39))
    proof = decide(evidence(figures, scanned_surely), [], max_risk=0.05).proof
    # 71 may be a misprint: 5.5 nats, less what it is likelier read than 11.
    assert proof.proven
    assert proof.gap == pytest.approx(5.5 - math.log(0.6 / 0.39), abs=0.002)
    assert proof.cost == pytest.approx(-math.log(0.39), abs=0.05)


def test_unread_cell_is_inferred():
    figures = {**seen(REQUEST), "requests.granted.total": scanned()}
    verdict = decide(evidence(figures), [], max_risk=0.05)
    assert (verdict.cells["requests.granted.total"].value, verdict.status) == (11, "accepted")


def test_print_that_sums_overrule_is_reviewed():
    # Once a misprinted 1 was read as 91, with 0.97, and taken for dirt on a blank cell: nothing said so.
    figures = seen(REQUEST, scanned_surely) | {"requests.granted.social_organization": scanned((91, 0.974))}
    verdict = decide(evidence(figures, scanned_surely), [], max_risk=0.05)
    assert verdict.cells["requests.granted.social_organization"].value == 0
    assert [problem.code for problem in verdict.problems] == ["unconfirmed"]
    surer = decide(
        evidence(figures | {"requests.granted.social_organization": scanned((91, 0.3))}), [], max_risk=0.05
    )
    assert surer.status == "accepted"


def test_what_one_sum_alone_gives_for_a_cell_that_was_not_found_is_reviewed():
    # Once 267 and 378 were read as one figure, the total: of the other column the sum made 267,267.
    figures = {
        "reviews.direct_litigation.upheld": scanned((111, 0.9999)),
        "reviews.direct_litigation.pending": None,
        "reviews.direct_litigation.total": scanned((267378, 0.9999)),
    }
    verdict = decide(evidence(figures), [], max_risk=0.05)
    assert verdict.cells["reviews.direct_litigation.pending"].value == 267267
    assert [problem.code for problem in verdict.problems] == ["unconfirmed"]
    lost = {**seen(REQUEST), "requests.granted.total": None}
    assert decide(evidence(lost), [], max_risk=0.05).status == "accepted"  # two sums agree


def test_unread_cell_in_no_sum_is_missing():
    verdict = decide(evidence({"disclosure.licensing.decisions": scanned()}), [], max_risk=0.05)
    assert verdict.cells["disclosure.licensing.decisions"].status == "missing"
    assert verdict.cells["disclosure.licensing.decisions"].value is None
    assert [problem.code for problem in verdict.problems] == ["missing_cells"]


def test_doubtful_reading_in_no_sum_goes_to_review():
    figures = {"disclosure.licensing.decisions": scanned((636, 0.7), (686, 0.3))}
    verdict = decide(evidence(figures), [], max_risk=0.01)
    assert [problem.code for problem in verdict.problems] == ["uncertain"]
    assert "行政许可" in verdict.problems[0].message


def shifted(apart):
    """Two cells in no sum of which one has 12 and the other is blank: the first is, or for `apart` nats more
    the second."""
    what = evidence({}, scanned_surely)
    rows = list(what.rows)
    at = next(i for i, row in enumerate(rows) if "disclosure.regulations.issued" in row.layouts[0].cells)
    keys = list(rows[at].layouts[0].cells)
    blank = BLANK._replace(certain=False)
    ways = [{keys[0]: blank, keys[1]: scanned_surely(12)}, {keys[0]: scanned_surely(12), keys[1]: blank}]
    layouts = [Layout((i,), {**rows[at].layouts[0].cells, **way}, apart * i) for i, way in enumerate(ways)]
    rows[at] = replace(rows[at], layouts=tuple(layouts))
    verdict = decide(replace(what, rows=tuple(rows)), [], max_risk=0.001)
    return verdict, [verdict.cells[key] for key in keys[:2]]


def test_a_figure_that_may_as_well_stand_in_the_next_column_is_determined_in_neither():
    verdict, cells = shifted(0.05)
    # No sum speaks against it, so that it is no conflict.
    assert [(cell.status, cell.value, cell.printed) for cell in cells] == [("missing", None, None)] * 2
    assert [{value for value, _ in cell.candidates} for cell in cells] == [{0, 12}] * 2
    assert [problem.code for problem in verdict.problems] == ["ambiguous"] * 2
    assert [problem.message.split(": ")[1] for problem in verdict.problems] == [
        "not determined, it may be 0 or 12",
        "not determined, it may be 12 or 0",
    ]


def test_a_figure_that_may_stand_in_the_next_column_is_as_sure_as_that_is_unlikely():
    verdict, (first, second) = shifted(4.0)
    assert (first.status, second.status, second.value) == ("blank", "read", 12)
    assert second.confidence == pytest.approx(1 - math.exp(-4.0), abs=0.005)
    assert [problem.code for problem in verdict.problems] == ["uncertain"]
    assert shifted(11.0)[0].status == "accepted"


def test_all_cells_that_are_nearly_as_unsure_as_the_least_are_named():
    keys = [f"disclosure.{key}.decisions" for key in ("licensing", "penalties", "coercion")]
    figures = {key: scanned((636, p), (686, 1 - p)) for key, p in zip(keys, (0.9, 0.7, 0.99), strict=True)}
    (problem,) = decide(evidence(figures), [], max_risk=0.005).problems
    assert problem.cells == (keys[1], keys[0])


@pytest.mark.parametrize(
    ("table", "make", "reasons"),
    [
        ("requests", scanned_surely, ["poor_fit"]),
        ("requests", printed, []),
        ("disclosure", scanned_surely, []),
    ],
)
def test_a_row_in_sums_whose_places_suit_no_columns_is_reviewed(table, make, reasons):
    # Once a 1 was taken for a rule, the blank it left for a 0, and the sums held: the total was misprinted.
    what = evidence({}, make)
    rows = list(what.rows)
    at = next(i for i, row in enumerate(rows) if row.section.table == table)
    rows[at] = replace(rows[at], layouts=(replace(rows[at].layouts[0], cost=11.0),))
    problems = decide(replace(what, rows=tuple(rows)), [], max_risk=0.01).problems
    assert [problem.code for problem in problems] == reasons
    assert all(set(problem.cells) == set(rows[at].layouts[0].cells) for problem in problems)


def test_a_row_printed_blank_suits_all_columns():
    # Once a blank row was reviewed since other rows of its table print zeros.
    keys = [key for key in FORM.cells if key.startswith("reviews.")]
    blanks = dict.fromkeys(keys, BLANK._replace(certain=False, spotless=True))
    what = evidence(blanks, scanned_surely)
    rows = [
        replace(row, layouts=(replace(row.layouts[0], cost=30.0),)) if row.section.table == "reviews" else row
        for row in what.rows
    ]
    assert not decide(replace(what, rows=tuple(rows)), [], max_risk=0.01).problems


@pytest.mark.parametrize(("figure", "status"), [(11, "accepted"), (12, "review")])
def test_prose_agrees_or_contradicts(figure, status):
    stated = [Stated(("requests.new.total",), figure, "收到申请")]
    verdict = decide(evidence(seen(REQUEST)), stated, max_risk=0.05)
    assert verdict.status == status
    (check,) = [check for check in verdict.checks if check.id == "text:requests.new.total"]
    assert (check.left, check.right, check.holds) == (figure, 11, figure == 11)


def test_row_that_was_not_found_is_reported_and_its_cells_inferred():
    whole = evidence(seen(REQUEST))
    rows = [
        RowEvidence(row.section, row.row, (Layout((), dict.fromkeys(row.layouts[0].cells), 0.0),), None, 5.0)
        if row.row.key == "carried_out"
        else row
        for row in whole.rows
    ]
    verdict = decide(FormEvidence(FORM, tuple(rows), 5.0), [], max_risk=0.05)
    assert [problem.code for problem in verdict.problems] == ["lost_rows"]
    assert verdict.cells["requests.carried_out.total"].value == 0
    assert verdict.status == "review"


def test_tables_that_fit_the_form_badly_are_reviewed():
    of_text = evidence(seen(REQUEST))
    fits, fits_badly = (replace(evidence(seen(REQUEST, scanned_surely)), cost=cost) for cost in (40.0, 97.0))
    assert decide(fits, [], max_risk=0.05).status == "accepted"
    assert decide(replace(of_text, cost=97.0), [], max_risk=0.05).status == "accepted"
    verdict = decide(fits_badly, [], max_risk=0.05)
    assert ([problem.code for problem in verdict.problems], verdict.status) == (["poor_fit"], "review")


def test_empty_form_is_no_report():
    verdict = decide(evidence(make=lambda _: BLANK), [], max_risk=0.05)
    assert "no_figures" in [problem.code for problem in verdict.problems]


# Marks that are no figure


@pytest.mark.parametrize("spotless", [True, False])
def test_a_spotless_cell_is_blank_almost_for_certain(spotless):
    blank = BLANK._replace(certain=False, spotless=spotless)
    lone = {key: blank for key in FORM.cells if key not in FORM.summed}
    verdict = decide(evidence(lone), [], max_risk=0.05)
    assert (verdict.risk < 0.001) is spotless
    assert verdict.cells["disclosure.regulations.issued"].status == "blank"


def test_a_mark_that_is_read_as_nothing_is_blank():
    mark = scanned((None, 0.99), (4, 0.005))
    verdict = decide(
        evidence({"requests.granted.enterprise": mark, "disclosure.licensing.decisions": mark}),
        [],
        max_risk=0.05,
    )
    for key, confidence in (("requests.granted.enterprise", 0.9), ("disclosure.licensing.decisions", 0.99)):
        cell = verdict.cells[key]
        assert (cell.status, cell.value, cell.printed) == ("blank", 0, None)
        assert cell.confidence >= confidence


# Without proof


def allow(monkeypatch, *, time):
    """Enough for one answer, not for the proof that no other is about as good."""
    monkeypatch.setattr("giar_ml.verdict.Budget", partial(Budget, left=time))


def test_without_proof_a_reading_stays_with_a_suggestion(monkeypatch):
    allow(monkeypatch, time=0.0052)
    changes = seen(REQUEST, scanned_surely) | {
        "requests.granted.natural_person": scanned((17, 0.9), (11, 0.1))
    }
    verdict = decide(evidence(changes, scanned_surely), [], max_risk=0.05)
    assert verdict.status == "review"
    assert "not_proven" in {problem.code for problem in verdict.problems}
    cell = verdict.cells["requests.granted.natural_person"]
    assert (cell.status, cell.value, cell.suggestion) == ("conflict", 17, 11)


def test_without_proof_a_mark_that_was_hardly_read_is_missing_and_contradicts_nothing(monkeypatch):
    # Once a rest of a seal was read as 38, with 0.3, in a cell that is blank: a conflict.
    allow(monkeypatch, time=0.0)
    key = "requests.granted.natural_person"
    changes = seen(REQUEST, scanned_surely) | {key: scanned((17, 0.3), (11, 0.1))}
    cell = decide(evidence(changes, scanned_surely), [], max_risk=0.05).cells[key]
    assert (cell.status, cell.value) == ("missing", None)
    assert [figure for figure, _ in cell.candidates][:2] == [17, 11]


@pytest.mark.parametrize(
    ("make", "found"),
    [
        pytest.param(printed, ("inferred", 11, ()), id="text"),
        pytest.param(scanned_surely, ("missing", None, ((11, 0.0),)), id="scan"),
    ],
)
def test_without_proof_a_lost_figure_is_inferred_with_doubt_or_missing(monkeypatch, make, found):
    allow(monkeypatch, time=0.0052)
    changes = seen(REQUEST, make) | {"requests.new.total": None}
    verdict = decide(evidence(changes, make), [], max_risk=0.05)
    assert verdict.status == "review"
    assert "not_proven" in {problem.code for problem in verdict.problems}
    cell = verdict.cells["requests.new.total"]
    assert (cell.status, cell.value, cell.candidates) == found
    assert cell.confidence <= 0.5


# What is read surely


def test_a_misprint_is_likelier_than_that_a_sure_figure_was_misread():
    """A part of two sums is off by one, and no reading of any other figure mends both."""
    changes = seen(REQUEST | {"requests.granted.natural_person": 12}, scanned_surely)
    verdict = decide(evidence(changes, scanned_surely), [], max_risk=0.05)
    cell = verdict.cells["requests.granted.natural_person"]
    assert (cell.status, cell.value, cell.suggestion) == ("conflict", 12, 11)

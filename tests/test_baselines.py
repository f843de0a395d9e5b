import json
from pathlib import Path

import pytest
from conftest import ROOT
from PIL import Image, ImageDraw

from eval.baseline_geometry import clean_figure, read_lines
from eval.baselines import BASELINES, GridRow, Img2TableBaseline, read_rows
from giar_ml.document import BBox, Page, Token
from giar_ml.errors import InputError
from giar_ml.forms import load_form, load_forms

X = (500, 600, 700, 800, 900, 1000, 1100)
"""Centres of the columns of table 3."""


def token(text, x, y, *, width=None, confidence=0.9):
    """Centred on (x, y), 20 px high."""
    half = (width or 20 * len(text)) / 2
    return Token(text, BBox(x - half, y - 10, x + half, y + 10), confidence)


def page(*tokens, number=1):
    return Page(number, "scan", 1200, 1700, tokens=tokens)


def requests_page(rows, *, skip=()):
    """Rows of table 3: label -> figures, 40 px apart; `skip` are (row, column) that OCR lost."""
    tokens = []
    for i, (label, figures) in enumerate(rows.items()):
        tokens.append(token(label, 200, 100 + 40 * i))
        tokens += [
            token(text, x, 103 + 40 * i)
            for j, (text, x) in enumerate(zip(figures, X, strict=True))
            if text and (i, j) not in skip
        ]
    return page(*tokens)


def texts(fit):
    return {key: figure.text for key, figure in fit.figures.items()}


ROWS = {
    "一、本年新收政府信息公开申请数量": ("12", "3", "0", "0", "0", "0", "15"),
    "二、上年结转政府信息公开申请数量": ("0", "1", "0", "0", "0", "2", "3"),
    "(一)予以公开": ("7", "0", "0", "4", "0", "0", "11"),
}
KEYS = ["new", "carried_in", "granted"]
COLUMNS = [
    "natural_person",
    "enterprise",
    "research_institution",
    "social_organization",
    "legal_services",
    "other_organization",
    "total",
]


def expected(rows=ROWS):
    return {
        f"requests.{key}.{column}": text
        for key, figures in zip(KEYS, rows.values(), strict=True)
        for column, text in zip(COLUMNS, figures, strict=True)
    }


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("12", "12"),
        ("１２", "12"),
        ("O", "0"),
        ("l1", "11"),
        ("22（其中修订16件）", "22(其中修订16件)"),
        ("7730.28", "7730.28"),
        ("0 0 0", "0 0 0"),
        ("其他", None),
        ("-", None),
        ("", None),
    ],
)
def test_clean_figure(text, figure):
    assert clean_figure(text) == figure


def test_figures_go_to_their_rows_and_columns():
    fit = read_lines([requests_page(ROWS)], load_form("2021"))
    assert texts(fit) == expected()
    assert fit.rows == {("requests", key) for key in KEYS}


def test_figures_that_ocr_lost_do_not_shift_the_others():
    fit = read_lines([requests_page(ROWS, skip={(0, 2), (1, 0), (2, 4)})], load_form("2021"))
    lost = {
        "requests.new.research_institution",
        "requests.carried_in.natural_person",
        "requests.granted.legal_services",
    }
    assert texts(fit) == {key: text for key, text in expected().items() if key not in lost}


def test_headers_tell_columns_of_which_no_figure_was_read():
    skip = {(row, column) for row in range(3) for column in (2, 4)}
    headers = [
        token(text, x, 40 + 22 * line)
        for x, label in zip(
            X,
            ("自然人", "商业/企业", "科研/机构", "社会公/益组织", "法律服/务机构", "其他", "总计"),
            strict=True,
        )
        for line, text in enumerate(label.split("/"))
    ]
    table = requests_page(ROWS, skip=skip)
    fit = read_lines([page(*headers, *table.tokens)], load_form("2021"))
    lost = {f"requests.{key}.{COLUMNS[column]}" for key in KEYS for column in (2, 4)}
    assert texts(fit) == {key: text for key, text in expected().items() if key not in lost}


def test_a_label_on_several_lines_stands_at_its_middle():
    lines = ["1.申请人无正当理由逾期", "不补正、行政机关不再处", "理其政府信息公开申请"]
    tokens = [token(text, 200, 300 + 22 * i) for i, text in enumerate(lines)]
    figures = [token(str(i), x, 323) for i, x in enumerate(X)]
    fit = read_lines([page(*tokens, *figures)], load_form("2021"))
    assert texts(fit) == {
        f"requests.other.not_corrected_in_time.{column}": str(i) for i, column in enumerate(COLUMNS)
    }


def test_pieces_of_a_figure_are_put_together_and_joined_columns_split():
    table = requests_page({**ROWS, "(一)予以公开": ("", "0", "0", "4", "0", "", "")})
    pieces = [token("1", 490, 183, width=12), token("8", 508, 183, width=12)]
    joined = token("0 22", 1060, 183, width=160)
    fit = read_lines([page(*table.tokens, *pieces, joined)], load_form("2021"))
    assert fit.figures["requests.granted.natural_person"].text == "18"
    assert fit.figures["requests.granted.other_organization"].text == "0"
    assert fit.figures["requests.granted.total"].text == "22"


def test_the_row_without_label_is_read_below_its_headers():
    xs = [80 + 70 * i for i in range(15)]
    headers = [
        token(text, x, 400, width=60)
        for x, text in zip(xs, ["结果维持", "总计", "其他结果"] * 5, strict=True)
    ]
    figures = [token(str(i), x, 450) for i, x in enumerate(xs) if i not in (3, 7)]
    fit = read_lines([page(*headers, *figures, token("2", 600, 1650))], load_form("2021"))
    keys = [key for key in load_form("2021").cells if key.startswith("reviews.")]
    assert texts(fit) == {key: str(i) for i, key in enumerate(keys) if i not in (3, 7)}


@pytest.mark.parametrize("name", ["2021", "mixed", "2019"])
def test_the_form_with_the_best_labels_wins(name):
    tokens = []
    for section in load_form(name).sections:
        for row in section.rows:
            tokens += [token(label, 250, 40 * len(tokens)) for label in row.labels[:1]]
    fits = [read_lines([page(*tokens)], form) for form in load_forms().values()]
    assert max(fits, key=lambda fit: fit.score).form.name == name


def grid(*rows):
    return [GridRow(tuple(row), 1) for row in rows]


def test_table_rows_are_read_by_label_and_order():
    rows = grid(
        ["信息内容", "本年制发件数", "本年废止件数", "现行有效件数"],
        ["行政规范性文件", "7", "3", "48"],
        ["行政许可", "550"],
        ["三、本年度办理结果", "（一）予以公开", "", *ROWS["(一)予以公开"]],
        ["（二）部分公开", "5\n0", "0\n0", "0\nO", "5"],
        [str(i) for i in range(15)],
    )
    found = texts(read_rows(rows, load_form("2021")))
    assert found["disclosure.normative_documents.in_force"] == "48"
    assert found["disclosure.licensing.decisions"] == "550"
    assert [found[f"requests.granted.{c}"] for c in COLUMNS] == list(ROWS["(一)予以公开"])
    assert [found[f"requests.partly_granted.{c}"] for c in COLUMNS] == ["5", *"00000", "5"]
    assert found["reviews.litigation_after_reconsideration.total"] == "14"


def test_of_two_rows_taken_for_one_the_first_is_read():
    """Not 2100: the lines of a cell are different figures."""
    rows = grid(["（七）总计", "21\n0\n0", "21\n0\n0"], ["（一）予以公开", *["4\n1"] * 7])
    found = texts(read_rows(rows, load_form("2021")))
    assert found["requests.handled_total.natural_person"] == "21"
    assert {found[f"requests.granted.{c}"] for c in COLUMNS} == {"4"}


def test_what_a_baseline_reads():
    assert BASELINES["rapidocr"]().applies_to("scan")
    assert not BASELINES["rapidocr"]().applies_to("text")
    assert BASELINES["pdfplumber"]().applies_to("digital")
    assert not BASELINES["pdfplumber"]().applies_to("scan")


@pytest.mark.parametrize("name", ["paddleocr", "rapidocr"])
def test_text_is_refused(name, tmp_path):
    path = tmp_path / "report.txt"
    path.write_text("一、总体情况", encoding="utf-8")
    with pytest.raises(InputError, match="needs a PDF or a picture"):
        BASELINES[name]().read(path)


def test_pdfplumber_refuses_a_scan():
    pytest.importorskip("pdfplumber")
    with pytest.raises(InputError, match="needs a digital PDF"):
        BASELINES["pdfplumber"]().read(ROOT / "examples" / "scan.pdf")


def test_pdfplumber_reads_a_published_report(shared):
    pytest.importorskip("pdfplumber")
    report = BASELINES["pdfplumber"]().read(shared / "real" / "hongze-2023.pdf")
    assert (report.form, report.organisation, report.year) == ("mixed", "洪泽区人民政府", 2023)
    assert report.cells["disclosure.penalties.decisions"].value == 4119
    assert report.cells["reviews.reconsideration.upheld"].value == 10
    assert {check.id for check in report.checks if not check.holds} == {
        "review:reconsideration",
        "review:litigation_after_reconsideration",
    }
    assert report.status == "review"


@pytest.mark.model
def test_rapidocr_reads_the_example_scan():
    path = Path(ROOT, "examples", "scan.pdf")
    gold = json.loads(path.with_suffix(".gold.json").read_text(encoding="utf-8"))["printed"]
    report = BASELINES["rapidocr"]().read(path)
    right = sum(str(report.cells[key].value) == str(value or 0) for key, value in gold.items())
    assert report.form == "2021"
    assert report.source.kind == "scan"
    assert report.status == "review"
    assert right >= 190  # of 200; some are blotted out


def test_img2table_finds_the_cells_of_a_ruled_table(tmp_path):
    pytest.importorskip("img2table")
    rows = [["信息内容", "本年处理决定数量"], ["行政许可", "550"], ["行政处罚", "41"], ["行政强制", "O"]]
    image = Image.new("RGB", (1000, 700), "white")
    draw = ImageDraw.Draw(image)
    tokens = []
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            left, top = 100 + 400 * j, 100 + 100 * i
            draw.rectangle((left, top, left + 400, top + 100), outline="black", width=3)
            draw.text((left + 120, top + 30), "0000", fill="black", font_size=36)
            tokens.append(token(text, left + 200, top + 50))
    image.save(tmp_path / "report.png")
    baseline = Img2TableBaseline(lambda image: tokens)
    report = baseline.read(tmp_path / "report.png")
    assert report.source.kind == "image"
    assert report.cells["disclosure.licensing.decisions"].value == 550
    assert report.cells["disclosure.penalties.decisions"].value == 41
    assert report.cells["disclosure.coercion.decisions"].value == 0
    assert report.cells["disclosure.fees.amount"].status == "missing"

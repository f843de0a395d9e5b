from __future__ import annotations

from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from PIL import Image

from giar_ml.document import BBox, Document, Page, Table
from giar_ml.errors import InputError
from giar_ml.load import load

W = nsdecls("w")


def load_bytes(tmp_path: Path, data: bytes) -> Document:
    path = tmp_path / "a.docx"
    path.write_bytes(data)
    return load(path)


def save(document: docx.document.Document) -> bytes:
    buffer = BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def load_body(tmp_path: Path, *blocks: str) -> Page:
    """A document with these blocks of WordprocessingML as its body."""
    document = docx.Document()
    for block in reversed(blocks):
        xml = block.replace(">", f" {W}>", 1) if not block.startswith("<mc:") else block
        document.element.body.insert(0, parse_xml(xml))
    (page,) = load_bytes(tmp_path, save(document)).pages
    return page


def p(*texts: str) -> str:
    return "<w:p>" + "".join(f"<w:r><w:t>{text}</w:t></w:r>" for text in texts) + "</w:p>"


def tc(content: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{content}</w:tc>"


def tbl(*rows: str) -> str:
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"


def spans(table: Table) -> list[tuple[int, int, int, int, str]]:
    return [(c.row_start, c.row_stop, c.column_start, c.column_stop, c.text) for c in table.cells]


def texts(page: Page) -> list[str]:
    return [token.text for token in page.tokens]


def test_paragraphs_and_tables_in_order(tmp_path):
    page = load_body(
        tmp_path, p("一、总体", "情况"), tbl(tc(p("1")) + tc(p("2")), tc(p("3")) + tc(p("4"))), p("后")
    )
    assert (page.kind, page.number, page.image) == ("text", 1, None)
    assert [(token.text, token.line) for token in page.tokens] == [("一、总体情况", 1), ("后", 4)]
    (table,) = page.tables
    assert table.gridded
    assert (table.page, table.n_rows, table.n_columns, table.bbox) == (1, 2, 2, BBox(0, 1, 2, 3))
    assert [cell.tokens[0].line for cell in table.cells] == [2, 2, 3, 3]
    assert table.cells[3].bbox == BBox(1, 2, 2, 3)


def test_spans(tmp_path):
    down, on = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    page = load_body(
        tmp_path,
        tbl(
            tc(p("甲"), down) + tc(p("乙"), '<w:gridSpan w:val="2"/>'),
            tc(p(""), on) + tc(p("丙")) + tc(p("丁")),
            tc(p("戊"), down) + tc(p("1")) + tc(p("2")),
        ),
    )
    assert spans(page.tables[0]) == [
        (0, 2, 0, 1, "甲"),
        (0, 1, 1, 3, "乙"),
        (1, 2, 1, 2, "丙"),
        (1, 2, 2, 3, "丁"),
        (2, 3, 0, 1, "戊"),
        (2, 3, 1, 2, "1"),
        (2, 3, 2, 3, "2"),
    ]


def test_row_that_starts_late(tmp_path):
    late = '<w:trPr><w:gridBefore w:val="1"/></w:trPr>' + tc(p("丙"))
    page = load_body(tmp_path, tbl(tc(p("甲")) + tc(p("乙")), late))
    assert spans(page.tables[0])[-1] == (1, 2, 1, 2, "丙")


def test_each_paragraph_of_a_cell_is_a_token(tmp_path):
    page = load_body(
        tmp_path,
        tbl(tc(p("商业") + p("企业") + p(" ")) + tc("<w:p><w:r><w:t>1</w:t><w:br/><w:t>2</w:t></w:r></w:p>")),
    )
    assert [[token.text for token in cell.tokens] for cell in page.tables[0].cells] == [
        ["商业", "企业"],
        ["1", "2"],
    ]


def test_tracked_changes_are_accepted(tmp_path):
    changed = (
        "<w:p><w:del><w:r><w:delText>7</w:delText></w:r></w:del><w:ins><w:r><w:t>12</w:t></w:r></w:ins>"
        "<w:moveFrom><w:r><w:t>9</w:t></w:r></w:moveFrom></w:p>"
    )
    gone = "<w:trPr><w:del/></w:trPr>" + tc(p("删"))
    page = load_body(tmp_path, changed, tbl(tc(changed), gone))
    assert texts(page) == ["12"]
    assert spans(page.tables[0]) == [(0, 1, 0, 1, "12")]


def test_content_controls_fields_and_hidden_text(tmp_path):
    control = "<w:sdt><w:sdtContent>" + p("在控件里") + "</w:sdtContent></w:sdt>"
    cell_control = "<w:sdt><w:sdtContent>" + tc(p("5")) + "</w:sdtContent></w:sdt>"
    field = (
        "<w:p><w:r><w:instrText>=SUM(ABOVE)</w:instrText></w:r><w:r><w:t>6</w:t></w:r>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>隐</w:t></w:r></w:p>"
    )
    page = load_body(tmp_path, control, field, tbl(cell_control + tc(field)))
    assert texts(page) == ["在控件里", "6"]
    assert spans(page.tables[0]) == [(0, 1, 0, 1, "5"), (0, 1, 1, 2, "6")]


def run(text: str, properties: str) -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def test_digits_in_superscript_are_marks_of_notes(tmp_path):
    def shown(align: str) -> str:
        note = run("[1]", f'<w:vertAlign w:val="{align}"/>')
        return load_body(tmp_path, f"<w:p>{run('2', '')}{note}{run('号', '')}</w:p>").tokens[0].text

    assert shown("superscript") == "2¹号"
    assert shown("baseline") == "2[1]号"


@pytest.mark.parametrize(
    ("properties", "text"),
    [("<w:strike/>", "7"), ("<w:dstrike/>", "7"), ('<w:strike w:val="0"/>', "27")],
)
def test_what_is_struck_out_is_not_read(tmp_path, properties, text):
    page = load_body(tmp_path, tbl(tc(f"<w:p>{run('2', properties)}{run('7', '')}</w:p>")))
    assert spans(page.tables[0]) == [(0, 1, 0, 1, text)]


def test_characters_that_nobody_sees_are_dropped(tmp_path):
    page = load_body(tmp_path, p("总\u200b", "计"), tbl(tc(p("\u200e5", "\u2060")) + tc(p("\ufeff"))))
    assert texts(page) == ["总计"]
    assert spans(page.tables[0]) == [(0, 1, 0, 1, "5"), (0, 1, 1, 2, "")]
    assert page.tables[0].cells[1].tokens == ()


def test_text_box_is_read_once(tmp_path):
    box = "<w:txbxContent>" + p("框内") + tbl(tc(p("1")) + tc(p("2"))) + "</w:txbxContent>"
    page = load_body(
        tmp_path,
        "<w:p><w:r><w:t>框外</w:t>"
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        f"<mc:Choice>{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r></w:p>",
    )
    assert texts(page) == ["框外", "框内"]
    assert [table.n_columns for table in page.tables] == [2]


def test_nested_table_stands_alone_and_its_wrapper_goes(tmp_path):
    inner = tbl(tc(p("1")) + tc(p("2")), tc(p("3")) + tc(p("4")))
    page = load_body(tmp_path, tbl(tc(p("标题")), tc(inner + p(""))))
    assert texts(page) == ["标题"]
    assert [(table.n_rows, table.n_columns) for table in page.tables] == [(2, 2)]


def test_nested_table_of_one_cell_is_text_of_the_outer_cell(tmp_path):
    page = load_body(tmp_path, tbl(tc(p("自然人")) + tc(tbl(tc(p("12"))) + p(""))))
    assert spans(page.tables[0]) == [(0, 1, 0, 1, "自然人"), (0, 1, 1, 2, "12")]


def test_document_of_pictures_says_so(tmp_path):
    picture = BytesIO()
    Image.new("L", (100, 100)).save(picture, "PNG")
    document = docx.Document()
    document.add_picture(picture)
    (page,) = load_bytes(tmp_path, save(document)).pages
    assert [problem.code for problem in page.problems] == ["pictures_not_read"]


def test_macro_document_is_read(tmp_path):
    document = docx.Document()
    document.add_paragraph("政府信息公开")
    buffer = BytesIO()
    with ZipFile(BytesIO(save(document))) as source, ZipFile(buffer, "w") as target:
        for name in source.namelist():
            plain, macro = b"wordprocessingml.document.main+xml", b"ms-word.document.macroEnabled.main+xml"
            target.writestr(name, source.read(name).replace(b"openxmlformats-officedocument." + plain, macro))
    (page,) = load_bytes(tmp_path, buffer.getvalue()).pages
    assert texts(page) == ["政府信息公开"]


def bomb() -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive, archive.open("word/document.xml", "w") as part:
        for _ in range(210):
            part.write(bytes(1_000_000))
    return buffer.getvalue()


def with_document(xml: bytes) -> bytes:
    buffer = BytesIO()
    with ZipFile(BytesIO(save(docx.Document()))) as source, ZipFile(buffer, "w") as target:
        for name in source.namelist():
            target.writestr(name, xml if name == "word/document.xml" else source.read(name))
    return buffer.getvalue()


ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(bomb, "too_large", id="zip bomb"),
        pytest.param(lambda: save(docx.Document())[:5000], "damaged", id="cut off"),
        pytest.param(lambda: with_document(b"<w:document"), "damaged", id="broken XML"),
        pytest.param(lambda: with_document(ENTITIES), "damaged", id="entities"),
        pytest.param(lambda: with_document(b"<x/>"), "unsupported_format", id="something else inside"),
        pytest.param(lambda: save(docx.Document()), "empty", id="no text"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, make, code):
    with pytest.raises(InputError) as raised:
        load_bytes(tmp_path, make())
    assert raised.value.code == code
    assert str(raised.value).startswith("a.docx: ")


def test_blank_form(shared):
    document = load(shared / "real" / "form-2021-blank.docx")
    (page,) = document.pages
    assert document.kind == "word"
    assert [(table.n_rows, table.n_columns) for table in page.tables] == [(14, 4), (28, 10), (4, 15)]
    requests = page.tables[1]
    assert (5, 27, 0, 1, "三、本年度办理结果") in spans(requests)
    assert (23, 24, 2, 3, "1.申请人无正当理由逾期不补正、行政机关不再处理其政府信息公开申请") in spans(
        requests
    )
    covered = sum((c.row_stop - c.row_start) * (c.column_stop - c.column_start) for c in requests.cells)
    assert covered == 28 * 10
    assert "三、收到和处理政府信息公开申请情况" in texts(page)

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from PIL import Image

from giar_ml.document import UNREAD, BBox, Document, Page, Table
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
    assert shown("subscript") == "2¹号"
    assert shown("baseline") == "2[1]号"


def test_digits_set_higher_than_the_first_are_marks_of_notes(tmp_path):
    up = '<w:position w:val="10"/>'
    page = load_body(tmp_path, f"<w:p>{run('2', '')}{run('1', up)}</w:p>", f"<w:p>{run('2', up)}</w:p>")
    assert texts(page) == ["2¹", "2"]


@pytest.mark.parametrize(
    ("properties", "text"),
    [("<w:strike/>", "7"), ("<w:dstrike/>", "7"), ('<w:strike w:val="0"/>', "27")],
)
def test_what_is_struck_out_is_not_read(tmp_path, properties, text):
    page = load_body(tmp_path, tbl(tc(f"<w:p>{run('2', properties)}{run('7', '')}</w:p>")))
    assert spans(page.tables[0]) == [(0, 1, 0, 1, text)]


SYMBOL = '<w:sym w:font="Symbol" w:char="F037"/>'
NUMBERED = '<w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="{}"/></w:numPr></w:pPr>'
EXTENT = (
    '<w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing">'
    '<wp:extent cx="{0}" cy="{0}"/></wp:inline></w:drawing>'
)
FORMULA = '<m:oMath xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math">{}</m:oMath>'
LIST = (
    '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result w:val="1"/>'
    '<w:listEntry w:val="3"/><w:listEntry w:val="7"/></w:ddList></w:ffData></w:fldChar></w:r>'
    "<w:r><w:instrText> FORMDROPDOWN </w:instrText></w:r>{}"
    '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(f"<w:r>{SYMBOL}</w:r>", UNREAD, id="symbol"),
        pytest.param(f"<w:r><w:t>7</w:t>{SYMBOL}</w:r>", "7" + UNREAD, id="symbol behind a figure"),
        pytest.param(f"<w:r>{SYMBOL}<w:t>小计</w:t></w:r>", "小计", id="symbol before words"),
        pytest.param("<w:r><w:object/></w:r>", UNREAD, id="object"),
        pytest.param("<w:r><w:pict/></w:r>", UNREAD, id="picture of old"),
        pytest.param(f"<w:r>{EXTENT.format(90000)}</w:r>", UNREAD, id="picture"),
        pytest.param(f"<w:r>{EXTENT.format(9525)}</w:r>", "", id="picture of one pixel"),
        pytest.param(NUMBERED.format(5), UNREAD, id="number of a list"),
        pytest.param(NUMBERED.format(0), "", id="no number"),
        pytest.param(FORMULA.format("<m:r><m:t>7</m:t></m:r>"), "7", id="formula"),
        pytest.param(FORMULA.format("<m:f><m:num/><m:den/></m:f>"), UNREAD, id="fraction"),
        pytest.param(LIST.format(""), "7", id="list"),
        pytest.param(LIST.format("<w:r><w:t>7</w:t></w:r>"), "7", id="list with its text"),
        pytest.param(
            '<w:bookmarkStart w:id="1" w:name="a"/><w:proofErr w:type="spellStart"/>'
            '<w:r><w:t>7</w:t><w:footnoteReference w:id="1"/></w:r><w:bookmarkEnd w:id="1"/>',
            "7",
            id="marks",
        ),
    ],
)
def test_what_is_shown_in_a_cell_and_not_read_is_no_blank(tmp_path, content, text):
    page = load_body(tmp_path, f"<w:p>{content}</w:p>", tbl(tc(f"<w:p>{content}</w:p>") + tc(p("9"))))
    assert [cell.text for cell in page.tables[0].cells] == [text, "9"]
    assert UNREAD not in "".join(texts(page))


def test_styles_are_honoured(tmp_path):
    document = docx.Document()
    for name, kind in (("Struck", WD_STYLE_TYPE.CHARACTER), ("Gone", WD_STYLE_TYPE.PARAGRAPH)):
        document.styles.add_style(name, kind)
        child = document.styles.add_style(f"{name}Child", kind)
        child.base_style = document.styles[name]
    document.styles["Struck"].font.strike = True
    document.styles["Gone"].font.hidden = True
    paragraph = document.add_paragraph("7")
    paragraph.add_run("5", style="StruckChild")
    paragraph.add_run("3", style="StruckChild").font.strike = False
    document.add_paragraph("9", style="GoneChild").add_run("8").font.hidden = False
    (page,) = load_bytes(tmp_path, save(document)).pages
    assert texts(page) == ["73", "8"]


@pytest.mark.parametrize(
    ("cell", "properties", "text"),
    [
        ("", "", UNREAD + "7"),
        ('<w:shd w:val="clear" w:fill="1F4E79"/>', "", "17"),
        ("", '<w:shd w:val="clear" w:fill="000000"/>', "17"),
        ("", '<w:highlight w:val="blue"/>', "17"),
    ],
)
def test_white_digits_are_read_on_a_coloured_ground(tmp_path, cell, properties, text):
    white = run("1", '<w:color w:val="FFFFFF"/>' + properties)
    page = load_body(tmp_path, tbl(tc(f"<w:p>{white}{run('7', '')}</w:p>", cell)))
    assert page.tables[0].cells[0].text == text


def test_hidden_rows_are_left_out(tmp_path):
    page = load_body(tmp_path, tbl(tc(p("1")), "<w:trPr><w:hidden/></w:trPr>" + tc(p("2")), tc(p("3"))))
    assert spans(page.tables[0]) == [(0, 1, 0, 1, "1"), (1, 2, 0, 1, "3")]


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


def test_nested_table_with_one_text_is_text_of_the_outer_cell(tmp_path):
    page = load_body(tmp_path, tbl(tc(p("自然人")) + tc(tbl(tc(p("12")) + tc(p(""))) + p(""))))
    assert spans(page.tables[0]) == [(0, 1, 0, 1, "自然人"), (0, 1, 1, 2, "12")]


def test_cell_of_a_data_table_that_wraps_a_table_is_no_blank(tmp_path):
    inner = tbl(tc(p("8")) + tc(p("9")))
    page = load_body(tmp_path, tbl("".join(tc(p(str(n))) for n in range(6)) + tc(inner + p(""))))
    assert [cell.text for cell in page.tables[0].cells][5:] == ["5", UNREAD]
    assert [table.n_columns for table in page.tables] == [7, 2]


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


def edited(part: str, edit: Callable[[bytes], bytes], *, document: bytes | None = None) -> bytes:
    """A document of which one part is another."""
    buffer = BytesIO()
    with ZipFile(BytesIO(document or save(docx.Document()))) as source, ZipFile(buffer, "w") as target:
        for name in source.namelist():
            xml = source.read(name)
            target.writestr(name, edit(xml) if name == part else xml, ZIP_DEFLATED)
    return buffer.getvalue()


def with_document(xml: bytes) -> bytes:
    return edited("word/document.xml", lambda _: xml)


def with_relationships(old: str, new: str) -> bytes:
    return edited("_rels/.rels", lambda xml: xml.replace(old.encode(), new.encode()))


def with_body(xml: str) -> bytes:
    return edited("word/document.xml", lambda old: old.replace(b"<w:body>", f"<w:body>{xml}".encode()))


def spoilt(method: int) -> bytes:
    """A document whose main part does not unpack."""
    buffer = BytesIO()
    with ZipFile(BytesIO(save(docx.Document()))) as source, ZipFile(buffer, "w", method) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    with ZipFile(buffer) as archive:
        part = archive.getinfo("word/document.xml")
    data = bytearray(buffer.getvalue())
    start = part.header_offset + 30 + len(part.filename)
    data[start + 12 : start + 60] = bytes(byte ^ 0x5A for byte in data[start + 12 : start + 60])
    return bytes(data)


OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument"
TARGET = 'Target="word/document.xml"'
ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(bomb, "too_large", id="zip bomb"),
        pytest.param(lambda: save(docx.Document())[:5000], "damaged", id="cut off"),
        pytest.param(lambda: with_document(b"<w:document"), "damaged", id="broken XML"),
        pytest.param(lambda: with_document(ENTITIES), "damaged", id="entities"),
        pytest.param(lambda: with_document(b"<x/>"), "unsupported_format", id="something else inside"),
        pytest.param(lambda: with_relationships(OFFICE, STRICT), "unsupported_format", id="strict"),
        pytest.param(
            lambda: with_relationships(TARGET, 'TargetMode="External" Target="file:///a"'),
            "damaged",
            id="elsewhere",
        ),
        pytest.param(lambda: edited("_rels/.rels", lambda _: b"<a/>"), "damaged", id="no relationships"),
        pytest.param(lambda: with_relationships("Target=", "x="), "damaged", id="no target"),
        pytest.param(lambda: edited("word/styles.xml", lambda _: b"<a"), "damaged", id="broken styles"),
        pytest.param(lambda: spoilt(ZIP_LZMA), "damaged", id="LZMA"),
        pytest.param(lambda: spoilt(ZIP_BZIP2), "damaged", id="BZIP2"),
        pytest.param(
            lambda: with_body(tbl(tc("", f'<w:gridSpan w:val="{"9" * 5000}"/>'))), "damaged", id="long number"
        ),
        pytest.param(lambda: with_body("<w:p/>" * 600_000), "too_large", id="too many elements"),
        pytest.param(lambda: with_body(" " * 21_000_000), "too_large", id="too much XML"),
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

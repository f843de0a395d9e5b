"""PDF files are written here byte by byte, so that each has just the fault it needs."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from giar_ml.document import UNREAD, BBox, Document, Page
from giar_ml.errors import InputError
from giar_ml.load import characters, drawn, load, rendering
from giar_ml.load import pdf as pdf_module
from giar_ml.load.characters import Chars, CrowdedError, group_characters
from giar_ml.tables.rules import to_gray

A4 = b"/MediaBox[0 0 595 842]"


@dataclass(frozen=True)
class PdfPage:
    content: bytes
    box: bytes = A4
    image: Image.Image | None = None
    annotation: bytes | None = None
    entries: bytes = b""


def make_pdf(
    pages: Sequence[PdfPage], *, trailer: bytes = b"", key: bytes | None = None, catalog: bytes = b""
) -> bytes:
    """A PDF with fonts F1 (Helvetica), F2 (Chinese, not embedded) and F3 (maps to private use)."""
    to_unicode = (
        b"begincmap 1 begincodespacerange<00><ff>endcodespacerange 1 beginbfrange<00><ff><e000>endbfrange"
    )
    objects = [
        b"",
        b"",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[5 0 R]>>",
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000/FontDescriptor 6 0 R"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>>>",
        b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 4/FontBBox[-25 -254 1000 880]/ItalicAngle 0"
        b"/Ascent 880/Descent -120/CapHeight 880/StemV 93>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 8 0 R>>",
        _stream(to_unicode + b" endcmap"),
    ]
    kids = []
    for page in pages:
        resources = b"<</Font<</F1 3 0 R/F2 4 0 R/F3 7 0 R>>"
        extra = page.entries
        if page.image is not None:
            objects.append(_image(page.image))
            resources += b"/XObject<</Im %d 0 R>>" % len(objects)
        resources += b">>"
        if page.annotation is not None:
            form = b"/Type/XObject/Subtype/Form/BBox[0 0 100 20]/Resources" + resources
            objects.append(_stream(page.annotation, form))
            objects.append(
                b"<</Type/Annot/Subtype/FreeText/Rect[300 690 400 710]/F 4/AP<</N %d 0 R>>>>" % len(objects)
            )
            extra = b"/Annots[%d 0 R]" % len(objects)
        number = len(objects) + 1
        content = page.content if key is None else _rc4(_object_key(key, number), page.content)
        objects.append(_stream(content))
        objects.append(
            b"<</Type/Page/Parent 2 0 R/Contents %d 0 R/Resources%s%s%s>>"
            % (number, resources, page.box, extra)
        )
        kids.append(b"%d 0 R" % len(objects))
    objects[0] = b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(kids))
    return _write(objects, trailer)


def _write(objects: Sequence[bytes], trailer: bytes) -> bytes:
    data = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    data += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        trailer,
        start,
    )
    return bytes(data)


def _stream(body: bytes, entries: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(body), entries, body)


def _image(image: Image.Image) -> bytes:
    entries = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8"
    pixels = zlib.compress(image.convert("L").tobytes())
    return _stream(pixels, entries % image.size + b"/Filter/FlateDecode")


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def _object_key(key: bytes, number: int) -> bytes:
    return hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[:10]


def encrypted_pdf(user_password: bytes) -> bytes:
    """The oldest standard encryption, RC4 with 40 bits."""
    padding = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
    user = (user_password + padding)[:32]
    owner = _rc4(hashlib.md5((b"owner" + padding)[:32]).digest()[:5], user)
    file_id, permissions = b"0123456789abcdef", -4
    seed = user + owner + permissions.to_bytes(4, "little", signed=True) + file_id
    key = hashlib.md5(seed).digest()[:5]
    trailer = b"/ID[<%s><%s>]/Encrypt<</Filter/Standard/V 1/R 2/P %d/O<%s>/U<%s>>>" % (
        file_id.hex().encode(),
        file_id.hex().encode(),
        permissions,
        owner.hex().encode(),
        _rc4(key, padding).hex().encode(),
    )
    return make_pdf([PdfPage(figures("12"))], trailer=trailer, key=key)


def figures(text: str, *, x: float = 110, y: float = 700, mode: int = 0, font: str = "F1") -> bytes:
    return f"BT {mode} Tr /{font} 12 Tf {x} {y} Td ({text}) Tj ET\n".encode()


def chinese(text: str, *, x: float = 110, y: float = 700, mode: int = 0) -> bytes:
    codes = text.encode("utf-16-be").hex()
    return f"BT {mode} Tr /F2 12 Tf {x} {y} Td <{codes}> Tj ET\n".encode()


def scan_of_table(width: int = 1240, height: int = 1754) -> Image.Image:
    """A page at 150 dpi with rules and marks in its cells."""
    image = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(image)
    for i in range(8):
        draw.line((100, 200 + i * 80, width - 100, 200 + i * 80), fill=0, width=3)
        draw.line((100 + i * (width - 200) // 7, 200, 100 + i * (width - 200) // 7, 760), fill=0, width=3)
        draw.text((130 + i * 90, 230 + i * 60), "12 345", fill=0, font_size=24)
    return image


FULL_PAGE = b"q 595 0 0 842 0 0 cm /Im Do Q\n"


def load_bytes(tmp_path: Path, data: bytes, **options: int) -> Document:
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    return load(path, **options)


def load_page(tmp_path: Path, page: PdfPage) -> Page:
    (loaded,) = load_bytes(tmp_path, make_pdf([page])).pages
    return loaded


def texts(page: Page) -> list[str]:
    return [token.text for token in page.tokens]


def ink_box(page: Page) -> BBox:
    """Where the page is dark."""
    assert page.image is not None
    rows, columns = np.nonzero(to_gray(page.image) < 128)
    return BBox(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


# Tokens


def test_chinese_text_is_digital(tmp_path):
    document = load_bytes(
        tmp_path, make_pdf([PdfPage(chinese("政府信息公开（一）①") + figures("12", y=600))])
    )
    (page,) = document.pages
    assert document.kind == page.kind == "digital"
    assert texts(page) == ["政府信息公开（一）①", "12"]
    assert (page.number, page.width, page.height, page.dpi) == (1, 1190, 1684, 144)
    assert page.image is not None
    assert page.image.shape == (1684, 1190)


def test_radicals_become_ordinary_characters(tmp_path):
    page = load_page(tmp_path, PdfPage(chinese("⾃然⼈⻅")))
    # The stand-in font may lack the glyphs, so only the text counts.
    assert "".join(texts(page)) == "自然人见"


@pytest.mark.parametrize(
    ("box", "text_matrix", "size"),
    [
        pytest.param(A4, "1 0 0 1 150 700", (1190, 1684), id="plain"),
        pytest.param(b"/MediaBox[-50 -20 545 822]", "1 0 0 1 150 700", (1190, 1684), id="origin elsewhere"),
        pytest.param(A4 + b"/CropBox[100 400 500 800]", "1 0 0 1 150 700", (800, 800), id="cropped"),
        pytest.param(A4 + b"/Rotate 90", "0 1 -1 0 150 300", (1684, 1190), id="rotated 90"),
        pytest.param(A4 + b"/Rotate 180", "-1 0 0 -1 450 700", (1190, 1684), id="rotated 180"),
        pytest.param(A4 + b"/Rotate 270", "0 -1 1 0 150 700", (1684, 1190), id="rotated 270"),
        pytest.param(
            A4 + b"/Rotate 90/CropBox[100 200 500 800]",
            "0 1 -1 0 150 300",
            (1200, 800),
            id="rotated, cropped",
        ),
        pytest.param(A4, "0 1 -1 0 150 300", (1684, 1190), id="text sideways, not rotated"),
        pytest.param(A4 + b"/Rotate 90", "-1 0 0 -1 450 700", (1190, 1684), id="text and page disagree"),
    ],
)
def test_token_boxes_lie_on_the_ink_and_text_is_upright(tmp_path, box, text_matrix, size):
    content = f"BT /F1 24 Tf {text_matrix} Tm (2023) Tj ET".encode()
    page = load_page(tmp_path, PdfPage(content, box))
    assert (page.width, page.height) == size
    (token,) = page.tokens
    assert token.text == "2023"
    assert token.bbox == pytest.approx(ink_box(page), abs=2)
    assert token.bbox.width > token.bbox.height


def test_text_outside_the_crop_box_is_not_there(tmp_path):
    page = load_page(tmp_path, PdfPage(figures("1") + figures("9", y=50), A4 + b"/CropBox[100 400 500 800]"))
    assert texts(page) == ["1"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(figures("10 1 0", x=100), ["10 1 0"], id="one run keeps its spaces"),
        pytest.param(figures("10") + figures("1", x=128), ["10", "1"], id="figures of narrow cells"),
        pytest.param(
            chinese("自然人") + chinese("总计", x=158), ["自然人", "总计"], id="gap of one character"
        ),
        pytest.param(chinese("自然人") + chinese("总计", x=148), ["自然人总计"], id="close text"),
        pytest.param(
            chinese("自然人") + chinese("总计", x=148) + b"0 G 1 w 147 680 m 147 730 l S",
            ["自然人", "总计"],
            id="rule between close cells",
        ),
        pytest.param(
            b"0 0.2 0.5 rg 100 680 100 50 re f 1 g "
            + chinese("自然人")
            + chinese("总计", x=149)
            + b"1 G 1 w 147.5 680 m 147.5 730 l S",
            ["自然人", "总计"],
            id="white rule on a dark head row",
        ),
        pytest.param(chinese("总计", x=134) + chinese("合并"), ["合并总计"], id="written out of order"),
        pytest.param(chinese("总计") + chinese("总计", x=110.4), ["总计"], id="printed twice for bold"),
        pytest.param(chinese("上行") + chinese("下行", y=686), ["上行", "下行"], id="two lines"),
    ],
)
def test_characters_are_grouped(tmp_path, content, expected):
    assert texts(load_page(tmp_path, PdfPage(content))) == expected


def test_a_point_as_high_as_its_ink_stands_in_the_line_of_its_digits():
    # So fonts without an ascent give it: comma and point were tokens of their own, 22,918.98 was 2291898.
    lefts = [709, 722, 736, 744, 757, 770, 784, 792, 805]
    body = np.array([[left, 1440.6, left + 13.3, 1459.5] for left in lefts])
    body[2, 1:] = 1454.1, 743.8, 1461.2
    body[6, 1:] = 1454.1, 791.7, 1459.5
    (token,) = group_characters(Chars("22,918.98", body, body, np.zeros(9, bool)))
    assert token.text == "22,918.98"


def test_group_characters_of_nothing():
    nothing = np.zeros((0, 4))
    assert group_characters(Chars("", nothing, nothing, np.zeros(0, bool))) == ()


def test_boxes_are_tight_around_the_ink():
    ink = np.array([[2.0, 3, 5, 9], [7, 2, 11, 9]])
    body = np.array([[0.0, 0, 6, 12], [6, 0, 12, 12]])
    (token,) = group_characters(Chars("12", ink, body, np.zeros(2, bool)))
    assert (token.text, token.bbox) == ("12", BBox(2, 2, 11, 9))


@pytest.mark.parametrize("level", [0, 90, 214])
def test_rules_part_the_characters_beside_them(level):
    gray = np.full((60, 40), 255, np.uint8)
    body = np.array([[4.0, 20, 16, 32], [16, 20, 28, 32]])
    chars = Chars("12", body + np.array([2, 2, -2, -2]), body, np.zeros(2, bool))
    assert [token.text for token in group_characters(chars, gray)] == ["12"]
    gray[:, 16] = level
    assert [token.text for token in group_characters(chars, gray)] == ["1", "2"]
    # A stroke ends within the line.
    gray[:20, 16] = gray[32:, 16] = 255
    assert [token.text for token in group_characters(chars, gray)] == ["12"]


def test_runs_that_the_file_writes_out_of_order_are_one_token():
    lefts = np.array([36.0, 48, 12, 24])
    body = np.stack([lefts, np.full(4, 20.0), lefts + 12, np.full(4, 32.0)], axis=1)
    chars = Chars("息公政府", body, body, np.zeros(4, bool))
    assert [token.text for token in group_characters(chars)] == ["政府息公"]


def test_figures_in_annotations_are_read(tmp_path):
    page = load_page(tmp_path, PdfPage(chinese("自然人"), annotation=figures("7", x=2, y=5)))
    assert texts(page) == ["自然人", "7"]


NO_PICTURE = b"/Annots[<</Type/Annot/Rect[300 690 400 710]/F 4/DA(/F1 12 Tf 0 g)%s>>]"
"""An annotation that does not say how it looks."""


def test_values_of_form_fields_are_read_though_the_file_does_not_draw_them(tmp_path):
    fonts = b"/DR<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>"
    form = b"/AcroForm<</Fields[]/NeedAppearances true/DA(/F1 12 Tf 0 g)%s>>" % fonts
    field = NO_PICTURE % b"/Subtype/Widget/FT/Tx/T(a)/V(95)"
    (page,) = load_bytes(tmp_path, make_pdf([PdfPage(chinese("自然人"), entries=field)], catalog=form)).pages
    assert texts(page) == ["自然人", "95"]


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param(b"/Subtype/Widget/FT/Tx/T(a)/V(95)", id="field of no form"),
        pytest.param(b"/Subtype/FreeText/Contents(95)", id="note"),
    ],
)
def test_text_that_the_file_does_not_draw_is_unread(tmp_path, entries):
    page = load_page(tmp_path, PdfPage(chinese("自然人"), entries=NO_PICTURE % entries))
    assert texts(page) == ["自然人", UNREAD]
    assert page.tokens[1].bbox == pytest.approx(BBox(600, 264, 800, 304))


def test_annotations_that_are_not_shown_are_not_read(tmp_path):
    data = make_pdf([PdfPage(chinese("自然人"), annotation=figures("7", x=2, y=5))])
    for flags in (b"/F 2 ", b"/F 32"):
        (page,) = load_bytes(tmp_path, data.replace(b"/F 4/", flags + b"/")).pages
        assert texts(page) == ["自然人"]


def test_text_that_leaves_no_ink_is_dropped_only_with_its_font_embedded(tmp_path):
    # White on white in a font that is not embedded: as on a machine without Chinese fonts.
    page = load_page(tmp_path, PdfPage(b"1 g " + chinese("自然人")))
    assert (page.kind, texts(page)) == ("digital", ["自然人"])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"1 g " + figures("5"), [], id="white"),
        pytest.param(b"0 0 1 1 re W n " + figures("5"), [], id="clipped away"),
        pytest.param(figures("5") + b"1 g 100 690 40 30 re f", [], id="covered"),
        pytest.param(
            figures("5") + b"1 g 100 690 40 30 re f 0 g " + figures("7"), [UNREAD, UNREAD], id="painted over"
        ),
        pytest.param(figures("5") + b"0 G 0.6 w 109 704.3 m 118 704.3 l S", [UNREAD], id="struck out"),
        pytest.param(figures("-5") + b"0 G 0.6 w 109 698 m 122 698 l S", ["-5"], id="underlined"),
    ],
)
def test_figures_that_nobody_sees_are_not_read(tmp_path, content, expected):
    page = load_page(tmp_path, PdfPage(chinese("自然人", y=750) + content))
    assert texts(page) == ["自然人", *expected]


def test_a_figure_in_a_ring_of_its_own_is_read():
    ink = np.array([[0.0, 0, 12, 12], [4, 2, 8, 10]])
    tokens = group_characters(Chars("○1", ink, ink, np.zeros(2, bool)))
    assert sorted(token.text for token in tokens) == ["1", "○"]


def characters_in_line(step: float, n_chars: int) -> Chars:
    lefts = step * np.arange(n_chars)
    body = np.stack([lefts, np.zeros(n_chars), lefts + 8, np.full(n_chars, 12.0)], axis=1)
    return Chars("3" * n_chars, body, body, np.zeros(n_chars, bool))


def test_a_long_line_needs_no_comparison_of_all_with_all(monkeypatch):
    monkeypatch.setattr(characters, "MAX_PAIRS", 100_000)
    (token,) = group_characters(characters_in_line(8, 10_000))
    assert len(token.text) == 10_000


def test_more_characters_in_one_place_than_print_has_make_a_page_a_scan(tmp_path, monkeypatch):
    with pytest.raises(CrowdedError):
        group_characters(characters_in_line(0.001, 2_000))
    monkeypatch.setattr(characters, "MAX_PAIRS", 3)
    page = load_page(tmp_path, PdfPage(figures("12345")))
    assert (page.kind, page.tokens) == ("scan", ())


# Digital or scan


def test_scan_is_rendered_at_its_own_resolution(tmp_path):
    document = load_bytes(tmp_path, make_pdf([PdfPage(FULL_PAGE, image=scan_of_table())]))
    (page,) = document.pages
    assert document.kind == page.kind == "scan"
    assert page.tokens == ()
    assert page.dpi == pytest.approx(150, abs=1)
    assert page.width == pytest.approx(1240, abs=2)


@pytest.mark.parametrize(
    ("width_pt", "image_px"),
    [
        pytest.param(1240, (1240, 1754), id="a pixel is a point"),
        pytest.param(198, (1240, 1754), id="450 dpi"),
        pytest.param(4961, (1240, 1754), id="18 dpi"),
        pytest.param(3508, (4961, 7016), id="600 dpi, as large as a poster"),
    ],
)
def test_scan_on_a_page_of_no_sheet_is_a4(tmp_path, width_pt, image_px):
    # Once it was rendered by the size that the file says, and all sizes in inches were wrong.
    height_pt = width_pt * 1754 // 1240
    content = b"q %d 0 0 %d 0 0 cm /Im Do Q\n" % (width_pt, height_pt)
    entries = b"/MediaBox[0 0 %d %d]" % (width_pt, height_pt)
    page = load_page(tmp_path, PdfPage(content, entries, image=scan_of_table(*image_px)))
    assert page.kind == "scan"
    assert page.dpi == pytest.approx(min(image_px[0] / 8.27, pdf_module.SCAN_DPI[1]), abs=1)
    assert page.width == pytest.approx(8.27 * page.dpi, abs=2)


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(figures("12 345", mode=3), id="invisible"),
        pytest.param(chinese("政府信息公开"), id="visible"),
        pytest.param(b"", id="none"),
    ],
)
def test_layer_over_a_scan_is_ignored(tmp_path, layer):
    page = load_page(tmp_path, PdfPage(FULL_PAGE + layer, image=scan_of_table()))
    assert (page.kind, page.tokens) == ("scan", ())


def test_scan_in_strips(tmp_path):
    strips = b"".join(b"q 595 0 0 211 0 %d cm /Im Do Q\n" % (i * 210) for i in range(4))
    page = load_page(tmp_path, PdfPage(strips, image=scan_of_table(1240, 440)))
    assert page.kind == "scan"
    assert page.dpi == pytest.approx(150, abs=1)


def test_plain_paper_behind_text_is_no_scan(tmp_path):
    content = FULL_PAGE + b"".join(chinese("政府信息公开年报", y=700 - 20 * i) for i in range(6))
    page = load_page(tmp_path, PdfPage(content, image=Image.new("L", (1240, 1754), 240)))
    assert page.kind == "digital"
    assert len(page.tokens) == 6


def test_picture_of_a_table_makes_the_page_a_scan(tmp_path):
    content = chinese("政府信息公开") + b"q 400 0 0 300 100 100 cm /Im Do Q\n"
    page = load_page(tmp_path, PdfPage(content, image=scan_of_table(800, 800)))
    assert page.kind == "scan"
    assert page.dpi == pytest.approx(200, abs=10)


def test_photo_leaves_the_page_digital(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (300, 400), np.uint8)
    content = chinese("政府信息公开") + b"q 200 0 0 150 100 100 cm /Im Do Q\n"
    page = load_page(tmp_path, PdfPage(content, image=Image.fromarray(noise)))
    assert (page.kind, texts(page)) == ("digital", ["政府信息公开"])


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(figures("12345", font="F3"), id="private use"),
        pytest.param(figures("abcdefghij klmnopqrst uvwxyz abcdefgh"), id="letters where Chinese is due"),
        pytest.param(
            b"".join(chinese("龘靐齉爩麤龗灪鸾鹂", y=700 - 20 * i) for i in range(14)),
            id="scrambled characters",
        ),
        pytest.param(
            figures("12")
            + b"".join(
                b"%d %d 8 8 re f " % (50 + 20 * i, 100 + 20 * j) for i in range(20) for j in range(15)
            ),
            id="text drawn as curves",
        ),
    ],
)
def test_unsound_layer_makes_the_page_a_scan(tmp_path, content):
    page = load_page(tmp_path, PdfPage(content))
    assert (page.kind, page.tokens, page.dpi) == ("scan", (), 200)


def test_pdf_may_mix_scanned_and_digital_pages(tmp_path):
    document = load_bytes(
        tmp_path, make_pdf([PdfPage(chinese("政府信息公开")), PdfPage(FULL_PAGE, image=scan_of_table())])
    )
    assert [page.kind for page in document.pages] == ["digital", "scan"]
    assert [page.number for page in document.pages] == [1, 2]
    assert document.kind == "scan"


def test_blank_scanned_page_does_not_make_the_document_a_scan(tmp_path):
    blank = PdfPage(FULL_PAGE, image=Image.new("L", (1240, 1754), 250))
    document = load_bytes(tmp_path, make_pdf([PdfPage(chinese("政府信息公开")), blank]))
    assert document.kind == "digital"
    assert [page.kind for page in document.pages] == ["digital", "scan"]


def test_blank_page_has_no_tokens(tmp_path):
    page = load_page(tmp_path, PdfPage(b""))
    assert (page.kind, page.tokens) == ("digital", ())


# Errors


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(encrypted_pdf(b"secret"), "encrypted", id="password"),
        pytest.param(make_pdf([PdfPage(figures("12"))])[:900], "damaged", id="cut off"),
        pytest.param(b"%PDF-1.7\nnothing of the kind\n%%EOF\n", "damaged", id="not a PDF inside"),
        pytest.param(make_pdf([]), "no_pages", id="no pages"),
        pytest.param(make_pdf([PdfPage(b"")] * 2000), "too_many_pages", id="2,000 pages"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, data, code):
    with pytest.raises(InputError) as raised:
        load_bytes(tmp_path, data)
    assert raised.value.code == code
    assert "a.pdf: " in str(raised.value)


def test_empty_user_password_opens_normally(tmp_path):
    (page,) = load_bytes(tmp_path, encrypted_pdf(b"")).pages
    assert texts(page) == ["12"]


def test_page_limit_is_an_option(tmp_path):
    data = make_pdf([PdfPage(b"")] * 3)
    assert len(load_bytes(tmp_path, data, max_pages=3).pages) == 3
    with pytest.raises(InputError, match="the limit is 2"):
        load_bytes(tmp_path, data, max_pages=2)


def test_huge_page_is_rendered_coarser(tmp_path, monkeypatch):
    monkeypatch.setattr(rendering, "MAX_PAGE_PIXELS", 1_000_000)
    page = load_page(tmp_path, PdfPage(figures("12")))
    assert page.width * page.height <= 1_000_000
    assert page.dpi is not None
    assert rendering.MIN_DPI < page.dpi < 144


def test_absurd_page_is_refused(tmp_path):
    with pytest.raises(InputError) as raised:
        load_page(tmp_path, PdfPage(figures("12"), b"/MediaBox[0 0 100000 100000]"))
    assert raised.value.code == "image_too_large"


def test_more_drawn_than_any_page_has_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(drawn, "MAX_OBJECTS", 20)
    page = PdfPage(b"1 1 5 5 re f " * 10, annotation=b"1 1 5 5 re f " * 11)
    with pytest.raises(InputError, match="page 1") as raised:
        load_page(tmp_path, page)
    assert raised.value.code == "too_large"


def test_too_many_pixels_in_all(tmp_path, monkeypatch):
    monkeypatch.setattr(pdf_module, "MAX_DOCUMENT_PIXELS", 5_000_000)
    with pytest.raises(InputError, match="3 of 4 pages") as raised:
        load_bytes(tmp_path, make_pdf([PdfPage(b"")] * 4))
    assert raised.value.code == "image_too_large"


def test_broken_page_is_recorded_and_the_rest_go_on(tmp_path):
    data = make_pdf([PdfPage(figures("1")), PdfPage(figures("2"))])
    first, second = load_bytes(tmp_path, data.replace(b"/Type/Page/Parent", b"/Type/Junk/Parent", 1)).pages
    assert [problem.code for problem in first.problems] == ["page_damaged"]
    assert first.problems[0].page == 1
    assert texts(second) == ["2"]


# A real report


def test_real_report_has_one_token_per_cell(shared):
    document = load(shared / "real" / "hongze-2023.pdf")
    assert document.kind == "digital"
    page = document.pages[3]
    table_4 = [token.text for token in page.tokens if 900 < token.bbox.top < 940]
    assert table_4 == ["10", "1", "0", "0", "0", "0", "0", "0", "0", "0", "5", "0", "0", "0", "0"]
    assert "四、结转下年度继续办理" in texts(page)
    assert "7730.28" in texts(document.pages[2])


@pytest.mark.parametrize("index", [1, 2, 3])
def test_no_token_of_a_real_report_crosses_a_rule(shared, index):
    page = load(shared / "real" / "hongze-2023.pdf").pages[index]
    assert page.image is not None
    dark = page.image < 100
    for token in page.tokens:
        left, top, right, bottom = (round(value) for value in token.bbox)
        em = max(bottom - top, 12)
        # A rule goes on above and below the line; an edge may touch the ink.
        inside = dark[top - em // 3 : bottom + em // 3, left + 3 : right - 3]
        assert not inside.all(axis=0).any(), token.text


def test_same_file_same_document(shared):
    path = shared / "real" / "hongze-2023.pdf"
    assert load(path) == load(path)
    assert load(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_image_bytes_are_plain_rgb(tmp_path):
    buffer = BytesIO()
    scan_of_table().save(buffer, "PDF", resolution=150)
    (page,) = load_bytes(tmp_path, buffer.getvalue()).pages
    assert page.image is not None
    assert (page.kind, page.image.dtype, page.image.flags.c_contiguous) == ("scan", np.uint8, True)
    assert page.dpi == pytest.approx(150, abs=1)

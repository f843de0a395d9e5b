"""What a file is, whatever its name; pictures and plain text."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from giar_ml import load as package
from giar_ml.document import BBox, Document
from giar_ml.errors import InputError
from giar_ml.load import image as image_module
from giar_ml.load import load
from giar_ml.load import text as text_module

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def load_bytes(tmp_path: Path, data: bytes, name: str = "a.dat", **options: int) -> Document:
    path = tmp_path / name
    path.write_bytes(data)
    return load(path, **options)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as raised:
        call()
    message = str(raised.value)
    assert "\n" not in message
    assert ": " in message
    return raised.value.code


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(mode: str = "RGB", size: tuple[int, int] = (120, 80)) -> Image.Image:
    return Image.linear_gradient("L").resize(size).convert(mode)


# Files


def test_file_that_is_not_there(tmp_path):
    assert code_of(lambda: load(tmp_path / "none.pdf")) == "not_found"


def test_folder(tmp_path):
    assert code_of(lambda: load(tmp_path)) == "not_a_file"


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="no devices here")
def test_device():
    assert code_of(lambda: load(Path("/dev/null"))) == "not_a_file"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_file_without_permission(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("1")
    path.chmod(0)
    assert code_of(lambda: load(path)) == "not_readable"


def test_read_error_is_an_input_error(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("1")

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert code_of(lambda: load(path)) == "not_readable"


def test_file_name_too_long(tmp_path):
    assert code_of(lambda: load(tmp_path / ("a" * 5000))) in ("not_found", "not_readable")


def test_empty_file(tmp_path):
    assert code_of(lambda: load_bytes(tmp_path, b"")) == "empty"


def test_file_above_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(package, "MAX_FILE_BYTES", 10)
    assert code_of(lambda: load_bytes(tmp_path, b"x" * 11)) == "too_large"


def test_document_names_its_file_and_sum(tmp_path):
    document = load_bytes(tmp_path, b"12\n", "b.txt")
    assert document.path == tmp_path / "b.txt"
    assert document.sha256 == hashlib.sha256(b"12\n").hexdigest()


# What it is


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.txt", "a"])
def test_content_decides_not_the_suffix(tmp_path, name):
    assert load_bytes(tmp_path, encode(gradient(), "PNG"), name).kind == "image"
    assert load_bytes(tmp_path, "表\t1".encode(), name).kind == "text"
    assert load_bytes(tmp_path, b"<table><tr><td>1</table>", name).kind == "html"


def zip_of(**parts: bytes) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(OLE + "WordDocument".encode("utf-16-le"), "Word or WPS document", id="doc"),
        pytest.param(OLE + "Workbook".encode("utf-16-le"), "Excel", id="xls"),
        pytest.param(OLE, "old binary Office file", id="other OLE"),
        pytest.param(b"{\\rtf1 x}", "RTF", id="rtf"),
        pytest.param(zip_of(xl__workbook_xml=b""), "Excel", id="xlsx"),
        pytest.param(zip_of(OFD_xml=b""), "OFD", id="ofd"),
        pytest.param(zip_of(content_xml=b""), "OpenDocument", id="odt"),
        pytest.param(zip_of(a_txt=b""), "ZIP archive", id="zip"),
        pytest.param(b"GIF89a" + bytes(9), "GIF", id="gif"),
        pytest.param(b"\0\0\0\x18ftypheic" + bytes(9), "HEIC", id="heic"),
        pytest.param(b"\x7fELF" + bytes(99), "unknown kind", id="program"),
        pytest.param(b"MIME-Version: 1.0\n", "MHTML", id="web archive"),
        pytest.param(
            b'<?xml version="1.0"?><?mso-application progid="Word.Document"?>', "XML", id="Word XML"
        ),
    ],
)
def test_unsupported_files_are_named(tmp_path, data, said):
    with pytest.raises(InputError, match=said) as raised:
        load_bytes(tmp_path, data, "报告.docx")
    assert raised.value.code == "unsupported_format"
    assert str(raised.value).startswith("报告.docx: ")


def test_word_file_with_a_password(tmp_path):
    data = OLE + "EncryptedPackage".encode("utf-16-le")
    assert code_of(lambda: load_bytes(tmp_path, data)) == "encrypted"


# Pictures


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encode(gradient(), "PNG"), id="PNG"),
        pytest.param(encode(gradient(), "JPEG", quality=95), id="JPEG"),
        pytest.param(encode(gradient(), "TIFF"), id="TIFF"),
        pytest.param(encode(gradient(), "BMP"), id="BMP"),
        pytest.param(encode(gradient(), "WEBP", lossless=True), id="WebP"),
        pytest.param(encode(gradient("L"), "PNG"), id="gray"),
        pytest.param(encode(gradient("P"), "PNG"), id="palette"),
        pytest.param(encode(gradient("LA"), "PNG"), id="gray with alpha"),
        pytest.param(encode(gradient("CMYK"), "TIFF"), id="CMYK"),
        pytest.param(encode(gradient("CMYK"), "JPEG", quality=95), id="CMYK JPEG"),
        pytest.param(
            encode(Image.fromarray(np.asarray(gradient("L")).astype(np.uint16) * 257), "PNG"), id="16 bit"
        ),
        pytest.param(
            encode(Image.fromarray(np.asarray(gradient("L")).astype(np.float32) / 255), "TIFF"), id="float"
        ),
    ],
)
def test_every_kind_of_picture_gives_the_same_rgb(tmp_path, data):
    document = load_bytes(tmp_path, data)
    (page,) = document.pages
    assert (document.kind, page.kind, page.tokens) == ("image", "scan", ())
    assert page.image is not None
    assert page.image.shape == (80, 120, 3)
    assert page.image.dtype == np.uint8
    difference = page.image.astype(int) - np.asarray(gradient()).astype(int)
    assert np.abs(difference).max() <= 8


def test_bilevel_picture(tmp_path):
    (page,) = load_bytes(tmp_path, encode(gradient("1"), "TIFF", compression="group4")).pages
    assert page.image is not None
    assert set(np.unique(page.image)) == {0, 255}


def test_transparent_parts_are_white(tmp_path):
    (page,) = load_bytes(tmp_path, encode(Image.new("RGBA", (80, 80), (0, 0, 0, 0)), "PNG")).pages
    assert page.image is not None
    assert page.image.min() == 255


def test_picture_is_turned_upright_by_its_exif(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise
    image = Image.new("RGB", (100, 80), "white")
    image.paste("black", (0, 0, 20, 20))
    (page,) = load_bytes(tmp_path, encode(image, "PNG", exif=exif)).pages
    assert page.image is not None
    assert (page.width, page.height) == (80, 100)
    assert page.image[5, 70, 0] == 0


@pytest.mark.parametrize(
    ("size", "written", "expected"),
    [
        pytest.param((827, 1169), 100, 100, id="A4"),
        pytest.param((1240, 827), 75, 75, id="A3, sideways"),
        pytest.param((583, 827), 100, 100, id="A5"),
        pytest.param((827, 500), 100, 100, id="cut out of a page"),
        pytest.param((1060, 1440), 100, 100, id="photograph with some of the desk"),
        pytest.param((1654, 2339), 72, None, id="a camera's tag"),
        pytest.param((1654, 2339), 96, None, id="a screen's tag"),
        pytest.param((1654, 2339), 300, None, id="A4 at 200, as small as a note"),
        pytest.param((400, 560), 48, None, id="too coarse"),
        pytest.param((827, 1169), None, None, id="none"),
    ],
)
def test_resolution_where_a_sheet_may_be_as_large(tmp_path, size, written, expected):
    # Once a picture at 200 dpi that said 72 lost print and tables, all of which have sizes in inches.
    options = {} if written is None else {"dpi": (written, written)}
    (page,) = load_bytes(tmp_path, encode(Image.new("L", size, 255), "PNG", **options)).pages
    assert page.dpi == (None if expected is None else pytest.approx(expected, abs=0.5))
    assert (page.width, page.height) == size


def test_small_copies_of_pages_in_a_tiff_are_no_pages(tmp_path):
    buffer = BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(buffer, new=True) as writer:
        for size, kind in (((300, 200), 0), ((60, 40), 1), ((300, 200), 0)):
            gradient().resize(size).save(writer, "TIFF", tiffinfo={254: kind})
            writer.newFrame()
    pages = load_bytes(tmp_path, buffer.getvalue()).pages
    assert [(page.number, page.width, page.height) for page in pages] == [(1, 300, 200), (2, 300, 200)]


def test_grey_of_12_bits_in_16_is_as_light_as_it_is(tmp_path):
    levels = np.asarray(gradient("L")).astype(np.uint16) * 16
    levels[0, 0] = 4095
    (page,) = load_bytes(tmp_path, encode(Image.fromarray(levels), "TIFF")).pages
    assert page.image is not None
    assert np.abs(page.image[1:, :, 0].astype(int) - np.asarray(gradient("L"))[1:]).max() <= 1


def test_tiff_pages(tmp_path):
    others = [gradient(size=(100, 90)), gradient("1", size=(90, 100))]
    data = encode(gradient(), "TIFF", save_all=True, append_images=others)
    pages = load_bytes(tmp_path, data).pages
    assert [(page.number, page.width, page.height) for page in pages] == [
        (1, 120, 80),
        (2, 100, 90),
        (3, 90, 100),
    ]
    assert code_of(lambda: load_bytes(tmp_path, data, max_pages=2)) == "too_many_pages"


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims any size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(99)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(encode(Image.new("1", (1, 1)), "PNG"), "image_too_small", id="one pixel"),
        pytest.param(encode(Image.new("1", (5000, 63)), "PNG"), "image_too_small", id="a line"),
        pytest.param(png_that_claims(30_000, 30_000), "image_too_large", id="900 million pixels"),
        pytest.param(png_that_claims(11_000, 11_000), "image_too_large", id="121 million pixels"),
        pytest.param(png_that_claims(1000, 1000), "damaged", id="too little data"),
        pytest.param(encode(gradient(size=(400, 400)), "JPEG")[:-200], "damaged", id="JPEG cut off"),
        pytest.param(encode(gradient(size=(400, 400)), "PNG")[:200], "damaged", id="PNG cut off"),
        pytest.param(encode(gradient(), "TIFF")[:200], "damaged", id="TIFF cut off"),
        pytest.param(b"\x89PNG\r\n\x1a\nnonsense", "damaged", id="only the magic"),
        pytest.param(b"\xff\xd8\xff\xe0", "damaged", id="only the magic of a JPEG"),
    ],
)
def test_pictures_that_cannot_be_read(tmp_path, data, code):
    assert code_of(lambda: load_bytes(tmp_path, data)) == code


def test_too_many_pixels_in_all(tmp_path, monkeypatch):
    monkeypatch.setattr(image_module, "MAX_DOCUMENT_PIXELS", 15_000)
    data = encode(gradient(), "TIFF", save_all=True, append_images=[gradient()])
    assert code_of(lambda: load_bytes(tmp_path, data)) == "image_too_large"


# Text


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "gbk", "gb2312"],
)
def test_text_in_any_usual_encoding(tmp_path, encoding):
    source = "一、本年新收政府信息公开申请数量\t1\t0\n二、上年结转\t0\t 0 \n"
    (page,) = load_bytes(tmp_path, source.encode(encoding)).pages
    assert [token.text for token in page.tokens] == [
        "一、本年新收政府信息公开申请数量\t1\t0",
        "二、上年结转\t0\t 0 ",
        "",
    ]


def test_lines_keep_their_numbers_and_spaces(tmp_path):
    document = load_bytes(tmp_path, "标题\r\n\r\n  自然人\t\t1 \r\n12".encode(), "a.md")
    (page,) = document.pages
    assert (document.kind, page.kind, page.number, page.image) == ("text", "text", 1, None)
    assert [(token.line, token.text) for token in page.tokens] == [
        (1, "标题"),
        (2, ""),
        (3, "  自然人\t\t1 "),
        (4, "12"),
    ]
    assert page.tokens[0].bbox == BBox(0, 0, 4, 1)
    assert page.tokens[2].bbox == BBox(0, 2, 12, 3)
    assert (page.width, page.height) == (12, 4)


def test_radicals_become_ordinary_characters(tmp_path):
    (page,) = load_bytes(tmp_path, "⾃然⼈（①）".encode()).pages
    assert page.tokens[0].text == "自然人（①）"


def test_characters_that_nobody_sees_are_dropped(tmp_path):
    text = "\u200b总计\u2060\t5\ufeff\t1\u00ad2\n公\u00ad开\u200e\n"
    (page,) = load_bytes(tmp_path, text.encode()).pages
    assert [token.text for token in page.tokens] == ["总计\t5\t12", "公开", ""]


def test_a_soft_hyphen_before_a_number_is_kept_as_it_may_be_a_minus(tmp_path):
    (page,) = load_bytes(tmp_path, "增减\t\u00ad5\t\u00ad".encode()).pages
    assert page.tokens[0].text == "增减\t\u00ad5\t"


def test_a_bad_byte_does_not_lose_the_text(tmp_path):
    (page,) = load_bytes(tmp_path, "政府信息公开".encode() * 50 + b"\xff\n12").pages
    assert page.tokens[0].text.startswith("政府信息公开")
    assert page.tokens[1].text == "12"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b" \n\t\n", "empty", id="only spaces"),
        pytest.param(b"\xef\xbb\xbf", "empty", id="only a mark"),
        pytest.param(bytes(range(256)) * 20, "unsupported_format", id="binary"),
        pytest.param(bytes(1000), "unsupported_format", id="zeros"),
    ],
)
def test_text_that_cannot_be_read(tmp_path, data, code):
    assert code_of(lambda: load_bytes(tmp_path, data, "a.txt")) == code


def test_text_above_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(text_module, "MAX_TEXT_BYTES", 10)
    assert code_of(lambda: load_bytes(tmp_path, b"x" * 11)) == "too_large"

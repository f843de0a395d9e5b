"""Gold written in the formats of annotation tools."""

import json
import math

import pytest
from lxml import etree, html
from PIL import Image

from giar_ml.annotations import label_studio, ppocrlabel, pubtabnet, xfund
from giar_ml.annotations.export import FORMATS, export_golds
from giar_ml.annotations.gold import (
    Gold,
    GoldCell,
    GoldPage,
    GoldTable,
    GoldTableCell,
    GoldToken,
    Place,
    box_poly,
)
from giar_ml.document import BBox
from giar_ml.errors import UsageError
from giar_ml.forms import load_form
from giar_ml.forms.grid import form_grid

CELL_W, CELL_H = 40, 20


def place(left, top, right, bottom):
    return Place(1, box_poly(BBox(left, top, right, bottom)))


def turned(place, degrees, about=(100.0, 100.0)):
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    (x0, y0) = about
    poly = tuple(
        (x0 + (x - x0) * cos - (y - y0) * sin, y0 + (x - x0) * sin + (y - y0) * cos) for x, y in place.poly
    )
    return Place(place.page, poly)


def gold(tokens=(), tables=(), file="a.pdf", form="2021"):
    return Gold(
        file=file,
        sha256="0" * 64,
        kind="scan",
        form=form,
        organisation="栖云县水利局",
        year=2023,
        cells={"requests.new.natural_person": GoldCell(22, "22")},
        pages=(GoldPage(1, 200.0, 100.0),),
        tokens=tuple(tokens),
        tables=tuple(tables),
    )


TOKENS = (
    GoldToken("自然人", "column:requests.natural_person", place(100, 10, 130, 20)),
    GoldToken("一、本年新收政府信息", "row:requests.new", place(10, 30, 90, 40)),
    GoldToken("公开申请数量", "row:requests.new", place(10, 41, 60, 51)),
    GoldToken("22", "figure", place(110, 35, 120, 45), "requests.new.natural_person"),
)


def form_table(key, text=lambda cell: cell.text or "0", rows=(0, None)):
    """The gold table of a form's grid, each place CELL_W by CELL_H pixels from the corner (10, 10)."""
    table = next(t for t in load_form("2021").tables if t.key == key)
    grid = form_grid(table)
    start, stop = rows[0], rows[1] or grid.n_rows
    cells = tuple(
        GoldTableCell(
            c.row_start - start,
            c.row_stop - start,
            c.column_start,
            c.column_stop,
            box_poly(
                BBox(
                    10 + c.column_start * CELL_W,
                    10 + (c.row_start - start) * CELL_H,
                    10 + c.column_stop * CELL_W,
                    10 + (c.row_stop - start) * CELL_H,
                )
            ),
            text(c),
            c.label,
            c.key,
        )
        for c in grid.cells
        if start <= c.row_start and c.row_stop <= stop
    )
    return GoldTable(1, stop - start, grid.n_columns, cells)


# PPOCRLabel


def test_label_txt_is_a_line_per_page_as_ppocrlabel_splits_it():
    (line,) = ppocrlabel.write([(gold(TOKENS), ["out/pages/a-1.jpg"])]).splitlines()
    path, data = line.split("\t")
    assert path == "pages/a-1.jpg"
    assert "自然人" in data
    assert json.loads(data)[0] == {
        "transcription": "自然人",
        "points": [[100, 10], [130, 10], [130, 20], [100, 20]],
        "difficult": False,
        "key_cls": "column:requests.natural_person",
    }
    assert ppocrlabel.write_states([(gold(TOKENS), ["out/pages/a-1.jpg"])]) == "pages/a-1.jpg\t1\n"


def test_points_follow_a_turned_text():
    token = GoldToken("自然人", "other", turned(place(100, 100, 130, 110), 90))
    line = ppocrlabel.write([(gold([token]), ["pages/a.jpg"])])
    points = json.loads(line.split("\t")[1])[0]["points"]
    assert points == [[100, 100], [100, 130], [90, 130], [90, 100]]


def test_a_picture_without_its_folder_is_refused():
    with pytest.raises(ValueError, match=r"a-1\.jpg"):
        ppocrlabel.write([(gold(), ["a-1.jpg"])])


# Label Studio


def test_a_region_is_three_results_of_one_id():
    (task,) = label_studio.write([(gold(TOKENS), ["pages/a-1.jpg"])])
    assert task["data"]["ocr"] == "/data/local-files/?d=pages/a-1.jpg"
    (annotation,) = task["annotations"]
    assert "predictions" not in task
    first = annotation["result"][:3]
    assert len({item["id"] for item in first}) == 1
    assert [item["type"] for item in first] == ["rectangle", "labels", "textarea"]
    assert first[0]["value"] == {"x": 50.0, "y": 10.0, "width": 15.0, "height": 10.0, "rotation": 0}
    assert first[1]["value"]["labels"] == ["column:requests.natural_person"]
    assert first[2]["value"]["text"] == ["自然人"]
    assert len({item["id"] for item in annotation["result"]}) == len(TOKENS)
    assert all((i["original_width"], i["original_height"]) == (200, 100) for i in annotation["result"])
    assert annotation["result"][-3]["meta"] == {"text": ["requests.new.natural_person"]}


@pytest.mark.parametrize("degrees", [0, 7.5, 90, 180, 270, 352.25])
def test_a_turned_rectangle_keeps_its_size_and_corner(degrees):
    upright = place(100, 50, 130, 60)
    poly = turned(upright, degrees, about=(100, 50)).poly  # about its own first corner
    value = label_studio.poly_rectangle(poly, GoldPage(1, 200.0, 100.0))
    assert value == pytest.approx(
        {"x": 50.0, "y": 50.0, "width": 15.0, "height": 10.0, "rotation": degrees}, abs=1e-3
    )


def test_a_skewed_quadrilateral_gets_the_rectangle_around_its_middle():
    # Slanted by 2 px, as a page photographed from the side: upright, the middle kept.
    value = label_studio.poly_rectangle(((12, 10), (32, 10), (28, 20), (8, 20)), GoldPage(1, 100.0, 100.0))
    assert value == {"x": 10.0, "y": 10.0, "width": 20.0, "height": 10.0, "rotation": 0}


def test_predictions_carry_model_and_score():
    (task,) = label_studio.write([(gold(TOKENS), ["a.jpg"])], model_version="fuzzy-1", score=0.9)
    (prediction,) = task["predictions"]
    assert (prediction["model_version"], prediction["score"]) == ("fuzzy-1", 0.9)
    assert "annotations" not in task


def test_the_configuration_names_what_the_results_refer_to():
    documents = [(gold((*TOKENS, GoldToken("注", 'note"<&', place(1, 1, 2, 2)))), ["a.jpg"])]
    config = etree.fromstring(label_studio.labelling_config(documents))
    (task,) = label_studio.write(documents)
    results = task["annotations"][0]["result"]
    controls = {tag.get("name"): tag.tag for tag in config if tag.get("toName") == "image"}
    assert {item["from_name"] for item in results} == set(controls)
    assert sorted(controls.values()) == ["Labels", "Rectangle", "TextArea"]
    labels = {label.get("value") for label in config.iter("Label")}
    assert labels == {token.label for token in documents[0][0].tokens}
    assert config.find("Image").get("value") == "$ocr"


# XFUND


def test_figures_are_linked_with_every_line_of_their_labels():
    data = xfund.write([(gold(TOKENS), ["pages/a-1.jpg"])])
    (document,) = data["documents"]
    assert document["img"] == {"fname": "pages/a-1.jpg", "width": 200, "height": 100}
    entities = document["document"]
    assert [entity["label"] for entity in entities] == ["question", "question", "question", "answer"]
    assert entities[3]["linking"] == [[1, 3], [2, 3], [0, 3]]
    assert entities[1]["linking"] == [[1, 3]]
    assert entities[3]["key"] == "requests.new.natural_person"
    assert entities[0]["giar_label"] == "column:requests.natural_person"
    assert entities[0]["words"] == [{"text": "自然人", "box": [100, 10, 130, 20]}]


SECTIONS = (
    GoldToken("本年处理", "column:disclosure.decisions", place(60, 10, 90, 16)),
    GoldToken("决定数量", "column:disclosure.decisions", place(60, 17, 90, 23)),
    GoldToken("行政许可", "row:disclosure.licensing", place(10, 30, 50, 36)),
    GoldToken("7", "figure", place(70, 30, 74, 36), "disclosure.licensing.decisions"),
    GoldToken("本年处理决", "column:disclosure.decisions", place(60, 60, 76, 66)),
    GoldToken("定数量", "column:disclosure.decisions", place(77, 60, 90, 66)),
    GoldToken("行政处罚", "row:disclosure.penalties", place(10, 75, 50, 81)),
    GoldToken("9", "figure", place(70, 75, 74, 81), "disclosure.penalties.decisions"),
)


@pytest.mark.parametrize("degrees", [0, 5, 90, 180])
def test_a_header_that_several_blocks_bear_is_linked_with_its_own(degrees):
    tokens = [GoldToken(t.text, t.label, turned(t.place, degrees), t.key) for t in SECTIONS]
    entities = xfund.write([(gold(tokens), ["a.jpg"])])["documents"][0]["document"]
    assert entities[3]["linking"] == [[2, 3], [0, 3], [1, 3]]
    assert entities[7]["linking"] == [[6, 7], [4, 7], [5, 7]]


def test_a_figure_without_its_labels_on_the_page_has_no_links():
    entities = xfund.write([(gold(TOKENS[3:]), ["a.jpg"])])["documents"][0]["document"]
    assert entities[0]["linking"] == []


# PubTabNet


def rebuild(record):
    """The HTML of a record as the README of PubTabNet puts it together."""
    cells = iter(record["html"]["cells"])
    tokens = []
    for token in record["html"]["structure"]["tokens"]:
        if token == "</td>":
            tokens += next(cells)["tokens"]
        tokens.append(token)
    assert next(cells, None) is None
    return html.fromstring(f"<table>{''.join(tokens)}</table>")


def spans(table):
    return [(c.text or "", int(c.get("rowspan", 1)), int(c.get("colspan", 1))) for c in table.iter("td")]


@pytest.mark.parametrize("key", ["disclosure", "requests", "reviews"])
def test_html_has_the_cells_and_spans_of_the_form(key):
    table = form_table(key)
    (record,) = pubtabnet.write([(gold(tables=[table]), ["pages/a-1.jpg"])])
    parsed = rebuild(record)
    assert spans(parsed) == [
        (c.text, c.row_stop - c.row_start, c.column_stop - c.column_start) for c in table.cells
    ]
    assert len(parsed.findall(".//tr")) == table.n_rows
    assert len(parsed.findall("thead/tr")) == {"disclosure": 2, "requests": 3, "reviews": 3}[key]
    assert "".join(c["tokens"][0] for c in record["html"]["cells"][:1]) == table.cells[0].text[0]


def test_span_tokens_are_split_as_in_pubtabnet():
    (record,) = pubtabnet.write([(gold(tables=[form_table("reviews")]), ["a.jpg"])])
    assert record["html"]["structure"]["tokens"][:7] == [
        "<thead>", "<tr>", "<td", ' colspan="5"', ">", "</td>", "<td",
    ]  # fmt: skip


def test_boxes_are_those_of_the_cut_out_and_empty_cells_have_none():
    table = form_table("disclosure", text=lambda cell: cell.text)
    page_gold = gold(tables=[table])
    (record,) = pubtabnet.write([(page_gold, ["pages/a-1.jpg"])])
    assert record["crop"] == [6, 6, 174, 100]  # the page ends at 100
    assert record["html"]["cells"][0]["bbox"] == [4, 4, 4 + 4 * CELL_W, 4 + CELL_H]
    assert {"tokens": []} in record["html"]["cells"]
    assert (record["filename"], record["imgid"], record["split"]) == ("tables/000000-a-1.png", 0, "train")


def test_a_part_without_headers_has_no_thead_and_a_hole_is_an_empty_cell():
    table = form_table("requests", rows=(3, 5))
    kept = GoldTable(1, table.n_rows, table.n_columns, table.cells[:3] + table.cells[4:])
    (record,) = pubtabnet.write([(gold(tables=[kept]), ["a.jpg"])])
    parsed = rebuild(record)
    assert parsed.find("thead") is None
    assert [c.text for c in parsed.findall("tbody/tr")[0]][1:5] == ["0", "0", None, "0"]


# Files


@pytest.fixture
def pictured(tmp_path):
    pages = tmp_path / "out" / "pages"
    pages.mkdir(parents=True)
    documents = []
    for name in ("a", "b"):
        path = pages / f"{name}-1.jpg"
        Image.new("RGB", (200, 100), "white").save(path)
        table = form_table("disclosure")
        documents.append((gold(TOKENS, [table], file=f"{name}.pdf"), [path]))
    return documents


def test_ppocrlabel_opens_the_folder_of_the_pictures(pictured, tmp_path):
    path = export_golds(pictured, tmp_path / "out", "ppocrlabel")
    assert path == (tmp_path / "out" / "pages" / "Label.txt").resolve()
    keys = [line.split("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()]
    assert keys == ["pages/a-1.jpg", "pages/b-1.jpg"]
    states = path.with_name("fileState.txt").read_text(encoding="utf-8")
    assert states == "pages/a-1.jpg\t1\npages/b-1.jpg\t1\n"


def test_ppocrlabel_takes_one_folder(pictured, tmp_path):
    other = tmp_path / "other.jpg"
    Image.new("RGB", (200, 100)).save(other)
    with pytest.raises(UsageError, match="one folder"):
        export_golds([*pictured, (gold(), [other])], tmp_path / "out", "ppocrlabel")


@pytest.mark.parametrize("name", ["label_studio", "xfund"])
def test_json_files_keep_chinese_and_name_existing_pictures(name, pictured, tmp_path):
    folder = tmp_path / "out"
    text = export_golds(pictured, folder, name).read_text(encoding="utf-8")
    assert "自然人" in text
    data = json.loads(text)
    if name == "xfund":
        names = [document["img"]["fname"] for document in data["documents"]]
    else:
        names = [task["data"]["ocr"].removeprefix(label_studio.LOCAL_FILES) for task in data]
        etree.parse(folder / "label_studio.xml")
    assert names == ["pages/a-1.jpg", "pages/b-1.jpg"]
    assert all((folder / picture).is_file() for picture in names)


def test_tables_are_cut_out_as_large_as_their_crop(pictured, tmp_path):
    folder = tmp_path / "out"
    lines = export_golds(pictured, folder, "pubtabnet").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["imgid"] for record in records] == [0, 1]
    for record in records:
        left, top, right, bottom = record["crop"]
        with Image.open(folder / record["filename"]) as picture:
            assert picture.size == (right - left, bottom - top)


def test_what_does_not_fit_is_refused(pictured, tmp_path):
    with pytest.raises(UsageError, match=", ".join(FORMATS)):
        export_golds(pictured, tmp_path, "coco")
    with pytest.raises(ValueError, match="0 pictures of 1 pages"):
        export_golds([(gold(), [])], tmp_path, "xfund")
    small = tmp_path / "small.png"
    Image.new("RGB", (20, 10)).save(small)
    with pytest.raises(ValueError, match=r"small\.png"):
        export_golds([(gold(), [small])], tmp_path, "xfund")


def test_a_text_has_no_pages_to_write(tmp_path):
    text = Gold(
        "a.txt", "0", "text", "2021", None, None, {}, tokens=(GoldToken("0", "figure", Place(line=3)),)
    )
    assert export_golds([(text, [])], tmp_path, "ppocrlabel").read_text(encoding="utf-8") == ""

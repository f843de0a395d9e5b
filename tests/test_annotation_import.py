"""Annotations of every tool read back as gold, and every way they may be wrong."""

import hashlib
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from giar_ml.annotations import label_studio
from giar_ml.annotations.export import export_golds, export_predictions
from giar_ml.annotations.gold import (
    Gold,
    GoldCell,
    GoldPage,
    GoldTable,
    GoldTableCell,
    GoldToken,
    Place,
    bounds,
    box_poly,
    gold_path,
)
from giar_ml.annotations.reading import MAX_LISTED, read_annotations
from giar_ml.annotations.storing import store
from giar_ml.document import BBox
from giar_ml.errors import InputError, UsageError
from giar_ml.forms import load_form
from giar_ml.label.names import form_labels

COLUMN = "column:requests.natural_person"
ROW = "row:requests.new"
KEY = "requests.new.natural_person"
BOX = [[100, 10], [130, 10], [130, 20], [100, 20]]


def picture(path, size=(200, 100)):
    """A picture unlike all others: its colour comes from its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    color = tuple(hashlib.sha256(str(path).encode()).digest()[:3])
    Image.new("RGB", size, color).save(path)
    return path


def ppocr(folder, *lines, states="pages/a.png\t1\n", pictures=("a.png",)):
    """A folder of PPOCRLabel; a line is text, or a list of boxes of pages/a.png."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in pictures:
        picture(folder / name)
    texts = [line if isinstance(line, str) else f"pages/a.png\t{json.dumps(line)}" for line in lines]
    (folder / "Label.txt").write_text("".join(text + "\n" for text in texts), encoding="utf-8")
    if states is not None:
        (folder / "fileState.txt").write_text(states, encoding="utf-8")
    return folder


def box(text="自然人", points=BOX, **more):
    return {"transcription": text, "points": points, "difficult": False, "key_cls": COLUMN, **more}


def region(name="r1", *, label=COLUMN, text="自然人", value=None, **more):
    value = value or {"x": 50, "y": 10, "width": 15, "height": 10, "rotation": 0}
    common = {"id": name, "to_name": "image", "original_width": 200, "original_height": 100, **more}
    return [
        {**common, "type": "rectangle", "from_name": "bbox", "value": value},
        {**common, "type": "labels", "from_name": "label", "value": {**value, "labels": [label]}},
        {**common, "type": "textarea", "from_name": "transcription", "value": {**value, "text": [text]}},
    ]


def task(result, number=1, url="/data/local-files/?d=a.png", **more):
    annotation = {"result": result, "was_cancelled": False, **more}
    return {"id": number, "data": {"ocr": url}, "annotations": [annotation]}


def write_json(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def studio(folder, *tasks):
    picture(folder / "a.png")
    return write_json(folder / "export.json", list(tasks))


def entity(text="自然人", bbox=(100, 10, 130, 20), label=COLUMN, **more):
    return {"id": 0, "text": text, "box": list(bbox), "label": "question", "giar_label": label, **more}


def xfund_file(folder, *entities, **img):
    picture(folder / "a.png")
    page = {"id": "d1", "document": list(entities), "img": {"fname": "a.png", **img}}
    return write_json(folder / "xfund.json", {"lang": "zh", "documents": [page]})


def own_gold(folder, *tokens, **changes):
    """A picture with the gold that `giar` writes for it."""
    path = picture(folder / "a.png")
    fields = {
        "file": "a.png",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "kind": "image",
        "form": "2021",
        "organisation": None,
        "year": None,
        "cells": {},
        "pages": (GoldPage(1, 200.0, 100.0),),
        "tokens": tokens or (GoldToken("自然人", COLUMN, at(*BOX[0], *BOX[2])),),
    }
    return Gold(**{**fields, **changes}).write(gold_path(path))


def at(left, top, right, bottom):
    return Place(1, box_poly(BBox(left, top, right, bottom)))


def read_one(*sources, **options):
    (item,) = read_annotations(sources, **options).golds
    return item


def problems(*sources, **options):
    """The lines of the error, the first one apart."""
    with pytest.raises(InputError) as caught:
        read_annotations(sources, **options)
    assert caught.value.code == "bad_annotations"
    first, *lines = str(caught.value).splitlines()
    assert "--skip-bad" in first
    return lines


def problem(*sources, **options):
    (line,) = problems(*sources, **options)
    return line


# What every format gives


@pytest.mark.parametrize(
    ("make", "tool"),
    [
        pytest.param(lambda folder: ppocr(folder, [box()]), "PPOCRLabel", id="ppocrlabel"),
        pytest.param(lambda folder: ppocr(folder, [box()]) / "Label.txt", "PPOCRLabel", id="Label.txt"),
        pytest.param(lambda folder: studio(folder, task(region())), "Label Studio", id="label studio"),
        pytest.param(lambda folder: xfund_file(folder, entity()), "XFUND", id="xfund"),
        pytest.param(lambda folder: own_gold(folder), "giar", id="gold"),
        pytest.param(lambda folder: own_gold(folder).parent, "giar", id="folder of gold"),
    ],
)
def test_a_picture_with_one_token(make, tool, tmp_path):
    folder = tmp_path / "pages"
    item = read_one(make(folder))
    assert (item.tool, item.path) == (tool, folder / "a.png")
    gold = item.gold
    assert (gold.file, gold.kind, gold.form) == ("a.png", "image", "2021")
    assert gold.sha256 == hashlib.sha256((folder / "a.png").read_bytes()).hexdigest()
    assert gold.pages == (GoldPage(1, 200.0, 100.0),)
    assert gold.tokens == (GoldToken("自然人", COLUMN, at(100, 10, 130, 20)),)
    assert gold.cells == {}
    assert Gold.from_json(gold.to_json()).tokens == gold.tokens


def test_several_sources_come_in_order(tmp_path):
    first, second = tmp_path / "pages", tmp_path / "studio"
    imported = read_annotations([ppocr(first, [box()]), studio(second, task(region()))])
    assert [item.path.parent for item in imported.golds] == [first, second]


def test_the_form_is_the_one_that_prints_the_labels(tmp_path):
    only_2019 = sorted(form_labels(load_form("2019")) - form_labels(load_form("2021")))[0]
    item = read_one(ppocr(tmp_path / "pages", [box(key_cls=only_2019)]))
    assert item.gold.form == "2019"


@pytest.mark.parametrize("make", [studio, xfund_file], ids=["label studio", "xfund"])
def test_figures_that_say_their_cell_become_cells(make, tmp_path):
    if make is studio:
        tokens = [task(region(label="figure", text="1,022件", meta={"text": [KEY]}))]
    else:
        tokens = [entity("1,022件", label="figure", key=KEY)]
    gold = read_one(make(tmp_path, *tokens)).gold
    assert gold.cells == {KEY: GoldCell(1022, "1,022件", (at(100, 10, 130, 20),))}
    assert gold.tokens[0].key == KEY


def test_a_figure_that_is_none_is_said(tmp_path):
    line = problem(xfund_file(tmp_path, entity("l2", label="figure", key=KEY)))
    assert f"token 1: 'l2' is no figure of cell {KEY}" in line


KEYED = {
    "label studio": lambda folder, key, label, boxes: studio(
        folder,
        task(
            [
                item
                for i, (text, (left, top, right, bottom)) in enumerate(boxes)
                for item in region(
                    f"r{i}",
                    label=label,
                    text=text,
                    value={"x": left / 2, "y": top, "width": (right - left) / 2, "height": bottom - top},
                    meta={"text": [key]},
                )
            ]
        ),
    ),
    "xfund": lambda folder, key, label, boxes: xfund_file(
        folder, *(entity(text, bbox, label=label, key=key) for text, bbox in boxes)
    ),
}


@pytest.fixture(params=KEYED)
def keyed(request, tmp_path):
    """Makes a file whose tokens, texts with their boxes, all have one key."""

    def make(*boxes, key=KEY, label="figure"):
        return KEYED[request.param](tmp_path, key, label, boxes or [("22", (100, 10, 120, 20))])

    return make


def test_an_unknown_key_and_the_nearest_known(keyed):
    line = problem(keyed(key=f"{KEY}s"))
    assert line.endswith(f"no cell '{KEY}s'; the nearest is '{KEY}'")


def test_a_key_belongs_to_a_figure(keyed):
    assert f"it has the key of a cell, and {ROW!r} is no figure" in problem(keyed(label=ROW))


@pytest.mark.parametrize(
    "boxes",
    [
        pytest.param([("5", (110, 10, 117, 20)), ("1", (100, 11, 107, 21))], id="beside each other"),
        pytest.param([("5", (104, 22, 112, 32)), ("1", (100, 10, 120, 20))], id="wrapped"),
    ],
)
def test_pieces_of_a_figure_are_joined_as_they_stand(boxes, keyed):
    gold = read_one(keyed(*boxes)).gold
    assert gold.cells[KEY].printed == 15
    assert [round(place.bbox.top) for place in gold.cells[KEY].places] == [boxes[1][1][1], boxes[0][1][1]]


def test_pieces_of_a_figure_on_a_turned_page_are_joined_as_they_stand(tmp_path):
    def turned(name, text, y):
        value = {"x": 50, "y": y, "width": 5, "height": 5, "rotation": 270}
        return region(name, label="figure", text=text, value=value, meta={"text": [KEY]})

    gold = read_one(studio(tmp_path, task([*turned("b", "5", 38), *turned("a", "1", 50)]))).gold
    assert gold.cells[KEY].printed == 15


@pytest.mark.parametrize("box", [(100, 60, 110, 70), (140, 10, 150, 20), (150, 22, 160, 32)])
def test_figures_far_apart_are_not_pieces_of_one(box, keyed):
    line = problem(keyed(("1", (100, 10, 110, 20)), ("5", box)))
    assert f"'1', '5' all have the key of cell {KEY}, and do not adjoin" in line


def test_a_note_of_a_person_is_no_cell(tmp_path):
    gold = read_one(
        studio(tmp_path, task(region(label="figure", text="22", meta={"text": ["smudged"]})))
    ).gold
    assert (gold.cells, gold.tokens[0].key) == ({}, None)


# What every format may have wrong

FORMATS = {
    "ppocrlabel": lambda folder, points, label: ppocr(folder, [box(), box(points=points, key_cls=label)]),
    "label studio": lambda folder, points, label: studio(
        folder,
        task(
            [
                *region("r1"),
                *region(
                    "r2",
                    label=label,
                    value={
                        "x": points[0][0] / 2,
                        "y": points[0][1],
                        "width": (points[2][0] - points[0][0]) / 2,
                        "height": points[2][1] - points[0][1],
                        "rotation": 0,
                    },
                ),
            ],
            number=7,
        ),
    ),
    "xfund": lambda folder, points, label: xfund_file(
        folder, entity(), entity(bbox=[*points[0], *points[2]], label=label)
    ),
    "gold": lambda folder, points, label: own_gold(
        folder,
        GoldToken("自然人", COLUMN, at(*BOX[0], *BOX[2])),
        GoldToken("自然人", label, at(*points[0], *points[2])),
    ),
}
WHERE = {
    "ppocrlabel": "pages/Label.txt:1: token 2",
    "label studio": "pages/export.json: task 7: token 2 (region r2)",
    "xfund": "pages/xfund.json: document d1: token 2",
    "gold": "pages/a.png.gold.json: token 2",
}


def rectangle(left, top, right, bottom):
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


@pytest.fixture(params=FORMATS)
def wrong(request, tmp_path):
    """Makes a file whose second token is as given; returns it with what an error says of the place."""

    def make(points=BOX, label=COLUMN):
        source = FORMATS[request.param](tmp_path / "pages", points, label)
        return source, f"{tmp_path}/{WHERE[request.param]}: "

    return make


def test_a_box_outside_the_picture(wrong):
    source, where = wrong(points=rectangle(150, 90, 190, 103))
    assert problem(source) == f"{where}its box (150, 90, 190, 103) is not inside the 200 x 100 pixels"


def test_two_pixels_beyond_the_edge_are_clipped(wrong):
    source, _ = wrong(points=rectangle(150, 90, 202, 101.5))
    token = read_one(source).gold.tokens[1]
    assert bounds(token.place.poly) == BBox(150, 90, 200, 100)


def test_a_box_in_the_margin_alone_is_left_with_nothing(wrong):
    source, where = wrong(points=rectangle(150, 100, 190, 102))
    assert problem(source) == f"{where}its box (150, 100, 190, 102) has no width or no height"


@pytest.mark.parametrize("points", [rectangle(50, 10, 50, 20), rectangle(50, 10, 80, 10)])
def test_a_box_without_width_or_height(wrong, points):
    source, where = wrong(points=points)
    assert problem(source).startswith(f"{where}its box ")


def test_an_unknown_label_and_the_nearest_known(wrong):
    source, where = wrong(label="column:requests.natural_persons")
    assert problem(source) == f"{where}no label 'column:requests.natural_persons'; the nearest is {COLUMN!r}"


@pytest.mark.parametrize("label", ["答案", "Figure", "column", f" {COLUMN}"])
def test_labels_have_the_exact_name(wrong, label):
    source, where = wrong(label=label)
    assert problem(source).startswith(f"{where}no label {label!r}")


def test_a_box_and_a_label_wrong_are_two_problems(wrong):
    source, where = wrong(points=rectangle(150, 90, 190, 150), label="oter")
    first, second = problems(source)
    assert first.startswith(f"{where}its box")
    assert second == f"{where}no label 'oter'; the nearest is 'other'"


@pytest.mark.parametrize(
    ("name", "line"),
    [("Label.txt", 1), ("export.json", 3), ("xfund.json", 3), ("a.png.gold.json", 3)],
)
def test_broken_json_is_named_with_its_line(name, line, tmp_path):
    folder = ppocr(tmp_path / "pages", "pages/a.png\t[{]")
    path = folder / name
    if name != "Label.txt":
        path.write_text('{\n"documents": [\n{]}', encoding="utf-8")
    assert problem(path).startswith(f"{path}:{line}: broken JSON at column ")


@pytest.mark.parametrize("name", ["Label.txt", "export.json", "a.png.gold.json"])
def test_text_in_another_encoding_is_named_with_its_line(name, tmp_path):
    folder = ppocr(tmp_path / "pages", [box()])
    path = folder / name
    path.write_bytes(b"\n" + "自然人".encode("gbk"))
    assert problem(path) == f"{path}:2: not in UTF-8; save it in that encoding"


@pytest.mark.parametrize("kind", list(FORMATS))
def test_a_missing_picture(kind, tmp_path):
    source = FORMATS[kind](tmp_path / "pages", BOX, COLUMN)
    (tmp_path / "pages" / "a.png").unlink()
    line = problem(source)
    assert line.startswith(str(tmp_path / WHERE[kind].split(": token")[0]))
    assert "is not there" in line


@pytest.mark.parametrize("kind", list(FORMATS))
@pytest.mark.parametrize("content", [b"", b"GIF89a or nothing", None], ids=["empty", "no picture", "cut off"])
def test_an_unreadable_picture(kind, content, tmp_path):
    source = FORMATS[kind](tmp_path / "pages", BOX, COLUMN)
    path = tmp_path / "pages" / "a.png"
    path.write_bytes(path.read_bytes()[:150] if content is None else content)
    assert ": picture a.png" in problem(source)


def test_a_document_of_several_pages_is_no_picture(tmp_path):
    folder = ppocr(tmp_path / "pages", [box()])
    frames = [Image.new("RGB", (200, 100), color) for color in ("red", "blue")]
    frames[0].save(folder / "a.png", format="TIFF", save_all=True, append_images=frames[1:])
    assert "not a picture of one page" in problem(folder)


def twice(tmp_path, text):
    """One picture, annotated with two tools."""
    first = ppocr(tmp_path / "pages", [box()])
    second = studio(tmp_path / "studio", task(region(text=text)))
    (tmp_path / "studio" / "a.png").write_bytes((first / "a.png").read_bytes())
    return first, second


def test_the_same_picture_annotated_alike_is_taken_once(tmp_path):
    first, second = twice(tmp_path, "自然人")
    found = read_annotations([first, second])
    assert [item.tool for item in found.golds] == ["PPOCRLabel"]
    assert [item.reason for item in found.skipped] == [f"the same document as at {first}/Label.txt:1"]


def test_the_same_picture_annotated_otherwise(tmp_path):
    first, second = twice(tmp_path, "法人")
    line = problem(first, second)
    assert line.startswith(f"{second}: task 1: a.png is annotated twice")
    assert line.endswith(f"at {first}/Label.txt:1")
    kept = read_annotations([first, second], skip_bad=True)
    assert [item.tool for item in kept.golds] == ["PPOCRLabel"]


def test_boxes_without_text_are_not_learnt_from(tmp_path):
    assert "its text was not typed" in problem(ppocr(tmp_path / "pages", [box(text=" ")]))
    other = box(text="", key_cls="other")
    assert read_one(ppocr(tmp_path / "others", [box(), other])).gold.tokens[1].text == ""


def test_of_several_annotations_the_one_changed_last_counts(tmp_path):
    found = task(region(text="old"))
    found["annotations"] = [
        {"result": region(text="new"), "updated_at": "2026-02-01T08:00:00Z"},
        {"result": region(text="old"), "updated_at": "2026-01-01T08:00:00Z"},
    ]
    assert read_one(studio(tmp_path, found)).gold.tokens[0].text == "new"


def test_the_same_line_twice(tmp_path):
    assert "Label.txt:2: pages/a.png is annotated twice" in problem(
        ppocr(tmp_path / "pages", [box()], [box()])
    )


def test_all_problems_are_gathered_and_the_rest_counted(tmp_path):
    boxes = [box(key_cls=f"column:{i}") for i in range(MAX_LISTED)]
    folder = ppocr(
        tmp_path / "pages",
        boxes,
        f"pages/b.png\t{json.dumps([box(points=[[0, 0]])])}",
        "pages/c.png\t[",
        f"pages/d.png\t{json.dumps([box()])}",
        states="".join(f"pages/{name}.png\t1\n" for name in "abcd"),
        pictures=("a.png", "b.png", "d.png"),
    )
    with pytest.raises(InputError) as caught:
        read_annotations([folder])
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(f"{MAX_LISTED + 2} problems in 3 of 4 documents")
    assert len(lines) == MAX_LISTED + 2
    assert lines[-1] == "and 2 problems more"


def test_bad_documents_can_be_left_out(tmp_path):
    folder = ppocr(
        tmp_path / "pages",
        [box()],
        f"pages/b.png\t{json.dumps([box(key_cls='x'), box(points=BOX[:2])])}",
        states="pages/a.png\t1\npages/b.png\t1\n",
        pictures=("a.png", "b.png"),
    )
    imported = read_annotations([folder], skip_bad=True)
    assert [item.gold.file for item in imported.golds] == ["a.png"]
    (skipped,) = imported.skipped
    assert (skipped.where, skipped.name) == (f"{folder}/Label.txt:2", "pages/b.png")
    assert skipped.reason == "bad: token 2: its box has 2 points, four are needed (and 1 more)"


def test_what_holds_no_annotations_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no such file or folder"):
        read_annotations([tmp_path / "missing"])
    with pytest.raises(UsageError, match="no annotations in it"):
        read_annotations([tmp_path])
    path = write_json(tmp_path / "other.json", {"a": 1})
    assert problem(path).endswith("neither an export of Label Studio nor a file in the shape of XFUND")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), "5", None, True, 10**400])
def test_numbers_that_are_none(number, tmp_path):
    points = [[number, 10], *BOX[1:]]
    assert "in its box is no number" in problem(ppocr(tmp_path / "pages", [box(points=points)]))
    assert "in its box is no number" in problem(
        xfund_file(tmp_path / "x", entity(bbox=(number, 10, 130, 20)))
    )
    value = {"x": number, "y": 10, "width": 15, "height": 10, "rotation": 0}
    assert "in its box is no number" in problem(studio(tmp_path / "s", task(region(value=value))))


def test_text_cut_within_a_character(tmp_path):
    folder = ppocr(tmp_path / "pages", [box(text="自\ud800")])
    assert "cut within a character" in problem(folder)


# PPOCRLabel


def test_only_confirmed_pictures_count(tmp_path):
    names = ("a.png", "b.png", "c.png")
    folder = ppocr(
        tmp_path / "pages",
        *(f"pages/{name}\t{json.dumps([box()])}" for name in names),
        states="pages/a.png\t1\npages/b.png\t0\npages/d.png\t1\n",
        pictures=names,
    )
    imported = read_annotations([folder])
    assert [item.gold.file for item in imported.golds] == ["a.png"]
    assert [(item.name, item.reason) for item in imported.skipped] == [
        ("pages/b.png", "not confirmed in fileState.txt"),
        ("pages/c.png", "not confirmed in fileState.txt"),
        ("pages/d.png", "confirmed, but without labels in Label.txt"),
    ]


def test_without_states_nothing_is_confirmed(tmp_path):
    imported = read_annotations([ppocr(tmp_path / "pages", [box()], states=None)])
    assert (len(imported.golds), len(imported.skipped)) == (0, 1)


def test_what_is_wrong_with_an_unconfirmed_picture_does_not_matter(tmp_path):
    assert not read_annotations([ppocr(tmp_path / "pages", [box(key_cls="x")], states="")]).golds


@pytest.mark.parametrize("state", ["/home/x/pages/a.png\t1", "C:\\x\\pages\\a.png\t1", "pages/a.png\t1\r"])
def test_pictures_are_known_by_folder_and_name(state, tmp_path):
    assert read_one(ppocr(tmp_path / "pages", [box()], states=state + "\n"))


@pytest.mark.parametrize("name", ["pages/a.png", "a.png", "was_called/a.png", "pages\\a.png"])
def test_pictures_are_found_from_the_folder_or_its_parent(name, tmp_path):
    folder = ppocr(tmp_path / "pages", f"{name}\t{json.dumps([box()])}", states=f"{name}\t1\n")
    assert read_one(folder).path == folder / "a.png"


def test_pictures_may_lie_in_another_folder(tmp_path):
    folder = ppocr(tmp_path / "pages", [box()], pictures=())
    other = picture(tmp_path / "other" / "a.png")
    assert read_one(folder, images=[other.parent]).path == other


def test_ignored_and_difficult_boxes_are_left_out(tmp_path):
    boxes = [box("###"), box(difficult=True), box("###", points=[], key_cls="x"), box()]
    assert len(read_one(ppocr(tmp_path / "pages", boxes)).gold.tokens) == 1


@pytest.mark.parametrize("label", ["None", "", None])
def test_no_label_is_other(label, tmp_path):
    assert read_one(ppocr(tmp_path / "pages", [box(key_cls=label)])).gold.tokens[0].label == "other"


def test_files_for_training_say_label(tmp_path):
    data = {"transcription": "自然人", "points": BOX, "label": COLUMN}
    assert read_one(ppocr(tmp_path / "pages", [data])).gold.tokens[0].label == COLUMN
    del data["label"]
    assert read_one(ppocr(tmp_path / "pages", [data])).gold.tokens[0].label == "other"


def test_labels_are_parsed_never_run(tmp_path):
    folder = ppocr(tmp_path / "pages", f"pages/a.png\t[open({str(tmp_path / 'x')!r}, 'w')]")
    assert "broken JSON" in problem(folder)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("pages/a.png", "no tab between picture and labels"),
        ('pages/a.png\t{"transcription": ""}', "the labels are not a list"),
        ("pages/a.png\t[1]", "token 1: not an object"),
        ('pages/a.png\t[{"transcription": 5}]', "token 1: its text is not text"),
        ('pages/a.png\t[{"transcription": "a"}]', "token 1: its points are not pairs of numbers"),
        ('pages/a.png\t[{"key_cls": 5}]', "token 1: its label is not text"),
        ('pages/a.png\t[{"transcription": "待识别"}]', "token 1: its text is still 待识别"),
    ],
)
def test_lines_of_another_shape(line, message, tmp_path):
    folder = ppocr(tmp_path / "pages", "", line)
    assert problem(folder).startswith(f"{folder}/Label.txt:2: {message}")


def test_a_state_of_another_shape(tmp_path):
    folder = ppocr(tmp_path / "pages", [box()], states="pages/a.png\t1\npages/b.png 1\n")
    assert problem(folder) == f"{folder}/fileState.txt:2: no tab between picture and state"


def test_a_polygon_gives_the_box_around_it(tmp_path):
    points = [[100, 10], [115, 8], [130, 10], [130, 20], [100, 20]]
    token = read_one(ppocr(tmp_path / "pages", [box(points=points)])).gold.tokens[0]
    assert token.place == at(100, 8, 130, 20)


def test_points_drawn_the_other_way_round_are_turned(tmp_path):
    points = [BOX[0], BOX[3], BOX[2], BOX[1]]
    token = read_one(ppocr(tmp_path / "pages", [box(points=points)])).gold.tokens[0]
    assert token.place == at(100, 10, 130, 20)


def test_a_picture_turned_by_its_camera_counts_as_one_sees_it(tmp_path):
    folder = ppocr(tmp_path / "pages", [box(points=rectangle(10, 150, 90, 190))])
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (200, 100)).save(folder / "a.png", exif=exif)
    assert read_one(folder).gold.pages == (GoldPage(1, 100.0, 200.0),)


# Label Studio


def test_predictions_are_no_annotations(tmp_path):
    unseen = {"id": 2, "data": {"ocr": "b.png"}, "predictions": [{"result": region()}]}
    empty = {"id": 3, "data": {"ocr": "c.png"}, "annotations": []}
    imported = read_annotations([studio(tmp_path, task(region()), unseen, empty)])
    assert len(imported.golds) == 1
    assert [(item.name, item.reason) for item in imported.skipped] == [
        ("b.png", "not annotated"),
        ("c.png", "not annotated"),
    ]


def test_the_last_annotation_that_was_not_cancelled_counts(tmp_path):
    data = task(region(text="first"))
    data["annotations"] += [
        {"result": region(text="second")},
        {"result": region(text="third"), "was_cancelled": True},
    ]
    assert read_one(studio(tmp_path, data)).gold.tokens[0].text == "second"


def test_a_task_that_was_only_cancelled_is_left_out(tmp_path):
    imported = read_annotations([studio(tmp_path, task(region(), was_cancelled=True))])
    assert imported.skipped[0].reason == "its annotations were all cancelled"


def test_an_annotation_without_tokens_is_left_out(tmp_path):
    sources = [
        studio(tmp_path / "studio", task([])),
        ppocr(tmp_path / "pages", [box("###")]),
        xfund_file(tmp_path / "xfund"),
    ]
    imported = read_annotations(sources)
    assert imported.golds == ()
    assert [item.reason for item in imported.skipped] == ["annotated, but without tokens"] * 3


def test_results_are_joined_by_their_id_in_any_order(tmp_path):
    mixed = [
        item for pair in zip(region("b", text="乙"), region("a", text="甲"), strict=True) for item in pair
    ]
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"}
    page_text = {"id": "p", "type": "textarea", "value": {"text": ["for the whole page"]}}
    tokens = read_one(studio(tmp_path, task([*reversed(mixed), relation, page_text]))).gold.tokens
    assert {token.text for token in tokens} == {"甲", "乙"}
    assert {token.label for token in tokens} == {COLUMN}


def test_a_picture_turned_on_the_screen_keeps_its_numbers(tmp_path):
    token = read_one(studio(tmp_path, task(region(image_rotation=90)))).gold.tokens[0]
    assert token.place == at(100, 10, 130, 20)


TYPED = {"id": "a", "type": "textarea", "value": {"text": ["自然人"]}}


def test_labels_drawn_as_rectangles_count(tmp_path):
    value = {"x": 50, "y": 10, "width": 15, "height": 10, "rotation": 0, "rectanglelabels": [COLUMN]}
    item = {
        "id": "a",
        "type": "rectanglelabels",
        "original_width": 200,
        "original_height": 100,
        "value": value,
    }
    token = read_one(studio(tmp_path, task([item, TYPED]))).gold.tokens[0]
    assert token == GoldToken("自然人", COLUMN, at(100, 10, 130, 20))


def test_a_polygon_of_four_points_is_kept(tmp_path):
    value = {"points": [[50, 10], [65, 12], [65, 22], [50, 20]], "polygonlabels": [COLUMN]}
    item = {"id": "a", "type": "polygonlabels", "original_width": 200, "original_height": 100, "value": value}
    token = read_one(studio(tmp_path, task([item, TYPED]))).gold.tokens[0]
    assert token.place.poly == ((100, 10), (130, 12), (130, 22), (100, 20))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/data/local-files/?d=pages/%E7%AC%AC%201.png", "pages/第 1.png"),
        ("/data/local-files/?d=project/pages/a.png", "a.png"),
        ("/data/upload/3/1a2b3c4d-a.png", "a.png"),
        ("/data/upload/3/1a2b3c4d-a.png", "1a2b3c4d-a.png"),
        ("http://host:8080/data/upload/3/%E7%AC%AC.png?x=1", "第.png"),
        ("s3://bucket/folder/a.png", "a.png"),
        ("pages/a.png", "pages/a.png"),
    ],
)
def test_pictures_are_found_by_their_url(url, name, tmp_path):
    path = write_json(tmp_path / "export.json", [task(region(), url=url)])
    picture(tmp_path / name)
    assert read_one(path).path == tmp_path / name


def test_where_a_page_came_from_is_kept(tmp_path):
    data = task(region())
    data["data"] |= {"file": "a.pdf", "sha256": "0" * 64, "page": 2, "form": "2019"}
    gold = read_one(studio(tmp_path, data)).gold
    assert gold.form == "2019"
    assert gold.origin == {
        "annotator": "Label Studio",
        "document": "a.pdf",
        "document_sha256": "0" * 64,
        "page": 2,
    }


def test_what_an_uploaded_picture_was_called_is_kept(tmp_path):
    url = "/data/upload/3/1a2b3c4d-report-2.png"
    picture(tmp_path / "1a2b3c4d-report-2.png")
    path = write_json(tmp_path / "export.json", [task(region(), url=url)])
    assert read_one(path).gold.origin["picture"] == "report-2.png"


def test_a_date_before_the_name_of_a_picture_belongs_to_it():
    assert label_studio.picture_names("http://host/20240131-a.png") == ["20240131-a.png"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "ellipse"}, "it is no rectangle"),
        ({"original_width": 210}, "its regions were drawn on pictures of different sizes"),
        ({"original_width": None}, "'None' in its box is no number"),
        ({"value": {"x": 1, "y": 1, "width": 0, "height": 5}}, "its box is 0 % wide and 5 % high"),
    ],
)
def test_regions_of_another_kind(change, message, tmp_path):
    first, *_ = region("a")
    other = region("b")
    path = studio(tmp_path, task([*other, {**first, **change}]))
    assert any(message in line for line in problems(path))


def test_a_region_with_two_labels_or_none(tmp_path):
    two = region("a")
    two[1]["value"]["labels"] = [COLUMN, ROW]
    assert "token 1 (region a): it has 2 labels" in problem(studio(tmp_path / "two", task(two)))
    none = [item for item in region("a") if item["type"] != "labels"]
    assert read_one(studio(tmp_path / "none", task(none))).gold.tokens[0].label == "other"


@pytest.mark.parametrize("item", [1, {"ocr": "a.png", "bbox": []}, {"data": 5}])
def test_exports_of_another_kind(item, tmp_path):
    assert "task " in (line := problem(studio(tmp_path, item)))
    assert "export as JSON, neither JSON-MIN" in line


def test_another_picture_than_the_one_annotated(tmp_path):
    path = studio(tmp_path, task(region()))
    picture(tmp_path / "a.png", (400, 200))
    assert "has 400 x 200 pixels, it was annotated with 200 x 100" in problem(path)


@given(
    size=st.tuples(st.integers(500, 4000), st.integers(500, 4000)),
    corner=st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)),
    sides=st.tuples(st.floats(2, 800), st.floats(2, 200)),
    degrees=st.floats(0, 359.99),
)
def test_a_turned_rectangle_comes_back_where_it_was(size, corner, sides, degrees):
    page = GoldPage(1, *map(float, size))
    percent = {
        "x": corner[0] * 100,
        "y": corner[1] * 100,
        "width": sides[0] / size[0] * 100,
        "height": sides[1] / size[1] * 100,
        "rotation": degrees,
    }
    poly = label_studio.rectangle_poly(percent, size)
    (ax, ay), (bx, by), (cx, cy), _ = poly
    assert (ax, ay) == pytest.approx((corner[0] * size[0], corner[1] * size[1]))
    assert ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5 == pytest.approx(sides[0])
    assert ((cx - bx) ** 2 + (cy - by) ** 2) ** 0.5 == pytest.approx(sides[1])
    again = label_studio.rectangle_poly(label_studio.poly_rectangle(poly, page), size)
    assert [x for point in again for x in point] == pytest.approx(
        [x for point in poly for x in point], abs=0.2
    )


# XFUND and FUNSD


def test_funsd_names_neither_picture_nor_document(tmp_path):
    data = {"form": [{"id": 0, "text": "自然人", "box": [100, 10, 130, 20], "label": COLUMN, "words": []}]}
    path = write_json(tmp_path / "annotations" / "a.json", data)
    picture(tmp_path / "images" / "a.png")
    item = read_one(path.parent)
    assert item.gold.tokens == (GoldToken("自然人", COLUMN, at(100, 10, 130, 20)),)


def test_labels_of_xfund_alone_say_too_little(tmp_path):
    plain = {"text": "自然人", "box": [100, 10, 130, 20], "label": "question"}
    assert "token 1: no label 'question'" in problem(xfund_file(tmp_path, plain))
    assert read_one(xfund_file(tmp_path, {**plain, "label": "other"})).gold.tokens[0].label == "other"


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (5, "not an object"),
        ({"box": [1, 2, 3]}, "its box is not four numbers"),
        (entity(bbox=(130, 10, 100, 20)), "has no width or no height"),
        (entity(key=5), "its key is not text"),
    ],
)
def test_entities_of_another_shape(item, message, tmp_path):
    line = problem(xfund_file(tmp_path, item))
    assert f"{tmp_path}/xfund.json: document d1: token 1: " in line
    assert message in line


@pytest.mark.parametrize(
    ("uid", "origin"),
    [(f"{'0' * 64}-2", {"document_sha256": "0" * 64, "page": 2}), ("zh_train_0", {}), (5, {})],
)
def test_the_uid_of_a_page_names_its_document(uid, origin, tmp_path):
    path = xfund_file(tmp_path, entity())
    data = json.loads(path.read_text(encoding="utf-8"))
    data["documents"][0]["uid"] = uid
    assert read_one(write_json(path, data)).gold.origin == {"annotator": "XFUND", **origin}


def test_a_size_that_does_not_fit(tmp_path):
    path = xfund_file(tmp_path, entity(), width=100, height=100)
    assert "it was annotated with 100 x 100" in problem(path)


# Gold that giar wrote


def test_gold_that_says_it_is_not_confirmed_is_left_out(tmp_path):
    own_gold(tmp_path, origin={"annotator": "giar-1", "confirmed": False})
    imported = read_annotations([tmp_path])
    assert [item.reason for item in imported.skipped] == ["not confirmed in its origin"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "is not the one the gold was made for"),
        ({"pages": (GoldPage(1, 100.0, 100.0),)}, "pages of [(200, 100)] pixels, its gold says [(100, 100)]"),
        ({"pages": ()}, "token 1: the gold has no page 1"),
        ({"form": "2020"}, "no form '2020'; there are 2021"),
        ({"cells": {"a.b": GoldCell(1)}}, "form 2021 has no cell 'a.b'"),
        ({"origin": "me"}, "not a gold file"),
        ({"tokens": (GoldToken(5, [1], at(*BOX[0], *BOX[2])),)}, "token 1: its label is not text"),
        ({"tokens": (GoldToken(5, "other", at(*BOX[0], *BOX[2])),)}, "token 1: its text is not text"),
        ({"tokens": (GoldToken("a", "other", at(float("nan"), 1, 5, 5)),)}, "has a number that is none"),
        ({"tokens": (GoldToken("a", "other", Place(1)),)}, "token 1: it has no box"),
        ({"schema": 1}, "not a gold file"),
    ],
)
def test_gold_that_cannot_be(changes, message, tmp_path):
    if "schema" in changes:
        path = own_gold(tmp_path)
        path.write_text(json.dumps({"schema_version": "9"}), encoding="utf-8")
    else:
        path = own_gold(tmp_path, **changes)
    assert any(message in line for line in problems(path))


FIGURE_BOX = at(100, 10, 120, 20)
FEES = "disclosure.fees.amount"
CHANGE = "disclosure.licensing.change"


def table_of(*, page=1, **changes):
    cell = {"row_start": 0, "row_stop": 1, "column_start": 0, "column_stop": 1, "poly": FIGURE_BOX.poly}
    return GoldTable(page, 1, 1, (GoldTableCell(**{**cell, "text": "3", **changes}),))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(
            ({"cells": {KEY: GoldCell(printed)}}, f"cell {KEY}: ")
            for printed in ([1], True, 3.7, -3, Decimal("NaN"), Decimal("3.5"), "three")
        ),
        ({"cells": {FEES: GoldCell(Decimal("-0.5"))}}, f"cell {FEES}: '-0.5' is not a decimal number from 0"),
        ({"cells": {CHANGE: GoldCell(True)}, "form": "2019"}, f"cell {CHANGE}: 'True' is not a whole number"),
        ({"cells": {KEY: GoldCell(3, "8件")}}, "its text, '8件', and the figure printed, 3, differ"),
        ({"cells": {KEY: GoldCell(None, "8")}}, "its text, '8', and the figure printed, None, differ"),
        ({"cells": {KEY: GoldCell(3, 3)}}, "its text is not text"),
        (
            {
                "cells": {KEY: GoldCell(3, "3", (FIGURE_BOX,))},
                "tokens": (GoldToken("8", "figure", FIGURE_BOX, KEY),),
            },
            "its tokens, '8', and the figure printed, 3, differ",
        ),
        ({"cells": {KEY: GoldCell(3, "3", (replace(FIGURE_BOX, page=9),))}}, "the gold has no page 9"),
        ({"cells": {KEY: GoldCell(3, "3", (at(-5000, 0, 9999, 9),))}}, "is not inside the 200 x 100 pixels"),
        ({"cells": {KEY: GoldCell(3, "3", (Place(line=0),))}}, "its line is no number from 1"),
        ({"tables": (table_of(page=7),)}, "table 1: the gold has no page 7"),
        ({"tables": (table_of(poly=at(-5000, 0, 9999, 9).poly),)}, "is not inside the 200 x 100 pixels"),
        ({"tables": (table_of(poly=None),)}, "table 1: it has no box"),
        ({"tables": (table_of(row_stop=2),)}, "table 1: a cell spans rows or columns that the table has not"),
        ({"tables": (table_of(column_stop=0),)}, "a cell spans rows or columns that the table has not"),
        ({"tables": (table_of(row_start=0.5),)}, "table 1: a span is no whole numbers"),
        ({"tables": (replace(table_of(), n_rows="1"),)}, "its number of rows is none"),
        ({"tables": (table_of(key="a.b"),)}, "form 2021 has no cell 'a.b'"),
        ({"tokens": (GoldToken(" ", ROW, FIGURE_BOX),)}, "token 1: its text was not typed"),
        ({"tokens": (GoldToken("3", ROW, FIGURE_BOX, KEY),)}, f"and {ROW!r} is no figure"),
        ({"tokens": (GoldToken("3", "figure", FIGURE_BOX, f"{KEY}s"),)}, f"the nearest is {KEY!r}"),
        ({"misprints": {KEY: [2]}}, f"misprint {KEY}: '[2]' is not a whole number from 0"),
        ({"misprints": {KEY: None}}, "'None' is not a whole number from 0"),
        ({"year": "2023"}, "its year, '2023', is no whole number"),
        ({"organisation": 5}, "its organisation is not text"),
        ({"kind": "paper"}, "no kind of document 'paper'"),
        (
            {
                "pages": (GoldPage(2, 200.0, 100.0),),
                "tokens": (GoldToken("3", "other", replace(FIGURE_BOX, page=2)),),
            },
            "its pages are not numbered from 1 in order",
        ),
        ({"origin": {"lost": 3}}, "lost in its origin is no list of texts"),
        ({"origin": {"lost": ["a.b"]}}, "form 2021 has no cell 'a.b'"),
    ],
)
def test_figures_places_and_tables_of_gold_that_cannot_be(changes, message, tmp_path):
    path = own_gold(tmp_path, **changes)
    said = (message, "not a gold file") if "cells" in changes else (message,)
    assert any(words in line for line in problems(path) for words in said)


@pytest.mark.parametrize(
    ("key", "cell", "texts"),
    [
        (KEY, GoldCell(15, "15"), [("5", at(110, 10, 118, 20)), ("1", at(100, 10, 108, 20))]),
        (KEY, GoldCell(40, "４０"), [("４０", at(100, 10, 108, 20)), ("４０", at(100, 60, 108, 70))]),
        (KEY, GoldCell(22, "22（其中修订16件）①"), [("22（其中修订16件）①", FIGURE_BOX)]),
        (KEY, GoldCell(None, "—"), [("—", FIGURE_BOX)]),
        (KEY, GoldCell(3, ""), [("", FIGURE_BOX)]),
        (FEES, GoldCell(Decimal("25.1"), "251000元"), [("251000元", FIGURE_BOX)]),
        (CHANGE, GoldCell(-4, "减4"), [("减4", FIGURE_BOX)]),
    ],
)  # fmt: skip
def test_figures_of_gold_as_they_are_printed(key, cell, texts, tmp_path):
    tokens = [
        GoldToken(text, "figure" if text else "other", place, key if text else None) for text, place in texts
    ]
    form = "2019" if key == CHANGE else "2021"
    assert read_one(own_gold(tmp_path, *tokens, cells={key: cell}, form=form)).gold.cells == {key: cell}


def test_the_fixtures_are_good():
    names = ["9000000-00022-digital.pdf", "9000000-00020-image-office.tif", "9000000-00049-text-markdown.md"]
    golds = read_annotations(gold_path(ROOT / "eval" / "fixtures" / name) for name in names).golds
    assert [item.gold.file for item in golds] == names


# Round trips

FIXTURE = ROOT / "eval" / "fixtures" / "9000000-00005-scan-office.pdf.gold.json"


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A skewed scan, its gold as exported for each tool with plain pictures for its pages."""
    gold = Gold.read(FIXTURE)
    folder = tmp_path_factory.mktemp("export") / "pages"
    paths = [
        picture(folder / f"scan-{page.number}.png", (round(page.width), round(page.height)))
        for page in gold.pages
    ]
    return gold, {name: export_golds([(gold, paths)], folder, name) for name in ROUND_TRIPS}


ROUND_TRIPS = ("ppocrlabel", "label_studio", "xfund")


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_gold_comes_back_from_every_tool(name, exported):
    gold, paths = exported
    golds = [item.gold for item in read_annotations([paths[name]]).golds]
    assert [item.file for item in golds] == [f"scan-{page.number}.png" for page in gold.pages]
    for number, got in enumerate(golds, start=1):
        expected = [token for token in gold.tokens if token.place.page == number]
        assert [(t.text, t.label) for t in got.tokens] == [(t.text, t.label) for t in expected]
        for ours, theirs in zip(got.tokens, expected, strict=True):
            box, other = bounds(ours.place.poly), bounds(theirs.place.poly)
            assert box == pytest.approx(other, abs=1)
            if name != "xfund":  # which has upright boxes only
                for point, other_point in zip(ours.place.poly, theirs.place.poly, strict=True):
                    assert point == pytest.approx(other_point, abs=1)
        if name != "ppocrlabel":  # which has no place for keys
            assert [t.key for t in got.tokens] == [t.key for t in expected]
            assert got.form == gold.form
            keys = {token.key for token in expected if token.label == "figure" and token.key}
            assert set(got.cells) == keys
            assert all(got.cells[key].printed == gold.cells[key].printed for key in keys)


@pytest.mark.parametrize("name", ["ppocrlabel", "label_studio"])
def test_predictions_come_back_once_they_are_confirmed(name, tmp_path):
    gold = Gold.read(FIXTURE)
    folder = tmp_path / "pages"
    paths = [picture(folder / f"scan-{p.number}.png", (round(p.width), round(p.height))) for p in gold.pages]
    path = export_predictions([(gold, paths)], folder, name, model_version="m-1")
    imported = read_annotations([path])
    assert (len(imported.golds), len(imported.skipped)) == (0, len(paths))
    confirm(path)
    golds = [item.gold for item in read_annotations([path]).golds]
    got = [(token.text, token.label) for item in golds for token in item.tokens]
    assert got == [(token.text, token.label) for token in gold.tokens]


def confirm(path: Path) -> None:
    """As a person does who finds nothing to correct."""
    if path.name == "Label.txt":
        assert path.with_name("Cache.cach").read_bytes() == path.read_bytes()
        lines = path.read_text(encoding="utf-8").splitlines()
        states = "".join(line.split("\t")[0] + "\t1\n" for line in lines)
        path.with_name("fileState.txt").write_text(states, encoding="utf-8")
    else:
        tasks = json.loads(path.read_text(encoding="utf-8"))
        for item in tasks:
            assert "annotations" not in item
            item["annotations"] = [{"result": item.pop("predictions")[0]["result"]}]
        path.write_text(json.dumps(tasks), encoding="utf-8")


# Storing


def test_gold_and_picture_are_stored_together(tmp_path):
    imported = read_annotations([ppocr(tmp_path / "pages", [box()])])
    (path,) = store(imported.golds, tmp_path / "new" / "out")
    assert path == tmp_path / "new" / "out" / "a.png.gold.json"
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.png", "a.png.gold.json"]
    assert Gold.read(path) == imported.golds[0].gold
    assert read_one(path.parent).gold == imported.golds[0].gold


def test_nothing_is_replaced_unasked(tmp_path):
    golds = read_annotations([ppocr(tmp_path / "pages", [box()])]).golds
    store(golds, tmp_path / "out")
    with pytest.raises(UsageError, match=r"a\.png\.gold\.json: already there; .* --overwrite"):
        store(golds, tmp_path / "out")
    (tmp_path / "out" / "a.png").write_bytes(b"")
    store(golds, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "a.png").stat().st_size


def test_the_folder_of_the_pictures_itself_can_be_written_to(tmp_path):
    folder = ppocr(tmp_path / "pages", [box()])
    before = (folder / "a.png").read_bytes()
    store(read_annotations([folder]).golds, folder)
    assert (folder / "a.png").read_bytes() == before
    assert (folder / "a.png.gold.json").is_file()


def test_one_name_in_two_folders_is_refused_before_anything_is_written(tmp_path):
    sources = [ppocr(tmp_path / "pages", [box()]), studio(tmp_path / "studio", task(region()))]
    with pytest.raises(UsageError, match="have one name") as caught:
        store(read_annotations(sources).golds, tmp_path / "out")
    assert str(tmp_path / "pages" / "a.png") in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_to(tmp_path):
    golds = read_annotations([ppocr(tmp_path / "pages", [box()])]).golds
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written to"):
        store(golds, tmp_path / "file")

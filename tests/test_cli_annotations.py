"""`giar annotations` as a user calls it."""

import json
from pathlib import Path

import pytest
from conftest import ROOT
from lxml import etree
from PIL import Image

from giar_ml import cli, pipeline
from giar_ml.annotations.gold import Gold, bounds, gold_path
from giar_ml.annotations.predicting import fit_to_pictures, predicted_gold
from giar_ml.document import BBox, Cell, Document, Page, Table, Token
from giar_ml.errors import EngineError, InputError
from giar_ml.label.names import label_names

COLUMN = "column:requests.natural_person"
SIZE = (900, 300)


def document_of(path, *, kind="image"):
    """What the reader would make of a small page: a title, a header torn into two lines, two figures."""
    title = Token("三、收到和处理政府信息公开申请情况", BBox(60, 10, 400, 30), labels={"title:requests": 0.9})
    column = {COLUMN: 0.8, "other": 0.2}
    lines = (
        Token("自然", BBox(210, 60, 260, 78), labels=column),
        Token("人", BBox(210, 80, 230, 98), labels=column),
    )
    figures = [
        Token("22", BBox(220, 120, 240, 138), labels={"figure": 0.9}),
        Token("不详", BBox(220, 160, 250, 178)),
    ]
    sure = Token("22", BBox(220, 200, 240, 218), labels={"note": 0.2, "corner": 0.7})
    cells = (
        Cell(0, 1, 0, 1, BBox(200, 50, 300, 110), lines),
        Cell(1, 2, 0, 1, BBox(200, 110, 300, 150), (figures[0],)),
        Cell(2, 3, 0, 1, BBox(200, 150, 300, 190), (figures[1],)),
        Cell(3, 4, 0, 1, BBox(200, 190, 300, 230), (sure,)),
    )
    number = Token("— 2 —", BBox(280, 285, 330, 301))  # a little beyond the page
    speck = Token(" ", BBox(5, 5, 5, 9))
    table = Table(1, BBox(200, 50, 300, 230), 4, 1, cells)
    page = Page(1, "scan", *map(float, SIZE), dpi=100.0, tokens=(speck, title, number), tables=(table,))
    return Document(path, "ab" * 32, kind, (page,))


EXPECTED = [
    ("三、收到和处理政府信息公开申请情况", "title:requests"),
    ("自然", COLUMN),
    ("人", COLUMN),
    ("22", "figure"),
    ("不详", "other"),
    ("22", "corner"),
    ("— 2 —", "other"),
]


class FakeExtractor:
    """Sees the same on every picture; texts, `damaged`, `engine` and `crash` as one would expect."""

    def __init__(self, **options):
        self.options = options

    def label(self, path):
        if path.stem == "damaged":
            raise InputError(f"{path.name}: cannot be read", code="bad_pdf")
        if path.stem == "engine":
            raise EngineError("cuda:7 is not there")
        if path.stem == "crash":
            raise RuntimeError("a bug\nin two lines")
        return document_of(path, kind="text" if path.suffix == ".txt" else "image")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "Extractor", FakeExtractor)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture(name, color="white"):
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", SIZE, color).save(path, dpi=(100, 100))
    return name


def export(tool, *inputs, output="out", options=()):
    return cli.main(["annotations", "export", *inputs, "-o", output, "--format", tool, *options])


def confirm(output="out"):
    """As a person does who finds nothing to correct; returns what to import."""
    states = Path(output, "fileState.txt")
    if states.exists():
        lines = Path(output, "Label.txt").read_text(encoding="utf-8").splitlines()
        states.write_text("".join(line.split("\t")[0] + "\t1\n" for line in lines), encoding="utf-8")
        return output
    tasks = json.loads(Path(output, "label_studio.json").read_text(encoding="utf-8"))
    for task in tasks:
        task["annotations"] = [{"id": 1, "was_cancelled": False, "result": task["predictions"][0]["result"]}]
    target = Path(output, "export.json")
    target.write_text(json.dumps(tasks), encoding="utf-8")
    return str(target)


# What the model sees


def test_every_token_has_its_label():
    gold = predicted_gold(document_of(Path("a.png")))
    assert [(token.text, token.label) for token in gold.tokens] == EXPECTED
    assert {token.place.page for token in gold.tokens} == {1}
    assert bounds(gold.tokens[-1].place.poly) == BBox(280, 285, 330, 300)
    assert gold.cells == {}
    assert gold.origin["confirmed"] is False


def test_gold_fits_the_pictures_at_another_resolution():
    gold = fit_to_pictures(predicted_gold(document_of(Path("a.png"))), 150)
    assert (gold.pages[0].width, gold.pages[0].height, gold.pages[0].dpi) == (1350, 450, 150)
    assert bounds(gold.tokens[0].place.poly) == BBox(90, 15, 600, 45)


# export


@pytest.mark.parametrize("options", [(), ("--dpi", "150")], ids=["as analysed", "150 dpi"])
@pytest.mark.parametrize("tool", ["ppocrlabel", "label-studio"])
def test_what_was_exported_and_confirmed_is_imported(tool, options, folder, capsys):
    assert export(tool, picture("a.png"), options=options) == 0
    assert "7 tokens on 1 pages of 1 documents" in capsys.readouterr().out
    assert cli.main(["annotations", "import", confirm(), "-o", "gold"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "1 imported into gold, 0 left out" in out
    gold = Gold.read("gold/a-1.jpg.gold.json")
    assert sorted((token.text, token.label) for token in gold.tokens) == sorted(EXPECTED)
    scale = 1.5 if options else 1
    with Image.open("gold/a-1.jpg") as image:
        assert image.size == (SIZE[0] * scale, SIZE[1] * scale)
    seen = predicted_gold(document_of(Path("a.png"))).tokens
    for got, token in zip(gold.tokens, seen, strict=True):
        expected = [number * scale for number in bounds(token.place.poly)]
        assert bounds(got.place.poly) == pytest.approx(expected, abs=1)


def test_label_studio_gets_a_configuration_with_every_label(folder):
    export("label-studio", picture("a.png"))
    config = etree.parse("out/label_studio.xml")
    assert {label.get("value") for label in config.iter("Label")} == set(label_names())
    (task,) = json.loads(Path("out/label_studio.json").read_text(encoding="utf-8"))
    assert task["predictions"][0]["model_version"].startswith("giar-")
    assert Path("out", task["data"]["ocr"].partition("?d=")[2]).is_file()


@pytest.mark.parametrize("tool", ["ppocrlabel", "label-studio"])
def test_nothing_is_confirmed_by_the_export(tool, folder, capsys):
    export(tool, picture("a.png"))
    source = "out" if tool == "ppocrlabel" else "out/label_studio.json"
    assert cli.main(["annotations", "import", source, "-o", "gold"]) == 4
    assert "nothing was imported" in capsys.readouterr().err
    assert not Path("gold").exists()


def test_texts_have_no_pages_and_the_others_go_on(folder, capsys):
    Path("t.txt").write_text("text")
    assert export("ppocrlabel", "t.txt", picture("a.png")) == 0
    assert "t.txt: left out: texts, Word files and web pages have no pages" in capsys.readouterr().err
    assert export("ppocrlabel", "t.txt", output="out2") == 4


def test_a_document_that_cannot_be_read_costs_only_itself(folder, capsys):
    assert export("ppocrlabel", picture("damaged.png"), picture("a.png"), "--quiet") == 4
    out, err = capsys.readouterr()
    assert (out, err) == ("", "giar: damaged.png: left out: cannot be read\n")
    assert len(Path("out/Label.txt").read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "status", "message"),
    [
        ("engine.png", 2, "cuda:7 is not there"),
        ("crash.png", 4, "internal error, please report it (RuntimeError"),
    ],
)
def test_the_others_are_exported_all_the_same(name, status, message, folder, capsys):
    assert export("ppocrlabel", picture(name), picture("a.png")) == status
    err = capsys.readouterr().err
    assert err.startswith(f"giar: {name}: left out: {message}")
    assert err.count("\n") == 1
    assert Path("out/a-1.jpg").is_file()


def test_pictures_of_the_user_are_not_replaced(folder, capsys):
    before = Path(picture("out/a-1.jpg")).read_bytes()
    assert export("ppocrlabel", picture("a.png", "red")) == 2
    assert "a-1.jpg: already there" in capsys.readouterr().err
    assert Path("out/a-1.jpg").read_bytes() == before


@pytest.mark.parametrize("tool", ["ppocrlabel", "label-studio"])
def test_only_pictures_of_the_export_before_are_replaced(tool, folder, capsys):
    out = Path("out" if tool == "ppocrlabel" else "out/pages")
    own = Path(picture(out / "b-1.jpg")).read_bytes()
    assert export(tool, picture("a.png")) == 0
    before = (out / "a-1.jpg").read_bytes()
    assert export(tool, picture("a.png", "red"), picture("b.png", "red"), options=("--overwrite",)) == 2
    assert "b-1.jpg: already there, an input or from no earlier export" in capsys.readouterr().err
    assert (out / "a-1.jpg").read_bytes() != before
    assert (out / "b-1.jpg").read_bytes() == own


def test_inputs_are_not_replaced(folder, capsys):
    assert export("ppocrlabel", picture("out/a.png"), output="out") == 0
    before = Path("out/a-1.jpg").read_bytes()
    Path("same.jpg").symlink_to("out/a-1.jpg")
    picture("out/a.png", "red")
    assert export("ppocrlabel", "out/a.png", "same.jpg", options=("--overwrite",)) == 2
    assert "a-1.jpg: already there, an input" in capsys.readouterr().err
    assert Path("out/a-1.jpg").read_bytes() == before


@pytest.mark.parametrize("content", ["", "[", "[5]", '{"data": {}}', '[{"data": {"ocr": 5}}]'])
def test_an_export_before_that_cannot_be_read_names_no_pictures(content, folder, capsys):
    assert export("label-studio", picture("a.png")) == 0
    Path("out/label_studio.json").write_text(content)
    assert export("label-studio", "a.png", options=("--overwrite",)) == 2
    assert "a-1.jpg: already there" in capsys.readouterr().err


def test_a_file_where_the_folder_of_pictures_should_be(folder, capsys):
    Path("out").mkdir()
    Path("out/pages").write_text("")
    assert export("label-studio", picture("a.png")) == 2
    assert "cannot write to the output folder (there is a file of that name)" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_to(folder, capsys):
    Path("out").mkdir()
    Path("out/Cache.cach").mkdir()
    assert export("ppocrlabel", picture("a.png")) == 2
    assert "out: cannot be written to (Is a directory)" in capsys.readouterr().err


def test_two_documents_of_one_stem(folder, capsys):
    assert export("ppocrlabel", picture("a.png"), picture("b/a.png")) == 4
    assert "b/a.png: left out: its pictures would be called as those of a.png" in capsys.readouterr().err


def test_corrections_are_not_overwritten_unasked(folder, capsys):
    assert export("ppocrlabel", picture("a.png")) == 0
    assert export("ppocrlabel", "a.png") == 2
    assert "Label.txt: already there, perhaps with corrections" in capsys.readouterr().err
    assert export("ppocrlabel", "a.png", options=("--overwrite",)) == 0


@pytest.mark.parametrize("dpi", ["0", "9999", "x"])
def test_a_resolution_beyond_reason(dpi, folder, capsys):
    with pytest.raises(SystemExit) as caught:
        export("ppocrlabel", picture("a.png"), options=("--dpi", dpi))
    assert caught.value.code == 2
    assert "--dpi" in capsys.readouterr().err


# import and check


@pytest.fixture
def labelled(folder):
    """A folder of PPOCRLabel with a good, a bad and an unconfirmed picture."""
    good = {"transcription": "自然人", "points": [[10, 10], [90, 10], [90, 30], [10, 30]], "key_cls": COLUMN}
    lines, states = [], []
    for name, token in (("a", good), ("b", {**good, "key_cls": "colum"}), ("c", good)):
        picture(f"pages/{name}.png", {"a": "white", "b": "red", "c": "blue"}[name])
        lines.append(f"pages/{name}.png\t{json.dumps([token])}\n")
        states += [f"pages/{name}.png\t1\n"] if name != "c" else []
    Path("pages/Label.txt").write_text("".join(lines), encoding="utf-8")
    Path("pages/fileState.txt").write_text("".join(states), encoding="utf-8")
    return "pages"


def test_problems_are_listed_a_line_each(labelled, capsys):
    for action in (["check"], ["import", "-o", "gold"]):
        assert cli.main(["annotations", *action, labelled]) == 4
        out, err = capsys.readouterr()
        assert out == ""
        first, second = err.splitlines()
        assert first.startswith("giar: 1 problem in 1 of 3 documents; correct")
        assert second == "giar: pages/Label.txt:2: token 1: no label 'colum'"
    assert not Path("gold").exists()


def test_bad_documents_are_left_out_and_named(labelled, capsys):
    assert cli.main(["annotations", "import", labelled, "-o", "gold", "--skip-bad"]) == 0
    out, err = capsys.readouterr()
    assert "1 imported into gold, 2 left out" in out
    assert "PPOCRLabel" in out
    assert COLUMN in out
    first, second = err.splitlines()
    assert first.startswith("giar: left out: pages/Label.txt:2: token 1: no label 'colum'")
    assert second == "giar: left out, not confirmed in fileState.txt: pages/c.png"
    assert sorted(path.name for path in Path("gold").iterdir()) == ["a.png", "a.png.gold.json"]


def test_what_was_imported_can_be_checked_and_read_again(labelled, capsys):
    cli.main(["annotations", "import", labelled, "-o", "gold", "--skip-bad", "--quiet"])
    assert capsys.readouterr().out == ""
    assert cli.main(["annotations", "check", "gold"]) == 0
    assert "1 good, 0 not to be used" in capsys.readouterr().out
    assert cli.main(["annotations", "import", labelled, "-o", "gold", "--skip-bad"]) == 2
    assert "already there" in capsys.readouterr().err


def test_sources_that_are_not_there(folder, capsys):
    assert cli.main(["annotations", "check", "nowhere"]) == 2
    assert cli.main(["annotations", "check", ".", "--images", "nowhere"]) == 2
    assert "nowhere: no such folder of pictures" in capsys.readouterr().err
    for args in (
        ["annotations"],
        ["annotations", "import", "x"],
        ["annotations", "export", "x", "-o", "out"],
    ):
        with pytest.raises(SystemExit) as caught:
            cli.main(args)
        assert caught.value.code == 2


# The reader itself


def round_trip(path, tool, tmp_path, capsys):
    """Export with the real reader, confirm, import: what comes back against what was seen."""
    output = str(tmp_path / "out")
    assert export(tool, str(path), output=output, options=("--device", "cpu")) == 0
    capsys.readouterr()
    assert cli.main(["annotations", "import", confirm(output), "-o", str(tmp_path / "gold")]) == 0
    seen = predicted_gold(pipeline.Extractor(device="cpu", prose=True).label(path))
    for page in seen.pages:
        (name,) = (tmp_path / "gold").glob(f"{path.stem}-{page.number}.*g")
        gold = Gold.read(gold_path(name))
        tokens = [token for token in seen.tokens if token.place.page == page.number]
        assert [(t.text, t.label) for t in gold.tokens] == [(t.text, t.label) for t in tokens]
        for got, token in zip(gold.tokens, tokens, strict=True):
            assert bounds(got.place.poly) == pytest.approx(bounds(token.place.poly), abs=1)
    return seen


def test_a_digital_report(tmp_path, capsys):
    path = ROOT / "eval" / "fixtures" / "9000000-00022-digital.pdf"
    seen = round_trip(path, "label-studio", tmp_path, capsys)
    labels = {token.label for token in seen.tokens}
    assert {"title:requests", "title:reviews", "row:requests.new", COLUMN, "figure", "other"} <= labels


@pytest.mark.model
def test_a_scan(tmp_path, capsys):
    seen = round_trip(ROOT / "examples" / "scan.pdf", "ppocrlabel", tmp_path, capsys)
    assert sum(token.label == "figure" for token in seen.tokens) > 150

from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from giar_ml.batch.inputs import Input, list_inputs
from giar_ml.errors import UsageError
from giar_ml.urls import Url


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("in/b.pdf", "in/a/c.TXT", "in/a/.hidden.txt", "in/.git/d.txt", "in/e.zip", "in/out/f.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def names(*arguments):
    return [item.path.as_posix() for item in list_inputs(arguments, apart_from=Path("in/out"))]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["in"], ["in/b.pdf", "in/a/c.TXT"], id="folder, without hidden files and the results"),
        pytest.param(
            ["in/**/*.*"], ["in/a/c.TXT", "in/b.pdf", "in/e.zip"], id="pattern, without the results"
        ),
        pytest.param(["in/b.pdf", "in", "./in/a/../b.pdf"], ["in/b.pdf", "in/a/c.TXT"], id="each once"),
    ],
)
def test_files_folders_and_patterns(arguments, expected):
    assert names(*arguments) == expected


@pytest.mark.parametrize(
    ("argument", "out", "here"),
    [
        pytest.param("**/*.txt", "in/out", ".", id="pattern"),
        pytest.param("../in", "out", "in", id="from within"),
        pytest.param("link", "in/out", ".", id="link"),
        pytest.param("in", "link/out", ".", id="output by a link"),
        pytest.param("link/**/*.t*", "in/out", ".", id="pattern by a link"),
    ],
)
def test_results_are_no_input(monkeypatch, argument, out, here):
    Path("in/a/c.TXT").rename("in/c.txt")
    Path("link").symlink_to("in")
    monkeypatch.chdir(here)
    found = {item.path.name for item in list_inputs([argument], apart_from=Path(out))}
    assert "c.txt" in found
    assert "f.txt" not in found


@pytest.mark.parametrize("argument", ["in", "in/**/*.pdf", "link"])
def test_an_input_folder_is_no_output_folder(argument):
    Path("link").symlink_to("in")
    with pytest.raises(UsageError, match="is the output folder, too"):
        list_inputs([argument], apart_from=Path("in/out/.."))


@pytest.mark.parametrize("argument", ["in", "in/**/*.*", "{in}", "{in}/**", "{link}"])
def test_neither_results_nor_their_copy_on_this_machine_are_input(argument):
    Path("link").symlink_to("in")
    Path("in/copy").mkdir()
    Path("in/copy/summary.html").touch()
    here = {"in": f"file://{Path.cwd()}/in", "link": f"file://{Path.cwd()}/link"}
    copy = Url(f"{here['in']}/copy")
    found = list_inputs([argument.format(**here)], apart_from=Path("in/out"), copy=copy)
    found_names = {item.path.name for item in found}
    assert {"b.pdf", "c.TXT"} <= found_names
    assert not {"f.txt", "summary.html"} & found_names


@pytest.mark.parametrize("argument", ["in/copy", "{here}/copy", "{here}/out", "{here}/out/*.txt"])
def test_a_folder_of_results_is_no_input_by_its_address_either(argument):
    Path("in/copy").mkdir()
    here = f"file://{Path.cwd()}/in"
    with pytest.raises(UsageError, match="too: results would be read as reports; choose another with -"):
        list_inputs([argument.format(here=here)], apart_from=Path("in/out"), copy=Url(f"{here}/copy"))


def test_links_to_folders_are_followed_and_each_folder_is_looked_through_once():
    for name in ("elsewhere/sub/g.txt", "elsewhere/.hidden/h.txt", "in/out/reports/i.html"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    Path("in/a/again").symlink_to(Path("in").resolve())
    for link, target in {
        "aa": "a",
        "latest": "../elsewhere/sub",
        "more": "../elsewhere",
        "results": "out/reports",
        "up": "..",
        "gone": "nowhere",
    }.items():
        Path("in", link).symlink_to(target)
    assert names("in") == ["in/b.pdf", "in/a/c.TXT", "in/latest/g.txt"]


@pytest.mark.parametrize("argument", ["in/a", "in/a/*.TXT"])
def test_inputs_below_the_output_folder(argument):
    assert list_inputs([argument], apart_from=Path("in")) == [Input(Path("in/a/c.TXT"))]


@pytest.mark.parametrize("argument", ["missing.pdf", "in_typo/", "nolist.csv", f"{'x' * 300}.pdf"])
def test_what_is_named_must_be_there(argument):
    with pytest.raises(UsageError, match="cannot be found"):
        names("in", argument)


def test_a_missing_file_of_a_list_fails_when_it_is_read():
    Path("list.csv").write_text("path\nmissing.pdf\n")
    assert names("list.csv") == ["missing.pdf"]


def test_an_empty_folder_is_an_input_that_fails():
    Path("empty").mkdir()
    assert names("empty") == ["empty"]


LISTED = [Input(Path("in/b.pdf"), "某局", 2023), Input(Path("in/a/c.TXT"), None, None)]


@pytest.mark.parametrize(
    "content",
    [
        "path,office,year\nb.pdf,某局,2023\na/c.TXT,,\n".encode("utf-8-sig"),
        "文件,机关,年度,备注\nb.pdf, 某局 ,2023年,x\na/c.TXT,,,\n".encode("gb18030"),
        pytest.param(
            "Path; OFFICE;Year\nb.pdf;某局;2023\n;;\na/c.TXT\n".encode(), id="as Excel may write it"
        ),
    ],
)
def test_a_list_gives_office_and_year(content):
    Path("in/list.csv").write_bytes(content)
    assert list_inputs(["in/list.csv"], apart_from=Path("out")) == LISTED


def test_a_list_in_parquet():
    table = pyarrow.table(
        {"path": ["b.pdf", "a/c.TXT"], "office": ["某局", None], "year": pyarrow.array([2023.0, None])}
    )
    parquet.write_table(table, "in/list.parquet")
    assert list_inputs(["in/list.parquet"], apart_from=Path("out")) == LISTED


def test_a_file_in_a_folder_and_in_a_list_has_what_the_list_says():
    Path("in/list.csv").write_text("path,office,year\nb.pdf,某局,2023\n")
    found = list_inputs(["in", "in/list.csv"], apart_from=Path("in/out"))
    assert found == [Input(Path("in/b.pdf"), "某局", 2023), Input(Path("in/a/c.TXT"))]


def test_rows_that_say_the_same_or_more_of_a_file_are_one():
    Path("list.csv").write_text("path,office,year,\nb.pdf,某局,,\nb.pdf,某市某局,2023, \n")
    assert list_inputs(["list.csv"], apart_from=Path("out")) == [Input(Path("b.pdf"), "某局", 2023)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("file,year\nb.pdf,2023\n", "no column `path`, but 'file', 'year';", id="no path"),
        pytest.param("", "no column `path`, but none;", id="no header"),
        pytest.param("path,year\nb.pdf,23\n", "row 2 has the year '23'", id="year"),
        pytest.param("path,year\n\nb.pdf,23\n", "row 3 has the year '23'", id="year after an empty row"),
        pytest.param("path,year\n,2023\n", "row 2 names no file", id="no file"),
        pytest.param("path,year\n", "names no file", id="empty"),
        pytest.param(
            "path,文件\nb.pdf,in/b.pdf\n", "columns 'path' and '文件' mean the same", id="columns alike"
        ),
        pytest.param(
            "path,office\nb.pdf,某局,本级\n", "row 2 has more fields than the header", id="a comma too many"
        ),
        pytest.param(
            "path,year\nb.pdf,2022\nc.pdf,2023\n./b.pdf,2023\n",
            "row 4 says 2023 of ./b.pdf, another row 2022",
            id="two years",
        ),
        pytest.param(
            "path,office,year\nb.pdf,,2022\nb.pdf,某局,\nb.pdf,他局,2022\n",
            "row 4 says 他局 of b.pdf, another row 某局",
            id="two offices",
        ),
    ],
)
def test_a_bad_list_is_said(content, message):
    Path("list.csv").write_text(content)
    with pytest.raises(UsageError, match=message):
        names("list.csv")


def test_a_damaged_list_and_a_pattern_without_files_are_said():
    Path("list.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="cannot read the list"):
        names("list.parquet")
    with pytest.raises(UsageError, match="no file matches"):
        names("in/*.docx")

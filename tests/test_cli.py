import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import make_report

from giar_ml import cli, pipeline
from giar_ml.document import Problem
from giar_ml.errors import EngineError, InputError
from giar_ml.report import Report

HEAVY = (
    "numpy",
    "cv2",
    "rich",
    "openpyxl",
    "yaml",
    "PIL",
    "ortools",
    "paddleocr",
    "pypdfium2",
    "giar_ml.pipeline",
)


class FakeExtractor:
    """Does what the file says: accepted, review, encrypted, engine, crash or interrupt."""

    device = None
    options: dict | None = None

    def __init__(self, **options):
        FakeExtractor.options = options

    def extract(self, path):
        if not path.exists():
            raise InputError(f"{path.name}: no such file", code="not_found")
        match path.read_text():
            case "encrypted":
                raise InputError(f"{path.name}: needs a password; save it without one", code="encrypted")
            case "engine":
                raise EngineError("cuda:7 is not there")
            case "crash":
                raise RuntimeError("a bug\nin two lines")
            case "interrupt":
                raise KeyboardInterrupt
            case "review":
                report = make_report()
                problem = Problem("conflict", "总计与各项之和不符")
                report = replace(report, status="review", problems=(problem,))
            case _:
                report = make_report()
        return replace(report, source=replace(report.source, file=path.name))


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Makes input files that say what the extractor shall do with them; returns their folder."""
    monkeypatch.setattr(pipeline, "Extractor", FakeExtractor)
    monkeypatch.chdir(tmp_path)

    def make(**contents):
        for stem, content in contents.items():
            Path(f"{stem}.txt").write_text(content)
        return [f"{stem}.txt" for stem in contents]

    return make


def statuses():
    return {path.stem: Report.read(path).status for path in Path("out").glob("*.json")}


def test_all_accepted(files, capsys):
    assert cli.main(["extract", *files(a="accepted", b="accepted"), "-o", "out"]) == 0
    assert statuses() == {"a": "accepted", "b": "accepted"}
    out, err = capsys.readouterr()
    assert "2 accepted, 0 review, 0 failed; no OCR needed" in out
    assert [line.split(" ", 2)[2].split(";")[0] for line in err.splitlines()] == [
        "INFO accepted a.txt",
        "INFO accepted b.txt",
    ]


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        pytest.param({"a": "accepted", "b": "review"}, 3, id="review"),
        pytest.param({"a": "review", "b": "encrypted", "c": "accepted"}, 4, id="failed"),
        pytest.param({"a": "crash", "b": "accepted"}, 4, id="a bug"),
        pytest.param({"a": "engine", "b": "accepted"}, 2, id="an engine that cannot be used"),
    ],
)
def test_the_exit_status_is_the_worst(files, contents, expected):
    assert cli.main(["extract", *files(**contents), "-o", "out"]) == expected
    assert set(statuses()) == set(contents)


def test_an_input_that_cannot_be_read_costs_only_itself(files, capsys):
    inputs = files(a="encrypted", b="accepted")
    assert cli.main(["extract", *inputs, "missing.pdf", "-o", "out", "--quiet"]) == 4
    assert statuses() == {"a": "failed", "b": "accepted", "missing": "failed"}
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "giar: a.txt: needs a password; save it without one",
        "giar: missing.pdf: no such file",
    ]
    failed = Report.read("out/a.json")
    assert failed.problems[0].code == "encrypted"
    assert failed.source.kind is None
    assert len(failed.source.sha256) == 64
    assert Report.read("out/missing.json").source.sha256 == ""


def test_a_bug_is_recorded_and_its_traceback_kept_in_the_log(files, capsys):
    assert cli.main(["extract", *files(a="crash", b="accepted"), "-o", "out", "--quiet", "--log", "l"]) == 4
    assert Report.read("out/a.json").problems[0].code == "internal_error"
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "RuntimeError: a bug in two lines" in err
    log = Path("l").read_text()
    assert "Traceback" in log
    assert "accepted b.txt" in log


def test_debug_prints_the_traceback(files, capsys):
    cli.main(["extract", *files(a="crash"), "-o", "out", "--debug"])
    assert "Traceback" in capsys.readouterr().err


def test_the_first_of_two_inputs_of_one_stem_is_kept(files, capsys):
    Path("more").mkdir()
    Path("more/a.md").write_text("encrypted")
    assert cli.main(["extract", *files(a="accepted"), "more/a.md", "-o", "out"]) == 4
    assert statuses() == {"a": "accepted"}
    out, err = capsys.readouterr()
    assert "failed more/a.md; 0.0 s; more/a.md: result a.json is already that of a.txt" in err
    assert "1 accepted, 0 review, 1 failed" in out


def test_folders_give_their_readable_files_in_order(files, capsys):
    Path("in").mkdir()
    for name in ("b.TXT", "a.pdf", ".hidden.txt", "c.zip"):
        Path("in", name).write_text("accepted")
    assert cli.main(["extract", "in", "-o", "out"]) == 0
    assert statuses() == {"a": "accepted", "b": "accepted"}
    out = capsys.readouterr().out
    assert out.index("a.pdf") < out.index("b.TXT")


def test_files_stand_before_between_and_after_options(files, capsys):
    names = files(a="accepted", b="accepted", c="accepted")
    Path("-d.txt").write_text("accepted")
    arguments = [names[0], "--quiet", names[1], "-o", "out", names[2], "--format", "csv", "--", "-d.txt"]
    assert cli.main(["extract", *arguments]) == 0
    assert set(statuses()) == {"a", "b", "c", "-d"}
    assert Path("out/a.csv").exists()


def test_an_unknown_option_is_answered_with_the_usage_of_the_command(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["extract", "a.pdf", "--bogus", "-o", "out"])
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("usage: giar extract")
    assert err.endswith("unrecognized arguments: --bogus\n")


def test_an_interrupt_keeps_what_is_done(files, capsys):
    inputs = files(a="accepted", b="interrupt", c="accepted")
    assert cli.main(["extract", *inputs, "-o", "out"]) == 130
    assert statuses() == {"a": "accepted"}
    assert "giar: interrupted: 1 of 3 reports done and kept" in capsys.readouterr().err


def test_formats_are_written_beside_json(files):
    assert (
        cli.main(["extract", *files(a="accepted"), "-o", "out", "--format", "csv", "--format", "xlsx"]) == 0
    )
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.csv", "a.json", "a.xlsx"]


def test_options_reach_the_extractor(files):
    options = [
        "--device",
        "cuda:1",
        "--engine",
        "paddle",
        "--models",
        ".",
        "--layout",
        "lp://x",
        "--max-risk",
        "0.1",
        "--prose",
    ]
    cli.main(["extract", *files(a="accepted"), "-o", "out", *options])
    assert FakeExtractor.options == {
        "device": "cuda:1",
        "engine": "paddle",
        "models": Path(),
        "layout": "lp://x",
        "max_risk": 0.1,
        "prose": True,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["-o", "a.txt/out"], "cannot write to the output folder", id="output under a file"),
        pytest.param(["-o", "a.txt"], "cannot write to the output folder", id="output is a file"),
        pytest.param(["-o", "/proc/giar"], "cannot write to the output folder", id="output cannot be made"),
        pytest.param(["-o", "out", "--models", "nowhere"], "no such model folder", id="models"),
        pytest.param(["-o", "out", "--log", "no/log"], "cannot write the log", id="log"),
    ],
)
def test_a_wrong_call_ends_before_any_work(files, capsys, arguments, message):
    assert cli.main(["extract", *files(a="accepted"), *arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith("giar: ")
    assert message in err
    assert err.count("\n") == 1
    assert statuses() == {}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["extract"],
        ["extract", "a"],
        ["extract", "a", "-o", "b", "--device", "gpu"],
        ["extract", "a", "-o", "b", "--max-risk", "2"],
    ],
)
def test_argument_errors_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2


def test_a_full_disk_fails_the_report_and_leaves_nothing(files, monkeypatch, capsys):
    def full(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("giar_ml.export.os.fsync", full)
    assert cli.main(["extract", *files(a="accepted"), "-o", "out"]) == 4
    assert list(Path("out").iterdir()) == []
    assert "cannot write the result to out (No space left on device)" in capsys.readouterr().err


def test_show_prints_a_result(files, capsys):
    cli.main(["extract", *files(a="accepted"), "-o", "out", "--quiet"])
    assert cli.main(["show", "out/a.json"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("某市某局  2023  form 2021  accepted\na.txt")
    assert "\x1b" not in out


@pytest.mark.parametrize("content", [None, "{", "[]", '{"schema_version": "1"}', '{"schema_version": "2"}'])
def test_show_says_what_is_no_result(tmp_path, capsys, content):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_text(content)
    good = tmp_path / "b.json"
    good.write_text(make_report().to_json())
    assert cli.main(["show", str(path), str(good)]) == 4
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert err.startswith(f"giar: {path}: ")
    assert "某市某局" in out


@pytest.mark.parametrize("change", [{"form": "2044"}, {"form": "2044", "cells": {}}, {"status": "odd"}])
def test_show_refuses_words_it_does_not_know(tmp_path, capsys, change):
    data = json.loads(make_report().to_json())
    (tmp_path / "a.json").write_text(json.dumps({**data, **change}))
    assert cli.main(["show", str(tmp_path / "a.json")]) == 4
    assert (
        "a.json: not a result that `giar extract` wrote, or one of another version" in capsys.readouterr().err
    )


def test_help_and_import_load_nothing_heavy():
    code = (
        "import sys, giar_ml, giar_ml.cli\n"
        "try: giar_ml.cli.main(['extract', '--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_texts_are_read_without_what_reads_pictures():
    [text, *_] = sorted((Path(__file__).parents[1] / "eval" / "fixtures").glob("*.txt"))
    code = (
        f"import sys, giar_ml; giar_ml.extract({str(text)!r})\n"
        "print([name for name in ('layoutparser', 'paddleocr', 'PIL') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("code", ["import giar_ml", "import giar_ml.cli; giar_ml.cli.main(['--help'])"])
def test_starting_takes_less_than_half_a_second(code):
    def seconds() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - started

    assert min(seconds() for _ in range(5)) < 0.5  # the best of five: other work may slow one down


def test_version_by_module():
    run = subprocess.run(
        [sys.executable, "-m", "giar_ml", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("giar ")


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(make_report().to_json())
    show = f"{sys.executable} -m giar_ml show {' '.join([str(path)] * 20)} | head -1; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", show], capture_output=True, text=True, check=True)
    assert run.stderr == ""
    assert run.stdout.splitlines()[-1] == "0"


@pytest.mark.parametrize("command", ["show a.json", "models use shipped", "check .", "--help"])
@pytest.mark.parametrize(
    ("sink", "status", "message"),
    [
        ("> /dev/full", 2, "giar: stdout: cannot be written (No space left on device)\n"),
        ("| true", 0, ""),
    ],
)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_stdout_that_cannot_be_written(tmp_path, monkeypatch, command, sink, status, message):
    monkeypatch.setenv("GIAR_MODELS", str(tmp_path / "home"))
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    (tmp_path / "a.json").write_text(make_report().to_json())
    call = f"{sys.executable} -m giar_ml {command} {sink}; exit ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", call], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (status, message)

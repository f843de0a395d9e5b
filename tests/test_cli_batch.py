import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fake_readers import FakeReader, InlinePool

from giar_ml import cli
from giar_ml.batch.scheduler import Note
from giar_ml.batch.settings import find_settings
from giar_ml.cli.batch import Progress
from giar_ml.models import current_label_model
from giar_ml.pipeline import Extractor
from giar_ml.report import Report
from giar_ml.verdict import accept

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "eval" / "fixtures"


class Interrupted(InlinePool):
    def wait(self, timeout_s):
        raise KeyboardInterrupt


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Makes input files that say what the reader shall do with them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "giar_ml.batch.pool.ProcessPool", lambda *_, **__: InlinePool(FakeReader(Path("log")))
    )

    def make(**contents):
        for stem, content in contents.items():
            Path(f"{stem}.txt").write_text(content)
        return [f"{stem}.txt" for stem in contents]

    return make


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        pytest.param({"a": "ok 1", "b": "ok 2"}, 0, id="accepted"),
        pytest.param({"a": "ok 1", "b": "review 2"}, 3, id="review"),
        pytest.param({"a": "review 1", "b": "encrypted"}, 4, id="failed"),
        pytest.param({"a": "ok 1", "b": "engine"}, 2, id="an engine that cannot be used"),
    ],
)
def test_exit_statuses(files, capsys, contents, expected):
    assert cli.main(["batch", *files(**contents), "-o", "out"]) == expected
    out, err = capsys.readouterr()
    assert ("see out/summary.html" in out) == (expected != 2)
    assert ("cuda:7" in err) == (expected == 2)


def test_an_interrupt_says_how_to_go_on(files, capsys, monkeypatch):
    inputs = files(a="ok 1", b="ok 2")
    with monkeypatch.context() as patch:
        patch.setattr("giar_ml.batch.pool.ProcessPool", lambda *_, **__: Interrupted(None))
        assert cli.main(["batch", *inputs, "-o", "out"]) == 130
    assert "0 of 2 reports done and kept; start the same command again" in capsys.readouterr().err
    assert cli.main(["batch", *inputs, "-o", "out"]) == 0


def test_the_log_has_a_line_of_json_per_event(files, capsys):
    assert cli.main(["batch", *files(a="ok 1", b="encrypted"), "-o", "out", "--log", "l", "--quiet"]) == 4
    events = [json.loads(line) for line in Path("l").read_text().splitlines()]
    assert [(event["event"], event["path"], event["status"]) for event in events] == [
        ("read", "a.txt", "accepted"),
        ("read", "b.txt", "failed"),
    ]
    assert events[1]["code"] == "encrypted"
    assert capsys.readouterr() == ("", "")


def test_a_log_in_the_new_output_folder(files):
    assert cli.main(["batch", *files(a="ok 1"), "-o", "out", "--log", "out/log.jsonl"]) == 0
    assert json.loads(Path("out/log.jsonl").read_text())["status"] == "accepted"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_log_on_a_full_disk_is_said_once_and_stops_nothing(files, capsys):
    assert cli.main(["batch", *files(a="ok 1", b="ok 2"), "-o", "out", "--log", "/dev/full"]) == 0
    assert capsys.readouterr().err.count("/dev/full: cannot write the log any more") == 1


@pytest.mark.parametrize("argument", ["in_typo/", "nolist.csv"])
def test_a_wrong_name_leaves_a_finished_batch_as_it_is(files, capsys, argument):
    cli.main(["batch", *files(a="ok 1"), "-o", "out"])
    before = {path: path.read_bytes() for path in Path("out").glob("*.*")}
    assert cli.main(["batch", argument, "-o", "out"]) == 2
    assert f"{argument}: cannot be found" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in Path("out").glob("*.*")} == before


def test_results_are_not_read_by_the_next_call(files, capsys):
    files(a="ok 1")
    for _ in range(2):
        assert cli.main(["batch", "**/*.*t*", "-o", "out"]) == 0
        assert "1 accepted, 0 review, 0 failed" in capsys.readouterr().out


def test_progress_ends_with_the_counts_of_all_inputs(files, capsys):
    files(a="ok 1", b="ok 1", c="ok 2")
    Path("list.csv").write_text("path,office\na.txt,\nb.txt,\nc.txt,他局\n")
    assert cli.main(["batch", "list.csv", "-o", "out"]) == 3
    out, err = capsys.readouterr()
    assert "2 accepted, 1 review, 0 failed" in out
    assert err.endswith("  2 accepted  1 review\n")
    assert "3/3" in err


def test_a_batch_that_must_stop_says_how_far_it_came(files, capsys):
    assert cli.main(["batch", *files(a="ok 1", b="engine"), "-o", "out"]) == 2
    progress, complaint = capsys.readouterr().err.splitlines()
    assert progress.startswith("1/2")
    assert "cuda:7" in complaint


def test_workers_that_do_not_fit_into_the_memory_are_said(files, capsys, monkeypatch):
    monkeypatch.setattr("giar_ml.batch.pool.free_memory_mib", lambda: 2000.0)
    inputs = files(a="ok 1", b="ok 2")
    assert cli.main(["batch", *inputs, "-o", "out", "--workers", "2"]) == 0
    assert "2 workers that read scans may need 3,072 MiB memory, 2,000 are free" in capsys.readouterr().err
    assert cli.main(["batch", *inputs, "-o", "out"]) == 0
    assert "workers" not in capsys.readouterr().err


def test_a_folder_that_cannot_be_locked_is_said(files, capsys, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    assert cli.main(["batch", *files(a="ok 1"), "-o", "out"]) == 2
    assert "out: cannot be locked (No locks available)" in capsys.readouterr().err


def test_a_manifest_damaged_inside_is_no_full_disk(files, capsys):
    inputs = files(a="ok 1")
    cli.main(["batch", *inputs, "-o", "out"])
    manifest = Path("out/batch.sqlite")
    data = manifest.read_bytes()
    manifest.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    assert cli.main(["batch", *inputs, "-o", "out"]) == 2
    err = capsys.readouterr().err
    assert "batch.sqlite: is damaged" in err
    assert "make room" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_workbook_that_cannot_be_written_is_closed():
    script = """
from pathlib import Path
from giar_ml.batch.totals import Totals
from giar_ml.batch.workbook import SummaryWorkbook
for target in ("/dev/full", None):
    book = SummaryWorkbook()
    try:
        if target:
            book.save(Path(target), Totals())
    except OSError:
        pass
    finally:
        book.close()
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["-o", "a.txt/out"], "cannot be written to", id="output under a file"),
        pytest.param(["-o", "out", "--log", "no/log"], "cannot write the log", id="log"),
        pytest.param(["-o", "out", "*.pdf"], "no file matches", id="pattern"),
    ],
)
def test_a_wrong_call_ends_before_any_work(files, capsys, arguments, message):
    assert cli.main(["batch", *files(a="ok 1"), *arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "option", ["--max-memory=3", "--max-memory=0G", "--max-memory=0.0M", "--workers=0", "--timeout=x"]
)
def test_bad_options(option):
    with pytest.raises(SystemExit) as caught:
        cli.main(["batch", "a", "-o", "b", option])
    assert caught.value.code == 2


def test_progress_tells_rate_counts_and_time_left():
    progress = Progress(10, None)
    progress.note(Note("kept", Path("a"), "accepted"))
    progress.note(Note("again", Path("b"), code="timeout"))
    progress.note(Note("read", Path("b"), "failed", "timeout"))
    assert progress.describe(2.0) == "2/10  0.5/s  16 s left  1 accepted  1 failed"


def test_settings_are_those_of_what_was_done():
    one = find_settings({"layout": "rules", "engine": "onnxruntime"})
    other = find_settings({"layout": "rules", "engine": "paddle", "prose": True})
    assert [one[reading] == other[reading] for reading in ("text", "digital", "scan")] == [True, True, False]
    assert find_settings({"max_risk": 0.5, "device": "cuda:1"}) == one


def test_a_layout_model_in_a_file_counts_by_its_content(tmp_path):
    path = tmp_path / "layout.yaml"
    path.write_text("one")
    one = find_settings({"layout": str(path)})
    path.write_text("other")
    other = find_settings({"layout": str(path)})
    assert [one[reading] == other[reading] for reading in ("text", "digital", "scan")] == [True, False, False]
    path.rename(tmp_path / "moved.yaml")
    assert find_settings({"layout": str(tmp_path / "moved.yaml")}) == other
    assert '"layout": "lp://x"' in find_settings({"layout": "lp://x"})["digital"]


def test_all_workers_read_with_the_model_of_the_start(files, monkeypatch):
    readers = []

    def make(reader, **_):
        readers.append(reader)
        return InlinePool(FakeReader(Path("log")))

    monkeypatch.setattr("giar_ml.batch.pool.ProcessPool", make)
    assert cli.main(["batch", *files(a="ok 1"), "-o", "out"]) == 0
    [options] = readers[0].args
    assert options["label_model"] == current_label_model()
    assert find_settings(options) == find_settings({})


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EIO])
def test_progress_on_a_stream_that_is_gone_is_none(number):
    class Gone(io.StringIO):
        n_tries = 0

        def write(self, text):
            self.n_tries += 1
            raise OSError(number, "gone")

    progress = Progress(10, gone := Gone())
    for _ in range(2):
        progress.end()
    assert gone.n_tries == 1


def test_a_batch_goes_on_without_those_who_watched(files):
    script = """
import sys
from pathlib import Path
from fake_readers import FakeReader, InlinePool
from giar_ml import cli
from giar_ml.batch import pool
pool.ProcessPool = lambda *_, **__: InlinePool(FakeReader(Path("log")))
cli.batch._LINE_EVERY_S = 0.0
sys.exit(cli.main(["batch", "a.txt", "b.txt", "-o", "out", "--log", "/dev/full"]))
"""
    files(a="ok 1", b="review 2")
    path = {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])}
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        ended = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, **path},
            check=False,
            stdout=theirs,
            stderr=theirs,
        )
    finally:
        os.close(theirs)
    assert ended.returncode == 3
    assert Path("out/summary.html").exists()


def test_a_report_decided_anew_is_as_if_read_with_that_risk():
    [path, *_] = sorted(FIXTURES.glob("*html-stripped.txt"))
    report = Extractor(max_risk=0.5).extract(path)
    assert report.status == "accepted"
    strict = replace(Extractor(max_risk=0.0).extract(path), timings_ms=report.timings_ms)
    assert strict.status == "review"
    anew = accept(report, max_risk=0.0)
    assert anew == strict
    assert accept(anew, max_risk=0.5) == report


def test_an_interrupted_batch_goes_on_and_gives_what_extract_gives(tmp_path):
    texts = sorted(FIXTURES.glob("*html-stripped.txt"))[:4]
    out = tmp_path / "out"
    command = [sys.executable, "-m", "giar_ml", "batch", *map(str, texts), "-o", str(out), "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list(out.glob("reports/*.json")) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert "of 4 reports done and kept" in process.communicate()[1]
    assert process.returncode == 130
    assert 0 < len(list(out.glob("reports/*.json"))) < 4
    subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
    results = [Report.read(path) for path in out.glob("reports/*.json")]
    extractor = Extractor(threads=1)
    for path in texts:
        report = extractor.extract(path)
        [result] = [result for result in results if result.source.file == path.name]
        assert replace(result, timings_ms={}) == replace(report, timings_ms={})

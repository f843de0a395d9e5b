import fcntl
import json
import os
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from fake_readers import SETTINGS, FakeReader, InlinePool, make_processes
from lxml.etree import SerialisationError
from openpyxl.worksheet._writer import WorksheetWriter
from pyarrow import parquet

from giar_ml.batch import scheduler
from giar_ml.batch.inputs import Input, list_inputs
from giar_ml.batch.pool import CRASHED
from giar_ml.batch.results import Results
from giar_ml.batch.run import Plan, run_batch
from giar_ml.batch.worker import Loss
from giar_ml.errors import UsageError
from giar_ml.report import Report


def run(inputs, notes=None, *, pool=None, **options):
    pool = pool or InlinePool(FakeReader(Path("log")))
    plan = Plan(**{"settings": SETTINGS, **options})
    return run_batch(inputs, Path("out"), pool, plan, tell=(notes if notes is not None else []).append)


def reads():
    log = Path("log")
    return Counter(log.read_text().split()) if log.exists() else Counter()


def rows():
    return parquet.read_table("out/reports.parquet").to_pylist()


def test_every_input_has_a_row_and_every_cell_of_a_report(files):
    totals = run(files(a="ok 1", b="review 2", c="encrypted"))
    assert totals.statuses == {"accepted": 1, "review": 1, "failed": 1}
    assert [(row["path"], row["status"], row["problems"]) for row in rows()] == [
        ("a.txt", "accepted", []),
        ("b.txt", "review", ["misprint"]),
        ("c.txt", "failed", ["encrypted"]),
    ]
    assert rows()[2]["reason"] == "needs a password"
    assert [row["risk"] for row in rows()] == [0.001, 0.001, None]
    cells = parquet.read_table("out/cells.parquet").to_pylist()
    assert len(cells) == 400
    assert cells[0]["key"] == "disclosure.regulations.issued"
    assert (cells[0]["table"], cells[0]["row"], cells[0]["column"]) == ("disclosure", "regulations", "issued")
    report = Report.read(Path("out/reports", f"{rows()[0]['id']}.json"))
    assert cells[0]["value"] == report.cells[cells[0]["key"]].value
    page = Path("out/summary.html").read_text()
    assert "b.txt" in page
    assert "needs a password" in page
    assert Path("out/summary.xlsx").exists()


def test_what_is_read_is_not_read_again(files):
    inputs = files(a="ok 1", b="review 2", c="encrypted")
    run(inputs)
    before = Path("out/cells.parquet").read_bytes()
    notes = []
    totals = run(inputs, notes)
    assert totals.statuses == {"accepted": 1, "review": 1, "failed": 1}
    assert [note.kind for note in notes] == ["kept"] * 3
    assert set(reads().values()) == {1}
    assert Path("out/cells.parquet").read_bytes() == before


@pytest.mark.parametrize("before", ["kept", "repeated", "missing", "decided anew"])
def test_what_follows_inputs_that_take_no_reading_is_read(files, monkeypatch, before):
    # Once a batch ended where the time to look for tasks was over before one was found.
    monkeypatch.setattr(scheduler, "_COMMIT_S", 0.0)
    inputs = files(**{f"a{n}": f"ok {n}" for n in range(5)})
    run(inputs)
    options = {}
    if before == "repeated":
        inputs = [inputs[0]] * 5
    elif before == "missing":
        inputs = [Input(Path(f"none{n}.txt")) for n in range(5)]
    elif before == "decided anew":
        options = {"max_risk": 0.0001}
    run([*inputs, *files(b="ok 9")], **options)
    assert reads()["b.txt"] == 1
    status = {"missing": "failed", "decided anew": "review"}.get(before, "accepted")
    assert [row["status"] for row in rows()[:5]] == [status] * 5
    assert rows()[5]["path"] == "b.txt"


class LatePool(InlinePool):
    """Takes three tasks, and answers after some looks at it."""

    n_looks = 0

    @property
    def n_idle(self):
        return 3 - len(self._tasks)

    def wait(self, timeout_s):
        self.n_looks += 1
        return super().wait(timeout_s) if self.n_looks > 5 else []


def test_a_file_that_opens_late_with_the_content_of_another_is_not_read_again(files, monkeypatch):
    real, closed = scheduler.hash_file, [Path("a.txt")]
    monkeypatch.setattr(scheduler, "hash_file", lambda path: "" if path in closed else real(path))
    monkeypatch.setattr(scheduler, "_PAUSE_S", 0.0)
    notes = []

    def open_late(note):
        notes.append(note)
        if note.kind == "again":
            closed.clear()

    plan = Plan(SETTINGS)
    inputs = files(a="ok 1", b="ok 1", c="ok 2")
    totals = run_batch(inputs, Path("out"), LatePool(FakeReader(Path("log"))), plan, tell=open_late)
    assert totals.statuses == {"accepted": 3}
    assert reads() == {"b.txt": 1, "c.txt": 1}
    assert Counter(note.kind for note in notes) == {"again": 1, "repeated": 1, "read": 2}


def test_files_of_one_name_have_a_result_each_and_one_content_is_read_once(files):
    inputs = files(a="ok 1")
    Path("more").mkdir()
    Path("more/a.txt").write_text("ok 2")
    Path("more/copy.txt").write_text("ok 1")
    run([*inputs, Input(Path("more/a.txt")), Input(Path("more/copy.txt"))])
    first, second, copy = rows()
    assert first["id"] != second["id"]
    assert copy["id"] == first["id"]
    assert (copy["duplicate_of"], copy["problems"], copy["status"]) == ("a.txt", ["duplicate"], "accepted")
    assert len(list(Path("out/reports").iterdir())) == 2
    assert reads() == {"a.txt": 2}
    assert parquet.read_table("out/cells.parquet").num_rows == 400


def test_a_changed_file_is_read_again(files):
    inputs = files(a="ok 1", b="ok 2")
    run(inputs)
    os.utime("b.txt", (1, 1))  # touched only: known by its content
    files(a="ok 3")
    run(inputs)
    assert reads() == {"a.txt": 2, "b.txt": 1}


def test_a_result_that_was_deleted_is_read_again(files):
    run(inputs := files(a="ok 1", b="ok 2"))
    Path("out/reports", f"{rows()[0]['id']}.json").unlink()
    run(inputs)
    assert reads() == {"a.txt": 2, "b.txt": 1}


@pytest.mark.parametrize(
    ("changed", "times"),
    [
        pytest.param({"scan": "s2", "digital": "d2"}, 1, id="settings of another kind of reading"),
        pytest.param({"text": "t2"}, 2, id="settings of this kind"),
    ],
)
def test_only_what_other_settings_concern_is_read_again(files, changed, times):
    run(inputs := files(a="ok 1"))
    run(inputs, settings={**SETTINGS, **changed})
    assert reads() == {"a.txt": times}


def test_another_risk_decides_anew_without_reading(files):
    run(inputs := files(a="risky 1", b="ok 2", c="review 3"))
    assert [row["status"] for row in rows()] == ["review", "accepted", "review"]
    run(inputs, max_risk=0.1)
    assert [row["status"] for row in rows()] == ["accepted", "accepted", "review"]
    run(inputs, max_risk=0.0001)
    assert [row["status"] for row in rows()] == ["review", "review", "review"]
    assert [row["problems"] for row in rows()] == [["uncertain"], ["uncertain"], ["misprint"]]
    assert set(reads().values()) == {1}


def test_what_a_list_says_is_held_against_the_report(files):
    [a, b, c] = files(a="ok 1", b="ok 2", c="ok 3")
    inputs = [Input(a.path, "某局", 2023), Input(b.path, "他县他局", 2023), Input(c.path, None, 2022)]
    run(inputs)
    assert [(row["status"], row["problems"]) for row in rows()] == [
        ("accepted", []),
        ("review", ["office_differs"]),
        ("review", ["year_differs"]),
    ]
    assert rows()[1]["office"] == "他县他局"
    assert rows()[1]["office_read"] == "某市某局"


def test_a_dying_worker_costs_only_its_document_which_is_tried_again(files):
    notes = []
    inputs = files(a="ok 1", b="die 2", c="die-once marker", d="ok 4")
    totals = run(inputs, notes, pool=make_processes(Path("log")))
    assert totals.statuses == {"accepted": 3, "failed": 1}
    failed = rows()[1]
    assert (failed["path"], failed["problems"]) == ("b.txt", ["crashed"])
    assert "signal 9" in failed["reason"]
    assert reads() == {"a.txt": 1, "b.txt": 2, "c.txt": 2, "d.txt": 1}
    assert sum(note.kind == "again" for note in notes) == 2
    run([Input(Path("b.txt"))])
    assert reads()["b.txt"] == 2  # given up
    Path("b.txt").rename("e.txt")
    run([Input(Path("e.txt"))], retry_failed=True, pool=make_processes(Path("log"), n_workers=1))
    assert reads()["e.txt"] == 2


def test_a_document_that_takes_too_long_or_too_much_is_stopped(files):
    pool = make_processes(Path("log"), n_workers=3, timeout_s=2.0, max_memory_mib=250)
    totals = run(files(a="hang", b="hoard", c="memory", d="ok 4"), pool=pool)
    assert totals.codes == {"timeout": 1, "out_of_memory": 2}
    assert totals.statuses == {"accepted": 1, "failed": 3}


def test_a_worker_that_has_grown_is_replaced(files, monkeypatch):
    monkeypatch.setattr("giar_ml.batch.pool.RECYCLE_MIB", 1.0)
    monkeypatch.setattr("giar_ml.batch.pool.RECYCLE_AFTER", 2)
    inputs = files(a="ok 1", b="ok 2", c="ok 3")
    totals = run(inputs, notes := [], pool=make_processes(Path("log"), n_workers=1))
    assert totals.statuses == {"accepted": 3}
    assert {note.kind for note in notes} == {"read"}


def test_a_bug_fails_its_document(files):
    run(files(a="bug"), notes := [])
    assert rows()[0]["problems"] == ["internal_error"]
    assert "RuntimeError: a bug in two lines" in rows()[0]["reason"]
    assert "Traceback" in notes[0].traceback


def test_an_engine_that_cannot_be_used_stops_the_batch_and_is_no_failure(files):
    with pytest.raises(UsageError, match="cuda:7 is not there"):
        run(files(a="ok 1", b="engine"))
    assert reads() == {"a.txt": 1, "b.txt": 1}
    files(b="ok 2")
    run([Input(Path("a.txt")), Input(Path("b.txt"))])
    assert reads() == {"a.txt": 1, "b.txt": 2}


def test_files_that_cannot_be_opened_are_reported_and_tried_again_next_time(files):
    inputs = [*files(a="ok 1", b=""), Input(Path("missing.txt")), Input(Path())]
    run(inputs)
    assert [row["problems"] for row in rows()[2:]] == [["not_found"], ["not_a_file"]]
    assert rows()[2]["id"] is None
    files(missing="ok 2")
    run(inputs)
    assert rows()[2]["status"] == "accepted"


@pytest.mark.parametrize("what", ["review", "encrypted", "bug"])
def test_a_file_that_changes_while_it_is_read_is_read_again(files, monkeypatch, what):
    monkeypatch.setattr(scheduler, "_PAUSE_S", 0.0)

    class Changing(FakeReader):
        def read(self, path):
            if "ok" in path.read_text():
                return super().read(path)
            try:
                return super().read(path)
            finally:
                path.write_text("ok 2")

    run(files(a=what), notes := [], pool=InlinePool(Changing(Path("log"))))
    assert [note.kind for note in notes] == ["again", "read"]
    assert "changed while it was read" in notes[0].reason
    assert rows()[0]["status"] == "accepted"


@pytest.mark.parametrize("when", ["write_row", "close"])
def test_a_full_folder_of_temporary_files_is_said(files, monkeypatch, when):
    real = getattr(WorksheetWriter, when)

    def fail(*arguments):
        real(*arguments)
        raise SerialisationError("IO_WRITE")

    run(inputs := files(a="ok 1"))
    monkeypatch.setattr(WorksheetWriter, when, fail)
    with pytest.raises(UsageError, match=r"temporary files in /.*; make room there"):
        run(inputs)


def test_one_batch_at_a_time(files):
    inputs = files(a="ok 1")
    Path("out").mkdir()
    with Path("out/.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another `giar batch`"):
            run(inputs)


def test_a_full_disk_is_said_and_what_is_done_is_kept(files, monkeypatch):
    inputs = files(a="ok 1")

    def full(_fd):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("giar_ml.export.os.fsync", full)
        with pytest.raises(UsageError, match="No space left on device"):
            run(inputs)
    assert list(Path("out/reports").iterdir()) == []
    run(inputs)
    assert rows()[0]["status"] == "accepted"


def test_a_damaged_manifest_is_said(files):
    inputs = files(a="ok 1")
    Path("out").mkdir()
    Path("out/batch.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(UsageError, match="cannot be used"):
        run(inputs)


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        pytest.param(sqlite3.SQLITE_BUSY_RECOVERY, "another program uses it", id="in use"),
        pytest.param(sqlite3.SQLITE_LOCKED, "another program uses it", id="locked"),
        pytest.param(sqlite3.SQLITE_CANTOPEN, "choose a folder that can be written to", id="closed"),
        pytest.param(sqlite3.SQLITE_READONLY, "choose a folder that can be written to", id="read only"),
        pytest.param(sqlite3.SQLITE_FULL, "make room there", id="full"),
    ],
)
@pytest.mark.parametrize("where", ["giar_ml.batch.manifest.sqlite3.connect", "giar_ml.batch.run.Results"])
def test_a_manifest_that_cannot_be_used_for_now_is_never_to_be_deleted(
    files, monkeypatch, code, advice, where
):
    def fail(*_, **__):
        error = sqlite3.OperationalError("not now")
        error.sqlite_errorcode = code
        raise error

    monkeypatch.setattr(where, fail)
    with pytest.raises(UsageError, match=advice) as caught:
        run(files(a="ok 1"))
    assert "delete" not in str(caught.value)


def test_a_manifest_that_another_program_has_locked_is_said(files):
    run(inputs := files(a="ok 1"))
    with closing(sqlite3.connect("out/batch.sqlite")) as db:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UsageError, match=r"another program uses it .*start the same command again"):
            run(inputs)


def test_a_result_that_was_decided_anew_is_recorded_at_once(files):
    inputs = files(a="risky 1", b="review 2")
    run(inputs)
    sizes = []

    def look(note):
        with closing(sqlite3.connect("out/batch.sqlite")) as db:
            known = dict(db.execute("SELECT sha256, size FROM documents"))
        sizes.append({Path("out/reports", f"{sha256[:32]}.json").stat().st_size for sha256 in known})
        assert sizes[-1] == set(known.values())

    run_batch(inputs, Path("out"), InlinePool(None), Plan(SETTINGS, max_risk=0.1), tell=look)
    assert len(sizes) == 2


def test_the_manifest_has_settings_and_contents(files):
    run(files(a="ok 1"))
    db = sqlite3.connect("out/batch.sqlite")
    [row] = db.execute(
        "SELECT reading, content, status, documents.sha256 = inputs.sha256 FROM documents"
        " JOIN settings ON settings.id = settings JOIN inputs USING (sha256)"
    )
    assert row == ("text", "t1", "accepted", 1)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_names_that_are_no_utf8_pass_through(files):
    path = Path(os.fsdecode(b"\xff.txt"))
    path.write_text("ok 1")
    run([Input(path)])
    assert rows()[0]["path"] == "\\udcff.txt"
    assert json.loads(Path("out/reports", f"{rows()[0]['id']}.json").read_text())["status"] == "accepted"


@pytest.mark.parametrize("odd", ["htp://x/y.pdf", "x\0y.pdf"])
def test_an_odd_row_of_a_list_is_a_failed_row_and_costs_no_other(files, odd):
    files(a="ok 1", b="ok 2")
    Path("list.csv").write_text(f"path\na.txt\n{odd}\nb.txt\n")
    run(list_inputs(["list.csv"], apart_from=Path("out")))
    assert [(row["status"], row["problems"]) for row in rows()] == [
        ("accepted", []),
        ("failed", ["not_found"]),
        ("accepted", []),
    ]


def test_a_file_in_a_folder_that_is_no_utf8_may_change_for_ever(files, monkeypatch):
    files(a="ok 1")
    path = Path(os.fsdecode("扫描".encode("gbk")), "a.txt")
    path.parent.mkdir()
    path.write_text("ok 2")
    real = scheduler.hash_file
    monkeypatch.setattr("giar_ml.batch.worker.hash_file", lambda p: "other" if p == path else real(p))
    monkeypatch.setattr(scheduler, "_PAUSE_S", 0.0)
    run([Input(path), Input(Path("a.txt"))], notes := [])
    assert [note.kind for note in notes if note.path == path] == ["again", "again", "lost"]
    assert [(row["status"], row["problems"]) for row in rows()] == [
        ("failed", ["not_readable"]),
        ("accepted", []),
    ]


class Losing(InlinePool):
    """Loses a worker over the first task, and the file with it."""

    has_lost = False

    def wait(self, timeout_s):
        if self.has_lost or not self._tasks:
            return super().wait(timeout_s)
        self.has_lost = True
        task = self._tasks.pop()
        task.path.unlink()
        return [Loss(task, CRASHED, f"{task.path}: the process that read it died")]


def test_a_file_that_vanishes_after_it_cost_a_worker_leaves_its_content_to_another(files):
    run(files(a="ok 1", b="ok 1"), pool=Losing(FakeReader(Path("log"))))
    assert [(row["status"], row["problems"]) for row in rows()] == [
        ("failed", ["not_found"]),
        ("accepted", []),
    ]
    assert reads() == {"b.txt": 1}


@pytest.mark.parametrize("every_s", [0.0, 60.0])
def test_an_interrupt_while_results_are_recorded_loses_none_of_them(files, monkeypatch, every_s):
    monkeypatch.setattr(scheduler, "_COMMIT_S", every_s)
    real, interrupts = Results.save, [KeyboardInterrupt]

    def save(self, results):
        if interrupts:
            raise interrupts.pop()
        real(self, results)

    monkeypatch.setattr(Results, "save", save)
    with pytest.raises(KeyboardInterrupt):
        run(inputs := files(a="ok 1", b="ok 2"), notes := [])
    told = [note.path.name for note in notes if note.kind == "read"]
    assert told
    run(inputs, again := [])
    assert [note.path.name for note in again if note.kind == "kept"] == told

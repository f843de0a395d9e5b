import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import fsspec
import pytest
from fake_readers import SETTINGS, FakeReader, InlinePool
from test_batch_kill import assert_equal

from giar_ml import cli
from giar_ml.batch.inputs import Input
from giar_ml.batch.mirror import Mirror
from giar_ml.batch.run import Plan, run_batch
from giar_ml.errors import UsageError
from giar_ml.urls import Url

THERE = Url("memory://there/out")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = fsspec.filesystem("memory")
    files.store.clear()
    yield files
    files.store.clear()


def make(**contents):
    for stem, content in contents.items():
        Path(f"{stem}.txt").write_text(content)
    return [Input(Path(f"{stem}.txt")) for stem in contents]


def run(inputs, *, tell=lambda note: None, warnings=None, **options):
    mirror = Mirror(Path("out"), THERE, (warnings if warnings is not None else []).append)
    pool = InlinePool(FakeReader(Path("log")))
    return run_batch(inputs, Path("out"), pool, Plan(SETTINGS, **options), tell=tell, mirror=mirror)


def fetch(store):
    """What is there, as a folder."""
    store.get("/there/out", "there", recursive=True)
    return Path("there")


def puts(store, monkeypatch):
    """The names of what is put there from now on."""
    names, real = [], store.put_file

    def note(path, there):
        names.append(there.rpartition("/")[2])
        real(path, there)

    monkeypatch.setattr(store, "put_file", note)
    return names


def test_the_copy_is_the_folder(store):
    run(make(a="ok 1", b="review 2", c="encrypted"))
    there = fetch(store)
    for name in (".lock", ".copied.json"):
        Path("out", name).unlink()
    assert_equal(Path("out"), there)


def test_only_what_is_new_or_decided_anew_is_copied(store, monkeypatch):
    inputs = make(a="risky 1", b="review 2")
    run(inputs)
    names = puts(store, monkeypatch)
    run([*inputs, *make(c="ok 3")])
    assert sum(name.endswith(".json") for name in names) == 1
    names.clear()
    run(inputs, max_risk=0.1)
    assert sum(name.endswith(".json") for name in names) == 2
    assert b'"accepted"' in b"".join(store.cat(store.find("/there/out/reports")).values())


def test_what_was_copied_elsewhere_does_not_count(store, monkeypatch):
    run(inputs := make(a="ok 1"))
    monkeypatch.setattr("test_batch_mirror.THERE", Url("memory://other"))
    run(inputs)
    assert len(store.find("/other/reports")) == 1


def test_another_machine_goes_on_from_the_copy(store):
    inputs = make(a="ok 1", b="ok 2", c="review 3")

    def interrupt(note):
        if note.path.name == "b.txt":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(inputs, tell=interrupt)
    shutil.rmtree("out")
    notes = []
    assert run(inputs, tell=notes.append).statuses == {"accepted": 2, "review": 1}
    kinds = Counter(note.kind for note in notes)
    assert kinds["kept"] >= 1
    assert kinds["kept"] + kinds["read"] == 3


def test_a_stopped_round_leaves_a_manifest_that_lists_only_what_is_there(store, monkeypatch):
    run(inputs := make(a="ok 1"))
    real, n_put = store.put_file, 0

    def stop(path, there):
        nonlocal n_put
        n_put += 1
        if n_put > 1:
            raise OSError("no more room")
        real(path, there)

    with monkeypatch.context() as patch:
        patch.setattr(store, "put_file", stop)
        warnings = []
        with pytest.raises(UsageError, match=r"no more room.*start the same command again"):
            run(inputs + make(b="ok 2", c="ok 3"), warnings=warnings)
        assert ["not copied to" in warning for warning in warnings] == [True]
    store.get_file("/there/out/batch.sqlite", "copied.sqlite")
    with closing(sqlite3.connect("copied.sqlite")) as db:
        listed = [f"{sha256[:32]}.json" for [sha256] in db.execute("SELECT sha256 FROM documents")]
    assert len(listed) == 1
    assert store.exists(f"/there/out/reports/{listed[0]}")
    run(inputs + make(b="ok 2", c="ok 3"))
    assert len(store.find("/there/out/reports")) == 3


def test_results_that_were_deleted_are_read_again_and_stop_no_copy(store):
    run(inputs := make(a="ok 1", b="ok 2"))
    for path in store.find("/there/out/reports"):
        store.rm(path)
    shutil.rmtree("out")
    run(inputs[:1])
    assert Path("log").read_text().split() == ["a.txt", "b.txt", "a.txt"]
    Path("out/.copied.json").unlink()
    for path in Path("out/reports").iterdir():
        path.unlink()
    run(make(c="ok 3"))
    assert len(store.find("/there/out/reports")) == 2


def test_what_was_copied_of_another_manifest_does_not_count(store):
    run(make(a="ok 1", b="ok 2"))
    for path in Path("out").glob("batch.sqlite*"):
        path.unlink()
    inputs = make(c="ok 3", d="ok 4")
    run_batch(inputs, Path("out"), InlinePool(FakeReader(Path("log"))), Plan(SETTINGS))
    run(inputs)
    assert len(store.find("/there/out/reports")) == 4


@pytest.mark.parametrize("meanwhile", [False, True])
def test_a_place_that_was_emptied_gets_all_results_again(store, meanwhile):
    run(inputs := make(a="ok 1", b="ok 2"))

    def empty(_note=None):
        if store.exists("/there"):
            store.rm("/there", recursive=True)

    if meanwhile:
        run(inputs, tell=empty)
    else:
        empty()
        run(inputs)
    assert len(store.find("/there/out/reports")) == 2


def test_a_manifest_without_a_number_is_copied_on_from_its_mark(store, monkeypatch):
    run(inputs := make(a="ok 1"))
    with closing(sqlite3.connect("out/batch.sqlite")) as db:
        assert db.execute("PRAGMA application_id").fetchone()[0] > 0
        db.execute("PRAGMA application_id = 0")
    Path("out/.copied.json").write_text(json.dumps({"url": str(THERE), "row": 1}))
    names = puts(store, monkeypatch)
    run([*inputs, *make(b="ok 2")])
    assert sum(name.endswith(".json") for name in names) == 1
    assert json.loads(Path("out/.copied.json").read_text()) == {"url": str(THERE), "manifest": 0, "row": 2}


def test_a_place_that_does_not_answer_for_a_moment_stops_no_batch(store, monkeypatch):
    real, answers = store.info, [True, False]  # of a look before the batch, and of the next

    def answer(*arguments, **options):
        if answers and not answers.pop(0):
            raise OSError("no answer for a moment")
        return real(*arguments, **options)

    monkeypatch.setattr(store, "info", answer)
    assert run(make(a="ok 1"), warnings=(warnings := [])).statuses == {"accepted": 1}
    assert ["no answer for a moment" in warning for warning in warnings] == [True]
    assert store.exists("/there/out/batch.sqlite")


def test_a_place_that_cannot_be_asked_for_a_moment_is_not_taken_for_an_empty_one(store, monkeypatch):
    run(inputs := make(a="ok 1"))
    shutil.rmtree("out")

    def refuse(*_, **__):
        raise OSError("no answer for a moment")

    with monkeypatch.context() as patch:
        patch.setattr(store, "info", refuse)
        with pytest.raises(UsageError, match=r"cannot be fetched \(no answer for a moment\)"):
            run(inputs)
    run(inputs, tell=(notes := []).append)
    assert [note.kind for note in notes] == ["kept"]


def test_rounds_come_while_the_batch_runs(store, monkeypatch):
    monkeypatch.setattr("giar_ml.batch.mirror._EVERY_S", 0.05)
    seen = []

    def look(_note):
        seen.append(len(store.find("/there/out/reports")))

    mirror = Mirror(Path("out"), THERE, seen.append)
    pool = InlinePool(FakeReader(Path("log"), seconds=0.15))
    inputs = make(**{f"a{n}": f"ok {n}" for n in range(6)})
    run_batch(inputs, Path("out"), pool, Plan(SETTINGS), tell=look, mirror=mirror)
    assert seen[-1] > 0


def test_the_command_copies(store, capsys, monkeypatch):
    monkeypatch.setattr(
        "giar_ml.batch.pool.ProcessPool", lambda *_, **__: InlinePool(FakeReader(Path("log")))
    )
    make(a="ok 1")
    assert cli.main(["batch", "a.txt", "-o", "out", "--copy-to", "memory://there/out"]) == 0
    assert store.exists("/there/out/summary.html")


def test_the_copy_is_not_read_by_the_next_call(store, capsys, monkeypatch):
    monkeypatch.setattr(
        "giar_ml.batch.pool.ProcessPool", lambda *_, **__: InlinePool(FakeReader(Path("log")))
    )
    store.pipe("/there/a.txt", b"ok 1")
    for _ in range(2):
        assert cli.main(["batch", "memory://there", "-o", "out", "--copy-to", "memory://there/out"]) == 0
        assert "1 accepted, 0 review, 0 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["-o", "s3://b/out"], "give a folder on a local disk, and --copy-to s3://b/out", id="-o"
        ),
        pytest.param(
            ["-o", "out", "--copy-to", "there"], "no address such as s3://bucket/out", id="--copy-to"
        ),
    ],
)
def test_folders_and_addresses_are_told_apart(capsys, arguments, message):
    with pytest.raises(SystemExit):
        cli.main(["batch", "a.txt", *arguments])
    assert message in capsys.readouterr().err

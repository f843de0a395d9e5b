import errno
import hashlib
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from threading import Event

import fsspec
import pytest
from fake_readers import SETTINGS, FakeReader, InlinePool
from fsspec.implementations.memory import MemoryFileSystem
from pyarrow import parquet

from giar_ml import urls
from giar_ml.batch.inputs import list_inputs
from giar_ml.batch.run import Plan, run_batch
from giar_ml.batch.worker import Loss, Task, read_document
from giar_ml.errors import UsageError
from giar_ml.urls import Url, fetched, find_file, hash_url, to_location

HERE = Path(__file__).parent


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An object store with some files; what is written there is `put`."""
    monkeypatch.chdir(tmp_path)
    files = fsspec.filesystem("memory")
    files.store.clear()
    for name in ("in/b.txt", "in/a/c.TXT", "in/.hidden.txt", "in/.git/d.txt", "in/e.zip"):
        files.pipe(f"/{name}", b"ok " + name.encode())
    yield files
    files.store.clear()


def names(*arguments):
    return [str(item.path) for item in list_inputs(arguments, apart_from=Path("out"))]


def run(*arguments, notes=None):
    inputs = list_inputs(arguments, apart_from=Path("out"))
    tell = (notes if notes is not None else []).append
    return run_batch(inputs, Path("out"), InlinePool(FakeReader(Path("log"))), Plan(SETTINGS), tell=tell)


def rows():
    return parquet.read_table("out/reports.parquet").to_pylist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("s3://bucket/a.pdf", Url("s3://bucket/a.pdf"), id="address"),
        pytest.param("scans/a.pdf", Path("scans/a.pdf"), id="name"),
        pytest.param("C:\\a.pdf", Path("C:\\a.pdf"), id="drive"),
        pytest.param("/x/s3:/a.pdf", Path("/x/s3:/a.pdf"), id="name like an address"),
    ],
)
def test_addresses_and_names(text, expected):
    assert to_location(text) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["memory://in"], ["in/a/c.TXT", "in/b.txt"], id="folder"),
        pytest.param(["memory://in/*.*"], ["in/.hidden.txt", "in/b.txt", "in/e.zip"], id="pattern"),
        pytest.param(["memory://in/e.zip"], ["in/e.zip"], id="file"),
    ],
)
def test_files_folders_and_patterns(store, arguments, expected):
    assert [name.removeprefix("memory://").lstrip("/") for name in names(*arguments)] == expected


def test_lists_name_files_beside_them_and_elsewhere(store):
    store.pipe("/lists/l.csv", b"path,year\nb.txt,2023\nmemory://in/b.txt,\n")
    [beside, elsewhere] = list_inputs(["memory://lists/l.csv"], apart_from=Path("out"))
    assert (str(beside.path), beside.year) == ("memory://lists/b.txt", 2023)
    assert str(elsewhere.path) == "memory://in/b.txt"
    Path("here.csv").write_text("path\nmemory://in/b.txt\nc.txt\n")
    assert names("here.csv") == ["memory://in/b.txt", "c.txt"]


@pytest.mark.parametrize("argument", ["memory://in", "memory:///in/", "memory://in/**", "memory://**"])
def test_the_copy_is_no_input(store, argument):
    store.pipe("/in/out/summary.html", b"")
    store.pipe("/in/output.html", b"")
    found = list_inputs([argument], apart_from=Path("out"), copy=Url("memory://in/out/"))
    names = {item.path.name for item in found}
    assert {"c.TXT", "b.txt", "output.html"} <= names
    assert "summary.html" not in names


@pytest.mark.parametrize("argument", ["memory://in/", "memory:///in", "memory://in/*.txt"])
def test_an_input_address_is_no_place_for_the_copy(store, argument):
    with pytest.raises(UsageError, match=r"is where the results are copied to, too: .*with --copy-to"):
        list_inputs([argument], apart_from=Path("out"), copy=Url("memory://in"))


def test_what_is_named_below_the_copy_is_input(store):
    found = list_inputs(["memory://in/a"], apart_from=Path("out"), copy=Url("memory://in"))
    assert [item.path.name for item in found] == ["c.TXT"]


class HostedFileSystem(MemoryFileSystem):
    """As HDFS: an address names a host, which paths do not have."""

    protocol = "hosted"
    cachable = False

    @classmethod
    def _strip_protocol(cls, path):
        if path.startswith("hosted://"):
            path = "/" + path.removeprefix("hosted://").partition("/")[2]
        return super()._strip_protocol(path)

    def unstrip_protocol(self, name):
        return f"hosted://{name}"


@pytest.mark.parametrize(
    "argument", ["hosted://nn1:8020/in", "hosted://nn1:8020/in/", "hosted://nn1:8020/in/**"]
)
def test_what_is_listed_keeps_its_host(store, argument):
    fsspec.register_implementation("hosted", HostedFileSystem, clobber=True)
    assert {"hosted://nn1:8020/in/b.txt", "hosted://nn1:8020/in/a/c.TXT"} <= set(names(argument))


def test_what_is_there_by_its_very_name_is_no_pattern(store):
    store.pipe("/in/[2023]?.txt", b"ok 1")
    store.pipe("/in[1]/d.txt", b"ok 2")
    store.pipe("/in[1]/e.zip", b"ok 3")
    assert [name.rpartition("/")[2] for name in names("memory://in/[2023]?.txt")] == ["[2023]?.txt"]
    assert [name.rpartition("/")[2] for name in names("memory://in[1]")] == ["d.txt"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        pytest.param("memory://none", "cannot be found", id="not there"),
        pytest.param("memory://in/*.pdf", "no report is there", id="nothing matches"),
        pytest.param("strange://in", "no such addresses are known", id="unknown protocol"),
        pytest.param("memory://in/b.txt/list.csv", "cannot be", id="below a file"),
    ],
)
def test_what_is_not_there_is_said(store, argument, message):
    with pytest.raises(UsageError, match=message):
        names(argument)


def test_a_package_that_is_missing_is_said(store, monkeypatch):
    def refuse(_url):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", refuse)
    with pytest.raises(UsageError, match=r"Install s3fs.*giar-ml\[cluster\]"):
        names("s3://bucket/in")
    outcome = read_document(None, Task(Url("s3://bucket/a.pdf"), ""))
    assert outcome.code == "unusable"


def test_a_changed_file_is_told_without_its_content(store):
    url = Url("memory://in/b.txt")
    before = find_file(url)
    assert find_file(url) == before
    store.pipe("/in/b.txt", b"ok in/B.txt")
    assert find_file(url).size == before.size
    assert find_file(url) != before
    assert hash_url(url) == hashlib.sha256(b"ok in/B.txt").hexdigest()


def test_a_copy_of_the_same_name_is_there_while_it_is_read(store):
    with fetched(Url("memory://in/b.txt")) as path:
        assert (path.name, path.read_bytes()) == ("b.txt", b"ok in/b.txt")
    assert not path.exists()
    with fetched(Path("x")) as path:
        assert path == Path("x")


def test_whatever_a_file_system_raises_is_an_os_error(store, monkeypatch):
    class NoCredentialsError(Exception):
        pass

    def refuse(*_):
        raise NoCredentialsError("none")

    monkeypatch.setattr(store, "get_file", refuse)
    url = Url("memory://in/b.txt")
    with pytest.raises(OSError, match="NoCredentialsError: none"), fetched(url):
        pass
    loss = read_document(None, Task(url, ""))
    assert isinstance(loss, Loss)
    assert loss.code == "not_readable"


def test_a_batch_of_files_elsewhere_goes_on_and_reads_what_changed(store):
    assert run("memory://in").statuses == {"accepted": 2}
    assert [row["path"].rpartition("/")[2] for row in rows()] == ["c.TXT", "b.txt"]
    run("memory://in", notes=(notes := []))
    assert [note.kind for note in notes] == ["kept", "kept"]
    store.pipe("/in/b.txt", b"review 2")
    run("memory://in", notes=(notes := []))
    assert [note.kind for note in notes] == ["kept", "read"]
    assert sorted(Path("log").read_text().split()) == ["b.txt", "b.txt", "c.TXT"]


def test_contents_that_are_known_are_not_fetched(store, monkeypatch):
    run("memory://in")

    def refuse(_url):
        raise OSError(errno.EIO, "fetched again")

    monkeypatch.setattr("giar_ml.batch.scheduler.hash_url", refuse)
    run("memory://in", notes=(notes := []))
    assert [note.kind for note in notes] == ["kept", "kept"]


def test_missing_files_of_a_list_are_failed_rows(store):
    Path("l.csv").write_text("path\nmemory://in/none.txt\nmemory://in/a\nmemory://in/b.txt\n")
    assert run("l.csv").statuses == {"failed": 2, "accepted": 1}
    assert [row["problems"] for row in rows()] == [["not_found"], ["not_a_file"], []]


def test_a_file_that_changes_while_it_waits_is_read_as_it_is_then(store, monkeypatch):
    real, changed = urls.fetched, []

    def change_first(location):
        if not changed:
            changed.append(location)
            store.pipe(location.text.replace("memory:/", "").replace("//", "/"), b"review 3")
        return real(location)

    monkeypatch.setattr("giar_ml.batch.worker.fetched", change_first)
    monkeypatch.setattr("giar_ml.batch.scheduler._PAUSE_S", 0.0)
    assert run("memory://in/b.txt").statuses == {"review": 1}


class Watching(InlinePool):
    """Calls `look` at each wait."""

    def __init__(self, reader, look):
        super().__init__(reader)
        self._look = look

    def wait(self, timeout_s):
        self._look()
        return super().wait(timeout_s)


def test_a_store_that_is_slow_to_answer_holds_up_no_other_input(store, monkeypatch):
    for n in range(40):  # more than are looked at at the same time
        store.pipe(f"/in/more/{n:02}.txt", b"ok %d" % n)
    Path("here.txt").write_text("ok here")
    slow, answers, is_in_time = "memory://in/b.txt", Event(), []

    def hash_slowly(url):
        if str(url) == slow:
            is_in_time.append(answers.wait(60))
        return hash_url(url)

    def answer_once_all_others_are_recorded():
        with closing(sqlite3.connect("out/batch.sqlite")) as db:
            if db.execute("SELECT COUNT(*) FROM documents").fetchone()[0] == 41:
                answers.set()

    monkeypatch.setattr("giar_ml.batch.scheduler.hash_url", hash_slowly)
    inputs = list_inputs([slow, "memory://in/more", "here.txt"], apart_from=Path("out"))
    pool = Watching(FakeReader(Path("log")), answer_once_all_others_are_recorded)
    assert run_batch(inputs, Path("out"), pool, Plan(SETTINGS)).statuses == {"accepted": 42}
    assert is_in_time == [True]


def test_a_store_that_never_answers_fails_its_file_and_keeps_no_program_from_ending(store):
    script = """
from pathlib import Path
from threading import Event
import fsspec
from fake_readers import SETTINGS, FakeReader, InlinePool
from giar_ml.batch import scheduler
from giar_ml.batch.inputs import list_inputs
from giar_ml.batch.run import Plan, run_batch
fsspec.filesystem("memory").pipe("/in/b.txt", b"ok 1")
scheduler.hash_url = lambda url: Event().wait()
scheduler._LONGEST_LOOK_S, scheduler._PAUSE_S = 0.05, 0.0
inputs = list_inputs(["memory://in/b.txt", "a.txt"], apart_from=Path("out"))
run_batch(inputs, Path("out"), InlinePool(FakeReader(Path("log"))), Plan(SETTINGS))
"""
    Path("a.txt").write_text("ok 2")
    path = {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])}
    subprocess.run([sys.executable, "-c", script], env={**os.environ, **path}, check=True, timeout=60)
    assert [row["problems"] for row in rows()] == [["not_readable"], []]
    assert "no answer within 0.05 seconds" in rows()[0]["reason"]

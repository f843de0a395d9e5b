"""A batch that is killed again and again gives what an undisturbed one gives."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pyarrow import parquet

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "eval" / "fixtures"
TIMED = ("load_ms", "ocr_ms", "structure_ms", "label_ms", "solve_ms", "seconds")


def start(command):
    path = os.pathsep.join([str(HERE), str(HERE.parent)])
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_group(process):
    """As a power cut would: the batch and all its workers at once."""
    with contextlib.suppress(ProcessLookupError):  # it has ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def done(out):
    """What the manifest says is read, with the time that it took: that of a second reading is another one."""
    if not (out / "batch.sqlite").exists():
        return {}
    db = sqlite3.connect(out / "batch.sqlite")
    try:
        return dict(db.execute("SELECT sha256, seconds FROM documents"))
    except sqlite3.OperationalError:  # killed before it was made
        return {}
    finally:
        db.close()


def disturb(command, out, *, n_kills, longest_s, seed):
    """Kill the batch `n_kills` times at random moments, then let it end."""
    times = random.Random(seed)
    known, killed = {}, []
    for i in range(n_kills):
        process = start(command)
        if i % 2 == 0:  # well into its work: not all kills shall hit the start
            wait_for_more(process, out, known)
        time.sleep(times.uniform(0, longest_s))
        if i % 3 == 1:  # the batch alone: its workers end by themselves
            process.kill()
            process.wait()
            killed.append(process.pid)
        else:
            kill_group(process)
        now = done(out)
        assert known.items() <= now.items()  # nothing lost, nothing read again
        for path in (out / "reports").glob("*.json"):
            json.loads(path.read_text())  # no half file
        known = now
    assert start(command).wait() in (0, 3, 4)
    assert known.items() <= done(out).items()
    until = time.monotonic() + 10
    while (alive := [pid for pid in killed if is_group_alive(pid)]) and time.monotonic() < until:
        time.sleep(0.1)  # what was killed is there until whoever inherits it takes note
    assert not alive


def is_group_alive(pid):
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for_more(process, out, known):
    while process.poll() is None and len(done(out)) <= len(known):
        time.sleep(0.02)


def assert_equal(one, other):
    names = sorted(path.name for path in (one / "reports").iterdir())
    assert names == sorted(path.name for path in (other / "reports").iterdir())
    for name in names:
        results = [json.loads((out / "reports" / name).read_text()) for out in (one, other)]
        for result in results:
            result.pop("timings_ms")
        assert results[0] == results[1]
        texts = [json.dumps(result) for result in results]
        assert texts[0] == texts[1]
    assert (one / "cells.parquet").read_bytes() == (other / "cells.parquet").read_bytes()
    tables = [parquet.read_table(out / "reports.parquet").drop_columns(TIMED) for out in (one, other)]
    assert tables[0].equals(tables[1])
    assert sorted(path.name for path in one.iterdir()) == sorted(path.name for path in other.iterdir())


def test_three_kills_over_twenty_texts(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for i in range(20):
        (source / f"{i:02}.txt").write_text(f"{'review' if i % 3 else 'ok'} {i}")

    def command(out):
        return ["fake_readers", str(source), str(tmp_path / out), str(tmp_path / f"{out}.log"), "0.05"]

    assert start(command("undisturbed")).wait() == 0
    disturb(command("killed"), tmp_path / "killed", n_kills=3, longest_s=0.4, seed=1)
    assert_equal(tmp_path / "undisturbed", tmp_path / "killed")


@pytest.mark.slow
def test_two_hundred_kills_over_five_hundred_texts(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    texts = sorted(FIXTURES.glob("*html-stripped.txt"))
    for i in range(500):
        text = texts[i % len(texts)].read_text(encoding="utf-8")
        (source / f"{i:03}.txt").write_text(f"{text}\n（第{i}份）\n", encoding="utf-8")

    def command(out):
        return ["giar_ml", "batch", str(source), "-o", str(tmp_path / out), "--workers", "2", "--quiet"]

    assert start(command("undisturbed")).wait() in (0, 3)
    disturb(command("killed"), tmp_path / "killed", n_kills=200, longest_s=2.0, seed=2)
    assert_equal(tmp_path / "undisturbed", tmp_path / "killed")

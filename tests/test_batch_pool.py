import time
from types import SimpleNamespace

import pytest
from fake_readers import make_processes

from giar_ml.batch.pool import TIMEOUT, count_workers, limit_memory_mib
from giar_ml.batch.worker import Result, Task
from giar_ml.failures import hash_file


@pytest.mark.parametrize(
    ("memory_mib", "n_workers", "limit_mib"),
    [
        pytest.param(64_000, 8, 8_000, id="plenty"),
        pytest.param(8_000, 5, 2_000, id="less than the cores could use"),
        pytest.param(1_800, 1, 1_800, id="less than a large scan needs"),
        pytest.param(500, 1, 500, id="at least one"),
        pytest.param(None, 8, None, id="not told"),
    ],
)
def test_workers_and_their_memory_fit_the_machine(monkeypatch, memory_mib, n_workers, limit_mib):
    monkeypatch.setattr("giar_ml.batch.pool.n_cores", lambda: 8)
    assert count_workers(memory_mib) == n_workers
    assert limit_memory_mib(memory_mib, n_workers) == limit_mib


@pytest.fixture
def clock(monkeypatch):
    """The pool's; `ahead_s` can be set."""
    clock = SimpleNamespace(ahead_s=0.0)
    clock.monotonic = lambda: time.monotonic() + clock.ahead_s
    monkeypatch.setattr("giar_ml.batch.pool.time", clock)
    return clock


def test_time_in_which_all_were_stopped_is_none_that_a_document_took(tmp_path, clock):
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("ok 1")
    bad.write_text("hang")
    pool = make_processes(tmp_path / "log", seconds=0.5, n_workers=1, timeout_s=60)

    def give(path):
        while not pool.n_idle:
            pool.wait(0.2)
        pool.give(Task(path, hash_file(path)))

    def wait():
        while not (outcomes := pool.wait(0.2)):
            pass
        return outcomes

    try:
        give(good)
        clock.ahead_s += 1000
        [result] = wait()
        assert isinstance(result, Result)
        give(bad)
        for _ in range(15):
            assert pool.wait(0.0) == []
            clock.ahead_s += 4
        [loss] = wait()
        assert loss.code == TIMEOUT
    finally:
        pool.close()

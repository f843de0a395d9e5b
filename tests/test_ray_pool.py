import os
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import ray
from fake_readers import SETTINGS, FakeReader, make_processes
from test_batch_kill import assert_equal

from giar_ml import cli
from giar_ml.batch.inputs import list_inputs
from giar_ml.batch.ray_pool import Placement, RayPool, check_settings, place
from giar_ml.batch.run import Plan, run_batch
from giar_ml.errors import UsageError


@pytest.fixture(scope="module")
def cluster():
    """Two cores; actors find the readers of the tests."""
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    ray.init(
        num_cpus=2,
        _memory=4 << 30,
        object_store_memory=100 << 20,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": path}},
    )
    yield
    ray.shutdown()


def make_actors(**options):
    reader = partial(FakeReader, Path("log").absolute(), options.pop("seconds", 0.0))
    return RayPool(reader, **{"n_workers": 2, "timeout_s": 60.0, **options})


def run(inputs, pool, out="out", tell=lambda note: None, **options):
    return run_batch(inputs, Path(out), pool, Plan(SETTINGS, **options), tell=tell)


def reads():
    return Counter(Path("log").read_text().split())


def test_results_are_those_of_processes(cluster, files):
    inputs = files(a="ok 1", b="review 2", c="encrypted", d="bug", e="memory", f="risky 3", g="ok 4")
    run(inputs, make_processes(Path("log")), "one")
    run(inputs, make_actors(), "other")
    assert_equal(Path("one"), Path("other"))


def test_a_lost_actor_costs_only_the_document_that_it_read(cluster, files):
    inputs = files(a="ok 1", b="lose-once marker", c="ok 3", d="ok 4", e="die 5", f="ok 6")
    notes = []
    totals = run(inputs, make_actors(n_workers=1), tell=notes.append)
    assert totals.statuses == {"accepted": 5, "failed": 1}
    assert reads() == {"b.txt": 2, "e.txt": 2, **{f"{stem}.txt": 1 for stem in "acdf"}}
    again = {str(note.path): note.reason for note in notes if note.kind == "again"}
    assert again.keys() == {"b.txt", "e.txt"}
    assert "the actor that read it was lost" in again["b.txt"]
    assert "signal 9" in again["e.txt"]


@pytest.mark.slow
def test_a_document_that_takes_too_long_or_too_much_is_stopped(cluster, files):
    inputs = files(a="hang", b="hoard", c="ok 3")
    totals = run(inputs, make_actors(timeout_s=2.0, max_memory_mib=350))
    assert totals.codes == {"timeout": 1, "out_of_memory": 1}
    assert totals.statuses == {"accepted": 1, "failed": 2}


def test_an_interrupted_batch_goes_on(cluster, files):
    inputs = files(**{f"a{n}": f"ok {n}" for n in range(8)})

    def interrupt(note):
        if note.path.name == "a3.txt":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(inputs, make_actors(n_workers=1), tell=interrupt)
    notes = []
    assert run(inputs, make_actors(), tell=notes.append).statuses == {"accepted": 8}
    kinds = Counter(note.kind for note in notes)
    assert kinds["kept"] >= 3
    assert kinds["kept"] + kinds["read"] == 8


def test_files_elsewhere_are_fetched_by_the_actors(cluster, files, tmp_path):
    files(a="ok 1", b="review 2")
    inputs = list_inputs([f"file://{tmp_path}/*.txt"], apart_from=Path("out"))
    assert run(inputs, make_actors()).statuses == {"accepted": 1, "review": 1}
    assert reads() == {"a.txt": 1, "b.txt": 1}


def test_a_machine_with_other_models_stops_the_batch(cluster, files):
    check = partial(check_settings, {}, SETTINGS)
    with pytest.raises(UsageError, match="has another version or other models"):
        run(files(a="ok 1"), make_actors(check=check))


def test_actors_that_cannot_start_stop_the_batch(cluster, files):
    with pytest.raises(UsageError, match="no actor could be started"):
        run(files(a="ok 1"), make_actors(check=partial(os._exit, 1)))


def test_no_more_than_two_tasks_wait_at_an_actor(cluster, files, monkeypatch):
    most = 0
    give = RayPool.give

    def count(pool, task):
        nonlocal most
        give(pool, task)
        most = max(most, *(len(worker.tasks) for worker in pool._workers))

    monkeypatch.setattr(RayPool, "give", count)
    run(files(**{f"a{n}": f"ok {n}" for n in range(9)}), make_actors(seconds=0.05))
    assert most == 2


def test_the_command_reads_on_the_cluster_what_extract_reads(cluster, files, capsys):
    [path, *_] = sorted((Path(__file__).parents[1] / "eval" / "fixtures").glob("*html-stripped.txt"))
    for on in ("processes", "ray"):
        assert cli.main(["batch", str(path), "-o", on, "--on", on, "--max-risk", "0.5", "--quiet"]) == 0
    assert_equal(Path("processes"), Path("ray"))


def node(**resources):
    return {"Alive": True, "Resources": {"memory": 64 << 30, **resources}}


@pytest.mark.parametrize(
    ("nodes", "n_wanted", "device", "expected"),
    [
        pytest.param([node(CPU=8), node(CPU=4.0)], None, "auto", Placement(12, 0.0, "cpu"), id="cores"),
        pytest.param([node(CPU=8, memory=4 << 30)], None, "auto", Placement(2, 0.0, "cpu"), id="memory"),
        pytest.param([node(CPU=8)], 3, "cpu", Placement(3, 0.0, "cpu"), id="as many as said"),
        pytest.param([node(CPU=8, GPU=2)], None, "auto", Placement(2, 1.0, "auto"), id="GPUs"),
        pytest.param([node(CPU=8, GPU=2)], None, "cpu", Placement(8, 0.0, "cpu"), id="GPUs not used"),
        pytest.param([node(CPU=8, GPU=2)], 5, "cuda:1", Placement(5, 1 / 3, "cuda:0"), id="shared GPUs"),
        pytest.param([node(CPU=0)], None, "auto", Placement(1, 0.0, "cpu"), id="a cluster that grows"),
    ],
)
def test_actors_are_as_many_as_the_cluster_has_room_for(monkeypatch, nodes, n_wanted, device, expected):
    dead = {"Alive": False, "Resources": {"CPU": 100, "GPU": 100, "memory": 1 << 40}}
    monkeypatch.setattr("ray.nodes", lambda: [*nodes, dead])
    assert place(n_wanted, device) == expected


def test_a_gpu_that_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr("ray.nodes", lambda: [node(CPU=8)])
    with pytest.raises(UsageError, match="the cluster has no GPU"):
        place(None, "cuda:0")


def test_without_ray_the_command_says_what_to_install(files, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    files(a="ok 1")
    assert cli.main(["batch", "a.txt", "-o", "out", "--on", "ray"]) == 2
    assert "pip install 'giar-ml[cluster]'" in capsys.readouterr().err


def test_a_cluster_that_is_not_there_is_said(files, capsys, monkeypatch):
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    files(a="ok 1")
    for address, message in (("127.0.0.1:1", "refused"), ("head", "Invalid address format: head")):
        assert cli.main(["batch", "a.txt", "-o", "out", "--on", "ray", "--ray-address", address]) == 2
        err = capsys.readouterr().err
        assert f"{address}: no such cluster can be reached" in err
        assert message in err
    assert not Path("out").exists()

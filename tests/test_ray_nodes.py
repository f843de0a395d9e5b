import os
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import ray
from fake_readers import SETTINGS, FakeReader
from ray.cluster_utils import Cluster

from giar_ml.batch.inputs import Input
from giar_ml.batch.ray_pool import Placement, RayPool, connect, place
from giar_ml.batch.run import Plan, run_batch

NODE = {"num_cpus": 1, "memory": 4 << 30, "object_store_memory": 100 << 20}


@pytest.fixture
def cluster(monkeypatch):
    """Two machines of a core each beside that of the driver."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parent), *sys.path]))
    head = {"num_cpus": 0, "object_store_memory": 100 << 20, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        cluster.add_node(**NODE)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.slow
def test_a_lost_machine_costs_the_document_that_it_read(cluster, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inputs = [Input(Path(f"{n}.txt")) for n in range(24)]
    for item in inputs:
        item.path.write_text(f"ok {item.path.stem}")
    n_read, notes = 0, []

    def tell(note):
        nonlocal n_read
        notes.append(note)
        n_read += note.kind == "read"
        if note.kind == "read" and n_read == 6:
            cluster.remove_node(min(cluster.worker_nodes, key=id), allow_graceful=False)
        if note.kind == "read" and n_read == 12:
            cluster.add_node(**NODE)

    connect(cluster.address)
    assert place(None, "auto") == Placement(2, 0.0, "cpu")
    pool = RayPool(partial(FakeReader, Path("log").absolute(), 0.5), n_workers=2, timeout_s=60)
    totals = run_batch(inputs, Path("out"), pool, Plan(SETTINGS), tell=tell)
    assert totals.statuses == {"accepted": 24}
    assert sum(note.kind == "again" for note in notes) == 1
    assert sum(Counter(Path("log").read_text().split()).values()) in (24, 25)

"""Helpers that several tests share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from giar_ml.document import Problem
from giar_ml.forms import load_form
from giar_ml.report import CellResult, Check, Report, Source

ROOT = Path(__file__).resolve().parents[1]

# A busy machine may take its time.
settings.register_profile("any machine", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=4_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "any machine"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real reports that lies beside the checkout."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("no folder shared/ beside the checkout")
    return folder


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Makes input files that say what the fake reader shall do with them."""
    from giar_ml.batch.inputs import Input

    monkeypatch.chdir(tmp_path)

    def make(**contents):
        for stem, content in contents.items():
            Path(f"{stem}.txt").write_text(content)
        return [Input(Path(f"{stem}.txt")) for stem in contents]

    return make


def make_report(form_name: str = "2021", changes: Mapping[str, dict[str, Any]] | None = None) -> Report:
    """A report of zeros that add up, but for `changes`: what to replace in a cell, by its key."""
    form = load_form(form_name)
    zero = CellResult(0, 0, "read", 0.9999, page=2, candidates=((0, 0.9999),))
    cells = dict.fromkeys(form.cells, zero)
    for key, change in (changes or {}).items():
        cells[key] = replace(cells[key], **change)
    checks = []
    for rule in form.sums:
        left, right = (_add(cells, keys) for keys in (rule.left, rule.right))
        checks.append(Check(rule.id, left is not None and left == right, left, right))
    accepted = all(check.holds for check in checks)
    return Report(
        source=Source("a.pdf", "ab" * 32, "scan", 3),
        form=form_name,
        organisation="某市某局",
        year=2023,
        status="accepted" if accepted else "review",
        cells=cells,
        checks=tuple(checks),
        problems=() if accepted else (Problem("conflict", "总计与各项之和不符"),),
        timings_ms={"load": 1.5},
    )


def _add(cells: Mapping[str, CellResult], keys: tuple[str, ...]) -> Any:
    values = [cells[key].value for key in keys]
    return None if None in values else sum(value for value in values if value is not None)

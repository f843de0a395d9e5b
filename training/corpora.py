"""Made-up documents to learn from, kept from run to run."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from giar_ml.annotations.gold import SUFFIX, Gold
from giar_ml.cli.console import progress
from training.corpus import refuse_fixtures, write_corpus
from training.paths import FIXTURES

CORPUS_VERSION = 2
"""Raised when what is made up from a seed changes: reports made before are then made anew."""
SCANS = "label-scans"
"""The profile of scans, see `training.profiles`."""


def make_corpus(folder: Path, seed: int, n: int, profile: str, *, quiet: bool) -> Path:
    """The folder of `n` made-up documents, made unless it is there.

    Raises:
        UsageError: one of the reports is one of the fixtures.
    """
    name = hashlib.sha256(json.dumps([CORPUS_VERSION, seed, n, profile]).encode()).hexdigest()[:8]
    corpus = folder / f"{profile}-{seed}-{n}-{name}"
    if not corpus.exists():
        # Another run may make the same one at the same time: the first to be done is taken.
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=f".{corpus.name}-") as beside:
            part = Path(beside) / corpus.name
            with progress(n, visible=sys.stderr.isatty() and not quiet) as advance:
                write_corpus(
                    part, n=n, seed=seed, profile=profile, workers=os.cpu_count() or 1, advance=advance
                )
            with suppress(OSError):
                part.rename(corpus)
    golds = [Gold.read(path) for path in sorted(corpus.glob(f"*{SUFFIX}"))]
    if FIXTURES.is_dir():
        refuse_fixtures(golds, [Gold.read(path) for path in sorted(FIXTURES.glob(f"*{SUFFIX}"))])
    return corpus

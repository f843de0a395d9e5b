"""What a run of the classifier learns from and stops by: made-up reports, and scans as OCR reads them.

python -m training.labels.datasets training/labels/labels.toml      # reads its scans anew, an hour or two
"""

from __future__ import annotations

import argparse
import os
import sys
from itertools import chain
from pathlib import Path

from giar_ml.cli.console import progress
from giar_ml.errors import UsageError
from training.corpora import SCANS, make_corpus
from training.corpus import FIXTURE_SEEDS
from training.labels.config import TrainConfig
from training.labels.data import load_examples
from training.labels.examples import Data, Example
from training.labels.kept import kept_file, read_kept, write_kept
from training.labels.sampling import share_weights
from training.labels.scans import scan_examples
from training.paths import CORPORA

N_SEEDS = 4
"""A run's own and the next ones: reports to learn from and to stop by, scans to learn from and to stop by."""
READ = "read"
"""Folder beside the corpora for what OCR read in them; empty it after a change of the reader."""


def make_data(config: TrainConfig, corpus: Path, *, quiet: bool = False) -> Data:
    """What a run learns from and stops by; documents made before, and what OCR read in them, lie in `corpus`,
    or what it read in the repository.

    Raises:
        UsageError: a seed of the fixtures, or one of their reports.
    """
    seeds = {config.seed + i for i in range(N_SEEDS)} | {seed for seed, _ in scan_sets(config)}
    if taken := seeds & {*FIXTURE_SEEDS}:
        raise UsageError(
            f"seed {min(taken)} is kept for the fixtures; choose one at most {FIXTURE_SEEDS.start - N_SEEDS}"
        )
    wanted = config.data
    learnt = [made_up(corpus, config.seed, wanted.documents, wanted.profile, quiet=quiet)]
    stopping = [made_up(corpus, config.seed + 1, wanted.validation, wanted.profile, quiet=quiet)]
    shares = [1.0]
    for (seed, n), examples in zip(scan_sets(config), (learnt, stopping), strict=True):
        if n:
            kept = kept_file(seed, n)
            examples.append(read_kept(kept) if kept.exists() else read_scans(corpus, seed, n, quiet=quiet))
    if wanted.scans:
        shares = [1 - wanted.scan_share, wanted.scan_share]
    return Data(list(chain(*learnt)), list(chain(*stopping)), share_weights(learnt, shares, wanted))


def scan_sets(config: TrainConfig) -> tuple[tuple[int, int], tuple[int, int]]:
    """Seed and number of the scans to learn from, and of those to stop by."""
    wanted = config.data
    seed = config.seed + 2 if wanted.scan_seed is None else wanted.scan_seed
    return (seed, wanted.scans), (seed + 1, wanted.validation_scans)


def made_up(folder: Path, seed: int, n: int, profile: str, *, quiet: bool = False) -> list[Example]:
    """The examples of `n` made-up reports, which are kept in a folder of their own under `folder`.

    Raises:
        UsageError: a seed of the fixtures, or one of their reports.
    """
    return load_examples(make_corpus(folder, seed, n, profile, quiet=quiet))


def read_scans(folder: Path, seed: int, n: int, *, quiet: bool = False) -> list[Example]:
    """The same of `n` made-up scans, as OCR reads them."""
    corpus = make_corpus(folder, seed, n, SCANS, quiet=quiet)
    with progress(n, visible=sys.stderr.isatty() and not quiet) as advance:
        return scan_examples(corpus, folder / READ, workers=os.cpu_count() or 1, advance=advance)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument("--corpus", type=Path, default=CORPORA, help="where the scans are made")
    options = parser.parse_args()
    for seed, n in scan_sets(TrainConfig.read(options.config)):
        write_kept(read_scans(options.corpus, seed, n), kept_file(seed, n))


if __name__ == "__main__":
    main()

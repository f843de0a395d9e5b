"""`giar train CONFIG.toml`, or `python -m training.train_labels`: makes the corpus and trains a model."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from giar_ml.annotations.gold import SUFFIX, Gold
from giar_ml.cli.console import progress
from giar_ml.errors import UsageError
from training.command import FIXTURES, add_train_arguments
from training.corpus import FIXTURE_SEEDS, refuse_fixtures, write_corpus
from training.labels.config import TrainConfig
from training.labels.data import load_examples
from training.labels.examples import Data, Example
from training.labels.kept import kept_file, read_kept
from training.labels.sampling import share_weights
from training.labels.scans import scan_examples

CORPUS_VERSION = 2
"""Raised when what is made up from a seed changes: reports made before are then made anew."""
N_SEEDS = 4
"""A run's own and the next ones: reports to learn from and to stop by, scans to learn from and to stop by."""
READ = "read"
"""Folder beside the corpora for what OCR read in them; empty it after a change of the reader."""
SCANS = "label-scans"
"""The profile of scans, see `training.profiles`."""
DEFAULT_CORPUS = Path("out/corpus")
SMOKE = Path(__file__).parent / "labels" / "smoke.toml"


def run(args: argparse.Namespace) -> int:
    """Returns the exit status."""
    if not find_spec("torch") or not find_spec("transformers"):
        raise UsageError("training needs PyTorch and transformers: pip install 'giar-ml[train]'")
    from training.labels.train import is_under_way, train

    if (args.config is None) != args.smoke:
        raise UsageError("give a CONFIG.toml, training/labels/labels.toml for one, or --smoke")
    config = TrainConfig.read(SMOKE if args.smoke else args.config)
    if args.seed is not None:
        config = dataclasses.replace(config, seed=args.seed)
    if args.output.exists() and not args.output.is_dir():
        raise UsageError(f"{args.output}: is no folder; choose another name")
    if args.output.exists() and any(args.output.iterdir()) and not args.resume:
        raise UsageError(
            f"{args.output}: is not empty; choose another folder, or --resume the run that was stopped there"
        )
    if args.resume and args.output.exists() and not is_under_way(args.output):
        raise UsageError(f"{args.output}: no run was stopped there; leave --resume out, or choose its folder")
    corpus = args.corpus or DEFAULT_CORPUS
    say = (lambda text: None) if args.quiet else (lambda text: print(text, file=sys.stderr))
    data = make_data(config, corpus, quiet=args.quiet)
    trained = train(config, data, args.output, resume=args.resume, quiet=args.quiet, say=say)
    if not args.quiet:
        print(f"{trained.folder}: {trained.seconds / 60:.1f} min")
    return 0


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


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m training.train_labels", description=__doc__)
    add_train_arguments(parser)
    try:
        return run(parser.parse_args())
    except UsageError as error:
        print(f"giar: {error}", file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())

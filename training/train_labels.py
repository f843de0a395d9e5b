"""`giar train CONFIG.toml`, or `python -m training.train_labels`: makes the corpus and trains a model."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import os
import sys
from pathlib import Path

from giar_ml.annotations.gold import SUFFIX, Gold
from giar_ml.cli.console import progress
from giar_ml.errors import UsageError
from training.command import FIXTURES, add_train_arguments
from training.corpus import FIXTURE_SEEDS, refuse_fixtures, write_corpus
from training.labels.config import TrainConfig
from training.labels.data import load_examples
from training.labels.examples import Example

DONE = "done.json"
SMOKE = Path(__file__).parent / "labels" / "smoke.toml"


def run(args: argparse.Namespace) -> int:
    """Returns the exit status."""
    from training.labels.train import Data, train

    if (args.config is None) != args.smoke:
        raise UsageError("give a CONFIG.toml, training/labels/labels.toml for one, or --smoke")
    config = TrainConfig.read(SMOKE if args.smoke else args.config)
    if args.seed is not None:
        config = dataclasses.replace(config, seed=args.seed)
    if args.output.exists() and not args.output.is_dir():
        raise UsageError(f"{args.output}: is no folder; choose another name")
    if args.output.exists() and any(args.output.iterdir()) and not args.resume:
        raise UsageError(f"{args.output}: is not empty; choose another folder, or go on with --resume")
    if kept := {config.seed, config.seed + 1} & {*FIXTURE_SEEDS}:
        raise UsageError(
            f"seed {min(kept)} is kept for the fixtures; choose one below {FIXTURE_SEEDS.start - 1}"
        )
    corpus = args.corpus or Path("out") / "corpus"
    say = (lambda text: None) if args.quiet else (lambda text: print(text, file=sys.stderr))
    data = Data(
        made_up(corpus, config.seed, config.data.documents, config.data.profile, quiet=args.quiet),
        made_up(corpus, config.seed + 1, config.data.validation, config.data.profile, quiet=args.quiet),
    )
    trained = train(config, data, args.output, resume=args.resume, quiet=args.quiet, say=say)
    if not args.quiet:
        print(f"{trained.folder}: {trained.seconds / 60:.1f} min")
    return 0


def made_up(folder: Path, seed: int, n: int, profile: str, *, quiet: bool = False) -> list[Example]:
    """The examples of `n` made-up reports, which are kept in a folder of their own under `folder`.

    Raises:
        UsageError: a seed of the fixtures, or one of their reports.
    """
    name = hashlib.sha256(json.dumps([seed, n, profile]).encode()).hexdigest()[:8]
    corpus = folder / f"{profile}-{seed}-{n}-{name}"
    if not (corpus / DONE).exists():
        for path in corpus.glob("*"):  # what an interrupted run left
            path.unlink()
        with progress(n, visible=sys.stderr.isatty() and not quiet) as advance:
            write_corpus(
                corpus, n=n, seed=seed, profile=profile, workers=os.cpu_count() or 1, advance=advance
            )
        (corpus / DONE).write_text("{}\n", encoding="utf-8")
    golds = [Gold.read(path) for path in sorted(corpus.glob(f"*{SUFFIX}"))]
    if FIXTURES.is_dir():
        refuse_fixtures(golds, [Gold.read(path) for path in sorted(FIXTURES.glob(f"*{SUFFIX}"))])
    return load_examples(corpus)


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

"""`giar train CONFIG.toml`, or `python -m training.train_labels`: makes the corpus and trains a model."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from importlib.util import find_spec

from giar_ml.errors import UsageError
from training.labels.config import TrainConfig
from training.labels.datasets import make_data
from training.paths import SMOKE_CONFIG


def run(args: argparse.Namespace) -> int:
    """Returns the exit status."""
    if not find_spec("torch") or not find_spec("transformers"):
        raise UsageError("training needs PyTorch and transformers: pip install 'giar-ml[train]'")
    from training.labels.train import is_under_way, train

    if (args.config is None) != args.smoke:
        raise UsageError("give a CONFIG.toml, training/labels/labels.toml for one, or --smoke")
    config = TrainConfig.read(SMOKE_CONFIG if args.smoke else args.config)
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
    say = (lambda text: None) if args.quiet else (lambda text: print(text, file=sys.stderr))
    data = make_data(config, args.corpus, quiet=args.quiet)
    trained = train(config, data, args.output, resume=args.resume, quiet=args.quiet, say=say)
    if not args.quiet:
        print(f"{trained.folder}: {trained.seconds / 60:.1f} min")
    return 0


if __name__ == "__main__":
    from giar_ml.cli import main

    sys.exit(main(["train", *sys.argv[1:]]))

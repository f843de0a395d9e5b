"""`python -m training.train_captions [CONFIG.toml] -o DIR`: trains the reader of what the forms print."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from giar_ml.annotations.gold import SUFFIX
from giar_ml.cli.console import progress
from giar_ml.errors import GiarError, UsageError
from training.captions.config import TrainConfig
from training.captions.lines import CaptionLine, read_lines
from training.corpora import make_corpus
from training.paths import CORPORA
from training.settings import read_settings

CONFIG = Path(__file__).parent / "captions" / "captions.toml"


def run(args: argparse.Namespace) -> int:
    """Returns the exit status."""
    if not find_spec("torch"):
        raise UsageError("training needs PyTorch: pip install 'giar-ml[train]'")
    from training.captions.train import train

    config = read_settings(TrainConfig, args.config)
    if args.output.exists() and (not args.output.is_dir() or any(args.output.iterdir())):
        raise UsageError(f"{args.output}: is no empty folder; choose another one")
    lines: list[CaptionLine] = []
    validation: list[CaptionLine] = []
    for corpus in config.corpora:
        folder = make_corpus(args.corpus, corpus.seed, corpus.n, corpus.profile, quiet=args.quiet)
        paths = sorted(path.with_name(path.name.removesuffix(SUFFIX)) for path in folder.glob(f"*{SUFFIX}"))
        n_kept = round(config.validation * len(paths))
        with progress(len(paths), visible=sys.stderr.isatty() and not args.quiet) as advance:
            for i, (path, found) in enumerate(zip(paths, read_lines(paths), strict=True)):
                (validation if i >= len(paths) - n_kept else lines).extend(found)
                advance(path.name)
    if not lines or not validation:
        raise UsageError(f"{args.config}: names no scans to learn from and to stop by")
    say = (lambda text: None) if args.quiet else (lambda text: print(text, file=sys.stderr, flush=True))
    train(config, lines, validation, args.output, say=say)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.train_captions", description=__doc__)
    parser.add_argument("config", type=Path, nargs="?", default=CONFIG, metavar="CONFIG.toml")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the model")
    parser.add_argument(
        "--corpus",
        type=Path,
        default=CORPORA,
        metavar="DIR",
        help="where made-up reports are kept (default: out/corpus)",
    )
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    try:
        return run(parser.parse_args(arguments))
    except GiarError as error:
        print(f"giar: {error}", file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())

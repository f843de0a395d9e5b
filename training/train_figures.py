"""`python -m training.train_figures CONFIG.toml -o DIR`: trains the model that reads figures in cells."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from giar_ml.cli.console import progress
from giar_ml.errors import GiarError, UsageError
from training.corpora import SCANS, make_corpus
from training.figure_reader.config import TrainConfig
from training.figure_reader.crops import Crop, read_crops
from training.figure_reader.render import sample_rendered
from training.figure_reader.sheets import read_sheets
from training.paths import CORPORA
from training.settings import read_settings

KEPT = "figure-crops"
"""Folder beside the corpora for the crops of their scans; empty it after a change of how they are cut."""
SMOKE = Path(__file__).parent / "figure_reader" / "smoke.toml"
N_VALIDATION = 300
"""Rendered crops to stop by where there are no scans."""


def run(args: argparse.Namespace) -> int:
    """Returns the exit status."""
    if not find_spec("torch"):
        raise UsageError("training needs PyTorch: pip install 'giar-ml[train]'")
    from training.figure_reader.train import Data, train

    if (args.config is None) != args.smoke:
        raise UsageError("give a CONFIG.toml, training/figure_reader/figures.toml for one, or --smoke")
    config = read_settings(TrainConfig, SMOKE if args.smoke else args.config)
    if args.seed is not None:
        if args.seed < 0:
            raise UsageError(f"--seed {args.seed} must be at least 0")
        config = dataclasses.replace(config, seed=args.seed)
    if args.output.exists() and not args.output.is_dir():
        raise UsageError(f"{args.output}: is no folder; choose another name")
    if args.output.exists() and any(args.output.iterdir()):
        raise UsageError(f"{args.output}: is not empty; choose another folder")
    if args.start_from and not (args.start_from / "model.safetensors").is_file():
        raise UsageError(f"{args.start_from}: no reader of figures, model.safetensors is not in it")
    wanted = config.data
    scans: list[Crop] = []
    validation: list[Crop] = []
    if wanted.scans:
        at_most = wanted.use or None
        scans = _crops_of(args.corpus, config.seed, wanted.scans, at_most, quiet=args.quiet)
        validation = _crops_of(args.corpus, config.seed + 1, wanted.validation_scans, None, quiet=args.quiet)
    kept = args.corpus / KEPT
    sheets = read_sheets(wanted.sheets, config.seed, kept)
    sheets += read_sheets(wanted.soiled, config.seed, kept, soiled=True)
    validation += read_sheets(wanted.validation_sheets, config.seed + 1, kept)
    validation += read_sheets(wanted.validation_soiled, config.seed + 1, kept, soiled=True)
    rendered = render_crops(wanted.rendered, config.seed)
    validation = validation or validation_crops(config.seed)
    say = (lambda text: None) if args.quiet else (lambda text: print(text, file=sys.stderr, flush=True))
    data = Data(scans, rendered, validation, sheets)
    train(config, data, args.output, start_from=args.start_from, say=say)
    return 0


def _crops_of(folder: Path, seed: int, n: int, at_most: int | None, *, quiet: bool) -> list[Crop]:
    corpus = make_corpus(folder, seed, n, SCANS, quiet=quiet)
    with progress(at_most or n, visible=sys.stderr.isatty() and not quiet) as advance:
        return read_crops(corpus, folder / KEPT, at_most=at_most, advance=advance)


def render_crops(n: int, seed: int) -> list[Crop]:
    """Figures from fonts."""
    rng = np.random.default_rng([seed, 2])
    return [Crop(*sample_rendered(rng), "rendered") for _ in range(n)]


def validation_crops(seed: int) -> list[Crop]:
    """Rendered figures and blank crops, where there are no scans to stop by."""
    blank = [Crop(np.full((44, 40 + i), 255, np.uint8), "", "blank") for i in range(N_VALIDATION // 10)]
    return [*render_crops(N_VALIDATION, seed + 1), *blank]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m training.train_figures", description=__doc__)
    parser.add_argument("config", type=Path, nargs="?", metavar="CONFIG.toml", help="settings of the run")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder of the model")
    parser.add_argument(
        "--corpus",
        type=Path,
        default=CORPORA,
        metavar="DIR",
        help="where made-up reports are kept (default: out/corpus)",
    )
    parser.add_argument(
        "--start-from", type=Path, metavar="DIR", help="folder of a reader to go on from its weights"
    )
    parser.add_argument("--smoke", action="store_true", help="a minute, to see that it learns")
    parser.add_argument("--seed", type=int, help="in place of the seed of CONFIG.toml")
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    try:
        return run(parser.parse_args(arguments))
    except GiarError as error:
        print(f"giar: {error}", file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main())

"""Options that several commands share."""

from __future__ import annotations

import argparse
import contextlib
import re
from pathlib import Path
from typing import Any

from giar_ml.errors import UsageError


def add_reader_options(parser: argparse.ArgumentParser) -> None:
    """The options of `Extractor`; `reader_options` gives them back."""
    parser.add_argument("--device", type=device, default="auto", help="auto, cpu or cuda:N (default: auto)")
    parser.add_argument(
        "--engine",
        choices=("onnxruntime", "paddle", "transformers"),
        default="onnxruntime",
        help="what runs the OCR models (default: onnxruntime)",
    )
    parser.add_argument(
        "--models", type=Path, metavar="FOLDER", help="OCR models to use instead of the embedded"
    )
    parser.add_argument(
        "--layout", default="rules", metavar="rules|MODEL", help="layout detector (default: rules)"
    )
    parser.add_argument(
        "--max-risk",
        type=probability,
        metavar="X",
        help="share of accepted reports that may have a wrong figure, 0 to 1 (default: 0.001)",
    )
    parser.add_argument(
        "--prose",
        action="store_true",
        help="read the paragraphs of scans, too, and hold them against the tables",
    )


def reader_options(args: argparse.Namespace) -> dict[str, Any]:
    """Arguments of `Extractor`.

    Raises:
        UsageError: the model folder is not there.
    """
    if args.models and not args.models.is_dir():
        raise UsageError(f"{args.models}: no such model folder")
    options = {name: getattr(args, name) for name in ("device", "engine", "models", "layout", "prose")}
    return options if args.max_risk is None else {**options, "max_risk": args.max_risk}


def device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not auto, cpu or cuda:N")
    return text


def probability(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)

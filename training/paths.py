"""Where things of training lie."""

from __future__ import annotations

from pathlib import Path

FIXTURES = Path(__file__).parents[1] / "eval" / "fixtures"
RETRAIN_CONFIG = Path(__file__).parent / "labels" / "retrain.toml"
SMOKE_CONFIG = Path(__file__).parent / "labels" / "smoke.toml"
CORPORA = Path("out") / "corpus"
"""Made-up documents are kept here, relative to where a command is called."""

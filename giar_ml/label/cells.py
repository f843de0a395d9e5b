"""What is printed in one cell is as a rule of one kind: its lines vouch for each other.

A caption that wraps leaves single characters on a last line of their own (持, 结, 果), which several captions
of the forms end with. The lines before them say which one it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

ONE_LABEL = 0.98
"""Share of cells of several tokens, in tables found by their rules, whose tokens bear one label; in the
others a rule was lost, or a mark is no print."""


def pool_cells(log_probs: np.ndarray, cells: Sequence[int | None]) -> np.ndarray:
    """Log-probabilities of labels, of tokens that share a cell weighed together.

    Two accounts of a cell are mixed by how well they explain its tokens: that all bear one label, of which
    each token is independent evidence, and that each bears its own. A figure beside a caption fits only the
    second, and both stay what they are.

    Args:
        log_probs: (N, L), each token for itself.
        cells: of the N tokens; None outside of cells.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for i, cell in enumerate(cells):
        if cell is not None:
            members[cell].append(i)
    pooled = log_probs.copy()
    for indices in (found for found in members.values() if len(found) > 1):
        joint = log_probs[indices].sum(axis=0)
        evidence = np.logaddexp.reduce(joint)
        if np.isneginf(evidence):
            continue
        one = np.log(ONE_LABEL) + evidence
        each = np.log1p(-ONE_LABEL)
        total = np.logaddexp(one, each)
        shared = joint - evidence + (one - total)
        pooled[indices] = np.logaddexp(shared, log_probs[indices] + (each - total))
    return pooled

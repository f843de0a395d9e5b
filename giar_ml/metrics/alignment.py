"""Two sequences side by side, in order."""

from __future__ import annotations

import numpy as np


def align(rewards: np.ndarray) -> list[tuple[int, int]]:
    """The pairs, ascending in both, whose rewards add up to the most (Needleman and Wunsch, 1970).

    Args:
        rewards: (N, M) floats from 0: what pairing item i of one with item j of the other is worth.

    Returns:
        Pairs (i, j); items left out are in none. Of equally good ways the one that pairs more from the
        end is taken, so a pair may be worth 0.
    """
    n, m = rewards.shape
    best = np.zeros((n + 1, m + 1))
    for i in range(n):
        for j in range(m):
            best[i + 1, j + 1] = max(best[i, j] + rewards[i, j], best[i, j + 1], best[i + 1, j])
    pairs = []
    i, j = n, m
    while i and j:
        if best[i, j] == best[i - 1, j - 1] + rewards[i - 1, j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif best[i, j] == best[i - 1, j]:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def alignment_scores(rewards: np.ndarray) -> np.ndarray:
    """What the best alignment of every two rows is worth.

    Args:
        rewards: (R, C, S, D) floats from 0: what cell c of row r is worth beside cell d of row s.

    Returns:
        (R, S) floats.
    """
    n_rows, n_cells, n_other_rows, n_other_cells = rewards.shape
    previous = np.zeros((n_other_cells + 1, n_rows, n_other_rows))
    for c in range(n_cells):
        current = np.zeros_like(previous)
        for d in range(n_other_cells):
            paired = previous[d] + rewards[:, c, :, d]
            current[d + 1] = np.maximum(paired, np.maximum(previous[d + 1], current[d]))
        previous = current
    return previous[n_other_cells]

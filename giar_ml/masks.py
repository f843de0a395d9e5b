"""Shapes in pictures of ink."""

from __future__ import annotations

import cv2
import numpy as np


def find_straight(ink: np.ndarray, length: int) -> np.ndarray:
    """What lies in upright or level lines of `length` pixels or more, (H, W) bool."""
    return find_filled(ink, 1, length) | find_filled(ink, length, 1)


def find_filled(ink: np.ndarray, height: int, width: int) -> np.ndarray:
    """What lies in rectangles full of ink, (H, W) bool."""
    opened = cv2.morphologyEx(ink.astype(np.uint8), cv2.MORPH_OPEN, np.ones((height, width), np.uint8))
    return np.asarray(opened > 0)

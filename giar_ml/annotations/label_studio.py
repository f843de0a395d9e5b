"""Gold as tasks of Label Studio, and the labelling configuration that shows them.

A token is three results with one id: its rectangle, its label, its text, as in the tool's own template for
optical character recognition. A rectangle is a percentage of the picture's width and height; it turns
clockwise about its top left corner, by degrees measured in pixels.
Format: Label Studio documentation, "Export annotations" and "Rectangle".
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from giar_ml.annotations.gold import GoldPage, GoldToken, Poly
from giar_ml.annotations.pages import Pictured, PicturedPage, pictured_pages

LOCAL_FILES = "/data/local-files/?d="
"""Where Label Studio serves the files below its local document root."""
IMAGE, RECTANGLE, LABEL, TEXT = "image", "bbox", "label", "transcription"
"""Names of the controls in the configuration, which results refer to."""

COLORS = {
    "title": "#7b3294",
    "caption": "#c2a5cf",
    "under": "#e08214",
    "row": "#1b7837",
    "column": "#2166ac",
    "corner": "#878787",
    "figure": "#d6604d",
    "note": "#b2182b",
    "other": "#bababa",
}
"""Colour of each kind of label: the part of its name before the colon."""


def write(
    documents: Iterable[Pictured],
    *,
    image_root: str = LOCAL_FILES,
    model_version: str | None = None,
    score: float | None = None,
) -> list[dict[str, Any]]:
    """One task per page.

    Args:
        image_root: stands before the percent-encoded name of a picture; the default suits a Label Studio
            whose local document root is the folder that picture names start in.
        model_version: when given, the results are predictions of this model, to be corrected;
            otherwise finished annotations.
        score: of the predictions, 0..1.
    """
    tasks = []
    for number, page in enumerate(pictured_pages(documents), start=1):
        result = [
            item
            for i, (token, poly) in enumerate(page.tokens)
            for item in _token_results(f"t{i}", token, poly, page.page)
        ]
        if model_version is None:
            results = {"annotations": [{"result": result, "ground_truth": True}]}
        else:
            prediction: dict[str, Any] = {"model_version": model_version, "result": result}
            if score is not None:
                prediction["score"] = score
            results = {"predictions": [prediction]}
        tasks.append({"id": number, "data": _task_data(page, image_root), **results})
    return tasks


def labelling_config(documents: Iterable[Pictured]) -> str:
    """The XML of a project that shows tasks of these documents: their labels, sorted by name."""
    labels = sorted({token.label for gold, _ in documents for token in gold.tokens})
    choices = "\n".join(
        f"    <Label value={quoteattr(label)} background={quoteattr(_color(label))}/>" for label in labels
    )
    return f"""<View>
  <Image name="{IMAGE}" value="$ocr" zoom="true" rotateControl="true"/>
  <Labels name="{LABEL}" toName="{IMAGE}">
{choices}
  </Labels>
  <Rectangle name="{RECTANGLE}" toName="{IMAGE}" strokeWidth="2"/>
  <TextArea name="{TEXT}" toName="{IMAGE}" editable="true" perRegion="true" maxSubmissions="1"
            displayMode="region-list"/>
</View>
"""


def _color(label: str) -> str:
    return COLORS.get(label.partition(":")[0], COLORS["other"])


def _task_data(page: PicturedPage, image_root: str) -> dict[str, Any]:
    return {
        "ocr": image_root + quote(page.image),
        "file": page.gold.file,
        "sha256": page.gold.sha256,
        "page": page.page.number,
    }


def _token_results(result_id: str, token: GoldToken, poly: Poly, page: GoldPage) -> list[dict[str, Any]]:
    rectangle = poly_rectangle(poly, page)
    common = {
        "id": result_id,
        "to_name": IMAGE,
        "original_width": round(page.width),
        "original_height": round(page.height),
        "image_rotation": 0,
    }
    # The note that a person sees beside the region: which cell of the form the figure belongs to.
    meta = {"meta": {"text": [token.key]}} if token.key else {}
    return [
        {**common, "type": "rectangle", "from_name": RECTANGLE, "value": rectangle, **meta},
        {**common, "type": "labels", "from_name": LABEL, "value": {**rectangle, "labels": [token.label]}},
        {**common, "type": "textarea", "from_name": TEXT, "value": {**rectangle, "text": [token.text]}},
    ]


def poly_rectangle(poly: Poly, page: GoldPage) -> dict[str, float]:
    """The turned rectangle that fits a quadrilateral: exact for a rectangle, otherwise of the same middle
    and mean sides. `x`, `y`, `width`, `height` in percent of the page, `rotation` in degrees, 0..360."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = poly
    right, down = (bx + cx - ax - dx) / 2, (by + cy - ay - dy) / 2
    width = math.hypot(right, down)
    cos, sin = (right / width, down / width) if width else (1.0, 0.0)
    height = (cy + dy - ay - by) / 2 * cos - (cx + dx - ax - bx) / 2 * sin
    middle_x, middle_y = (ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4
    return {
        "x": round(100 * (middle_x - (width * cos - height * sin) / 2) / page.width, 4),
        "y": round(100 * (middle_y - (width * sin + height * cos) / 2) / page.height, 4),
        "width": round(100 * width / page.width, 4),
        "height": round(100 * height / page.height, 4),
        "rotation": round(math.degrees(math.atan2(sin, cos)), 2) % 360,
    }

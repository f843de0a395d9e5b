"""Gold to and from tasks of Label Studio, and the labelling configuration that shows them.

A token is three results with one id: its rectangle, its label, its text, as in the tool's own template for
optical character recognition. A rectangle is a percentage of the picture's width and height; it turns
clockwise about its top left corner, by degrees measured in pixels. `image_rotation` only says how the picture
was turned on the screen: the numbers are those of the unturned picture (seen in Label Studio 1.23.2).
Format: Label Studio documentation, "Export annotations" and "Rectangle".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import quoteattr

from giar_ml.annotations.drafts import (
    Draft,
    DraftToken,
    find_image,
    missing_image,
    read_label,
    read_number,
    read_poly,
    read_string,
)
from giar_ml.annotations.gold import GoldPage, GoldToken, Poly
from giar_ml.annotations.pages import Pictured, PicturedPage, pictured_pages

TOOL = "Label Studio"
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


def labelling_config(documents: Iterable[Pictured], *, labels: Iterable[str] = ()) -> str:
    """The XML of a project that shows tasks of these documents: their labels and those given besides,
    sorted by name."""
    labels = sorted({*labels, *(token.label for gold, _ in documents for token in gold.tokens)})
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
        "form": page.gold.form,
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


_RECTANGLES = ("rectangle", "rectanglelabels")
_POLYGONS = ("polygon", "polygonlabels")
_LABELS = ("labels", "rectanglelabels", "polygonlabels")
_OTHER_SHAPES = ("ellipse", "brush", "keypoint", "ellipselabels", "brushlabels", "keypointlabels")
_KEY = re.compile(r"\w+(?:\.\w+)+", re.ASCII)
"""The note of a region that is, or was meant for, the key of a cell."""
_UPLOAD_PREFIX = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the name of a picture that was uploaded."""


def read_tasks(tasks: Sequence[Any], path: Path, *, images: Sequence[Path] = ()) -> list[Draft]:
    """The tasks of an export (JSON), each with its last annotation that was not cancelled.

    Tasks without one are to be skipped; predictions do not count.

    Args:
        path: the file they come from; pictures are looked for in its folder.
        images: more folders that pictures may lie in.
    """
    return [
        _read_task(task, f"{path}: task {_task_name(task, number)}", [path.parent, *images])
        for number, task in enumerate(tasks, start=1)
    ]


def _task_name(task: Any, number: int) -> str:
    return str(task.get("id", number) if isinstance(task, Mapping) else number)


def _read_task(task: Any, where: str, folders: Sequence[Path]) -> Draft:
    if not isinstance(task, Mapping) or not isinstance(task.get("data"), Mapping):
        fault = "not a task: no data; export as JSON, neither JSON-MIN nor another format"
        return Draft(where, TOOL, faults=(fault,))
    data = task["data"]
    url = next((data[name] for name in ("ocr", "image", "img") if isinstance(data.get(name), str)), None)
    if url is None:
        return Draft(where, TOOL, faults=("its data has no picture (ocr or image)",))
    annotations = task.get("annotations")
    if not isinstance(annotations, list) or not all(isinstance(a, Mapping) for a in annotations):
        annotations = []
    kept = [annotation for annotation in annotations if not annotation.get("was_cancelled")]
    names = picture_names(url)
    if not kept:
        reason = "its annotations were all cancelled" if annotations else "not annotated"
        return Draft(where, TOOL, names[-1], skip=reason)
    image = find_image(names, folders)
    faults = [] if image else [missing_image(names[0])]
    tokens, sizes, token_faults = _read_results(_newest(kept).get("result"))
    if len(sizes) > 1:
        token_faults.append("its regions were drawn on pictures of different sizes")
    form = data.get("form")
    origin = {
        name: data[key]
        for key, name in (("file", "document"), ("sha256", "document_sha256"), ("page", "page"))
        if isinstance(data.get(key), (str, int))
    }
    if image and image.name != (called := PurePosixPath(names[-1]).name):
        origin["picture"] = called
    return Draft(
        where,
        TOOL,
        names[-1],
        image,
        tuple(tokens),
        size=next(iter(sizes), None),
        form=form if isinstance(form, str) else None,
        origin=origin,
        faults=(*faults, *token_faults),
    )


def picture_names(url: str) -> list[str]:
    """Under which names the picture of a task may lie in a folder, the likeliest first: local files by
    their path, all others by the last part of it, for uploads also, and last, as they were called before."""
    parts = urlsplit(url)
    local = parse_qs(parts.query).get("d") if parts.path.endswith("/local-files/") else None
    if local:
        return [local[0]]
    if not parts.scheme and not parts.path.startswith("/"):
        return [url, unquote(url)]
    name = PurePosixPath(unquote(parts.path)).name
    return list(dict.fromkeys([name, _UPLOAD_PREFIX.sub("", name) if "/upload/" in parts.path else name]))


@dataclass
class _Region:
    """The results of one id."""

    number: int
    poly: Poly | None = None
    labels: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    key: str | None = None
    faults: list[str] = field(default_factory=list)


def _newest(annotations: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The one that was changed last; the last in the list where the export does not say."""
    return max(reversed(annotations), key=lambda annotation: str(annotation.get("updated_at") or ""))


def _read_results(results: Any) -> tuple[list[DraftToken], set[tuple[float, float]], list[str]]:
    """The tokens, the sizes of the picture they were drawn on, and what is wrong."""
    if not isinstance(results, list):
        return [], set(), ["its annotation has no list of results"]
    regions: dict[str, _Region] = {}
    sizes: set[tuple[float, float]] = set()
    faults = []
    for number, item in enumerate(results, start=1):
        if not isinstance(item, Mapping):
            faults.append(f"result {number} is not an object")
        elif isinstance(item.get("value"), Mapping) and "id" in item:  # relations have neither
            region = regions.setdefault(str(item["id"]), _Region(len(regions) + 1))
            try:
                _add_result(region, item, item["value"], sizes)
            except ValueError as error:
                region.faults.append(str(error))
    tokens = []
    for name, region in regions.items():
        where = f"token {region.number} (region {name})"
        if region.poly is None and not region.labels and not region.faults:
            continue  # words about the whole picture
        if region.poly is None and not region.faults:
            region.faults.append("it has no rectangle")
        if len(set(region.labels)) > 1:
            region.faults.append(f"it has {len(set(region.labels))} labels, one is needed")
        if region.poly is None or region.faults:
            faults += [f"{where}: {fault}" for fault in dict.fromkeys(region.faults)]
            continue
        label = read_label(region.labels[0] if region.labels else None)
        tokens.append(DraftToken(where, "".join(region.texts), label, region.poly, region.key))
    return tokens, sizes, faults


def _add_result(
    region: _Region, item: Mapping[str, Any], value: Mapping[str, Any], sizes: set[tuple[float, float]]
) -> None:
    kind = item.get("type")
    if kind in _OTHER_SHAPES:
        raise ValueError("it is no rectangle")
    if kind in _LABELS:
        labels = value.get(kind)
        if labels is not None and not isinstance(labels, list):
            raise ValueError("its labels are not a list")
        region.labels += [read_label(label) for label in labels or ()]
    if kind == "textarea":
        text = value.get("text")
        region.texts += [read_string(line) for line in (text if isinstance(text, list) else [text])]
    notes = item["meta"].get("text") if isinstance(item.get("meta"), Mapping) else None
    if isinstance(notes, list) and len(notes) == 1 and _KEY.fullmatch(str(notes[0]).strip()):
        region.key = notes[0].strip()
    is_polygon = kind in _POLYGONS
    if region.poly is None and (is_polygon or "width" in value):
        size = (read_number(item.get("original_width")), read_number(item.get("original_height")))
        sizes.add(size)
        region.poly = _read_polygon(value, size) if is_polygon else rectangle_poly(value, size)


def _read_polygon(value: Mapping[str, Any], size: tuple[float, float]) -> Poly:
    points = read_poly(value.get("points"))
    a, b, c, d = ((x * size[0] / 100, y * size[1] / 100) for x, y in points)
    return a, b, c, d


def rectangle_poly(value: Mapping[str, Any], size: tuple[float, float]) -> Poly:
    """The corners, in pixels, of a rectangle in percent of a picture of this size: what `poly_rectangle`
    undoes. Raises ValueError."""
    x, y, width, height = (read_number(value.get(name)) for name in ("x", "y", "width", "height"))
    if width <= 0 or height <= 0:
        raise ValueError(f"its box is {width:g} % wide and {height:g} % high")
    angle = math.radians(read_number(value.get("rotation") or 0))
    cos, sin = math.cos(angle), math.sin(angle)
    left, top = x * size[0] / 100, y * size[1] / 100
    right, down = width * size[0] / 100, height * size[1] / 100
    return (
        (left, top),
        (left + right * cos, top + right * sin),
        (left + right * cos - down * sin, top + right * sin + down * cos),
        (left - down * sin, top + down * cos),
    )

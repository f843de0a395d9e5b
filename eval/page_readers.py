"""Public readers of a page, as their manuals call them: lines by PaddleOCR and RapidOCR, cells by img2table.

All take an (H, W, 3) uint8 BGR page, are cheap to build, and load at their first page.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from giar_ml.document import BBox, Token

if TYPE_CHECKING:
    import numpy as np

ReadLines = Callable[["np.ndarray"], list[Token]]


class PaddleLines:
    """Stock `PaddleOCR.predict`, with the small weights that rapidocr brings.

    Args:
        threads: that a network runs on; None for PaddleOCR's own choice.
        device: as PaddleOCR calls it: `cpu` or `gpu:N`.
        flushed: with the weights as we use them, without those next to 0, which slow some processors.
    """

    def __init__(self, *, threads: int | None = None, device: str = "cpu", flushed: bool = False) -> None:
        self._threads = threads
        self._device = device
        self._flushed = flushed

    def __call__(self, image: np.ndarray) -> list[Token]:
        (result,) = self._predict(image)
        found = zip(result["rec_texts"], result["rec_boxes"], result["rec_scores"], strict=True)
        return [Token(text, BBox(*map(float, box)), float(score)) for text, box, score in found if text]

    @cached_property
    def _predict(self) -> Callable[[np.ndarray], Any]:
        from giar_ml.engines import embedded, paddle

        paddleocr = paddle._import_paddleocr()
        detection, recognition = (
            embedded.embedded_folder(embedded.cache_folder(), name, as_shipped=not self._flushed)
            for name in (embedded.DETECTION, embedded.RECOGNITION)
        )
        options = {"engine_config": {"intra_op_num_threads": self._threads}} if self._threads else {}
        pipeline = paddleocr.PaddleOCR(
            engine="onnxruntime",
            device=self._device,
            text_detection_model_name=embedded.DETECTION,
            text_detection_model_dir=str(detection),
            text_recognition_model_name=embedded.RECOGNITION,
            text_recognition_model_dir=str(recognition),
            use_doc_orientation_classify=False,
            use_doc_unwarping=False,
            use_textline_orientation=False,
            **options,
        )
        predict: Callable[[np.ndarray], Any] = pipeline.predict
        return predict


class RapidLines:
    """The rapidocr package as shipped.

    Args:
        threads: that a network runs on; None for rapidocr's own choice.
    """

    def __init__(self, *, threads: int | None = None) -> None:
        self._threads = threads

    def __call__(self, image: np.ndarray) -> list[Token]:
        result = self._engine(image)
        if result.boxes is None:
            return []
        return [
            Token(text, BBox(*map(float, (*box.min(axis=0), *box.max(axis=0)))), float(score))
            for text, box, score in zip(result.txts, result.boxes, result.scores, strict=True)
        ]

    @cached_property
    def _engine(self) -> Any:
        from rapidocr import RapidOCR

        params: dict[str, Any] = {"Global.log_level": "error"}
        if self._threads:
            params["EngineConfig.onnxruntime.intra_op_num_threads"] = self._threads
        return RapidOCR(params=params)


class RapidCells:
    """The cells of all tables that img2table finds, with lines by rapidocr."""

    def __init__(self, *, threads: int | None = None) -> None:
        self._read_lines = RapidLines(threads=threads)

    def __call__(self, image: np.ndarray) -> list[tuple[str, ...]]:
        return find_rows(image, self._read_lines(image))


def find_rows(image: np.ndarray, tokens: Sequence[Token]) -> list[tuple[str, ...]]:
    """The rows of the tables that img2table finds by their rules, else by white space, filled with lines: the
    texts of the cells that really exist, from left to right, each once."""
    import cv2
    from img2table.document import Image
    from img2table.ocr._types import OCRData, OCRInstance

    class Lines(OCRInstance):
        """What img2table's own wrapper does, which fails on a page without text."""

        def of(self, document: Any) -> Any:
            return OCRData({0: [_ocr_record(i, token) for i, token in enumerate(tokens)]})

    if not tokens:
        return []
    document = Image(cv2.imencode(".png", image)[1].tobytes())
    rows = []
    for table in document.extract_tables(ocr=Lines(), borderless_tables=True):
        for cells in table.content.values():
            # A cell stands in every row and column that it spans.
            each = {(c.bbox.x1, c.bbox.y1, c.bbox.x2, c.bbox.y2): c.value or "" for c in cells}
            rows.append(tuple(each.values()))
    return rows


def _ocr_record(index: int, token: Token) -> dict[str, Any]:
    x1, y1, x2, y2 = map(round, token.bbox)
    name = f"word_1_{index}"
    place = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return {
        "id": name,
        "parent": name,
        "value": token.text,
        "confidence": int(100 * token.confidence),
    } | place


PAGE_READERS: Mapping[str, Callable[..., Callable[[np.ndarray], Any]]] = {
    "paddleocr": PaddleLines,
    "paddleocr, flushed": partial(PaddleLines, flushed=True),
    "rapidocr": RapidLines,
    "img2table": RapidCells,
}


def say_missing(reader: str) -> str | None:
    """How to install the package of a reader that is not there; None if it is."""
    package, _, _ = reader.partition(",")
    if importlib.util.find_spec(package):
        return None
    return f"not installed, so not measured: .venv/bin/pip install {package}, or 'giar-ml[baselines]'"

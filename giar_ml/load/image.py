"""Pictures -> pages: PNG, JPEG, TIFF with several pages, BMP, WebP."""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps

from giar_ml.document import Page
from giar_ml.errors import InputError
from giar_ml.load.limits import MAX_DOCUMENT_PIXELS
from giar_ml.load.resolution import SCAN_DPI, is_sheet

MAX_IMAGE_PIXELS = 120_000_000
"""An A3 page at 600 dpi has 70 million."""
MIN_SIDE_PX = 64
"""Less cannot hold a table."""

_SUBFILE_TYPE, _REDUCED = 254, 1
"""The tag of a TIFF that says what a frame is, and its bit for a smaller copy of another one."""

# What Pillow's decoders raise on broken data; TypeError where a TIFF lacks its size.
_DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    struct.error,
    IndexError,
    OverflowError,
)


def read_image(data: bytes, name: str, *, max_pages: int) -> list[Page]:
    """One scanned page per frame, upright by its EXIF tag, transparent parts white."""
    with _decoding(name):
        image = Image.open(BytesIO(data))
        n_frames = getattr(image, "n_frames", 1) if image.format == "TIFF" else 1
    with image:
        frames = _page_frames(image, n_frames, name, most=max_pages)
        if len(frames) > max_pages:
            raise InputError(
                f"{name}: {len(frames)} pages, the limit is {max_pages}; split the file",
                code="too_many_pages",
            )
        pages = []
        n_pixels = 0
        for number, index in enumerate(frames, 1):
            if n_frames > 1:
                with _decoding(name):
                    image.seek(index)
            _check_size(image, name)
            n_pixels += image.width * image.height
            if n_pixels > MAX_DOCUMENT_PIXELS:
                raise InputError(
                    f"{name}: more than {MAX_DOCUMENT_PIXELS / 1e6:,.0f} million pixels in all;"
                    " split the file",
                    code="image_too_large",
                )
            pages.append(_read_frame(image, name, number=number))
    return pages


def _page_frames(image: Image.Image, n_frames: int, name: str, *, most: int) -> Sequence[int]:
    """The frames that are pages: some writers put a small copy of a page behind it. All of them where there
    are more than twice `most`, or no page is among them."""
    if n_frames == 1 or n_frames > 2 * most:
        return range(n_frames)
    frames = []
    for index in range(n_frames):
        with _decoding(name):
            image.seek(index)
            kind = image.tag_v2.get(_SUBFILE_TYPE, 0)  # type: ignore[attr-defined]
        if not (isinstance(kind, int) and kind & _REDUCED):
            frames.append(index)
    return frames or range(n_frames)


@contextmanager
def _decoding(name: str) -> Iterator[None]:
    """What Pillow raises on broken data as an InputError."""
    with warnings.catch_warnings():
        # Pillow warns above 90 million pixels, and of odd tags; the limit here is ours.
        warnings.simplefilter("ignore")
        try:
            yield
        except Image.DecompressionBombError as error:
            raise _too_large(name, "too many pixels to open") from error
        except _DECODE_ERRORS as error:
            raise _damaged(name) from error


def _read_frame(image: Image.Image, name: str, *, number: int) -> Page:
    dpi = _dpi(image)
    with _decoding(name):
        image.load()
        upright = ImageOps.exif_transpose(image)
    pixels = np.ascontiguousarray(_to_rgb(upright))
    height, width = pixels.shape[:2]
    return Page(number=number, kind="scan", width=width, height=height, image=pixels, dpi=dpi)


def _to_rgb(image: Image.Image) -> np.ndarray:
    """(H, W, 3) uint8."""
    if image.mode.startswith("I") or image.mode == "F":
        return np.repeat(_scale_to_bytes(np.asarray(image))[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return np.asarray(Image.alpha_composite(white, rgba).convert("RGB"))
    return np.asarray(image.convert("RGB"))


def _scale_to_bytes(gray: np.ndarray) -> np.ndarray:
    """Deep gray as bytes. Pillow's own conversion clips at 255 and turns 16-bit pages white."""
    values = gray.astype(np.float32)
    top = values.max(initial=0)
    # A page of 12 bits in 16 is white at 4095.
    full_scale = 1 if top <= 1 else max(255, 2 ** math.ceil(math.log2(top + 1)) - 1)
    return np.clip(values * (255 / full_scale), 0, 255).astype(np.uint8)


def _dpi(image: Image.Image) -> float | None:
    """What the file says, where that can be true."""
    try:
        horizontal = float(image.info["dpi"][0])
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError):
        return None
    can_be_true = horizontal >= SCAN_DPI[0] and is_sheet(image.width / horizontal, image.height / horizontal)
    return round(horizontal, 1) if can_be_true else None


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if min(width, height) < MIN_SIDE_PX:
        raise InputError(
            f"{name}: {width} x {height} pixels hold no form; scan it at 200 dpi or more",
            code="image_too_small",
        )
    if width * height > MAX_IMAGE_PIXELS:
        raise _too_large(name, f"{width} x {height} pixels")


def _too_large(name: str, size: str) -> InputError:
    return InputError(
        f"{name}: {size}, the limit is {MAX_IMAGE_PIXELS / 1e6:,.0f} million pixels;"
        " save it at 300 dpi or less",
        code="image_too_large",
    )


def _damaged(name: str) -> InputError:
    return InputError(f"{name}: the picture is cut off or broken; scan or fetch it again", code="damaged")

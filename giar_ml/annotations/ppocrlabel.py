"""Gold as the files of PPOCRLabel, the annotation tool of PaddleOCR.

PPOCRLabel opens one folder of pictures and reads `Label.txt` and `fileState.txt` in it. It knows a picture
by the last two parts of its path, `<folder>/<picture>` (getImglabelidx in PPOCRLabel.py 3.1.6), and on
saving it drops the labels of pictures that fileState.txt does not name. Labels show in its KIE mode
(`--kie True`); tables, and which cell a figure belongs to, have no place in the format.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import PurePosixPath

from giar_ml.annotations.pages import Pictured, pictured_pages

LABEL_FILE = "Label.txt"
STATE_FILE = "fileState.txt"


def write(documents: Iterable[Pictured]) -> str:
    """The content of Label.txt: one line per page, `<folder>/<picture>`, a tab, its tokens as JSON.

    Points are whole pixels, clockwise from the corner that is top left when the text is read upright;
    `key_cls` is the token's label. Picture names must have a folder: `pages/a-1.jpg`.
    """
    lines = []
    for page in pictured_pages(documents):
        tokens = [
            {
                "transcription": token.text,
                "points": [[round(x), round(y)] for x, y in poly],
                "difficult": False,
                "key_cls": token.label,
            }
            for token, poly in page.tokens
        ]
        lines.append(f"{picture_key(page.image)}\t{json.dumps(tokens, ensure_ascii=False)}\n")
    return "".join(lines)


def write_states(documents: Iterable[Pictured]) -> str:
    """The content of fileState.txt: every picture is confirmed."""
    return "".join(f"{picture_key(page.image)}\t1\n" for page in pictured_pages(documents))


def picture_key(image: str) -> str:
    """What PPOCRLabel calls a picture. Raises ValueError when the name has no folder."""
    folder, name = PurePosixPath(image).parent.name, PurePosixPath(image).name
    if not folder:
        raise ValueError(f"{image}: PPOCRLabel needs the name of the folder too")
    return f"{folder}/{name}"

"""Gold to and from the files of PPOCRLabel, the annotation tool of PaddleOCR.

PPOCRLabel opens one folder of pictures and reads `Label.txt` and `fileState.txt` in it. It knows a picture
by the last two parts of its path, `<folder>/<picture>` (getImglabelidx in PPOCRLabel.py 3.1.6), and on
saving it drops the labels of pictures that fileState.txt does not name. Labels show in its KIE mode
(`--kie True`); tables, and which cell a figure belongs to, have no place in the format. `Cache.cach`, of the
shape of Label.txt, holds what the tool recognised by itself: it stays when labels are dropped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from giar_ml.annotations.drafts import (
    Draft,
    DraftToken,
    UnreadableFileError,
    find_image,
    missing_image,
    parse_json,
    read_label,
    read_poly,
    read_string,
    read_text,
)
from giar_ml.annotations.pages import Pictured, pictured_pages

TOOL = "PPOCRLabel"
LABEL_FILE = "Label.txt"
STATE_FILE = "fileState.txt"
CACHE_FILE = "Cache.cach"

_IGNORED = "###"
"""Text of a box that cannot be read and is not to be used."""
_NOT_TYPED = "待识别"
"""Text that the tool gives a new box until somebody types one."""


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


def read_folder(folder: Path, *, images: Sequence[Path] = ()) -> list[Draft]:
    """The pictures of Label.txt, in its order, then those that only fileState.txt names.

    Illegible boxes (`###`) and those marked as difficult are left out. Pictures that fileState.txt does not
    mark with 1 are to be skipped.

    Args:
        images: more folders that pictures may lie in.

    Raises:
        UnreadableFileError: Label.txt cannot be read.
    """
    confirmed, drafts = _read_states(folder / STATE_FILE)
    named = set()
    path = folder / LABEL_FILE
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        picture, tab, data = line.rstrip("\r").partition("\t")
        draft = Draft(f"{path}:{number}", TOOL, picture)
        if not tab:
            drafts.append(_broken(draft, "no tab between picture and labels"))
            continue
        key = _state_key(picture)
        named.add(key)
        if key not in confirmed:
            reason = f"not confirmed in {STATE_FILE}"
            drafts.append(Draft(draft.where, TOOL, picture, skip=reason))
            continue
        drafts.append(_read_line(draft, data, folder, images))
    for key in sorted(confirmed - named):
        reason = f"confirmed, but without labels in {LABEL_FILE}"
        drafts.append(Draft(str(folder / STATE_FILE), TOOL, key, skip=reason))
    return drafts


def _read_states(path: Path) -> tuple[set[str], list[Draft]]:
    """The confirmed pictures; and what is wrong with the file."""
    if not path.is_file():
        return set(), []
    confirmed, faults = set(), []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        picture, tab, state = line.partition("\t")
        if not line.strip():
            continue
        if not tab:
            faults.append(_broken(Draft(f"{path}:{number}", TOOL), "no tab between picture and state"))
        elif state.strip() == "1":
            confirmed.add(_state_key(picture))
    return confirmed, faults


def _read_line(draft: Draft, data: str, folder: Path, images: Sequence[Path]) -> Draft:
    try:
        boxes = parse_json(data)
    except UnreadableFileError as error:  # the line is one of Label.txt, not of its JSON
        return _broken(draft, str(error))
    if not isinstance(boxes, list):
        return _broken(draft, "the labels are not a list")
    image = _find_picture(draft.name, folder, images)
    faults = [] if image else [missing_image(draft.name)]
    tokens = []
    for number, box in enumerate(boxes, start=1):
        where = f"token {number}"
        try:
            token = _read_box(box, where)
        except ValueError as error:
            faults.append(f"{where}: {error}")
        else:
            tokens += [token] if token else []
    return Draft(draft.where, TOOL, draft.name, image, tuple(tokens), faults=tuple(faults))


def _read_box(box: Any, where: str) -> DraftToken | None:
    """None for a box that is not to be used. Raises ValueError."""
    if not isinstance(box, Mapping):
        raise ValueError("not an object")
    text = read_string(box.get("transcription"))
    if text == _IGNORED or box.get("difficult") is True:
        return None
    if text == _NOT_TYPED:
        raise ValueError(f"its text is still {_NOT_TYPED}; type what stands there, or {_IGNORED}")
    label = read_label(box["key_cls"] if "key_cls" in box else box.get("label"))
    return DraftToken(where, text, label, read_poly(box.get("points")))


def _find_picture(name: str, folder: Path, images: Sequence[Path]) -> Path | None:
    picture = PurePosixPath(name.replace("\\", "/"))
    folder = folder.absolute()
    # `<folder>/<picture>` is relative to the folder above, unless the folder was renamed since.
    first = [folder / picture.name] if picture.parent.name == folder.name else []
    found = next((path for path in first if path.is_file()), None)
    return found or find_image([picture.as_posix()], [folder, *images, folder.parent])


def _state_key(picture: str) -> str:
    return "/".join(PurePosixPath(picture.strip().replace("\\", "/")).parts[-2:])


def _broken(draft: Draft, fault: str) -> Draft:
    return Draft(draft.where, TOOL, draft.name, faults=(fault,))

"""A document with what each of its tokens was taken for, as a picture.

python -m eval.label_overlay DOCUMENT -o OUT.png [--page N] [--labeller NAME]

A page shows its picture, a text its lines. Tokens are tinted by the kind of their label; beside those that
are labels of the form stands what they were taken for, where there is room. A red frame with a percentage
marks a confidence below 90 %.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from eval.label_baselines import load_labellers
from eval.overlay_pages import draw_page
from eval.overlay_style import DOUBT, FAINT, INK, KINDS, PAPER, SOFT, SURE, Pens, side_by_side
from eval.overlay_texts import draw_text
from giar_ml.cli.console import complain
from giar_ml.document import BBox, Token
from giar_ml.errors import GiarError, UsageError
from giar_ml.label import PageLabeller
from giar_ml.label.names import is_header
from giar_ml.load import load
from giar_ml.metrics.token_labels import Choice, choose_label
from training.labels.read_pages import ReadPage, read_pages

MAX_PAGES = 4
"""Side by side, where no page is named."""
PREFERRED = ("classifier", "regression", "fuzzy")


def draw_document(
    path: Path,
    labeller: PageLabeller,
    name: str,
    *,
    page: int | None = None,
    font: Path | None = None,
) -> Image.Image:
    """The overlay picture of a document: one page, or those that have labels of a form side by side.

    Raises:
        GiarError: the file cannot be read, has no such page or no paper, or there is no font.
    """
    pens = Pens(font)
    pages = read_pages(path)
    labelled = labeller.label_pages([found.placed() for found in pages])
    choices = [[choose_label(labels) for labels in found] for found in labelled]
    chosen = _choose_pages(path, pages, choices, page)
    shown = [choice for i in chosen for choice in choices[i]]
    if pages[chosen[0]].paper:
        sources = {source.number: source for source in load(path).pages}
        drawn = []
        for i in chosen:
            source = sources[pages[i].number]
            if source.image is None:
                raise UsageError(f"{path.name}: page {source.number} has no picture to draw on")
            picture = Image.fromarray(source.image).convert("RGB")
            tokens = _fit(pages[i], picture)
            drawn.append(draw_page(picture, tokens, choices[i], pens))
        body = side_by_side(drawn)
        numbers = ", ".join(str(pages[i].number) for i in chosen)
        where = f"page{'s' if len(chosen) > 1 else ''} {numbers} of {len(pages)}"
    else:
        if not pages[chosen[0]].lines:
            raise UsageError(f"{path.name}: a flowing document has no pages to draw; give its PDF or text")
        body = draw_text(pages[chosen[0]].lines, pages[chosen[0]].tokens, choices[chosen[0]], pens)
        where = f"{len(pages[chosen[0]].lines)} lines"
    heading = f"{path.name}   {where}   {len(shown)} tokens, labelled by the {name}"
    return add_legend(body, heading, shown, pens)


def add_legend(picture: Image.Image, heading: str, choices: Sequence[Choice], pens: Pens) -> Image.Image:
    """The picture below a strip that says what it is and what the tints mean."""
    counts = Counter(choice.label.partition(":")[0] for choice in choices)
    n_doubtful = sum(choice.confidence < SURE for choice in choices)
    zoom = min(max(picture.width / 2400, 1.0), 2.4)  # a wide sheet is looked at from afar
    height, margin, side = (round(zoom * px) for px in (92, 24, 22))
    sheet = Image.new("RGB", (max(picture.width, 1500), picture.height + height), PAPER)
    sheet.paste(picture, (0, height))
    draw = ImageDraw.Draw(sheet)
    draw.text((margin, margin), heading, font=pens(round(22 * zoom)), fill=INK, anchor="lm")
    font = pens(round(17 * zoom))
    x, y = float(margin), 65 * zoom
    entries = [
        (f"{kind.name}  {counts[key]}", kind.tint, kind.ink, INK if counts[key] else SOFT)
        for key, kind in KINDS.items()
    ]
    for words, tint, outline, ink in (*entries, (f"below {SURE:.0%}  {n_doubtful}", PAPER, DOUBT, DOUBT)):
        draw.rectangle(
            (x, y - side / 2, x + side, y + side / 2), fill=tint, outline=outline, width=round(zoom)
        )
        draw.text((x + 1.4 * side, y), words, font=font, fill=ink, anchor="lm")
        x += 2.5 * side + font.getlength(words)
    draw.line((0, height - 1, sheet.width, height - 1), fill=FAINT)
    return sheet


def _choose_pages(
    path: Path, pages: Sequence[ReadPage], choices: Sequence[Sequence[Choice]], number: int | None
) -> list[int]:
    if number is not None:
        found = [i for i, page in enumerate(pages) if page.number == number]
        if not found:
            raise UsageError(f"{path.name}: no page {number}; it has {len(pages)}")
        return found
    with_headers = [i for i, found in enumerate(choices) if any(is_header(choice.label) for choice in found)]
    return with_headers[:MAX_PAGES] or [0]


def _fit(page: ReadPage, picture: Image.Image) -> list[Token]:
    """The tokens in pixels of the picture."""
    x, y = picture.width / page.width, picture.height / page.height
    return [
        Token(t.text, BBox(t.bbox.left * x, t.bbox.top * y, t.bbox.right * x, t.bbox.bottom * y))
        for t in page.tokens
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m eval.label_overlay",
        description="Draws what each token of a document was taken for.",
    )
    parser.add_argument("document", type=Path, metavar="DOCUMENT", help="a PDF, a picture or a text")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.png")
    parser.add_argument(
        "--page", type=int, metavar="N", help="one page (default: those with labels of a form)"
    )
    parser.add_argument(
        "--labeller", choices=PREFERRED, help="default: the first that is there, in this order"
    )
    parser.add_argument("--model", type=Path, metavar="DIR", help="the classifier, if not the one installed")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="the trained logistic regression")
    parser.add_argument("--font", type=Path, metavar="FILE", help="a font with Chinese characters")
    args = parser.parse_args(arguments)
    try:
        labellers, missing = load_labellers(model=args.model, baseline=args.baseline)
        name = args.labeller or next(name for name in PREFERRED if name in labellers)
        if name not in labellers:
            raise UsageError(missing[name])
        picture = draw_document(args.document, labellers[name], name, page=args.page, font=args.font)
        args.output.parent.mkdir(parents=True, exist_ok=True)
        picture.save(args.output)
    except GiarError as error:
        complain(str(error))
        return error.exit_status
    except (OSError, ValueError) as error:
        complain(f"{args.output}: cannot be written ({error}); choose another -o")
        return UsageError.exit_status
    print(f"wrote {args.output}: {picture.width} by {picture.height} pixels")
    return 0


if __name__ == "__main__":
    sys.exit(main())

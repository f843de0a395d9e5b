"""Form fields and notes on a PDF page: what they show becomes part of the page."""

from __future__ import annotations

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

Edges = tuple[float, float, float, float]
"""Left, bottom, right and top in page space."""

_UNSEEN = pdfium_c.FPDF_ANNOT_FLAG_HIDDEN | pdfium_c.FPDF_ANNOT_FLAG_NOVIEW
_TEXT_FIELDS = (
    pdfium_c.FPDF_FORMFIELD_TEXTFIELD,
    pdfium_c.FPDF_FORMFIELD_COMBOBOX,
    pdfium_c.FPDF_FORMFIELD_LISTBOX,
)
_NO_TEXT = 2  # bytes: the end of a string in UTF-16


def flatten_annotations(page: pdfium.PdfPage) -> list[Edges]:
    """Draw on a page what its annotations show; it must be opened again to be seen.

    Returns:
        Where one has text but does not say how that looks.
    """
    blank = []
    for index in range(pdfium_c.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        flags = pdfium_c.FPDFAnnot_GetFlags(annotation)
        if flags & _UNSEEN:
            # PDFium would draw what is for print alone.
            pdfium_c.FPDFAnnot_SetFlags(annotation, flags | pdfium_c.FPDF_ANNOT_FLAG_HIDDEN)
        elif _is_blank(annotation) and _has_text(annotation, page.formenv):
            rect = pdfium_c.FS_RECTF()
            pdfium_c.FPDFAnnot_GetRect(annotation, rect)
            left, right = sorted((rect.left, rect.right))
            bottom, top = sorted((rect.bottom, rect.top))
            blank.append((left, bottom, right, top))
        pdfium_c.FPDFPage_CloseAnnot(annotation)
    pdfium_c.FPDFPage_Flatten(page, pdfium_c.FLAT_NORMALDISPLAY)
    return blank


def _is_blank(annotation: pdfium_c.FPDF_ANNOTATION) -> bool:
    return bool(
        pdfium_c.FPDFAnnot_GetAP(annotation, pdfium_c.FPDF_ANNOT_APPEARANCEMODE_NORMAL, None, 0) <= _NO_TEXT
    )


def _has_text(annotation: pdfium_c.FPDF_ANNOTATION, form: pdfium.PdfFormEnv | None) -> bool:
    subtype = pdfium_c.FPDFAnnot_GetSubtype(annotation)
    if subtype == pdfium_c.FPDF_ANNOT_FREETEXT:
        return bool(pdfium_c.FPDFAnnot_GetStringValue(annotation, b"Contents", None, 0) > _NO_TEXT)
    if subtype != pdfium_c.FPDF_ANNOT_WIDGET:
        return False
    if form is None:  # a field of no form
        return bool(pdfium_c.FPDFAnnot_GetStringValue(annotation, b"V", None, 0) > _NO_TEXT)
    return bool(
        pdfium_c.FPDFAnnot_GetFormFieldType(form, annotation) in _TEXT_FIELDS
        and pdfium_c.FPDFAnnot_GetFormFieldValue(form, annotation, None, 0) > _NO_TEXT
    )

"""Trains the reader of what the forms print, see `giar_ml.ocr.captions`."""

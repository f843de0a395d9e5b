"""What can go wrong with an input, each with a stable code, an exit status and an HTTP status."""

from __future__ import annotations


class GiarError(Exception):
    """Base of all errors that a user can act on. The message names the file and says what to do."""

    code = "error"
    exit_status = 4
    http_status = 422


class UsageError(GiarError):
    """The call itself is wrong: an option, an output folder or stdout that cannot be written."""

    code = "usage"
    exit_status = 2
    http_status = 400


class InputError(GiarError):
    """The file cannot be read as a report. `code` says why."""

    def __init__(self, message: str, *, code: str = "unreadable_input") -> None:
        super().__init__(message)
        self.code = code


class MissingSystemLibraryError(GiarError):
    """A shared library of the operating system is missing."""

    code = "missing_system_library"
    exit_status = 2
    http_status = 500


class EngineError(GiarError):
    """An OCR engine, a model folder or a device cannot be used."""

    code = "engine"
    exit_status = 2
    http_status = 500

"""Says what the machine lacks before the long installation starts. Runs on any Python 3."""

import ctypes
import importlib.util
import sys

LIBRARIES = (
    ("libGL.so.1", "libgl1"),
    ("libgthread-2.0.so.0", "libglib2.0-0"),
)


def main():
    lacks = []
    packages = []
    if sys.version_info < (3, 11):  # noqa: UP036 - an older Python runs this to be told so
        version = sys.version.split()[0]
        lacks.append("Python 3.11 or newer (this is " + version + "; name another with PYTHON=...)")
    elif not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        lacks.append("Python's venv module")
        packages.append("python3-venv")
    for library, package in LIBRARIES if sys.platform == "linux" else ():
        try:
            ctypes.CDLL(library)
        except OSError:
            lacks.append("the system library " + library)
            packages.append(package)
    if not lacks:
        return 0
    sys.stderr.write("giar_ml cannot be set up here. Missing:\n")
    for lack in lacks:
        sys.stderr.write("  - " + lack + "\n")
    if packages:
        sys.stderr.write("On Debian or Ubuntu: sudo apt-get install -y " + " ".join(packages) + "\n")
    return 1


sys.exit(main())

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

CHECK = ROOT / "tools" / "check_system.py"


def run_check(prelude: str) -> subprocess.CompletedProcess[str]:
    """Run the system check after code that takes something from the machine."""
    code = f"{prelude}\nexec(compile(open({str(CHECK)!r}).read(), 'check', 'exec'))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("prelude", "expected"),
    [
        pytest.param("import sys; sys.version_info = (3, 9, 2)", ["Python 3.11 or newer"], id="old Python"),
        pytest.param(
            "import importlib.util as u; u.find_spec = lambda name: None",
            ["venv module", "apt-get install -y python3-venv"],
            id="no venv",
        ),
        pytest.param(
            "import ctypes, sys; sys.platform = 'linux'\ndef lost(name): raise OSError\nctypes.CDLL = lost",
            ["libGL.so.1", "apt-get install -y libgl1 libglib2.0-0"],
            id="no libraries",
        ),
    ],
)
def test_what_the_machine_lacks_is_named(prelude, expected):
    run = run_check(prelude)
    assert run.returncode == 1
    for words in expected:
        assert words in run.stderr


def test_this_machine_passes():
    assert run_check("").returncode == 0


def test_the_system_check_parses_on_old_python():
    compile(CHECK.read_text(encoding="utf-8"), str(CHECK), "exec", dont_inherit=True)
    assert "f'" not in CHECK.read_text(encoding="utf-8")
    assert 'f"' not in CHECK.read_text(encoding="utf-8")


def test_scripts_are_sound_shell():
    script = Path(ROOT, ".ci", "run")
    assert script.stat().st_mode & 0o100
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_readme_explains_every_problem_code():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pattern = re.compile(r'\bcode\s*=\s*"([a-z_]+)"|(?<!class )\bProblem\(\s*"([a-z_]+)"')
    codes = {
        match[1] or match[2]
        for path in (ROOT / "giar_ml").rglob("*.py")
        for match in pattern.finditer(path.read_text(encoding="utf-8"))
    } - {"error", "usage", "unreadable_input"}
    assert len(codes) > 10
    assert sorted(code for code in codes if f"`{code}`" not in readme) == []

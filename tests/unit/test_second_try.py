"""Tests that fail are tried once more, few and by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RACE = "from pathlib import Path\ndef test_race():\n    assert Path('seen').exists() or Path('seen').touch()\n"
FAULT = "def test_fault():\n    assert not 'wrong'\n"
GOOD = "def test_good():\n    pass\n"
MANY = "import pytest\n@pytest.mark.parametrize('n', range({count}))\ndef test_one(n):\n    assert n < 0\n"


@pytest.mark.parametrize(
    ("source", "code", "tried_again"),
    [
        (GOOD, 0, False),
        (GOOD + RACE, 0, True),
        (GOOD + RACE + FAULT, 1, True),
        (MANY.format(count=3), 1, True),
        (MANY.format(count=4), 1, False),
        (GOOD + "nonsense", 2, False),
    ],
    ids=["good", "race", "fault", "three", "four", "unreadable"],
)
def test_only_few_failures_are_tried_again(tmp_path: Path, source: str, code: int, tried_again: bool) -> None:
    (tmp_path / "test_it.py").write_text(source, encoding="utf-8")
    root = Path(__file__).parents[2]
    pytests = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "--rootdir", ".", "test_it.py"]
    program = (
        f"import sys; sys.path.insert(0, {str(root)!r}); from tests.second_try import run; sys.exit(run({pytests}))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("tried once more" in done.stderr) == tried_again
    if source == GOOD + RACE:
        assert "test_it.py::test_race" in done.stderr
        assert done.stdout.splitlines()[-1].startswith("1 passed"), "the last line is pytest's own"

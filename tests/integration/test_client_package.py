"""The client and the language, installed alone as a stranger would, run what the guide shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import one_clock
from tests.patience import PATIENCE
from tests.processes import bare_environment, running

pytestmark = pytest.mark.clock

ROOT = Path(__file__).parents[2]
UV = ROOT / ".venv-uv" / "bin" / "uv"
GUIDE = ROOT / "docs" / "sdk.md"
NEVER = {
    "aiokafka",
    "asyncpg",
    "aiosqlite",
    "sqlalchemy",
    "fastapi",
    "starlette",
    "pydantic",
    "yaml",
    "prometheus_client",
}


def install(home: Path) -> Path:
    """Return the Python of a fresh environment with the two packages, from what is at hand or else from the index."""
    environment = home / "acme"
    # At the machine's own time: on another day the certificate of the index has expired.
    now = {name: value for name, value in os.environ.items() if name not in one_clock.HIDDEN}
    subprocess.run([UV, "venv", "-q", "--python", sys.executable, environment], check=True, timeout=PATIENCE, env=now)
    python = environment / "bin" / "python"
    command = [UV, "pip", "install", "-q", "--python", python, ROOT / "libs/cx_events", ROOT / "libs/cx_client"]
    offline = subprocess.run([*command, "--offline"], check=False, capture_output=True, timeout=PATIENCE, env=now)
    if offline.returncode != 0:
        subprocess.run(command, check=True, timeout=PATIENCE, env=now)
    return python


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield install(tmp_path_factory.mktemp("environment"))


def run(python: Path, program: str, **settings: str) -> str:
    ended = subprocess.run(
        [python, "-I", "-c", program],
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 0, f"{program}\n{ended.stdout}\n{ended.stderr}"
    assert ended.stderr == ""
    return ended.stdout


def test_the_packages_bring_no_drivers_of_a_hub(python: Path) -> None:
    program = (
        "import sys, json, cx_client, cx_events.building, cx_events.client_events, importlib.metadata as m\n"
        "names = {name.partition('.')[0] for name in sys.modules} | set(m.packages_distributions())\n"
        "print(json.dumps(sorted(names)))"
    )
    names = set(json.loads(run(python, program)))
    assert {"cx_client", "cx_events", "httpx2", "msgspec"} <= names
    assert not names & NEVER


def programs() -> list[str]:
    """Return the programs of the guide."""
    return re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_guides_programs_are_well_typed(python: Path, tmp_path: Path) -> None:
    files = [tmp_path / f"program_{number}.py" for number, _ in enumerate(programs())]
    for file, program in zip(files, programs(), strict=True):
        file.write_text(program, encoding="utf-8")
    strictly = [
        "--strict",
        "--python-executable",
        python,
        "--cache-dir",
        tmp_path / "cache",
        "--config-file",
        os.devnull,
    ]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", *strictly, *files],
        env={"PATH": os.environ["PATH"]},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_the_guides_programs_run_in_a_fresh_environment(python: Path, tmp_path: Path) -> None:
    assert len(programs()) >= 6
    assert "CX_KEY" not in bare_environment()
    with running("up", {"CX_HOME": str(tmp_path / "cx")}, tmp_path / "said.txt") as hub:
        settings = {"CX_URL": hub.url, "CX_KEY": (tmp_path / "cx" / "key").read_text().strip()}
        said = [run(python, program, **settings) for program in programs()]
    assert "'messages': 1" in said[0]
    assert said[1] == "250 accepted\n"
    assert "interactions are Ben's" in said[-1]

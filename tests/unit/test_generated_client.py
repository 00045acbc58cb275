"""A generator that others wrote makes a client of every document whole: no warning, no operation left out."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.openapi_files import FOLDER, ROOT, documents

CONFIGURATION = ROOT / FOLDER / "openapi-python-client.yaml"


def generate(document: Path, folder: Path) -> str:
    """Generate a client in ``folder`` and return what the generator said; it fails where it warns."""
    bin = Path(sys.executable).parent
    command = [bin / "openapi-python-client", "generate", "--path", document, "--config", CONFIGURATION]
    options = ["--output-path", folder, "--meta", "none", "--fail-on-warning"]
    done = subprocess.run(
        [*command, *options],
        env={**os.environ, "PATH": f"{bin}{os.pathsep}{os.environ.get('PATH', '')}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", documents())
def test_a_client_is_generated_of_the_whole_document(tmp_path: Path, name: str) -> None:
    said = generate(ROOT / FOLDER / f"{name}.json", tmp_path / "client")
    assert "WARNING" not in said.upper()
    made = {path.stem for path in (tmp_path / "client" / "api").glob("*/*.py")} - {"__init__"}
    known = {each["operationId"] for methods in documents()[name]["paths"].values() for each in methods.values()}
    assert made == known
    for path in (tmp_path / "client").rglob("*.py"):
        ast.parse(path.read_text(encoding="utf-8"))


def test_a_generator_that_warns_is_noticed(tmp_path: Path) -> None:
    """Generators don't know what an array without ``items`` holds."""
    operation = documents()["ops"]["paths"]["/v1/ops/lag"]["get"]
    unknown = {"200": {"description": "", "content": {"application/json": {"schema": {"type": "array"}}}}}
    broken = {**documents()["ops"], "paths": {"/v1/ops/lag": {"get": {**operation, "responses": unknown}}}}
    (tmp_path / "broken.json").write_text(json.dumps({**broken, "components": {}}), encoding="utf-8")
    with pytest.raises(AssertionError):
        generate(tmp_path / "broken.json", tmp_path / "client")

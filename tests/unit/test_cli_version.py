"""The command says which release it is."""

from __future__ import annotations

import pytest

from cx_hub.cli import run
from cx_runtime.release import release


def test_the_command_prints_its_version(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capfd.readouterr().out == f"cx {release()}\n"

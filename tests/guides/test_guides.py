"""Somebody who types the commands of a guide, in order and as they are written, gets through it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.guides.blocks import blocks_of, guides
from tests.guides.preparations import LETTERS, prepare
from tests.guides.shell import Shell, shell_in_clone

pytestmark = pytest.mark.timeout(1200)

TOOLS = ("bash", "curl", "jq")


def walk(shell: Shell, page: str) -> dict[str, str]:
    """Run all blocks of a page that no other test tries; what each said, by its commands."""
    said: dict[str, str] = {}
    heading = ""
    for block in blocks_of(page):
        if block.heading != heading:
            heading = block.heading
            prepare(shell, page, heading)
        if not block.tried_by:
            said[block.commands] = shell.run(block)
    return said


@pytest.fixture
def home(tmp_path: Path) -> Path:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing and not os.environ.get("CI"):
        pytest.skip(f"the guides use {', '.join(missing)}")
    assert missing == []
    return tmp_path


@pytest.mark.parametrize("page", guides())
def test_a_guides_commands_run_in_order(page: str, home: Path) -> None:
    with shell_in_clone(home) as shell:
        said = walk(shell, page)
    if page == "docs/operators.md":
        (retried,) = (text for commands, text in said.items() if 'retry --group "$GROUP"' in commands)
        assert f"{LETTERS - 1} dead letters tried again" in retried.replace(",", "")

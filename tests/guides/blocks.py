"""The blocks of commands in the guides: all that is fenced as ``sh``, in order.

A comment on the line before a block, which readers do not see, says how it is tried where running it to its end will
not do. Several may stand above each other:

    <!-- tried by tests/deploy/test_compose.py::test_data_lies_in_volumes: needs Docker -->
    <!-- goes on until: ready -->

The first names another test, and why; the second is for commands that run until they are stopped: they go on beside the
following blocks once they have printed that text.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r" *```(\w*)\n?$")
_HEADING = re.compile(r"#+ (.+)")
_MARK = re.compile(r" *<!-- (tried by|goes on until)[: ](.*?) ?-->$")
_TRIED = re.compile(r"(?P<test>tests/\S+\.py::test_\w+): (?P<why>.+)")


class Block(NamedTuple):
    """``line``: the number of its first command's; ``heading``: the nearest above it; ``tried_by`` and ``why``: the
    other test that tries it; ``goes_on_until``: what it prints once it is up, if it does not end by itself."""

    page: str
    line: int
    heading: str
    commands: str
    tried_by: str = ""
    why: str = ""
    goes_on_until: str = ""

    @property
    def place(self) -> str:
        """Return ``PAGE:LINE``."""
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Return every page of the repository."""
    folders = ("docs", "deploy", "services", "libs", "schemas")
    return sorted([*ROOT.glob("*.md"), *(page for folder in folders for page in ROOT.glob(f"{folder}/**/*.md"))])


def guides() -> list[str]:
    """Return every page that has a block of commands, by its path below the root."""
    return [name for name in (str(page.relative_to(ROOT)) for page in pages()) if blocks_of(name)]


def blocks_of(page: str) -> list[Block]:
    """Return the blocks of a page, in order."""
    return read_blocks(page, (ROOT / page).read_text(encoding="utf-8"))


def read_blocks(page: str, text: str) -> list[Block]:
    """Return the blocks in the text of a page. Raise ``ValueError`` for a mark that can't be read or has no block."""
    found: list[Block] = []
    heading, marks, lines = "", {}, text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if mark := _MARK.match(line):
            marks[mark[1]] = mark[2].strip()
        elif fence := _FENCE.match(line):
            end = next(each for each in range(at, len(lines)) if lines[each].strip() == "```")
            if fence[1] == "sh":
                found.append(_block(Block(page, at + 1, heading, _unindented(lines[at:end])), marks))
                marks = {}
            at = end + 1
        elif marks:
            raise ValueError(f"{page}:{at}: a mark stands on the line before a block")
        elif title := _HEADING.match(line):
            heading = title[1]
    return found


def _block(block: Block, marks: dict[str, str]) -> Block:
    tried = _TRIED.fullmatch(marks.get("tried by", ""))
    if "tried by" in marks and tried is None:
        raise ValueError(f"{block.place}: write <!-- tried by tests/FILE.py::test_NAME: WHY -->")
    if tried is not None:
        block = block._replace(tried_by=tried["test"], why=tried["why"])
    return block._replace(goes_on_until=marks.get("goes on until", ""))


def _unindented(lines: list[str]) -> str:
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join(line[margin:] for line in lines) + "\n"

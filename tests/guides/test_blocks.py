"""Every block of commands in the guides is run, or names the test that tries it; every page names its reader."""

from __future__ import annotations

import re

import pytest
from tests.guides.blocks import ROOT, blocks_of, guides, pages, read_blocks

PAGES = sorted(
    str(page.relative_to(ROOT)) for page in [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "recipes").glob("*.md")]
)
COMMAND = re.compile(
    r"^ *(\$ |(\w+=\S+ )*(\./cx|cx|curl|jq|python3?|pip|uv|npm|npx|\.venv/\S+|docker\S*|kubectl|faketime|export) )",
    re.MULTILINE,
)
"""How a line begins that somebody would type."""
READER = re.compile(r"# .+\n\n(?:<!-- .+ -->\n\n)?\*For .+\*\n")


def test_the_guides_are_found() -> None:
    assert {"README.md", "CONTRIBUTING.md", "docs/operators.md", "docs/integrating.md"} <= set(guides())


@pytest.mark.parametrize("page", guides())
def test_tests_that_blocks_name_exist(page: str) -> None:
    for block in blocks_of(page):
        if block.tried_by:
            file, _, test = block.tried_by.partition("::")
            assert re.search(rf"^(async )?def {test}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), block.place


@pytest.mark.parametrize("page", PAGES)
def test_each_page_names_its_reader(page: str) -> None:
    assert READER.match((ROOT / page).read_text(encoding="utf-8")), f"{page}: write '*For ...*' below the title"


def test_commands_hide_in_no_other_fence() -> None:
    """Commands that are fenced as ``bash``, ``console`` or nothing would be run by no test."""
    hidden = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for language, content in re.findall(r"^ *```(\w*)\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
            if language != "sh" and COMMAND.search(content):
                hidden.append(f"{page.name}: {content.strip().splitlines()[0]}")
    assert hidden == []


PAGE = """# Title

## One

<!-- tried by tests/x.py::test_y: needs Docker -->
```sh
docker ps
```

- item:

  <!-- goes on until: ready -->
  ```sh
  cx up
  ```

```json
{}
```
"""


def test_blocks_are_read_with_their_marks() -> None:
    first, second = read_blocks("page.md", PAGE)
    assert (first.line, first.heading, first.commands) == (7, "One", "docker ps\n")
    assert (first.tried_by, first.why, first.goes_on_until) == ("tests/x.py::test_y", "needs Docker", "")
    assert (second.commands, second.tried_by, second.goes_on_until) == ("cx up\n", "", "ready")


@pytest.mark.parametrize(
    "text", ["<!-- tried by hand -->\n```sh\nls\n```\n", "<!-- goes on until: x -->\n\nwords\n\n```sh\nls\n```\n"]
)
def test_a_mark_without_a_test_or_block_fails(text: str) -> None:
    with pytest.raises(ValueError, match=r"page\.md"):
        read_blocks("page.md", text)

"""Rules of the pages' JavaScript that no linter says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "services/cx_desktop/web"
MODULES = sorted(WEB.rglob("*.js"))
STYLES = sorted(WEB.rglob("*.css"))
NAMES = [str(path.relative_to(WEB)) for path in MODULES]

MARKUP = re.compile(r"\.(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|srcdoc)\b|document\.write|DOMParser")
RUNS_TEXT = re.compile(r"\beval\(|\bnew Function\(|setTimeout\(\s*[\"'`]|javascript:")
TOUCHES_THE_DOCUMENT = re.compile(r"\bdocument\.")
REQUESTS = re.compile(r"(?<![.\w])fetch\(|XMLHttpRequest|sendBeacon|new EventSource|new WebSocket")
IN_THE_RIM = {"kit/dom.js", "kit/page.js", "kit/early_theme.js"}
ASKS = {"kit/http.js", "kit/follower.js"}
RAW_COLOUR = re.compile(r"(?<![\w&-])#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(")
PHYSICAL = re.compile(r"(?<![\w-])(?:(?:margin|padding|border)-(?:left|right|top|bottom)|left|right|width|height)\s*:")
MOST_LINES = 250


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_modules_make_no_markup_and_run_no_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert MARKUP.search(text) is None
    assert RUNS_TEXT.search(text) is None


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_two_modules_touch_the_document_and_two_request(path: Path) -> None:
    name = str(path.relative_to(WEB))
    text = path.read_text(encoding="utf-8")
    if name not in IN_THE_RIM:
        assert TOUCHES_THE_DOCUMENT.search(text) is None
    if name not in ASKS:
        assert REQUESTS.search(text) is None


@pytest.mark.parametrize("path", MODULES, ids=NAMES)
def test_modules_are_short_and_say_what_they_are(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert text.startswith(("/**", "// "))


@pytest.mark.parametrize("path", STYLES, ids=[str(path.relative_to(WEB)) for path in STYLES])
def test_styles_have_no_raw_colours_and_no_sides(path: Path) -> None:
    """Colours are tokens, so both themes have them; sides are logical, so right-to-left pages are mirrored."""
    if path.name == "tokens.css":
        return
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    rules = re.sub(r"@media[^{]*", "", text)
    assert RAW_COLOUR.findall(rules) == []
    assert PHYSICAL.findall(rules) == []

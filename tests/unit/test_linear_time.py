"""No input costs more than linear time: every pattern and every entrance of foreign text, on growing hostile texts.

These are the suite's only bounds on time. They are of a child's own CPU time and far above what is usual, so that no
machine is too slow for them: a pattern takes some ten milliseconds for 64 KiB where time grows with the length, many
seconds where it grows with the square. Of the entrances it is the growth from 8 to 64 KiB that counts.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from tests.examples import FACTOR
from tests.growth.entries import WRAPPED, entries
from tests.growth.patterns import ROOT, Found, inventory, may_have_patterns, uses_in
from tests.growth.possessive import wrong_repetitions
from tests.growth.trying import pattern_task, try_all

PATTERN_SECONDS = 1.0
ENTRY_SECONDS = 5.0
"""CPU seconds for a text of 64 KiB: the slowest entrance, HTML with a tag every five characters, takes 0.2."""

TOGETHER = 10
"""So many groups are tried in one child: one takes longer to begin than most take to be tried."""

SHARE = 5
"""At a place of a provider's recordings one hostile text in so many is tried, all where all examples are
(``tests.examples``). Each text meets each code: that behind a place is behind many."""

MAIL_PARTS = 5
"""In so many parts the largest group is tried, so that no test is long on a machine that has much else to do."""


def _task(group: str, part: int = 0, parts: int = 1) -> dict[str, Any]:
    share = SHARE if FACTOR == 1 and group not in WRAPPED else 1
    return {"name": group, "group": group, "part": [part, parts], "seconds": ENTRY_SECONDS, "share": share}


SMALL = [_task(group) for group in entries() if group != "mail"]
TASKS = [SMALL[at : at + TOGETHER] for at in range(0, len(SMALL), TOGETHER)]
TASKS += [[_task("mail", part, MAIL_PARTS)] for part in range(MAIL_PARTS)]
pytestmark = pytest.mark.timeout(0)
"""The child's CPU time is bounded, not the clock's."""

SOURCES = sorted(path for root in ("libs", "services") for path in (ROOT / root).rglob("*.py"))
FILES = [str(path.relative_to(ROOT)) for path in SOURCES if may_have_patterns(path.read_text(encoding="utf-8"))]
FILES_TOGETHER = 4
"""In so many children all patterns are tried: one takes longer to begin than most files' patterns take."""


@cache
def by_file() -> dict[str, list[Found]]:
    """Return the patterns of each file, worked out where a test asks: not by each worker that collects the tests."""
    found = inventory(SOURCES)
    return {file: list(each) for file, each in groupby(found, key=lambda found: found.place.partition(":")[0])}


@pytest.mark.parametrize("part", range(FILES_TOGETHER))
def test_no_pattern_takes_more_than_linear_time(part: int) -> None:
    """Each file with patterns is in one part."""
    assert set(by_file()) <= set(FILES)
    patterns = [found for file in FILES[part::FILES_TOGETHER] for found in by_file().get(file, ())]
    outcome = try_all([pattern_task(found, PATTERN_SECONDS) for found in patterns])
    assert not outcome.stuck
    assert outcome.tried > len(patterns)


@pytest.mark.parametrize("tasks", TASKS, ids=lambda tasks: f"{tasks[0]['name']} and {len(tasks) - 1} more")
def test_no_entrance_takes_more_than_linear_time(tasks: list[dict[str, Any]]) -> None:
    outcome = try_all(tasks)
    assert not outcome.stuck
    assert outcome.tried > 25 * len(tasks)


@pytest.mark.parametrize(
    "planted",
    [
        re.compile(r"[a-z]+@"),
        re.compile(r"\s*,\s*"),
        re.compile(r"(\d+)+x"),
        re.compile(r'"([^"\\]|\\.)*"!'),
        re.compile(rb"^From:[ \t]*(.*)[ \t]*$\n", re.MULTILINE),
    ],
    ids=lambda pattern: str(pattern.pattern),
)
def test_a_planted_pattern_that_takes_more_is_caught(planted: re.Pattern[str]) -> None:
    found = Found("planted", planted, frozenset({"scan"}))
    assert try_all([pattern_task(found, PATTERN_SECONDS)]).stuck.startswith("planted: scan of ")


def test_no_repetition_is_matched_wrongly_by_older_pythons() -> None:
    patterns = [found for each in by_file().values() for found in each]
    assert [found.place for found in patterns if wrong_repetitions(found.pattern)] == []


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("(?:ab?c)++", 1),
        ("(?:.(?!D))*+", 1),
        (r'(?:[^"\\]|\\.)*+"', 1),
        ("(?>ab|cd)", 1),
        ("(?:c(?:ab)?)?+", 0),
        ("(?:(?=ab?c)ab?c)++", 0),
        ("(?:[a-z]|(?!ok)o)*+", 0),
        ("(?:ab?c)+", 0),
        ("[ab]++c", 0),
    ],
)
def test_repetitions_that_keep_what_failed_are_found(pattern: str, count: int) -> None:
    assert wrong_repetitions(re.compile(pattern)) == count


def test_a_planted_entrance_that_takes_more_is_caught() -> None:
    """By its slowest text, which the shortest size already tells from others by microseconds."""
    assert try_all([{**_task("planted"), "share": 1}]).stuck.startswith(
        "an entrance: an entrance: 65536 characters '(((("
    )


def test_a_pattern_is_tried_as_it_is_used(tmp_path: Path) -> None:
    found = next(
        each for each in by_file()["services/cx_channels/kit/mail/message/quotes.py"] if "_{5,}" in each.pattern.pattern
    )
    assert found.uses == {"fullmatch"}
    assert any(each.uses == {"scan"} for each in by_file()["services/cx_channels/kit/mail/mime/headers.py"])
    assert any(found.uses >= {"scan"} for found in by_file()["services/cx_context_api/requests/bodies.py"])


def test_equal_names_of_two_modules_are_two_names() -> None:
    modules = {
        "a": "PATTERN = re.compile('x')\nPATTERN.fullmatch(text)",
        "b": "PATTERN = 'x'\nfor each in (PATTERN,): print(each)",
        "c": "from a import PATTERN as known\nknown.match(text)",
    }
    used = uses_in({name: ast.parse(source) for name, source in modules.items()})
    assert used["a", "PATTERN"] == {"fullmatch", "match"}
    assert used["b", "PATTERN"] == {"match", "fullmatch", "scan"}

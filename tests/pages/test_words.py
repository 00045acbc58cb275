"""Every value that a page can show has words: what the API may answer, and each type of event."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Page
from tests.openapi_files import documents

from cx_context.threading.conversations import CONFIDENCE
from cx_context.threading.one_contact import SAME_CALL
from cx_events.catalogue import all_types
from cx_events.dead_letters import CONFLICT, DECODE, FOLD, MAP

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS = """async ([path, name]) => {
  const base = document.querySelector("script[type=module]").src.replace(/desk\\/main\\.js$/, "");
  const table = (await import(base + path))[name];
  return table instanceof Set ? [...table] : Object.keys(table);
}"""

TABLES = {
    "Level": ("desk/views/certainty.js", "LEVELS"),
    "Delivery.state": ("desk/views/entry.js", "DELIVERIES"),
    "EventData.channel": ("kit/icons.js", "NAMES"),
    "EventSurvey.metric": ("desk/step_words.js", "METRICS"),
    "SurveyAnswer.metric": ("desk/step_words.js", "METRICS"),
    "ListedSentiment.trend": ("desk/views/mood.js", "TRENDS"),
    "Sentiment.trend": ("desk/views/mood.js", "TRENDS"),
    "WhyNow.from": ("desk/views/reasons.js", "FROM"),
    "PollerState.state": ("console/views/connections.js", "POLLERS"),
    "Replay.phase": ("console/views/replay.js", "TONES"),
}
"""Members of answers, with the table that has words for each of their values."""

OTHERWISE = {
    "Assignment.why": "not shown: the contact opens",
    "Attachment.place": "a link, or 'not kept here'",
    "Brief.level": "answered to programs",
    "Brief.reason": "answered to programs",
    "CloudEvent.specversion": "shown in an event's JSON alone",
    "Conversation.state": "which list it stands in",
    "Customer.display_weight": "not shown",
    "DeadLetterLine.state": "choices in words (console/views/letters.js, STATES)",
    "DirectoryAgent.told_by": "not shown",
    "DirectoryQueue.told_by": "not shown",
    "DirectoryUnheeded.kind": "not shown",
    "EdgeState": "not shown: edges stand in no page",
    "EventData.direction": "who speaks, by name",
    "EventHandoff.by": "who asked, in a sentence",
    "EventIdentifier.weight": "'claimed' beside it, or nothing",
    "EventParticipant.role": "who speaks, by name",
    "FoundCustomer.display_weight": "not shown",
    "Handover.by": "who asked, in a sentence",
    "Holder.kind": "which list it stands in",
    "JourneyOutcome.state": "'open', or how long it was",
    "JsonRpcAnswer.jsonrpc": "answered to programs",
    "KnownAnswer.from": "'told the bot', or a proof",
    "LetterGroup.state": "choices in words (console/views/letters.js, STATES)",
    "ListedConversation.state": "which list it stands in",
    "Me.required_assurance": "the story stays shut, in words",
    "Obstacle.reason": "a sentence for each (desk/identity/compare.js)",
    "Original.encoding": "not shown",
    "Original.place": "not shown",
    "PollerProblem.level": "a tone, with the problem's own sentence",
    "ProjectorCondition": "words for each (console/health.js, partState)",
    "RefusedClaim.reason": "answered to programs",
    "RefusedClaim.yours": "answered to programs",
    "SearchPage.in": "which list it stands in",
    "SubscriptionState.state": "words for each (console/views/subscriptions.js, standing)",
    "TokenUse.refused": "not shown",
}
"""Members of answers whose values no page shows as they are, and what it shows."""


async def keys(page: Page, path: str, name: str) -> set[str]:
    found: list[str] = await page.evaluate(KEYS, [path, name])
    return set(found)


def answered() -> dict[str, set[str]]:
    """The enumerated values of the API's answers, by schema and member."""
    found: dict[str, set[str]] = {}
    for name in ("context", "ops", "desktop"):
        document = documents()[name]
        shapes = document["components"]["schemas"]
        for shape in reached(document, shapes):
            for member, values in enumerated(shapes[shape]):
                place = f"{shape}.{member}" if member else shape
                found.setdefault(place, set()).update(each for each in values if each)
    return found


def reached(document: Any, shapes: Any) -> set[str]:
    """The schemas that answers are made of."""
    operations = [each for methods in document["paths"].values() for each in methods.values() if isinstance(each, dict)]
    left = [name for each in operations for name in references(each.get("responses", {}))]
    found: set[str] = set()
    while left:
        name = left.pop()
        if name not in found and name in shapes:
            found.add(name)
            left.extend(references(shapes[name]))
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def enumerated(shape: Any, member: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Yield the members of a schema that are enumerated, with their values."""
    if isinstance(shape, dict):
        if isinstance(shape.get("enum"), list):
            yield member, shape["enum"]
        for name, each in shape.get("properties", {}).items():
            yield from enumerated(each, name)
        for key in ("items", "additionalProperties", "anyOf", "oneOf", "allOf"):
            yield from enumerated(shape.get(key), member)
    elif isinstance(shape, list):
        for each in shape:
            yield from enumerated(each, member)


def bare(types: set[str]) -> set[str]:
    """``message.received`` of ``cx.message.received.v1``."""
    return {type.removeprefix("cx.").rpartition(".v")[0] for type in types}


async def test_every_enumeration_is_looked_at() -> None:
    found = set(answered())
    assert {name: [] for name in found - TABLES.keys() - OTHERWISE.keys()} == {}, "say what a page shows of it"
    assert (TABLES.keys() | OTHERWISE.keys()) - found == set(), "it is answered no longer"


async def test_every_value_has_words(page: Page) -> None:
    found = answered()
    missing = {place: found[place] - await keys(page, *table) for place, table in TABLES.items()}
    assert {place: values for place, values in missing.items() if values} == {}


async def test_every_type_of_event_has_words(page: Page) -> None:
    types = bare({each.name for each in all_types()})
    said = await keys(page, "desk/step_words.js", "WORDS") | await keys(page, "desk/step_words.js", "SPOKEN")
    without_customer = {each for each in types if each.startswith(("operations.", "directory."))}
    assert types - without_customer - said - {"conversation.note"} == set()
    acts = {each.removeprefix("operations.") for each in types if each.startswith("operations.")}
    assert acts - await keys(page, "console/views/acts.js", "WORDS") == set()


async def test_every_rule_and_stage_has_words(page: Page) -> None:
    assert await keys(page, "desk/views/timeline.js", "RULES") == {"first", SAME_CALL, *CONFIDENCE}
    assert await keys(page, "console/issues.js", "STAGES") == {MAP, DECODE, FOLD, CONFLICT}
    assert await keys(page, "console/views/projectors.js", "WORKERS") == {"running", "waiting", "stuck"}

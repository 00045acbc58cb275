"""The pure modules of the pages, run where they run: in a browser."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

CALL = """async ([path, name, given]) => {
  const base = document.querySelector("script[type=module]").src.replace(/desk\\/main\\.js$/, "");
  const module = await import(base + path);
  try { return {told: module[name](...given)}; } catch (error) { return {error: error.name}; }
}"""


async def call(page: Page, path: str, name: str, *given: Any) -> Any:
    told = await page.evaluate(CALL, [path, name, list(given)])
    return told.get("error", told.get("told"))


@pytest.mark.parametrize(
    ("value", "patch", "wanted"),
    [
        ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}], {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, [{"op": "remove", "path": "/a"}], {"b": 2}),
        ({"a": {"b": [1, 3]}}, [{"op": "add", "path": "/a/b/1", "value": 2}], {"a": {"b": [1, 2, 3]}}),
        ({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}], {"a": [1, 2]}),
        ({"a": [1, 2]}, [{"op": "remove", "path": "/a/0"}, {"op": "replace", "path": "/a/0", "value": 3}], {"a": [3]}),
        ({"a/b": {"~": 1}}, [{"op": "replace", "path": "/a~1b/~0", "value": 2}], {"a/b": {"~": 2}}),
        ({"": 1}, [{"op": "replace", "path": "/", "value": 2}], {"": 2}),
        ({"a": 1}, [{"op": "replace", "path": "", "value": [1]}], [1]),
        ({"a": 1}, [{"op": "remove", "path": "/b"}], "RangeError"),
        ({"a": 1}, [{"op": "replace", "path": "/toString", "value": 2}], "RangeError"),
        ({"a": [1]}, [{"op": "remove", "path": "/a/1"}], "RangeError"),
        ({"a": [1]}, [{"op": "add", "path": "/a/01", "value": 2}], "RangeError"),
        ({"a": 1}, [{"op": "add", "path": "/a/b", "value": 2}], "RangeError"),
    ],
)
async def test_a_patch_makes_what_the_rfc_says(page: Page, value: Any, patch: Any, wanted: Any) -> None:
    assert await call(page, "kit/json_patch.js", "applyPatch", value, patch) == wanted


async def test_an_event_is_read_off_its_lines(page: Page) -> None:
    block = 'event: context\nid: a1\nretry: 700\ndata: {"a":\ndata: 1}'
    wanted = {"name": "context", "id": "a1", "retry": 700, "data": {"a": 1}}
    assert await call(page, "kit/sse.js", "parseEvent", block) == wanted
    assert (await call(page, "kit/sse.js", "parseEvent", ": a comment"))["data"] is None


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(0, "0:00"), (38_000, "0:38"), (252_000, "4:12"), (7_300_000, "2 h"), (86_400_000, "1 day"), (-5, "0:00")],
)
async def test_a_wait_is_said_as_people_say_it(page: Page, milliseconds: int, words: str) -> None:
    assert await call(page, "kit/time_words.js", "waitWords", milliseconds) == words


async def test_a_mail_is_parted_from_what_it_carries(page: Page) -> None:
    text = "Thank you.\n\nOn Wed, Ben wrote at noon wrote:\n> We refunded it\n> Ben"
    parts = await call(page, "desk/mail_text.js", "partsOfMail", text)
    assert parts["said"] == "Thank you."
    assert parts["quoted"].endswith("> Ben")
    answered_below = "> Which order?\n4711"
    assert (await call(page, "desk/mail_text.js", "partsOfMail", answered_below))["said"] == answered_below
    assert (await call(page, "desk/mail_text.js", "partsOfMail", "Hi 👋\nAna", 4))["signature"] == "Ana"


@pytest.mark.parametrize(
    ("path", "kind", "id"),
    [
        ("/desk", "home", None),
        ("/desk/customers/c-1", "customer", "c-1"),
        ("/desk/interactions/acme-chat/a%2Fb", "interaction", "acme-chat/a/b"),
        ("/desk/phone/+15550100123", "identifier", "+15550100123"),
        ("/desk/email/100%25", "identifier", "100%"),
        ("/desk/email/100%", "identifier", "100%"),
    ],
)
async def test_an_address_says_whom_it_opens(page: Page, path: str, kind: str, id: str | None) -> None:
    found = await call(page, "desk/address.js", "parseAddress", {"pathname": path, "search": "", "hash": ""})
    assert (found["kind"], found.get("id")) == (kind, id)


async def test_a_journey_keeps_its_order_and_its_bounds(page: Page) -> None:
    def contact(day: int, channel: str) -> dict[str, Any]:
        time = f"2026-11-{day:02}T10:00:00Z"
        return {
            "interaction": f"{channel}-{day}", "channel": channel, "level": "proved", "start": time, "end": None,
            "last_at": f"2026-11-{day:02}T10:05:00Z", "counts": {}, "mood": {"first": 0, "least": -0.5, "last": 0.1},
            "handoffs": 1, "agents": [], "conversation": "one", "outcome": {"state": "open", "reason": None},
        }  # fmt: skip

    for count in (1, 2, 9, 28):
        contacts = [contact(day, ("chat", "voice", "email")[day % 3]) for day in range(1, count + 1)]
        told = await call(page, "desk/journey_layout.js", "layOut", contacts[::-1], 1_800_000_000_000)
        starts = [each["from"] for each in told["placed"]]
        assert starts == sorted(starts)
        assert all(0 <= each["from"] < each["to"] <= 1.000001 for each in told["placed"])
        assert len(told["gaps"]) <= min(12, count - 1)
        assert len(told["joins"]) == count - 1
        assert sum(each["isLeast"] for each in told["moods"]) == 1

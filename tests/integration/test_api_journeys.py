"""A timeline by channel, kind, conversation, words and time; and a customer's contacts as a picture needs them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.api import Running, running_api
from tests.integration.test_api_decisions import BEN, OF_BOB, conversation_with

from cx_context_api.conversations import histories, timeline_filters
from cx_context_api.decisions import IncreasingClock
from cx_events.ids import text_of
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import ACME, HOUR, MINUTE, SECOND, START, an_event

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANA = text_of(ACME.profile("email", "", "ana@example.com"))
BURST = 600


def mood(id: str, message: str, score: float, at: int) -> StampedEvent:
    found = {"producer": "p", "version": "1", "sentiment": score}
    about = [{"kind": "message", "value": message}]
    return an_event(
        "cx.insight.found.v1", id=id, at=at, interaction="chat-1", email="ana@example.com",
        data={"insight": found, "references": about},
    )  # fmt: skip


def history() -> list[StampedEvent]:
    """A mail, a call, then a burst in a chat, an hour apart; the call was answered, and ended."""
    mail = an_event(
        id="mail", at=START, interaction="mail-1", channel="email", email="ana@example.com", text="Where is my REFUND?"
    )
    call = [
        an_event(
            f"cx.interaction.{what}.v1", id=f"call-{n}", at=START + HOUR + n * MINUTE, interaction="call-1",
            channel="voice", email="ana@example.com", data=data,
        )
        for n, (what, data) in enumerate(
            (("started", {}), ("answered", {"agent": BEN}), ("ended", {"reason": "hung up"}))
        )
    ]  # fmt: skip
    asked = an_event(
        "cx.handoff.requested.v1", id="asked", at=START + HOUR + 90 * SECOND, interaction="call-1", channel="voice",
        email="ana@example.com", data={"agent": BEN},
    )  # fmt: skip
    burst = [
        an_event(id=f"c-{n}", at=START + 2 * HOUR + n * SECOND, interaction="chat-1", email="ana@example.com", text="!")
        for n in range(BURST)
    ]
    moods = [mood("f-1", "c-0", -0.5, START + 2 * HOUR), mood("f-2", "c-1", -0.9, START + 3 * HOUR),
             mood("f-3", "c-2", 0.2, START + 4 * HOUR)]  # fmt: skip
    return [mail, *call, asked, *burst, *moods, OF_BOB]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_api(tmp_path_factory.mktemp("journeys")) as running:
        await running.happen(*history())
        yield running


async def ids_of(hub: Running, query: str) -> list[str]:
    """The ids of all pages."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = await hub.get(f"/v1/customers/{ANA}/timeline?{query}{cursor}")
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [entry["event"]["id"] for entry in page["items"]]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


CALL = ["call-2", "asked", "call-1", "call-0"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("channel=email", ["mail"]),
        ("channel=voice&limit=1", CALL),
        ("channel=voice&channel=email", [*CALL, "mail"]),
        ("channel=sms", []),
        ("channel=none", []),
        ("kind=interaction", ["call-2", "call-1", "call-0"]),
        ("kind=cx.interaction.ended.v1&kind=handoff", ["call-2", "asked"]),
        ("text=refund", ["mail"]),
        ("text=nobody%20said%20that", []),
        ("to=2026-11-22T11:01:00Z", ["call-0", "mail"]),
        ("from=2026-11-22T11:01:00Z&to=2026-11-22T12:00:00Z", ["call-2", "asked", "call-1"]),
        ("from=2026-11-22T11:00:00Z&to=2026-11-22T12:00:00Z&channel=voice&kind=handoff&limit=1", ["asked"]),
    ],
)
async def test_a_timeline_is_narrowed(hub: Running, query: str, expected: list[str]) -> None:
    assert await ids_of(hub, query) == expected


async def test_a_timeline_of_one_conversation(hub: Running) -> None:
    whole = await conversation_with(hub, "chat-1")
    joined = {each["interaction"] for each in whole["joined"]}
    found = await ids_of(hub, f"conversation={whole['id']}&limit=200")
    assert len(found) == BURST + 3 + (len(CALL) if "call-1" in joined else 0) + ("mail-1" in joined)
    bobs = (await conversation_with(hub, "chat-60", "email:bob@example.com"))["id"]
    answer = await hub.get(f"/v1/customers/{ANA}/timeline?conversation={bobs}")
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown-conversation")


async def test_a_burst_on_one_channel_hides_no_other(hub: Running) -> None:
    page = (await hub.get(f"/v1/customers/{ANA}/timeline?per_channel=2")).json()
    assert [entry["event"]["id"] for entry in page["items"]] == ["f-3", "f-2", "call-2", "asked", "mail"]
    assert sorted(page["more"]) == ["chat", "voice"]
    assert page["next"] is None
    assert await ids_of(hub, f"channel=voice&cursor={page['more']['voice']}") == ["call-1", "call-0"]


async def test_a_page_looks_at_so_many_events(hub: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "SCANNED", histories._STEP)
    page = (await hub.get(f"/v1/customers/{ANA}/timeline?text=refund")).json()
    assert page["items"] == []
    assert page["next"] is not None
    assert await ids_of(hub, "text=refund") == ["mail"]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("channel=fax", "bad-query"),
        ("kind=mesage", "bad-query"),
        ("from=today", "bad-time"),
        ("from=2026-11-22T11:00:00Z&to=2026-11-22T10:00:00Z", "bad-query"),
        ("per_channel=0", "bad-limit"),
        ("per_channel=3&limit=5", "bad-query"),
        ("text=" + "x" * (timeline_filters.MAX_TEXT + 1), "bad-query"),
        ("per_channel=3&cursor=abc", "bad-query"),
        ("limit=0", "bad-limit"),
    ],
)
async def test_a_filter_that_can_t_be_says_why(hub: Running, query: str, reason: str) -> None:
    answer = await hub.get(f"/v1/customers/{ANA}/timeline?{query}")
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)


async def journey(hub: Running, query: str = "", key: str = "all") -> dict[str, Any]:
    answer = await hub.get(f"/v1/customers/{ANA}/journey{query}", key=key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_journey_tells_each_contact(hub: Running) -> None:
    chat, call, mail = (await journey(hub))["items"]
    assert (chat["interaction"], chat["counts"], chat["end"]) == ("chat-1", {"customer": BURST}, None)
    assert chat["mood"] == {"first": -0.5, "least": -0.9, "last": 0.2}
    assert (call["channel"], call["start"], call["end"]) == ("voice", "2026-11-22T11:00:00Z", "2026-11-22T11:02:00Z")
    assert (call["agents"], call["handoffs"], call["mood"]) == ([BEN], 1, None)
    assert call["outcome"] == {"state": "open", "reason": "hung up", "disposition": None}
    assert (mail["channel"], mail["level"], mail["counts"]) == ("email", "claimed", {"customer": 1})
    assert mail["conversation"] == (await conversation_with(hub, "mail-1"))["id"]


async def test_a_journey_is_paged_and_read_as_it_was(hub: Running) -> None:
    page = await journey(hub, "?limit=2")
    rest = await journey(hub, f"?limit=2&cursor={page['next']}")
    assert [each["interaction"] for each in (*page["items"], *rest["items"])] == ["chat-1", "call-1", "mail-1"]
    assert rest["next"] is None
    then = await journey(hub, "?as_of=2026-11-22T11:01:30Z")
    assert [(each["interaction"], each["end"]) for each in then["items"]] == [("call-1", None), ("mail-1", None)]


async def test_an_assured_journey_leaves_out_what_a_claim_ties(tmp_path_factory: pytest.TempPathFactory) -> None:
    soon = IncreasingClock(lambda: START + HOUR)
    async with running_api(tmp_path_factory.mktemp("assured"), now=soon) as hub:
        await hub.happen(
            an_event(id="own", interaction="chat-1", email="ana@example.com", weight="proved", text="It is me"),
            an_event(id="claim", at=START + MINUTE, interaction="chat-2", email="ana@example.com", text="Me, too"),
        )
        assert len((await journey(hub))["items"]) == 2
        for query, key in (("?interaction=chat-1&assurance=proved", "all"), ("?interaction=chat-1", "bot")):
            found = await journey(hub, query, key)
            assert [(each["interaction"], each["level"]) for each in found["items"]] == [("chat-1", "proved")]
            assert found["meta"]["contact"]["assurance"]["level"] == "proved"
        for query in ("?interaction=chat-2&assurance=proved", "?interaction=chat-9&assurance=asserted"):
            refused = await hub.get(f"/v1/customers/{ANA}/journey{query}")
            assert (refused.status_code, refused.json()["reason"]) == (403, "not-assured")
        assert (await hub.get(f"/v1/customers/{ANA}/journey", key="bot")).status_code == 403
        past = await hub.get(f"/v1/customers/{ANA}/journey?interaction=chat-1&as_of=2026-11-22T10:00:00Z")
        assert past.status_code == 400

"""The console's pure parts, in the browser that runs them: health, lag, issues, rebuilds, times, addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page
from tests.chromium import chromium, visitor

from cx_desktop.assets import load_assets
from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import KeyConfig, TenantConfig, Tenants

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

CALL = "async ([path, name, args]) => (await import(path))[name](...args)"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    key = KeyConfig(id="ops", secret="the key of operators", scopes=frozenset({"ops"}))
    known = Tenants({"acme": TenantConfig(id_key="a lasting key of acme", keys=(key,))})
    async with (
        running_hub(embedded_settings(tmp_path_factory.mktemp("hub")), known) as hub,
        chromium() as browser,
        visitor(browser, timezone_id="Europe/Lisbon") as context,
    ):
        await until_ready(hub.url)
        opened = await context.new_page()
        await opened.goto(f"{hub.url}/console")
        yield opened


async def call(page: Page, module: str, name: str, *args: Any) -> Any:
    return await page.evaluate(CALL, [load_assets().url(f"console/{module}.js"), name, list(args)])


def part(**changed: Any) -> dict[str, Any]:
    usual = {
        "topic": "cx.interactions",
        "partition": 2,
        "state": "running",
        "events": 0,
        "seconds": 0,
        "seconds_to_level": 0,
    }
    return {**usual, **changed}


LIVE = [{"worker": "w", "is_live": True}]
GONE = [{"worker": "w", "is_live": False}]
SLOW = part(events=2411, seconds=40, seconds_to_level=120)
STUCK = part(state="stuck", events=2411, seconds=120)


@pytest.mark.parametrize(
    ("told", "read", "level", "words"),
    [
        (None, {"age": 0}, "unknown", "Not known yet."),
        (None, {"age": 0, "problem": "the store is down"}, "unknown", "Not known: the store is down"),
        ({"items": [part()], "workers": LIVE}, {"age": 1}, "well", "Well. All 1 parts are current."),
        ({"items": [part()], "workers": LIVE}, {"age": 90}, "unknown", "Not known: nothing was heard for 90 s."),
        ({"items": [], "workers": LIVE}, {"age": 1}, "unknown", "Not known: no part of the log is named."),
        (
            {"items": [part()], "workers": GONE},
            {"age": 1},
            "unknown",
            "Not known: no projector reports. Nothing waits on the log now.",
        ),
        (
            {"items": [SLOW], "workers": GONE},
            {"age": 1},
            "still",
            "Stands still: no projector reports, and 2,411 events wait.",
        ),
        (
            {"items": [SLOW, part()], "workers": LIVE},
            {"age": 1},
            "slow",
            "Slow: interactions/2 is 40 s behind, 2,411 events wait, level in 2 min.",
        ),
        (
            {"items": [STUCK, part()], "workers": LIVE},
            {"age": 1},
            "still",
            "Live, but interactions/2 has stood still for 2 min.",
        ),
        ({"items": [STUCK], "workers": LIVE}, {"age": 1}, "still", "Stands still for 2 min: all 1 parts."),
        (
            {"items": [part(state="no owner"), part()], "workers": LIVE},
            {"age": 1},
            "unknown",
            "Live, but 1 of 2 parts has no owner yet.",
        ),
    ],
)
async def test_health_is_one_line(page: Page, told: Any, read: Any, level: str, words: str) -> None:
    assert await call(page, "health", "judge", told, read) == {"level": level, "words": words}


async def test_minutes_without_a_report_are_gaps(page: Page) -> None:
    def minute(at: int, events: int, partition: int = 0) -> dict[str, Any]:
        return {"minute": at * 60, "topic": "cx.interactions", "partition": partition, "events": events}

    points = await call(page, "lag", "pointsOf", [minute(3, 4), minute(2, 1), minute(2, 7, 1), minute(7, 0)])
    assert points == [
        {"minute": 120, "events": 8, "worst": "interactions/1"},
        {"minute": 180, "events": 4, "worst": "interactions/0"},
        {"minute": 420, "events": 0, "worst": "interactions/0"},
    ]
    assert [len(each) for each in await call(page, "lag", "stretchesOf", points)] == [2, 1]
    assert await call(page, "lag", "marksOf", points) == [0, 1, 10]
    assert await call(page, "lag", "marksOf", [{"events": 11}]) == [0, 1, 10, 100]


GROUP = {"id": "g", "state": "failed", "stage": "fold", "last": "2026-11-22T10:00:00Z"}
NOW = 1795341720000
"""2026-11-22T10:02:00Z, in ms."""


def act(what: str, at: str, group: str = "g") -> dict[str, Any]:
    attributes = {"selection": {"group": group}}
    return {"type": f"cx.operations.dead_letters_{what}.v1", "recordedtime": at, "data": {"attributes": attributes}}


@pytest.mark.parametrize(
    ("group", "acts", "state"),
    [
        (GROUP, [], "new"),
        ({**GROUP, "state": "waiting"}, [], "waiting"),
        (GROUP, [act("retried", "2026-11-22T10:01:30Z", "another")], "new"),
        (GROUP, [act("retried", "2026-11-22T10:01:57Z")], "retrying"),
        (GROUP, [act("retried", "2026-11-22T10:01:30Z")], "back"),
        (GROUP, [act("retried", "2026-11-22T09:59:00Z")], "back"),
        ({**GROUP, "state": "discarded"}, [act("discarded", "2026-11-22T10:01:00Z")], "discarded"),
    ],
)
async def test_state_of_an_issue(page: Page, group: Any, acts: Any, state: str) -> None:
    assert (await call(page, "issues", "issueState", group, acts, NOW, True))["state"] == state
    if state == "back":
        behind = await call(page, "issues", "issueState", group, acts, NOW, False)
        at_once = acts[0]["recordedtime"] > group["last"]
        assert behind["state"] == ("retrying" if at_once else "back")


REPORT = {"customers": 12411, "differing": 3, "first": [], "tables": []}


@pytest.mark.parametrize(
    ("changed", "step", "state", "choices"),
    [
        ({"phase": "cancelled"}, 1, "plan", ["start"]),
        ({"phase": "filling", "owner": "p"}, 2, "running", ["pause", "cancel"]),
        ({"phase": "filling", "owner": "p", "wanted": "pause"}, 2, "pausing", []),
        ({"phase": "filling"}, 2, "paused", ["resume", "cancel"]),
        ({"phase": "compared", "report": REPORT}, 3, "different", ["exchange", "cancel"]),
        ({"phase": "compared", "report": {**REPORT, "differing": 0}}, 3, "equal", ["exchange", "cancel"]),
        ({"phase": "filling", "owner": "p", "review": False, "report": REPORT}, 4, "switching", ["pause", "cancel"]),
        ({"phase": "switched"}, 5, "switched", ["undo", "drop"]),
        ({"phase": "undoing", "owner": "p"}, 5, "undoing", ["cancel"]),
        ({"phase": "undoing"}, 5, "paused", ["resume", "cancel"]),
        ({"phase": "undone"}, 5, "undone", ["drop"]),
    ],
)
async def test_stand_of_a_rebuild(page: Page, changed: Any, step: int, state: str, choices: list[str]) -> None:
    usual = {"phase": "", "owner": "", "wanted": "", "review": True, "report": None}
    found = await call(page, "rebuild_steps", "standOf", {**usual, **changed})
    assert (found["step"], found["state"]) == (step, state)
    assert [each["name"] for each in found["choices"]] == choices


@pytest.mark.parametrize(
    ("times", "moment", "words"),
    [
        ("utc", "2026-11-22T10:00:00Z", "10:00:00 UTC"),
        ("local", "2026-11-22T10:00:00Z", "10:00:00"),
        ("local", "2026-07-22T10:00:00Z", "22 Jul 2026 11:00:00"),
        ("ago", "2026-11-22T10:00:00Z", "2 min ago"),
        ("ago", "2026-11-22T10:02:30Z", "in 30 s"),
    ],
)
async def test_a_moment_is_told_three_ways(page: Page, times: str, moment: str, words: str) -> None:
    assert (await call(page, "times", "whenWords", moment, {"times": times, "now": NOW}))["text"] == words


async def test_no_moment_is_none(page: Page) -> None:
    for moment in (None, "", "soon"):
        assert await call(page, "times", "whenWords", moment, {"times": "utc", "now": NOW}) is None


@pytest.mark.parametrize(
    ("path", "query", "place"),
    [
        ("/console", "", {"page": "health", "filters": {}}),
        ("/console/log/", "?text=a+b&type=", {"page": "log", "filters": {"text": "a b"}}),
        ("/console/event", "?id=1", {"page": "event", "filters": {"id": "1"}}),
        ("/console/constructor", "", {"page": "unknown", "filters": {}}),
        ("/console/log/more", "", {"page": "unknown", "filters": {}}),
    ],
)
async def test_addresses_are_read(page: Page, path: str, query: str, place: Any) -> None:
    assert await call(page, "address", "readPlace", path, query) == place


@pytest.mark.parametrize("color", ["#000000", "#ffffff", "#b3261e", "#767676", "#ffff00", "#0000ff"])
async def test_ink_on_any_bar_is_readable(page: Page, color: str) -> None:
    def luminance(parts: list[int]) -> float:
        red, green, blue = (
            each / 255 / 12.92 if each <= 10 else ((each / 255 + 0.055) / 1.055) ** 2.4 for each in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    ink = await call(page, "colors", "inkOn", color)
    of_color = luminance([int(color[at : at + 2], 16) for at in (1, 3, 5)])
    of_ink = 1.0 if ink == "light-ink" else 0.0
    assert (max(of_color, of_ink) + 0.05) / (min(of_color, of_ink) + 0.05) >= 4.5


async def test_decisions_join_events_and_tell_withdrawals(page: Page) -> None:
    def event(id: str, type: str, **identity: str) -> dict[str, Any]:
        data = {"identity": identity, "reason": "why"}
        return {"type": f"cx.identity.{type}.v1", "source": "s", "id": id, "correlationid": id[0], "data": data}

    events = [
        event("c1", "unmerged", decision="s#a1"),
        event("b1", "merged", a="1", b="2"),
        event("b2", "merged", a="3", b="4"),
        event("a1", "merged", a="1", b="2"),
    ]
    found = await call(page, "decisions", "decisionsOf", events)
    assert [(each["name"], each["events"], each["withdrawnBy"]) for each in found] == [
        ("s#c1", 1, ""),
        ("s#b1", 2, ""),
        ("s#a1", 1, "s#c1"),
    ]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("4E7F1BA4-0000-8000-8000-000000000000", "/desk/customers/4e7f1ba4-0000-8000-8000-000000000000"),
        ("crm:C-1/2", "/desk/crm/C-1%2F2"),
        ("ana@example.com", "/desk/email/ana%40example.com"),
        ("+1 (555) 010-0123", "/desk/phone/%2B15550100123"),
        ("555 0100", ""),
        ("javascript:alert(1)", "/desk/javascript/alert(1)"),
        ("//evil.example", ""),
        ("order 4711", ""),
    ],
)
async def test_a_customers_address_at_the_desk(page: Page, text: str, address: str) -> None:
    assert await call(page, "address", "deskAddress", text) == address


@pytest.mark.parametrize(
    ("text", "named"),
    [("//a/b#m#1", {"source": "//a/b", "id": "m#1"}), ("#m-1", None), ("//a/b#", None), ("m-1", None)],
)
async def test_an_event_is_known_by_its_name(page: Page, text: str, named: Any) -> None:
    assert await call(page, "address", "eventNamed", text) == named


ERROR, WARNING = (
    {"level": "error", "reason": "not-polled", "detail": "d"},
    {"level": "warning", "reason": "r", "detail": "d"},
)
LACKS = [{"reason": "r", "detail": "d", "works": True}]


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ({}, ["past", "silent"]),
        ({"last_event": {}}, ["good", "well"]),
        ({"last_event": {}, "poller": {"problem": None}}, ["good", "well"]),
        ({"last_event": {}, "poller": {"problem": WARNING}, "lacks": LACKS}, ["warn", "fetched with trouble"]),
        ({"last_event": {}, "poller": {"problem": ERROR}, "is_failing": True}, ["bad", "not fetched"]),
        ({"poller": {"problem": WARNING}, "is_failing": True}, ["bad", "last could not be used"]),
        ({"lacks": [{**LACKS[0], "works": False}], "poller": {"problem": ERROR}}, ["bad", "takes nothing"]),
    ],
)
async def test_a_connections_state_names_the_worst(page: Page, connection: dict[str, Any], expected: list[str]) -> None:
    usual = {"lacks": [], "is_failing": False, "last_event": None, "poller": None}
    assert await call(page, "views/connections", "standingWords", {**usual, **connection}) == expected

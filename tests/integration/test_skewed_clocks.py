"""Of two API processes whose clocks are five minutes apart, the later decision by what its taker saw wins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.api import TODAY, Running, running_api

from cx_context_api.decisions import IncreasingClock
from cx_events.ids import text_of
from cx_events.testing.builders import ACME, DAY, HOUR, MINUTE, an_event
from cx_events.timestamps import parse_time
from cx_hub.identity_rules import put_in_force
from cx_runtime.tenants import IdentityConfig, TenantConfig, Tenants

SKEW = 5 * MINUTE
BEN = {"id": "agent-7", "name": "Ben"}
ANA, BOB = (text_of(ACME.profile("email", "", f"{name}@example.com")) for name in ("ana", "bob"))
NAMELESS = an_event("cx.interaction.started.v1", id="n-1", at=TODAY - DAY, interaction="call-9", channel="voice")


class Pair(NamedTuple):
    """Two processes over one log and one store: the clock of ``ahead`` is before that of ``behind``. What either takes
    is applied before the other is asked."""

    ahead: Running
    behind: Running


def says(contact: str, who: str, at: int, channel: str = "chat", id: str = "") -> Any:
    return an_event(
        id=id or contact, interaction=contact, channel=channel, email=f"{who}@example.com", at=at, text="Hello"
    )


@pytest.fixture
async def hubs(store_url: str, tmp_path: Path) -> AsyncIterator[Pair]:
    ahead_clock, behind_clock = IncreasingClock(lambda: TODAY + SKEW), IncreasingClock(lambda: TODAY)
    async with (
        running_api(tmp_path, store_url, now=ahead_clock) as ahead,
        running_api(tmp_path, store_url, now=behind_clock) as behind,
    ):
        await ahead.happen(
            says("chat-1", "ana", TODAY - DAY),
            says("chat-2", "ana", TODAY - DAY + HOUR),
            says("chat-3", "bob", TODAY - DAY),
            NAMELESS,
        )
        yield Pair(ahead, behind)


async def customer(hub: Running, who: str) -> str:
    id: str = (await hub.body(f"email:{who}@example.com"))["customer"]["id"]
    return id


def name_of(told: dict[str, Any]) -> str:
    return f"{told['event']['source']}#{told['event']['id']}"


async def merged(hub: Running, despite: list[str]) -> dict[str, Any]:
    return await hub.decide("/v1/identity/merge", {"a": ANA, "b": BOB, "reason": "one", "despite": despite})


async def parted(hub: Running) -> dict[str, Any]:
    return await hub.decide("/v1/identity/unmerge", {"apart": [ANA, BOB], "reason": "two"})


async def withdrawn(hub: Running, told: dict[str, Any]) -> dict[str, Any]:
    return await hub.decide("/v1/identity/unmerge", {"decision": name_of(told), "reason": "no"})


async def threads(hub: Running, who: str = "ana") -> list[list[str]]:
    body = await hub.body(f"email:{who}@example.com")
    return sorted([joined["interaction"] for joined in each["joined"]] for each in body["conversations"])


async def test_a_merge_overriding_a_faster_clocks_apart_counts(hubs: Pair) -> None:
    apart = await parted(hubs.ahead)
    await merged(hubs.behind, [name_of(apart)])
    assert await customer(hubs.ahead, "ana") == await customer(hubs.ahead, "bob")


async def test_an_apart_after_a_faster_clocks_merge_counts(hubs: Pair) -> None:
    await merged(hubs.ahead, [])
    await parted(hubs.behind)
    assert await customer(hubs.ahead, "ana") != await customer(hubs.ahead, "bob")


async def test_an_indirect_apart_after_a_faster_clocks_merge_counts(
    hubs: Pair,
) -> None:
    """Three merges make one of four; the apart names two that no one of them brought together."""
    await hubs.ahead.happen(says("chat-4", "eve", TODAY - DAY), says("chat-5", "dan", TODAY - DAY))
    eve, dan = (text_of(ACME.profile("email", "", f"{name}@example.com")) for name in ("eve", "dan"))
    for pair in ((ANA, eve), (BOB, dan), (ANA, BOB)):
        await hubs.ahead.decide("/v1/identity/merge", {"a": pair[0], "b": pair[1], "reason": "one"})
    await hubs.behind.decide("/v1/identity/unmerge", {"apart": [eve, dan], "reason": "two"})
    assert await customer(hubs.ahead, "eve") != await customer(hubs.ahead, "dan")


async def test_an_unmerge_of_a_faster_clocks_unmerge_counts(hubs: Pair) -> None:
    decision = await merged(hubs.behind, [])
    withdrawal = await withdrawn(hubs.ahead, decision)
    assert await customer(hubs.ahead, "ana") != await customer(hubs.ahead, "bob")
    await withdrawn(hubs.behind, withdrawal)
    assert await customer(hubs.ahead, "ana") == await customer(hubs.ahead, "bob")


async def test_the_last_attribution_counts_despite_an_earlier_faster_clock(hubs: Pair) -> None:
    for hub, profile in ((hubs.ahead, ANA), (hubs.behind, BOB)):
        await hub.decide("/v1/identity/attribute", {"interaction": "call-9", "profile": profile, "reason": "said so"})
        body = (await hub.get("/v1/context?interaction=call-9")).json()["body"]
        assert body["customer"]["id"] == profile


async def test_alternating_decisions_are_recorded_in_the_order_made(hubs: Pair) -> None:
    taken: list[dict[str, Any]] = []
    for hub in (hubs.ahead, hubs.behind, hubs.ahead, hubs.behind):
        taken.append(await (parted(hub) if len(taken) % 2 else merged(hub, [name_of(t) for t in taken[-1:]])))
    async with hubs.ahead.store.reading() as tx:
        rows = await tx.fetch("SELECT id FROM decisions ORDER BY recorded")
    assert [row[0] for row in rows] == [each["event"]["id"] for each in taken]


async def test_a_link_after_a_faster_clocks_split_counts(hubs: Pair) -> None:
    (whole,) = (await hubs.ahead.body("email:ana@example.com"))["conversations"]
    await hubs.ahead.decide(f"/v1/conversations/{whole['id']}/split", {"interaction": "chat-2", "agent": BEN})
    assert await threads(hubs.ahead) == [["chat-1"], ["chat-2"]]
    by_contact = {
        each["joined"][0]["interaction"]: each["id"]
        for each in (await hubs.ahead.body("email:ana@example.com"))["conversations"]
    }
    linking = {"other": by_contact["chat-2"], "agent": BEN}
    await hubs.behind.decide(f"/v1/conversations/{by_contact['chat-1']}/link", linking)
    assert await threads(hubs.ahead) == [["chat-1", "chat-2"]]


async def issued(hub: Running, contact: str) -> dict[str, Any]:
    conversations = (await hub.body("email:ana@example.com"))["conversations"]
    id = next(each["id"] for each in conversations if contact in str(each["joined"]))
    return await hub.decide(f"/v1/conversations/{id}/continue", {"expires_in": 3600})


async def test_a_token_is_used_after_its_issue_despite_skew(hubs: Pair) -> None:
    told = await issued(hubs.ahead, "chat-1")
    await hubs.behind.decide("/v1/conversations/continue", {"token": told["code"], "interaction": "call-9"})
    (token,) = (await hubs.ahead.body("email:ana@example.com"))["conversations"][0]["tokens"]
    assert parse_time(token["uses"][0]["time"]) > parse_time(token["issued_at"])


async def test_a_token_is_used_in_the_contact_presenting_it(
    hubs: Pair,
) -> None:
    """A thread without end that was silent for long goes on, by the faster clock in a minute."""
    told = await issued(hubs.behind, "chat-1")
    await hubs.ahead.happen(
        says("dm", "ana", TODAY - 50 * DAY, "social", "dm-1"), says("dm", "ana", TODAY + MINUTE, "social", "dm-2")
    )
    await hubs.behind.decide("/v1/conversations/continue", {"token": told["code"], "interaction": "dm"})
    found = (await hubs.ahead.body("email:ana@example.com"))["conversations"]
    (use,) = next(each for each in found if "chat-1" in str(each["joined"]))["tokens"][0]["uses"]
    assert use["refused"] is None
    assert [len(each["joined"]) for each in found if each["opened_at"] < "2026-12-20"] == [1]


async def test_a_token_is_issued_after_the_contact_it_continues(hubs: Pair) -> None:
    await hubs.ahead.happen(says("chat-1", "ana", TODAY + MINUTE, id="later"))
    told = await issued(hubs.behind, "chat-1")
    (conversation,) = (await hubs.ahead.body("email:ana@example.com"))["conversations"]
    (token,) = conversation["tokens"]
    assert parse_time(token["issued_at"]) > parse_time(conversation["last_at"])
    assert token["expires_at"] == told["expires_at"]


async def test_rules_configured_by_a_slower_clock_come_into_force(hubs: Pair) -> None:
    hub = hubs.ahead
    for moment, exclusive in ((TODAY + SKEW, ("crm", "account")), (TODAY, ("crm",))):
        tenants = Tenants(
            {"acme": TenantConfig(id_key="acme example key", identity=IdentityConfig(exclusive=exclusive))}
        )
        for expected in (1, 0):
            assert await put_in_force(tenants, hub.store, hub.log, moment) == expected
            await hub.projector.catch_up()

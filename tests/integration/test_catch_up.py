"""Test what webhooks missed: the vendor's lists make the same events, once, whichever way comes first, whatever it
does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from tests.caught_up import AGO, HOUR, Missing, asked_before, missing
from tests.http_vendor import Told
from tests.listed_mails import SesMails
from tests.listed_things import ListedVendor, moment
from tests.listed_vendors import VENDORS, SlackLists, TwilioCalls, listed_by
from tests.patience import PATIENCE
from tests.polled import Faults, until
from tests.stores import sqlite_store

from cx_channels.intake import wall_clock
from cx_channels.provider import Connection, Request
from cx_context.store import open_store
from cx_events.errors import Fatal, TryLater
from cx_events.log import INTERACTIONS, Log
from cx_events.timestamps import parse_time
from cx_hub.cli import run
from cx_hub.compose import running_hub
from cx_hub.demo.run import embedded_settings
from cx_hub.resources import opened_log
from cx_runtime.settings import Settings
from cx_runtime.tenants import ConnectionConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

LIMITED = Told({"error": "slow down"}, 429, ("Retry-After: 7",))


@pytest.fixture(params=list(VENDORS))
async def vendor(request: pytest.FixtureRequest) -> AsyncIterator[ListedVendor]:
    async with listed_by(request.param) as vendor:
        yield vendor


@pytest.fixture
async def hub(vendor: ListedVendor, tmp_path: Path) -> AsyncIterator[Missing]:
    async with missing(vendor, tmp_path) as hub:
        yield hub


def said(hub: Missing, count: int) -> list[Request]:
    """Let things come an hour ago, a minute apart; their webhooks."""
    return [hub.vendor.say(number, hub.now - AGO + number * 60) for number in range(1, count + 1)]


def all_ids(hub: Missing, count: int) -> list[str]:
    return sorted(hub.vendor.id_of(number) for number in range(1, count + 1))


async def test_what_the_webhook_told_is_not_told_again(hub: Missing) -> None:
    webhooks = said(hub, 7)
    for number in (0, 3, 4):
        await hub.post(webhooks[number])
    dry = await hub.ask(is_dry=True)
    assert (dry.listed, dry.missed, dry.stored, dry.problem) == (7, 4, 0, "")
    assert len(await hub.ids()) == 3
    first, again = await hub.ask(), await hub.ask()
    assert (first.missed, first.stored, first.problem) == (4, 4, "")
    assert (again.listed, again.missed, again.stored) == (7, 0, 0)
    assert await hub.ids() == all_ids(hub, 7)
    assert not await hub.at.letters()


async def test_a_webhook_that_comes_later_is_the_same_event(hub: Missing) -> None:
    webhooks = said(hub, 4)
    assert (await hub.ask()).stored == 4
    for webhook in webhooks:
        await hub.post(webhook)
    assert sorted(set(await hub.ids())) == all_ids(hub, 4)
    assert len(await hub.ids()) == 8
    assert (await hub.ask()).missed == 0


async def test_both_ways_make_the_same_of_a_thing(hub: Missing) -> None:
    webhooks = said(hub, 5)
    await hub.ask()
    listed = {each["id"]: each for each in map(msgspec.json.decode, await hub.at.events())}
    for number, webhook in enumerate(webhooks, 1):
        (draft,) = hub.vendor.provider.map(webhook, hub.connection).drafts
        event = listed[draft.id]
        assert event["type"] == draft.type
        ours, theirs = event["data"], msgspec.json.decode(msgspec.json.encode(draft.data))
        for name in ("message", "direction", "interaction", "reason", "note", "agent", "duration_ms"):
            assert (ours.get(name) or None) == (theirs.get(name) or None), (number, name)
        assert [each["role"] for each in ours["participants"]] == [each["role"] for each in theirs["participants"]]
        assert [_names(each) for each in ours["participants"]] == [_names(each) for each in theirs["participants"]]
        assert abs(_seconds(event["time"]) - (hub.now - AGO + number * 60)) < PATIENCE


def _names(person: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = [(each["kind"], each.get("scope", ""), each["value"]) for each in person.get("identifiers", [])]
    return found or [("", "", person.get("id", ""))]


def _seconds(time: str) -> float:
    return parse_time(time) / 1_000_000


@pytest.mark.parametrize("faults", [Faults(drop=1), Faults(repeat=True), Faults(reorder=True)], ids=repr)
async def test_a_list_with_faults_loses_and_doubles_nothing(hub: Missing, faults: Faults) -> None:
    said(hub, 7)
    hub.vendor.faults = faults
    hub.vendor.next_answers = [LIMITED, Told({"error": "broken"}, 500), Told("no list", 502)]
    assert (await hub.ask()).problem == ""
    hub.vendor.faults = Faults()
    assert (await hub.ask()).missed == 0
    assert await hub.ids() == all_ids(hub, 7)
    assert hub.slept[0] == 7


async def test_what_no_patience_mends_is_told(hub: Missing) -> None:
    said(hub, 5)
    hub.vendor.faults = Faults(refuse=True)
    assert "login-refused" in (await hub.ask()).problem
    hub.vendor.faults = Faults()
    hub.vendor.next_answers = [Told({}, 429, ("Retry-After: 3600",))]
    assert "rate-limited" in (await hub.ask()).problem
    hub.vendor.next_answers = [Told({}, 503)] * 5
    assert "503" in (await hub.ask()).problem
    hub.vendor.endless = True
    assert "go on" in (told := (await hub.ask()).problem) or "can't be" in told
    hub.vendor.endless = False
    if hub.vendor.secrets and hasattr(hub.vendor, "resource"):
        hub.vendor.elsewhere = "https://evil.example/2010-04-01/next"
        assert "can't be" in (await hub.ask()).problem
        hub.vendor.elsewhere = ""
    assert (await hub.ask()).problem == ""
    assert await hub.ids() == all_ids(hub, 5)


async def test_what_is_young_or_older_than_asked_is_left(hub: Missing) -> None:
    hub.vendor.say(1, hub.now - 2 * HOUR)
    hub.vendor.say(2, hub.now - AGO)
    hub.vendor.say(4, hub.now - 10)
    found = await hub.ask(since=hub.now - AGO - 60)
    assert (found.missed, found.problem) == (1, "")
    assert await hub.ids() == [hub.vendor.id_of(2)]
    assert "bad-time" in (await hub.ask(since=hub.now)).problem


async def test_a_young_status_of_an_old_message_is_left(tmp_path: Path) -> None:
    """Its callback is on its way."""
    async with listed_by("messages") as vendor, missing(vendor, tmp_path) as hub:
        vendor.say(3, hub.now - AGO)
        vendor.things[0]["date_updated"] = moment(hub.now - 10)
        assert (await hub.ask()).listed == 0
        vendor.things[0]["date_updated"] = moment(hub.now - 600)
        assert (await hub.ask()).missed == 1
        assert await hub.ids() == [vendor.id_of(3)]


async def test_a_poller_fills_the_gap_by_itself_and_once(hub: Missing) -> None:
    webhooks = said(hub, 5)
    await hub.post(webhooks[1])
    await hub.asked_before(hub.now - 2 * HOUR)
    before = hub.now
    async with hub.at.polling(lease=600.0), hub.at.polling(lease=600.0):
        async with asyncio.timeout(PATIENCE):
            while len(await hub.ids()) < 5 or (await hub.place()).asked_to < (before - AGO) * 1_000_000:
                await asyncio.sleep(0.05)
        assert await hub.ids() == all_ids(hub, 5)
    assert not (await hub.place()).done


async def test_a_connection_begins_now_and_old_gaps_are_told(tmp_path: Path) -> None:
    async with listed_by("calls") as vendor, missing(vendor, tmp_path, catch_up_days=1) as hub:
        said(hub, 2)
        async with hub.at.polling() as keeper:
            async with asyncio.timeout(PATIENCE):
                while not await hub.at.cursor():
                    await asyncio.sleep(0.05)
            await until(lambda: [run.report.heard_at for run in keeper.running.values() if run.report.heard_at])
        assert not await hub.ids()
        await hub.asked_before(hub.now - 72 * HOUR)
        async with hub.at.polling() as keeper:
            async with asyncio.timeout(PATIENCE):
                while len(await hub.ids()) < 2:
                    await asyncio.sleep(0.05)
            (run_of,) = keeper.running.values()
            assert (run_of.report.state, run_of.report.reason) == ("connected", "gap")
            assert "catch_up_days" in run_of.report.detail


async def test_a_callback_with_another_number_is_known(tmp_path: Path) -> None:
    async with listed_by("calls") as vendor, missing(vendor, tmp_path) as hub:
        assert isinstance(vendor, TwilioCalls)
        webhook = vendor.say(1, hub.now - AGO)
        await hub.post(Request(webhook.body.replace(b"SequenceNumber=0", b"SequenceNumber=3"), headers=webhook.headers))
        assert (await hub.ask()).missed == 0
        assert await hub.ids() == [vendor.id_of(1).removesuffix("0") + "3"]


async def test_a_hub_that_was_down_asks_at_its_start(tmp_path: Path) -> None:
    async with listed_by("messages") as vendor:
        for number in (1, 2, 3):
            vendor.say(number, _now() - AGO)
        config = ConnectionConfig(provider="chat/twilio", secrets=vendor.secrets, settings=vendor.settings)
        tenants = Tenants({"acme": TenantConfig(id_key="a lasting key of acme", connections={"acme-sms": config})})
        settings = embedded_settings(tmp_path)
        sqlite_store(tmp_path)
        store = open_store(settings.resolved_store_url())
        await store.start()
        await asked_before(store, "acme-sms", _now() - 2 * HOUR)
        await store.stop()
        async with running_hub(settings, tenants) as hub, asyncio.timeout(PATIENCE):
            found = 0
            while found < 3:
                await asyncio.sleep(0.05)
                with suppress(TryLater):  # it is being opened
                    found = sum((await hub.log.end_offsets(INTERACTIONS)).values())


@pytest.mark.parametrize("name", ["messages", "calls"])
async def test_other_numbers_of_the_account_are_left_alone(tmp_path: Path, name: str) -> None:
    async with listed_by(name) as vendor, missing(vendor, tmp_path, api_numbers=["whatsapp:*"]) as hub:
        said(hub, 3)
        assert (await hub.ask()).listed == 0
    async with listed_by(name) as vendor, missing(vendor, tmp_path, api_numbers=["+1415*"]) as hub:
        said(hub, 3)
        assert (await hub.ask()).missed == 3


@pytest.mark.kafka
@pytest.mark.postgres
async def test_kafka_and_postgres_know_it_too(
    tmp_path: Path, kafka_log: Callable[..., Log], postgres_store: str
) -> None:
    parts = kafka_log(partitions=3), postgres_store
    async with listed_by("messages") as vendor, missing(vendor, tmp_path, parts) as hub:
        webhooks = said(hub, 4)
        await hub.post(webhooks[0])
        assert ((await hub.ask()).stored, (await hub.ask()).missed) == (3, 0)
        assert await hub.ids() == all_ids(hub, 4)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("messages", {"api_account": "SK1"}),
        ("messages", {"api_secret": ""}),
        ("calls", {"api_url": "http://elsewhere.example"}),
        ("slack", {"catch_up_minutes": 0}),
        ("slack", {"api_url": "https://me@elsewhere.example"}),
        ("zendesk", {"account": "acme"}),
        ("zendesk", {"webhooks": "conversations"}),
        ("zendesk", {"catch_up_days": "many"}),
        ("mails", {"buckets": ["acme-mail/in"]}),
        ("mails", {"media_region": "Frankfurt"}),
        ("mails", {"media_key_id": ""}),
        ("mails", {"endpoint": "http://elsewhere.example"}),
    ],
)
async def test_settings_that_cannot_be_meant_stop_a_start(name: str, settings: dict[str, Any]) -> None:
    async with listed_by(name) as vendor:
        provider, given = vendor.provider, {**vendor.settings, **settings}
        with pytest.raises(
            Fatal, match=next(iter(settings)) if settings != {"webhooks": "conversations"} else "api_url"
        ):
            provider.warnings(Connection("try", "acme", provider.name, ("a secret",), settings=given))


async def test_edits_in_a_list_of_slack_are_events(tmp_path: Path) -> None:
    async with listed_by("slack") as vendor, missing(vendor, tmp_path) as hub:
        assert isinstance(vendor, SlackLists)
        await hub.post(vendor.say(1, hub.now - AGO))
        at = f"{hub.now - AGO + 90}.000000"
        vendor.things[0] |= {
            "text": "number one",
            "edited": {"user": "U0DANA", "ts": at},
            "reactions": [{"name": "+1"}],
        }
        assert (await hub.ask()).missed == 1
        assert f"C0HELP/{vendor.things[0]['ts']}/edited/{at}" in await hub.ids()
        edited = [each for each in map(msgspec.json.decode, await hub.at.events()) if "edited" in each["type"]]
        assert edited[0]["data"]["message"]["text"] == "number one"
        assert not await hub.at.letters()


async def test_mails_that_the_hub_has_are_not_read_again(tmp_path: Path) -> None:
    async with listed_by("mails") as vendor, missing(vendor, tmp_path) as hub:
        assert isinstance(vendor, SesMails)
        webhooks = said(hub, 3)
        await hub.post(webhooks[0])
        assert (await hub.ask()).stored == 2
        assert sorted(vendor.read()) == sorted(f"in/{vendor.mail_id(number)}" for number in (2, 3))
        vendor.got.clear()
        assert (await hub.ask()).listed == 3
        assert vendor.read() == []


async def test_a_mail_that_came_in_full_is_no_other(tmp_path: Path) -> None:
    async with listed_by("mails") as vendor, missing(vendor, tmp_path) as hub:
        assert isinstance(vendor, SesMails)
        webhooks = said(hub, 5)
        latin, ours = (f"in/{vendor.mail_id(number)}" for number in (3, 4))
        vendor.mails[latin] += b"caf\xe9\r\n"
        vendor.mails[ours] = vendor.mails[ours].replace(b"Ana Lima <ana@example.com>", b"Us <support@acme.example>")
        for webhook in (
            vendor.in_full(webhooks[0]),
            vendor.in_full(webhooks[1], "FAIL"),
            vendor.in_full(webhooks[2], encoding="UTF8"),
            vendor.in_full(webhooks[3]),
        ):
            await hub.post(webhook)
        there = await hub.ids()
        assert [id.rpartition("/")[2] for id in there].count("sent") == 1
        assert (await hub.ask()).stored == 1
        assert sorted(await hub.ids()) == sorted([*there, vendor.id_of(5)])
        assert (await hub.ask()).missed == 0


async def test_an_unreadable_mail_holds_up_no_other(tmp_path: Path) -> None:
    async with listed_by("mails") as vendor, missing(vendor, tmp_path) as hub:
        assert isinstance(vendor, SesMails)
        said(hub, 5)
        archived, empty, gone, binary = (f"in/{vendor.mail_id(number)}" for number in (1, 2, 3, 4))
        vendor.classes[archived] = "GLACIER"
        vendor.mails[empty] = b""
        vendor.mails[binary] = b"\x00\x01 no mail at all"
        del vendor.mails[gone]
        vendor.things[2]["size"] = 10
        found = await hub.ask()
        assert (found.problem, await hub.ids()) == ("", [vendor.id_of(5)])
        assert {each.reason.partition(":")[0] for each in await hub.at.letters()} == {"malformed"}
        assert len(await hub.at.letters()) == 3


async def test_the_command_asks_and_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    async with listed_by("messages") as vendor:
        connection = {"provider": "chat/twilio", "secrets": ["a secret of the webhook"], "settings": vendor.settings}
        bare = {"provider": "chat/slack", "secrets": ["another secret of it"], "settings": {"channels": ["C1"]}}
        tenant = {"id_key": "a lasting key of acme", "connections": {"acme-sms": connection, "acme-slack": bare}}
        (tmp_path / "tenants.yaml").write_text(yaml.safe_dump({"tenants": {"acme": tenant}}))
        for name in ("CX_LOG_URL", "CX_STORE_URL", "CX_BLOB_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("CX_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("CX_CONFIG", str(tmp_path / "tenants.yaml"))
        for number in (1, 2):
            vendor.say(number, _now() - AGO)

        async def told(*more: str) -> tuple[int, list[dict[str, Any]]]:
            capfd.readouterr()
            code = await asyncio.to_thread(run, ["connections", "catch-up", "-o", "json", *more])
            out = capfd.readouterr().out
            return code, json.loads(out) if out else []

        code, rows = await told("--since", "2h", "--dry-run", "--tenant", "acme")
        assert (code, [(row["connection"], row["missed"], row["stored"]) for row in rows]) == (0, [("acme-sms", 2, 0)])
        code, rows = await told("--since", "2h", "--connection", "acme-sms")
        assert (code, rows[0]["stored"]) == (0, 2)
        async with opened_log(Settings()) as log:
            assert sum((await log.end_offsets("cx.interactions")).values()) == 2
        for wrong in (
            ["--tenant", "nobody"],
            ["--connection", "nowhere"],
            ["--connection", "acme-slack"],
            ["--since", "?"],
        ):
            assert (await told(*wrong))[0] == 2
        vendor.faults = Faults(refuse=True)
        code, rows = await told("--since", "2h", "--dry-run")
        assert code == 1 and "login-refused" in rows[0]["problem"]


def _now() -> int:
    return wall_clock() // 1_000_000

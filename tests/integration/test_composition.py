"""The hub put together: what is waited for, what is supervised, and how it stops."""

from __future__ import annotations

import asyncio
import smtplib
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from tests.asking import PatientClient
from tests.patience import PATIENCE

from cx_context.store import open_store
from cx_context.store.rule_changes import read_rules_in_force
from cx_events.errors import Fatal, TryLater
from cx_events.facts import decision_source
from cx_events.log import INTERACTIONS, Log, Partition, Record
from cx_events.log.open import open_log
from cx_events.log.sqlite import SqliteLog
from cx_events.testing.builders import ACME, an_event
from cx_hub.compose import Hub, running_hub
from cx_hub.deferred import DeferredLog
from cx_hub.demo.run import embedded_settings, until_ready
from cx_hub.identity_rules import configured_rules, put_in_force, rules_change
from cx_identity.rules import DEFAULT, Rules
from cx_runtime.settings import Settings
from cx_runtime.tenants import IdentityConfig, TenantConfig, Tenants, load

pytestmark = pytest.mark.clock


async def until(holds: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():
            await asyncio.sleep(0.02)


# --- parts that are not there yet -------------------------------------------------------------------------------------


async def test_a_log_still_opening_asks_callers_to_retry(tmp_path: Path) -> None:
    log = DeferredLog(open_log(f"sqlite:///{tmp_path / 'log.db'}"))
    event = an_event(id="m-1", email="ana@example.com", text="hello")
    with pytest.raises(TryLater, match="being opened"):
        await log.append([Record(INTERACTIONS, event.key, event.raw)])
    await log.start()
    assert len(await log.append([Record(INTERACTIONS, event.key, event.raw)])) == 1
    await log.stop()


def example(text: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": text,
        "source": "//acme.example/chat",
        "type": "cx.message.received.v1",
        "time": "2020-11-22T10:02:11Z",
        "data": {
            "channel": "chat",
            "interaction": "chat-1",
            "participants": [{"role": "customer", "identifiers": [{"kind": "email", "value": "ana@example.com"}]}],
            "message": {"id": text, "text": text},
        },
    }


async def send(url: str, tenants: Tenants, text: str, *, is_patient: bool = True) -> httpx2.Response:
    async with PatientClient(trust_env=False, timeout=PATIENCE) as http:
        http.is_patient = is_patient
        return await http.post(f"{url}/v1/events", json=example(text), headers=authorization(tenants))


def authorization(tenants: Tenants) -> dict[str, str]:
    return {"authorization": f"Bearer {tenants.by_name['acme'].keys[0].secret}"}


def without_store(home: Path) -> Settings:
    """A store that nothing answers for: PostgreSQL on a port where nobody listens."""
    return embedded_settings(home).model_copy(update={"store_url": "postgresql+asyncpg://x:x@127.0.0.1:1/x"})


async def test_without_its_store_a_hub_accepts_events_while_unready(tmp_path: Path) -> None:
    tenants = load(None, tmp_path, {})
    async with running_hub(without_store(tmp_path), tenants) as hub:
        await asyncio.wait_for(hub.log.opened.wait(), PATIENCE)
        assert (await send(hub.url, tenants, "while the store is down")).status_code == 202
        async with httpx2.AsyncClient(base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
            ready = await http.get("/readyz")
            assert ready.status_code == 503
            assert "store" in ready.json()["detail"]
            assert (await http.get("/healthz")).status_code == 200
            context = await http.get(
                "/v1/context", params={"identifier": "email:ana@example.com"}, headers=authorization(tenants)
            )
            assert context.status_code == 503
            assert int(context.headers["retry-after"]) >= 1
        assert b"cx_intake_events_total" in hub.metrics.render()[0]


async def test_readiness_names_a_column_that_nobody_has_met_yet(tmp_path: Path) -> None:
    async with running_hub(embedded_settings(tmp_path), load(None, tmp_path, {})) as hub:
        await until_ready(hub.url)
        async with hub.store.writing() as tx:
            await tx.execute("ALTER TABLE segments RENAME COLUMN part_id TO part")
        async with httpx2.AsyncClient(base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
            ready = await http.get("/readyz")
            assert ready.status_code == 503
            assert "there is no segments.part_id" in ready.text
            assert "cx migrate" in ready.text
            assert (await http.get("/healthz")).status_code == 200


async def test_readiness_names_each_expected_part_before_it_starts(tmp_path: Path) -> None:
    async with running_hub(without_store(tmp_path), load(None, tmp_path, {})) as hub:
        parts = (await hub.health.ready()).parts
        workers = {name for name in parts if name.endswith("-0")}
        assert len(workers) == 1
        absent = workers | {"relay", "following", "notices"}
        assert {name: parts[name].why for name in absent} == dict.fromkeys(absent, "it is not at work")
        assert {"chat-deliveries", "mapping", "mail", "log", "store", "tasks"} <= set(parts)


async def test_a_hub_without_its_http_server_stops(tmp_path: Path) -> None:
    async with running_hub(embedded_settings(tmp_path), load(None, tmp_path, {}), frozenset({"channels"})) as hub:
        next(task for task in asyncio.all_tasks() if task.get_name() == "http").cancel()
        await asyncio.wait_for(hub.supervisor.stopping.wait(), PATIENCE)
        assert "HTTP server has ended" in str(hub.supervisor.fatal)


async def test_events_accepted_without_the_store_are_applied_later(tmp_path: Path) -> None:
    tenants = load(None, tmp_path, {})
    async with running_hub(without_store(tmp_path), tenants) as hub:
        await asyncio.wait_for(hub.log.opened.wait(), PATIENCE)
        assert (await send(hub.url, tenants, "kept")).status_code == 202
    async with running_hub(embedded_settings(tmp_path), tenants) as hub:
        await until_ready(hub.url)
        document = await context(hub, tenants, at_least="//acme.example/chat#kept")
    assert document["body"]["counts"]["messages"] == 1


async def context(hub: Hub, tenants: Tenants, at_least: str) -> dict[str, Any]:
    async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE) as http, asyncio.timeout(PATIENCE):
        answer = None
        while answer is None or answer.status_code == 504:
            answer = await http.get(
                "/v1/context",
                params={"identifier": "email:ana@example.com", "at_least": at_least, "wait": "10s"},
                headers=authorization(tenants),
            )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_without_its_log_a_hub_answers_503(tmp_path: Path) -> None:
    tenants = load(None, tmp_path, {})
    settings = embedded_settings(tmp_path).model_copy(update={"log_url": "kafka://127.0.0.1:1"})
    async with running_hub(settings, tenants, frozenset({"channels"})) as hub:
        answer = await send(hub.url, tenants, "nowhere to put it", is_patient=False)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1

        def mail() -> int:
            with smtplib.SMTP("127.0.0.1", hub.smtp_port, timeout=PATIENCE) as server:
                server.ehlo("mx.example.com")
                server.mail("ana@example.com")
                server.rcpt("support@acme.example")
                return server.data(b"From: ana@example.com\r\nMessage-ID: <m@example.com>\r\n\r\nhello\r\n")[0]

        assert await asyncio.to_thread(mail) == 451


async def test_a_hub_that_stops_gives_its_partitions_up(tmp_path: Path) -> None:
    settings = embedded_settings(tmp_path)
    async with running_hub(settings, load(None, tmp_path, {})) as hub:
        await until_ready(hub.url)
    store = open_store(settings.resolved_store_url())
    async with store.reading() as tx:
        assert {row[0] for row in await tx.fetch("SELECT owner FROM partitions")} == {""}
        assert not await tx.fetch("SELECT 1 FROM workers")
    await store.stop()


# --- rules of identity ------------------------------------------------------------------------------------------------


def tenants_with(identity: IdentityConfig) -> Tenants:
    return Tenants({"acme": TenantConfig(id_key="acme example key", identity=identity)})


def rules_of(log_records: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [
        (event["id"], event["data"]["identity"]["rules"]["never_link"])
        for event in log_records
        if event["type"] == "cx.identity.rules_changed.v1"
    ]


async def stored(log: Log) -> list[dict[str, Any]]:
    reader = log.reader()
    reader.assign({Partition(INTERACTIONS, number): 0 for number in await log.end_offsets(INTERACTIONS)})
    found: list[dict[str, Any]] = []
    while records := await reader.read(1000, wait=0.1):
        found += [msgspec.json.decode(record.value) for record in records]
    await reader.close()
    return sorted(found, key=lambda event: event["recordedtime"])


async def run_with(settings: Settings, identity: IdentityConfig) -> list[tuple[str, Any]]:
    """Run a hub with these rules until they are in force; all changes of rules on the log."""
    tenants = tenants_with(identity)
    wanted = configured_rules("acme", tenants.by_name["acme"])
    async with running_hub(settings, tenants) as hub:
        await until_ready(hub.url)

        async def in_force() -> bool:
            async with hub.store.reading() as tx:
                return await read_rules_in_force(tx, "acme", DEFAULT) == wanted

        await until(in_force)
        return rules_of(await stored(hub.log))


async def test_configured_rules_become_facts_each_time_that_they_change(tmp_path: Path) -> None:
    settings = embedded_settings(tmp_path)
    plain, strict = IdentityConfig(), IdentityConfig(never_link=("email:noreply@*",))
    assert await run_with(settings, plain) == []
    assert [rules for _, rules in await run_with(settings, strict)] == [["email:noreply@*"]]
    assert len(await run_with(settings, strict)) == 1
    assert [rules for _, rules in await run_with(settings, plain)] == [["email:noreply@*"], []]
    again = await run_with(settings, strict)
    assert [rules for _, rules in again] == [["email:noreply@*"], [], ["email:noreply@*"]]
    assert len({id for id, _ in again}) == 3


async def test_two_processes_starting_at_once_write_the_same_event(tmp_path: Path) -> None:
    settings = embedded_settings(tmp_path)
    log, store = SqliteLog(tmp_path / "log.db"), open_store(settings.resolved_store_url())
    await log.start()
    await store.start()
    tenants = tenants_with(IdentityConfig(exclusive=("crm", "account")))
    both_looked = asyncio.Barrier(2)  # else the second may wait for the first one's event, which nobody folds here

    class MetLog(SqliteLog):
        async def end_offsets(self, topic: str) -> dict[int, int]:
            found = await super().end_offsets(topic)
            await both_looked.wait()
            return found

    logs = [MetLog(log.path), MetLog(log.path)]
    for each in logs:
        await each.start()
    written = await asyncio.gather(*(put_in_force(tenants, store, each, now + 1) for now, each in enumerate(logs)))
    assert written == [1, 1]
    first, second = await stored(log)
    assert (first["source"], first["id"]) == (second["source"], second["id"])
    assert first["data"] == second["data"]
    for each in (log, *logs):
        await each.stop()
    await store.stop()


def test_a_change_of_rules_lies_in_the_tenants_stream() -> None:
    change = rules_change(ACME, Rules.parse({"exclusive": []}), "", 1_000_000)
    assert change.source == decision_source("acme")
    assert change.key.decode() == ACME.tenant_node().hex()
    assert change.id != rules_change(ACME, Rules.parse({"exclusive": []}), "another#change", 1_000_000).id


def test_invalid_rules_stop_the_start_and_name_the_place() -> None:
    tenants = tenants_with(IdentityConfig(never_link=("no kind",)))
    with pytest.raises(Fatal, match=r"tenants\.acme\.identity: never_link"):
        configured_rules("acme", tenants.by_name["acme"])

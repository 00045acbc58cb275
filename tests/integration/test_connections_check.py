"""``cx connections check``: what a connection lacks, what came last by it, and when that is an error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
import yaml
from starlette.requests import Request
from tests.asking import asked_patiently
from tests.patience import PATIENCE
from tests.stocked_hub import KEY, PUBLIC_URL, TWILIO_SECRET, StockedHub
from tests.stores import sqlite_store

from cx_channels.kit.signing import sign
from cx_channels.pollers.report import PollerReport
from cx_context.store import open_store, poller_rows
from cx_events.log.sqlite import SqliteLog
from cx_hub.cli import run
from cx_hub.connection_states import connection_facts, connection_state
from cx_hub.resources import opened_log, opened_store
from cx_ops.connection_traffic import ConnectionTraffic, read_traffic
from cx_ops.http_routes.connection_routes import ConnectionRoutes
from cx_runtime.settings import Settings
from cx_runtime.tenants import ConnectionConfig, KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

Captured = pytest.CaptureFixture[str]
FORM = {"CallSid": "CA1", "CallStatus": "ringing", "Direction": "inbound", "From": "+15550100123", "To": "+15550100199"}


def checked(capfd: Captured) -> tuple[int, dict[str, Any]]:
    capfd.readouterr()
    code = run(["connections", "check", "-o", "json"])
    captured = capfd.readouterr()
    assert captured.out, captured.err
    return code, {each["connection"]: each for each in json.loads(captured.out)}


def reasons(state: dict[str, Any]) -> list[str]:
    return [each["reason"] for each in state["problems"]]


def ring(hub: StockedHub, secret: str) -> int:
    """Let Twilio tell of a call; the status of the answer."""
    address = f"{PUBLIC_URL}/v1/hooks/acme-calls"
    signed = address + "".join(f"{name}{value}" for name, value in sorted(FORM.items()))
    headers = {"x-twilio-signature": sign(secret, signed.encode(), "sha1", "base64")}
    at = f"{hub.url}/v1/hooks/acme-calls"
    answer = asked_patiently(lambda: httpx2.post(at, data=FORM, headers=headers, trust_env=False, timeout=PATIENCE))
    return answer.status_code


def test_the_latest_error_counts_until_an_event_comes(stocked: StockedHub, capfd: Captured) -> None:
    code, states = checked(capfd)
    calls = states["acme-calls"]
    assert (code, calls["state"], states["acme-chat"]["state"]) == (1, "error", "ok")
    assert reasons(calls) == ["incomplete-settings", "latest-failed"]
    assert calls["last_event"] is None
    assert calls["last_error"]["id"] in calls["problems"][1]["detail"]
    assert calls["requests"]["dead-letter"] >= 4
    assert states["acme-mail"]["last_event"] is None

    assert ring(stocked, "somebody else's secret") == 401
    assert ring(stocked, TWILIO_SECRET) < 300
    code, states = checked(capfd)
    calls = states["acme-calls"]
    assert (code, calls["state"]) == (0, "warning")
    assert reasons(calls) == ["incomplete-settings", "some-refused"]
    assert calls["last_event"]["type"] == "cx.interaction.started.v1"
    assert calls["last_event"]["time"] > calls["last_error"]["time"]

    assert run(["connections", "check"]) == 0
    told = capfd.readouterr().out
    assert calls["last_event"]["time"] in told
    assert "1 requests were refused" in told


def test_what_a_connection_lacks_is_named(
    stocked: StockedHub, capfd: Captured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {"shared_keys": {"one": "a shared key of sixteen"}, "numbers": ["+15550100199"]}
    bare = {"calls": {"provider": "voice/twilio"}, "shared": {"provider": "voice/twilio", "settings": keys}}
    tenant = {"id_key": "a lasting key of acme", "connections": bare}
    (tmp_path / "bare.yaml").write_text(yaml.safe_dump({"tenants": {"acme": tenant}}))
    monkeypatch.setenv("CX_CONFIG", str(tmp_path / "bare.yaml"))
    monkeypatch.delenv("CX_PUBLIC_URL")
    code, states = checked(capfd)
    assert code == 1
    assert reasons(states["calls"]) == ["no-public-url", "no-secrets", "incomplete-settings"]
    assert reasons(states["shared"]) == ["no-public-url"]
    assert states["calls"]["state"] == "error"
    assert "no request of voice/twilio passes" in states["calls"]["problems"][1]["detail"]
    assert run(["config", "check"]) == 1
    assert "no-secrets" in capfd.readouterr().out


def test_what_no_part_can_tell_is_not_made_up(
    stocked: StockedHub, capfd: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CX_LOG_URL", "kafka://127.0.0.1:9")
    monkeypatch.setenv("CX_URL", "http://127.0.0.1:9")
    assert run(["connections", "check", "-o", "json"]) == 1
    captured = capfd.readouterr()
    assert [(each["last_event"], each["requests"]) for each in json.loads(captured.out)] == [(None, None)] * 3
    assert "latest events and errors are not known" in captured.err
    assert run(["connections", "check"]) == 1
    assert "refused requests are not known" in capfd.readouterr().err


def test_operators_read_it_over_http(stocked: StockedHub, capfd: Captured) -> None:
    at, headers = f"{stocked.url}/v1/ops/connections", {"authorization": f"Bearer {KEY}"}
    _, states = checked(capfd)
    answer = httpx2.get(at, headers=headers, trust_env=False, timeout=PATIENCE)
    assert answer.status_code == 200, answer.text
    told = {each["id"]: each for each in answer.json()["items"]}
    assert list(told) == ["acme-calls", "acme-chat", "acme-mail"]
    for id, each in told.items():
        for name in ("provider", "last_event", "last_error"):
            assert each[name] == states[id][name]
    assert [each["reason"] for each in told["acme-calls"]["lacks"]] == ["incomplete-settings"]
    assert told["acme-calls"]["lacks"][0]["works"] is True
    assert answer.json()["looked_back_to"] is None, "all of so short a log was looked at"
    assert httpx2.get(f"{at}?id=1", headers=headers, trust_env=False, timeout=PATIENCE).status_code == 400


def test_requests_that_are_all_refused_are_an_error() -> None:
    quiet = ConnectionTraffic(None, None)
    state = connection_state("acme", "calls", "voice/twilio", (), quiet, {"refused": 3, "accepted": 0})
    assert (state["state"], reasons(state)) == ("error", ["all-refused"])
    state = connection_state("acme", "calls", "voice/twilio", (), quiet, {"refused": 0})
    assert (state["state"], reasons(state)) == ("ok", [])


async def test_events_beyond_the_bound_are_said_to_be(stocked: StockedHub) -> None:
    settings = Settings()
    async with opened_log(settings) as log, opened_store(settings) as store:
        bounded = await read_traffic(log, store, {"acme-mail": "acme"}, most=1)
        whole = await read_traffic(log, store, {"acme-mail": "acme"})
    assert bounded.looked_back_to.endswith("Z")
    assert whole.looked_back_to == ""


async def test_a_pollers_state_is_read_over_http(tmp_path: Path) -> None:
    settings = {"host": "imap.acme.example", "user": "support@acme.example"}
    mailbox = ConnectionConfig(provider="email/imap", secrets=("a password",), settings=settings)
    other = ConnectionConfig(provider="email/postmark", secrets=("user:a password",))
    key = KeyConfig(id="ops", secret=KEY, scopes=frozenset({"ops"}))
    connections = {"mails": mailbox, "more": mailbox, "posts": other}
    tenants = Tenants({"acme": TenantConfig(id_key="a lasting key of acme", keys=(key,), connections=connections)})
    log, store = SqliteLog(tmp_path / "log.db", 1), open_store(sqlite_store(tmp_path))
    await log.start()
    await store.start()
    try:
        report = PollerReport("refused", 5.0, "login-refused", "wrong password", 5.0, lag=3.0)
        async with store.writing() as tx:
            await poller_rows.announce(tx, {"mails": "acme", "more": "acme"})
            await poller_rows.take(tx, ["mails"], "a process", 600.0)
            await poller_rows.write_reports(tx, "a process", {"mails": msgspec.json.encode(report)})
        routes = ConnectionRoutes(log, store, tenants, connection_facts(tenants, ""))
        scope = {"type": "http", "query_string": b"", "headers": [(b"authorization", f"Bearer {KEY}".encode())]}
        items = json.loads((await routes.connections(Request(scope))).body)["items"]
    finally:
        await store.stop()
        await log.stop()
    mails, more, posts = (each["poller"] for each in items)
    assert (mails["state"], mails["owner"], mails["lag_seconds"]) == ("refused", "a process", 3.0)
    assert mails["problem"] == {
        "level": "error",
        "reason": "poller-refused",
        "detail": "login-refused: wrong password",
    }
    assert (more["state"], more["problem"]["reason"]) == ("not running", "not-polled")
    assert posts is None

"""Signing in: what a session opens, what ends it, and what strangers try with a cookie."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from tests.asking import PatientClient
from tests.patience import PATIENCE
from tests.stores import sqlite_store

from cx_context.store import open_store
from cx_desktop.ended_sessions import StoredEndedSessions
from cx_desktop.page_headers import PageHeaders
from cx_events.errors import Fatal, TryLater
from cx_hub.compose import Hub, running_hub
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.metrics import Metrics
from cx_runtime.sessions.sealing import COOKIE, Session, SessionSealer
from cx_runtime.sessions.session_auth import SessionAuth
from cx_runtime.tenants import KeyConfig, TenantConfig, Tenants

pytestmark = [pytest.mark.clock, pytest.mark.asyncio(loop_scope="module")]

KEYS = {
    "desk": "the key of acme's desk",
    "reader": "the key of a reader",
    "ben": "the key of ben alone",
    "decider": "the key of who decides at acme",
    "importer": "the key of who imports",
    "other": "the key of another's desk",
}


def tenants(**changed: str) -> Tenants:
    """``changed``: other secrets of some keys; empty for a key that is gone."""

    def key(id: str, *scopes: str, agent: str = "") -> dict[str, Any]:
        secret = changed.get(id, KEYS[id])
        return {"id": id, "secret": secret, "scopes": scopes, "agent": agent}

    acme = [
        key("desk", "context:read", "conversations:write"),
        key("reader", "context:read"),
        key("ben", "context:read", agent="ben"),
        key("decider", "context:read", "conversations:write", "identity:write", "events:write"),
        key("importer", "events:write", "ops"),
    ]
    return Tenants(
        {
            "acme": TenantConfig.model_validate(
                {
                    "id_key": "a lasting key of acme",
                    "keys": [each for each in acme if each["secret"]],
                    "agents": {
                        "ben": {"name": "Ben Okafor", "ids": {"any": "ben@acme.example"}, "queues": ["billing"]},
                        "mia": {"name": "Mia", "ids": {"//acme.example/chat": "21"}},
                    },
                    "queues": {"billing": {"name": "Billing"}},
                    "connections": {"acme-chat": {"provider": "chat/webchat", "secrets": ["a secret of acme's chat"]}},
                    "frame_ancestors": ["https://crm.acme.example"],
                }
            ),
            "other": TenantConfig(
                id_key="a lasting key of another",
                keys=(KeyConfig(id="desk", secret=KEYS["other"], scopes=frozenset({"*"})),),
            ),
        }
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    settings = embedded_settings(tmp_path_factory.mktemp("hub")).model_copy(
        update={"environment": "test", "environment_color": "#b3261e", "stream_heartbeat": 0.2}
    )
    async with running_hub(settings, tenants()) as hub:
        await until_ready(hub.url)
        yield hub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(hub: Hub) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that keeps no cookies by itself."""
    async with PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE) as http:
        yield http


async def signed_in(http: httpx2.AsyncClient, key: str = "desk", agent: str = "", **headers: str) -> Browser:
    answer = await http.post("/v1/session", json={"key": KEYS[key], "agent": agent}, headers=headers)
    assert answer.status_code == 201, answer.text
    http.cookies.clear()
    cookie = answer.headers["set-cookie"].partition(";")[0]
    return Browser(http, cookie, answer.json())


class Browser:
    """A browser as a page of the hub's own drives it: a cookie, and the token that ``/v1/me`` told."""

    def __init__(self, http: httpx2.AsyncClient, cookie: str, me: dict[str, Any]) -> None:
        self.http = http
        self.cookie = cookie
        self.me = me

    async def ask(self, method: str, path: str, *, token: str | None = "", json: Any = None, **more: str) -> Any:
        """``token``: empty for the session's own; None for none. ``more``: headers."""
        headers = {"cookie": self.cookie, "sec-fetch-site": "same-origin", **_named(more)}
        if token is not None and method != "GET":
            headers["x-csrf-token"] = token or self.me["session"]["csrf_token"]
        return await self.http.request(method, path, json=json, headers=headers)


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


NOTE = {"agent": {"id": "ben", "name": "Ben"}, "note": "hello"}
ACT = "/v1/conversations/4e7f1ba4-0000-8000-8000-000000000000/notes"
READ = "/v1/context?identifier=email:nobody@example.com"


async def test_a_session_opens_what_its_key_opens(http: httpx2.AsyncClient) -> None:
    desk = await signed_in(http, agent="ben@acme.example")
    assert (await desk.ask("GET", READ)).json()["reason"] == "unknown-customer"
    assert (await desk.ask("POST", ACT, json=NOTE)).status_code == 404
    assert (await desk.ask("GET", "/v1/ops/lag")).json()["reason"] == "missing-scope"
    reader = await signed_in(http, "reader")
    assert (await reader.ask("GET", READ)).json()["reason"] == "unknown-customer"
    assert (await reader.ask("POST", ACT, json=NOTE)).json()["reason"] == "missing-scope"


async def test_me_tells_key_agent_and_environment(http: httpx2.AsyncClient) -> None:
    desk = await signed_in(http, agent="ben@acme.example")
    told = (await desk.ask("GET", "/v1/me")).json()
    assert {**told, "session": None, "now": None} == {
        "tenant": "acme",
        "key": "desk",
        "scopes": ["context:read", "conversations:write"],
        "required_assurance": None,
        "agent": {"id": "ben", "name": "Ben Okafor", "teams": [], "queues": ["billing"]},
        "environment": {"name": "test", "color": "#b3261e"},
        "chats": ["acme-chat"],
        "session": None,
        "now": None,
    }
    assert told["session"] == desk.me["session"]
    by_key = (await http.get("/v1/me", headers={"authorization": f"Bearer {KEYS['reader']}"})).json()
    assert (by_key["key"], by_key["agent"], by_key["session"]) == ("reader", None, None)
    assert (await http.get("/v1/me")).json()["reason"] == "no-key"


async def test_a_cookie_is_kept_from_scripts_and_other_hosts(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/v1/session", json={"key": KEYS["desk"]})
    http.cookies.clear()
    value, *attributes = (part.strip() for part in answer.headers["set-cookie"].split(";"))
    assert value.startswith("__Host-throughline=acme~")
    assert {each.lower() for each in attributes} == {
        "max-age=43200", "path=/", "secure", "httponly", "samesite=lax",
    }  # fmt: skip
    assert "domain" not in answer.headers["set-cookie"].lower()
    assert KEYS["desk"] not in answer.text
    assert answer.headers["cache-control"] == "no-store"


STRANGE = [
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"sec_fetch_site": "same-origin", "origin": "https://evil.example"},
    {"sec_fetch_site": "none", "origin": "null"},
    {"origin": "http://127.0.0.1:1"},
]


@pytest.mark.parametrize("strange", STRANGE, ids=str)
async def test_pages_of_other_origins_use_no_session(http: httpx2.AsyncClient, strange: dict[str, str]) -> None:
    desk = await signed_in(http)
    for method, path in (("POST", ACT), ("GET", READ), ("DELETE", "/v1/session")):
        answer = await desk.ask(method, path, json=NOTE if method == "POST" else None, **strange)
        assert (answer.status_code, answer.json()["reason"]) == (403, "cross-origin")
        assert "access-control-allow-origin" not in answer.headers
    assert (await desk.ask("GET", "/v1/me")).status_code == 200
    answer = await http.post("/v1/session", json={"key": KEYS["desk"]}, headers=_named(strange))
    assert (answer.status_code, answer.json()["reason"]) == (403, "cross-origin")


async def test_unsafe_requests_bring_the_sessions_own_token(http: httpx2.AsyncClient) -> None:
    desk, mia = await signed_in(http), await signed_in(http)
    for token in (None, "guessed", mia.me["session"]["csrf_token"]):
        for method, path in (("POST", ACT), ("DELETE", "/v1/session")):
            answer = await desk.ask(method, path, token=token, json=NOTE if method == "POST" else None)
            assert (answer.status_code, answer.json()["reason"]) == (403, "bad-csrf-token")
    assert (await desk.ask("GET", "/v1/me")).status_code == 200


async def test_a_form_of_another_page_signs_nobody_in(http: httpx2.AsyncClient) -> None:
    raw = f'{{"key": "{KEYS["desk"]}"}}'
    answer = await http.post("/v1/session", content=raw, headers={"content-type": "text/plain"})
    assert answer.status_code == 415


async def test_a_cookie_is_worth_nothing_after_signing_out(http: httpx2.AsyncClient) -> None:
    desk, another = await signed_in(http), await signed_in(http)
    answer = await desk.ask("DELETE", "/v1/session")
    assert answer.status_code == 204
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    answer = await desk.ask("GET", READ)
    assert (answer.status_code, answer.json()["reason"]) == (401, "session-over")
    assert (await desk.ask("POST", ACT, json=NOTE)).json()["reason"] == "session-over"
    assert (await desk.ask("DELETE", "/v1/session")).status_code == 204
    assert (await another.ask("GET", "/v1/me")).status_code == 200


async def test_signing_in_takes_no_session_from_outside(http: httpx2.AsyncClient) -> None:
    planted = await signed_in(http)
    victim = await signed_in(http, cookie=planted.cookie)
    assert victim.cookie != planted.cookie
    assert (await planted.ask("GET", "/v1/me")).json()["reason"] == "session-over"
    made_up = await signed_in(http, cookie=f"{COOKIE}=acme~made-up")
    assert "made-up" not in made_up.cookie


@pytest.mark.parametrize("what", ["cut", "flipped", "of another tenant", "empty", "no tenant", "long"])
async def test_a_cookie_that_was_tampered_with_is_none(http: httpx2.AsyncClient, what: str) -> None:
    desk = await signed_in(http)
    value = desk.cookie.partition("=")[2]
    middle = len(value) // 2
    values = {
        "cut": value[:-2],
        "flipped": value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :],
        "of another tenant": value.replace("acme~", "other~"),
        "empty": "",
        "no tenant": value.partition("~")[2],
        "long": value + "A" * 8192,
    }
    answer = await http.get("/v1/me", headers={"cookie": f"{COOKIE}={values[what]}"})
    assert (answer.status_code, answer.json()["reason"]) == (401, "session-over")


async def test_a_cookie_reads_its_own_tenant_alone(http: httpx2.AsyncClient) -> None:
    other = await signed_in(http, "other")
    assert (await other.ask("GET", "/v1/me")).json()["tenant"] == "other"
    desk = await signed_in(http)
    answer = await desk.ask("GET", "/v1/me", authorization=f"Bearer {KEYS['other']}")
    assert answer.json()["tenant"] == "other", "a key that is given counts, not the cookie beside it"


async def test_a_session_speaks_for_its_own_agent(http: httpx2.AsyncClient) -> None:
    desk = await signed_in(http, agent="ben@acme.example")
    assert (await desk.ask("PUT", "/v1/presence", json={})).json() == {"seconds": 30}
    answer = await desk.ask("PUT", "/v1/presence", json={"agent": {"id": "mia"}})
    assert (answer.status_code, answer.json()["reason"]) == (403, "other-agent")


ACTS: dict[str, dict[str, Any]] = {
    "/v1/conversations/{id}/notes": {"note": "asked the bank"},
    "/v1/conversations/{id}/handoffs": {"to": "payments"},
    "/v1/conversations/{id}/handoffs/h-1/decline": {},
    "/v1/conversations/{id}/continue": {},
    "/v1/conversations/continue": {"token": "AAAA 1111", "interaction": "chat-1"},
    "/v1/identity/merge": {"a": "one", "b": "two", "reason": "she said so"},
    "/v1/identity/attribute": {"interaction": "chat-1", "profile": "one", "reason": "she said so"},
}


@pytest.mark.parametrize("path", ACTS)
async def test_an_act_of_a_session_is_its_own_agents(http: httpx2.AsyncClient, path: str) -> None:
    desk = await signed_in(http, "decider", agent="ben@acme.example")
    path = path.format(id=ACT.split("/")[3])
    body = ACTS[path.replace(ACT.split("/")[3], "{id}")]
    answer = await desk.ask("POST", path, json={**body, "agent": {"id": "mia"}})
    assert (answer.status_code, answer.json()["reason"]) == (403, "other-agent")
    assert "'ben'" in answer.json()["detail"]
    for agent in ({"agent": {"id": "ben"}}, {"agent": {"id": "ben@acme.example"}}, {"agent": None}, {}):
        answer = await desk.ask("POST", path, json={**body, **agent})
        assert answer.json()["reason"] not in ("other-agent", "bad-body"), "read, and refused for what it asks for"
    keyed = {"authorization": f"Bearer {KEYS['decider']}"}
    answer = await http.post(path, json={**body, "agent": {"id": "mia"}}, headers=keyed)
    assert answer.json()["reason"] != "other-agent", "a key names whoever acts, as before"


async def test_a_session_without_an_agent_names_whoever_acts(http: httpx2.AsyncClient) -> None:
    desk = await signed_in(http, "decider")
    assert (await desk.ask("POST", ACT, json=NOTE)).json()["reason"] == "unknown-conversation"
    assert (await desk.ask("POST", ACT, json={"note": "hello"})).json()["reason"] == "bad-body"


async def test_an_event_of_a_session_names_who_signed_in(hub: Hub, http: httpx2.AsyncClient) -> None:
    keyed = {"authorization": f"Bearer {KEYS['decider']}"}
    spoken = {
        "specversion": "1.0", "id": "m-1", "source": "//acme.example/chat", "type": "cx.message.received.v1",
        "data": {"channel": "chat", "interaction": "chat-1", "direction": "inbound", "message": {"text": "hello"},
                 "participants": [{"role": "customer", "identifiers": [{"kind": "email", "value": "a@example.com"}]}]},
    }  # fmt: skip
    answer = await http.post(
        "/v1/events", json=spoken, headers={**keyed, "content-type": "application/cloudevents+json"}
    )
    assert answer.status_code == 202, answer.text
    waiting = {"interaction": "chat-1", "at_least": "//acme.example/chat#m-1", "wait": "60s"}
    found = (await http.get("/v1/context", params=waiting, headers=keyed)).json()["body"]["conversations"][0]["id"]
    desk = await signed_in(http, "decider", agent="mia")
    made = await desk.ask("POST", f"/v1/conversations/{found}/notes", json={"note": "asked the bank"})
    assert made.status_code == 202, made.text
    event = made.json()["event"]
    after = {**waiting, "at_least": f"{event['source']}#{event['id']}"}
    shown = (await http.get("/v1/context", params=after, headers=keyed)).json()["body"]["conversations"][0]
    assert [(each["text"], each["agent"]) for each in shown["notes"]] == [("asked the bank", "Mia")]


MIA: dict[str, dict[str, Any]] = {
    "agent": {"agent": {"id": "mia"}},
    "agent's name": {"agent": {"name": "Mia"}},
    "participant": {"participants": [{"role": "agent", "id": "mia"}]},
    "second participant": {"participants": [{"role": "agent", "id": "ben"}, {"role": "agent", "id": "mia"}]},
    "participant's name": {"participants": [{"role": "agent", "name": "Mia"}]},
    "participant's address": {
        "participants": [{"role": "agent", "identifiers": [{"kind": "email", "value": "mia@acme.example"}]}]
    },
    "agent of a source": {"agent": {"id": "ben@acme.example"}, "participants": [{"role": "agent", "id": "21"}]},
    "base64": {},
}
BEN: dict[str, dict[str, Any]] = {
    "nobody": {},
    "an empty one": {"agent": None, "participants": [{"role": "agent"}]},
    "agent": {"agent": {"id": "ben", "name": "Ben"}, "participants": [{"role": "agent", "id": "ben@acme.example"}]},
    "name": {"participants": [{"role": "agent", "name": "Ben Okafor"}]},
    "address": {"participants": [{"role": "agent", "identifiers": [{"kind": "email", "value": "ben@acme.example"}]}]},
    "a transfer": {"agent": {"id": "ben"}, "transfer": {"to": "mia", "agent": {"id": "mia"}}},
}


def sent_event(data: dict[str, Any], **more: Any) -> dict[str, Any]:
    own = {"channel": "chat", "interaction": "chat-7", "message": {"text": "hello"}, **data}
    return {
        "specversion": "1.0", "id": "m-7", "source": "//acme.example/chat", "type": "cx.message.sent.v1", "data": own,
        **more,
    }  # fmt: skip


@pytest.mark.parametrize("way", MIA)
async def test_an_event_of_a_session_borrows_no_name(http: httpx2.AsyncClient, way: str) -> None:
    event = sent_event(MIA[way])
    if way == "base64":
        event["data_base64"] = b64encode(json.dumps({**event.pop("data"), **MIA["agent"]}).encode()).decode()
    desk = await signed_in(http, "decider", agent="ben")
    for body in (event, [sent_event({}, id="m-8"), event]):
        answer = await desk.ask("POST", "/v1/events?dry_run=true", json=body)
        assert (answer.status_code, answer.json()["reason"]) == (403, "other-agent")
        assert "'ben'" in answer.json()["detail"]
    keyed = {"authorization": f"Bearer {KEYS['decider']}"}
    answer = await http.post("/v1/events?dry_run=true", json=event, headers=keyed)
    assert answer.status_code == 200, f"a key names whoever acts: {answer.text}"
    unnamed = await signed_in(http, "decider")
    assert (await unnamed.ask("POST", "/v1/events?dry_run=true", json=event)).status_code == 200


@pytest.mark.parametrize("way", BEN)
async def test_a_sessions_event_may_name_its_own_agent(http: httpx2.AsyncClient, way: str) -> None:
    desk = await signed_in(http, "decider", agent="ben")
    answer = await desk.ask("POST", "/v1/events?dry_run=true", json=sent_event(BEN[way]))
    assert answer.status_code == 200, answer.text
    assert answer.json()["events"][0]["writer"] == "key/decider"


async def test_a_session_imports_by_scope_alone(http: httpx2.AsyncClient) -> None:
    other = sent_event(MIA["agent"], recordedtime="2026-11-20T10:00:00Z")
    desk = await signed_in(http, "decider", agent="ben")
    answer = await desk.ask("POST", "/v1/events?dry_run=true", json=sent_event({}, writer="key/mia"))
    assert answer.json()["rejected"][0]["reason"] == "reserved-attribute"
    assert (await desk.ask("POST", "/v1/events?dry_run=true", json=other)).json()["reason"] == "other-agent"
    importer = await signed_in(http, "importer", agent="ben")
    assert (await importer.ask("POST", "/v1/events?dry_run=true", json=other)).status_code == 200
    now = sent_event(MIA["agent"])
    assert (await importer.ask("POST", "/v1/events?dry_run=true", json=now)).json()["reason"] == "other-agent"


async def test_a_vcon_of_a_session_borrows_no_name(http: httpx2.AsyncClient) -> None:
    desk = await signed_in(http, "decider", agent="ben")
    for address, expected in (("mia@acme.example", 403), ("ben@acme.example", 202)):
        vcon = {
            "vcon": "0.4.0",
            "uuid": "018f3a6e-5b7c-8000-9000-0000000000a7",
            "created_at": "2026-11-20T10:00:00Z",
            "parties": [{"role": "agent", "mailto": address}, {"mailto": "ana@example.com"}],
            "dialog": [
                {
                    "type": "text",
                    "start": "2026-11-20T10:00:00Z",
                    "parties": [0, 1],
                    "originator": 0,
                    "body": "hello",
                    "encoding": "none",
                    "mediatype": "text/plain",
                }
            ],
        }
        answer = await desk.ask("POST", "/v1/vcons", json=vcon)
        assert answer.status_code == expected, answer.text
        assert answer.json().get("reason") == ("other-agent" if expected == 403 else None)


async def test_a_cookie_opens_no_webhook_and_no_tools(http: httpx2.AsyncClient) -> None:
    desk = await signed_in(http, "other")
    assert (await desk.ask("POST", "/mcp", json={})).json()["reason"] == "no-key"


async def test_a_key_may_be_one_agents(http: httpx2.AsyncClient) -> None:
    assert (await signed_in(http, "ben")).me["agent"]["id"] == "ben"
    for key, agent, status, reason in (
        ("ben", "mia", 403, "other-agent"),
        ("desk", "nobody", 422, "unknown-agent"),
        ("other", "x" * 281, 422, "unknown-agent"),
        ("other", "a\nb", 422, "unknown-agent"),
    ):
        answer = await http.post("/v1/session", json={"key": KEYS[key], "agent": agent})
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert (await signed_in(http, "other", "anybody")).me["agent"] == {
        "id": "anybody", "name": "", "teams": [], "queues": [],
    }  # fmt: skip


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"key": 7}', '{"key": "a", "password": "b"}', "a" * 9000])
async def test_a_body_that_cannot_be_read_is_refused(http: httpx2.AsyncClient, body: str) -> None:
    answer = await http.post("/v1/session", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 413, 422)
    assert answer.json()["detail"]


# --- over processes, restarts and changes of the configuration --------------------------------------------------------


async def asked(auth: SessionAuth, cookie: str) -> tuple[int, str]:
    """What a process answers to a cookie: the status, and the key that the app behind it saw."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse(Request(scope).headers.get("authorization", "no key"))(scope, receive, send)

    transport = httpx2.ASGITransport(app=auth.wrap(app))
    async with httpx2.AsyncClient(transport=transport, base_url="http://hub") as http:
        answer = await http.get("/v1/me", headers={"cookie": f"{COOKIE}={cookie}"})
        return answer.status_code, answer.text


class Ended:
    """What is kept of sessions that were signed out, in memory."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.is_down = False

    async def end(self, session: Session) -> None:
        self.ids.add(session.id)

    async def has_ended(self, session: Session) -> bool:
        if self.is_down:
            raise TryLater("store", "it does not answer")
        return session.id in self.ids


def session_of(known: Tenants, key: str = "desk", expires: float = 1e10) -> Session:
    found = known.authenticate(KEYS[key])
    assert found is not None
    return Session("an-id", *found, "ben", int(expires))


async def test_every_process_reads_every_cookie_until_the_key_changes() -> None:
    known = tenants()
    sealer = SessionSealer(known)
    cookie = sealer.seal(session_of(known))
    assert cookie != sealer.seal(session_of(known)), "no two cookies are alike"
    restarted = SessionAuth(SessionSealer(tenants()), Ended(), Metrics())
    assert await asked(restarted, cookie) == (200, f"Bearer {KEYS['desk']}")
    for change in ({"desk": "another secret"}, {"desk": ""}):
        changed = SessionAuth(SessionSealer(tenants(**change)), Ended(), Metrics())
        assert (await asked(changed, cookie))[0] == 401


async def test_a_session_expires() -> None:
    known = tenants()
    now = [1000.0]
    auth = SessionAuth(SessionSealer(known), Ended(), Metrics(), clock=lambda: now[0])
    cookie = auth.sealer.seal(session_of(known, expires=1060))
    assert (await asked(auth, cookie))[0] == 200
    now[0] = 1060.0
    assert (await asked(auth, cookie))[0] == 401


async def test_no_cookie_counts_while_the_store_is_down() -> None:
    known, ended = tenants(), Ended()
    auth = SessionAuth(SessionSealer(known), ended, Metrics())
    ended.is_down = True
    assert (await asked(auth, auth.sealer.seal(session_of(known))))[0] == 503


async def test_signing_out_holds_at_every_process(tmp_path: Path) -> None:
    known = tenants()
    session = session_of(known, expires=time.time() + 3600)
    url = sqlite_store(tmp_path)
    first, second = open_store(url), open_store(url)
    await first.start()
    await second.start()
    try:
        auths = [SessionAuth(SessionSealer(known), StoredEndedSessions(each), Metrics()) for each in (first, second)]
        cookie = auths[0].sealer.seal(session)
        assert [(await asked(auth, cookie))[0] for auth in auths] == [200, 200]
        await auths[0].end(session)
        assert (await asked(auths[0], cookie))[0] == 401
        async with asyncio.timeout(PATIENCE):
            while (await asked(auths[1], cookie))[0] != 401:
                await asyncio.sleep(0.05)
    finally:
        await first.stop()
        await second.stop()


# --- streams ----------------------------------------------------------------------------------------------------------


async def test_a_stream_ends_with_its_session(http: httpx2.AsyncClient) -> None:
    desk = await signed_in(http)
    headers = {"cookie": desk.cookie, "sec-fetch-site": "same-origin"}
    async with asyncio.timeout(PATIENCE), http.stream("GET", "/v1/stream?agent=ben", headers=headers) as answer:
        assert answer.status_code == 200
        chunks = answer.aiter_bytes()
        heard = b""
        while b"live" not in heard:
            heard += await anext(chunks)
        assert (await desk.ask("DELETE", "/v1/session")).status_code == 204
        async for _ in chunks:
            pass
    again = await http.get("/v1/stream?agent=ben", headers=headers)
    assert again.status_code == 401


# --- configuration ----------------------------------------------------------------------------------------------------


async def test_a_key_of_an_unknown_agent_stops_the_start() -> None:
    key = {"id": "desk", "secret": "long enough", "scopes": ["*"], "agent": "nobody"}
    config = TenantConfig.model_validate({"id_key": "a lasting key of acme", "keys": [key]})
    with pytest.raises(Fatal, match=r"tenants.acme.keys\[0\].agent: there is no agent 'nobody'"):
        Tenants({"acme": config})


async def test_only_the_tenants_listed_pages_may_frame() -> None:
    known = tenants()
    headers = PageHeaders(known)

    def ancestors(session: Session | None) -> str:
        return headers.of(session)["content-security-policy"].partition("frame-ancestors ")[2]

    assert ancestors(session_of(known)) == "https://crm.acme.example"
    assert ancestors(session_of(known, "other")) == "'none'"
    assert ancestors(None) == "https://crm.acme.example"


# --- guessing ---------------------------------------------------------------------------------------------------------


async def test_wrong_keys_are_limited_by_address(tmp_path: Path) -> None:
    """At a hub of its own: it locks this address out."""
    async with (
        running_hub(embedded_settings(tmp_path), tenants()) as hub,
        PatientClient(base_url=hub.url, trust_env=False, timeout=PATIENCE) as http,
    ):
        await until_ready(hub.url)

        async def attempt(key: str) -> httpx2.Response:
            return await http.post("/v1/session", json={"key": key})

        count = 0
        while (reason := (await attempt("a wrong key")).json()["reason"]) == "bad-key":
            count += 1  # one more for each minute that this takes
        assert reason == "too-many-attempts"
        assert 20 <= count < 40
        answer = await attempt(KEYS["desk"])
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0

"""The ``cx`` command: what it prints where, and how it exits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from tests.asking import asked_patiently
from tests.patience import PATIENCE
from tests.processes import running

from cx_channels.kit.signing import sign
from cx_hub.cli import run
from cx_hub.stack.processes import free_port

pytestmark = pytest.mark.clock

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "schemas" / "events"
TWILIO = ROOT / "services" / "cx_channels" / "voice" / "twilio" / "fixtures"


@dataclass
class Hub:
    """A hub in a process of its own, and how its home is named to commands."""

    url: str
    home: Path


PUBLIC_URL = "https://hub.example.com"
Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    home = tmp_path_factory.mktemp("hub")
    with running("up", {"CX_HOME": str(home), "CX_PUBLIC_URL": PUBLIC_URL}, home / "said") as process:
        yield Hub(process.url, home)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Commands run in an empty home, whatever the environment says."""
    for name in list(os.environ):
        if name.startswith("CX_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CX_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def at_hub(here: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands find the running hub, and in its home the key."""
    monkeypatch.setenv("CX_HOME", str(hub.home))
    monkeypatch.setenv("CX_URL", hub.url)
    return here


def event(id: str, **changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads((EXAMPLES / "cx.message.received" / "v1.example.json").read_bytes())
    return {**whole, "id": id, **changes}


def wait_for(url: str, event: str, identifier: str = "email:ana@example.com") -> None:
    """Until the hub has applied an event."""
    key = (Path(os.environ["CX_HOME"]) / "key").read_text().strip()
    answer = asked_patiently(
        lambda: httpx2.post(
            f"{url}/v1/context/lookup",
            params={"at_least": event, "wait": "10s"},
            json={"identifier": identifier},
            headers={"authorization": f"Bearer {key}"},
            timeout=PATIENCE,
            trust_env=False,
        ),
        lambda answer: answer.status_code in (503, 504),
    )
    assert answer.status_code == 200, answer.text


# --- help, usage, errors ----------------------------------------------------------------------------------------------


def test_help_names_every_command(here: Path, capfd: Captured) -> None:
    assert run(["--help"]) == 0
    shown = capfd.readouterr().out
    shared = (
        "demo",
        "test",
        "up",
        "run",
        "stack",
        "map",
        "events",
        "log",
        "lag",
        "customer",
        "verify",
        "dlq",
        "config",
    )
    for command in (*shared, "import", "export"):
        assert f"  {command} " in shown


@pytest.mark.parametrize(
    "line", ["nosuch", "map", "run nothing", "up --port x", "log tail -x", "customer", "log tail --topic no"]
)
def test_wrong_usage_is_exit_2_on_stderr(here: Path, capfd: Captured, line: str) -> None:
    assert run(line.split()) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "cx" in captured.err


def test_an_invalid_setting_is_named(here: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CX_PORT", "eighty")
    assert run(["lag"]) == 2
    assert "PORT" in capfd.readouterr().err


def test_an_invalid_address_is_one_clear_line(here: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CX_LOG_URL", "redis://nowhere")
    assert run(["log", "tail"]) == 1
    said = capfd.readouterr().err.strip()
    assert "redis://nowhere" in said
    assert "\n" not in said


def test_a_taken_port_ends_up_with_the_reason(here: Path, hub: Hub, capfd: Captured) -> None:
    port = hub.url.rpartition(":")[2]
    assert run(["up", "--port", port]) == 1
    said = capfd.readouterr().err
    assert f"no HTTP on 127.0.0.1:{port}" in said
    assert "CX_PORT" in said


# --- map --------------------------------------------------------------------------------------------------------------


def test_map_prints_events_as_json_lines(here: Path, capfd: Captured) -> None:
    assert run(["map", "voice/twilio", str(TWILIO / "status-ringing.form")]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["cx.interaction.started.v1"]


def test_map_reads_the_settings_of_a_connection(here: Path, capfd: Captured) -> None:
    call = ["map", "voice/twilio", str(TWILIO / "status-ringing.form")]

    def roles(*settings: str) -> list[str]:
        assert run([*call, *settings]) == 0
        data = json.loads(capfd.readouterr().out)["data"]
        return [one["role"] for one in data.get("participants", [])]

    assert roles() == []
    assert roles("--setting", "numbers=[+14155550199]", "--setting", "clients=staff") == ["customer", "business"]
    assert roles("--setting", 'numbers=["+14155550199", "+14155550100"]') == ["business", "business"]


CORRELATED = """
tenants:
  acme:
    keys: [{id: local, secret: "a key to try it with", scopes: ["*"]}]
    connections:
      acme-voice: {provider: voice/twilio}
      acme-calls: {provider: voice/twilio}
    correlations: {trunk: {within: 2m, fields: {acme-voice: PATH, acme-calls: $.raw.CallSid}}}
"""


@pytest.mark.parametrize(
    ("path", "said"), [("$.raw.CallSid", "joined"), ("$.raw.SipCallId", "absent"), ("raw", "mistake")]
)
def test_map_shows_what_correlations_join(
    here: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch, path: str, said: str
) -> None:
    (here / "cx.yaml").write_text(CORRELATED.replace("PATH", path), "utf-8")
    monkeypatch.setenv("CX_CONFIG", str(here / "cx.yaml"))
    ringing = str(TWILIO / "status-ringing.form")
    code = run(["map", "voice/twilio", ringing, "--connection", "acme-voice"])
    captured = capfd.readouterr()
    if said == "mistake":
        assert code == 2
        assert "tenants.acme.correlations.trunk.fields.acme-voice" in captured.err
        return
    assert code == 0
    event = json.loads(captured.out)
    (sid,) = parse_qs((TWILIO / "status-ringing.form").read_text("utf-8"))["CallSid"]
    assert event["data"]["interaction"] == f"acme-voice/{sid}"
    if said == "absent":
        assert json.loads(captured.err) == {"uncorrelated": "trunk", "absent": ["$.raw.SipCallId"]}
        assert [each["kind"] for each in event["data"]["references"]] == ["call"]
        return
    assert captured.err == ""
    (same,) = [each for each in event["data"]["references"] if each["kind"] == "same-call"]
    assert run(["map", "voice/twilio", ringing, "--connection", "acme-calls"]) == 0
    assert json.loads(capfd.readouterr().out)["data"]["references"][-1] == same
    assert run(["map", "voice/twilio", ringing, "--connection", "acme-voice", "-o", "text"]) == 0
    assert same["value"] in capfd.readouterr().out


@pytest.mark.parametrize("setting", ["numbers", "=1", "numbers=[", "numbers=!!python/object:os.system x"])
def test_map_refuses_an_unreadable_setting(here: Path, capfd: Captured, setting: str) -> None:
    assert run(["map", "voice/twilio", str(TWILIO / "status-ringing.form"), "--setting", setting]) == 2
    assert "bad-setting" in capfd.readouterr().err


def test_map_refuses_an_invalid_request_with_exit_2(here: Path, capfd: Captured) -> None:
    assert run(["map", "voice/twilio", str(TWILIO / "malformed.json")]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["refused"] == "malformed"


def test_mapping_an_ignored_kind_exits_with_3(here: Path, capfd: Captured) -> None:
    assert run(["map", "voice/twilio", str(TWILIO / "pay.form")]) == 3
    captured = capfd.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["ignored"] == "pay"


def test_map_of_several_files_says_which_one_was_refused(here: Path, capfd: Captured) -> None:
    files = [str(TWILIO / name) for name in ("status-ringing.form", "malformed.json")]
    assert run(["map", "voice/twilio", *files]) == 2
    captured = capfd.readouterr()
    assert len(captured.out.splitlines()) == 1
    assert captured.err.startswith(files[1])


def test_map_names_the_known_providers(here: Path, capfd: Captured) -> None:
    assert run(["map", "voice/nobody", str(TWILIO / "status-ringing.form")]) == 2
    assert "voice/twilio" in capfd.readouterr().err


def test_map_of_a_missing_file_is_exit_2(here: Path, capfd: Captured) -> None:
    assert run(["map", "voice/twilio", str(here / "gone")]) == 2
    assert "can't be read" in capfd.readouterr().err


# --- config -----------------------------------------------------------------------------------------------------------

CALLS = """
tenants:
  acme:
    id_key: a lasting key of acme
    connections:
      acme-calls: {provider: voice/twilio, secrets: [a secret], settings: {%s}}
      acme-chat: {provider: chat/webchat, secrets: [another secret]}
"""


def checked(here: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch, settings: str) -> tuple[int, list[Any]]:
    (here / "config.yaml").write_text(CALLS % settings, encoding="utf-8")
    monkeypatch.setenv("CX_CONFIG", str(here / "config.yaml"))
    code = run(["config", "check", "-o", "json"])
    return code, json.loads(capfd.readouterr().out)


def test_config_check_names_what_is_missing(here: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    code, rows = checked(here, capfd, monkeypatch, "")
    assert code == 1
    assert [(row["level"], row["place"], row["reason"]) for row in rows] == [
        ("error", "tenants.acme.connections.acme-calls", "no-public-url"),
        ("warning", "tenants.acme.connections.acme-calls", "incomplete-settings"),
    ]
    assert "a secret" not in str(rows)
    monkeypatch.setenv("CX_PUBLIC_URL", PUBLIC_URL)
    code, rows = checked(here, capfd, monkeypatch, "")
    assert (code, [row["level"] for row in rows]) == (0, ["warning"])
    assert "numbers" in rows[0]["detail"]
    assert checked(here, capfd, monkeypatch, "numbers: ['+15550100199']") == (0, [])


def test_config_check_tells_a_mistake(here: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "config.yaml").write_text(CALLS.replace("voice/twilio", "voice/nobody") % "", encoding="utf-8")
    monkeypatch.setenv("CX_CONFIG", str(here / "config.yaml"))
    assert run(["config", "check"]) == 1
    assert "voice/twilio" in capfd.readouterr().out


MISTAKEN = """
tenants:
  acme:
    id_key: a lasting key of acme
    keys: [{id: desk, secret: "${NO_SUCH_KEY}", scopes: [context:read]}, {id: b, secret: one-more-key, scopes: [all]}]
  bolt:
    id_key: a lasting key of bolt
    connections:
      bolt-calls: {provider: voice/nobody, secrets: [a secret]}
      bolt-chat: {provider: chat/webchat, secrets: [x], settings: {pgae: "https://bolt.example"}}
      bolt-mail: {provider: email/postmark, secrets: [""]}
    identity: {never_link: ["nonsense"]}
    agents: {ben: {ids: {bolt-cals: c}, queues: [billing]}}
    subscriptions:
      crm: {url: "https://10.1.2.3/hook", secrets: [%s]}
      plain: {url: "http://127.0.0.1/hook", secrets: [%s]}
  Wrong name: {}
"""


def test_config_check_tells_all_mistakes_at_once(here: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "whsec_" + "QUJD" * 12
    (here / "config.yaml").write_text(MISTAKEN % (secret, secret), encoding="utf-8")
    monkeypatch.setenv("CX_CONFIG", str(here / "config.yaml"))
    assert run(["config", "check", "-o", "json"]) == 1
    told = capfd.readouterr().out
    assert secret not in told
    found = {(row["level"], row["place"], row["reason"]) for row in json.loads(told)}
    assert found == {
        ("error", "tenants.acme.keys[0].secret", "mistake"),
        ("error", "tenants.acme.keys.1.scopes.0", "mistake"),
        ("error", "tenants.bolt.connections.bolt-calls", "mistake"),
        ("error", "tenants.bolt.connections.bolt-chat.settings.pgae", "mistake"),
        ("warning", "tenants.bolt.connections.bolt-chat", "weak-secret"),
        ("error", "tenants.bolt.connections.bolt-mail.secrets[0]", "mistake"),
        ("error", "tenants.bolt.connections.bolt-mail", "no-secrets"),
        ("error", "tenants.bolt.identity", "mistake"),
        ("error", "tenants.bolt.agents.ben.ids", "mistake"),
        ("error", "tenants.bolt.agents.ben.queues", "mistake"),
        ("error", "tenants.bolt.subscriptions.crm.url", "private-address"),
        ("error", "tenants.bolt.subscriptions.plain.url", "private-address"),
        ("error", "tenants.Wrong name", "mistake"),
    }
    assert run(["up"]) == 1
    assert "more, which cx config check lists" in capfd.readouterr().err
    monkeypatch.setenv("CX_OUTBOUND_NETWORKS", "10.0.0.0/8,127.0.0.0/8")
    run(["config", "check", "-o", "json"])
    assert "private-address" not in capfd.readouterr().out


AT_AWS = """
tenants:
  acme:
    id_key: a lasting key of acme
    connections:
      calls:
        provider: voice/amazon-connect
        settings: {queues: ["arn:aws:sqs:eu-central-1:123456789012:calls"], media: true, media_region: eu-central-1, %s}
"""
OWN_KEYS = (
    "access_key_id: AKIAIOSFODNN7EXAMPLE, secret_access_key: s1, media_key_id: AKIAIOSFODNN7EXAMPLE, media_secret: s2"
)
ROLE = "role_arn: 'arn:aws:iam::123456789012:role/acme-hub'"


@pytest.mark.parametrize(
    ("settings", "listed", "named"),
    [
        ("own_identity: true", "", ["queues and settings.media"]),
        (ROLE, "globex", ["queues and settings.media"]),
        (f"{ROLE}, access_key_id: AKIAIOSFODNN7EXAMPLE, secret_access_key: s1", "", ["settings.media"]),
        (f"{ROLE}, {OWN_KEYS}", "", []),
        ("own_identity: true", "globex,acme", []),
        (ROLE, "*", []),
    ],
)
def test_config_check_tells_who_may_not_use_the_identity(
    here: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch, settings: str, listed: str, named: list[str]
) -> None:
    (here / "config.yaml").write_text(AT_AWS % settings, encoding="utf-8")
    monkeypatch.setenv("CX_CONFIG", str(here / "config.yaml"))
    monkeypatch.setenv("CX_AWS_TENANTS", listed)
    run(["config", "check", "-o", "json"])
    told = [each for each in json.loads(capfd.readouterr().out) if each["reason"] == "not-allowed"]
    assert [each["level"] for each in told] == ["warning"] * len(named)
    for each, name in zip(told, named, strict=True):
        assert each["place"] == "tenants.acme.connections.calls"
        assert f"settings.{name.removeprefix('settings.')} is read" in each["detail"]
        assert "CX_AWS_TENANTS" in each["detail"]


def test_all_settings_that_are_invalid_are_told(here: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CX_PORT", "eighty")
    monkeypatch.setenv("CX_SMTP_PORT", "-1")
    assert run(["config", "check"]) == 2
    said = capfd.readouterr().err
    assert "SMTP_PORT" in said
    assert "eighty" not in said.splitlines()[0] or len(said.splitlines()) >= 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["events", "send", "{here}/none/x.json"], "none/x.json"),
        (["export", "log", "--to", "{here}/file/archive"], "file"),
        (["import", "log", "{here}/file"], "file"),
        (["restore", "{here}/file"], "file"),
    ],
)
def test_a_path_that_cannot_be_is_refused(here: Path, capfd: Captured, arguments: list[str], said: str) -> None:
    (here / "file").write_text("no folder", encoding="utf-8")
    assert run([each.format(here=here) for each in arguments]) == 2
    told = capfd.readouterr().err
    assert said in told
    assert "a fault of ours" not in told


@pytest.mark.parametrize(
    "url", ["hub.example.com", "ftp://hub.example.com", "https://", "https://hub.example.com/?a=1"]
)
def test_an_invalid_public_url_is_named(here: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("CX_PUBLIC_URL", url)
    assert run(["config", "check"]) == 2
    assert "PUBLIC_URL" in capfd.readouterr().err


# --- events, log, lag, customer, verify, dlq --------------------------------------------------------------------------


def test_events_go_in_and_a_customer_comes_out(at_hub: Path, hub: Hub, capfd: Captured) -> None:
    sent = event("cli-1")
    (at_hub / "one.json").write_text(json.dumps(sent))
    assert run(["events", "send", str(at_hub / "one.json"), "-o", "json"]) == 0
    assert json.loads(capfd.readouterr().out)["accepted"] == [{"source": sent["source"], "id": "cli-1"}]
    wait_for(hub.url, f"{sent['source']}#cli-1")

    assert run(["customer", "find", "ana@example.com", "-o", "json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["body"]["counts"]["messages"] >= 1
    customer = document["body"]["customer"]["id"]
    assert run(["customer", "show", customer]) == 0
    assert "ana@example.com" in capfd.readouterr().out
    assert run(["customer", "timeline", customer, "-o", "jsonl"]) == 0
    entries = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert "cli-1" in [entry["event"]["id"] for entry in entries]


def test_json_lines_and_arrays_are_sent_whole(at_hub: Path, capfd: Captured) -> None:
    (at_hub / "lines").write_text("\n".join(json.dumps(event(f"line-{n}")) for n in range(150)))
    (at_hub / "array").write_text(json.dumps([event("array-1"), event("array-2")]))
    assert run(["events", "send", str(at_hub / "lines"), "-o", "json"]) == 0
    assert len(json.loads(capfd.readouterr().out)["accepted"]) == 150
    assert run(["events", "send", str(at_hub / "array"), "-o", "json"]) == 0
    assert len(json.loads(capfd.readouterr().out)["accepted"]) == 2


def test_a_rejected_event_is_named_by_its_index(at_hub: Path, capfd: Captured) -> None:
    bad = event("bad-1")
    del bad["type"]
    (at_hub / "mixed").write_text(json.dumps([event("good-1"), bad]))
    assert run(["events", "send", str(at_hub / "mixed"), "-o", "json"]) == 2
    captured = capfd.readouterr()
    answer = json.loads(captured.out)
    assert [one["index"] for one in answer["rejected"]] == [1]
    assert len(answer["accepted"]) == 1
    assert "event 1" in captured.err


def test_a_line_that_is_not_json_stops_the_sending(at_hub: Path, capfd: Captured) -> None:
    (at_hub / "lines").write_text(json.dumps(event("never-1")) + "\nnot json\n")
    assert run(["events", "send", str(at_hub / "lines")]) == 2
    assert "line 2" in capfd.readouterr().err


def test_a_wrong_key_is_refused(at_hub: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CX_KEY", "somebody else's")
    assert run(["customer", "find", "ana@example.com"]) == 2
    assert "bad-key" in capfd.readouterr().err


def test_a_customer_is_shown_as_at_a_moment(at_hub: Path, hub: Hub, capfd: Captured) -> None:
    for number, minute in ((1, "10"), (2, "20")):
        one = event(f"then-{number}") | {"time": f"2020-11-22T10:{minute}:00Z"}
        one["data"]["participants"][0]["identifiers"] = [{"kind": "email", "value": "then@example.com"}]
        (at_hub / "one").write_text(json.dumps(one))
        assert run(["events", "send", str(at_hub / "one")]) == 0
        wait_for(hub.url, f"{one['source']}#{one['id']}", "email:then@example.com")
    capfd.readouterr()
    moment = "2020-11-22T10:15:00Z"
    assert run(["customer", "find", "then@example.com", "-o", "json"]) == 0
    today = json.loads(capfd.readouterr().out)
    customer = today["body"]["customer"]["id"]
    assert today["body"]["counts"]["events"] == 2
    for command in (
        ["find", "then@example.com", "--as-of", moment],
        ["as-of", customer, moment],
        ["show", customer, "--as-of", moment],
    ):
        assert run(["customer", *command, "-o", "json"]) == 0
        then = json.loads(capfd.readouterr().out)
        assert (then["body"]["counts"]["events"], then["meta"]["as_of"]) == (1, moment)
    assert run(["customer", "timeline", customer, "--as-of", moment, "-o", "jsonl"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 1
    assert run(["customer", "find", "then@example.com", "--known-at", "2020-11-22T09:00:00Z"]) == 2
    assert run(["customer", "as-of", customer, "yesterday"]) == 2
    assert "bad-time" in capfd.readouterr().err


def test_an_unknown_customer_is_refused(at_hub: Path, capfd: Captured) -> None:
    assert run(["customer", "find", "nobody@example.com"]) == 2
    assert "unknown-customer" in capfd.readouterr().err


def test_an_absent_hub_is_exit_1(here: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CX_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("CX_KEY", "any")
    assert run(["customer", "find", "ana@example.com"]) == 1
    assert "no answer" in capfd.readouterr().err


def test_a_missing_key_is_named_by_its_setting(here: Path, capfd: Captured) -> None:
    assert run(["customer", "find", "ana@example.com"]) == 2
    assert "CX_KEY" in capfd.readouterr().err


def test_log_tail_filters_by_type_and_interaction(at_hub: Path, capfd: Captured) -> None:
    (at_hub / "one").write_text(json.dumps(event("tail-1", data={**event("x")["data"], "interaction": "chat-tail"})))
    assert run(["events", "send", str(at_hub / "one")]) == 0
    capfd.readouterr()
    assert run(["log", "tail", "--interaction", "chat-tail", "-o", "jsonl"]) == 0
    assert [json.loads(line)["id"] for line in capfd.readouterr().out.splitlines()] == ["tail-1"]
    assert run(["log", "tail", "--type", "cx.survey", "-o", "json"]) == 0
    assert json.loads(capfd.readouterr().out) == []


def test_log_tail_shows_no_more_than_the_limit(at_hub: Path, capfd: Captured) -> None:
    (at_hub / "many").write_text(json.dumps([event(f"limit-{n}") for n in range(5)]))
    assert run(["events", "send", str(at_hub / "many")]) == 0
    capfd.readouterr()
    assert run(["log", "tail", "--limit", "2", "-o", "jsonl"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 2


def test_log_tail_filters_in_bounds_and_goes_on(at_hub: Path, capfd: Captured) -> None:
    (at_hub / "where").write_text(json.dumps([event(f"where-{n}") for n in range(5)]))
    assert run(["events", "send", str(at_hub / "where")]) == 0
    capfd.readouterr()
    tail = ["log", "tail", "-o", "jsonl", "--where", "id=where-0 and type=cx.message.*"]
    assert run(tail) == 0
    assert [json.loads(line)["id"] for line in capfd.readouterr().out.splitlines()] == ["where-0"]
    found: list[str] = []
    more: list[str] = []
    while True:
        assert run([*tail, "--scan", "2", *more]) == 0
        said = capfd.readouterr()
        found += [json.loads(line)["id"] for line in said.out.splitlines()]
        if "--cursor" not in said.err:
            break
        more = ["--cursor", said.err.split("--cursor ")[1].split()[0]]
    assert found == ["where-0"]
    assert run(["log", "tail", "--where", "tennant=acme"]) == 2
    assert "did you mean tenant?" in capfd.readouterr().err


def test_log_tail_shows_the_newest_of_all_partitions(at_hub: Path, capfd: Captured) -> None:
    for number in range(12):
        one = event(f"newest-{number}", data={**event("x")["data"], "interaction": f"chat-newest-{number}"})
        one["data"]["participants"] = []
        (at_hub / "one").write_text(json.dumps(one))
        assert run(["events", "send", str(at_hub / "one")]) == 0
    capfd.readouterr()

    def shown(*more: str) -> list[str]:
        assert run(["log", "tail", "-o", "jsonl", *more]) == 0
        return [json.loads(line)["id"] for line in capfd.readouterr().out.splitlines()]

    assert shown("--limit", "3") == ["newest-9", "newest-10", "newest-11"]
    assert shown("--limit", "2", "--newest-first") == ["newest-11", "newest-10"]
    assert shown("--text", "CHAT-newest-3", "--type", "cx.message.*") == ["newest-3"]
    assert shown("--source", event("x")["source"], "--id", "newest-5") == ["newest-5"]
    assert shown("--limit", "1", "--interaction", "chat-newest-3") == ["newest-3"]


def test_log_tail_follows_and_ends_clean_on_ctrl_c(at_hub: Path) -> None:
    line = "-m cx_hub log tail -f --limit 0 --interaction chat-follow -o jsonl"
    with subprocess.Popen([sys.executable, *line.split()], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        data = {**event("x")["data"], "interaction": "chat-follow"}
        told: list[bytes] = []
        reading = threading.Thread(target=lambda: told.append(tail.stdout.readline() if tail.stdout else b""))
        reading.start()
        number = 0
        while reading.is_alive():  # it follows from when it is up, which nothing tells
            number += 1
            (at_hub / "one").write_text(json.dumps(event(f"follow-{number}", data=data)))
            assert run(["events", "send", str(at_hub / "one")]) == 0
            for _ in range(100):  # Thread.join(1.0) would not: under faketime a thread's timed waits never end
                if reading.is_alive():
                    time.sleep(0.01)
        assert json.loads(told[0])["data"]["interaction"] == "chat-follow"
        tail.send_signal(signal.SIGINT)
        assert tail.wait(PATIENCE) == 130
        assert b"Traceback" not in tail.stderr.read()


def test_a_closed_output_pipe_is_no_error(at_hub: Path, capfd: Captured) -> None:
    (at_hub / "many").write_text(json.dumps([event(f"pipe-{n}") for n in range(100)]))
    assert run(["events", "send", str(at_hub / "many")]) == 0
    line = f"{sys.executable} -m cx_hub log tail --limit 1000 -o jsonl | head -n 1"
    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=PATIENCE, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == b""


def test_lag_tells_events_seconds_and_owner_of_each_partition(at_hub: Path, hub: Hub, capfd: Captured) -> None:
    (at_hub / "one").write_text(json.dumps(event("lag-1")))
    assert run(["events", "send", str(at_hub / "one")]) == 0
    wait_for(hub.url, f"{event('lag-1')['source']}#lag-1")
    until = time.monotonic() + PATIENCE
    while True:  # what other tests have sent may wait in other partitions
        capfd.readouterr()
        assert run(["lag", "-o", "json"]) == 0
        rows = json.loads(capfd.readouterr().out)
        if not any(row["events"] for row in rows) or time.monotonic() > until:
            break
    assert {row["topic"] for row in rows} == {"cx.interactions", "cx.dead-letters"}
    assert all(row["events"] == 0 and row["seconds"] == 0 and row["owner"] for row in rows)


def test_verify_finds_nothing_wrong(at_hub: Path, capfd: Captured) -> None:
    assert run(["verify", "-o", "json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["ok"] is True
    assert answer["wrong"] == []


def test_a_dead_letter_is_listed_and_shown_whole(at_hub: Path, hub: Hub, capfd: Captured) -> None:
    letter = _signed_by_twilio(hub, "AccountSid", "AC1")

    def told(*arguments: str) -> Any:
        assert run(["dlq", *arguments, "-o", "json"]) == 0
        return json.loads(capfd.readouterr().out)

    whole: dict[str, dict[str, Any]] = {}  # others' letters lie there, too
    deadline = time.monotonic() + PATIENCE
    while letter not in whole and time.monotonic() < deadline:
        whole = {told("show", row["id"])["text"]: row for row in told("list", "--state", "failed")}
    assert (whole[letter]["stage"], whole[letter]["connection"]) == ("map", "acme-calls")


def test_dead_letters_without_an_adapter_are_listed_not_retried(at_hub: Path, hub: Hub, capfd: Captured) -> None:
    for _ in range(2):
        _signed_by_twilio(hub, "MessageSid", "SM7")
    waiting: list[dict[str, Any]] = []
    deadline = time.monotonic() + PATIENCE
    while not waiting and time.monotonic() < deadline:
        assert run(["dlq", "list", "--state", "waiting", "-o", "json"]) == 0
        waiting = json.loads(capfd.readouterr().out)
    assert [(row["id"], row["reason"], row["state"]) for row in waiting] == [
        ("SM7/received", "no-adapter-yet", "waiting")
    ]
    assert run(["dlq", "list", "-o", "json"]) == 0
    assert [row["state"] for row in json.loads(capfd.readouterr().out)].count("waiting") == 1
    assert run(["dlq", "list", "--state", "failed", "-o", "json"]) == 0
    assert "SM7" not in capfd.readouterr().out
    assert run(["dlq", "list"]) == 0
    told = capfd.readouterr().out
    assert "1 wait for an adapter" in told
    assert "messaging/received" in told
    assert run(["dlq", "retry", "SM7/received"]) == 2
    refused = capfd.readouterr().err
    assert "not-retriable" in refused
    assert "no-adapter-yet" in refused


def test_dead_letters_are_grouped_and_discarded_with_a_reason(at_hub: Path, hub: Hub, capfd: Captured) -> None:
    for number in range(3):
        _signed_by_twilio(hub, "ApplicationSid", f"AP{number}")
    groups: list[dict[str, Any]] = []
    deadline = time.monotonic() + PATIENCE
    while not any(group["letters"] >= 3 for group in groups) and time.monotonic() < deadline:
        assert run(["dlq", "list", "--groups", "-o", "json"]) == 0
        groups = json.loads(capfd.readouterr().out)
    group = max(groups, key=lambda one: one["letters"])
    assert (group["tenant"], group["stage"], group["origin"]) == ("acme", "map", "acme-calls")
    assert run(["dlq", "list", "--group", group["id"], "-o", "jsonl"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == group["letters"]
    assert run(["dlq", "retry", "--group", group["id"]]) == 1
    assert "refused: not-retriable" in capfd.readouterr().err
    assert run(["dlq", "discard", "--group", group["id"]]) == 2
    assert run(["dlq", "discard", "--group", group["id"], "--why", " "]) == 2
    assert run(["dlq", "discard", "--why", "everything"]) == 2
    assert "nothing-selected" in capfd.readouterr().err
    assert run(["dlq", "discard", "--group", "nothing", "--why", "mistyped"]) == 2
    assert "unknown-group" in capfd.readouterr().err
    assert run(["dlq", "discard", "--group", group["id"], "--why", "nobody's calls"]) == 0
    assert f"{group['letters']} dead letters discarded" in capfd.readouterr().out
    rows: list[dict[str, Any]] = []
    while len(rows) < group["letters"] and time.monotonic() < deadline:
        assert run(["dlq", "list", "--state", "discarded", "-o", "json"]) == 0
        rows = json.loads(capfd.readouterr().out)
    assert {row["group"] for row in rows} == {group["id"]}
    assert run(["dlq", "show", rows[0]["id"]]) == 0
    assert "nobody's calls" in capfd.readouterr().out
    assert run(["log", "tail", "--type", "cx.operations.*", "-o", "jsonl", "--limit", "1"]) == 0
    event = json.loads(capfd.readouterr().out)
    assert (event["writer"], event["data"]["reason"]) == ("hub/command-line", "nobody's calls")


def _signed_by_twilio(hub: Hub, name: str, value: str) -> str:
    """A genuine request of one field, which names no call; its body."""
    secret = (hub.home / "connection-secret").read_text().strip()
    url = f"{PUBLIC_URL}/v1/hooks/acme-calls"
    signature = sign(secret, f"{url}{name}{value}".encode(), "sha1", "base64")
    headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
    at = f"{hub.url}/v1/hooks/acme-calls"
    answer = asked_patiently(
        lambda: httpx2.post(at, content=f"{name}={value}", headers=headers, trust_env=False, timeout=PATIENCE)
    )
    assert answer.is_success, answer.text
    return f"{name}={value}"


def test_an_unknown_dead_letter_is_refused(here: Path, capfd: Captured) -> None:
    assert run(["dlq", "show", "nothing"]) == 2
    assert "unknown-dead-letter" in capfd.readouterr().err


def test_verify_says_what_is_wrong_with_exit_1(
    here: Path, hub: Hub, capfd: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that holds events of another log."""
    monkeypatch.setenv("CX_HOME", str(hub.home))
    monkeypatch.setenv("CX_LOG_URL", f"sqlite:///{here / 'another.db'}")
    assert run(["verify"]) == 1
    assert "the log" in capfd.readouterr().out


def test_verify_says_where_log_and_store_are_both_empty(here: Path, capfd: Captured) -> None:
    assert run(["verify"]) == 0
    told = capfd.readouterr().out
    assert "log and store are both empty" in told
    assert "as it should be" not in told


def test_verify_says_where_nothing_was_applied_yet(
    at_hub: Path, capfd: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log of a hub, and a store of nobody's."""
    (at_hub / "one.json").write_text(json.dumps(event("waits")))
    assert run(["events", "send", str(at_hub / "one.json")]) == 0
    capfd.readouterr()
    monkeypatch.setenv("CX_STORE_URL", f"sqlite+aiosqlite:///{at_hub / 'another.db'}")
    assert run(["verify", "-o", "json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["behind"] > 0
    assert "nothing was applied to this store yet" in answer["notes"][0]


def test_retrying_an_unknown_dead_letter_is_refused(at_hub: Path, capfd: Captured) -> None:
    assert run(["dlq", "retry", "nothing"]) == 2
    assert "unknown-dead-letter" in capfd.readouterr().err


# --- vcons ------------------------------------------------------------------------------------------------------------


def test_a_vcon_goes_in_and_comes_out(at_hub: Path, capfd: Captured) -> None:
    party = {"tel": "+15550100177", "name": "Ana", "role": "customer"}
    dialog = {"type": "text", "start": "2026-03-06T09:15:00Z", "parties": [0], "body": "Hi", "encoding": "none"}
    vcon = {"uuid": "cli/1 ", "created_at": "2026-03-06T09:15:00Z", "parties": [party], "dialog": [dialog]}
    (at_hub / "one.vcon").write_text(json.dumps(vcon))
    assert run(["import", "vcon", str(at_hub / "one.vcon"), "-o", "json"]) == 0
    (taken,) = json.loads(capfd.readouterr().out)
    assert (taken["uuid"], taken["events"]) == ("cli/1 ", 4)
    until = time.monotonic() + PATIENCE
    while run(["export", "vcon", taken["conversation"]]) != 0 and time.monotonic() < until:
        time.sleep(0.1)
    assert json.loads(capfd.readouterr().out) == vcon
    assert run(["export", "vcon", "cli/1 ", "--syntax", "0.4.0"]) == 0
    assert json.loads(capfd.readouterr().out) == {**vcon, "vcon": "0.4.0"}


def test_a_refused_vcon_is_named_and_others_are_imported(at_hub: Path, capfd: Captured) -> None:
    (at_hub / "good.vcon").write_text('{"vcon": "0.3.0", "uuid": "cli 2", "parties": []}')
    (at_hub / "bad.vcon").write_text('{"payload": "e30", "signatures": []}')
    files = [str(at_hub / "bad.vcon"), str(at_hub / "good.vcon")]
    assert run(["import", "vcon", *files, "-o", "jsonl"]) == 2
    captured = capfd.readouterr()
    assert json.loads(captured.out)["uuid"] == "cli 2"
    assert "bad.vcon: signed-vcon" in captured.err
    assert run(["export", "vcon", "nobody's"]) == 2


def test_a_dry_run_prints_the_events_without_a_hub(here: Path, capfd: Captured) -> None:
    (here / "one.vcon").write_text('{"vcon": "0.3.0", "parties": [], "subject": "Bill"}')
    assert run(["import", "vcon", "--dry-run", str(here / "one.vcon")]) == 0
    events = [json.loads(each) for each in capfd.readouterr().out.splitlines()]
    assert [each["type"] for each in events][:2] == ["cx.conversation.imported.v1", "cx.conversation.topic.v1"]


# --- identity ---------------------------------------------------------------------------------------------------------


def test_other_rules_are_tried_out_and_nothing_is_changed(at_hub: Path, hub: Hub, capfd: Captured) -> None:
    family = [event(f"family-{who}") for who in ("ana", "bob")]
    addresses = [f"{who}.family@example.com" for who in ("ana", "bob")]
    for address, each in zip(addresses, family, strict=True):
        named = [{"kind": "email", "value": address, "weight": "asserted"}]
        named.append({"kind": "phone", "value": "+15550100155", "weight": "asserted"})
        each["data"]["participants"] = [{"role": "customer", "identifiers": named}]
    (at_hub / "family").write_text("\n".join(map(json.dumps, family)))
    assert run(["events", "send", str(at_hub / "family")]) == 0
    for address, each in zip(addresses, family, strict=True):
        wait_for(hub.url, f"{each['source']}#{each['id']}", f"email:{address}")
    rules = at_hub / "rules.yaml"
    rules.write_text("shared_after: {phone: 2, email: 2, cookie: 2}\n")
    capfd.readouterr()
    told = {}
    for format in ("json", "jsonl", "text"):
        assert run(["identity", "whatif", str(rules), "-o", format]) == 0
        told[format] = capfd.readouterr().out
    found = json.loads(told["json"])
    assert found["tenant"] == "acme"
    assert (found["counts"]["joined"], found["counts"]["customers_joined"]) == (1, 3)
    (joined,) = found["joined"]
    assert "bob.family@example.com" in {one["value"] for one in joined["from"]}
    assert joined["because"][0]["before"]["why"].startswith("phone:+15550100155 is tied to 2 values of kind email")
    rows = [json.loads(line) for line in told["jsonl"].splitlines()]
    assert [row["what"] for row in rows] == ["counts", "joined", "candidate-vanishes"]
    assert "3 customers would join, and be 1" in told["text"]
    assert "shared_after: cookie 2, email 2, phone 1 → cookie 2, email 2, phone 2" in told["text"]
    assert run(["verify"]) == 0


def test_invalid_rules_are_refused_with_their_line(here: Path, capfd: Captured) -> None:
    (here / "rules.yaml").write_text("exclusive: [crm]\nshared_after:\n  phone: many\n")
    assert run(["identity", "whatif", str(here / "rules.yaml")]) == 2
    assert "rules.yaml, line 3: shared_after.phone: expected a whole number" in capfd.readouterr().err
    (here / "rules.yaml").write_text("exclusive: [crm]\n")
    assert run(["identity", "whatif", str(here / "rules.yaml"), "--tenant", "another"]) == 2
    assert "unknown-tenant" in capfd.readouterr().err


# --- stack ------------------------------------------------------------------------------------------------------------


def test_a_stack_that_does_not_run_has_no_settings(here: Path, capfd: Captured) -> None:
    assert run(["stack", "status", "-o", "json"]) == 0
    assert {row["state"] for row in json.loads(capfd.readouterr().out)} == {"absent"}
    assert run(["stack", "env"]) == 2
    assert "cx stack start" in capfd.readouterr().err


# --- up and run -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("run channels", signal.SIGTERM),
        ("run projectors", signal.SIGTERM),
        ("run api", signal.SIGTERM),
        ("run ops", signal.SIGTERM),
        ("up", signal.SIGINT),
    ],
)
def test_a_service_gets_ready_and_stops_clean_when_told(tmp_path: Path, command: str, told: signal.Signals) -> None:
    settings = {"CX_HOME": str(tmp_path / "home"), "CX_STROE_URL": "postgresql+asyncpg://nowhere"}
    with running(command, settings, tmp_path / "said", fresh=True) as process:
        said = process.stop(told)
    assert "stopping" in said
    assert "did you mean CX_STORE_URL?" in said

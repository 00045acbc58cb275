"""No log line, metric label or trace attribute holds what people said, who they are, or a secret: canaries are sent
through every door, errors included."""

from __future__ import annotations

import asyncio
import json
import re
import smtplib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
import structlog
from tests.asking import PatientClient
from tests.collector import collecting
from tests.logs import captured_logs
from tests.patience import PATIENCE
from tests.processes import running
from tests.scraping import EVENT, STRUCTURED
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from cx_events.errors import TryLater
from cx_events.log import DEAD_LETTERS, INTERACTIONS, Record
from cx_events.log.open import open_log

pytestmark = pytest.mark.clock

NAME = "Kanarienvogel"
WORDS = "zitronengelbes gefieder"
NUMBER = "+14155550172"
DIGITS = "4155550172"
ADDRESS = "kanari.vogel@voliere.example"
LOCAL = "kanari.vogel"
COOKIE = "kanari-cookie-77201"
LONG = f"{NAME} " * 4_000
CANARIES = (NAME, WORDS, DIGITS, ADDRESS, LOCAL, COOKIE)


def event(**data: object) -> dict[str, object]:
    people = [
        {"kind": "email", "value": ADDRESS},
        {"kind": "phone", "value": NUMBER},
        {"kind": "cookie", "value": COOKIE},
    ]
    base = {
        **EVENT["data"],
        "interaction": f"chat-{NAME}",
        "participants": [{"role": "customer", "name": NAME, "identifiers": people}],
        "message": {"id": f"m-{NAME}", "text": WORDS},
    }
    return {**EVENT, "id": f"m-{NAME}", "source": f"//{LOCAL}.example/chat", "data": {**base, **data}}


def bad_events() -> Iterator[bytes]:
    """Yield bodies that are odd or broken, each in another way."""
    yield b'{"id": "' + NAME.encode()
    yield json.dumps({**event(), "type": f"cx.{NAME}"}).encode()
    yield json.dumps({**event(), "time": WORDS}).encode()
    yield json.dumps({**event(), "tenantid": NAME}).encode()
    yield json.dumps({**event(), "source": f"//{NAME} {WORDS}"}).encode()
    yield json.dumps(event(channel=NAME)).encode()
    yield json.dumps(event(participants=[{"role": NAME}])).encode()
    yield json.dumps(event(message={"id": LONG, "text": LONG * 20})).encode()
    yield json.dumps(
        event(participants=[{"role": "customer", "identifiers": [{"kind": NAME, "value": WORDS}]}])
    ).encode()
    yield b'{"x":' + f'["{NAME}",'.encode() * 20_000
    yield NAME.encode("utf-16")


async def through_events(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/v1/events", json=event(), headers=STRUCTURED)).status_code == 202
    conflict = event(message={"id": "other", "text": f"{WORDS} anders"})
    assert (await client.post("/v1/events", json=conflict, headers=STRUCTURED)).status_code == 202
    for body in bad_events():
        assert (await client.post("/v1/events", content=body, headers=STRUCTURED)).status_code < 500
    assert (await client.post("/v1/vcons", content=json.dumps({"vcon": NAME, "parties": [WORDS]}))).status_code < 500


async def through_hooks(client: httpx2.AsyncClient) -> None:
    """Requests with bad signatures and without any, by every connection; names in queries, paths and headers."""
    form = {"CallSid": f"CA{NAME}", "From": NUMBER, "CallerName": NAME, "SpeechResult": WORDS}
    query = {"From": NUMBER, "name": NAME}
    for connection in ("acme-calls", "acme-social", "acme-mail", "acme-chat", "acme-inbox", NAME):
        for headers in ({}, {"x-twilio-signature": NAME}, {"x-hub-signature-256": f"sha256={NAME}"}):
            given = {"authorization": f"Basic {NAME}", "user-agent": NAME, **headers}
            for content in (json.dumps(event()).encode(), NAME.encode()):
                answer = await client.post(f"/v1/hooks/{connection}", params=query, content=content, headers=given)
                assert answer.status_code != 500
            answer = await client.post(f"/v1/hooks/{connection}/{NAME}", params=query, data=form, headers=given)
            assert answer.status_code != 500


async def through_reads(client: httpx2.AsyncClient) -> None:
    found = {"identifier": f"email:{ADDRESS}", "at_least": f"//{LOCAL}.example/chat#m-{NAME}", "wait": "30s"}
    while (await client.get("/v1/context", params=found)).status_code not in (200, 409):
        await asyncio.sleep(0.1)
    for path in (
        f"/v1/context?identifier=phone:{quote(NUMBER)}",
        f"/v1/context?identifier={NAME}:{quote(WORDS)}",
        f"/v1/context?interaction={NAME}",
        f"/v1/context?{NAME}={quote(WORDS)}",
        f"/v1/customers/{NAME}/context",
        f"/v1/customers/{NAME}/timeline",
        f"/v1/conversations/{NAME}",
        f"/v1/attachments/{NAME}",
        f"/v1/event?source=//{NAME}&id={quote(WORDS)}",
        f"/v1/ops/events?source=//{NAME}&id={quote(WORDS)}",
        f"/v1/ops/log?topic={NAME}",
        f"/v1/search?q={quote(WORDS)}&in=messages",
        f"/v1/stream?agent={NAME}&body={quote(WORDS)}",
        f"/v1/{NAME}/{quote(WORDS)}",
    ):
        assert (await client.get(path)).status_code < 500
    assert (await client.post("/v1/context/lookup", json={"identifier": f"email:{ADDRESS}"})).status_code in (200, 409)
    assert (await client.post("/v1/context/lookup", json={"identifier": {"kind": NAME}})).status_code < 500
    notes = f"/v1/conversations/{NAME}/notes"
    assert (await client.post(notes, json={"agent": {"id": NAME}, "note": WORDS})).status_code < 500
    merge = {"a": NAME, "b": WORDS, "reason": f"{NAME} {WORDS}"}
    assert (await client.post("/v1/identity/merge", json=merge)).status_code < 500


def through_mail(port: int) -> None:
    """Mails that are taken, broken, too odd, and for nobody; commands that are none."""
    whole = f"From: {NAME} <{ADDRESS}>\r\nTo: acme-mail@localhost\r\nSubject: {WORDS}\r\n\r\n{WORDS}\r\n"
    broken = f"From: =?x-{NAME}?q?{NAME}?= <{ADDRESS}\r\nContent-Type: multipart/mixed; boundary={NAME}\r\n\r\n--{NAME}"
    bounce = f"From: MAILER-DAEMON@{NAME}\r\nContent-Type: multipart/report\r\n\r\nFinal-Recipient: rfc822; {ADDRESS}"
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as mail:
        for text in (whole, broken, bounce, LONG):
            for recipient in ("acme-mail@localhost", "acme-mail@acme.example", f"{NAME}@{NAME}.example"):
                with suppress(smtplib.SMTPException):
                    mail.sendmail(ADDRESS, [recipient], text)
        mail.docmd(NAME, WORDS)
        mail.docmd("MAIL", f"FROM:<{NAME} {WORDS}>")
        mail.docmd("VRFY", ADDRESS)


async def through_chat(url: str) -> None:
    """Sockets that are refused, and one that talks, rightly and wrongly."""
    base = url.replace("http", "ws")
    for path in (f"/v1/chat/{NAME}", f"/v1/chat/acme-chat/{NAME}"):
        with suppress(InvalidStatus, ConnectionClosed, TimeoutError):
            async with connect(base + path, origin=f"https://{NAME}.example", open_timeout=PATIENCE):
                pass
    with suppress(InvalidStatus, ConnectionClosed):
        async with connect(f"{base}/v1/chat/acme-chat", open_timeout=PATIENCE) as socket:
            hello = {"type": "hello", "visitor": {"name": NAME, "email": ADDRESS}, "page": f"https://{NAME}.example/"}
            await socket.send(json.dumps(hello))
            for text in (
                json.dumps({"type": "message", "id": "m1", "text": WORDS}),
                json.dumps({"type": NAME, "text": WORDS}),
                f'{{"type": "{NAME}',
                json.dumps({"type": "message", "id": LONG, "text": LONG}),
                json.dumps({"type": "token", "token": NAME}),
            ):
                await socket.send(text)
                with suppress(TimeoutError):
                    async with asyncio.timeout(1):
                        await socket.recv()


async def through_the_log(path: Path) -> None:
    """Records that are no events, and an event in nobody's partition."""
    log = open_log(f"sqlite:///{path}", partitions=8)
    await log.start()
    try:
        deep = b'{"x":' + f'["{NAME}",'.encode() * 50_000
        foreign = json.dumps({**event(), "tenantid": NAME, "recordedtime": "2026-01-01T00:00:00Z"}).encode()
        for topic in (INTERACTIONS, DEAD_LETTERS):
            await log.append([Record(topic, NAME.encode(), each) for each in (NAME.encode(), deep, foreign, b"")])
    finally:
        await log.stop()


async def drive(url: str, smtp_port: int, home: Path) -> str:
    """Send canaries through every door; return what ``/metrics`` tell afterwards."""
    key = {"authorization": f"Bearer {(home / 'key').read_text().strip()}"}
    async with PatientClient(base_url=url, headers=key, trust_env=False, timeout=PATIENCE) as client:
        await through_the_log(home / "log.db")
        await through_events(client)
        await through_hooks(client)
        await asyncio.to_thread(through_mail, smtp_port)
        await through_chat(url)
        await through_reads(client)
        opened = {"authorization": f"Bearer {(home / 'metrics-key').read_text().strip()}"}
        metrics = ""
        while 'cx_dead_letters_total{reason="undecodable",stage="decode"} 0.0' in metrics or not metrics:
            metrics = (await client.get("/metrics", headers=opened)).text
        return metrics


def leaks(text: str) -> dict[str, list[str]]:
    """Return the lines that hold a canary, a secret's or a person's, by canary."""
    found = {each: [line[:400] for line in text.splitlines() if each.lower() in line.lower()] for each in CANARIES}
    return {each: lines for each, lines in found.items() if lines}


@pytest.mark.parametrize("format", ["json", "text"])
async def test_no_canary_is_logged_measured_or_traced(tmp_path: Path, format: str) -> None:
    home = tmp_path / "home"
    with collecting() as collector:
        settings = {
            "CX_HOME": str(home),
            "CX_LOG_LEVEL": "debug",
            "CX_LOG_FORMAT": format,
            "CX_PUBLIC_URL": "https://hub.acme.example",
            "CX_TRACES": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        }
        with running("up", settings, tmp_path / "said") as hub:
            metrics = await drive(hub.url, hub.smtp_port, home)
            hub.process.terminate()
            assert hub.process.wait(PATIENCE) == 0
        said = (tmp_path / "said").read_text(encoding="utf-8")
        spans = "\n".join(re.sub(r"\s+", " ", each.text) for each in collector.spans())
    assert "a signature did not pass" in said
    assert "process cx.interactions" in spans
    assert leaks(said) == {}
    assert leaks(metrics) == {}
    assert leaks(spans) == {}
    for secret in ("key", "id-key-acme", "connection-secret", "metrics-key"):
        assert (home / secret).read_text().strip() not in said + metrics + spans


def failing() -> None:
    raise ValueError(f"{NAME} said {WORDS}")


def test_a_logged_exception_tells_no_message() -> None:
    with captured_logs() as stream:
        log = structlog.get_logger("cx_channels")
        try:
            try:
                failing()
            except ValueError as error:
                raise KeyError(NAME) from error
        except KeyError as error:
            log.error("an adapter failed", exc_info=error)
        text = stream.getvalue()
    assert leaks(text) == {}
    assert "KeyError" in text
    assert "ValueError" in text
    assert "failing" in text


def test_an_error_of_ours_tells_its_sentence() -> None:
    with captured_logs() as stream:
        try:
            raise TryLater("log", "nobody listens")
        except TryLater as error:
            structlog.get_logger("cx_channels").error("a task failed", exc_info=error)
        assert "nobody listens" in stream.getvalue()

"""Continuity tokens as each channel brings them: keyed, written, in an address, in a link, and what is not one."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha1
from hmac import digest
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx2
import msgspec
import pytest
from tests.browsers import chat
from tests.channels import SECRET, Hub, running_hub
from tests.integration.test_intake import event, send
from tests.patience import PATIENCE

from cx_channels.intake import Intake
from cx_channels.kit.twilio_signature import signed_parameters
from cx_channels.provider import Request
from cx_channels.registry import providers
from cx_events.blob.folder import FolderBlobs
from cx_events.continuity_tokens import derive_code, sign_token_id, token_id
from cx_events.ids import IdSpace
from cx_events.log import INTERACTIONS, Partition
from cx_events.log.sqlite import SqliteLog
from cx_runtime.metrics import Metrics
from cx_runtime.tenants import ConnectionConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

IDS = IdSpace("acme", b"a lasting key of acme")
CODE = derive_code("one", IDS)
ID = token_id(CODE, IDS)
LETTERS = sign_token_id(ID, IDS)
BY_ID = [{"kind": "token", "value": ID}]


def tokens(stored: dict[str, Any]) -> list[str]:
    return [r["value"] for r in stored["data"].get("references", []) if r["kind"] == "token"]


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        yield running


async def gathered(hub: Hub, digits: str, call: str = "CA1") -> None:
    """What a caller keyed, as Twilio tells it."""
    url = f"{hub.url}/v1/hooks/acme-calls"
    body = urlencode({"CallSid": call, "From": "+15550100123", "To": "+15550100000", "CallStatus": "in-progress",
                      "Direction": "inbound", "Digits": digits, "AccountSid": "AC1"})  # fmt: skip
    proof = digest(SECRET.encode(), (url + signed_parameters(parse_qsl(body))).encode(), sha1)
    async with httpx2.AsyncClient(timeout=PATIENCE) as client:
        answer = await client.post(
            url,
            content=body.encode(),
            headers={
                "content-type": "application/x-www-form-urlencoded",
                "x-twilio-signature": b64encode(proof).decode(),
            },
        )
    assert answer.status_code in (200, 204), answer.text


async def test_a_code_that_a_caller_keys_is_recognised(hub: Hub) -> None:
    await gathered(hub, CODE)
    found = [one for one in await hub.events() if one["type"] == "cx.call.dtmf.v1"]
    assert [tokens(one) for one in found] == [[ID]]


async def test_other_keyed_digits_are_not_recognised(hub: Hub) -> None:
    await gathered(hub, "1")
    assert all(not tokens(one) for one in await hub.events())


async def test_too_many_codes_keyed_in_sequence_are_left_out(hub: Hub) -> None:
    for number in range(12):
        await gathered(hub, f"{number:08}")
    found = [one for one in await hub.events() if one["type"] == "cx.call.dtmf.v1"]
    assert sorted(len(tokens(one)) for one in found) == [0] * 2 + [1] * 10
    assert hub.counted("cx_intake_refused_total", provider="voice/twilio", reason="too-many-codes") == 2


async def test_tokens_in_keys_and_references_of_events_are_recognised(hub: Hub) -> None:
    data = {
        "channel": "voice",
        "interaction": "call-1",
        "digits": f"{CODE}#",
        "references": [{"kind": "order", "value": "4711", "shop": "eu"}],
    }
    given = {"kind": "token", "value": CODE}
    async with httpx2.AsyncClient(base_url=hub.url, timeout=PATIENCE) as client:
        await send(client, event("k-1", type="cx.call.dtmf.v1", data=data))
        await send(client, event("k-2", data={**event()["data"], "references": [given]}))
        await send(client, event("k-3", data={**event()["data"], "references": [{"kind": "token", "value": "theirs"}]}))
    found = {one["id"]: one["data"]["references"] for one in await hub.events()}
    assert found == {
        "k-1": [*data["references"], *BY_ID],
        "k-2": BY_ID,
        "k-3": [{"kind": "token", "value": "theirs"}],
    }


async def test_a_link_opens_a_chat_that_continues_the_conversation(hub: Hub) -> None:
    async with chat(hub, token=LETTERS) as (page, welcome):
        await page.hear("continued")
    found = [one for one in await hub.events() if one["type"] == "cx.conversation.token_redeemed.v1"]
    assert [(one["data"]["interaction"], tokens(one)) for one in found] == [(welcome["interaction"], [ID])]


async def test_a_forged_link_is_refused_and_the_chat_continues(hub: Hub) -> None:
    forged = LETTERS[:-1] + ("a" if LETTERS[-1] != "a" else "b")
    async with chat(hub, token=forged) as (page, _):
        assert (await page.hear("error"))["reason"] == "unknown-token"
        await page.say(type="message", id="1", text="hello")
        await page.hear("ack")
    assert [one["type"] for one in await hub.events() if one["type"].startswith("cx.conversation")] == []


async def test_a_code_alone_in_a_chat_message_is_recognised(hub: Hub) -> None:
    async with chat(hub) as (page, _):
        for id, text in (("1", f"My code is {CODE[:4]} {CODE[4:]}"), ("2", f"I paid 12 for {CODE}")):
            await page.say(type="message", id=id, text=text)
            await page.hear("ack")
    found = {one["data"]["message"]["id"]: tokens(one) for one in await hub.events() if "message" in one["data"]}
    assert found == {"1": [ID], "2": []}


@asynccontextmanager
async def mails(folder: Path, provider: str) -> AsyncIterator[tuple[Intake, SqliteLog]]:
    log, blobs = SqliteLog(folder / "log.db", 1), FolderBlobs(folder / "blobs")
    known = Tenants(
        {
            "acme": TenantConfig(
                id_key="a lasting key of acme",
                connections={
                    "acme-mail": ConnectionConfig(
                        provider=provider, secrets=("me:secret",), settings={"addresses": ["support@acme.example"]}
                    )
                },
            )
        }
    )
    await log.start()
    await blobs.start()
    yield Intake(log, blobs, known, providers(), Metrics()), log
    await blobs.stop()
    await log.stop()


async def stored(log: SqliteLog) -> list[dict[str, Any]]:
    reader = log.reader()
    reader.assign({Partition(INTERACTIONS, 0): 0})
    found = [msgspec.json.decode(record.value) for record in await reader.read(100, wait=0.05)]
    await reader.close()
    return found


@pytest.mark.parametrize(
    "fields",
    [
        f"To: support+{LETTERS}@acme.example",
        f"To: Support <SUPPORT+{LETTERS.upper()}@Acme.example>",
        f"To: support@acme.example\r\nDelivered-To: support+{LETTERS}@acme.example",
        f"To: support@acme.example\r\nReferences: <first@example.com> <c+{LETTERS}@acme.example>",
        f"To: support@acme.example\r\nIn-Reply-To: <c+{LETTERS}@acme.example>",
    ],
)
async def test_a_mail_to_the_reply_address_is_recognised(tmp_path: Path, fields: str) -> None:
    async with mails(tmp_path, "email/mime") as (intake, log):
        mail = f"From: ana@example.com\r\n{fields}\r\nMessage-ID: <m-1@example.com>\r\n\r\nHello\r\n"
        headers = {"x-envelope-from": "ana@example.com", "x-envelope-to": "support@acme.example"}
        request = Request(body=mail.encode(), method="SMTP", headers=headers)
        await intake.receive(request, intake.connection("acme-mail")[0])
        assert [tokens(one) for one in await stored(log)] == [[ID]]


async def test_a_forged_reply_address_is_no_token(tmp_path: Path) -> None:
    forged = sign_token_id(ID, IdSpace("other", b"a lasting key of another"))
    async with mails(tmp_path, "email/mime") as (intake, log):
        mail = (
            f"From: ana@example.com\r\nTo: support+{forged}@acme.example\r\nMessage-ID: <m@example.com>\r\n\r\nHi\r\n"
        )
        request = Request(body=mail.encode(), method="SMTP", headers={"x-envelope-to": "support@acme.example"})
        await intake.receive(request, intake.connection("acme-mail")[0])
        assert [tokens(one) for one in await stored(log)] == [[]]


async def test_postmarks_mailbox_hash_is_recognised(tmp_path: Path) -> None:
    async with mails(tmp_path, "email/postmark") as (intake, log):
        body = {
            "MessageID": "m-1", "From": "ana@example.com", "FromFull": {"Email": "ana@example.com"},
            "To": f"support+{LETTERS}@acme.example", "OriginalRecipient": f"support+{LETTERS}@acme.example",
            "ToFull": [{"Email": f"support+{LETTERS}@acme.example", "MailboxHash": LETTERS}],
            "MailboxHash": LETTERS, "Subject": "Re", "TextBody": "Hello",
        }  # fmt: skip
        request = Request(
            body=msgspec.json.encode(body),
            headers={
                "content-type": "application/json",
                "authorization": f"Basic {b64encode(b'me:secret').decode()}",
            },
        )
        await intake.receive(request, intake.connection("acme-mail")[0])
        assert [tokens(one) for one in await stored(log)] == [[ID]]

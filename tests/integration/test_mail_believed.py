"""Mail through the real SMTP door into the context: what is believed of it, and what of it is one and the same."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from tests.asking import PatientClient
from tests.patience import PATIENCE

from cx_events.log import INTERACTIONS, Partition
from cx_hub import compose
from cx_hub.demo.run import embedded_settings, until_ready
from cx_runtime.tenants import ConnectionConfig, KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

CASES = Path(__file__).parents[2].parent / "shared" / "cases" / "outside"
READER = "a key that reads"
HERE = "127.0.0.1"
SETTINGS = {
    "addresses": ["support@acme.example"],
    "forwarders": [
        {"from": "mailer@shop.example", "person": "reply-to"},
        {"from": "no-reply@forwardemail.example", "person": "reply-to"},
    ],
}


@dataclass
class MailHub:
    hub: compose.Hub
    http: httpx2.AsyncClient

    async def send(self, mail: bytes, sender: str = "somebody@example.com") -> None:
        def run() -> None:
            with smtplib.SMTP(HERE, self.hub.smtp_port, local_hostname="client.example.com", timeout=PATIENCE) as smtp:
                smtp.sendmail(sender, ["support@acme.example"], mail)

        await asyncio.to_thread(run)

    async def events(self) -> list[dict[str, Any]]:
        reader = self.hub.log.reader()
        reader.assign({Partition(INTERACTIONS, n): 0 for n in await self.hub.log.end_offsets(INTERACTIONS)})
        found: list[bytes] = []
        while records := await reader.read(1000, wait=0.05):
            found += [record.value for record in records]
        await reader.close()
        return [msgspec.json.decode(raw) for raw in found]

    async def context(self, address: str) -> dict[str, Any]:
        """The body of a customer's context, once all that was sent is in."""
        last = [f"{event['source']}#{event['id']}" for event in await self.events() if event["type"].startswith("cx.m")]
        for event in last:
            await self._read(address, event)
        answer = await self._read(address)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()["body"]
        return body

    async def _read(self, address: str, at_least: str = "") -> httpx2.Response:
        query = {"identifier": f"email:{address}", "wait": f"{PATIENCE:.0f}s"}
        return await self.http.get("/v1/context", params={**query, **({"at_least": at_least} if at_least else {})})


@asynccontextmanager
async def mail_hub(folder: Path, **settings: Any) -> AsyncIterator[MailHub]:
    mail = ConnectionConfig(provider="email/mime", settings={**SETTINGS, **settings})
    key = KeyConfig(id="reader", secret=READER, scopes=frozenset({"context:read"}))
    tenants = Tenants({"acme": TenantConfig(id_key="a lasting key of acme", keys=(key,), connections={"mail": mail})})
    async with compose.running_hub(embedded_settings(folder), tenants) as hub:
        await until_ready(hub.url)
        headers = {"authorization": f"Bearer {READER}"}
        async with PatientClient(base_url=hub.url, headers=headers, timeout=PATIENCE, trust_env=False) as http:
            yield MailHub(hub, http)


def case(name: str) -> bytes:
    return (CASES / name).read_bytes()


async def test_other_content_under_a_used_id_is_another_message(tmp_path: Path) -> None:
    async with mail_hub(tmp_path) as hub:
        await hub.send(case("k01-first.eml"))
        await hub.send(case("k01-second.eml"))
        await hub.send(b"Received: from a by b\r\nDelivered-To: support@acme.example\r\n" + case("k01-second.eml"))
        body = await hub.context("parcel@courier.example")
        assert body["counts"]["messages"] == 2
        assert {entry["text"].strip() for entry in body["timeline"]} == {
            "Your parcel 1 is delayed", "Parcel 2 was lost, please call us"
        }  # fmt: skip
        assert len(body["conversations"]) == 1
        counted = hub.hub.metrics.registry.get_sample_value("cx_projector_events_total", {"outcome": "conflicting"})
        assert counted == 0


@pytest.mark.parametrize("name", ["k05-group-rewrites-from.eml", "k20-form-mailer.eml", "k20-forwarder-reply-to.eml"])
async def test_the_person_behind_a_group_address_is_the_customer(tmp_path: Path, name: str) -> None:
    async with mail_hub(tmp_path) as hub:
        await hub.send(case(name))
        (event,) = await hub.events()
        assert (event["type"], event["data"]["direction"]) == ("cx.message.received.v1", "inbound")
        body = await hub.context("ana@example.com")
        assert body["counts"]["messages"] == 1
        assert [entry["role"] for entry in body["timeline"]] != ["agent"]


QUESTION = (
    b"From: Ana <ana@example.com>\r\nTo: support@acme.example\r\nMessage-ID: <q-1@example.com>\r\n\r\nWhere is it?\r\n"
)
ANSWER = (
    b"From: Acme <support@acme.example>\r\nTo: ana@example.com\r\nMessage-ID: <a-1@acme.example>\r\n"
    b"In-Reply-To: <q-1@example.com>\r\nReferences: <q-1@example.com>\r\n\r\nOn its way.\r\n"
)


async def test_a_stranger_who_writes_as_the_business_answers_nobody(tmp_path: Path) -> None:
    async with mail_hub(tmp_path, relays=["192.0.2.10"], mx=[HERE], authserv_ids=["mx.acme.example"]) as hub:
        await hub.send(QUESTION)
        waiting = (await hub.context("ana@example.com"))["now"]["waiting_since"]
        assert waiting
        forged = b"Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example\r\n"
        await hub.send(b"Received: from x ([203.0.113.66]) by mx.acme.example\r\nReceived: by y\r\n" + forged + ANSWER)
        body = await hub.context("ana@example.com")
        assert body["counts"]["messages"] == 1
        assert body["now"]["waiting_since"] == waiting
        stranger = await hub.context("support@acme.example")
        assert [entry["direction"] for entry in stranger["timeline"]] == ["inbound"]


@pytest.mark.parametrize(
    ("settings", "trace"),
    [
        ({"relays": [HERE]}, b""),
        (
            {"mx": [HERE], "authserv_ids": ["mx.acme.example"]},
            b"Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example\r\n",
        ),
        ({"mx": [HERE]}, b"Received: from pc ([203.0.113.9]) by mx.acme.example with ESMTPSA id 1\r\n"),
    ],
)
async def test_the_business_answers_from_a_host_of_its_own(
    tmp_path: Path, settings: dict[str, Any], trace: bytes
) -> None:
    async with mail_hub(tmp_path, **settings) as hub:
        await hub.send(QUESTION)
        await hub.send(trace + ANSWER)
        body = await hub.context("ana@example.com")
        assert body["counts"]["messages"] == 2
        assert body["now"]["waiting_since"] is None


async def test_an_aligned_sender_is_proved_but_no_forged_verdict(tmp_path: Path) -> None:
    verdict = b"Authentication-Results: mx.acme.example; dmarc=pass header.from=example.com\r\n"
    async with mail_hub(tmp_path, mx=[HERE], authserv_ids=["mx.acme.example"]) as hub:
        await hub.send(verdict + QUESTION)
        await hub.send(QUESTION.replace(b"q-1", b"q-2").replace(b"\r\n\r\n", b"\r\n" + verdict + b"\r\n"))
        weights = [event["data"]["participants"][0]["identifiers"][0]["weight"] for event in await hub.events()]
        assert weights == ["proved", "claimed"]
    async with mail_hub(tmp_path / "no-mx") as hub:
        await hub.send(verdict + QUESTION)
        (event,) = await hub.events()
        assert event["data"]["participants"][0]["identifiers"][0]["weight"] == "claimed"


async def test_a_mail_dated_years_ago_is_newest_and_unanswered(tmp_path: Path) -> None:
    older = b"From: nat@example.com\r\nTo: support@acme.example\r\nSubject: x\r\nMessage-ID: <d1@mail.example.com>\r\n"
    async with mail_hub(tmp_path) as hub:
        await hub.send(older + b"Date: Thu, 26 Nov 2026 10:00:00 +0000\r\n\r\nOLD: an older question\r\n")
        await hub.send((CASES / "k19-past-date.eml").read_bytes())
        body = await hub.context("nat@example.com")
    assert body["now"]["interaction"] == "mail/d2@mail.example.com"
    assert body["now"]["waiting_since"] is not None
    assert [entry["text"] for entry in body["timeline"]] == ["NEW: please call me", "OLD: an older question"]


async def test_people_whose_mails_look_like_a_machines_all_wait(tmp_path: Path) -> None:
    cases = sorted(CASES.glob("k04-*.eml"))
    async with mail_hub(tmp_path) as hub:
        for case in cases:
            await hub.send(case.read_bytes())
        body = await hub.context("ana@example.com")
        messages = [event["data"]["message"] for event in await hub.events() if "message" in event["data"]]
    assert [entry["role"] for entry in body["timeline"]] == ["customer"] * len(cases)
    assert body["now"]["waiting_since"] is not None
    assert body["unresolved"]
    assert [message.get("automatic", "") for message in messages] == [""] * len(cases)

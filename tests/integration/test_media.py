"""Files that events name are fetched with the vendor's credentials, stored, and shown where their message is."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from tests.api import KEYS, TODAY, Running, running_api
from tests.media_vendor import Vendor, vendor_serving
from tests.patience import PATIENCE
from tests.polled import QUICK, until
from tests.receiver import HANG, answer
from tests.vcons import faults

from cx_channels.intake import Intake
from cx_channels.media.references import MediaConnections
from cx_channels.media.waiting import Item
from cx_channels.media.worker import ROW, WORKER, MediaPorts, MediaSteps
from cx_channels.pollers.keeper import PollerKeeper
from cx_channels.pollers.report import PollerReport
from cx_channels.pollers.run import Surroundings
from cx_channels.pollers.source import SourcePorts
from cx_channels.provider import Connection, Request
from cx_channels.registry import folder_name, providers
from cx_context.store import Store, poller_rows
from cx_context.store.poller_rows import Standing
from cx_events.blob.folder import FolderBlobs
from cx_events.log import INTERACTIONS, Partition, Record
from cx_hub.commands.media import Asked, fetch_missing
from cx_hub.compose import running_hub
from cx_hub.connection_states import connection_state
from cx_hub.demo.run import embedded_settings
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.outbound.files import File
from cx_runtime.outbound.sender import Bounds
from cx_runtime.tenants import ConnectionConfig, KeyConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

PICTURE = b"\x89PNG a picture"
CARD = b"BEGIN:VCARD"
MIB = 1 << 20
CHANNELS = Path(__file__).parents[2] / "services" / "cx_channels"
TWILIO = "api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages/MM1/Media/"
STORED = "cx.media.stored.v1"
HUB = "https://hub.example"
MAIL = b"""\
From: Ana Lima <ana@example.com>\r
To: support@acme.example\r
Message-ID: <m-11@example.com>\r
In-Reply-To: <m-1@example.com>\r
Subject: A long one\r
Date: Sun, 22 Nov 2026 09:58:50 +0000\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="x"\r
\r
--x\r
Content-Type: text/plain; charset=utf-8\r
\r
The lamp came broken, and nobody answers.\r
--x\r
Content-Type: application/pdf; name="bill.pdf"\r
Content-Disposition: attachment; filename="bill.pdf"\r
\r
%PDF a bill\r
--x--\r
"""


def configured() -> Tenants:
    """acme with a connection of each vendor at hand, each set up to have its files fetched but one."""
    media: dict[str, Any] = {"media": True}
    token = {"media": True, "media_token": "a token of the app"}
    s3 = {"media": True, "media_key_id": "AKIDEXAMPLE", "media_secret": "a secret of s3", "media_region": "eu-west-1"}
    connections = {
        "acme-sms": ("chat/twilio", media),
        "acme-whatsapp": ("social/whatsapp", token),
        "acme-slack": ("chat/slack", token),
        "acme-ses": ("email/amazon-ses", s3),
        "acme-mailgun": ("email/mailgun", token),
        "acme-calls": ("voice/twilio", media),
        "acme-untouched": ("chat/twilio", {}),
    }
    return Tenants(
        {
            "acme": TenantConfig(
                id_key="acme example key",
                keys=(KeyConfig(id="all", secret=KEYS["all"], scopes=frozenset({"*"})),),
                connections={
                    id: ConnectionConfig(
                        provider=provider, secrets=("the account's token",), settings={**_settings(provider), **more}
                    )
                    for id, (provider, more) in connections.items()
                },
            )
        }
    )


def _settings(provider: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_fixture(provider, "connection.json"))["settings"]
    return found


def _fixture(provider: str, name: str) -> bytes:
    return (CHANNELS / folder_name(provider) / "fixtures" / name).read_bytes()


@dataclass
class World:
    """A hub with its vendors, and the worker at hand."""

    hub: Running
    vendor: Vendor
    intake: Intake
    metrics: Metrics
    health: Health
    now: list[float] = field(default_factory=lambda: [time.time()])

    async def comes(self, connection: str, fixture: str, change: tuple[bytes, bytes] = (b"", b"")) -> None:
        """Map a recorded request of a connection and store what it becomes, as intake does once it is verified."""
        its, provider = self.intake.connection(connection)
        body = _fixture(provider.name, fixture).replace(*change)
        kind = "application/x-www-form-urlencoded" if fixture.endswith(".form") else "application/json"
        request = Request(body, headers={"content-type": kind}, received=self.intake.now())
        mapped, failures = await self.intake.map(provider, request, its)
        assert not await self.intake.publish_mapped(mapped, failures, request, its)
        await self.hub.projector.catch_up()

    def keeper(self, **more: Any) -> PollerKeeper:
        connections = MediaConnections(self.intake.connections)
        ports = MediaPorts(
            self.intake, self.hub.log.log, self.vendor.files, self.metrics, self.health,
            clock=lambda: self.now[0], **{"random": lambda: 0.5, **more},
        )  # fmt: skip
        around = Surroundings(
            self.intake, self.hub.store, self.metrics, self.health, SourcePorts(self.intake.now, MIB),
            f"keeper-{id(ports)}", retries=QUICK, refusals=QUICK, storing=QUICK, lease=600.0,
        )  # fmt: skip
        row = Connection(ROW, "", WORKER)
        return PollerKeeper({ROW: row}, {WORKER: lambda _connection, _ports: MediaSteps(connections, ports)}, around)

    @asynccontextmanager
    async def fetching(self, **more: Any) -> AsyncIterator[PollerKeeper]:
        keeper = self.keeper(**more)
        task = asyncio.create_task(keeper.run(self.health.progress(f"media-{id(keeper)}")))
        try:
            yield keeper
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def raws(self) -> list[bytes]:
        ends = await self.hub.log.end_offsets(INTERACTIONS)
        reader = self.hub.log.reader()
        reader.assign({Partition(INTERACTIONS, number): 0 for number in ends})
        found: list[bytes] = []
        while len(found) < sum(ends.values()):
            found += [record.value for record in await reader.read(1000, wait=0.05)]
        await reader.close()
        return found

    async def events(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(raw) for raw in await self.raws()]

    async def stored(self) -> list[dict[str, Any]]:
        """The events that tell of stored files."""
        return [each for each in await self.events() if each["type"] == STORED]

    async def until_stored(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(PATIENCE):
            while len(await self.stored()) < count:
                await asyncio.sleep(0.05)
        await self.hub.projector.catch_up()
        return await self.stored()

    def counted(self, connection: str, outcome: str) -> float:
        name, labels = "cx_media_files_total", {"connection": connection, "outcome": outcome}
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    async def message(self, customer: str) -> dict[str, Any]:
        """The latest message of a customer's one conversation."""
        body = await self.hub.body(customer)
        found: dict[str, Any] = body["conversations"][0]["messages"][0]
        return found

    async def content(self, id: str) -> bytes:
        got = await self.hub.get(f"/v1/attachments/{id}")
        assert got.status_code == 200, got.text
        return got.content


SERVERS = pytest.param("servers", marks=[pytest.mark.kafka, pytest.mark.postgres])


@pytest.fixture
def parts(request: pytest.FixtureRequest) -> dict[str, Any]:
    if getattr(request, "param", "") != "servers":
        return {}
    log = request.getfixturevalue("kafka_log")(partitions=3)
    return {"log": log, "store_url": request.getfixturevalue("postgres_store")}


@pytest.fixture
async def world(parts: dict[str, Any], tmp_path: Path) -> AsyncIterator[World]:
    blobs, tenants = FolderBlobs(tmp_path / "blobs"), configured()
    await blobs.start()
    async with (
        running_api(tmp_path, configured=tenants, blobs=blobs, public_url=HUB, **parts) as hub,
        vendor_serving(Bounds(connect=PATIENCE, whole=PATIENCE, answer=MIB, connections=8)) as vendor,
    ):
        metrics = Metrics()
        intake = Intake(hub.log.log, blobs, tenants, providers(), metrics, clock=lambda: TODAY)
        yield World(hub, vendor, intake, metrics, Health())


async def test_pictures_of_an_mms_are_shown_from_the_hub(world: World) -> None:
    world.vendor.has(TWILIO + "ME1", answer(307, "Location: https://mms.twiliocdn.com/a.jpg?sig=1"))
    world.vendor.has("mms.twiliocdn.com/a.jpg?sig=1", answer(200, "Content-Type: image/jpeg", body=PICTURE))
    world.vendor.has(TWILIO + "ME2", answer(200, "Content-Type: text/x-vcard", body=CARD))
    await world.comes("acme-sms", "mms.form")
    before = (await world.message("phone:%2B14155550123"))["attachments"]
    assert [each["place"] for each in before] == ["provider", "provider"]
    async with world.fetching():
        stored = await world.until_stored(2)
    shown = (await world.message("phone:%2B14155550123"))["attachments"]
    assert [(each["content_type"], each["bytes"], each["place"]) for each in shown] == [
        ("image/jpeg", len(PICTURE), "hub"),
        ("text/x-vcard", len(CARD), "hub"),
    ]
    assert [await world.content(each["id"]) for each in shown] == [PICTURE, CARD]
    assert [await world.content(each["id"]) for each in before] == [PICTURE, CARD], "the ids of before serve it, too"
    proof = "Basic " + b64encode(b"AC00000000000000000000000000000001:the account's token").decode()
    sent = {place: headers.get("authorization") for place, headers in world.vendor.asked}
    assert sent == {TWILIO + "ME1": proof, TWILIO + "ME2": proof, "mms.twiliocdn.com/a.jpg?sig=1": None}
    file = stored[0]["data"]["message"]["attachments"][0]
    assert file["blob"] == "sha256:" + file["sha256"]
    assert world.counted("acme-sms", "stored") == 2
    counts = (await world.hub.body("phone:%2B14155550123"))["counts"]
    assert (counts["events"], counts["messages"], counts["interactions"]) == (1, 1, 1)


async def exported(world: World, query: str) -> dict[str, Any]:
    """The vCon of the one conversation of a context, which lists no stored file as an event without a place in it."""
    (conversation,) = (await world.hub.get(f"/v1/context?{query}")).json()["body"]["conversations"]
    answered = await world.hub.get(f"/v1/conversations/{conversation['id']}/vcon")
    assert answered.status_code == 200, answered.text
    found: dict[str, Any] = answered.json()
    assert faults(found) == []
    assert STORED not in {each["type"] for each in found.get("throughline", {}).get("events", ())}
    return found


def hash_of(content: bytes) -> str:
    return "sha256-" + urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()


@pytest.mark.parametrize("room", [MIB, len(CARD)])
async def test_a_vcon_has_the_fetched_files(world: World, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    monkeypatch.setattr(world.hub.api.vcons, "_most_content", room)
    world.vendor.has(TWILIO + "ME1", answer(200, "Content-Type: image/jpeg", body=PICTURE))
    world.vendor.has(TWILIO + "ME2", answer(200, "Content-Type: text/x-vcard", body=CARD))
    await world.comes("acme-sms", "mms.form")
    before = (await exported(world, "identifier=phone:%2B14155550123"))["attachments"]
    assert [each["url"] for each in before] == [f"https://{TWILIO}{id}" for id in ("ME1", "ME2")]
    async with world.fetching():
        await world.until_stored(2)
    picture, card = (await exported(world, "identifier=phone:%2B14155550123"))["attachments"]
    assert urlsafe_b64decode(card["body"] + "==") == CARD
    if room == MIB:
        assert urlsafe_b64decode(picture["body"] + "==") == PICTURE
    else:
        assert picture["content_hash"] == hash_of(PICTURE)
        assert (await world.hub.get(picture["url"].removeprefix(HUB))).content == PICTURE


async def test_a_vcon_has_a_fetched_recording(world: World) -> None:
    id = "RE00000000000000000000000000000002"
    place = f"api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001/Recordings/{id}.mp3"
    world.vendor.has(place, answer(200, "Content-Type: audio/mpeg", body=b"ID3 hello"))
    for fixture in ("status-ringing.form", "recording-in-progress.form", "recording-completed.form"):
        await world.comes("acme-calls", fixture)
    async with world.fetching():
        (stored,) = await world.until_stored(1)
    event = f"/v1/event?source={quote(stored['source'], safe='')}&id={quote(stored['id'], safe='')}"
    (file,) = (await world.hub.get(event)).json()["attachments"]
    dialogs = (await exported(world, f"interaction={quote(stored['data']['interaction'])}"))["dialog"]
    (recording,) = [each for each in dialogs if each["type"] == "recording"]
    assert recording["url"] == f"{HUB}/v1/attachments/{file['id']}"
    assert (recording["mediatype"], recording["content_hash"]) == ("audio/mpeg", hash_of(b"ID3 hello"))
    assert (await world.hub.get(recording["url"].removeprefix(HUB))).content == b"ID3 hello"


async def test_a_vcon_has_the_words_of_a_fetched_mail(world: World) -> None:
    place = "acme-mail.s3.eu-west-1.amazonaws.com/in/o3vrnil0e2ic28tr000000000000000000000c01"
    world.vendor.has(place, answer(200, body=MAIL))
    await world.comes("acme-ses", "in-s3.json")
    async with world.fetching():
        await world.until_stored(1)
    found = await exported(world, "identifier=email:ana@example.com")
    assert "The lamp came broken, and nobody answers." in [each["body"].strip() for each in found["dialog"]]
    mail, bill = found["attachments"]
    assert urlsafe_b64decode(mail["body"] + "==") == MAIL
    assert (bill["filename"], urlsafe_b64decode(bill["body"] + "==").strip()) == ("bill.pdf", b"%PDF a bill")


async def test_a_picture_of_whatsapp_comes_in_two_steps(world: World) -> None:
    body = json.loads(_fixture("social/whatsapp", "image.json"))
    image = _find(body, "image")
    told = json.dumps({"url": "https://lookaside.fbsbx.com/whatsapp?mid=1", "mime_type": "image/png"}).encode()
    world.vendor.has(f"graph.facebook.com/{image['id']}", answer(200, body=told))
    world.vendor.has("lookaside.fbsbx.com/whatsapp?mid=1", answer(200, "Content-Type: image/png", body=PICTURE))
    digest = b64encode(sha256(PICTURE).digest())
    await world.comes("acme-whatsapp", "image.json", (image["sha256"].encode(), digest))
    async with world.fetching():
        (stored,) = await world.until_stored(1)
    (file,) = stored["data"]["message"]["attachments"]
    assert file["sha256"] == sha256(PICTURE).hexdigest() and file["content_type"] == image["mime_type"]
    assert {headers["authorization"] for _, headers in world.vendor.asked} == {"Bearer a token of the app"}


async def test_a_recording_is_an_entry_of_the_timeline(world: World) -> None:
    id = "RE00000000000000000000000000000002"
    place = f"api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001/Recordings/{id}.mp3"
    world.vendor.has(place, answer(200, "Content-Type: audio/mpeg", body=b"ID3 hello"))
    for fixture in ("status-ringing.form", "recording-in-progress.form", "recording-completed.form"):
        await world.comes("acme-calls", fixture)
    async with world.fetching():
        (stored,) = await world.until_stored(1)
    assert stored["time"] == next(e["time"] for e in await world.events() if e["id"] == stored["causationid"])
    found = await world.hub.get(
        f"/v1/event?source={quote(stored['source'], safe='')}&id={quote(stored['id'], safe='')}"
    )
    (file,) = found.json()["attachments"]
    assert (file["content_type"], file["bytes"], file["place"]) == ("audio/mpeg", 9, "hub")
    assert await world.content(file["id"]) == b"ID3 hello"


async def test_another_digest_is_tried_again_and_never_stored(world: World) -> None:
    image = _find(json.loads(_fixture("social/whatsapp", "image.json")), "image")
    told = json.dumps({"url": "https://lookaside.fbsbx.com/whatsapp?mid=1"}).encode()
    world.vendor.has(f"graph.facebook.com/{image['id']}", answer(200, body=told))
    world.vendor.has("lookaside.fbsbx.com/whatsapp?mid=1", answer(200, body=b"another picture"))
    digest = b64encode(sha256(PICTURE).digest())
    await world.comes("acme-whatsapp", "image.json", (image["sha256"].encode(), digest))
    async with world.fetching():
        await until(lambda: world.counted("acme-whatsapp", "retried"))
        assert "wrong-digest" in str(world.health._notes)
    assert await world.stored() == []


async def test_a_login_page_of_slack_is_no_file(world: World) -> None:
    body = json.loads(_fixture("chat/slack", "message-with-files.json"))
    for file in _find(body, "files"):
        url = file.get("url_private_download") or file.get("url_private") or ""
        page = answer(200, "Content-Type: text/html; charset=utf-8", body=b"<title>Sign in</title>")
        world.vendor.has(url.removeprefix("https://"), page)
    await world.comes("acme-slack", "message-with-files.json")
    async with world.fetching():
        # The message has another file, which fails otherwise; the latest failure is told.
        await until(lambda: "may not read files" in str(world.health._notes))
        assert world.counted("acme-slack", "retried")
    assert await world.stored() == []


async def test_the_words_of_a_mail_in_s3_arrive(world: World) -> None:
    place = "acme-mail.s3.eu-west-1.amazonaws.com/in/o3vrnil0e2ic28tr000000000000000000000c01"
    world.vendor.has(place, answer(200, body=MAIL))
    await world.comes("acme-ses", "in-s3.json")
    assert (await world.message("email:ana@example.com"))["text"] == ""
    async with world.fetching():
        (stored,) = await world.until_stored(1)
    message = await world.message("email:ana@example.com")
    assert message["text"] == "The lamp came broken, and nobody answers."
    assert [(each["name"], each["place"]) for each in message["attachments"]] == [
        ("message.eml", "hub"),
        ("bill.pdf", "hub"),
    ]
    assert await world.content(message["attachments"][0]["id"]) == MAIL
    assert (await world.content(message["attachments"][1]["id"])).startswith(b"%PDF")
    body = await world.hub.body("email:ana@example.com")
    assert (len(body["conversations"]), body["counts"]["messages"]) == (1, 1)
    assert stored["data"]["message"]["subject"] == "A long one"
    await world.hub.listed()
    found = (await world.hub.get("/v1/search?q=lamp&in=messages")).json()
    assert len(found["items"]) == 1


async def test_a_mails_file_is_found_by_each_key(world: World) -> None:
    """A mail has the key of its content, by which it is shown, and that of its name."""
    place = "storage-us-east4.api.mailgun.net/v3/domains/acme.example/messages/KEY/attachments/0"
    world.vendor.has(place, answer(200, "Content-Type: application/pdf", body=b"%PDF a bill"))
    host = place.partition("/")[0].encode()
    await world.comes("acme-mailgun", "route-store.form", (b"storage.mailgun.net", host))
    before = (await world.message("email:lee@example.com"))["attachments"][0]
    async with world.fetching():
        await world.until_stored(1)
    shown = (await world.message("email:lee@example.com"))["attachments"][0]
    assert (before["place"], shown["place"]) == ("provider", "hub")
    mail = next(each for each in await world.events() if each["type"] == "cx.message.received.v1")
    by_name = await world.hub.get(f"/v1/event?source={quote(mail['source'], safe='')}&id={quote(mail['id'], safe='')}")
    for id in (shown["id"], before["id"], by_name.json()["attachments"][0]["id"]):
        assert await world.content(id) == b"%PDF a bill"


async def test_a_fault_of_one_file_holds_up_no_other(world: World) -> None:
    world.vendor.has(TWILIO + "ME2", answer(200, body=CARD))
    ask = world.vendor.files.get

    async def get(url: str, headers: Mapping[str, str], leads_to: Callable[[str], bool]) -> File:
        if url.endswith("ME1"):
            raise TypeError("header value strings may not include unicode characters.")
        return await ask(url, headers, leads_to)

    world.vendor.files.get = get  # type: ignore[method-assign]
    await world.comes("acme-sms", "mms.form")
    async with world.fetching() as keeper:
        await world.until_stored(1)
        await until(lambda: world.counted("acme-sms", "retried"))
        assert keeper.running[ROW].report.state == "connected"


async def test_connections_have_their_files_in_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = MediaPorts(world.intake, world.hub.log.log, world.vendor.files, world.metrics, world.health)
    steps = MediaSteps(MediaConnections(world.intake.connections), ports)
    begun: set[str] = set()

    async def bring(item: Item) -> None:
        begun.add(item.connection)

    monkeypatch.setattr(steps, "_bring", bring)
    for id in ("acme-sms", "acme-calls", "acme-slack"):
        for number in range(4):
            steps._waiting.add(Item(id, 0, number, f"{id}.{number}"))
    steps._start_due()
    await asyncio.wait(list(steps._running))
    assert begun == {"acme-sms", "acme-calls", "acme-slack"}


async def test_who_answers_badly_is_asked_again_later(world: World) -> None:
    """Where a vendor sends on to hosts that are none of its, nobody goes."""
    world.vendor.has(TWILIO + "ME1", answer(503, "Retry-After: 1"), answer(200, body=PICTURE))
    world.vendor.has(TWILIO + "ME2", answer(302, "Location: https://elsewhere.example/steal"))
    await world.comes("acme-sms", "mms.form")
    async with world.fetching() as keeper:
        await until(lambda: world.counted("acme-sms", "retried") and world.counted("acme-sms", "given-up"))
        assert keeper.running[ROW].report.state == "connected"
        world.now[0] += 3600.0
        await world.until_stored(1)
    assert [place for place, _ in world.vendor.asked if not place.startswith(TWILIO)] == []
    assert (world.counted("acme-sms", "retried"), world.counted("acme-sms", "given-up")) == (1, 1)


@pytest.mark.parametrize("parts", ["embedded", SERVERS], indirect=True)
async def test_what_waits_is_fetched_by_who_comes_next(world: World) -> None:
    """The first owner stops in the middle; the second has the file from the cursor, though it reads on from behind."""
    world.vendor.has(TWILIO + "ME1", HANG)
    world.vendor.has(TWILIO + "ME2", answer(200, body=CARD))
    await world.comes("acme-sms", "mms.form")
    async with world.fetching():
        await world.until_stored(1)
        await until(lambda: TWILIO + "ME1" in [place for place, _ in world.vendor.asked])
        async with asyncio.timeout(PATIENCE):
            while (await world_cursor(world)).count(b'"connection"') != 1:
                await asyncio.sleep(0.05)
    world.vendor.has(TWILIO + "ME1", answer(200, body=PICTURE))
    async with world.fetching():
        await world.until_stored(2)
    assert len({each["id"] for each in await world.stored()}) == len(await world.stored()) == 2


async def world_cursor(world: World) -> bytes:
    return await read_cursor_row(world.hub.store)


async def read_cursor_row(store: Store) -> bytes:
    async with store.reading() as tx:
        rows = await tx.fetch("SELECT cursor FROM pollers WHERE connection = :row", row=ROW)
    return bytes(rows[0][0]) if rows else b""


async def test_one_of_two_processes_fetches(world: World) -> None:
    async with world.fetching() as one:
        await until(lambda: ROW in one.running)
        second = world.keeper()
        await second.turn()
        assert not second.running
        await second.close()


async def test_a_connection_that_wants_no_files_gets_none(world: World) -> None:
    await world.comes("acme-untouched", "mms.form")
    world.vendor.has(TWILIO + "ME1", answer(200, body=PICTURE))
    world.vendor.has(TWILIO + "ME2", answer(200, body=PICTURE))
    await world.comes("acme-sms", "mms.form")
    async with world.fetching():
        stored = await world.until_stored(2)
    assert {each["source"] for each in stored} == {"//throughline/acme/connections/acme-sms"}
    assert len(world.vendor.asked) == 2


async def test_what_is_missing_is_fetched_by_command(world: World) -> None:
    """What is here already is not fetched again; a dry run fetches nothing."""
    world.vendor.has(TWILIO + "ME1", answer(200, body=PICTURE))
    await world.comes("acme-sms", "mms.form")
    connections = MediaConnections(world.intake.connections)
    parts = (world.hub.log.log, world.hub.store, world.intake, world.vendor.files, connections)
    asked = Asked("", "", "1d", dry_run=True)
    assert [each["outcome"] for each in await fetch_missing(*parts, asked)] == ["to be fetched", "to be fetched"]
    assert world.vendor.asked == []
    asked = asked._replace(dry_run=False)
    assert [each["outcome"] for each in await fetch_missing(*parts, asked)] == ["stored", "status-404"]
    await world.hub.projector.catch_up()
    world.vendor.has(TWILIO + "ME2", answer(200, body=CARD))
    assert [each["outcome"] for each in await fetch_missing(*parts, asked)] == ["stored"]
    await world.hub.projector.catch_up()
    assert await fetch_missing(*parts, asked) == []
    assert len(await world.stored()) == 2


async def test_a_hub_fetches_beside_its_pollers(tmp_path: Path) -> None:
    async with running_hub(embedded_settings(tmp_path), configured(), frozenset({"pollers"})) as hub:
        async with asyncio.timeout(PATIENCE):
            await hub.store_opened.wait()
            while not await read_cursor_row(hub.store):
                await asyncio.sleep(0.05)
        async with hub.store.reading() as tx:
            assert (await poller_rows.standings(tx))[ROW].owner


def test_who_fetches_and_what_is_missing_is_told() -> None:
    def state(owner: str, report: bytes = b"") -> list[str]:
        media = Standing("", ROW, owner, report)
        found = connection_state("acme", "sms", "chat/twilio", (), None, None, None, media)
        return [each["reason"] for each in found["problems"]]

    assert state("") == ["media-not-fetched"]
    assert state("a process") == []
    failed = msgspec.json.encode(PollerReport(state="retrying", reason="log", detail="it is away"))
    assert state("a process", failed) == ["media-retrying"]


async def test_the_order_of_arrival_changes_nothing(world: World, tmp_path: Path) -> None:
    place = "acme-mail.s3.eu-west-1.amazonaws.com/in/o3vrnil0e2ic28tr000000000000000000000c01"
    world.vendor.has(place, answer(200, body=MAIL))
    await world.comes("acme-ses", "in-s3.json")
    async with world.fetching():
        await world.until_stored(1)
    body = await world.hub.body("email:ana@example.com")
    other = tmp_path / "other"
    other.mkdir()
    async with running_api(other, configured=configured()) as hub:
        for raw in sorted(await world.raws(), key=lambda raw: msgspec.json.decode(raw)["recordedtime"], reverse=True):
            key = msgspec.json.decode(raw)["partitionkey"].encode()
            await hub.log.append([Record(INTERACTIONS, key, raw), Record(INTERACTIONS, key, raw)])
            await hub.projector.catch_up()
        assert await hub.body("email:ana@example.com") == body


def _find(value: Any, name: str) -> Any:
    """The first member of a name, anywhere in a JSON value."""
    if isinstance(value, dict):
        if name in value and isinstance(value[name], dict | list):
            return value[name]
        value = list(value.values())
    if isinstance(value, list):
        return next((found for each in value if (found := _find(each, name)) is not None), None)
    return None

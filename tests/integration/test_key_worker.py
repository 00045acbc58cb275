"""What vendors publish is fetched apart: intake answers 503 for a key that is not here, and the worker brings it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from tests.patience import PATIENCE
from tests.receiver import FLOOD, HANG, LOCAL, answer, receiving
from tests.stores import sqlite_store

from cx_channels.intake import Intake, wall_clock
from cx_channels.key_worker.documents import MOST_WANTED
from cx_channels.key_worker.pacing import MOST_ASKED
from cx_channels.key_worker.stored import StoredKeys
from cx_channels.key_worker.worker import KeyWorker
from cx_channels.provider import Connection, Request
from cx_channels.published_keys import KeyUnknown
from cx_channels.registry import provider, providers
from cx_context.store import open_store
from cx_events.blob.folder import FolderBlobs
from cx_events.errors import Refused
from cx_events.log import INTERACTIONS
from cx_events.log.sqlite import SqliteLog
from cx_runtime.health import Health
from cx_runtime.metrics import Metrics
from cx_runtime.outbound.fetcher import DOCUMENT, NotFetched, open_fetcher
from cx_runtime.outbound.reach import Reach
from cx_runtime.tenants import ConnectionConfig, TenantConfig, Tenants

pytestmark = pytest.mark.clock

TOPIC = "arn:aws:sns:eu-west-1:123456789012:ses-in"
SES = provider("email/amazon-ses")
FIRST, SECOND = "the first key", "the second key"


@dataclass
class Host:
    """The vendor's hosts: what they publish, by URL, and what was asked of them."""

    documents: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def get(self, url: str) -> bytes:
        self.asked.append(url)
        if url not in self.documents:
            raise NotFetched("status-404", "the host answered 404")
        return self.documents[url]


@dataclass
class Hub:
    intake: Intake
    worker: KeyWorker
    log: SqliteLog
    health: Health
    metrics: Metrics
    connection: Connection

    async def receive(self, request: Request) -> int:
        return (await self.intake.receive(replace(request), self.connection)).status

    async def events(self) -> int:
        return sum((await self.log.end_offsets(INTERACTIONS)).values())


def tenants(**settings: Any) -> Tenants:
    config = ConnectionConfig(provider="email/amazon-ses", settings={"topics": [TOPIC], **settings})
    return Tenants({"acme": TenantConfig(id_key="a lasting key of acme", connections={"acme-mail": config})})


@asynccontextmanager
async def hub(folder: Path, host: Host, name: str = "one", known: Tenants | None = None) -> AsyncIterator[Hub]:
    """Run an intake and its worker. Hubs of one folder share the store."""
    store = open_store(sqlite_store(folder))
    log, blobs = SqliteLog(folder / f"{name}.db", 1), FolderBlobs(folder / "blobs")
    metrics, health = Metrics(), Health()
    await log.start()
    await blobs.start()
    worker = KeyWorker(StoredKeys(store, lambda: True), host.get, metrics, health)
    intake = Intake(log, blobs, known or tenants(), providers(), metrics, keys_of=worker.keys_of)
    connection, its = intake.connection("acme-mail")
    assert its.keys is not None
    worker.serve(connection, its.keys)
    task = asyncio.create_task(worker.run(health.expect("keys")))
    try:
        yield Hub(intake, worker, log, health, metrics, connection)
    finally:
        task.cancel()
        await asyncio.wait([task])
        await log.stop()
        await blobs.stop()
        await store.stop()


def fixture(name: str = "question.json") -> Request:
    path = Path(__file__).parents[2] / "services/cx_channels/email/amazon_ses/fixtures" / name
    return Request(path.read_bytes(), headers={"content-type": "text/plain; charset=UTF-8"}, received=wall_clock())


def signed(known: Connection, request: Request, key: str = FIRST) -> Request:
    assert SES.sign is not None
    return SES.sign(request, replace(known, secrets=(FIRST, SECOND)), key)


def publishing(known: Connection, *keys: str) -> Host:
    """Return a host that publishes the certificates of some of the two keys."""
    assert SES.keys is not None
    documents = SES.keys.published(replace(known, secrets=tuple(key if key in keys else "" for key in (FIRST, SECOND))))
    return Host(dict(documents))


CONNECTION = Connection("acme-mail", "acme", SES.name, settings={"topics": [TOPIC]})


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.01)


async def test_an_unknown_key_is_fetched_and_the_retry_passes(tmp_path: Path) -> None:
    host = publishing(CONNECTION, FIRST)
    async with hub(tmp_path, host) as running:
        request = signed(running.connection, fixture())
        with pytest.raises(KeyUnknown) as told:
            await running.receive(request)
        assert told.value.retry_after > 0
        assert host.asked == [] or await running.events() == 0
        (url,) = host.documents
        await until(lambda: running.connection.keys.read(url, bytes) is not None)
        assert await running.receive(request) == 200
        assert await running.events() == 1
        assert host.asked == [url]


async def test_a_known_keys_wrong_signature_is_refused(tmp_path: Path) -> None:
    host = publishing(CONNECTION, FIRST)
    async with hub(tmp_path, host) as running:
        request = signed(running.connection, fixture())
        with pytest.raises(KeyUnknown):
            await running.receive(request)
        (url,) = host.documents
        await until(lambda: running.connection.keys.read(url, bytes) is not None)
        forged = replace(request, body=request.body.replace(b"4711", b"4712"))
        assert forged.body != request.body
        with pytest.raises(Refused) as refused:
            await running.receive(forged)
        assert (refused.value.reason, refused.value.status) == ("bad-signature", 401)
        assert await running.events() == 0


async def test_a_new_key_is_fetched_when_it_signs(tmp_path: Path) -> None:
    host = publishing(CONNECTION, FIRST, SECOND)
    async with hub(tmp_path, host) as running:
        for key in (FIRST, SECOND):
            request = signed(running.connection, fixture(), key)
            with pytest.raises(KeyUnknown):
                await running.receive(request)
            await until(lambda at=key: len(host.asked) == (1 if at == FIRST else 2))
            await until(lambda its=request: passes(running, its))
        assert await running.receive(signed(running.connection, fixture(), FIRST)) == 200


def passes(running: Hub, request: Request) -> bool:
    assert SES.verify is not None
    try:
        SES.verify(replace(request), running.connection)
    except KeyUnknown:
        return False
    return True


async def test_another_process_finds_the_key_in_the_store(tmp_path: Path) -> None:
    host = publishing(CONNECTION, FIRST)
    async with hub(tmp_path, host) as one, hub(tmp_path, host, "two") as two:
        request = signed(one.connection, fixture())
        with pytest.raises(KeyUnknown):
            await one.receive(request)
        await until(lambda: passes(one, request))
        with suppress(KeyUnknown):  # its worker may have looked into the store meanwhile
            await two.receive(request)
        await until(lambda: passes(two, request))
        assert len(host.asked) == 1


async def test_a_subscription_is_confirmed_once_its_signature_holds(tmp_path: Path) -> None:
    host = publishing(CONNECTION, FIRST)
    async with hub(tmp_path, host) as running:
        request = signed(running.connection, fixture("subscription.json"))
        url = json.loads(request.body)["SubscribeURL"]
        host.documents[url] = b"<ConfirmSubscriptionResponse/>"
        forged = replace(request, body=request.body.replace(b"You have", b"You had"))
        with pytest.raises(KeyUnknown):
            await running.receive(forged)
        await until(lambda: len(host.asked) == 1)
        await until(lambda: not_signed(running, forged))
        assert url not in host.asked
        with pytest.raises(KeyUnknown):
            await running.receive(request)
        await until(lambda: passes(running, request))
        assert await running.receive(request) == 200
        assert host.asked.count(url) == 1
        assert await running.events() == 0


def not_signed(running: Hub, request: Request) -> bool:
    assert SES.verify is not None
    try:
        SES.verify(replace(request), running.connection)
    except KeyUnknown:
        return False
    except Refused as refused:
        return refused.reason == "bad-signature"
    return False


async def test_strangers_cannot_have_it_fetch_without_end(tmp_path: Path) -> None:
    host = publishing(CONNECTION)
    async with hub(tmp_path, host) as running:
        request = signed(running.connection, fixture())
        given = json.loads(request.body)
        for number in range(MOST_WANTED * 3):
            given["SigningCertURL"] = f"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{number:032x}.pem"
            with pytest.raises(KeyUnknown):
                await running.receive(replace(request, body=json.dumps(given).encode()))
            if number == MOST_WANTED:
                await until(lambda: len(host.asked) == MOST_ASKED)
        await until(lambda: not any(keys.wanted for keys in running.worker._tenants.values()))
        assert len(host.asked) == MOST_ASKED


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://evil-sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/../evil/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem?x",
        "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-west-1:1:x&Token=t",
        f"https://sns.eu-west-1.amazonaws.com/?Action=DeleteTopic&TopicArn={TOPIC}&Token=t",
        "https://169.254.169.254/latest/meta-data",
        "",
    ],
)
async def test_no_other_address_is_ever_asked(tmp_path: Path, url: str) -> None:
    host = Host()
    async with hub(tmp_path, host) as running:
        running.connection.keys.want(url)
        given = json.loads(signed(running.connection, fixture()).body) | {"SigningCertURL": url}
        with pytest.raises(Refused):
            await running.receive(replace(fixture(), body=json.dumps(given).encode()))
        assert not any(keys.wanted for keys in running.worker._tenants.values())
    assert host.asked == []


async def test_what_is_no_certificate_is_not_kept(tmp_path: Path) -> None:
    host = publishing(CONNECTION, FIRST)
    (url,) = host.documents
    host.documents[url] = b"<html>an error page</html>"
    async with hub(tmp_path, host) as running:
        with pytest.raises(KeyUnknown):
            await running.receive(signed(running.connection, fixture()))
        await until(lambda: host.asked)
        await until(lambda: not any(keys.wanted for keys in running.worker._tenants.values()))
        assert running.connection.keys.read(url, bytes) is None
        assert b'outcome="no-such-document",provider="email/amazon-ses"} 1.0' in running.metrics.render()[0]


# --- the fetch itself -------------------------------------------------------------------------------------------------


async def fetched(reaction: bytes, allowed: str = LOCAL, whole: float = PATIENCE, scheme: str = "https") -> Any:
    authority = trustme.CA()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(served)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    bounds = DOCUMENT._replace(whole=whole, answer=1_000)
    async with (
        receiving(lambda _: reaction, tls=served) as host,
        open_fetcher(Reach.parse(allowed), bounds, trust) as fetcher,
    ):
        try:
            return await fetcher.get(host.url("/keys", scheme=scheme))
        except NotFetched as why:
            return why.reason


async def test_a_document_comes_by_https_within_bounds() -> None:
    assert await fetched(answer(200, body=b"x" * 1_000)) == b"x" * 1_000
    assert await fetched(answer(200, body=b"x" * 1_001)) == "too-large"
    assert await fetched(FLOOD) == "too-large"
    assert await fetched(answer(301, "Location: https://169.254.169.254/")) == "redirect"
    assert await fetched(answer(404)) == "status-404"
    assert await fetched(HANG, whole=0.5) == "no-answer"
    assert await fetched(answer(200, body=b"x"), allowed="") == "private-address"
    with pytest.raises(ValueError, match="https"):
        await fetched(answer(200, body=b"x"), scheme="http")

"""The hosts of vendors that keep files, in this process: by TLS with their names, answered by one function."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpcore2
import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.receiver import Got, Receiver, answer, receiving

from cx_channels.kit.example_keys import example_key
from cx_channels.media.fetching import Fetching
from cx_channels.media.references import Reference, references_of
from cx_channels.provider import Connection, Request
from cx_channels.registry import folder_name, providers
from cx_events.codec import decode
from cx_events.facts import connection_source
from cx_events.stamp import stamp
from cx_events.testing.builders import ACME, START
from cx_events.timestamps import Micros
from cx_runtime.outbound.files import FILE, File, FileFetcher, open_files
from cx_runtime.outbound.reach import Reach
from cx_runtime.outbound.sender import Bounds

CHANNELS = Path(__file__).parents[1] / "services" / "cx_channels"
HOSTS = (
    "api.twilio.com", "mms.twiliocdn.com", "graph.facebook.com", "lookaside.fbsbx.com", "files.slack.com",
    "acme-mail.s3.eu-west-1.amazonaws.com", "api.telegram.org", "elsewhere.example",
    "storage-us-east4.api.mailgun.net", "files.cdn.acme.example", "acme-files.s3.eu-west-1.amazonaws.com",
    "matrix.acme.example", "chat.acme.example", "chatwoot.acme.example", "login.microsoftonline.com",
    "smba.trafficmanager.net", "acme-my.sharepoint.com", "api-eu-1.nexmo.com", "api-eu.nexmo.com",
    "acme-calls.s3.eu-central-1.amazonaws.com", "ton.twitter.com", "pbs.twimg.com", "video.twimg.com",
)  # fmt: skip


@dataclass
class Vendor:
    """``answers``: what is answered for HOST and path, once each but for the last of a list; 404 for any other.
    ``asked``: host and path of each request, with its headers."""

    files: FileFetcher
    receiver: Receiver
    answers: dict[str, list[bytes]] = field(default_factory=dict)

    @property
    def asked(self) -> list[tuple[str, dict[str, str]]]:
        return [(got.headers["host"] + got.target, got.headers) for got in self.receiver.got]

    def has(self, place: str, *answers: bytes) -> None:
        """Let a place answer so, in this order."""
        self.answers[place] = list(answers)

    def react(self, got: Got) -> bytes:
        left = self.answers.get(got.headers["host"] + got.target)
        if not left:
            return answer(404)
        return left.pop(0) if len(left) > 1 else left[0]


def example_pem(name: str) -> str:
    """Return the example key of a name as vendors give private keys out."""
    return example_key(name).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def named_files(connection: Connection, fixture: str, change: tuple[bytes, bytes] = (b"", b"")) -> list[Reference]:
    """Return the files that a provider's fixture names, as the worker finds them in its events. ``change``: what is
    written in place of what."""
    provider = providers()[connection.provider]
    body = (CHANNELS / folder_name(provider.name) / "fixtures" / fixture).read_bytes()
    request = Request(body.replace(*change), headers={"content-type": "application/json"}, received=START)
    source, drafts = connection_source(connection.tenant, connection.id), provider.map(request, connection).drafts
    stamped = [stamp(each, source=source, recorded=START, ids=ACME) for each in drafts]
    return [each for event in stamped for each in references_of(decode(event.raw))]


async def fetched(vendor: Vendor, connection: Connection, fixture: str, now: Micros = START) -> File:
    """Fetch the one file that a fixture names, as the worker does."""
    source = providers()[connection.provider].media
    assert source is not None
    (reference,) = named_files(connection, fixture)
    return await Fetching(vendor.files).fetch(reference, connection, source, now)


class _ToThisMachine(httpcore2.AsyncNetworkBackend):
    """Connects to one port of this machine, whatever host is asked for; the certificate must be that host's."""

    def __init__(self, port: Callable[[], int]) -> None:
        self._port = port
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        return await self._inner.connect_tcp("127.0.0.1", self._port(), timeout)


@asynccontextmanager
async def vendor_serving(bounds: Bounds = FILE) -> AsyncIterator[Vendor]:
    """Serve the hosts until the block ends."""
    authority = trustme.CA()
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(served)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    async with receiving(tls=served) as receiver:
        backend = _ToThisMachine(lambda: receiver.port)
        async with open_files(Reach(), bounds, trust, backend) as files:
            vendor = Vendor(files, receiver)
            receiver.react = vendor.react
            yield vendor

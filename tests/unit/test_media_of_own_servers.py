"""Files of servers that a tenant runs itself: its own address is asked, and nobody else gets a credential."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.media_vendor import Vendor, vendor_serving
from tests.receiver import answer

from cx_channels.media.fetching import Fetching
from cx_channels.media.references import Reference, references_of
from cx_channels.provider import Connection
from cx_channels.readiness import setup_problems
from cx_channels.registry import folder_name, providers
from cx_events.codec import decode
from cx_runtime.outbound.fetcher import NotFetched
from cx_runtime.outbound.files import File

CHANNELS = Path(__file__).parents[2] / "services" / "cx_channels"
STORE = "acme-files.s3.eu-west-1.amazonaws.com"
CDN = "files.cdn.acme.example"
TOKEN = "a token of the server"
PICTURE = answer(200, "Content-Type: image/png", body=b"a picture")


class Own(NamedTuple):
    """A server of the tenant's own. ``path``: of the first file that ``example`` names; ``proof``: headers of
    credentials."""

    server: str
    example: str
    path: str
    settings: Mapping[str, Any]
    proof: Mapping[str, str]

    @property
    def file(self) -> str:
        return self.server + self.path


SERVERS = {
    "chat/chatwoot": Own(
        "chatwoot.acme.example",
        "incoming-whatsapp-with-files.json",
        "/rails/active_storage/blobs/redirect/eyJfcmFpbHMiOnsiZGF0YSI6NDcxMX19--0a1b2c3d4e5f/a.png",
        {},
        {},
    ),
    "chat/matrix": Own(
        "matrix.acme.example",
        "files.json",
        "/_matrix/client/v1/media/download/example.com/abc",
        {"media_token": TOKEN},
        {"authorization": f"Bearer {TOKEN}"},
    ),
    "chat/rocketchat": Own(
        "chat.acme.example",
        "message-file.json",
        "/file-upload/f1/bill.pdf",
        {"media_token": TOKEN, "media_user": "U1"},
        {"x-auth-token": TOKEN, "x-user-id": "U1"},
    ),
}
each_provider = pytest.mark.parametrize("provider", SERVERS)


def connection(provider: str, **more: Any) -> Connection:
    own = SERVERS[provider]
    settings = {"media": True, "media_url": f"https://{own.server}", **own.settings, **more}
    return Connection("acme-x", "acme", provider, ("a secret",), settings=settings)


def references(provider: str, example: str) -> list[Reference]:
    """The files that the events of an example name."""
    golden = CHANNELS / folder_name(provider) / "golden" / f"{example}.jsonl"
    return [each for line in golden.read_bytes().splitlines() for each in references_of(decode(line))]


async def fetched(vendor: Vendor, provider: str, **more: Any) -> File:
    media = providers()[provider].media
    assert media is not None
    first = references(provider, SERVERS[provider].example)[0]
    return await Fetching(vendor.files).fetch(first, connection(provider, **more), media, 0)


def told_to(headers: Mapping[str, str]) -> dict[str, str]:
    """What a request says beyond what all do."""
    common = {"host", "user-agent", "accept", "accept-encoding"}
    return {name: value for name, value in headers.items() if name not in common}


@each_provider
async def test_the_tenants_server_is_asked_with_its_credentials(provider: str) -> None:
    own = SERVERS[provider]
    async with vendor_serving() as vendor:
        vendor.has(own.file, PICTURE)
        assert await fetched(vendor, provider) == (b"a picture", "image/png")
        assert [(place, told_to(headers)) for place, headers in vendor.asked] == [(own.file, own.proof)]


@each_provider
@pytest.mark.parametrize("store", [STORE, CDN])
async def test_a_store_gets_no_credential(provider: str, store: str) -> None:
    own, place = SERVERS[provider], f"{store}/a?X-Amz-Signature=1"
    async with vendor_serving() as vendor:
        vendor.has(own.file, answer(302, f"Location: https://{place}"))
        vendor.has(place, PICTURE)
        assert (await fetched(vendor, provider, media_hosts=[".cdn.acme.example"])).content == b"a picture"
        sent = [(place, told_to(headers)) for place, headers in vendor.asked]
        assert sent == [(own.file, own.proof), (place, {})]


@each_provider
@pytest.mark.parametrize("host", ["elsewhere.example", CDN, "s3.amazonaws.com.elsewhere.example"])
async def test_nobody_goes_where_else_it_sends_on_to(provider: str, host: str) -> None:
    async with vendor_serving() as vendor:
        vendor.has(SERVERS[provider].file, answer(302, f"Location: https://{host}/a"))
        with pytest.raises(NotFetched) as why:
            await fetched(vendor, provider)
        assert why.value.reason == "redirect" and len(vendor.asked) == 1


@each_provider
@pytest.mark.parametrize(
    "given", ["http://a.example", "https://a.example:8443", "https://ana@a.example", "a.example", "https://"]
)
def test_an_address_that_no_file_comes_from_is_named(provider: str, given: str) -> None:
    problems = setup_problems(connection(provider, media_url=given), providers()[provider], "https://hub.acme.example")
    assert [each for each in problems if "settings.media_url" in each.detail and "no address like" in each.detail]


def test_an_encrypted_file_is_told_without_an_address() -> None:
    assert "mxc://example.com/enc" not in {each.file.url for each in references("chat/matrix", "files.json")}

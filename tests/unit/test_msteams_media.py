"""Pictures and files of Teams: the bot's token goes to the Bot Connector alone, and a shared file needs none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from tests.media_vendor import Vendor, vendor_serving
from tests.receiver import BREAK, answer

from cx_channels.chat.msteams import PROVIDER
from cx_channels.media.fetching import EARLY_SECONDS, Fetching
from cx_channels.media.references import Reference, references_of
from cx_channels.provider import Connection, MediaRequest
from cx_events.codec import decode
from cx_runtime.outbound.fetcher import NotFetched
from cx_runtime.outbound.files import File

GOLDEN = Path(__file__).parents[2] / "services" / "cx_channels" / "chat" / "msteams" / "golden" / "files.json.jsonl"
LOGIN = "login.microsoftonline.com/botframework.com/oauth2/v2.0/token"
CONNECTOR = "smba.trafficmanager.net/emea/v3/attachments/0-weu-d8-c0eefd4{}/views/original"
SHARED = "acme-my.sharepoint.com/personal/ana/_layouts/15/download.aspx?UniqueId=u-1&tempauth=v1.e30"
PICTURE = answer(200, "Content-Type: image/png", body=b"a picture")
SECRET = "a secret & more"


def connection(**more: Any) -> Connection:
    settings = {"app_id": ["app-1", "app-2"], "media": True, "media_secret": SECRET, **more}
    return Connection("acme-teams", "acme", PROVIDER.name, settings=settings)


def token(value: str, **more: Any) -> bytes:
    return answer(200, body=json.dumps({"token_type": "Bearer", "access_token": value, **more}).encode())


def references() -> list[Reference]:
    """Two shared files and two attachments."""
    return references_of(decode(GOLDEN.read_bytes().splitlines()[0]))


async def fetched(fetching: Fetching, which: int, **more: Any) -> File:
    assert PROVIDER.media is not None
    return await fetching.fetch(references()[which], connection(**more), PROVIDER.media, 0)


def asked(url: str, **more: Any) -> MediaRequest | None:
    assert PROVIDER.media is not None
    return PROVIDER.media.request(url, connection(**more), 0)


def sent(vendor: Vendor) -> list[tuple[str, str | None]]:
    return [(place, headers.get("authorization")) for place, headers in vendor.asked]


async def test_a_picture_is_asked_for_by_the_bots_token() -> None:
    async with vendor_serving() as vendor:
        vendor.has(LOGIN, token("token-1", expires_in=3599))
        for number in (1, 2):
            vendor.has(CONNECTOR.format(number), PICTURE)
        fetching = Fetching(vendor.files)
        assert [(await fetched(fetching, which)).content for which in (2, 3)] == [b"a picture", b"a picture"]
        assert sent(vendor) == [
            (LOGIN, None),
            (CONNECTOR.format(1), "Bearer token-1"),
            (CONNECTOR.format(2), "Bearer token-1"),
        ]
        posted = vendor.receiver.got[0]
        assert posted.headers["content-type"] == "application/x-www-form-urlencoded"
        assert dict(parse_qsl(posted.body.decode(), strict_parsing=True)) == {
            "grant_type": "client_credentials",
            "client_id": "app-1",
            "client_secret": SECRET,
            "scope": "https://api.botframework.com/.default",
        }
        assert [got.body for got in vendor.receiver.got[1:]] == [b"", b""]


async def test_a_shared_file_is_fetched_without_a_token() -> None:
    async with vendor_serving() as vendor:
        vendor.has(SHARED, answer(200, "Content-Type: application/pdf", body=b"%PDF"))
        assert await fetched(Fetching(vendor.files), 0) == (b"%PDF", "application/pdf")
        assert sent(vendor) == [(SHARED, None)]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (answer(200, "Content-Type: text/html", body=b"<html>Sign in"), "a-login"),
        (answer(302, "Location: https://login.microsoftonline.com/common/oauth2/authorize"), "redirect"),
        (answer(401), "status-401"),
    ],
)
async def test_a_login_is_never_the_shared_file(given: bytes, reason: str) -> None:
    async with vendor_serving() as vendor:
        vendor.has(SHARED, given)
        with pytest.raises(NotFetched) as why:
            await fetched(Fetching(vendor.files), 0)
        assert why.value.reason == reason and len(vendor.asked) == 1


async def test_a_token_is_kept_until_shortly_before_its_end() -> None:
    now = [0.0]
    async with vendor_serving() as vendor:
        vendor.has(LOGIN, token("token-1", expires_in=3599), token("token-2", expires_in="3599"), token("token-3"))
        vendor.has(CONNECTOR.format(1), PICTURE)
        fetching = Fetching(vendor.files, lambda: now[0])
        used = []
        for at in (0.0, 3599 - EARLY_SECONDS - 1, 3599 - EARLY_SECONDS, 4000.0, 9000.0, 9000.0):
            now[0] = at
            await fetched(fetching, 2)
            used.append(sent(vendor)[-1][1])
        assert used == [f"Bearer token-{number}" for number in (1, 1, 2, 2, 3, 3)]
        assert [place for place, _ in sent(vendor)].count(LOGIN) == 4, "one whose end is not told is not kept"


async def test_a_refused_token_is_not_used_again() -> None:
    async with vendor_serving() as vendor:
        vendor.has(LOGIN, token("token-1", expires_in=3599), token("token-2", expires_in=3599))
        vendor.has(CONNECTOR.format(1), answer(401), PICTURE)
        fetching = Fetching(vendor.files)
        with pytest.raises(NotFetched) as why:
            await fetched(fetching, 2)
        assert why.value.reason == "status-401"
        await fetched(fetching, 2)
        assert sent(vendor)[-1] == (CONNECTOR.format(1), "Bearer token-2")


@pytest.mark.parametrize(
    "given",
    [
        answer(400, body=b'{"error": "invalid_client"}'),
        answer(429, "Retry-After: 7"),
        answer(302, "Location: https://elsewhere.example/"),
        answer(200, body=b"<html>"),
        answer(200, body=b'{"token_type": "Bearer"}'),
        answer(200, body=b'{"access_token": "a\\nb"}'),
        answer(200, body='{"access_token": "ä"}'.encode()),
        BREAK,
    ],
)
async def test_without_a_token_nothing_is_asked(given: bytes) -> None:
    async with vendor_serving() as vendor:
        vendor.has(LOGIN, given)
        with pytest.raises(NotFetched) as why:
            await fetched(Fetching(vendor.files), 2)
        assert why.value.reason == "no-token" and SECRET not in str(why.value)
        assert why.value.retry_after == (7.0 if b"Retry-After" in given else None)
        assert {place for place, _ in sent(vendor)} == {LOGIN}


async def test_a_redirect_takes_the_token_nowhere() -> None:
    async with vendor_serving() as vendor:
        vendor.has(LOGIN, token("token-1", expires_in=3599))
        vendor.has(CONNECTOR.format(1), answer(302, "Location: https://elsewhere.example/a"))
        with pytest.raises(NotFetched) as why:
            await fetched(Fetching(vendor.files), 2)
        assert why.value.reason == "redirect"
        assert [place for place, _ in sent(vendor)] == [LOGIN, CONNECTOR.format(1)]


@pytest.mark.parametrize(
    ("cloud", "tenant", "host", "login"),
    [
        ("", "t-1", "smba.trafficmanager.net", "https://login.microsoftonline.com/t-1/oauth2/v2.0/token"),
        ("public", "../x", "smba.infra.gcc.teams.microsoft.com",
         "https://login.microsoftonline.com/..%2Fx/oauth2/v2.0/token"),
        ("government", "", "smba.infra.gov.teams.microsoft.us",
         "https://login.microsoftonline.us/MicrosoftServices.onmicrosoft.us/oauth2/v2.0/token"),
        ("china", "", "frontend.botapi.msg.infra.teams.microsoftonline.cn",
         "https://login.partner.microsoftonline.cn/microsoftservices.partner.onmschina.cn/oauth2/v2.0/token"),
    ],
)  # fmt: skip
def test_each_cloud_has_its_own_login_and_hosts(cloud: str, tenant: str, host: str, login: str) -> None:
    more = {"cloud": cloud} if cloud else {}
    url = f"https://{host}/amer/11111111-aaaa-4bbb-8ccc-000000000001/v3/attachments/0-eus_d6/views/original"
    request = asked(url, media_tenant=tenant, **more)
    assert request is not None and request.login is not None and request.login.url == login
    assert SECRET not in repr(request) and SECRET not in repr(request.login)
    others = {"public", "government", "china"} - {cloud or "public"}
    assert [other for other in others if asked(url, cloud=other) is not None] == []


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.trafficmanager.net/emea/v3/attachments/1/views/original",
        "https://smba.trafficmanager.net.elsewhere.example/emea/v3/attachments/1/views/original",
        "https://smba.trafficmanager.net@elsewhere.example/emea/v3/attachments/1/views/original",
        "https://smba.trafficmanager.net:8443/emea/v3/attachments/1/views/original",
        "http://smba.trafficmanager.net/emea/v3/attachments/1/views/original",
        "https://smba.trafficmanager.net/emea/v3/attachments/1/views/../../../conversations",
        "https://smba.trafficmanager.net/emea/../v3/attachments/1/views/original",
        "https://smba.trafficmanager.net/emea/v3/conversations/1/members",
        "https://smba.trafficmanager.net/emea/v3/attachments/1/views/original?a=b",
        "https://acme.sharepoint.com/personal/ana/Documents/invoice.pdf",
        "https://acme.sharepoint.com.elsewhere.example/_layouts/15/download.aspx?a",
        "https://sharepoint.com/_layouts/15/download.aspx?a",
        "http://acme.sharepoint.com/_layouts/15/download.aspx?a",
        "https://us-api.asm.skype.com/v1/objects/0-eus/views/imgo",
    ],
)
def test_an_address_like_microsofts_is_not_asked(url: str) -> None:
    assert asked(url) is None

"""Recordings and files at Vonage: asked for by a token that the application's key signs, which no other host gets."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from tests.media_vendor import example_pem, fetched, named_files, vendor_serving
from tests.receiver import answer

from cx_channels.kit.example_keys import example_key
from cx_channels.kit.rs256_tokens import Token, check_token, read_token
from cx_channels.provider import Connection
from cx_channels.registry import providers
from cx_events.errors import Fatal, Refused
from cx_events.testing.builders import SECOND, START
from cx_runtime.outbound.fetcher import NotFetched

APPLICATION = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"
PEM = example_pem("the application")
SIGNED = {"application": APPLICATION, "media_secret": PEM}
RECORDING = "api-eu-1.nexmo.com/v1/files/a1b2c3d4-0000-4000-8000-000000000900"
PICTURE = "api-eu.nexmo.com/v3/media/1b456509"
SOUND = answer(200, "Content-Type: audio/mpeg", body=b"ID3 hello")


def connection(provider: str = "voice/vonage", **settings: Any) -> Connection:
    return Connection("acme-vonage", "acme", provider, ("a signature secret",), settings={"media": True, **settings})


def token_of(header: str) -> Token:
    """Read a token as Vonage does: the application's public key must have signed it."""
    token = read_token(header)
    check_token(token, example_key("the application").public_key())
    return token


async def test_a_recording_opens_to_a_token_of_the_application() -> None:
    async with vendor_serving() as vendor:
        vendor.has(RECORDING, SOUND)
        assert await fetched(vendor, connection(**SIGNED), "recorded.json") == (b"ID3 hello", "audio/mpeg")
        ((_, headers),) = vendor.asked
    token = token_of(headers["authorization"])
    at = START // SECOND
    assert (token.kid, token.claim("application_id")) == ("", APPLICATION)
    assert (token.claims["iat"], token.claims["exp"]) == (at, at + 300)
    with pytest.raises(Refused):
        check_token(token, example_key("another application").public_key())


async def test_each_request_has_a_token_of_its_own() -> None:
    async with vendor_serving() as vendor:
        vendor.has(RECORDING, SOUND)
        its = connection(**SIGNED)
        for later in (0, 1):
            await fetched(vendor, its, "recorded.json", START + later)
        ids = {token_of(headers["authorization"]).claim("jti") for _, headers in vendor.asked}
    assert len(ids) == 2 and all(len(id) == 32 for id in ids)


async def test_what_was_said_comes_and_a_transcript_stays() -> None:
    its = connection(**SIGNED)
    (reference,) = named_files(its, "input-speech-kept.json")
    assert reference.file.url == "https://api-us.nexmo.com/v1/files/a1b2c3d4-0000-4000-8000-0000000000f7"
    assert named_files(its, "transcribed.json") == []


async def test_another_host_gets_no_token_or_is_refused() -> None:
    async with vendor_serving() as vendor:
        vendor.has(RECORDING, answer(302, f"Location: https://{PICTURE}"))
        vendor.has(PICTURE, SOUND)
        assert (await fetched(vendor, connection(**SIGNED), "recorded.json")).content == b"ID3 hello"
        assert [(place, "authorization" in headers) for place, headers in vendor.asked] == [
            (RECORDING, True),
            (PICTURE, False),
        ]
        vendor.has(RECORDING, answer(302, "Location: https://elsewhere.example/a"))
        with pytest.raises(NotFetched) as why:
            await fetched(vendor, connection(**SIGNED), "recorded.json")
        assert why.value.reason == "redirect"
        assert not [place for place, _ in vendor.asked if place.startswith("elsewhere")]


async def test_a_refused_token_is_said() -> None:
    async with vendor_serving() as vendor:
        vendor.has(RECORDING, answer(401, body=b'{"title":"Unauthorized"}'))
        with pytest.raises(NotFetched) as why:
            await fetched(vendor, connection(**SIGNED), "recorded.json")
        assert why.value.reason == "status-401"


@pytest.mark.parametrize("settings", [{}, SIGNED], ids=["public", "protected"])
async def test_a_picture_comes_with_a_token_where_needed(settings: dict[str, Any]) -> None:
    async with vendor_serving() as vendor:
        vendor.has(PICTURE, answer(200, "Content-Type: image/jpeg", body=b"\xff\xd8 a picture"))
        found = await fetched(vendor, connection("chat/vonage", **settings), "whatsapp-image.json")
        assert found == (b"\xff\xd8 a picture", "image/jpeg")
        ((_, headers),) = vendor.asked
    if settings:
        assert token_of(headers["authorization"]).claim("application_id") == APPLICATION
    else:
        assert "authorization" not in headers


def lacks(its: Connection) -> str:
    source = providers()[its.provider].media
    assert source is not None
    return " ".join(source.lacks(its))


ENCRYPTED = (
    example_key("the application")
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a password"))
    .decode()
)
OF_ANOTHER_KIND = (
    ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
)


@pytest.mark.parametrize(
    "written", [PEM, f"\n{PEM}\n", PEM.replace("\n", "\\n"), PEM.replace("\n", "\r\n")],
    ids=["as it came", "with lines around it", "in one line", "of Windows"],
)  # fmt: skip
@pytest.mark.parametrize("provider", ["voice/vonage", "chat/vonage"])
def test_a_key_is_read_as_it_is_written(provider: str, written: str) -> None:
    assert lacks(connection(provider, application=APPLICATION, media_secret=written)) == ""


@pytest.mark.parametrize(
    "written", ["an API secret", PEM[:200], PEM.replace("PRIVATE", "PUBLIC"), ENCRYPTED, OF_ANOTHER_KIND, 7],
    ids=["a secret", "cut", "no private key", "with a password", "of another kind", "a number"],
)  # fmt: skip
@pytest.mark.parametrize("provider", ["voice/vonage", "chat/vonage"])
def test_what_is_no_key_is_said_and_not_shown(provider: str, written: Any) -> None:
    its = connection(provider, application=APPLICATION, media_secret=written)
    told = lacks(its)
    assert "settings.media_secret is no private key" in told
    assert str(written) not in told


def test_what_is_missing_is_said() -> None:
    assert "settings.application" in lacks(connection(media_secret=PEM))
    assert "settings.application" in lacks(connection("chat/vonage", media_secret=PEM))
    assert "settings.media_secret" in lacks(connection(application=APPLICATION))
    assert "settings.media_secret" in lacks(connection("chat/vonage", application=APPLICATION, media_secret=""))
    assert lacks(connection("chat/vonage", application=APPLICATION)) == "", "public files need no key"
    with pytest.raises(Fatal, match="application"):
        lacks(connection(application=7, media_secret=PEM))

"""Files at X: those of posts are public, those of direct messages ask for a request that the account's keys sign."""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import Any
from urllib.parse import quote, unquote

import pytest
from tests.media_vendor import fetched, vendor_serving
from tests.receiver import answer

from cx_channels.provider import Connection, MediaRequest
from cx_channels.registry import providers
from cx_channels.social.x.oauth1 import Keys, signature, signed_header
from cx_events.testing.builders import SECOND, START
from cx_runtime.outbound.fetcher import NotFetched

KEYS = {"media_key": "the app's key", "media_token": "1-the account's token", "media_token_secret": "a token's secret"}
PICTURE = "ton.twitter.com/1.1/ton/data/dm/1/1/a.jpg"
FILM = "video.twimg.com/dm_video/1/vid/720x1280/b.mp4"
POSTED = "pbs.twimg.com/media/a.jpg"


def connection(**settings: Any) -> Connection:
    its = {"media": True, "accounts": ["4337869213"], **settings}
    return Connection("acme-x", "acme", "social/x", ("the app's secret", "an older one"), settings=its)


def asked(url: str, its: Connection) -> MediaRequest | None:
    source = providers()["social/x"].media
    assert source is not None
    return source.request(url, its, START)


def proof_of(header: str) -> dict[str, str]:
    kind, _, told = header.partition(" ")
    assert kind == "OAuth"
    pairs = (each.partition("=") for each in told.split(", "))
    return {name: unquote(value.strip('"')) for name, _, value in pairs}


def is_signed(place: str, proof: dict[str, str]) -> bool:
    """Return whether X would take a request of a URL without a query, worked out as its page says."""
    told = "&".join(f"{name}={quote(proof[name], safe='')}" for name in sorted(proof) if name != "oauth_signature")
    base = "&".join(quote(each, safe="") for each in ("GET", f"https://{place}", told))
    secret = f"{quote('the app' + chr(39) + 's secret', safe='')}&{quote(KEYS['media_token_secret'], safe='')}"
    return proof["oauth_signature"] == b64encode(hmac.digest(secret.encode(), base.encode(), "sha1")).decode()


def test_xs_own_example_is_signed_as_x_says() -> None:
    """docs.x.com/fundamentals/authentication/oauth-1-0a/creating-a-signature."""
    keys = Keys(
        "xvz1evFS4wEEPTGEFPHBog",
        "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
    )
    parameters = {
        "status": "Hello Ladies + Gentlemen, a signed OAuth request!",
        "include_entities": "true",
        "oauth_consumer_key": keys.key,
        "oauth_nonce": "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "1318622958",
        "oauth_token": keys.token,
        "oauth_version": "1.0",
    }
    url = "https://api.x.com/1.1/statuses/update.json"
    assert signature(keys, "POST", url, list(parameters.items())) == "Ls93hJiZbQ3akF3HF3x1Bz8/zU4="


def test_a_query_is_signed_with_the_rest() -> None:
    keys = Keys("k", "s", "t", "ts")
    url = "https://video.twimg.com/dm_video/1/vid/a.mp4"
    proof = proof_of(signed_header(keys, f"{url}?tag=1", 7, "n")["authorization"])
    told = [(name, value) for name, value in proof.items() if name != "oauth_signature"]
    assert proof["oauth_signature"] == signature(keys, "GET", url, [*told, ("tag", "1")])
    assert proof != proof_of(signed_header(keys, url, 7, "n")["authorization"])
    assert "ts" not in repr(keys)


@pytest.mark.parametrize(("fixture", "place"), [("dm-with-a-picture.json", PICTURE), ("dm-with-a-film.json", FILM)])
async def test_a_direct_messages_file_opens_to_the_accounts_keys(fixture: str, place: str) -> None:
    async with vendor_serving() as vendor:
        vendor.has(place, answer(200, "Content-Type: image/jpeg", body=b"\xff\xd8 a picture"))
        assert (await fetched(vendor, connection(**KEYS), fixture)).content == b"\xff\xd8 a picture"
        ((_, headers),) = vendor.asked
    proof = proof_of(headers["authorization"])
    assert is_signed(place, proof) and not is_signed(PICTURE.replace("/a.", "/b."), proof)
    assert (proof["oauth_consumer_key"], proof["oauth_token"]) == (KEYS["media_key"], KEYS["media_token"])
    assert proof["oauth_timestamp"] == str(START // SECOND)


async def test_a_picture_of_a_post_is_public() -> None:
    async with vendor_serving() as vendor:
        vendor.has(POSTED, answer(200, "Content-Type: image/jpeg", body=b"\xff\xd8 a picture"))
        its = connection(**KEYS)
        assert await fetched(vendor, its, "long-post-with-a-picture.json") == (b"\xff\xd8 a picture", "image/jpeg")
        ((_, headers),) = vendor.asked
    assert "authorization" not in headers


async def test_another_host_gets_no_proof() -> None:
    async with vendor_serving() as vendor:
        vendor.has(PICTURE, answer(302, f"Location: https://{POSTED}"))
        vendor.has(POSTED, answer(200, "Content-Type: image/jpeg", body=b"\xff\xd8 a picture"))
        await fetched(vendor, connection(**KEYS), "dm-with-a-picture.json")
        assert [(place, "authorization" in headers) for place, headers in vendor.asked] == [
            (PICTURE, True),
            (POSTED, False),
        ]
        vendor.has(PICTURE, answer(302, "Location: https://elsewhere.example/a"))
        with pytest.raises(NotFetched) as why:
            await fetched(vendor, connection(**KEYS), "dm-with-a-picture.json")
        assert why.value.reason == "redirect"


def test_without_keys_only_public_files_are_asked_for() -> None:
    assert asked(f"https://{PICTURE}", connection()) is None
    assert asked(f"https://{FILM}", connection()) is None
    assert asked(f"https://{POSTED}", connection()) is not None


@pytest.mark.parametrize("url", [
    "https://ton.twitter.com/1.1/ton/data/dm/../../../1.1/account/settings.json",
    "https://ton.twitter.com/1.1/account/settings.json",
    "https://ton.twitter.com.elsewhere.example/1.1/ton/data/dm/1/1/a.jpg",
    "https://ton.twitter.com@elsewhere.example/1.1/ton/data/dm/1/1/a.jpg",
    "https://pbs.twimg.com.elsewhere.example/media/a.jpg", "https://twimg.com/media/a.jpg",
    "http://pbs.twimg.com/media/a.jpg", "https://t.co/a",
])  # fmt: skip
def test_an_address_of_anybody_else_is_not_asked(url: str) -> None:
    assert asked(url, connection(**KEYS)) is None


def test_keys_belong_together() -> None:
    source = providers()["social/x"].media
    assert source is not None
    assert source.lacks(connection()) == () and source.lacks(connection(**KEYS)) == ()
    for name in KEYS:
        (told,) = source.lacks(connection(**{**KEYS, name: ""}))
        assert told.startswith(f"settings.{name} is missing")
    (told,) = source.lacks(Connection("acme-x", "acme", "social/x", settings=KEYS))
    assert told.startswith("there are no secrets")

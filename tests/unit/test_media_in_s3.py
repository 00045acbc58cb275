"""Objects in S3 that events name: asked for by a request that S3 takes, by the key of the connection alone."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.media_vendor import fetched, named_files, vendor_serving
from tests.receiver import answer

from cx_channels.aws_login.keys import AwsKeys
from cx_channels.media.fetching import Fetching
from cx_channels.provider import Connection
from cx_channels.registry import providers
from cx_events.testing.builders import START
from cx_runtime.outbound.fetcher import NotFetched

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY = {"media": True, "media_key_id": KEY_ID, "media_secret": SECRET, "media_region": "eu-central-1"}
HOST = "acme-calls.s3.eu-central-1.amazonaws.com"
PATH = "/connect/CallRecordings/2026/03/02/c0000000-0000-4000-8000-000000000021_20260302T09%3A02_UTC.wav"
RECORD = "record-handled.json"
WAVE = answer(200, "Content-Type: audio/wav", body=b"RIFF hello")


def connection(**settings: Any) -> Connection:
    return Connection("acme-connect", "acme", "voice/amazon-connect", ("a key",), settings={**KEY, **settings})


def is_signed(place: str, headers: dict[str, str]) -> bool:
    """Return whether S3 would take a request: botocore works the signature out anew."""
    names = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"host", "x-amz-content-sha256", "x-amz-date"} <= set(names)
    kept = {name: headers[name] for name in names}
    request = AWSRequest("GET", f"https://{place}", headers=kept)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = S3SigV4Auth(Credentials(KEY_ID, SECRET), "s3", "eu-central-1")
    told = auth.string_to_sign(request, auth.canonical_request(request))
    return headers["authorization"].endswith(f"Signature={auth.signature(told, request)}")


async def test_a_recording_of_amazon_connect_comes_from_its_bucket() -> None:
    async with vendor_serving() as vendor:
        vendor.has(HOST + PATH, WAVE)
        assert await fetched(vendor, connection(), RECORD) == (b"RIFF hello", "audio/wav")
        ((place, headers),) = vendor.asked
    assert place == HOST + PATH and is_signed(place, headers)
    assert f"Credential={KEY_ID}/20261122/eu-central-1/s3/aws4_request" in headers["authorization"]
    assert not is_signed(place.replace("_UTC", "_utc"), headers)


async def test_a_key_goes_to_no_other_host() -> None:
    async with vendor_serving() as vendor:
        for elsewhere in ("elsewhere.example/a", "acme-mail.s3.eu-west-1.amazonaws.com/a"):
            vendor.has(HOST + PATH, answer(307, f"Location: https://{elsewhere}"))
            with pytest.raises(NotFetched) as why:
                await fetched(vendor, connection(), RECORD)
            assert why.value.reason == "redirect"
        assert {place for place, _ in vendor.asked} == {HOST + PATH}


async def test_what_the_key_may_not_read_is_said() -> None:
    async with vendor_serving() as vendor:
        vendor.has(HOST + PATH, answer(403, "Content-Type: application/xml", body=b"<Error><Code>AccessDenied</Code>"))
        with pytest.raises(NotFetched) as why:
            await fetched(vendor, connection(), RECORD)
        assert why.value.reason == "status-403"


def test_a_recording_is_named_until_it_is_deleted() -> None:
    its = connection()
    (available,) = named_files(its, "record-handled.json")
    assert (available.file.url, available.file.name) == (
        "s3://acme-calls/connect/CallRecordings/2026/03/02/c0000000-0000-4000-8000-000000000021_20260302T09:02_UTC.wav",
        "c0000000-0000-4000-8000-000000000021_20260302T09:02_UTC.wav",
    )
    assert named_files(its, "record-handled.json", (b'"AVAILABLE"', b'"DELETED"')) == []


def test_audio_in_a_video_stream_is_not_asked_for() -> None:
    its = connection()
    source = providers()[its.provider].media
    assert source is not None
    stream = "arn:aws:kinesisvideo:eu-central-1:123456789012:stream/acme-1/1"
    for url in (stream, "connect-attachment:att-1", "s3://acme-calls", "s3://ACME/a", "s3://acme-calls@elsewhere/a"):
        assert source.request(url, its, START) is None, url


async def test_a_recording_is_fetched_by_the_hubs_identity() -> None:
    its = Connection(
        "acme-connect", "acme", "voice/amazon-connect", ("a key",),
        settings={"media": True, "media_region": "eu-central-1", "own_identity": True},
    )  # fmt: skip
    source = providers()[its.provider].media
    assert source is not None and source.lacks(its) == ()
    (reference,) = named_files(its, RECORD)
    given = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": "a-token"}
    async with vendor_serving() as vendor:
        vendor.has(HOST + PATH, WAVE)
        allowed = Fetching(vendor.files, aws=AwsKeys(given, frozenset({"acme"})))
        assert (await allowed.fetch(reference, its, source, START)).content == b"RIFF hello"
        ((place, headers),) = vendor.asked
        assert is_signed(place, headers) and headers["x-amz-security-token"] == "a-token"
        with pytest.raises(NotFetched, match="CX_AWS_TENANTS") as why:
            await Fetching(vendor.files, aws=AwsKeys(given)).fetch(reference, its, source, START)
        assert why.value.reason == "no-key"
        assert len(vendor.asked) == 1


@pytest.mark.parametrize("region", ["Frankfurt", "eu-central-1.elsewhere.example/", "eu-central-1@x"])
def test_a_region_is_a_region(region: str) -> None:
    source = providers()["voice/amazon-connect"].media
    assert source is not None
    assert source.lacks(connection(media_region=region)) == (
        "settings.media_region is no region of Amazon's, such as eu-west-1",
    )

"""Test how each provider's files are asked for: which addresses are the vendor's, with what proof, where they lead."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from tests.mail_doors import WrittenMail, through
from tests.media_vendor import example_pem, named_files, vendor_serving
from tests.receiver import FLOOD, answer

from cx_channels.kit.aws.signing import AwsKey, signed_headers
from cx_channels.media.references import references_of
from cx_channels.media.waiting import MOST_WAITING, Item, Waiting, encode_cursor, read_cursor
from cx_channels.provider import Connection, MediaRequest
from cx_channels.readiness import setup_problems
from cx_channels.registry import providers
from cx_context.sections.attachments import id_of
from cx_events.codec import decode
from cx_events.envelope import Attachment
from cx_events.errors import Fatal
from cx_events.facts import Fact
from cx_events.testing.builders import ACME, HOUR, START
from cx_runtime.outbound.fetcher import NotFetched
from cx_runtime.outbound.files import FILE, open_files
from cx_runtime.outbound.reach import Reach

NOW = int(datetime(2013, 5, 24, tzinfo=UTC).timestamp()) * 1_000_000
TOKEN = "a token of the app"
OWN = "https://own.acme.example/base"
SETTINGS = {
    "media": True, "media_token": TOKEN, "media_key_id": "AKIAIOSFODNN7EXAMPLE", "media_secret": "a secret of s3",
    "media_region": "eu-west-1", "accounts": ["AC1"], "media_url": f"{OWN}/",
    "media_hosts": [".cdn.acme.example"], "media_user": "U1",
}  # fmt: skip
OPTIONAL = frozenset({"media_hosts", "media_tenant", "role_arn", "external_id", "own_identity"})
"""Settings without which files come, too."""
SIGNED = {"application": "app-1", "media_secret": example_pem("an application")}
OAUTH = {"media_key": "the app's key", "media_token_secret": "a secret of the token"}
SECRETS: dict[str, dict[str, Any]] = {"voice/vonage": SIGNED, "chat/vonage": SIGNED, "social/x": OAUTH}
"""Settings of providers whose secrets have a form of their own; what they sign is tried in files of their own."""
ELSEWHERE = {"email/amazon-ses", "voice/amazon-connect", "voice/vonage", "chat/vonage"}
WITHOUT = {"social/meta", "social/x", "chat/vonage"}
"""Providers that fetch some files without credentials."""
MEDIA = sorted(name for name, provider in providers().items() if provider.media is not None)
BEARER = f"Bearer {TOKEN}"
ACCOUNT = "Basic " + b64encode(b"AC1:the account's token").decode()

REQUESTS = {
    ("chat/twilio", "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1"): ("", ACCOUNT),
    ("chat/twilio", "https://mcs.us1.twilio.com/v1/Services/IS1/Media/ME1"): ("", ACCOUNT),
    ("voice/twilio", "https://api.dublin.ie1.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1"): (
        "https://api.dublin.ie1.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1.mp3",
        ACCOUNT,
    ),
    ("social/whatsapp", "https://graph.facebook.com/900000000000001"): ("", BEARER),
    ("social/meta", "https://graph.facebook.com/900000000000001"): ("", BEARER),
    ("social/meta", "https://scontent.xx.fbcdn.net/v/a.jpg?oh=1"): ("", None),
    ("chat/slack", "https://files.slack.com/files-pri/T0-F1/download/invoice.pdf"): ("", BEARER),
    ("chat/slack", "https://slack.com/api/files.info?file=F2"): ("", BEARER),
    ("social/telegram", "telegram-file:AgAD-x_1"): (
        "https://api.telegram.org/bota%20token%20of%20the%20app/getFile?file_id=AgAD-x_1",
        None,
    ),
    ("social/line", "https://api-data.line.me/v2/bot/message/500/content"): ("", BEARER),
    ("email/mailgun", "https://storage-us-east4.api.mailgun.net/v3/domains/acme.example/messages/abc/attachments/0"): (
        "",
        "Basic " + b64encode(f"api:{TOKEN}".encode()).decode(),
    ),
    ("social/viber", "https://dl-media.viber.com/1/a.jpg"): ("", None),
    ("chat/intercom", "https://downloads.intercomcdn.com/i/o/1/a.png?expires=1"): ("", None),
    ("social/x", "https://pbs.twimg.com/media/a.jpg"): ("", None),
    ("chat/zendesk", "https://media.smooch.io/apps/1/conversations/c-1/a/b.png"): ("", None),
    ("chat/matrix", "mxc://example.com/abc_D-1"): (
        f"{OWN}/_matrix/client/v1/media/download/example.com/abc_D-1",
        BEARER,
    ),
    ("chat/matrix", "mxc://[2001:db8::1]:8448/a"): (
        f"{OWN}/_matrix/client/v1/media/download/%5B2001:db8::1%5D:8448/a",
        BEARER,
    ),
    ("chat/rocketchat", f"{OWN}/file-upload/f1/a%20bill%C3%A9.pdf"): ("", None),
    ("chat/rocketchat", f"{OWN}/file-upload/f1/bill.pdf?token=e30.e30.x-_"): ("", None),
    ("chat/chatwoot", f"{OWN}/rails/active_storage/blobs/redirect/eyJf%3D%3D--0a/a%20b.png"): ("", None),
    ("chat/chatwoot", f"{OWN}/rails/active_storage/blobs/eyJf==--0a/a.png"): ("", None),
    ("chat/chatwoot", f"{OWN}/rails/active_storage/blobs/proxy/eyJf--0a/a.png"): ("", None),
    ("chat/msteams", "https://smba.trafficmanager.net/emea/v3/attachments/0-weu-d8/views/original"): ("", None),
    ("chat/msteams", "https://acme-my.sharepoint.com/personal/a/_layouts/15/download.aspx?UniqueId=1"): ("", None),
}  # fmt: skip

FOREIGN = (
    "https://elsewhere.example/a.jpg", "http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "s3:/a/b",
    "https://api.twilio.com.elsewhere.example/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1",
    "https://elsewhere.example/?https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1",
    "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1/../../../../Keys.json",
    "https://api.twilio.com@elsewhere.example/2010-04-01/Accounts/AC1/Recordings/RE1",
    "https://graph.facebook.com/me/accounts", "https://graph.facebook.com.elsewhere.example/1",
    "https://graph.facebook.com/1?redirect=x", "https://files.slack.com@elsewhere.example/files-pri/a",
    "https://files.slack.com.elsewhere.example/files-pri/T0-F1/a", "https://slack.com/api/users.list?file=F1",
    "https://api-data.line.me/v2/bot/message/500/content/../../followers/ids", "telegram-file:../getMe",
    "https://fbcdn.net.elsewhere.example/a", "https://elsewherefbcdn.net/a", "https://viber.com.elsewhere.example/a",
    "https://downloads.intercomcdn.com@elsewhere.example/a", "https://smooch.io.elsewhere.example/a", "",
    "https://api.mailgun.net/v3/domains/acme.example/credentials", "telegram-file:",
    "mxc://../abc", "mxc://example.com/..", "mxc://example.com/a/b", "mxc://example.com/a?b", "mxc://example.com/%2e",
    "mxc://ana@example.com/a", "mxc://example.com", "mxc:///a", f"{OWN}/",
    f"{OWN}/_matrix/client/v1/media/download/example.com/abc",
    f"{OWN}/file-upload/f1/../api/v1/users.list", f"{OWN}/file-upload/f1/..", f"{OWN}/file-upload/f1/%2e%2e",
    f"{OWN}/file-upload/f1/..%2F..%2Fapi%2Fv1%2Fusers.list", f"{OWN}/file-upload/f1", f"{OWN}/api/v1/users.list",
    f"{OWN}/file-upload/f1/a?token=x&rc_uid=1", f"{OWN}d/file-upload/f1/a", f"{OWN}@elsewhere.example/file-upload/f1/a",
    "https://own.acme.example/file-upload/f1/a", "http://own.acme.example/base/file-upload/f1/a",
    "https://own.acme.example.elsewhere.example/base/file-upload/f1/a", "/file-upload/f1/a",
    "https://own.evil.example/base/file-upload/f1/a", "https://own.evil.example/base/rails/active_storage/blobs/e/a",
    f"{OWN}/rails/active_storage/blobs/redirect/eyJf/..", f"{OWN}/rails/active_storage/blobs/../../../api/v1/accounts",
    f"{OWN}/rails/active_storage/blobs/eyJf/a/b.png", f"{OWN}/rails/active_storage/blobs/%2e%2e/a.png",
    "https://api.nexmo.com.elsewhere.example/v1/files/1", "https://api.nexmo.com@elsewhere.example/v3/media/1",
    "https://api-elsewhere.nexmo.com/v1/files/1", "https://elsewhere-api.nexmo.com/v3/media/1",
    "https://api.nexmo.com/v1/files/1/../../calls", "https://api.nexmo.com/v3/media", "http://api.nexmo.com/v1/files/1",
    "https://api.nexmo.com/v3/media/1?redirect=x", "https://api-eu.vonage.com/v1/calls/1",
)  # fmt: skip


def connection(provider: str, **settings: Any) -> Connection:
    its = {**SETTINGS, **SECRETS.get(provider, {}), **settings}
    return Connection("acme-x", "acme", provider, ("the account's token",), settings=its)


def asked(provider: str, url: str, **settings: Any) -> MediaRequest | None:
    media = providers()[provider].media
    assert media is not None
    return media.request(url, connection(provider, **settings), NOW)


@pytest.mark.parametrize(("provider", "url"), REQUESTS, ids=lambda each: each[-60:])
def test_a_file_is_asked_for_as_the_vendor_says(provider: str, url: str) -> None:
    at, proof = REQUESTS[provider, url]
    request = asked(provider, url)
    assert request is not None
    assert (request.url, request.headers.get("authorization")) == (at or url, proof)
    assert TOKEN not in repr(request) and "token" not in repr(request)


def test_every_provider_with_files_is_tried() -> None:
    assert sorted({provider for provider, _ in REQUESTS} | ELSEWHERE) == MEDIA


@pytest.mark.parametrize("provider", MEDIA)
def test_an_address_of_anybody_else_is_not_asked(provider: str) -> None:
    assert [url for url in FOREIGN if asked(provider, url) is not None] == []


@pytest.mark.parametrize(
    ("provider", "url", "told", "there"),
    [
        ("social/whatsapp", "https://graph.facebook.com/1", {"url": "https://lookaside.fbsbx.com/a?mid=1"},
         "https://lookaside.fbsbx.com/a?mid=1"),
        ("social/whatsapp", "https://graph.facebook.com/1", {"url": "https://elsewhere.example/a"}, None),
        ("social/whatsapp", "https://graph.facebook.com/1", {"error": {"code": 100}}, None),
        ("chat/slack", "https://slack.com/api/files.info?file=F2",
         {"ok": True, "file": {"url_private_download": "https://files.slack.com/files-pri/T0-F2/download/a"}},
         "https://files.slack.com/files-pri/T0-F2/download/a"),
        ("chat/slack", "https://slack.com/api/files.info?file=F2", {"ok": False, "error": "file_not_found"}, None),
        ("social/telegram", "telegram-file:A", {"ok": True, "result": {"file_path": "photos/file_1.jpg"}},
         "https://api.telegram.org/file/bota%20token%20of%20the%20app/photos/file_1.jpg"),
        ("social/telegram", "telegram-file:A", {"ok": True, "result": {"file_path": "../../getMe"}}, None),
        ("chat/twilio", "https://mcs.us1.twilio.com/v1/Services/IS1/Media/ME1",
         {"links": {"content_direct_temporary": "https://media.us1.twiliocdn.com/a?sig=1"}},
         "https://media.us1.twiliocdn.com/a?sig=1"),
        ("chat/twilio", "https://mcs.us1.twilio.com/v1/Services/IS1/Media/ME1",
         {"links": {"content_direct_temporary": "https://elsewhere.example/a"}}, None),
        ("chat/twilio", "https://mcs.us1.twilio.com/v1/Services/IS1/Media/ME1",
         {"links": {"content_direct_temporary": "https://elsewhere.example?.twilio.com/a"}}, None),
        ("chat/twilio", "https://mcs.us1.twilio.com/v1/Services/IS1/Media/ME1", [], None),
    ],
)  # fmt: skip
def test_an_answer_leads_to_the_vendors_hosts_alone(provider: str, url: str, told: Any, there: str | None) -> None:
    request = asked(provider, url)
    assert request is not None and request.then is not None
    if there is None:
        with pytest.raises(ValueError, match=r"answer|address|path"):
            request.then(json.dumps(told).encode())
    else:
        assert request.then(json.dumps(told).encode()).url == there


def test_a_mail_in_s3_comes_from_its_buckets_host() -> None:
    plain = asked("email/amazon-ses", "s3://acme-mail/in/a b+c")
    assert plain is not None and plain.url == "https://acme-mail.s3.eu-west-1.amazonaws.com/in/a%20b%2Bc"
    dotted = asked("email/amazon-ses", "s3://mail.acme.example/in/1")
    assert dotted is not None and dotted.url == "https://s3.eu-west-1.amazonaws.com/mail.acme.example/in/1"
    china = asked("email/amazon-ses", "s3://acme-mail/1", media_region="cn-north-1")
    assert china is not None and china.url == "https://acme-mail.s3.cn-north-1.amazonaws.com.cn/1"


def test_amazons_own_example_is_signed_as_amazon_says() -> None:
    """docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Example: GET Object"."""
    key = AwsKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    given = {
        "host": "examplebucket.s3.amazonaws.com", "range": "bytes=0-9",
        "x-amz-content-sha256": sha256(b"").hexdigest(),
    }  # fmt: skip
    headers = signed_headers(key, "s3", "us-east-1", given, b"", NOW, method="GET", path="/test.txt")
    assert headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )


@pytest.mark.parametrize("provider", MEDIA)
def test_what_is_missing_for_files_is_named(provider: str) -> None:
    found = providers()[provider]
    assert found.media is not None
    needed = found.media.settings - {"media"} - OPTIONAL if provider not in WITHOUT else frozenset()
    bare = Connection("acme-x", "acme", provider, ("the account's token",), settings={"media": True})
    told = " ".join(each.detail for each in setup_problems(bare, found, "https://hub.acme.example"))
    assert all(f"settings.{name}" in told for name in needed)
    assert not found.media.lacks(connection(provider))
    for value in ("yes", 1):
        wrong = Connection("acme-x", "acme", provider, ("the account's token",), settings={"media": value})
        problems = setup_problems(wrong, found, "https://hub.acme.example")
        assert [each.detail for each in problems if each.detail.startswith("settings.media is true or false")]


async def test_files_come_from_no_private_address() -> None:
    async with open_files(Reach()) as files:
        for url in ("https://localhost/a", "https://127.0.0.1/a", "https://169.254.169.254/latest/meta-data"):
            with pytest.raises(NotFetched) as why:
                await files.get(url, {}, lambda _: True)
            assert why.value.reason == "private-address"
        for url in ("http://files.slack.com/a", "https://files.slack.com:8443/a", "https://ana@files.slack.com/a"):
            with pytest.raises(NotFetched) as why:
                await files.get(url, {}, lambda _: True)
            assert why.value.reason == "redirect"


async def test_a_file_is_bounded() -> None:
    async with vendor_serving(FILE._replace(answer=1_000)) as vendor:
        vendor.has("files.slack.com/a", answer(200, "Content-Type: image/PNG; a=b", body=b"x" * 1_000))
        assert await vendor.files.get("https://files.slack.com/a", {}, lambda _: False) == (b"x" * 1_000, "image/png")
        vendor.has("files.slack.com/round", answer(302, "Location: /round"))
        for path, reaction, reason in (
            ("large", answer(200, body=b"x" * 1_001), "too-large"),
            ("endless", FLOOD, "too-large"),
            ("gone", answer(404), "status-404"),
            ("round", answer(302, "Location: /round"), "redirect"),
            ("away", answer(302, "Location: https://elsewhere.example/"), "redirect"),
            ("plain", answer(302, "Location: http://files.slack.com/a"), "redirect"),
            ("bracket", answer(302, "Location: //["), "redirect"),
        ):
            vendor.has(f"files.slack.com/{path}", reaction)
            with pytest.raises(NotFetched) as why:
                await vendor.files.get(f"https://files.slack.com/{path}", {}, lambda _: False)
            assert why.value.reason == reason, path


def test_a_place_that_somebody_shares_is_no_file() -> None:
    assert named_files(connection("chat/vonage"), "whatsapp-location.json") == []
    assert len(named_files(connection("chat/vonage"), "whatsapp-image.json")) == 1


def test_of_one_connection_so_many_wait() -> None:
    waiting = Waiting([])
    assert all(waiting.add(Item("one", 0, number, f"k.{number}")) for number in range(MOST_WAITING))
    assert not waiting.add(Item("one", 0, MOST_WAITING, "k.more"))
    assert waiting.add(Item("one", 0, 1, "k.1")) and waiting.add(Item("two", 0, 1, "k.1"))
    again = read_cursor(encode_cursor({0: 7}, waiting))
    assert again is not None and again.offsets == {0: 7} and len(again.waiting) == MOST_WAITING + 1
    assert read_cursor(b"") is None
    with pytest.raises(Fatal, match="media"):
        read_cursor(b"{")


def test_a_mails_files_are_known_by_its_content() -> None:
    """A mail's key is of its content (``cx_events.mail_copies``), and files are shown below the key of their event."""
    raw = through("mailgun", WrittenMail(), START + HOUR).raw
    event = decode(raw)
    assert event.data.message is not None
    url = "https://storage-us-east4.api.mailgun.net/v3/domains/acme.example/messages/abc/attachments/0"
    event.data.message.attachments = [Attachment(name="bill.pdf", url=url)]
    fact = Fact(event, raw, ACME)
    assert fact.key != fact.name
    assert [each.id for each in references_of(event)] == [id_of(fact.key, 0)]

"""Take requests that a topic of Amazon SNS posts, and check that it was one of the connection's topics.

docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html and .../sns-message-and-json-formats.html. The
signature is in the body, over the values of some fields, one ``name\\nvalue\\n`` after the other, by a key of Amazon's
whose certificate the body names. It is fetched apart, as is the answer to a subscription's confirmation.

Anybody's topic is validly signed by Amazon, so a connection lists its own (``settings.topics``). ``UnsubscribeURL`` is
not signed, and never read.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from cx_channels.kit.example_keys import example_certificate, example_key, named_keys, place_of
from cx_channels.kit.json_values import read_object, text
from cx_channels.kit.settings import texts_of
from cx_channels.kit.signing import check_age, sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection, KeySource, Lasting, Request, Signature
from cx_channels.published_keys import KeyUnknown
from cx_events import strict_json
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.timestamps import Micros, format_time

NOTIFICATION, CONFIRMATION, UNSUBSCRIBED = "Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"
SETTINGS = frozenset({"topics", "signature_versions", "confirm", "max_age"})

MAX_BYTES = 2 << 20
"""Of one request. A message has 256 KiB at most, and its text is escaped once more."""

LIMITS = strict_json.Limits(max_bytes=MAX_BYTES)

TOLERANCE = 7_200
"""Seconds. A retry carries the first attempt's time, and all of them take an hour at most
(docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html)."""

_NOTIFIED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMED = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED: Mapping[str, tuple[str, ...]] = {
    NOTIFICATION: _NOTIFIED, CONFIRMATION: _CONFIRMED, UNSUBSCRIBED: _CONFIRMED,
}  # fmt: skip
_HASHES: Mapping[str, Callable[[], SHA1 | SHA256]] = {"1": SHA1, "2": SHA256}
"""SHA-1 is the default of a topic; ``signature_versions: ["2"]`` forbids it."""

_ARN = re.compile(r"arn:(aws|aws-cn|aws-us-gov):sns:([a-z0-9-]{1,40}):[0-9]{6,20}:[A-Za-z0-9_.-]{1,256}")
_CERTIFICATE = re.compile(
    r"https://sns\.([a-z0-9-]{1,40})\.amazonaws\.com(\.cn)?/SimpleNotificationService-[0-9a-f]{8,64}\.pem"
)
_LEAST_BITS = 2048
_DAY = 86_400.0
_CONFIRMATION_KEPT = 4 * _DAY
"""A confirmation's token is valid for three days."""

SIGNATURE = Signature(
    headers=(),
    covers=frozenset({"body", "time"}),
    gaps={"url": "SNS signs fields of the body alone (sns-verify-signature-of-message)"},
    tolerance_seconds=TOLERANCE,
)


@dataclass(frozen=True, slots=True)
class Certificate:
    """The part of a certificate that counts. ``key``: None where it is none of RSA. Times in microseconds."""

    key: RSAPublicKey | None = None
    begins: Micros = 0
    ends: Micros = 0


def envelope_of(request: Request) -> Json:
    """For ``Request.once``: what SNS posted. Raise ``Refused("malformed")`` for what is no JSON object."""
    return read_object(request.body, LIMITS)


def verify(request: Request, connection: Connection) -> None:
    """Raise ``Refused`` (401, 403) unless Amazon signed the body for one of the connection's topics, lately; and
    ``KeyUnknown`` where the certificate, or the answer to a confirmation, is not here yet."""
    given = _read(request)
    topic = text(given.get("TopicArn"))
    if topic not in texts_of(connection.settings, "topics"):
        raise Refused("other-topic", f"settings.topics does not list {topic[:300]!r}", 403)
    _check_signature(given, topic, request.received, connection)
    at = iso_time(text(given.get("Timestamp")))
    if at is None:
        raise Refused("too-old", "Timestamp is no time", 401)
    check_age(at, request.received, _max_age(connection), header="Timestamp")
    if given.get("Type") == CONFIRMATION and confirms(connection):
        url = text(given.get("SubscribeURL"))
        if not _is_confirmation(url, topic):
            raise Refused("bad-signature", "SubscribeURL is not of SNS in the topic's region", 401)
        if connection.keys.read(url, bool) is None:
            raise KeyUnknown(url, "the subscription is about to be confirmed")


def confirms(connection: Connection) -> bool:
    """Return whether the hub confirms subscriptions by itself; ``confirm: false`` leaves it to a person."""
    return connection.settings.get("confirm") is not False


def unreadable_topics(connection: Connection) -> list[str]:
    """Return what ``settings.topics`` lists and is no topic's ARN: nothing of it ever passes."""
    return [each for each in texts_of(connection.settings, "topics") if _ARN.fullmatch(each) is None]


def _max_age(connection: Connection) -> int:
    given = connection.settings.get("max_age")
    return given if isinstance(given, int) and not isinstance(given, bool) and given > 0 else TOLERANCE


def _read(request: Request) -> Json:
    if request.headers.get("x-amz-sns-rawdelivery", "").lower() == "true":
        raise Refused("missing-signature", "raw message delivery has no signature: turn it off", 401)
    try:
        given = request.once(envelope_of)
    except Refused as refused:
        raise Refused("missing-signature", f"this is no message of SNS: {refused.detail}", 401) from None
    if given.get("Type") not in _SIGNED or not text(given.get("Signature")).strip():
        raise Refused("missing-signature", "the body has no Type of SNS, or no Signature", 401)
    return given


def _check_signature(given: Json, topic: str, received: Micros, connection: Connection) -> None:
    version = text(given.get("SignatureVersion"))
    if version not in _HASHES or version not in (texts_of(connection.settings, "signature_versions") or _HASHES):
        raise Refused("bad-signature", f"SignatureVersion {version[:20]!r} is not taken", 401)
    url = text(given.get("SigningCertURL"))
    if not _is_certificate(url, topic):
        raise Refused("bad-signature", "SigningCertURL is not of SNS in the topic's region", 401)
    certificate = connection.keys.read(url, certificate_of)
    if certificate is None:
        raise KeyUnknown(url, "the certificate that SNS names is about to be fetched")
    if certificate.key is None or not certificate.begins <= received <= certificate.ends:
        raise Refused("bad-signature", "the certificate that SNS names is not valid now", 401)
    try:
        signature = b64decode(text(given.get("Signature")), validate=True)
        if b64encode(signature).decode() != given.get("Signature"):
            raise ValueError("another writing of the same bytes")
        certificate.key.verify(signature, signed_text(given), PKCS1v15(), _HASHES[version]())
    except (ValueError, InvalidSignature):
        raise Refused("bad-signature", "Signature was not made by the key that SNS names", 401) from None


def signed_text(given: Json) -> bytes:
    """Return what is signed of a message: each field that counts and is there, with a line end after each value."""
    names = _SIGNED.get(text(given.get("Type")), ())
    told = [f"{name}\n{given[name]}\n" for name in names if isinstance(given.get(name), str)]
    return "".join(told).encode("utf-8", "surrogatepass")


def certificate_of(document: bytes) -> Certificate:
    """Return a certificate; one without a key for a document that is none."""
    try:
        found = x509.load_pem_x509_certificate(document)
        key = found.public_key()
    except ValueError:
        return Certificate()
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
        return Certificate()
    begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
    return Certificate(key, int(begins.timestamp()) * 1_000_000, int(ends.timestamp()) * 1_000_000)


# --- what is fetched, and from where ----------------------------------------------------------------------------------


def _host_of(topic: str) -> str:
    """Return the host of SNS in a topic's region; "" for what is no topic."""
    match = _ARN.fullmatch(topic)
    if match is None:
        return ""
    return f"sns.{match[2]}.amazonaws.com{'.cn' if match[1] == 'aws-cn' else ''}"


def _is_certificate(url: str, topic: str) -> bool:
    return _CERTIFICATE.fullmatch(url) is not None and url.startswith(f"https://{_host_of(topic)}/")


def _is_confirmation(url: str, topic: str) -> bool:
    host = _host_of(topic)
    if not host or not url.startswith(f"https://{host}/?") or not url.isascii() or len(url) > 1_000:
        return False
    try:
        parts = urlsplit(url)
        asked = parse_qs(parts.query, max_num_fields=10)
    except ValueError:
        return False
    return (
        parts.netloc == host
        and not parts.fragment
        and asked.get("Action") == ["ConfirmSubscription"]
        and asked.get("TopicArn") == [topic]
        and len(asked.get("Token", [])) == 1
    )


def _allows(url: str, connection: Connection) -> bool:
    topics = texts_of(connection.settings, "topics")
    return any(_is_certificate(url, topic) or _is_confirmation(url, topic) for topic in topics)


def _lasting(url: str, document: bytes, now: Micros) -> Lasting:
    if _CERTIFICATE.fullmatch(url) is None:
        if b"ConfirmSubscriptionResponse" not in document:
            raise ValueError("the answer confirms no subscription")
        return Lasting(_CONFIRMATION_KEPT, _CONFIRMATION_KEPT)
    certificate = certificate_of(document)
    left = (certificate.ends - now) / 1_000_000
    if certificate.key is None or left <= 0 or now < certificate.begins:
        raise ValueError("the document is no certificate of an RSA key that is valid now")
    return Lasting(left, left)  # what is at such an address never changes: the name is a digest


def _nothing(_connection: Connection) -> tuple[str, ...]:
    return ()


def _url_of(connection: Connection, place: int) -> str:
    topic = next(iter(texts_of(connection.settings, "topics")), "")
    name = sha256_hex(str(place).encode())[:32]
    return f"https://{_host_of(topic)}/SimpleNotificationService-{name}.pem"


def _published(connection: Connection) -> Mapping[str, bytes]:
    return {_url_of(connection, place): example_certificate(name) for place, name in named_keys(connection)}


KEYS = KeySource(allows=_allows, known=_nothing, lasting=_lasting, published=_published)


def sign(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request as SNS posts it, signed with the example key of a name at ``Request.received``.

    What is not signed (``UnsubscribeURL``) is left out; a body that is no message becomes that of one.
    """
    try:
        given = envelope_of(request)
    except Refused:
        given = {}
    if given.get("Type") not in _SIGNED:
        topic = next(iter(texts_of(connection.settings, "topics")), "")
        told = request.body.decode("utf-8", "replace")
        given = {"Type": NOTIFICATION, "MessageId": "0", "TopicArn": topic, "Message": told}
    given["Timestamp"] = format_time(request.received)
    kept = {name: given[name] for name in _CONFIRMED + _NOTIFIED if name in given}
    signature = example_key(secret).sign(signed_text(kept), PKCS1v15(), SHA256())
    kept["SignatureVersion"], kept["Signature"] = "2", b64encode(signature).decode()
    kept["SigningCertURL"] = _url_of(connection, place_of(connection, secret))
    return replace(request, body=msgspec.json.encode(kept))

"""Ask vendors' libraries whether they take a signed request, and have some of them sign one.

Each function takes a request and the connection that it is for, whose newest secret counts. It imports its library by
itself, so that one which is not installed is left out alone. What a library refuses by an exception of its own is
refused; an ``ImportError`` passes on.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from io import BytesIO
from threading import Thread
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPSHandler, build_opener, install_opener
from urllib.response import addinfourl

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cx_channels.chat.msteams import signature as msteams_signature
from cx_channels.chat.vonage.notice import read_fields
from cx_channels.email.mailgun.fields import proofs_of
from cx_channels.kit.aws import sns
from cx_channels.kit.example_keys import example_key
from cx_channels.provider import Connection, Request
from cx_channels.social.mastodon import signature as mastodon_signature
from cx_channels.social.mastodon.activity import actor_of
from cx_channels.social.mastodon.keys import example_id
from cx_channels.social.mastodon.mapping import read_body
from cx_channels.social.mastodon.signed import digest_of
from cx_events.strict_json import is_json


def twilio(request: Request, connection: Connection) -> bool:
    validator: Any = import_module("twilio.request_validator").RequestValidator(connection.secrets[0])
    body = request.body.decode()
    given: Any = body if is_json(request.content_type) else parse_qs(body, keep_blank_values=True)
    fields = given if isinstance(given, str) else _Fields(given)
    return bool(validator.validate(request.url, fields, request.headers["x-twilio-signature"]))


class _Fields(dict[str, list[str]]):
    """A form as Django hands it to Twilio's validator."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def slack(request: Request, connection: Connection) -> bool:
    verifier: Any = import_module("slack_sdk.signature").SignatureVerifier(connection.secrets[0])
    return bool(verifier.is_valid_request(request.body, dict(request.headers)))


def line(request: Request, connection: Connection) -> bool:
    validator: Any = import_module("linebot.v3.webhook").SignatureValidator(connection.secrets[0])
    return bool(validator.validate(request.body.decode(), request.headers["x-line-signature"]))


def viber(request: Request, connection: Connection) -> bool:
    bot: Any = import_module("viberbot").BotConfiguration(connection.secrets[0], "acme", "")
    api: Any = import_module("viberbot").Api(bot)
    return bool(api.verify_signature(request.body, request.headers["x-viber-content-signature"]))


def sendgrid(request: Request, connection: Connection) -> bool:
    module: Any = import_module("sendgrid.helpers.eventwebhook")
    names = module.EventWebhookHeader
    given, at = (request.headers[each.lower()] for each in (names.SIGNATURE, names.TIMESTAMP))
    return bool(module.EventWebhook(connection.secrets[0]).verify_signature(request.body.decode(), given, at))


def meta(request: Request, connection: Connection) -> bool:
    utils: Any = import_module("pywa.utils")
    given = request.headers[str(utils.HUB_SIG).lower()]
    return bool(utils.webhook_updates_validator(connection.secrets[0], request.body, given))


def vonage(request: Request, connection: Connection) -> bool:
    """Check the token by the library, and its claim ``payload_hash``, which that leaves to whoever calls it."""
    token = request.headers["authorization"].removeprefix("Bearer ")
    if not import_module("vonage_jwt").verify_signature(token, connection.secrets[0]):
        return False
    claims = token.split(".")[1]
    told = json.loads(urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return bool(told["payload_hash"] == sha256(request.body).hexdigest())


def _vonage_auth(connection: Connection) -> Any:
    method, secret = connection.settings["sms_signature"], connection.secrets[0]
    return import_module("vonage_http_client").Auth("acme", signature_secret=secret, signature_method=method)


def vonage_sms(request: Request, connection: Connection) -> bool:
    return bool(_vonage_auth(connection).check_signature(read_fields(request)[0]))


def sign_vonage_sms(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request as the older SMS API sends it: a form, signed by Vonage's library."""
    fields = {name: str(value) for name, value in read_fields(request)[0].items() if name != "sig"}
    fields["timestamp"] = str(request.received // 1_000_000)
    fields["sig"] = _vonage_auth(replace(connection, secrets=(secret,))).sign_params(dict(fields))
    kind = {**request.headers, "content-type": "application/x-www-form-urlencoded"}
    return Request(urlencode(fields).encode(), "POST", request.url, (), kind, request.received)


def mailgun(request: Request, connection: Connection) -> bool:
    guard: Any = import_module("mailgun.security").SecurityGuard
    at, token, given = proofs_of(request, connection)[0]
    return bool(guard.verify_webhook(connection.secrets[0], token, at, given))


# --- Amazon SNS ------------------------------------------------------------------------------------------------------


def sign_sns(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request signed by us, in signature version 2."""
    return _with_address(sns.sign(_with_subject(request), connection, secret))


def sign_sns_1(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request as SNS posts it in signature version 1, the default of a topic: by SHA-1."""
    told = json.loads(sns.sign(_with_subject(request), connection, secret).body)
    made = example_key(secret).sign(sns.signed_text(told), PKCS1v15(), SHA1())
    signed = {**told, "SignatureVersion": "1", "Signature": b64encode(made).decode()}
    return _with_address(replace(request, body=json.dumps(signed).encode()))


def _with_subject(request: Request) -> Request:
    """Return a message with the subject that the library demands; SNS sends it where the publisher gave one."""
    return replace(request, body=json.dumps({"Subject": "a mail", **json.loads(request.body)}).encode())


def _with_address(request: Request) -> Request:
    """Return a message with the address to leave at, which the library demands; it is not signed."""
    told = json.loads(request.body)
    return replace(request, body=json.dumps({"UnsubscribeURL": "https://sns.example.com/", **told}).encode())


def sns_either(request: Request, connection: Connection) -> bool:
    """Check a message in either signature version. The library fetches the certificate by ``urllib``, which can be told
    to have it from elsewhere: here from the connection's newest key."""
    verify: Any = import_module("aws_sns_verifier").validate_sns_signature
    install_opener(build_opener(_Certificates(connection)))
    try:
        verify(request.body, auto_confirm_subscription=False)
    except Exception:  # the library raises nothing more special
        return False
    return True


class _Certificates(HTTPSHandler):
    """Answers with a certificate of the newest key, by an issuer whose name has Amazon in it, as it must."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._key = example_key(connection.secrets[0])

    def https_open(self, req: Any) -> Any:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Amazon, for a trial")])
        begins, ends = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
        built = x509.CertificateBuilder(name, name, self._key.public_key(), 1, begins, ends)
        document = built.sign(self._key, SHA256()).public_bytes(Encoding.PEM)
        answer: Any = addinfourl(BytesIO(document), Message(), req.full_url, 200)
        answer.msg = "OK"
        return answer


# --- Microsoft -------------------------------------------------------------------------------------------------------


def msteams(request: Request, connection: Connection) -> bool:
    """Check the token. The library fetches the keys from an address that can be set: here a server of our own."""
    auth: Any = import_module("botframework.connector.auth")
    try:
        activity = json.loads(request.body)
        service, channel = activity["serviceUrl"], activity["channelId"]
    except (ValueError, KeyError):
        return False
    credentials = auth.SimpleCredentialProvider(connection.settings["app_id"], "")
    check = auth.ChannelValidation.authenticate_channel_token_with_service_url
    with _openid(connection) as address:
        auth.ChannelValidation.open_id_metadata_endpoint = address
        try:
            asyncio.run(check(request.headers["authorization"], credentials, service, channel))
        except Exception:  # the library raises PermissionError, Exception itself and what PyJWT has
            return False
    return True


@contextmanager
def _openid(connection: Connection) -> Iterator[str]:
    """Serve the connection's keys as Microsoft publishes its own; yield the address of the document that names them."""
    keys = connection.keys.read(msteams_signature.KEYS.known(connection)[0], bytes) or b"{}"

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = f"http://127.0.0.1:{server.server_port}/keys"
            body = keys if self.path == "/keys" else json.dumps({"jwks_uri": place}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_given: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/openid"
        finally:
            server.shutdown()


# --- the Fediverse ---------------------------------------------------------------------------------------------------


def key_id(request: Request) -> str:
    return example_id(actor_of(read_body(request)), 0)


def without_query(request: Request) -> Request:
    """Return a request without a query: apsig leaves it out of what it signs, while Mastodon signs it."""
    return replace(request, url=request.url.partition("?")[0])


def sign_draft(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request signed by us as draft-cavage has it."""
    plain = replace(request, headers={**request.headers, "content-type": "application/activity+json"})
    return mastodon_signature.sign(without_query(plain), connection, secret)


def sign_by_apsig(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request signed by apsig as draft-cavage has it."""
    request, module = without_query(request), import_module("apsig.draft.sign")
    key, kept = example_key(secret), {"content-type": "application/activity+json"}
    signer: Any = module.Signer(kept, key, "POST", request.url, key_id(request), request.body)
    return replace(request, headers={name.lower(): value for name, value in signer.sign().items()})


def draft(request: Request, connection: Connection) -> bool:
    """Check the signature; the library takes the host from the headers, as a server gets it."""
    module: Any = import_module("apsig.draft.verify")
    headers = {**request.headers, "host": urlsplit(request.url).netloc}
    key = example_key(connection.secrets[0]).public_key()
    return module.Verifier(key, "POST", request.url, headers, request.body).verify() is not None


def sign_message(request: Request, connection: Connection, secret: str) -> Request:
    """Return the request signed by us as RFC 9421 has it."""
    newer = replace(request, headers={**request.headers, "content-type": "application/ld+json"})
    return mastodon_signature.sign(newer, connection, secret)


def _keys(secret: str) -> Any:
    base: Any = import_module("http_message_signatures").HTTPSignatureKeyResolver

    class Keys(base):  # type: ignore[misc]
        def resolve_public_key(self, key_id: str) -> Any:
            return example_key(secret).public_key()

        def resolve_private_key(self, key_id: str) -> Any:
            return example_key(secret)

    return Keys()


def _message_of(request: Request) -> Any:
    return SimpleNamespace(method=request.method, url=request.url, headers=dict(request.headers))


def _algorithm() -> Any:
    return import_module("http_message_signatures").algorithms.RSA_V1_5_SHA256


def sign_by_library(request: Request, _connection: Connection, secret: str) -> Request:
    """Return the request signed by http-message-signatures as RFC 9421 has it."""
    module: Any = import_module("http_message_signatures")
    message = _message_of(replace(request, headers={"content-type": "application/activity+json"}))
    signer = module.HTTPMessageSigner(signature_algorithm=_algorithm(), key_resolver=_keys(secret))
    covered = ("@method", "@target-uri")
    at = datetime.fromtimestamp(request.received // 1_000_000, UTC)
    signer.sign(message, key_id=key_id(request), created=at, covered_component_ids=covered, body=request.body)
    return replace(request, headers={name.lower(): value for name, value in message.headers.items()})


def message(request: Request, connection: Connection) -> bool:
    """Check the signature by the library, and the body's digest, which that leaves to whoever calls it."""
    module: Any = import_module("http_message_signatures")
    verifier = module.HTTPMessageVerifier(
        signature_algorithm=_algorithm(), key_resolver=_keys(connection.secrets[0])
    )  # fmt: skip
    try:
        verifier.verify(_message_of(request))
    except module.InvalidSignature:
        return False
    return request.headers["content-digest"] == f"sha-256=:{digest_of(request.body)}:"

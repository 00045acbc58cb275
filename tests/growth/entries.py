"""Every function of the product that foreign text enters by, and hostile texts for it.

An entry is a name and a function of one text, which it puts in one place of something plausible: a header field, a
string in a recorded request, a list repeated. Places are found in the recordings, so that a new field needs no edit.
"""

from __future__ import annotations

import json
import struct
from base64 import b64encode
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.contract.provider_cases import connection_of, fixtures_of
from tests.growth.patterns import ROOT

from cx_channels import vcon_import
from cx_channels.chat.webchat.attachments import Bounds, checked_type, file_name
from cx_channels.chat.webchat.protocol import parse as parse_chat
from cx_channels.chat.webchat.visitors import Claims, visitor_of
from cx_channels.dry_run import FORM, dry_run, outcome_of, recorded_request
from cx_channels.email.imap.client.responses import read_values
from cx_channels.email.sendgrid.dkim import signers_in
from cx_channels.kit.mail.message.forwards import is_forwarded
from cx_channels.kit.mail.message.quotes import split
from cx_channels.kit.mail.message.signatures import signature_at
from cx_channels.kit.mail.mime.headers import Headers
from cx_channels.kit.mail.mime.rtf import without_rtf
from cx_channels.kit.mail.mime.tnef import SIGNATURE, unpacked
from cx_channels.provider import Connection
from cx_channels.registry import providers
from cx_context.reference_definition import define_bodies
from cx_context.sections.attachments import read_id
from cx_context_api.events.downloads import disposition, safe_type
from cx_context_api.requests.bodies import Note, read
from cx_context_api.requests.queries import Query
from cx_events.client_events import accept
from cx_events.codec import decode as decode_event
from cx_events.continuity_tokens import parse_token_id, recognise_tokens
from cx_events.email_addresses import LocalDomains, normalise_address
from cx_events.envelope import Identifier
from cx_events.errors import CxError
from cx_events.facts import Fact
from cx_events.filters import compile_filter
from cx_events.http_binding import read as read_events
from cx_events.identifiers import normalise
from cx_events.ids import IdSpace
from cx_events.junk import Junk
from cx_events.strict_json import DEFAULT_LIMITS
from cx_events.strict_json import decode as decode_json
from cx_identity.model import Profile
from cx_identity.rules import DEFAULT, Rules
from cx_runtime.logs import masked
from cx_vcon.importing import event_drafts

Entry = tuple[str, Callable[[str], object]]

UNITS = (
    *"<>()[]{}\"'\\,;:@=?&%#/*_-.+|~^`",
    *" \t\n\r\0",
    *"a5\u00e9\u4e00\u202e",
    *("\r\n", "\n\n", "\n ", "\n\t", "\n>", "> ", "\\\\", '\\"', "a ", "a,", "5 ", "1-", "a@", "@a", "a.", ".@", "a: "),
    *("<a@b.c>,", '"a" <a@b.c>, ', "a@b.c ", "(a", "<a", '"a" ', "a:b;", "<>", "()", "=?", "=?utf-8?q?a?=", "?= =?"),
    *("=\n", "=20", "=3D=", "--b\n", "\n--b\nA: b\n\n", "\n--b--\n", "; a=b", ';a="', "; a*0=b", "a: b\n", "\n.\n"),
    *("&amp;", "&#1;", "&a", "<a ", "<b>", "<p>", "<b><p>", "<p><b a=1>", "<table>", "<table><td>", "<!--", "<!-->"),
    *("<a href='x'>", "<img src=a>", "<a/", "</", "</p>", "<svg><p>", "<![CDATA[", "<script>", "<blockquote>", "<li>"),
    "</a>",
    *("On a wrote:\n", "From: a@b.c\nTo: a\nDate: a\n", "-----", "____", "> a\n", "a:\n", "On 1/1/20 a <a@b.c> wrote:"),
    *("recipient address: a@b.c ", "to: a@b.c\n", "<a@b.c>: 550 5.1.1 a\n", "user unknown ", "[[", '{"a":', "[1,"),
    *(
        "%41",
        "%",
        "a=b&",
        "&a=",
        "a/",
        "//",
        "http://a/ ",
        "tel:",
        "sip:a@",
        "+1 ",
        "(5) ",
        "\u0660",
        "\u202f",
        "e\u0301",
    ),
)


def hostile(length: int, wrapped: bool) -> Iterator[Callable[[], str]]:
    """Yield what makes each text of about ``length`` characters. ``wrapped``: also with something plausible before and
    after a run."""
    for unit in UNITS:
        yield partial(_run, unit, length)
        if wrapped:
            yield partial(_wrapped, unit, length)
    yield lambda: "".join(f"<b id={number}>" for number in range(length // 10))
    yield lambda: "".join(f"<b id={number}><p>" for number in range(length // 13))
    yield lambda: "".join(f"<a id={number}><p>" for number in range(length // 13))
    yield lambda: "".join(f"<font id='>{number}'><p>" for number in range(length // 17))
    yield lambda: "<a " + " ".join(f"a{number}=1" for number in range(length // 8)) + ">"
    yield lambda: "".join(f"a{number}@b.c, " for number in range(length // 11))
    yield lambda: "".join(f"<{number}@b.c> " for number in range(length // 12))


def _run(unit: str, length: int) -> str:
    return unit * (length // len(unit))


def _wrapped(unit: str, length: int) -> str:
    return f"a@b.c {_run(unit, length)}!"


WRAPPED = frozenset({"mail", "rim", "texts"})
"""Groups of few entries, which are tried with twice as many texts."""


def entries() -> dict[str, Callable[[], Iterator[Entry]]]:
    """By group, so that each can be tried alone."""
    # Raw mail has a group of its own.
    raw = frozenset({"message/rfc822"})
    named = {name: partial(_provider, name) for name, each in providers().items() if each.content_types != raw}
    return {**named, "mail": _mails, "client events": _client_events, "vCon": _vcons, "rim": _rim, "texts": _texts}


def planted() -> Iterator[Entry]:
    """Yield an entrance whose time grows with the square of one text's length, to see that the trials find it."""

    def work(text: str) -> None:
        if text.startswith("(("):
            for _ in range(len(text) ** 2 // 500):
                pass

    yield "an entrance", work


def _total(work: Callable[[], object]) -> None:
    try:
        work()
    except CxError:
        pass


_FROM_HOST = [("X-Envelope-Peer", "198.51.100.25")]
"""A host that hands on mail; other requests don't have it looked at."""

# --- recorded requests, one place of each exchanged -------------------------------------------------------------------


def _provider(name: str) -> Iterator[Entry]:
    seen: set[str] = set()
    for path in fixtures_of(providers()[name]):
        known = connection_of(providers()[name], path)
        # Made once for all texts, as in a hub: what its settings say is compiled with it.
        connection = Connection("try", "acme", name, (), known.region or "US", known.settings)
        for place, exchanged in _places(path):
            if place not in seen:
                seen.add(place)
                yield f"{path.name} {place}", partial(_mapped, path.name, connection, exchanged)


def _mapped(filename: str, connection: Connection, exchanged: Callable[[str], bytes], text: str) -> None:
    provider = providers()[connection.provider]
    content = exchanged(text)
    _total(
        lambda: outcome_of(
            provider, recorded_request(provider, content, filename=filename, headers=_FROM_HOST), connection
        )
    )


def _places(path: Path) -> Iterator[tuple[str, Callable[[str], bytes]]]:
    """Each place of a recording where a text may stand, and the recording with another there."""
    if path.suffix == ".json" and path.name not in ("connection.json", "named.json"):
        try:
            whole = json.loads(path.read_bytes())
        except ValueError:
            return
        yield from _json_places(whole)
    elif path.suffix == ".form":
        fields = parse_qsl(path.read_text(encoding="utf-8").strip(), keep_blank_values=True)
        for name, _ in fields:
            yield name, lambda text, name=name: urlencode([(n, text if n == name else v) for n, v in fields]).encode()  # type: ignore[misc]


def _json_places(whole: Any) -> Iterator[tuple[str, Callable[[str], bytes]]]:
    found: list[tuple[tuple[Any, ...], Any]] = []
    _walk(whole, (), found)
    for at, value in found:
        name = ".".join([step for step in at if isinstance(step, str)][-2:])
        if isinstance(value, str):
            yield name, lambda text, at=at: json.dumps(_with(whole, at, text)).encode()  # type: ignore[misc]
        elif value:
            size = len(json.dumps(value))
            yield (
                f"{name}[]",
                lambda text, at=at, value=value, size=size: json.dumps(  # type: ignore[misc]
                    _with(whole, at, value * max(1, len(text) // size))
                ).encode(),
            )


def _walk(value: Any, at: tuple[Any, ...], found: list[tuple[tuple[Any, ...], Any]]) -> None:
    if isinstance(value, str | list) and at:
        found.append((at, value))
    for step, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        _walk(each, (*at, step), found)


def _with(value: Any, at: tuple[Any, ...], other: Any) -> Any:
    if not at:
        return other
    copy = value.copy()
    copy[at[0]] = _with(value[at[0]], at[1:], other)
    return copy


# --- mail -------------------------------------------------------------------------------------------------------------

_FIELDS = (
    *("From", "To", "Cc", "Reply-To", "Sender", "Return-Path", "Delivered-To", "Subject", "Date", "Message-ID"),
    *("In-Reply-To", "References", "Content-Type", "Content-Disposition", "Content-Transfer-Encoding", "Received"),
    *("Auto-Submitted", "Precedence", "X-Failed-Recipients", "Authentication-Results", "Content-ID"),
    *("X-Original-From", "List-Post", "List-Id"),
)
_HEAD = "From: Ana <ana@example.com>\nTo: support@acme.example\nSubject: a\nMessage-ID: <1@example.com>\n"
_BODIES = {
    "plain text": _HEAD + "\n%s",
    "HTML": _HEAD + "Content-Type: text/html\n\n%s",
    "quoted-printable": _HEAD + "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n%s",
    "uuencoded": _HEAD + "Content-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n%s",
    "enriched": _HEAD + "Content-Type: text/enriched\n\n%s",
    "flowed": _HEAD + "Content-Type: text/plain; format=flowed\n\n%s",
    "of no declared charset": _HEAD
    + "Content-Type: text/plain; charset=x-unknown\n\n\xe9\xe8\xe0 \xe9\xe8\xe0 \xe9\xe8\n%s",
    "parts": _HEAD + 'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\na\n%s',
    "parts without a boundary": _HEAD + "Content-Type: multipart/mixed\n\n%s",
    "a boundary of blanks": _HEAD + 'Content-Type: multipart/mixed; boundary=" "\n\n--\n\na\n%s',
    "nested parts of one boundary": _HEAD
    + 'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: multipart/mixed; boundary=b\n\n%s',
    "parts of another boundary": _HEAD + 'Content-Type: multipart/mixed; boundary="other"\n\n--b\n\na\n%s',
    "digest": _HEAD + 'Content-Type: multipart/digest; boundary="b"\n\n--b\n\na\n%s',
    "HTML that names its charset": _HEAD + "Content-Type: text/html\n\n<meta charset=shift_jis>\xe9%s",
    "base64": _HEAD + "Content-Transfer-Encoding: base64\n\naGVsbG8g\n%s",
    "PGP": _HEAD + "\n-----BEGIN PGP SIGNED MESSAGE-----\n%s",
    "Japanese": _HEAD + "Content-Type: text/plain; charset=iso-2022-jp\n\n\x1b$B%s",
    "Japanese of Unix": _HEAD + "Content-Type: text/plain; charset=euc-jp\n\n%s",
    "signed message": _HEAD + "Content-Type: application/pkcs7-mime\n\n0\x80%s",
    "head": _HEAD + "%s\n\na",
    "verdict": "Authentication-Results: mx.acme.example; %s\n" + _HEAD + "\na",
    "comment in a verdict": "Authentication-Results: mx.acme.example; spf=fail (%s); dmarc=pass\n" + _HEAD + "\na",
    "way": "Received: from %s ([198.51.100.25]) by a with SMTP id 1; now\nReceived: by b\n" + _HEAD + "\na",
    "way from a known host": "Received: from a ([198.51.100.25]) by %s\n" + _HEAD + "\na",
    "group": "From: %s via Support <support@acme.example>\nList-Post: <mailto:support@acme.example>\n"
    "Reply-To: %s\nCc: %s\nX-Original-From: %s\n\na",
    "delivery status": _HEAD
    + "Content-Type: multipart/report; boundary=b\n\n--b\n\na\n--b\nContent-Type: message/delivery-status\n\n"
    "Reporting-MTA: dns; a\n\nFinal-Recipient: rfc822; a@b.c\nAction: failed\nDiagnostic-Code: smtp; %s\n\n--b--\n",
    "bounce": _HEAD.replace("ana@", "mailer-daemon@").replace("Subject: a", "Subject: Undelivered mail")
    + "Return-Path: <>\n\n%s\n\nReceived: a\nMessage-ID: <2@b.c>\nTo: a@b.c\nFrom: support@acme.example\n",
    "bounce of a known recipient": _HEAD.replace("ana@", "mailer-daemon@").replace(
        "Subject: a", "Subject: failure notice"
    )
    + "\na@b.c\n%s\n\nReceived: a\nMessage-ID: <2@b.c>\nTo: a@b.c\nFrom: support@acme.example\n",
}


def _mails() -> Iterator[Entry]:
    settings = {"addresses": ["support@acme.example"], "mx": ["198.51.100.25"], "authserv_ids": ["mx.acme.example"]}
    connection = Connection("try", "acme", "email/mime", (), "US", settings)
    for field in _FIELDS:
        rest = "".join(line for line in _HEAD.splitlines(True) if not line.startswith(f"{field}:"))
        yield field, partial(_mapped, "a.eml", connection, partial(_filled, rest + f"{field}: %s\n\na"))
    for kind, whole in _BODIES.items():
        yield f"a mail's {kind}", partial(_mapped, "a.eml", connection, partial(_filled, whole))
    yield "winmail.dat", _packed


def _packed(text: str) -> None:
    """Rich text as it is, and compressed inside the properties of a winmail.dat."""
    content = text.encode("utf-8", "replace")
    without_rtf(b"{\\rtf1 " + content)
    rtf = struct.pack("<II4sI", 0, len(content) * 8, b"LZFu", 0) + content
    value = struct.pack("<IHHII", 1, 0x102, 0x1009, 1, len(rtf)) + rtf
    for stream in (struct.pack("<BII", 1, 0x00069003, len(value)) + value, content):
        unpacked(SIGNATURE + b"\0\0" + stream)


def _filled(whole: str, text: str) -> bytes:
    return whole.replace("%s", text).encode("utf-8", "replace")


# --- what clients send ------------------------------------------------------------------------------------------------

_IDS = IdSpace("acme", b"a key for trials, of no tenant")
_NOW = 1_780_000_000_000_000
_WINDOW = 72 * 3_600_000_000


def _client_events() -> Iterator[Entry]:
    seen: set[str] = set()
    for path in sorted((ROOT / "schemas" / "events").glob("*/v1.example.json")):
        for place, exchanged in _json_places(json.loads(path.read_bytes())):
            if place not in seen:
                seen.add(place)
                yield (
                    f"{path.parent.name} {place}",
                    lambda text, exchanged=exchanged: _total(  # type: ignore[misc]
                        lambda: _taken(exchanged(text))
                    ),
                )
    yield (
        "ce-subject",
        lambda text: _total(
            lambda: read_events(b"{}", [("content-type", "application/json"), ("ce-subject", text)], DEFAULT_LIMITS)
        ),
    )
    yield "content-type", lambda text: _total(lambda: read_events(b"{}", [("content-type", text)], DEFAULT_LIMITS))


def _taken(body: bytes) -> None:
    for value in read_events(body, [("content-type", "application/cloudevents+json")], DEFAULT_LIMITS):
        stamped = accept(
            value, ids=_IDS, recorded=_NOW, region="US", recognise=lambda data: recognise_tokens(data, _IDS)
        )
        define_bodies([Fact(decode_event(stamped.raw), stamped.raw, _IDS)], _IDS, DEFAULT, _WINDOW)


_VCON = {
    "vcon": "0.4.0",
    "uuid": "018f3a2e-1111-8222-8333-944444444444",
    "created_at": "2026-03-06T09:15:00Z",
    "subject": "a",
    "redacted": {},
    "group": [],
    "parties": [{"tel": "+1", "mailto": "a@b.c", "sip": "sip:a@b", "name": "a", "role": "agent", "stir": "a"}, {}],
    "dialog": [
        {
            "type": "text",
            "start": "2026-03-06T09:15:00Z",
            "parties": [0, 1],
            "originator": 0,
            "mediatype": "multipart/mixed; boundary=b",
            "body": "--b\nA: b\n\na\n--b--",
            "encoding": "none",
            "application": "a",
            "message_id": "a",
            "session_id": "a",
        },
        {
            "type": "text",
            "start": "2026-03-06T09:15:00Z",
            "parties": [0],
            "mediatype": "message/rfc822",
            "body": "A: b",
        },
        {"type": "recording", "start": "2026-03-06T09:15:00Z", "parties": [0, 1], "url": "https://a/", "filename": "a"},
    ],
    "analysis": [{"type": "transcript", "dialog": [0], "vendor": "a", "body": "a", "encoding": "json", "schema": "a"}],
    "attachments": [{"type": "tags", "body": "a", "encoding": "base64url", "mediatype": "text/plain", "party": 0}],
}


def _vcons() -> Iterator[Entry]:
    def run(body: bytes) -> None:
        event_drafts(vcon_import.read_request(body, "application/json", b"", 1 << 20))

    for place, exchanged in _json_places(_VCON):
        yield place, lambda text, exchanged=exchanged: _total(lambda: run(exchanged(text)))  # type: ignore[misc]


def _rim() -> Iterator[Entry]:
    yield "a query", lambda text: _total(lambda: Query(text.encode("utf-8", "replace"), ("a", "identifier"), ("a",)))
    yield "a filter", lambda text: _total(lambda: compile_filter(text))
    yield "a filter's value", lambda text: _total(lambda: compile_filter(f"not (type='{text}' or id={text})"))
    yield "a JSON text", lambda text: _total(lambda: decode_json(text.encode("utf-8", "replace")))
    yield "a JSON string", lambda text: _total(lambda: decode_json(json.dumps([text, {text: text}]).encode()))
    yield (
        "names in an object",
        lambda text: _total(
            lambda: decode_json(json.dumps({f"{n}{text[:8]}": 1 for n in range(len(text) // 16)}).encode())
        ),
    )
    yield "one name many times", lambda text: _total(lambda: decode_json(("{" + '"a":1,' * (len(text) // 6)).encode()))
    yield (
        "a note",
        lambda text: _total(
            lambda: read(
                json.dumps({"note": text[:7999] + "\0", "agent": {"id": "a"}}).encode(), "application/json", Note
            )
        ),
    )
    yield "a chat message", lambda text: _total(lambda: parse_chat(text, 1 << 20))
    yield (
        "what a visitor says",
        lambda text: _total(lambda: parse_chat(json.dumps({"type": "say", "id": "a", "text": text}), 1 << 20)),
    )
    chat = Connection("acme-chat", "acme", "chat/webchat", ("a secret", "an older one"))
    yield (
        "who a visitor says to be",
        lambda text: _total(
            lambda: visitor_of(Claims(account=text, email=text, phone=text, user_hash=text), chat, 1_000_000)
        ),
    )
    yield "a file's name in a chat", lambda text: _total(lambda: file_name(text))
    yield "a file's type in a chat", lambda text: _total(lambda: checked_type(text, Bounds()))
    yield "a file's name", disposition
    yield "a file's media type", safe_type
    yield "an attachment's id", lambda text: _total(lambda: read_id(text))
    yield "a form", lambda text: dry_run("voice/twilio", text.encode("utf-8", "replace"), content_type=FORM)
    yield (
        "a multipart form",
        lambda text: dry_run(
            "email/sendgrid",
            f'--b\r\nContent-Disposition: form-data; name="{text}"\r\n\r\n{text}\r\n--b--'.encode("utf-8", "replace"),
            content_type="multipart/form-data; boundary=b",
        ),
    )
    yield (
        "what a vendor found of signatures",
        lambda text: signers_in(text, Headers([("dkim-signature", f"v=1; d={text}".encode("utf-8", "replace"))])),
    )
    for name in ("social/meta", "chat/intercom", "email/postmark"):
        yield f"a body for {name}", lambda text, name=name: dry_run(name, text.encode("utf-8", "replace"))  # type: ignore[misc]


def _texts() -> Iterator[Entry]:
    for kind in ("phone", "email", "cookie", "crm", "facebook-psid", "sip"):
        yield f"a {kind}", lambda text, kind=kind: normalise(Identifier(kind=kind, value=text), "US")  # type: ignore[misc]
    junk = Junk(("account:*a*a*a*@*b", "email:*[a5]*?.*"))
    for kind in ("phone", "email", "account", "line"):
        yield f"a {kind} that may be junk", lambda text, kind=kind: junk.matches(kind, text)  # type: ignore[misc]
    yield (
        "an address of an own network",
        lambda text: LocalDomains(["local"]).contains(normalise_address(f"{text}@local")[0]),
    )
    yield "a mail server's answer", lambda text: _total(lambda: read_values([text.encode("utf-8", "replace")]))
    yield "a mail's text", split
    yield "a mail's subject", lambda text: is_forwarded(text, text)
    yield "a text with a signature", signature_at
    yield "a kind", lambda text: normalise(Identifier(kind=text, value="a"))
    yield "a code", lambda text: parse_token_id(text, _IDS)
    yield "a line of a log", masked
    rules = Rules({}, never_link=("email:*a*a*a*@*b", "email:*[a5]*?.*", "email:noreply@*"))
    yield (
        "what may not link",
        lambda text: rules.may_link(Profile(id=b"", kind="email", scope="", value=text, first_recorded=0)),
    )
    yield (
        "base64",
        lambda text: dry_run(
            "email/mime",
            (_HEAD + "Content-Transfer-Encoding: base64\n\n").encode() + b64encode(text.encode("utf-8", "replace")),
        ),
    )

"""Define the contract of a provider: one value, made of pure functions.

A provider's folder exports ``PROVIDER = Provider(...)``; the registry finds it and the contract suite tests it. Nothing
here does I/O; "now" is ``Request.received``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeVar

from msgspec import Struct

from cx_channels.kit.aws.identity import AwsLogin
from cx_channels.kit.aws.signing import AwsKey
from cx_channels.published_keys import NO_KEYS, PublishedKeys
from cx_events.envelope import Channel, Draft, Event, Weight
from cx_events.strict_json import mend_surrogates
from cx_events.timestamps import Micros

T = TypeVar("T")

Transport = Literal["webhook", "smtp", "websocket", "poller"]
"""``poller``: nothing is sent to us, we ask; see ``cx_channels.pollers``."""

Covered = Literal["body", "url", "time"]
COVERABLE: tuple[Covered, ...] = ("body", "url", "time")
"""What a signature may cover of a request."""

DEFAULT_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Connection:
    """A tenant's account at a provider, as configured. ``id`` stands in the webhook's path.

    ``secrets``: all that are valid now, newest first, so that a secret can be rotated without a gap. ``region``: ISO
    3166 alpha-2, reads national phone numbers. ``settings``: the provider's own, documented in its README. ``keys``:
    what the vendor publishes, as far as it was fetched, see ``KeySource``.
    """

    id: str
    tenant: str
    provider: str
    secrets: tuple[str, ...] = ()
    region: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    keys: PublishedKeys = field(default=NO_KEYS, repr=False, compare=False)
    _read: dict[Callable[[Connection], Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, read: Callable[[Connection], T]) -> T:
        """Return ``read(self)``, worked out once: it is the same for every request."""
        try:
            found: T = self._read[read]
        except KeyError:
            found = self._read[read] = read(self)
        return found


FETCHED = "MESSAGE"
"""The ``Request.method`` of what the hub fetched or was sent on a connection of its own, which no webhook has."""

MEDIA_SETTING = "media"
"""The setting of a connection that has its files fetched."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived, whole.

    ``url``: below ``CX_PUBLIC_URL``, with query, as the provider called it; without that, path and query alone. Whoever
    sends the request has no say in its origin. Header names in lower case. ``query`` and repeated fields keep their
    order.

    A mail is a request with ``method`` ``SMTP``, a WebSocket message or what we fetched one with ``MESSAGE``; a mail's
    envelope is in ``headers`` (``x-envelope-from``, ``x-envelope-to``, and ``x-envelope-peer``, the address of the host
    that brought it).
    """

    body: bytes
    method: str = "POST"
    url: str = ""
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    received: Micros = 0
    _read: dict[Callable[[Request], Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def once(self, read: Callable[[Request], T]) -> T:
        """Return ``read(self)``, worked out once: verifying, mapping and answering often begin with the same."""
        if read in self._read:
            found: T = self._read[read]
        else:
            found = self._read[read] = read(self)
        return found

    def mended(self) -> Request:
        """Return the request with U+FFFD for each lone surrogate in a body of JSON, as of an emoji that the vendor cut
        in two; itself without any. A provider maps this; what is signed is the body as it came."""
        if self.body[:16].lstrip()[:1] not in (b"{", b"["):
            return self
        body = mend_surrogates(self.body)
        return self if body is self.body else replace(self, body=body)

    @property
    def content_type(self) -> str:
        """Return the media type alone, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Answer:
    """The response that the provider expects."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


class Ignored(Struct, frozen=True, gc=False):
    """A notice of a kind that is left out on purpose. ``kind``: as in ``Provider.kinds``; ``why``: a sentence.

    Leave out only what tells nothing of a customer or a contact, what another notice tells as well, and what must not
    be kept (card data). Whatever else no adapter can map yet is ``Unmapped`` (``outcomes.no_adapter``).
    """

    kind: str
    why: str


class Unmapped(Struct, frozen=True, gc=False):
    """A part of a request that should have been an event and could not be; it goes to the dead letters.

    ``id``: the provider's own id of that part where it has one, else a digest of it; ``reason``: a countable word,
    which may be followed by a colon or a space and more; ``original``: its bytes.
    """

    id: str
    reason: str
    original: bytes


class Mapped(Struct, frozen=True, gc=False):
    """The outcome of mapping one request.

    ``blobs``: contents that the drafts refer to by ``blob_name``, stored before the events.
    """

    drafts: tuple[Draft, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    blobs: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Signature:
    """The coverage of a vendor's signature, as data: the contract suite makes its tests of ``verify`` from it.

    ``headers``: names in lower case of those that carry the proof, none where the body does; each is covered itself.
    ``covers``: which of ``COVERABLE`` nobody can change without a secret. ``gaps``: those that anybody can, each with
    the reason why; the suite tries that they are gaps. ``partly``: those of which a part is covered, each with which.
    ``tolerance_seconds``: how far the signed time may lie from that of receipt, on either side, where "time" is
    covered; ``ahead_seconds``: how far into the future, where that is less. ``example_secrets``: three, in the form
    that this vendor's secrets have.
    """

    headers: tuple[str, ...]
    covers: frozenset[Covered] = frozenset({"body"})
    gaps: Mapping[Covered, str] = field(default_factory=dict)
    partly: Mapping[Covered, str] = field(default_factory=dict)
    tolerance_seconds: int | None = None
    ahead_seconds: int | None = None
    example_secrets: tuple[str, str, str] = ("a secret", "another secret", "somebody else's secret")


class Lasting(NamedTuple):
    """The seconds that a fetched document lasts: ``fresh`` until it is fetched again, ``kept`` until it counts no more,
    should that fail."""

    fresh: float
    kept: float


@dataclass(frozen=True, slots=True)
class KeySource:
    """Documents that a vendor publishes and the check of its requests needs: keys, certificates, confirmations.

    ``allows``: whether a URL is the vendor's, by its exact host and path; nothing else is ever fetched. A request names
    it, so ask what a stranger could have fetched. ``known``: URLs that a connection needs in any case; they are fetched
    before the first request comes. ``lasting``: how long a document lasts that was just fetched at a URL; it raises
    ValueError for what is no such document, and that is not kept. ``published``: for tests, what the vendor would
    publish if the connection's ``secrets`` were its private keys' names (``kit.example_keys``), by URL.
    """

    allows: Callable[[str, Connection], bool]
    known: Callable[[Connection], tuple[str, ...]]
    lasting: Callable[[str, bytes, Micros], Lasting]
    published: Callable[[Connection], Mapping[str, bytes]]


def _leads_nowhere(_host: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class TokenForm:
    """A form that is posted for an access token by an application's own credentials (RFC 6749, section 4.4).

    ``url``: ``https://``, of the vendor's login alone; ``fields``: names and values.
    """

    url: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedBy:
    """A request to AWS. ``login``: whose key signs it; ``sign``: returns its headers."""

    login: AwsLogin
    sign: Callable[[AwsKey], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class MediaRequest:
    """A GET of a file, or of a JSON answer that says where the file is.

    ``url``: ``https://``; some hold a token. ``headers``: the credentials; they go to that host alone. ``leads_to``:
    whether a redirect may lead to another host, by its name in lower case. ``then``: makes the next request of the
    answer; it raises ValueError with what the answer lacks. ``no_page``: a web page in answer is a login, and never the
    file. ``login``: what is posted for an access token, which goes along as a bearer token; it is kept while it holds.
    ``signed``: how it is signed, in place of ``headers``.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    leads_to: Callable[[str], bool] = _leads_nowhere
    then: Callable[[bytes], MediaRequest] | None = None
    no_page: bool = False
    login: TokenForm | None = field(default=None, repr=False)
    signed: SignedBy | None = field(default=None, repr=False)


def _lacks_nothing(_connection: Connection) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class MediaSource:
    """The way to fetch the files that a vendor's events name, where ``settings.media`` of a connection says so.

    ``request``: the request for an attachment's or a recording's ``url``, at a time; None for what is not the vendor's,
    which is never asked for: whoever writes a message may have chosen it. ``settings``: the names of what ``request``
    reads. ``lacks``: sentences on what a connection lacks to fetch anything. ``mail``: where a file may be a mail in
    full, the request by which the provider's own ``map`` reads it, of the event that named it and the content; None
    where it is a file like any other.
    """

    request: Callable[[str, Connection, Micros], MediaRequest | None]
    settings: frozenset[str] = frozenset({MEDIA_SETTING})
    lacks: Callable[[Connection], tuple[str, ...]] = _lacks_nothing
    mail: Callable[[Event, bytes], Request | None] | None = None


def _always(_request: Request, _connection: Connection) -> None:
    return None


def _nothing_to_warn_of(_connection: Connection) -> tuple[str, ...]:
    return ()


def _always_asked(_connection: Connection) -> bool:
    return True


def _nothing_to_note(_connection: Connection) -> tuple[str, ...]:
    return ()


def _no_kinds(_request: Request, _connection: Connection) -> tuple[str, ...]:
    return ()


def _plain_answer(_mapped: Mapped, _request: Request) -> Answer:
    return Answer()


@dataclass(frozen=True, slots=True)
class Provider:
    """One vendor's way to tell us things, made of pure functions and tables.

    ``map`` makes events of a request. It raises ``Refused("malformed", ...)`` for a body that can't be read at all.
    ``kinds``: every kind that the vendor documents, with what it becomes (a table for people and tests): events,
    ``ignored: WHY``, or ``kept: WHY`` where it waits in the dead letters for an adapter. ``kinds_of``: the kinds of a
    request's notices, for tests; those that are ignored or kept may be left out, since ``map`` names them.
    ``verify`` raises ``Refused(reason, detail, 401 or 403)`` for a request that the connection's secrets did not sign,
    or that is too old. ``sign`` is its counterpart, for tests and for trying out a connection: it returns the request
    as the vendor sends it, signed with one secret, at ``Request.received`` where the scheme has a time. ``signature``
    says what it covers. A provider has all three, or says in ``unsigned`` why nothing signs what it reads.
    ``signature_of`` says it of one connection, where each declares its own scheme.
    ``challenge`` answers requests that carry no events (a subscription check), else None; it runs before ``verify`` and
    must check by itself what it needs. ``answer`` is sent once everything is durable, and also for a signed request
    that could not be mapped.
    ``keys``: where the vendor signs with a key of its own and publishes the other half: then a connection needs no
    secrets. ``verify`` raises ``KeyUnknown`` for a key that is not here.
    ``required``: settings without which no request passes, each with what it is.
    ``has_paths``: the vendor calls paths of its own below the connection's address (``/v1/hooks/CONNECTION/...``).
    ``isolated``: strangers write what is read here (mail), and could make the mapping hang or eat memory; it is done in
    a process that can be killed, so that nobody else waits for it.
    ``more_channels``: those that an event may have instead of ``channel``, where one vendor carries several.
    ``settings``: the names of all settings that a connection may have; another one is a mistake and stops the start.
    ``secret_settings``: those that hold secrets or stand in their place, so that a connection with one of them needs no
    ``secrets``.
    ``warnings``: of a connection, sentences on what is missing from its settings or doubtful in them; it raises
    ``Fatal`` for settings that can't be meant. ``notes``: sentences on what a connection is set up to do, for
    ``cx config check``.
    ``asks``: whether a connection's vendor is asked by us, where the folder has a stream or poller (``cx_channels.
    pollers``): one may do without, and take webhooks alone.
    ``media``: how files are fetched that its events name; None where nobody may, or needs to.
    ``weights``: each kind of identifier that its customers may have, with every weight that it may get there and why.
    Ask of each what a stranger could do who chooses the value.
    """

    name: str
    channel: Channel
    map: Callable[[Request, Connection], Mapped]
    verify: Callable[[Request, Connection], None] | None
    kinds: Mapping[str, str]
    sign: Callable[[Request, Connection, str], Request] | None = None
    signature: Signature | None = None
    signature_of: Callable[[Connection], Signature] | None = None
    unsigned: str = ""
    keys: KeySource | None = None
    kinds_of: Callable[[Request, Connection], Iterable[str]] = _no_kinds
    transport: Transport = "webhook"
    challenge: Callable[[Request, Connection], Answer | None] = _always
    answer: Callable[[Mapped, Request], Answer] = _plain_answer
    methods: frozenset[str] = frozenset({"POST"})
    has_paths: bool = False
    content_types: frozenset[str] = frozenset()
    max_bytes: int = DEFAULT_MAX_BYTES
    isolated: bool = False
    more_channels: frozenset[Channel] = frozenset()
    settings: frozenset[str] = frozenset()
    secret_settings: frozenset[str] = frozenset()
    required: Mapping[str, str] = field(default_factory=dict)
    warnings: Callable[[Connection], tuple[str, ...]] = _nothing_to_warn_of
    notes: Callable[[Connection], tuple[str, ...]] = _nothing_to_note
    asks: Callable[[Connection], bool] = _always_asked
    media: MediaSource | None = None
    weights: Mapping[str, Mapping[Weight, str]] = field(default_factory=dict)

    def scheme(self, connection: Connection) -> Signature | None:
        """Return what the signature of a connection's requests covers."""
        return self.signature_of(connection) if self.signature_of is not None else self.signature

    @property
    def ignored_kinds(self) -> tuple[str, ...]:
        """Return the kinds of notices that are left out."""
        return tuple(kind for kind, what in self.kinds.items() if what.startswith("ignored"))

    @property
    def signs_url(self) -> bool:
        """Return whether ``verify`` reads ``Request.url``; such a connection needs ``CX_PUBLIC_URL``."""
        return self.signature is not None and "url" in self.signature.covers

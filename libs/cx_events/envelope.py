"""Define the structs of an event: a CloudEvents 1.0 envelope, and the fields that its ``data`` may hold.

An event on the log is structured JSON (CloudEvents JSON format, section 3). ``Event`` is the typed view of it that the
hub works with: fields of ``data`` that no struct here names stay in the stored bytes and are not decoded.

Attributes beyond the core ones: ``tenantid``, ``recordedtime`` (stamped once, at intake, UTC with microseconds),
``partitionkey`` (the event's stream, 32 hex digits, see ``cx_events.ids``), ``sequence`` (decimal digits: the source's
own counter within the interaction), ``writer`` (who sent it, ``key/ID`` or ``connection/ID``; stamped at intake),
``traceparent``, ``causationid``, ``correlationid``.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

Role = Literal["customer", "agent", "bot", "system", "business"]
Channel = Literal["voice", "chat", "email", "social", "sms", "web", "survey", "crm"]
Direction = Literal["inbound", "outbound", "internal"]
Weight = Literal["proved", "asserted", "claimed"]


class DataStruct(Struct, omit_defaults=True, gc=False, kw_only=True):
    """Base of everything under ``data``: defaults are left out when written."""


class Identifier(DataStruct):
    """A name by which a person is known on some channel; ``value`` is normalised at intake.

    ``given`` keeps what was sent where that differs. ``unusable`` says why it identifies nobody (``withheld``,
    ``invalid``, ``junk``, ``local``); such an identifier makes no profile. ``scope`` narrows the value, as a page does
    a page-scoped id.
    ``weight`` is stamped at intake on every customer's identifier (``cx_events.weights``); ``verified`` is how clients
    and older events ask for ``proved``.
    """

    kind: str
    value: str
    scope: str = ""
    verified: bool = False
    weight: Literal["", "proved", "asserted", "claimed"] = ""
    given: str = ""
    unusable: str = ""


class Participant(DataStruct):
    """Who takes part in an interaction, and in which role."""

    role: Role
    id: str = ""
    name: str = ""
    identifiers: list[Identifier] = []


class Reference(DataStruct):
    """A reference to what an event is about or answers: an order, case, thread, message, call or continuity token."""

    kind: str
    value: str


class Attachment(DataStruct):
    """A file that came with a message.

    ``url``: where the provider keeps it. ``blob``: the name of its content in the hub's blob store (``sha256:HEX``).
    ``part``: which part of the mail it is, as IMAP numbers parts (RFC 9051, section 6.4.5.1): ``2.1`` is the first part
    of the second. ``cid``: its Content-ID without angle brackets, which the message's HTML names as ``cid:…``.
    ``inline``: it is shown inside the message, not listed below it.
    """

    name: str = ""
    content_type: str = ""
    bytes: int | None = None
    sha256: str = ""
    url: str = ""
    blob: str = ""
    part: str = ""
    cid: str = ""
    inline: bool = False


class Message(DataStruct):
    id: str = ""
    text: str = ""
    content_type: str = ""
    html: str = ""
    subject: str = ""
    language: str = ""
    in_reply_to: str = ""
    quoted: str = ""
    signature_at: int | None = None
    """Where the signature begins in ``text``, in Unicode characters; it is a part of the text."""
    automatic: str = ""
    """Why this was written by a machine, not a person: ``auto-reply``, ``bounce``, ``report``."""
    distribution: str = ""
    """How it came, whoever wrote it: ``list`` (a mailing list, a newsletter), ``bulk``."""
    attachments: list[Attachment] = []


class AgentOrQueue(DataStruct):
    """An agent or a queue."""

    id: str = ""
    name: str = ""


class Waiting(DataStruct):
    """How long a customer will wait, as whoever routes knows it. ``position``: in the queue, 1 for who is next.
    ``about_s``: seconds."""

    position: int | None = None
    about_s: int | None = None


class DirectoryEntry(DataStruct):
    """An agent or a queue of the tenant's directory.

    ``ids``: by system, the ids that it has there; a system is a connection, a provider, the ``source`` of a client's
    events, or ``any``. ``teams`` and ``queues``: of an agent.
    """

    id: str = ""
    name: str = ""
    ids: dict[str, list[str]] = {}
    teams: list[str] = []
    queues: list[str] = []


class TranscriptLine(DataStruct):
    """``at``: RFC 3339, or the offset into the call as the provider writes it."""

    role: str = ""
    text: str = ""
    at: str | float | None = None
    sentiment: float | None = None


class Bot(DataStruct):
    intent: str = ""
    slots: dict[str, Any] = {}
    text: str = ""
    confidence: float | None = None


class Recording(DataStruct):
    id: str = ""
    url: str = ""
    duration_ms: int | None = None
    channels: int | None = None
    status: str = ""


class Failure(DataStruct):
    code: str = ""
    message: str = ""


class Transfer(DataStruct):
    to: str = ""
    kind: str = ""
    agent: AgentOrQueue | None = None
    queue: AgentOrQueue | None = None


class Survey(DataStruct):
    """``score``: NPS 0 to 10, CSAT and CES as the survey's own scale, 1 to 7 at most."""

    metric: Literal["nps", "csat", "ces"]
    score: float
    comment: str = ""


class Consent(DataStruct):
    purpose: str
    granted: bool
    channel: str = ""


class Insight(DataStruct):
    """A model's finding. ``producer`` and ``version`` name the model, so that a replay needs none.

    ``kind`` and ``body``: name and text of a finding that has no field here.
    """

    producer: str
    version: str
    sentiment: float | None = None
    topic: str = ""
    summary: str = ""
    intent: str = ""
    kind: str = ""
    body: str = ""


class Handoff(DataStruct):
    """A handoff. ``packet``: what the next agent needs (steps tried, slots, open questions). ``by``: who asks.

    ``id``: of the request that is accepted or declined (``ids.handoff_id``). ``version``: of the context that was
    shown, if any.
    """

    id: str = ""
    to: str = ""
    queue: AgentOrQueue | None = None
    packet: dict[str, Any] = {}
    by: Literal["bot", "agent", "customer"] | None = None
    version: int | None = None


class IdentityDecision(DataStruct):
    """A person's decision about who is who. ``a``, ``b``, ``profile``: profile ids as UUIDs.

    ``decision`` names an earlier decision event as ``SOURCE#ID``; ``interaction`` is the interaction's own id.
    """

    a: str = ""
    b: str = ""
    profile: str = ""
    interaction: str = ""
    decision: str = ""
    candidate: str = ""
    rules: dict[str, Any] | None = None


class ConversationDecision(DataStruct):
    """An agent's decision about a conversation. ``id`` and ``other``: part ids (see ``cx_events.ids``) as UUIDs.

    ``contact_only``: it is about that contact alone, as a resolve that settles no other contact of the conversation.
    """

    id: str = ""
    other: str = ""
    contact_only: bool = False


class Promise(DataStruct):
    """A promise to the customer; or, with ``of``, whether an earlier one was kept.

    ``due``: by when, RFC 3339. ``kept``: None while that is open. ``of``: the earlier promise, ``SOURCE#ID``.
    """

    text: str = ""
    due: str = ""
    kept: bool | None = None
    of: str = ""


class Token(DataStruct):
    """A continuity token by its id (see ``cx_events.continuity_tokens``), never by its code.

    ``lifetime_s``: seconds from the issuing event on. ``single_use``: only the first interaction that uses it in time
    joins.
    """

    id: str = ""
    lifetime_s: int = 0
    single_use: bool = True


class Data(DataStruct):
    """The data of any event type; the catalogue says which fields each type needs.

    ``assignee``: who is to deal with a conversation from now on. ``until``: until when it may rest, RFC 3339.
    ``undoes``: the act that is taken back, ``SOURCE#ID``.
    """

    channel: Channel | None = None
    interaction: str = ""
    direction: Direction | None = None
    participants: list[Participant] = []
    references: list[Reference] = []
    message: Message | None = None
    queue: AgentOrQueue | None = None
    waiting: Waiting | None = None
    agent: AgentOrQueue | None = None
    reason: str = ""
    transcript: list[TranscriptLine] = []
    bot: Bot | None = None
    digits: str = ""
    step: str = ""
    recording: Recording | None = None
    failure: Failure | None = None
    transfer: Transfer | None = None
    reaction: str = ""
    duration_ms: int | None = None
    answered_by: str = ""
    links: list[tuple[Identifier, Identifier]] = []
    evidence: str = ""
    survey: Survey | None = None
    topic: str = ""
    disposition: str = ""
    note: str = ""
    handoff: Handoff | None = None
    consent: Consent | None = None
    insight: Insight | None = None
    preferences: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    url: str = ""
    rating: float | None = None
    identity: IdentityDecision | None = None
    conversation: ConversationDecision | None = None
    promise: Promise | None = None
    assignee: AgentOrQueue | None = None
    until: str = ""
    undoes: str = ""
    token: Token | None = None
    directory: DirectoryEntry | None = None
    idempotency_key: str = ""
    raw: msgspec.Raw | UnsetType = UNSET


class Event(Struct, omit_defaults=True, gc=False, kw_only=True):
    """A CloudEvent as it lies on the log. Times are RFC 3339 text, UTC."""

    specversion: str
    id: str
    source: str
    type: str
    time: str
    tenantid: str
    recordedtime: str
    partitionkey: str
    data: Data
    subject: str = ""
    datacontenttype: str = ""
    dataschema: str = ""
    sequence: str = ""
    traceparent: str = ""
    causationid: str = ""
    correlationid: str = ""
    writer: str = ""


class Draft(Struct, gc=False, kw_only=True):
    """An event as an adapter writes it, before intake stamps tenant, recorded time and stream on it.

    ``time``: in microseconds; None where the provider states none, then the recorded time is used. What the provider
    sent goes into ``data.raw``, as JSON text that is stored verbatim.
    """

    type: str
    id: str
    data: Data
    time: int | None = None
    subject: str = ""
    sequence: int | None = None
    correlationid: str = ""
    causationid: str = ""
    traceparent: str = ""

"""Map what happens in a web chat to events.

The hub itself writes down each thing that a browser says, with the interaction and the visitor as the session proves
them; this maps what was written. It never sees the browser's own words about who it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from cx_channels.chat.webchat.protocol import ClientId, Way
from cx_channels.chat.webchat.visitors import VISITORS_KINDS, Visitor
from cx_channels.kit.ids import id_part
from cx_channels.provider import Connection, Mapped, Request
from cx_events.continuity_tokens import KIND, REDEEMED
from cx_events.envelope import Attachment, Data, Draft, Handoff, Message, Participant, Reference
from cx_events.errors import Refused
from cx_events.weights import CLAIMED

Interaction = Annotated[str, Meta(pattern=r"^[!-~]{1,512}\Z")]


class Recorded(Struct, frozen=True, kw_only=True, tag_field="type", omit_defaults=True):
    """The fields that every note has."""

    interaction: Interaction
    visitor: Visitor = Visitor()


class Started(Recorded, frozen=True, kw_only=True, tag="started"):
    page: str = ""


class File(Struct, frozen=True, kw_only=True):
    """A file in the blob store. ``sha256``: of its bytes, 64 hex digits."""

    name: str
    content_type: str
    bytes: Annotated[int, Meta(ge=0)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Said(Recorded, frozen=True, kw_only=True, tag="message"):
    id: ClientId
    text: str
    page: str = ""
    files: tuple[File, ...] = ()


class Seen(Recorded, frozen=True, kw_only=True, tag="read"):
    """``message``: the one that was read; without it, all up to ``at`` (RFC 3339)."""

    message: str = ""
    at: str = ""


class Delivered(Recorded, frozen=True, kw_only=True, tag="delivered"):
    """``message``: the one that is in the browser."""

    message: str


class Asked(Recorded, frozen=True, kw_only=True, tag="asked"):
    """The visitor asks for a person, or to be called back at ``phone``."""

    id: ClientId
    way: Way
    phone: str = ""
    when: str = ""


class Resumed(Recorded, frozen=True, kw_only=True, tag="resumed"):
    """``at`` (RFC 3339): when the visitor came back to the chat that had ended."""

    at: str


class Identified(Recorded, frozen=True, kw_only=True, tag="identified"):
    """``at`` (RFC 3339): when it was said. Who gives the same proof again a day later gives another one."""

    at: str = ""


class Continued(Recorded, frozen=True, kw_only=True, tag="continued"):
    """``token``: by its id."""

    token: str


class Ended(Recorded, frozen=True, kw_only=True, tag="ended"):
    pass


Note = Started | Said | Seen | Delivered | Asked | Resumed | Identified | Continued | Ended

_decode = msgspec.json.Decoder(Note).decode

KINDS: Mapping[str, str] = {
    "started": "cx.interaction.started.v1",
    "message": "cx.message.received.v1",
    "read": "cx.message.read.v1",
    "delivered": "cx.message.delivered.v1",
    "asked": "cx.handoff.requested.v1",
    "resumed": "cx.interaction.resumed.v1",
    "identified": "cx.identity.verified.v1 where the page's server proved an identifier, else cx.identity.asserted.v1",
    "continued": "cx.conversation.token_redeemed.v1",
    "ended": "cx.interaction.ended.v1",
}


def write(note: Note) -> bytes:
    """A note as the hub records it."""
    return msgspec.json.encode(note)


def map_note(request: Request, connection: Connection) -> Mapped:
    """One note is one event; ``Refused("malformed")`` for anything else.

    Its id derives from the interaction and, for a message, from the browser's own id and the words: a message sent
    again after a reconnect is the same event, and other words under a used id are another one. Its time is that of
    receipt.
    """
    note = _read(request)
    if not note.interaction.startswith(f"{connection.id}/"):
        raise Refused("malformed", f"the interaction is not one of the connection {connection.id}", 400)
    return Mapped(drafts=(_draft(note, write(note)),))


def kinds_of(request: Request, _connection: Connection) -> tuple[str, ...]:
    """Return the note's kind, as ``KINDS`` names it."""
    return (str(_read(request).__struct_config__.tag),)


def _read(request: Request) -> Note:
    """Return the note of a request. ``Refused("malformed")`` where it is none."""
    try:
        note: Note = _decode(request.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("malformed", f"not a note of a web chat: {error}", 400) from None
    return note


def _draft(note: Note, raw: bytes) -> Draft:
    data = Data(
        channel="chat",
        interaction=note.interaction,
        direction="inbound",
        participants=[customer(note.visitor)],
        raw=msgspec.Raw(raw),
    )
    type, name = _KINDS_OF_DRAFTS[note.__class__](note, data, raw)
    return Draft(type=type, id=f"{note.interaction}/{name}", data=data)


# Each adds what its note says to the data, and returns the event's type and the end of its id.


def _started(note: Started, data: Data, _raw: bytes) -> tuple[str, str]:
    data.url = note.page
    return "cx.interaction.started.v1", "started"


def _said(note: Said, data: Data, _raw: bytes) -> tuple[str, str]:
    data.url = note.page
    files = [_attachment(file) for file in note.files]
    data.message = Message(id=note.id, text=note.text, content_type="text/plain", attachments=files)
    # The browser chooses the id, which says nothing of the words, nor of the files.
    content = "".join([note.text, *(f"\n{file.sha256}" for file in note.files)])
    return "cx.message.received.v1", f"message/{note.id}/{_digest(content.encode())}"


def _seen(note: Seen, data: Data, raw: bytes) -> tuple[str, str]:
    if note.message:
        data.message = Message(id=note.message)
    return "cx.message.read.v1", f"read/{_digest(raw)}"


def _delivered(note: Delivered, data: Data, _raw: bytes) -> tuple[str, str]:
    data.message = Message(id=note.message)
    return "cx.message.delivered.v1", f"delivered/{_digest(note.message.encode())}"


def _asked(note: Asked, data: Data, _raw: bytes) -> tuple[str, str]:
    data.handoff = _request(note)
    data.reason = "callback" if note.way == "callback" else "asks for a person"
    return "cx.handoff.requested.v1", f"asked/{note.id}"


def _resumed(note: Resumed, data: Data, _raw: bytes) -> tuple[str, str]:
    data.reason = "customer"
    return "cx.interaction.resumed.v1", f"resumed/{_digest(note.at.encode())}"


def _identified(note: Identified, data: Data, raw: bytes) -> tuple[str, str]:
    proved = bool(note.visitor.proved)
    data.evidence = "user-hash" if proved else "visitor"
    return "cx.identity.verified.v1" if proved else "cx.identity.asserted.v1", f"identified/{_digest(raw)}"


def _continued(note: Continued, data: Data, _raw: bytes) -> tuple[str, str]:
    data.references = [Reference(kind=KIND, value=note.token)]
    return REDEEMED, f"continued/{id_part(note.token[:64])}"


def _ended(_note: Ended, data: Data, _raw: bytes) -> tuple[str, str]:
    data.reason = "customer"
    return "cx.interaction.ended.v1", "ended"


_KINDS_OF_DRAFTS: Mapping[type, Callable[[Any, Data, bytes], tuple[str, str]]] = {
    Started: _started,
    Said: _said,
    Seen: _seen,
    Delivered: _delivered,
    Asked: _asked,
    Resumed: _resumed,
    Identified: _identified,
    Continued: _continued,
    Ended: _ended,
}


def _request(note: Asked) -> Handoff:
    """Return what whoever takes over needs. A number to call is no identifier: it may be a neighbour's."""
    if note.way == "person":
        return Handoff(to="person", by="customer")
    when = f", {note.when}" if note.when else ""
    slots = {"phone": note.phone, **({"when": note.when} if note.when else {})}
    packet = {"summary": f"Asks to be called back at {note.phone}{when}", "slots": slots}
    return Handoff(to="callback", by="customer", packet=packet)


def _attachment(file: File) -> Attachment:
    """Return a file that a visitor sent. Its content is kept by its hash."""
    return Attachment(
        name=file.name,
        content_type=file.content_type,
        bytes=file.bytes,
        sha256=file.sha256,
        blob=f"sha256:{file.sha256}",
    )


def customer(visitor: Visitor) -> Participant:
    """Return the visitor with a weight on each identifier: an event's type must not lend one to what was only typed."""
    if any(each.kind not in VISITORS_KINDS for each in visitor.identifiers):
        raise Refused("malformed", f"a visitor of a web chat is known by {', '.join(VISITORS_KINDS)}", 400)
    identifiers = [
        each if each.weight else msgspec.structs.replace(each, weight=CLAIMED) for each in visitor.identifiers
    ]
    return Participant(role="customer", name=visitor.name, identifiers=identifiers)


def _digest(raw: bytes) -> str:
    return blake2b(raw, digest_size=12).hexdigest()

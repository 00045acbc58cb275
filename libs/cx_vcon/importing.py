"""Map a vCon to drafts of events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from types import MappingProxyType

import msgspec

from cx_events.envelope import (
    AgentOrQueue,
    Attachment,
    Data,
    Direction,
    Draft,
    Message,
    Recording,
    Reference,
    Transfer,
)
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_vcon.contacts import Contact, author_of, contacts_of
from cx_vcon.content import IN_BODY, bytes_of, has_content, kind_of, media_type, text_of
from cx_vcon.json_values import duration, index, indexes, objects, text, time
from cx_vcon.parties import MAX_NAME, MAX_PARTICIPANTS, Parties, who_is_who
from cx_vcon.reading import VconInput
from cx_vcon.round_trip import Piece, container, digest, id_part, interaction_of, pieces_of, related_to
from cx_vcon.transcripts import insight_of, lines_of

PIECE = "cx.conversation.imported.v1"
"""The type of pieces that are no other event: the container, an empty dialog, an attachment without an author."""

MAX_RELATED = 16
MAX_HISTORY = 1000
"""Events of what parties did within the dialogs of one vCon; the whole stands in the dialogs."""

MAX_SUBJECT = 500
MAX_URL = 4096

_MOVED = ("transferee", "transferor", "transfer_target", "transfer-target")

EventContent = tuple[str, Data]
"""An event's type and data."""


@dataclass(frozen=True, slots=True)
class _Source:
    """The vCon as the functions of the mapping read it."""

    uuid: str
    dialogs: list[Json]
    contacts: list[Contact]
    of: list[int]
    parties: Parties
    references: list[Reference]
    history: Iterator[int]

    def whole(self) -> Data:
        """Return the data of an event about the whole vCon, which names all parties."""
        return self.data(0, range(len(self.parties.parties)))

    def data(self, contact: int, involved: Iterable[int] | None = None) -> Data:
        """Return the data that every event of a contact has.

        ``involved``: the parties; by default those who took part. A contact without dialogs has no channel.
        """
        return Data(
            channel=self.contacts[contact].channel if self.contacts[contact].dialogs else None,
            interaction=interaction_of(self.uuid, contact),
            participants=self.parties.participants(self.took_part(contact) if involved is None else involved),
            references=self.references,
        )

    def took_part(self, contact: int) -> Iterable[int]:
        """Return the parties that the dialogs of a contact name; all where they name nobody."""
        found: dict[int, None] = {}
        for number in self.contacts[contact].dialogs:
            found.update(dict.fromkeys(self.involved(self.dialogs[number])))
            if len(found) > MAX_PARTICIPANTS:
                break
        return found or range(len(self.parties.parties))

    def involved(self, dialog: Json) -> list[int]:
        """Return the parties of a dialog, its author first."""
        count = len(self.parties.parties)
        author = author_of(dialog, count)
        first = [author] if author is not None else []
        moved = (indexes(dialog.get(name), count) for name in _MOVED)
        return list(dict.fromkeys([*first, *indexes(dialog.get("parties"), count), *chain(*moved)]))

    def direction(self, author: int | None) -> Direction:
        if author is None or self.parties.customer is None:
            return "internal"
        return "inbound" if self.parties.roles[author] == "customer" else "outbound"

    def agent(self, involved: list[int]) -> AgentOrQueue | None:
        agents = [number for number in involved if self.parties.roles[number] == "agent"]
        return self.parties.named(agents[0]) if agents else None


def event_drafts(source: VconInput) -> list[Draft]:
    """Return the events of a vCon. The same vCon makes the same drafts.

    The container comes first, then for each contact its start, its dialogs and its end, then attachments and analysis.
    """
    vcon = source.vcon
    pieces = pieces_of(source)
    dialogs, people = objects(vcon.get("dialog")), objects(vcon.get("parties"))
    contacts, of = contacts_of(dialogs, people, time(vcon.get("created_at")))
    began = author_of(dialogs[0], len(people)) if dialogs else None
    threads = [id_part(uuid) for uuid in (source.uuid, *related_to(vcon)[:MAX_RELATED])]
    references = [Reference(kind="thread", value=f"vcon:{thread}") for thread in threads]
    read = _Source(source.uuid, dialogs, contacts, of, who_is_who(people, began), references, iter(range(MAX_HISTORY)))
    found = [_draft(container(source, pieces), contacts[0].start, (PIECE, read.whole()))]
    if subject := text(vcon.get("subject")).strip():
        found.append(_topic(read, subject[:MAX_SUBJECT]))
    for number, contact in enumerate(contacts):
        found += _contact(read, number, contact, pieces["dialog"])
    for piece, attachment in zip(pieces["attachments"], objects(vcon.get("attachments")), strict=True):
        found.append(_attachment(read, piece, attachment))
    for piece, analysis in zip(pieces["analysis"], objects(vcon.get("analysis")), strict=True):
        found.append(_analysis(read, piece, analysis))
    return found


def _draft(piece: Piece, at: Micros | None, event: EventContent) -> Draft:
    type, data = event
    data.raw = msgspec.Raw(piece.raw)
    return Draft(type=type, id=piece.id, data=data, time=at)


def _topic(read: _Source, subject: str) -> Draft:
    data = read.whole()
    data.topic = subject
    id = f"{id_part(read.uuid)}/topic/{digest(subject.encode())}"
    return Draft(type="cx.conversation.topic.v1", id=id, data=data, time=read.contacts[0].end)


def _contact(read: _Source, number: int, contact: Contact, pieces: list[Piece]) -> Iterator[Draft]:
    if not contact.dialogs:
        return
    author = author_of(read.dialogs[contact.dialogs[0]], len(read.parties.parties))
    direction = read.direction(author)
    label = id_part(read.uuid)
    started = read.data(number)
    started.direction = direction
    yield Draft(type="cx.interaction.started.v1", id=f"{label}/started/{number}", data=started, time=contact.start)
    for dialog in contact.dialogs:
        yield _dialog(read, number, dialog, pieces[dialog])
        yield from _history(read, number, dialog)
    ended = read.data(number)
    ended.direction = direction
    ended.reason = text(read.dialogs[contact.dialogs[-1]].get("disposition"))[:MAX_NAME]
    if contact.start is not None and contact.end is not None:
        ended.duration_ms = (contact.end - contact.start) // 1000
    # A vCon that is sent again may have continued: its later end is another event.
    id = f"{label}/ended/{number}/{contact.end if contact.end is not None else ''}"
    yield Draft(type="cx.interaction.ended.v1", id=id, data=ended, time=contact.end)


def _dialog(read: _Source, contact: int, number: int, piece: Piece) -> Draft:
    dialog = read.dialogs[number]
    at = time(dialog.get("start"))
    data = read.data(contact, read.involved(dialog))
    data.direction = read.direction(author_of(dialog, len(read.parties.parties)))
    mapping = _DIALOGS.get(text(dialog.get("type")))
    event = mapping(read, dialog, data, piece) if mapping is not None else None
    return _draft(piece, at if at is not None else read.contacts[contact].start, event or (PIECE, data))


def _recording(read: _Source, dialog: Json, data: Data, piece: Piece) -> EventContent:
    channels = dialog.get("parties")
    data.recording = Recording(
        id=piece.id,
        url=_url(dialog),
        duration_ms=duration(dialog.get("duration")),
        channels=len(channels) if isinstance(channels, list) and any(isinstance(c, list) for c in channels) else None,
        status="completed",
    )
    data.agent = read.agent(read.involved(dialog))
    return "cx.call.recording.v1", data


def _text(read: _Source, dialog: Json, data: Data, piece: Piece) -> EventContent | None:
    if not has_content(dialog):
        return None
    words = text_of(dialog)
    message = Message(id=text(dialog.get("message_id"))[:MAX_NAME] or piece.id, content_type=media_type(dialog)[:200])
    if kind_of(dialog) == "text/html":
        message.html = words
    else:
        message.text = words
    message.attachments = _kept_elsewhere(dialog)
    data.message = message
    if data.direction == "inbound":
        return "cx.message.received.v1", data
    data.agent = read.agent(read.involved(dialog)[:1])
    return "cx.message.sent.v1", data


def _kept_elsewhere(file: Json) -> list[Attachment]:
    return [_reference(file)] if _url(file) else []


def _reference(file: Json) -> Attachment:
    name = text(file.get("filename"))[:MAX_NAME]
    found = Attachment(name=name, content_type=media_type(file)[:MAX_NAME], url=_url(file))
    content = bytes_of(file)
    if content is not None:
        found.bytes, found.sha256, found.part = len(content), sha256(content).hexdigest(), IN_BODY
    return found


def _url(file: Json) -> str:
    """Return where a file is kept; "" for URLs that are too long, as ``data:`` URLs are."""
    url = text(file.get("url"))
    return url if len(url) <= MAX_URL else ""


def _transfer(read: _Source, dialog: Json, data: Data, piece: Piece) -> EventContent:
    count = len(read.parties.parties)
    target = dialog.get("transfer_target", dialog.get("transfer-target"))
    to = [read.parties.named(number) for number in indexes(target, count)]
    data.transfer = Transfer(
        to=(to[0].name or to[0].id) if to else "",
        kind="attended" if dialog.get("consultation") is not None else "blind",
        agent=to[0] if to else None,
    )
    others = [index(dialog.get(name), count) for name in ("transferee", "transferor")]
    involved = [each for each in (*others, *indexes(target, count)) if each is not None]
    data.participants = read.parties.participants(involved)
    return "cx.interaction.transferred.v1", data


def _incomplete(read: _Source, dialog: Json, data: Data, piece: Piece) -> EventContent:
    data.reason = text(dialog.get("disposition"))[:MAX_NAME] or "incomplete"
    inbound = data.direction == "inbound"
    return ("cx.interaction.abandoned.v1" if inbound else "cx.interaction.ended.v1"), data


_DIALOGS: Mapping[str, Callable[[_Source, Json, Data, Piece], EventContent | None]] = MappingProxyType(
    {"recording": _recording, "text": _text, "transfer": _transfer, "incomplete": _incomplete}
)


def _history(read: _Source, contact: int, number: int) -> Iterator[Draft]:
    """Yield events for what parties did within a dialog, as far as types exist; ``raw`` has all of it."""
    count = len(read.parties.parties)
    for place, event in enumerate(objects(read.dialogs[number].get("party_history"))):
        party, at = index(event.get("party"), count), time(event.get("time"))
        if party is None or at is None:
            continue
        kind = text(event.get("event"))
        type = _HISTORY.get(kind, "")
        if kind == "join" and read.parties.roles[party] == "agent":
            type = "cx.interaction.answered.v1"
        if not type:
            continue
        data = read.data(contact, [party])
        if read.parties.roles[party] == "agent":
            data.agent = read.parties.named(party)
        if kind == "keydown":
            data.digits = text(event.get("button"))[:64]
            if not data.digits:
                continue
        if next(read.history, None) is None:
            return
        yield Draft(type=type, id=f"{id_part(read.uuid)}/history/{number}/{place}", data=data, time=at)


_HISTORY: Mapping[str, str] = MappingProxyType(
    {"hold": "cx.interaction.held.v1", "unhold": "cx.interaction.resumed.v1", "keydown": "cx.call.dtmf.v1"}
)


def _attachment(read: _Source, piece: Piece, attachment: Json) -> Draft:
    """Return a message for a file of a party with a name or a URL; the bare piece for any other."""
    dialog = index(attachment.get("dialog"), len(read.of))
    contact = read.of[dialog] if dialog is not None else 0
    author = index(attachment.get("party"), len(read.parties.parties))
    at = time(attachment.get("start"))
    if at is None:
        at = time(read.dialogs[dialog].get("start")) if dialog is not None else read.contacts[contact].start
    data = read.data(contact, [author] if author is not None else [])
    file = _reference(attachment)
    if author is None or not (file.name or file.url):
        return _draft(piece, at, (PIECE, data))
    data.direction = read.direction(author)
    subject = text(attachment.get("purpose")) or text(attachment.get("type"))
    data.message = Message(id=piece.id, subject=subject[:500], attachments=[file])
    type = "cx.message.received.v1" if data.direction == "inbound" else "cx.message.sent.v1"
    return _draft(piece, at, (type, data))


def _analysis(read: _Source, piece: Piece, analysis: Json) -> Draft:
    dialogs = indexes(analysis.get("dialog"), len(read.of))
    contact = read.of[dialogs[0]] if dialogs else 0
    data = read.data(contact)
    at = max((each.end for each in read.contacts if each.end is not None), default=None)
    if "transcript" in text(analysis.get("type")).lower():
        data.transcript = lines_of(analysis, read.parties)
        if data.transcript:
            return _draft(piece, at, ("cx.call.transcript.v1", data))
    data.insight = insight_of(analysis)
    return _draft(piece, at, ("cx.insight.found.v1", data))

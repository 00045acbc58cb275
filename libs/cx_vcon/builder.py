"""Build a vCon of the current syntax from what happened in the hub.

Each fact is used once: words as a ``text`` dialog, a call as a ``recording`` dialog with its ``party_history`` (with
``url`` where a recording is kept), a transfer and an abandoned contact as dialogs of these types, files as attachments
with their content or where it is to be fetched, what was found or noted as analysis. What the draft has no place for
(queues, consents, decisions of people) is listed by name: ``other_events``.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from cx_events.envelope import AgentOrQueue, Attachment, Data, Message, Participant
from cx_events.facts import Fact
from cx_events.json_types import Json
from cx_events.timestamps import format_time
from cx_events.web_urls import web_url
from cx_vcon.analysis import AnalysisBuilder, DialogIndexes
from cx_vcon.hashes import normalise_hash
from cx_vcon.people import People

RECORDING = -1
"""Stands for the place of an event's recording."""


class HeldFile(NamedTuple):
    """A file that the hub holds. ``content``: its bytes, or the URL to fetch it from.

    What was fetched from a provider stands in an event of its own, ``told_by``, by its key. There ``message`` has the
    words of a whole mail, and ``inside`` are the files in it.
    """

    file: Attachment
    content: bytes | str
    told_by: bytes = b""
    message: Message | None = None
    inside: Sequence[HeldFile] = ()


Files = Mapping[tuple[bytes, int], HeldFile]
"""Files that the hub holds by (the event's key, place in the message or ``RECORDING``)."""

NO_FILES: Files = MappingProxyType({})


@dataclass(slots=True)
class VconContent:
    """``arrays``: the four arrays. ``other_events``: events that have no place in them."""

    arrays: Json = field(default_factory=lambda: {"parties": [], "dialog": [], "analysis": [], "attachments": []})
    subject: str = ""
    other_events: list[Json] = field(default_factory=list)

    @property
    def has_content(self) -> bool:
        return bool(self.other_events or self.subject or any(self.arrays.values()))


def build_vcon(facts: Sequence[Fact], files: Files = NO_FILES) -> VconContent:
    """Return what the facts say in a vCon.

    ``facts``: in canonical order. ``files``: attachments that the hub holds.
    """
    builder = _VconBuilder(files)
    for fact in facts:
        builder.add(fact)
    return builder.content


class _VconBuilder:
    """Goes through the facts once, and remembers the places of what later facts refer to."""

    def __init__(self, files: Files) -> None:
        self.content = VconContent()
        self._files = files
        self._told_by = {held.told_by for held in files.values() if held.told_by}
        self._people = People(self.content.arrays["parties"])
        self._places = DialogIndexes()
        self.analysis = AnalysisBuilder(self.content.arrays["analysis"], self._people, self._places)
        self._recordings: dict[str, int] = {}
        self._held_recordings: set[int] = set()
        self._calls: dict[str, int] = {}

    def add(self, fact: Fact) -> None:
        handler = _EVENTS.get(fact.event.type)
        if handler is None or not handler(self, fact, fact.event.data):
            event = fact.event
            self.content.other_events.append(
                {
                    "type": event.type,
                    "source": event.source,
                    "id": event.id,
                    "time": format_time(fact.effective),
                    **({"interaction": event.data.interaction} if event.data.interaction else {}),
                }
            )

    # --- dialogs --------------------------------------------------------------------------------------------------

    def _dialog(self, fact: Fact, kind: str, parties: Sequence[int], **members: Any) -> int:
        data = fact.event.data
        place = len(self.content.arrays["dialog"])
        dialog: Json = {"type": kind, "start": format_time(fact.effective)}
        if kind != "transfer":
            dialog["parties"] = list(parties)
        dialog.update(members)
        if data.channel is not None:
            dialog["application"] = data.channel
        if data.interaction:
            dialog["interaction_id"] = data.interaction
            self._places.of_interaction.setdefault(data.interaction, []).append(place)
        self.content.arrays["dialog"].append(dialog)
        return place

    def message(self, fact: Fact, data: Data) -> bool:
        message = data.message
        if message is None:
            return False
        held = [self._files.get((fact.key, number)) for number in range(len(message.attachments))]
        said = next((each.message for each in held if each is not None and each.message is not None), message)
        everybody = self._people.everybody(data)
        author = self._people.author(data, everybody)
        parties = list(dict.fromkeys([*([author] if author is not None else []), *everybody]))
        members: Json = {}
        words, media_type = said.text, said.content_type or "text/plain"
        if not words and said.html:
            words, media_type = said.html, "text/html"
        elif not media_type.startswith("text/") or (said.html and media_type.startswith("text/html")):
            media_type = "text/plain"
        members.update(mediatype=media_type, body=words, encoding="none")
        if message.id:
            members["message_id"] = message.id
        place = self._dialog(fact, "text", parties, **members)
        if message.id:
            self._places.messages[message.id] = place
        for file, its in zip(message.attachments, held, strict=True):
            found = [HeldFile(file, web_url(file))] if its is None else [its, *its.inside]
            for each in found:
                self._attachment(fact, each, author, place)
        if message.subject and not self.content.subject:
            self.content.subject = message.subject
        return True

    def _attachment(self, fact: Fact, held: HeldFile, author: int | None, dialog: int) -> None:
        """Add a file, with its content, its URL, or neither where nobody knows."""
        file, content = held.file, held.content
        party = author if author is not None else self._people.party(Participant(role="system"))
        found: Json = {"start": format_time(fact.effective), "party": party, "dialog": dialog}
        if file.content_type:
            found["mediatype"] = file.content_type
        if file.name:
            found["filename"] = file.name
        if isinstance(content, bytes):
            found.update(body=urlsafe_b64encode(content).rstrip(b"=").decode(), encoding="base64url")
        else:
            if content:
                found["url"] = content
            found |= _hash_of(file)
        self.content.arrays["attachments"].append(found)

    def edited(self, fact: Fact, data: Data) -> bool:
        place = self._places.messages.get(data.message.id) if data.message is not None else None
        if place is None or data.message is None:
            return False
        self.content.arrays["dialog"][place]["body"] = data.message.text
        return True

    def deleted(self, fact: Fact, data: Data) -> bool:
        """Empty the dialog of a deleted message; it remains, so that the others keep their places."""
        place = self._places.messages.get(data.message.id) if data.message is not None else None
        if place is None:
            return False
        for name in ("body", "encoding", "mediatype"):
            self.content.arrays["dialog"][place].pop(name, None)
        return True

    def bot_turn(self, fact: Fact, data: Data) -> bool:
        if data.bot is None or not data.bot.text:
            return False
        everybody = self._people.everybody(data)
        bots = [place for place in everybody if self._people.role(place) == "bot"]
        author = bots[0] if bots else self._people.party(Participant(role="bot"))
        self._dialog(
            fact, "text", list(dict.fromkeys([author, *everybody])),
            mediatype="text/plain", body=data.bot.text, encoding="none",
        )  # fmt: skip
        return True

    # --- calls ----------------------------------------------------------------------------------------------------

    def started(self, fact: Fact, data: Data) -> bool:
        """Add a dialog for a call; its ``party_history`` tells who joined and left. Other contacts have messages."""
        if data.channel != "voice" or not data.interaction:
            return bool(data.interaction)
        everybody = self._people.everybody(data)
        call = self._calls.get(data.interaction)
        if call is None:
            began = self._people.author(data, everybody)
            parties = list(dict.fromkeys([*([began] if began is not None else []), *everybody]))
            self._calls[data.interaction] = self._dialog(fact, "recording", parties, party_history=[])
        return True

    def _add_party_event(self, fact: Fact, data: Data, what: str, parties: Sequence[int], button: str = "") -> bool:
        """Add an event of each party to the history of a call. Return False without a call or a party."""
        call = self._calls.get(data.interaction)
        if call is None:
            return False
        dialog = self.content.arrays["dialog"][call]
        for place in parties:
            dialog["parties"] = list(dict.fromkeys([*dialog["parties"], place]))
            dialog["party_history"].append(
                {
                    "party": place,
                    "time": format_time(fact.effective),
                    "event": what,
                    **({"button": button} if button else {}),
                }
            )
        return bool(parties)

    def answered(self, fact: Fact, data: Data) -> bool:
        self.started(fact, data)
        ours = [place for place in self._people.everybody(data) if self._people.role(place) != "customer"]
        return self._add_party_event(fact, data, "join", ours)

    def held(self, fact: Fact, data: Data) -> bool:
        return self._add_party_event(fact, data, "hold", self._customers(data))

    def resumed(self, fact: Fact, data: Data) -> bool:
        return self._add_party_event(fact, data, "unhold", self._customers(data))

    def dtmf(self, fact: Fact, data: Data) -> bool:
        return self._add_party_event(fact, data, "keydown", self._customers(data), data.digits)

    def _customers(self, data: Data) -> list[int]:
        everybody = self._people.everybody(data)
        found = [place for place in everybody if self._people.role(place) == "customer"]
        return found or [self._people.party(Participant(role="customer"))]

    def ended(self, fact: Fact, data: Data) -> bool:
        call = self._calls.get(data.interaction)
        if call is None:
            return bool(data.interaction)
        dialog = self.content.arrays["dialog"][call]
        if data.duration_ms is not None and "duration" not in dialog:
            dialog["duration"] = _seconds(data.duration_ms)
        if dialog["parties"]:
            self._add_party_event(fact, data, "drop", dialog["parties"][:1])
        return True

    def abandoned(self, fact: Fact, data: Data) -> bool:
        """Mark the dialog of a call as incomplete, since nobody answered; else add a dialog."""
        call = self._calls.get(data.interaction)
        if call is not None and not self.content.arrays["dialog"][call]["party_history"]:
            self.content.arrays["dialog"][call].update(type="incomplete", disposition="hung-up")
        else:
            self._dialog(fact, "incomplete", self._people.everybody(data), disposition="hung-up")
        return True

    def recording(self, fact: Fact, data: Data) -> bool:
        """One dialog for each recording, however many notices of it there were; the call's own where it has none."""
        recording = data.recording
        if recording is None:
            return False
        known = self._recordings.get(recording.id) if recording.id else None
        if known is None:
            call = self._calls.get(data.interaction)
            if call is not None and call not in self._recordings.values():
                known = call
            else:
                known = self._dialog(fact, "recording", self._people.everybody(data))
            self._recordings[recording.id or fact.event.id] = known
        dialog = self.content.arrays["dialog"][known]
        held = self._files.get((fact.key, RECORDING))
        if held is not None and isinstance(held.content, str):
            self._held_recordings.add(known)
            dialog.update(url=held.content, mediatype=held.file.content_type, **_hash_of(held.file))
        elif recording.url and known not in self._held_recordings:
            dialog["url"] = recording.url
        if recording.duration_ms is not None:
            dialog["duration"] = _seconds(recording.duration_ms)
        return True

    def stored(self, fact: Fact, data: Data) -> bool:
        """Return whether a file that was fetched stands where the event that named it does."""
        return fact.key in self._told_by

    def transferred(self, fact: Fact, data: Data) -> bool:
        everybody = self._people.everybody(data)
        roles = [self._people.role(place) for place in everybody]
        transfer = data.transfer
        members: Json = {}
        if "customer" in roles:
            members["transferee"] = everybody[roles.index("customer")]
        ours = [place for place, role in zip(everybody, roles, strict=True) if role in ("agent", "bot")]
        if ours:
            members["transferor"] = ours[0]
        if transfer is not None:
            named = transfer.agent or transfer.queue
            to = AgentOrQueue(id=named.id, name=named.name) if named is not None else AgentOrQueue(name=transfer.to)
            if to.id or to.name:
                role: Any = "agent" if transfer.agent is not None else "business"
                members["transfer_target"] = self._people.party(Participant(role=role, id=to.id, name=to.name))
        before = self._places.of_interaction.get(data.interaction)
        if before:
            members["original"] = before[0]
        self._dialog(fact, "transfer", (), **members)
        return True

    def topic(self, fact: Fact, data: Data) -> bool:
        """Use the last topic that a person set as the subject."""
        self.content.subject = data.topic
        return True


_EVENTS: Mapping[str, Callable[[_VconBuilder, Fact, Data], bool]] = MappingProxyType(
    {
        "cx.interaction.started.v1": _VconBuilder.started,
        "cx.interaction.answered.v1": _VconBuilder.answered,
        "cx.interaction.held.v1": _VconBuilder.held,
        "cx.interaction.resumed.v1": _VconBuilder.resumed,
        "cx.interaction.transferred.v1": _VconBuilder.transferred,
        "cx.interaction.abandoned.v1": _VconBuilder.abandoned,
        "cx.interaction.ended.v1": _VconBuilder.ended,
        "cx.message.received.v1": _VconBuilder.message,
        "cx.message.sent.v1": _VconBuilder.message,
        "cx.message.edited.v1": _VconBuilder.edited,
        "cx.message.deleted.v1": _VconBuilder.deleted,
        "cx.social.mention.v1": _VconBuilder.message,
        "cx.social.post.v1": _VconBuilder.message,
        "cx.social.comment.v1": _VconBuilder.message,
        "cx.social.review.v1": _VconBuilder.message,
        "cx.bot.turn.v1": _VconBuilder.bot_turn,
        "cx.media.stored.v1": _VconBuilder.stored,
        "cx.call.dtmf.v1": _VconBuilder.dtmf,
        "cx.call.recording.v1": _VconBuilder.recording,
        "cx.call.transcript.v1": lambda builder, fact, data: builder.analysis.transcript(fact, data),
        "cx.insight.found.v1": lambda builder, fact, data: builder.analysis.insight(fact, data),
        "cx.conversation.note.v1": lambda builder, fact, data: builder.analysis.note(fact, data),
        "cx.conversation.disposition.v1": lambda builder, fact, data: builder.analysis.disposition(fact, data),
        "cx.conversation.topic.v1": _VconBuilder.topic,
        "cx.survey.answered.v1": lambda builder, fact, data: builder.analysis.survey(fact, data),
    }
)


def _hash_of(file: Attachment) -> Json:
    digest = content_hash(file.sha256 or file.blob.removeprefix("sha256:"))
    return {"content_hash": digest} if digest else {}


def content_hash(sha256_hex: str) -> str:
    """Return a hash in the draft's form, ``sha256-`` and base64url without padding; "" for a malformed one."""
    value = normalise_hash("sha256", sha256_hex)
    return f"sha256-{value}" if value else ""


def _seconds(milliseconds: int) -> int | float:
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000

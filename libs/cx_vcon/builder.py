"""What happened in the hub, told as a vCon of the current syntax.

Each fact is told once: words as a ``text`` dialog, a call as a ``recording`` dialog with its ``party_history`` (with
``url`` where a recording is kept), a transfer and an abandoned contact as dialogs of these types, files as attachments
with their content or where it is to be fetched, what was found or noted as analysis. What the draft has no place for
(queues, consents, decisions of people) is listed by name: ``others``.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cx_events.envelope import Attachment, Data, Named, Participant
from cx_events.facts import Fact
from cx_events.json_types import Json
from cx_events.timestamps import format_time
from cx_events.web_urls import web_url
from cx_vcon.analysis import AnalysisBuilder, DialogIndexes
from cx_vcon.hashes import normalise_hash
from cx_vcon.people import People

Files = Mapping[tuple[bytes, int], bytes | str]
"""Of attachments, each by its event's key and its place in the message, the content or the URL to fetch it from."""

NO_FILES: Files = MappingProxyType({})


@dataclass(slots=True)
class VconContent:
    """``vcon``: the four arrays. ``others``: events that have no place in them."""

    vcon: Json = field(default_factory=lambda: {"parties": [], "dialog": [], "analysis": [], "attachments": []})
    subject: str = ""
    others: list[Json] = field(default_factory=list)

    @property
    def says_anything(self) -> bool:
        return bool(self.others or self.subject or any(self.vcon.values()))


def build_vcon(facts: Sequence[Fact], files: Files = NO_FILES) -> VconContent:
    """``facts`` in canonical order. ``files``: of the attachments that the hub holds."""
    teller = _Teller(files)
    for fact in facts:
        teller.add(fact)
    return teller.told


class _Teller:
    """Goes through the facts once, and remembers what later ones refer to by the place it has."""

    def __init__(self, files: Files) -> None:
        self.told = VconContent()
        self._files = files
        self._people = People(self.told.vcon["parties"])
        self._places = DialogIndexes()
        self.findings = AnalysisBuilder(self.told.vcon["analysis"], self._people, self._places)
        self._recordings: dict[str, int] = {}
        self._calls: dict[str, int] = {}

    def add(self, fact: Fact) -> None:
        say = _EVENTS.get(fact.event.type)
        if say is None or not say(self, fact, fact.event.data):
            event = fact.event
            self.told.others.append(
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
        place = len(self.told.vcon["dialog"])
        dialog: Json = {"type": kind, "start": format_time(fact.effective)}
        if kind != "transfer":
            dialog["parties"] = list(parties)
        dialog.update(members)
        if data.channel is not None:
            dialog["application"] = data.channel
        if data.interaction:
            dialog["interaction_id"] = data.interaction
            self._places.of_interaction.setdefault(data.interaction, []).append(place)
        self.told.vcon["dialog"].append(dialog)
        return place

    def message(self, fact: Fact, data: Data) -> bool:
        message = data.message
        if message is None:
            return False
        everybody = self._people.everybody(data)
        author = self._people.author(data, everybody)
        parties = list(dict.fromkeys([*([author] if author is not None else []), *everybody]))
        members: Json = {}
        words, media_type = message.text, message.content_type or "text/plain"
        if not words and message.html:
            words, media_type = message.html, "text/html"
        elif not media_type.startswith("text/") or (message.html and media_type.startswith("text/html")):
            media_type = "text/plain"
        members.update(mediatype=media_type, body=words, encoding="none")
        if message.id:
            members["message_id"] = message.id
        place = self._dialog(fact, "text", parties, **members)
        if message.id:
            self._places.messages[message.id] = place
        for number, file in enumerate(message.attachments):
            self._attachment(fact, file, author, place, self._files.get((fact.key, number), web_url(file)))
        if message.subject and not self.told.subject:
            self.told.subject = message.subject
        return True

    def _attachment(self, fact: Fact, file: Attachment, author: int | None, dialog: int, content: bytes | str) -> None:
        """``content``: the bytes, or the URL where they are; nothing where nobody says."""
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
            if digest := content_hash(file.sha256 or file.blob.removeprefix("sha256:")):
                found["content_hash"] = digest
        self.told.vcon["attachments"].append(found)

    def edited(self, fact: Fact, data: Data) -> bool:
        place = self._places.messages.get(data.message.id) if data.message is not None else None
        if place is None or data.message is None:
            return False
        self.told.vcon["dialog"][place]["body"] = data.message.text
        return True

    def deleted(self, fact: Fact, data: Data) -> bool:
        """What was taken back stands as a dialog without content, so that the others keep their places."""
        place = self._places.messages.get(data.message.id) if data.message is not None else None
        if place is None:
            return False
        for name in ("body", "encoding", "mediatype"):
            self.told.vcon["dialog"][place].pop(name, None)
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
        """A call is a dialog from its first sign, so that who joined and left it stands somewhere; others are where
        words are."""
        if data.channel != "voice" or not data.interaction:
            return bool(data.interaction)
        everybody = self._people.everybody(data)
        call = self._calls.get(data.interaction)
        if call is None:
            began = self._people.author(data, everybody)
            parties = list(dict.fromkeys([*([began] if began is not None else []), *everybody]))
            self._calls[data.interaction] = self._dialog(fact, "recording", parties, party_history=[])
        return True

    def _happened(self, fact: Fact, data: Data, what: str, parties: Sequence[int], button: str = "") -> bool:
        """An event of a party within a call."""
        call = self._calls.get(data.interaction)
        if call is None:
            return False
        dialog = self.told.vcon["dialog"][call]
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
        return self._happened(fact, data, "join", ours)

    def held(self, fact: Fact, data: Data) -> bool:
        return self._happened(fact, data, "hold", self._customers(data))

    def resumed(self, fact: Fact, data: Data) -> bool:
        return self._happened(fact, data, "unhold", self._customers(data))

    def dtmf(self, fact: Fact, data: Data) -> bool:
        return self._happened(fact, data, "keydown", self._customers(data), data.digits)

    def _customers(self, data: Data) -> list[int]:
        everybody = self._people.everybody(data)
        found = [place for place in everybody if self._people.role(place) == "customer"]
        return found or [self._people.party(Participant(role="customer"))]

    def ended(self, fact: Fact, data: Data) -> bool:
        call = self._calls.get(data.interaction)
        if call is None:
            return bool(data.interaction)
        dialog = self.told.vcon["dialog"][call]
        if data.duration_ms is not None and "duration" not in dialog:
            dialog["duration"] = _seconds(data.duration_ms)
        if dialog["parties"]:
            self._happened(fact, data, "drop", dialog["parties"][:1])
        return True

    def abandoned(self, fact: Fact, data: Data) -> bool:
        """Nobody answered: of a call the dialog itself is the incomplete one."""
        call = self._calls.get(data.interaction)
        if call is not None and not self.told.vcon["dialog"][call]["party_history"]:
            self.told.vcon["dialog"][call].update(type="incomplete", disposition="hung-up")
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
        dialog = self.told.vcon["dialog"][known]
        if recording.url:
            dialog["url"] = recording.url
        if recording.duration_ms is not None:
            dialog["duration"] = _seconds(recording.duration_ms)
        return True

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
            to = Named(id=named.id, name=named.name) if named is not None else Named(name=transfer.to)
            if to.id or to.name:
                role: Any = "agent" if transfer.agent is not None else "business"
                members["transfer_target"] = self._people.party(Participant(role=role, id=to.id, name=to.name))
        before = self._places.of_interaction.get(data.interaction)
        if before:
            members["original"] = before[0]
        self._dialog(fact, "transfer", (), **members)
        return True

    def topic(self, fact: Fact, data: Data) -> bool:
        """The last one that a person set is what the conversation is about."""
        self.told.subject = data.topic
        return True


_EVENTS: Mapping[str, Callable[[_Teller, Fact, Data], bool]] = MappingProxyType(
    {
        "cx.interaction.started.v1": _Teller.started,
        "cx.interaction.answered.v1": _Teller.answered,
        "cx.interaction.held.v1": _Teller.held,
        "cx.interaction.resumed.v1": _Teller.resumed,
        "cx.interaction.transferred.v1": _Teller.transferred,
        "cx.interaction.abandoned.v1": _Teller.abandoned,
        "cx.interaction.ended.v1": _Teller.ended,
        "cx.message.received.v1": _Teller.message,
        "cx.message.sent.v1": _Teller.message,
        "cx.message.edited.v1": _Teller.edited,
        "cx.message.deleted.v1": _Teller.deleted,
        "cx.social.mention.v1": _Teller.message,
        "cx.social.post.v1": _Teller.message,
        "cx.social.comment.v1": _Teller.message,
        "cx.social.review.v1": _Teller.message,
        "cx.bot.turn.v1": _Teller.bot_turn,
        "cx.call.dtmf.v1": _Teller.dtmf,
        "cx.call.recording.v1": _Teller.recording,
        "cx.call.transcript.v1": lambda teller, fact, data: teller.findings.transcript(fact, data),
        "cx.insight.found.v1": lambda teller, fact, data: teller.findings.insight(fact, data),
        "cx.conversation.note.v1": lambda teller, fact, data: teller.findings.note(fact, data),
        "cx.conversation.disposition.v1": lambda teller, fact, data: teller.findings.disposition(fact, data),
        "cx.conversation.topic.v1": _Teller.topic,
        "cx.survey.answered.v1": lambda teller, fact, data: teller.findings.survey(fact, data),
    }
)


def content_hash(sha256_hex: str) -> str:
    """Return the draft's form of a hash: the algorithm, a hyphen, base64url without padding; "" for what is none."""
    value = normalise_hash("sha256", sha256_hex)
    return f"sha256-{value}" if value else ""


def _seconds(milliseconds: int) -> int | float:
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000

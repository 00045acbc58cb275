"""What happened in the hub, told as a vCon of the current syntax.

Each fact is told once: words as a ``text`` dialog, a call as a ``recording`` dialog with its ``party_history`` (with
``url`` where a recording is kept), a transfer and an abandoned contact as dialogs of these types, files as attachments
by reference, what was found or noted as analysis. What the draft has no place for (queues, consents, decisions of
people) is listed by name: ``others``.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cx_events.envelope import Attachment, Data, Named, Participant
from cx_events.facts import Fact
from cx_events.timestamps import format_time
from cx_vcon.values import Json

VENDOR = "throughline"

_SPEAKING = frozenset({"customer", "agent", "bot", "business"})


@dataclass(slots=True)
class Told:
    """``vcon``: the four arrays. ``others``: events that have no place in them."""

    vcon: Json = field(default_factory=lambda: {"parties": [], "dialog": [], "analysis": [], "attachments": []})
    subject: str = ""
    others: list[Json] = field(default_factory=list)

    @property
    def says_anything(self) -> bool:
        return bool(self.others or self.subject or any(self.vcon.values()))


def tell(conversation: str, facts: Sequence[Fact]) -> Told:
    """``facts`` in canonical order."""
    teller = _Teller(conversation)
    for fact in facts:
        teller.add(fact)
    return teller.told


class _Teller:
    """Goes through the facts once, and remembers what later ones refer to by the place it has."""

    def __init__(self, conversation: str) -> None:
        self.told = Told()
        self._conversation = conversation
        self._parties: dict[tuple[str, str], int] = {}
        self._messages: dict[str, int] = {}
        self._recordings: dict[str, int] = {}
        self._calls: dict[str, int] = {}
        self._of_interaction: dict[str, list[int]] = {}

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

    # --- parties --------------------------------------------------------------------------------------------------

    def _party(self, participant: Participant) -> int:
        """The place of a participant: known again by an id, an address, or a name alone."""
        role = participant.role
        addresses = [(i.kind, i.value) for i in participant.identifiers if i.kind in _ADDRESSES and not i.unusable]
        keys = [(role, f"{kind}:{value}") for kind, value in addresses]
        keys += [(role, f"id:{participant.id}")] if participant.id else []
        keys += [(role, f"name:{participant.name}")] if participant.name and not keys else []
        if role == "customer":
            keys.append((role, "the customer"))
        keys = keys or [(role, "")]
        place = next((self._parties[key] for key in keys if key in self._parties), None)
        if place is None:
            place = len(self.told.vcon["parties"])
            self.told.vcon["parties"].append({"role": role, **_TYPE_OF_ROLE[role]})
        party = self.told.vcon["parties"][place]
        for kind, value in addresses:
            party.setdefault(_ADDRESSES[kind], value)
        if participant.name:
            party.setdefault("name", participant.name)
        if participant.id:
            party.setdefault("uuid", participant.id)
        for key in keys:
            self._parties.setdefault(key, place)
        return place

    def _agent(self, named: Named | None) -> int | None:
        if named is None or not (named.id or named.name):
            return None
        return self._party(Participant(role="agent", id=named.id, name=named.name))

    def _everybody(self, data: Data) -> list[int]:
        """The places of all who take part, those of other customers left out."""
        found: list[int] = []
        seen_customer = False
        for participant in data.participants:
            if participant.role == "customer":
                if seen_customer:
                    continue
                seen_customer = True
            if participant.role in _SPEAKING:
                found.append(self._party(participant))
        agent = self._agent(data.agent)
        return list(dict.fromkeys([*found, *([agent] if agent is not None else [])]))

    def _author(self, data: Data, everybody: Sequence[int]) -> int | None:
        """Who said it: by the direction, as the context has it."""
        roles = {"inbound": ("customer",), "outbound": ("agent", "bot", "business")}.get(data.direction or "", ())
        for place in everybody:
            if self.told.vcon["parties"][place]["role"] in roles:
                return place
        if data.direction == "inbound":
            return self._party(Participant(role="customer"))
        if data.direction == "outbound":
            return self._party(Participant(role="bot" if data.bot is not None else "agent"))
        return everybody[0] if everybody else None

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
            self._of_interaction.setdefault(data.interaction, []).append(place)
        self.told.vcon["dialog"].append(dialog)
        return place

    def message(self, fact: Fact, data: Data) -> bool:
        message = data.message
        if message is None:
            return False
        everybody = self._everybody(data)
        author = self._author(data, everybody)
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
            self._messages[message.id] = place
        for file in message.attachments:
            self._attachment(fact, file, author, place)
        if message.subject and not self.told.subject:
            self.told.subject = message.subject
        return True

    def _attachment(self, fact: Fact, file: Attachment, author: int | None, dialog: int) -> None:
        found: Json = {"start": format_time(fact.effective), "party": author or 0, "dialog": dialog}
        if file.content_type:
            found["mediatype"] = file.content_type
        if file.name:
            found["filename"] = file.name
        if file.url:
            found["url"] = file.url
        if file.sha256 or file.blob:
            found["content_hash"] = content_hash(file.sha256 or file.blob.removeprefix("sha256:"))
        self.told.vcon["attachments"].append(found)

    def edited(self, fact: Fact, data: Data) -> bool:
        place = self._messages.get(data.message.id) if data.message is not None else None
        if place is None or data.message is None:
            return False
        self.told.vcon["dialog"][place]["body"] = data.message.text
        return True

    def deleted(self, fact: Fact, data: Data) -> bool:
        """What was taken back stands as a dialog without content, so that the others keep their places."""
        place = self._messages.get(data.message.id) if data.message is not None else None
        if place is None:
            return False
        for name in ("body", "encoding", "mediatype"):
            self.told.vcon["dialog"][place].pop(name, None)
        return True

    def bot_turn(self, fact: Fact, data: Data) -> bool:
        if data.bot is None or not data.bot.text:
            return False
        everybody = self._everybody(data)
        bots = [place for place in everybody if self.told.vcon["parties"][place]["role"] == "bot"]
        author = bots[0] if bots else self._party(Participant(role="bot"))
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
        everybody = self._everybody(data)
        call = self._calls.get(data.interaction)
        if call is None:
            began = self._author(data, everybody)
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
        ours = [place for place in self._everybody(data) if self.told.vcon["parties"][place]["role"] != "customer"]
        return self._happened(fact, data, "join", ours)

    def held(self, fact: Fact, data: Data) -> bool:
        return self._happened(fact, data, "hold", self._customers(data))

    def resumed(self, fact: Fact, data: Data) -> bool:
        return self._happened(fact, data, "unhold", self._customers(data))

    def dtmf(self, fact: Fact, data: Data) -> bool:
        return self._happened(fact, data, "keydown", self._customers(data), data.digits)

    def _customers(self, data: Data) -> list[int]:
        everybody = self._everybody(data)
        found = [place for place in everybody if self.told.vcon["parties"][place]["role"] == "customer"]
        return found or [self._party(Participant(role="customer"))]

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
            self._dialog(fact, "incomplete", self._everybody(data), disposition="hung-up")
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
                known = self._dialog(fact, "recording", self._everybody(data))
            self._recordings[recording.id or fact.event.id] = known
        dialog = self.told.vcon["dialog"][known]
        if recording.url:
            dialog["url"] = recording.url
        if recording.duration_ms is not None:
            dialog["duration"] = _seconds(recording.duration_ms)
        return True

    def transferred(self, fact: Fact, data: Data) -> bool:
        everybody = self._everybody(data)
        roles = [self.told.vcon["parties"][place]["role"] for place in everybody]
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
                members["transfer_target"] = self._party(Participant(role=role, id=to.id, name=to.name))
        before = self._of_interaction.get(data.interaction)
        if before:
            members["original"] = before[0]
        self._dialog(fact, "transfer", (), **members)
        return True

    # --- analysis -------------------------------------------------------------------------------------------------

    def _found(self, data: Data, kind: str, body: Any, vendor: str = VENDOR, schema: str = "") -> None:
        dialogs = [
            self._messages[r.value] for r in data.references if r.kind == "message" and r.value in self._messages
        ]
        dialogs = dialogs or self._of_interaction.get(data.interaction, [])
        found: Json = {"type": kind}
        if dialogs:
            found["dialog"] = dialogs[0] if len(dialogs) == 1 else list(dialogs)
        found["vendor"] = vendor
        if schema:
            found["schema"] = schema
        plain = isinstance(body, str)
        found.update(
            mediatype="text/plain" if plain else "application/json", body=body, encoding="none" if plain else "json"
        )
        self.told.vcon["analysis"].append(found)

    def transcript(self, fact: Fact, data: Data) -> bool:
        places = {self.told.vcon["parties"][place]["role"]: place for place in reversed(self._everybody(data))}
        lines = []
        for line in data.transcript:
            said: Json = {"parties": places[line.role]} if line.role in places else {}
            if line.role:
                said["role"] = line.role
            said["text"] = line.text
            if line.at is not None:
                said["start"] = line.at
            if line.sentiment is not None:
                said["sentiment"] = line.sentiment
            lines.append(said)
        self._found(data, "transcript", lines, fact.event.source)
        return True

    def insight(self, fact: Fact, data: Data) -> bool:
        insight = data.insight
        if insight is None:
            return False
        found = {
            "sentiment": insight.sentiment,
            "summary": insight.summary,
            "topic": insight.topic,
            "intent": insight.intent,
        }
        told = [(kind, body) for kind, body in found.items() if body not in (None, "")]
        for kind, body in told:
            self._found(data, kind, body, insight.producer or fact.event.source, insight.version)
        return bool(told)

    def note(self, fact: Fact, data: Data) -> bool:
        author = data.agent.name or data.agent.id if data.agent is not None else ""
        self._found(data, "note", {"note": data.note, **({"author": author} if author else {})})
        return True

    def disposition(self, fact: Fact, data: Data) -> bool:
        self._found(data, "disposition", data.disposition)
        return True

    def survey(self, fact: Fact, data: Data) -> bool:
        if data.survey is None:
            return False
        answer = {"metric": data.survey.metric, "score": data.survey.score}
        self._found(data, "survey", {**answer, **({"comment": data.survey.comment} if data.survey.comment else {})})
        return True

    def topic(self, fact: Fact, data: Data) -> bool:
        """The last one that a person set is what the conversation is about."""
        self.told.subject = data.topic
        return True


_ADDRESSES: Mapping[str, str] = MappingProxyType({"phone": "tel", "email": "mailto", "sip": "sip", "did": "did"})
_TYPE_OF_ROLE: Mapping[str, Json] = MappingProxyType(
    {
        "customer": {"type": "person"},
        "agent": {"type": "person"},
        "bot": {"type": "bot"},
        "business": {"type": "organization"},
        "system": {},
    }
)

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
        "cx.call.transcript.v1": _Teller.transcript,
        "cx.insight.found.v1": _Teller.insight,
        "cx.conversation.note.v1": _Teller.note,
        "cx.conversation.disposition.v1": _Teller.disposition,
        "cx.conversation.topic.v1": _Teller.topic,
        "cx.survey.answered.v1": _Teller.survey,
    }
)


def content_hash(sha256_hex: str) -> str:
    """The draft's form of a hash: the algorithm, a hyphen, base64url without padding."""
    try:
        digest = bytes.fromhex(sha256_hex)
    except ValueError:
        return sha256_hex
    return "sha256-" + urlsafe_b64encode(digest).rstrip(b"=").decode()


def _seconds(milliseconds: int) -> int | float:
    return milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000

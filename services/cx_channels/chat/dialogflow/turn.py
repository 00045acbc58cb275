"""Read one request of an agent, ES or CX, and draft its events."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from cx_channels.kit.bot_trails import customer, passed_interaction, slots_of
from cx_channels.kit.drafts import complete_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, number, obj, text
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.provider import Connection, Ignored, Unmapped
from cx_events.envelope import Bot, Channel, Data, Direction, Draft, Identifier, Insight, Participant
from cx_events.json_types import Json
from cx_events.timestamps import Micros
from cx_events.weights import CLAIMED

BOT = Participant(role="bot")
encode = msgspec.json.Encoder(order="sorted").encode


def channel_of(connection: Connection) -> Channel:
    """Return the channel that the agent answers: ``voice`` where the setting says so."""
    return "voice" if connection.settings.get("channel") == "voice" else "chat"


class Turn(Struct, frozen=True, gc=False):
    """One turn. ``id``: of Dialogflow's response to it; ``session``: its full name; ``values``: of the session;
    ``payload``: what the client passed beside its query. ``root``: the session's own part of that name, "" for none.
    ``passed``: the interaction of another channel that the session belongs to, else ""."""

    connection: Connection
    id: str
    session: str
    values: Json
    payload: Json
    root: str
    passed: str

    def person(self, values: Json) -> Participant:
        """Return the caller, whose number is known of a telephone gateway. "REDACTED..." is no number."""
        caller = text(obj(self.payload.get("telephony")).get("caller_id"))
        known = [Identifier(kind="phone", value=caller, weight=CLAIMED)] if caller.startswith("+") else []
        return customer(self.connection, values, *known)

    def draft(
        self, event_type: str, part: str, piece: Json, data: Data, direction: Direction | None = "inbound"
    ) -> Draft:
        """Draft an event. ``data``: what only this event has. ``part``: what tells it from others of the turn.
        ``piece``: what of the request says it; the rest would differ between the webhooks of one turn, as do the
        session's values: ``slots`` alone names people by them."""
        person = self.person(self.values if part.startswith("slots/") else {})
        people = [person, BOT] if direction == "outbound" else [person]
        data.direction, data.participants = direction, people
        draft = complete_draft(
            self.connection, channel_of(self.connection), event_type, f"{id_part(self.id)}/{part}", data,
            encode({"id": self.id, "session": self.session, **piece}), self.root,
        )  # fmt: skip
        if self.passed:
            data.interaction = self.passed
        return draft

    def slots(self, values: Json) -> Draft | None:
        """Draft what the agent knows by now: each webhook of a turn may know more."""
        named = self.connection.settings.get("interaction")
        found = slots_of({name: value for name, value in values.items() if name != named})
        if not found:
            return None
        step = f"slots/{sha256_hex(encode(found))[:16]}"
        return self.draft("cx.bot.slot.v1", step, {"parameters": found}, Data(bot=Bot(slots=found)))

    def said(self, words: str, piece: Json) -> Draft:
        """Draft what the agent said."""
        step = f"said/{sha256_hex(encode(piece))[:16]}"
        return self.draft("cx.bot.turn.v1", step, piece, Data(bot=Bot(text=words)), direction="outbound")

    def sentiment(self, given: Json, version: str) -> Draft | None:
        """Draft the sentiment of what the customer said, where it was analysed."""
        score = number(given.get("score"))
        if score is None or not -1 <= score <= 1:
            return None
        found = Insight(producer="dialogflow", version=version, sentiment=score)
        return self.draft("cx.insight.found.v1", "sentiment", {"sentiment": given}, Data(insight=found))

    def lost(self, why: str, original: Json) -> Unmapped:
        raw = encode(original)
        return Unmapped(id_part(self.id or sha256_hex(raw)[:32]), f"malformed request: {why}", raw)


def turn_of(connection: Connection, id: str, session: str, values: Json, payload: Json) -> Turn:
    """Return a turn. The payload may pass on another channel's interaction, as may the session's values."""
    passed = passed_interaction(connection, values, payload)
    return Turn(connection, id, session, values, payload, root_of(session), passed)


def root_of(session: str) -> str:
    """Return the last part of a session's name, which the recipes write as well."""
    last = session.rpartition("/")[2]
    return id_part(last) if last else ""


def confidence_of(value: Any) -> float | None:
    """Return how sure the agent is, from 0 to 1."""
    found = number(value)
    return found if found is not None and 0 <= found <= 1 else None


def time_of(*given: Any) -> Micros | None:
    """Return the first that is an RFC 3339 time."""
    return iso_time(first(*given))


def ended(turn: Turn, piece: Json, ignored: Ignored) -> Draft | Ignored:
    """Return the end of the contact, unless the bot is a guest in it: then only its own part is over."""
    if turn.passed:
        return ignored
    return turn.draft("cx.interaction.ended.v1", "ended", piece, Data(reason="bot"), direction=None)

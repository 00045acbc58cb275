"""Map AMI's messages and ARI's objects: read one, find its kind, map it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import read_written, text
from cx_channels.kit.outcomes import Outcome, bounded, no_adapter
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import fractional_seconds, iso_time
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_channels.voice.asterisk import ami, ari
from cx_channels.voice.asterisk.channel import Channel, ami_channel, ari_channel
from cx_channels.voice.asterisk.kinds import IGNORED_AMI, IGNORED_ARI, KEPT
from cx_channels.voice.asterisk.live import known_of
from cx_channels.voice.asterisk.messages import Message, read_messages
from cx_events.dead_letters import UNKNOWN_KIND
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.timestamps import Micros

RECEIVED_HEADER = "x-asterisk-received"
"""When the client got an AMI event that has no time of its own (``timestampevents`` is off), RFC 3339."""

DOCUMENTED: Mapping[str, str] = {
    **{kind: becomes for kind, (_, becomes) in ami.KINDS.items() if kind not in ari.KINDS},
    **{kind: becomes for kind, (_, becomes) in ari.KINDS.items()},
    **{kind: f"kept: {why}" for kind, why in KEPT.items()},
    **{kind: f"ignored: {why}" for kind, why in {**IGNORED_AMI, **IGNORED_ARI}.items()},
}

_NOBODY = Channel("")


def is_ari(body: bytes) -> bool:
    """Return whether a body is ARI's JSON; AMI's is lines of text."""
    return body[:64].lstrip()[:1] == b"{"


def read_ari(request: Request) -> tuple[Json, bytes]:
    """For ``Request.once``: ARI's object, and the same as JSON on one line."""
    return read_written(request.body)


def read_ami(request: Request) -> list[Message]:
    """For ``Request.once``: AMI's messages. ``Refused("malformed")`` for what is no text of them."""
    found = read_messages(request.body)
    if not found:
        raise Refused("malformed", "neither an object of ARI nor lines of AMI, each a key, a colon and a value")
    return found


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one request: an object of ARI's, or messages of AMI's, as a rule one. Raise ``Refused("malformed")`` for what
    can't be read."""
    if is_ari(request.body):
        return sort_outcomes(_of_ari(*request.once(read_ari), request, connection))
    messages = request.once(read_ami)
    each = (outcome for message in messages for outcome in _of_ami(message, request, connection))
    return sort_outcomes(bounded(each, lambda: sha256_hex(request.body)[:32], request.body))


def _of_ami(message: Message, request: Request, connection: Connection) -> Iterator[Outcome]:
    kind = ami_kind(message)
    if kind in IGNORED_AMI:
        yield Ignored(kind, IGNORED_AMI[kind])
        return
    fields, raw = message.fields, message.raw
    if kind in KEPT:
        yield no_adapter(kind, KEPT[kind], sha256_hex(raw)[:32], raw)
        return
    if kind not in ami.KINDS:
        why = f"{UNKNOWN_KIND}: {kind[:64]}" if kind else "malformed: neither Event nor Response"
        yield Unmapped(sha256_hex(raw)[:32], why, raw)
        return
    at, time = _ami_time(fields, request, raw)
    channel = ami_channel(fields, "", message.variables()) or _NOBODY
    if kind == "CoreShowChannel":  # the time of the list is not that of the call
        time = _creation(channel)
    known = known_of(request.headers)
    yield from ami.map_event(ami.AmiEvent(kind, connection, at, time, raw, known, message, channel))


def _ami_time(fields: Mapping[str, str], request: Request, raw: bytes) -> tuple[str, Micros | None]:
    """Return what tells the event from others, and its time."""
    written = fields.get("timestamp", "")
    if (time := fractional_seconds(written)) is not None:
        return id_part(written), time
    received = request.headers.get(RECEIVED_HEADER, "")
    return (received, iso_time(received)) if received else (sha256_hex(raw)[:16], None)


def _creation(channel: Channel) -> Micros | None:
    """Return when a channel began, as its Uniqueid has it: ``[SYSTEM-]SECONDS.COUNTER``."""
    return fractional_seconds(channel.id.rpartition("-")[2].partition(".")[0])


def _of_ari(value: Json, raw: bytes, request: Request, connection: Connection) -> Iterator[Outcome]:
    kind = text(value.get("type"))
    if kind in IGNORED_ARI:
        yield Ignored(kind, IGNORED_ARI[kind])
        return
    if kind not in ari.KINDS:
        why = f"{UNKNOWN_KIND}: {kind[:64]}" if kind else "malformed: an object without a type"
        yield Unmapped(sha256_hex(raw)[:32], why, raw)
        return
    written = text(value.get("timestamp"))
    at = id_part(written) if written else sha256_hex(raw)[:16]
    channel = ari_channel(value.get("channel")) or _NOBODY
    known = known_of(request.headers)
    event = ari.AriEvent(kind, connection, at, ari.ari_time(written), raw, known, value, channel)
    yield from ari.map_event(event)


def ami_kind(message: Message) -> str:
    """Return a message's kind as ``DOCUMENTED`` names it, else as it is; "" where nothing tells."""
    event = message.fields.get("event", "")
    if not event:
        return "Response" if "response" in message.fields else ""
    return ami.NAMES.get(event.lower(), event)


def kinds_of(request: Request, _connection: Connection) -> tuple[str, ...]:
    """Return the kinds of a request's events."""
    if is_ari(request.body):
        return (text(request.once(read_ari)[0].get("type")),)
    return tuple(dict.fromkeys(ami_kind(each) for each in request.once(read_ami)))

"""Map a notice of FreeSWITCH: an event of the event socket by its name, or a CDR."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cx_channels.kit.drafts import sort_outcomes
from cx_channels.kit.json_values import text
from cx_channels.kit.outcomes import Outcome, bounded, no_adapter
from cx_channels.kit.signing import sha256_hex
from cx_channels.provider import Connection, Ignored, Mapped, Request, Unmapped
from cx_channels.voice.freeswitch.events import BY_NAME, Event
from cx_channels.voice.freeswitch.kinds import IGNORED, KEPT
from cx_channels.voice.freeswitch.modules import BY_SUBCLASS
from cx_channels.voice.freeswitch.notice import decoded, decodes_values, read_notice
from cx_channels.voice.freeswitch.records import map_record
from cx_events.dead_letters import UNKNOWN_KIND

_RECORD = "cdr"
_NAMELESS = "cx.interaction.started, cx.interaction.routed, cx.interaction.queued, cx.interaction.answered"
DOCUMENTED: Mapping[str, str] = {
    **{name: becomes for name, (_, becomes) in BY_NAME.items()},
    **{f"CUSTOM/{name}": becomes for name, (_, becomes) in BY_SUBCLASS.items()},
    _RECORD: f"{_NAMELESS}, cx.interaction.transferred, cx.interaction.held, cx.interaction.resumed,"
    " cx.interaction.ended, cx.interaction.abandoned: each step of a leg",
    **{kind: f"ignored: {why}" for kind, why in IGNORED.items()},
    **{kind: f"kept: {why}" for kind, why in KEPT.items()},
}


def map_request(request: Request, connection: Connection) -> Mapped:
    """Map one notice. Raise ``Refused("malformed")`` for what is none."""
    notice = request.once(read_notice)
    digest = sha256_hex(request.body)[:32]
    if notice.is_record:
        value = decoded(notice.value) if connection.once(decodes_values) else notice.value
        return sort_outcomes(bounded(map_record(value, request, connection), digest, request.body))
    return sort_outcomes(_outcomes(request, Event(notice.value, connection), digest))


def _outcomes(request: Request, event: Event, digest: str) -> Iterator[Outcome]:
    kind = kind_of(event)
    if kind in IGNORED:
        yield Ignored(kind, IGNORED[kind])
    elif kind in KEPT:
        yield no_adapter(kind, KEPT[kind], digest, request.body)
    elif kind.removeprefix("CUSTOM/") in BY_SUBCLASS and kind.startswith("CUSTOM/"):
        named = event.steps.leg.uuid or event.header("CC-Member-Session-UUID")
        if not named and event.header("VM-Action") != "leave-message":
            yield Ignored(f"{kind}/other", IGNORED[f"{kind}/other"])
        else:
            yield from BY_SUBCLASS[kind.removeprefix("CUSTOM/")][0](event)
    elif kind not in BY_NAME:
        yield Unmapped(digest, f"{UNKNOWN_KIND}: {kind[:80]}", request.body)
    elif not event.steps.leg.uuid:
        yield Unmapped(digest, f"malformed {kind}: no Unique-ID", request.body)
    elif kind == "DTMF" and not event.header("DTMF-Digit"):
        yield Unmapped(digest, "malformed DTMF: no DTMF-Digit", request.body)
    else:
        yield from BY_NAME[kind][0](event)


def kind_of(event: Event) -> str:
    """Return the kind of an event as ``DOCUMENTED`` names it: its name, ``CUSTOM/SUBCLASS`` of a custom one."""
    name = text(event.headers.get("Event-Name"))
    return f"CUSTOM/{event.header('Event-Subclass')}" if name == "CUSTOM" else name


def kinds_of(request: Request, connection: Connection) -> tuple[str, ...]:
    """Return the notice's kind."""
    notice = request.once(read_notice)
    return (_RECORD,) if notice.is_record else (kind_of(Event(notice.value, connection)),)

"""Read a leg: one channel of FreeSWITCH, as an event's headers or a CDR describe it.

Both describe the same channel with the same values, under other names: ``Caller-Destination-Number`` of an event is
``destination_number`` of the oldest caller profile in a CDR's ``callflow``, ``variable_X`` is ``variables.X``. What is
read here is the same by both, so that a step has the same id and content through either door.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cx_channels.kit.json_values import objects, text
from cx_channels.kit.times import YEAR_9999
from cx_channels.voice.freeswitch.notice import member
from cx_events.json_types import Json
from cx_events.timestamps import Micros

KEPT = ("uuid", "call", "direction", "number", "caller_name", "destination", "context", "channel", "created")
"""What a step keeps of its leg, as it is at that step."""


@dataclass(slots=True)
class Leg:
    """``call``: Channel-Call-UUID, "" where it is the leg's own. ``direction``: ``inbound`` towards FreeSWITCH, of an
    agent's telephone that dials out as well. ``originator``: the leg that had this one made. ``created``: as written,
    in µs. ``variables``, ``prefix``: where the channel's variables stand, and what their names begin with there.

    ``member_session``: the customer's leg of mod_callcenter, of an agent's leg that it made. ``is_second``: whether
    this leg was made for another one, which is the call. ``root``: the leg by which the whole call is known, the first
    one, also after others joined it.
    """

    uuid: str
    call: str
    direction: str
    number: str
    caller_name: str
    destination: str
    context: str
    channel: str
    created: str
    hides_number: bool
    originator: str
    other: str
    other_number: str
    other_destination: str
    other_channel: str
    variables: Mapping[str, Any]
    prefix: str
    member_session: str = field(init=False)
    is_second: bool = field(init=False)
    root: str = field(init=False)

    def __post_init__(self) -> None:
        is_agent = self.variable("cc_side") == "agent"
        self.member_session = self.variable("cc_member_session_uuid") if is_agent else ""
        maker = self.member_session or (self.direction == "outbound" and (self.call or self.originator))
        self.is_second = bool(maker)
        self.root = maker or self.uuid

    def variable(self, name: str) -> str:
        """Return a channel variable, "" where it is not set."""
        value = self.variables.get(self.prefix + name)
        return value if value.__class__ is str else text(value)

    @property
    def related(self) -> tuple[str, ...]:
        """Return the legs that this one names, itself first."""
        found = (self.uuid, self.root, self.call, self.originator, self.member_session)
        return tuple(dict.fromkeys(each for each in found if each))

    def kept(self) -> dict[str, str]:
        """Return ``KEPT``."""
        return {name: found for name in KEPT if (found := getattr(self, name))}


def micros(value: Any) -> Micros | None:
    """Read a time in µs since 1970. "0" says that it never came."""
    written = text(value)
    if not written.isdecimal() or not written.isascii() or len(written) > 18:
        return None
    at = int(written)
    return at if 0 < at < YEAR_9999 else None


def seconds(value: Any) -> Micros | None:
    """Read a time in whole seconds since 1970."""
    written = text(value)
    return micros(written + "000000") if len(written) <= 12 else None


def leg_of_event(headers: Mapping[str, Any]) -> Leg:
    """Return the leg that an event is about. What the event doesn't say is ""."""

    get = headers.get

    def header(name: str) -> str:
        value = get(name)
        return value if value.__class__ is str else text(value)

    uuid, call = header("Unique-ID") or header("Caller-Unique-ID"), header("Channel-Call-UUID")
    made_it = header("Other-Type") == "originator"
    other = header("Other-Leg-Unique-ID")
    return Leg(
        uuid=uuid,
        call=call if call != uuid else "",
        direction=header("Call-Direction") or header("variable_direction") or ("outbound" if made_it else "inbound"),
        number=header("Caller-Orig-Caller-ID-Number") or header("Caller-Caller-ID-Number"),
        caller_name=header("Caller-Orig-Caller-ID-Name") or header("Caller-Caller-ID-Name"),
        destination=header("Caller-Destination-Number"),
        context=header("Caller-Context"),
        channel=header("Channel-Name"),
        created=header("Caller-Channel-Created-Time"),
        hides_number=header("Caller-Privacy-Hide-Number") == "true",
        originator=header("variable_originator") or (other if made_it else ""),
        other=other,
        other_number=header("Other-Leg-Orig-Caller-ID-Number") or header("Other-Leg-Caller-ID-Number"),
        other_destination=header("Other-Leg-Destination-Number"),
        other_channel=header("Other-Leg-Channel-Name"),
        variables=headers,
        prefix="variable_",
    )


def leg_of_record(record: Json, *, at_end: bool = False) -> Leg:
    """Return the leg that a CDR is about, as it began or ``at_end``: a transfer gives it another destination. Its first
    caller profile stands last in ``callflow``."""
    variables = member(record, "variables")

    def variable(name: str) -> str:
        return text(variables.get(name))

    flow = objects(record.get("callflow"))
    first, latest = (flow[-1], flow[0]) if flow else ({}, {})
    profile, reached = member(first, "caller_profile"), member(latest if at_end else first, "caller_profile")
    maker = next(iter(objects(member(profile, "originator").get("originator_caller_profiles"))), {})
    uuid, call = variable("uuid"), variable("call_uuid")
    originator = variable("originator") or text(maker.get("uuid"))
    direction = text(member(record, "channel_data").get("direction")) or variable("direction")
    return Leg(
        uuid=uuid,
        call=call if call != uuid else "",
        direction=direction or ("outbound" if originator else "inbound"),
        number=text(profile.get("orig_caller_id_number")) or text(profile.get("caller_id_number")),
        caller_name=text(profile.get("orig_caller_id_name")) or text(profile.get("caller_id_name")),
        destination=text(reached.get("destination_number")),
        context=text(reached.get("context")),
        channel=text(profile.get("chan_name")) or variable("channel_name"),
        created=text(member(first, "times").get("created_time")) or variable("start_uepoch"),
        hides_number=variable("privacy_hide_number") == "true",
        originator=originator,
        other=text(maker.get("uuid")),
        other_number=text(maker.get("orig_caller_id_number")) or text(maker.get("caller_id_number")),
        other_destination=text(maker.get("destination_number")),
        other_channel=text(maker.get("chan_name")),
        variables=variables,
        prefix="",
    )

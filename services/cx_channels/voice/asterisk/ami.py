"""Map AMI's events. Kinds: ``managerEvent`` documentation in Asterisk's source (docs.asterisk.org, "AMI Events")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.kit.ids import id_part
from cx_channels.kit.outcomes import Outcome
from cx_channels.provider import Ignored
from cx_channels.voice.asterisk.channel import Channel, ami_channel, known, unescaped
from cx_channels.voice.asterisk.kinds import IGNORED_AMI, KEPT
from cx_channels.voice.asterisk.messages import Message
from cx_channels.voice.asterisk.notice import Notice
from cx_channels.voice.asterisk.parties import agent_of
from cx_channels.voice.asterisk.rules import read_rules
from cx_events.envelope import AgentOrQueue, Draft, Recording, Transfer, Waiting


class AmiEvent(Notice):
    """One event of AMI's. ``channel``: its own."""

    message: Message
    channel: Channel

    def field(self, name: str) -> str:
        """Return a field, by its name in lower case; "" where it is absent or unknown to Asterisk."""
        return known(self.message.fields.get(name, ""))

    def other(self, prefix: str) -> Channel | None:
        """Return another channel of the event, by what its fields begin with."""
        return ami_channel(self.message.fields, prefix)

    @property
    def step(self) -> str:
        """Return what tells the event from others of its channel."""
        return f"{self.kind}/{self.at}"

    def number(self, name: str) -> int | None:
        """Return a field that is a whole number."""
        value = self.field(name)
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 9 else None


Mapper = Callable[[AmiEvent], Iterator[Outcome]]


def _begin(event: AmiEvent) -> Iterator[Outcome]:
    yield event.begin(event.channel, "started")


def _lost(event: AmiEvent) -> Iterator[Outcome]:
    yield event.end(event.channel, "", "lost", agent_of(event.channel, event.connection))


def _hangup(event: AmiEvent) -> Iterator[Outcome]:
    agent = agent_of(event.channel, event.connection)
    yield event.end(event.channel, event.field("cause"), event.field("cause-txt"), agent)


def _dial_begin(event: AmiEvent) -> Iterator[Outcome]:
    caller, dialled = event.channel if event.channel.id else None, event.other("dest")
    if dialled is None:
        yield event.lost("malformed DialBegin: it names nobody who is dialled")
        return
    people, direction = event.dialled(caller, dialled, event.field("dialstring"))
    agent = agent_of(dialled, event.connection)
    owner = caller or dialled
    roots = dict.fromkeys((event.root(owner), event.root(dialled)))
    for root in roots:
        yield event.draft(
            "cx.interaction.routed.v1", owner, f"dialling/{id_part(dialled.id)}/{event.at}", others=[dialled],
            people=people, direction=direction, agent=agent, reason="dialling",
            more="" if root == event.root(owner) else root,
        )  # fmt: skip


def _dial_end(event: AmiEvent) -> Iterator[Outcome]:
    caller, dialled = event.channel if event.channel.id else None, event.other("dest")
    owner = caller or dialled
    if owner is None:
        yield event.lost("malformed DialEnd: it names no channel")
        return
    status = event.field("dialstatus").lower() or "unknown"
    rang = agent_of(dialled, event.connection)
    outside = dialled is not None and rang is None and not dialled.is_local
    by = agent_of(caller, event.connection) if outside else None
    answered = status == "answer" and not (dialled is not None and dialled.is_local)
    step = f"dialled/{id_part(dialled.id) if dialled is not None else '-'}/{id_part(status)}/{event.at}"
    yield event.draft(
        "cx.interaction.answered.v1" if answered else "cx.interaction.routed.v1",
        owner, step, others=[dialled], agent=(rang if answered else None) or by, out=None if answered else rang,
        reason="" if answered else status,
    )  # fmt: skip


def _queue(event: AmiEvent) -> AgentOrQueue | None:
    name = event.field("queue")
    return AgentOrQueue(id=name) if name else None


def _member(event: AmiEvent) -> AgentOrQueue | None:
    """Return the member of a queue: by its interface, as DialEnd knows it, too."""
    interface, name = event.field("interface"), unescaped(event.field("membername"))
    dialled = event.other("dest")
    id = interface or (dialled.endpoint if dialled is not None else "") or name
    return AgentOrQueue(id=id, name=name if name != id else "") if id else None


def _queued(event: AmiEvent) -> Iterator[Outcome]:
    position = event.number("position")
    waiting = Waiting(position=position) if position else None
    yield event.draft("cx.interaction.queued.v1", event.channel, event.step, queue=_queue(event), waiting=waiting)


def _gave_up_queue(event: AmiEvent) -> Iterator[Outcome]:
    wait = event.number("holdtime")
    duration = wait * 1000 if wait is not None else None
    yield event.draft(
        "cx.interaction.abandoned.v1", event.channel, event.step, queue=_queue(event), reason="left the queue",
        duration_ms=duration,
    )  # fmt: skip


def _agent_step(event_type: str, reason: str, duration: str = "", *, is_out: bool = False) -> Mapper:
    """Map what a member of a queue does. ``is_out``: they are out of the call by it."""

    def mapper(event: AmiEvent) -> Iterator[Outcome]:
        took = event.number(duration) if duration else None
        why = f"{reason} {event.field('reason')}".strip() if reason == "completed:" else reason
        step = f"{event.step}/{id_part(event.field('destuniqueid') or event.field('interface') or '-')}"
        yield event.draft(
            event_type, event.channel, step,
            others=[event.other("dest")], queue=_queue(event), reason=why,
            agent=None if is_out else _member(event), out=_member(event) if is_out else None,
            duration_ms=took * 1000 if took is not None else None,
        )  # fmt: skip

    return mapper


def _plain(event_type: str, reason: str = "") -> Mapper:
    def mapper(event: AmiEvent) -> Iterator[Outcome]:
        agent = agent_of(event.channel, event.connection)
        yield event.draft(event_type, event.channel, event.step, reason=reason, agent=agent)

    return mapper


def _parked(event_type: str, reason: str) -> Mapper:
    def mapper(event: AmiEvent) -> Iterator[Outcome]:
        parkee = event.other("parkee") or event.channel
        if not parkee.id:
            yield event.lost(f"malformed {event.kind}: it names no channel")
            return
        by = event.other("retriever") or event.other("parker")
        space = event.field("parkingspace")
        yield event.draft(
            event_type, parkee, event.step, agent=agent_of(by, event.connection),
            reason=f"{reason} {space}".strip() if event_type != "cx.interaction.abandoned.v1" else reason,
        )  # fmt: skip

    return mapper


def _pickup(event: AmiEvent) -> Iterator[Outcome]:
    by, target = event.channel, event.other("target")
    yield event.draft(
        "cx.interaction.routed.v1", target or by, event.step, others=[by], agent=agent_of(by, event.connection),
        reason="picked up",
    )  # fmt: skip


def _transferred(
    event: AmiEvent,
    owner: Channel,
    others: list[Channel | None],
    transfer: Transfer,
    by: Channel | None,
    more: str = "",
) -> Draft:
    result = event.field("result").lower()
    done = result in ("success", "")
    return event.draft(
        "cx.interaction.transferred.v1" if done else "cx.interaction.routed.v1", owner, event.step, others=others,
        more=more, transfer=transfer if done else None, agent=transfer.agent if done else None,
        out=agent_of(by, event.connection) if done else None, reason="" if done else f"transfer: {result}",
    )  # fmt: skip


def _blind(event: AmiEvent) -> Iterator[Outcome]:
    by, whom = event.other("transferer"), event.other("transferee")
    owner = whom or by
    if owner is None:
        yield event.lost("malformed BlindTransfer: it names no channel")
        return
    yield _transferred(event, owner, [by], Transfer(to=event.field("extension"), kind="blind"), by)


def _attended(event: AmiEvent) -> Iterator[Outcome]:
    first, second = event.other("origtransferer"), event.other("secondtransferer")
    whom, target = event.other("transferee"), event.other("transfertarget")
    owner = whom or first or second
    if owner is None:
        yield event.lost("malformed AttendedTransfer: it names no channel")
        return
    to = target or second
    agent = agent_of(target, event.connection)
    number = to.number if target is not None and to is not None else event.field("destapp")
    transfer = Transfer(to=number, kind="attended", agent=agent)
    others = [first, second, target]
    yield (moved := _transferred(event, owner, others, transfer, first))
    consults = dict.fromkeys(event.root(each) for each in (first, second, target) if each is not None)
    for root in (
        consults if moved.data.transfer is not None else ()
    ):  # the agent's own call to a colleague is the customer's from now on
        if root != event.root(owner):
            yield _transferred(event, owner, [*others, owner], transfer, first, more=root)


def _joined(word: str, room: str) -> Mapper:
    def mapper(event: AmiEvent) -> Iterator[Outcome]:
        name, bridge = event.field(room), event.field("bridgeuniqueid")
        threads = [f"bridge/{bridge}"] if bridge else []  # a room's number is used again
        agent = agent_of(event.channel, event.connection)
        reason = f"{word} conference {name}".strip()
        left = word == "left"
        yield event.draft(
            "cx.interaction.routed.v1", event.channel, event.step, threads=threads, reason=reason,
            agent=None if left else agent, out=agent if left else None,
        )  # fmt: skip

    return mapper


def _key(event: AmiEvent) -> Iterator[Outcome]:
    if event.field("direction").lower() == "sent":
        yield Ignored("DTMFEnd/sent", IGNORED_AMI["DTMFEnd/sent"])
    elif not event.connection.once(read_rules).keys:
        yield Ignored("DTMFEnd/off", IGNORED_AMI["DTMFEnd/off"])
    elif event.is_ours(event.channel):
        yield Ignored("DTMFEnd/staff", IGNORED_AMI["DTMFEnd/staff"])
    elif not (digit := event.field("digit")):
        yield event.lost("malformed DTMFEnd: no Digit")
    else:
        step = f"{event.step}/{id_part(digit)}"
        yield event.draft("cx.call.dtmf.v1", event.channel, step, digits=digit, duration_ms=event.number("durationms"))


def _recording(status: str) -> Mapper:
    def mapper(event: AmiEvent) -> Iterator[Outcome]:
        recording = Recording(id=event.field("mixmonitorid") or event.channel.id, status=status)
        yield event.draft("cx.call.recording.v1", event.channel, event.step, recording=recording)

    return mapper


def _user_event(event: AmiEvent) -> Iterator[Outcome]:
    name = event.field("userevent")
    if name.lower() not in event.connection.once(read_rules).user_events or not event.channel.id:
        yield Ignored("UserEvent/undeclared", IGNORED_AMI["UserEvent/undeclared"])
    else:
        step = f"{event.step}/{id_part(name)}"
        yield event.draft("cx.call.ivr_step.v1", event.channel, step, step=event.field("step") or name)


def _local_bridge(event: AmiEvent) -> Iterator[Outcome]:
    one, two = event.other("localone"), event.other("localtwo")
    if one is None or two is None:
        yield event.lost("malformed LocalBridge: it names no two channels")
    elif event.root(one) == event.root(two):
        yield Ignored("LocalBridge/same-call", IGNORED_AMI["LocalBridge/same-call"])
    else:
        yield event.draft("cx.interaction.routed.v1", two, event.step, others=[one], people=[], reason="local channel")


_LEFT = "cx.interaction.ended of a call; cx.interaction.routed of a leg"
_ROUTED, _HELD, _RESUMED = "cx.interaction.routed.v1", "cx.interaction.held.v1", "cx.interaction.resumed.v1"
KINDS: Mapping[str, tuple[Mapper, str]] = {
    "Newchannel": (_begin, "cx.interaction.started of a call; cx.interaction.routed of a leg"),
    "CoreShowChannel": (_begin, "asked for: the same as Newchannel, which was not heard"),
    "ChannelLost": (_lost, f"told by the hub's client, of a channel that is gone: {_LEFT}"),
    "DialBegin": (_dial_begin, "cx.interaction.routed, with the customer of an outbound call"),
    "DialEnd": (_dial_end, "cx.interaction.answered; cx.interaction.routed with the reason"),
    "QueueCallerJoin": (_queued, "cx.interaction.queued"),
    "QueueCallerAbandon": (_gave_up_queue, "cx.interaction.abandoned"),
    "AgentCalled": (_agent_step(_ROUTED, "offered"), "cx.interaction.routed"),
    "AgentRingNoAnswer": (_agent_step(_ROUTED, "no-answer", "ringtime", is_out=True), "cx.interaction.routed"),
    "AgentDump": (_agent_step(_ROUTED, "declined", is_out=True), "cx.interaction.routed"),
    "AgentConnect": (_agent_step("cx.interaction.answered.v1", "", "holdtime"), "cx.interaction.answered"),
    "AgentComplete": (_agent_step(_ROUTED, "completed:", "talktime", is_out=True), "cx.interaction.routed"),
    "Hold": (_plain(_HELD), "cx.interaction.held"),
    "Unhold": (_plain(_RESUMED), "cx.interaction.resumed"),
    "BlindTransfer": (_blind, "cx.interaction.transferred; cx.interaction.routed where it failed"),
    "AttendedTransfer": (
        _attended,
        "cx.interaction.transferred of all its calls; cx.interaction.routed where it failed",
    ),
    "Pickup": (_pickup, "cx.interaction.routed"),
    "ParkedCall": (_parked(_HELD, "parked"), "cx.interaction.held"),
    "UnParkedCall": (_parked(_RESUMED, "unparked"), "cx.interaction.resumed"),
    "ParkedCallTimeOut": (_parked(_ROUTED, "parked too long"), "cx.interaction.routed"),
    "ParkedCallGiveUp": (_parked("cx.interaction.abandoned.v1", "left while parked"), "cx.interaction.abandoned"),
    "ConfbridgeJoin": (_joined("joined", "conference"), "cx.interaction.routed"),
    "ConfbridgeLeave": (_joined("left", "conference"), "cx.interaction.routed"),
    "MeetmeJoin": (_joined("joined", "meetme"), "cx.interaction.routed"),
    "MeetmeLeave": (_joined("left", "meetme"), "cx.interaction.routed"),
    "DTMFEnd": (_key, "cx.call.dtmf"),
    "MixMonitorStart": (_recording("started"), "cx.call.recording"),
    "MixMonitorStop": (_recording("completed"), "cx.call.recording"),
    "MonitorStart": (_recording("started"), "cx.call.recording, of releases before 21"),
    "MonitorStop": (_recording("completed"), "cx.call.recording, of releases before 21"),
    "UserEvent": (_user_event, "cx.call.ivr_step, of those that the setting user_events names"),
    "LocalBridge": (_local_bridge, "cx.interaction.routed, where the halves have no Linkedid in common"),
    "Hangup": (_hangup, f"{_LEFT}; cx.interaction.abandoned where its caller gave up"),
}

_WITHOUT_OWN_CHANNEL = frozenset({
    "DialBegin", "DialEnd", "BlindTransfer", "AttendedTransfer", "LocalBridge", "UserEvent", "ParkedCall",
    "UnParkedCall", "ParkedCallTimeOut", "ParkedCallGiveUp",
})  # fmt: skip

NAMES: Mapping[str, str] = {name.lower(): name for name in (*KINDS, *IGNORED_AMI, *KEPT)}
"""By the name in lower case: releases and documents differ (``Newexten``, ``NewExten``)."""


def map_event(event: AmiEvent) -> Iterator[Outcome]:
    """Map an event of a kind that ``KINDS`` has."""
    if not event.channel.id and event.kind not in _WITHOUT_OWN_CHANNEL:
        yield event.lost(f"malformed {event.kind}: no Uniqueid")
    else:
        yield from KINDS[event.kind][0](event)

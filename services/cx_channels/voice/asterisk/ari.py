"""Map ARI's events. Kinds and fields: rest-api/api-docs/events.json in Asterisk's source (docs.asterisk.org, "Asterisk
REST Data Models").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from cx_channels.kit.drafts import make_draft
from cx_channels.kit.ids import id_part
from cx_channels.kit.json_values import first, obj, text
from cx_channels.kit.outcomes import Outcome
from cx_channels.kit.signing import sha256_hex
from cx_channels.kit.times import iso_time
from cx_channels.provider import Ignored
from cx_channels.voice.asterisk.channel import Channel, ari_channel
from cx_channels.voice.asterisk.kinds import IGNORED_ARI
from cx_channels.voice.asterisk.live import OUT
from cx_channels.voice.asterisk.notice import Notice
from cx_channels.voice.asterisk.parties import agent_of
from cx_channels.voice.asterisk.rules import is_outside, read_rules
from cx_events.envelope import AgentOrQueue, Identifier, Message, Participant, Recording, Reference, Transfer
from cx_events.json_types import Json
from cx_events.timestamps import Micros

_MOST_MS = 10**9
_UNANSWERED = frozenset({"busy", "cancel", "chanunavail", "congestion", "noanswer"})
"""Values of ``dialstatus`` by which a telephone rings no more (app_dial.c, DIALSTATUS)."""


class AriEvent(Notice):
    """One event of ARI's. ``channel``: its own."""

    value: Json
    channel: Channel

    def field(self, name: str) -> str:
        """Return a field that is text or a whole number, else ""."""
        return text(self.value.get(name))

    def other(self, name: str) -> Channel | None:
        """Return another channel of the event."""
        return ari_channel(self.value.get(name))

    @property
    def step(self) -> str:
        """Return what tells the event from others of its channel."""
        return f"{self.kind}/{self.at}"

    def number(self, name: str) -> int | None:
        """Return a field that is a whole number."""
        value = self.value.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST_MS else None


Mapper = Callable[[AriEvent], Iterator[Outcome]]


def ari_time(written: str) -> Micros | None:
    """Read a time, whose offset has no colon: ``2016-09-12T13:53:48.919+0200``."""
    if len(written) > 5 and written[-5] in "+-" and written[-4:].isdecimal():
        written = f"{written[:-5]}Z" if written[-4:] == "0000" else f"{written[:-2]}:{written[-2:]}"
    return iso_time(written)


def _begin(event: AriEvent) -> Iterator[Outcome]:
    draft = event.begin(event.channel, "started")
    if event.kind == "ChannelListed":  # the time of the list is not that of the call
        draft.time = ari_time(text(obj(event.value.get("channel")).get("creationtime")))
    yield draft


def _stasis(event: AriEvent) -> Iterator[Outcome]:
    yield event.begin(event.channel, event.step)


def _lost(event: AriEvent) -> Iterator[Outcome]:
    yield event.end(event.channel, "", "lost", agent_of(event.channel, event.connection))


def _destroyed(event: AriEvent) -> Iterator[Outcome]:
    began = ari_time(text(obj(event.value.get("channel")).get("creationtime")))
    took = (event.time - began) // 1000 if began is not None and event.time is not None else None
    agent = agent_of(event.channel, event.connection)
    yield event.end(
        event.channel, event.field("cause"), event.field("cause_txt"), agent, took if took and took > 0 else None
    )


def _state(event: AriEvent) -> Iterator[Outcome]:
    """Map the state of a channel: picking up answers where it was called; a call from outside that is up has been
    answered by the telephone system, as a rule, which is nobody."""
    channel = event.channel
    state, up = channel.state, channel.state.lower() == "up"
    called = not event.is_root(channel) or bool(event.flags(channel) & OUT)
    step = f"{event.step}/{id_part(state or '-')}"
    agent = agent_of(channel, event.connection) if called else None
    answered = up and called and not channel.is_local
    event_type = "cx.interaction.answered.v1" if answered else "cx.interaction.routed.v1"
    yield event.draft(event_type, channel, step, agent=agent, reason="" if answered else state.lower())


def _dial(event: AriEvent) -> Iterator[Outcome]:
    caller, dialled = event.other("caller"), event.other("peer")
    if dialled is None:
        yield event.lost("malformed Dial: it names nobody who is dialled")
        return
    owner = caller or dialled
    status = event.field("dialstatus").lower()
    people, direction = event.dialled(caller, dialled, event.field("dialstring"))
    rang = agent_of(dialled, event.connection)
    by = agent_of(caller, event.connection) if status == "answer" and not dialled.is_local else None
    is_out = status in _UNANSWERED
    answered = status == "answer" and not dialled.is_local
    event_type = "cx.interaction.answered.v1" if answered else "cx.interaction.routed.v1"
    step = f"dial/{id_part(dialled.id)}/{id_part(status or 'begun')}/{event.at}"
    for root in dict.fromkeys((event.root(owner), event.root(dialled))):
        yield event.draft(
            event_type, owner, step, others=[dialled, event.other("forwarded")], people=people, direction=direction,
            agent=(None if is_out else rang) or by, out=rang if is_out else None,
            reason="" if answered else status or "dialling",
            more="" if root == event.root(owner) else root,
        )  # fmt: skip


def _key(event: AriEvent) -> Iterator[Outcome]:
    if not event.connection.once(read_rules).keys:
        yield Ignored("ChannelDtmfReceived/off", IGNORED_ARI["ChannelDtmfReceived/off"])
        return
    if event.is_ours(event.channel):
        yield Ignored("ChannelDtmfReceived/staff", IGNORED_ARI["ChannelDtmfReceived/staff"])
        return
    if not (digit := event.field("digit")):
        yield event.lost("malformed ChannelDtmfReceived: no digit")
        return
    step = f"{event.step}/{id_part(digit)}"
    yield event.draft("cx.call.dtmf.v1", event.channel, step, digits=digit, duration_ms=event.number("duration_ms"))


def _plain(event_type: str, reason: str = "") -> Mapper:
    def mapper(event: AriEvent) -> Iterator[Outcome]:
        agent = agent_of(event.channel, event.connection)
        yield event.draft(event_type, event.channel, event.step, reason=reason, agent=agent)

    return mapper


def _bridge(word: str) -> Mapper:
    """Map that a channel entered or left a bridge: in a holding bridge it waits, in another it is with those there."""

    def mapper(event: AriEvent) -> Iterator[Outcome]:
        bridge = obj(event.value.get("bridge"))
        id, name = text(bridge.get("id")), text(bridge.get("name"))
        holding = text(bridge.get("bridge_type")).lower() == "holding"
        step = f"{event.step}/{id_part(id or '-')}"
        if holding and word == "entered":
            queue = AgentOrQueue(id=name or id, name="") if name or id else None
            yield event.draft("cx.interaction.queued.v1", event.channel, step, queue=queue)
            return
        agent, left = agent_of(event.channel, event.connection), word == "left"
        there = bridge.get("channels")
        with_it = [Channel(text(each)) for each in there[:20] if text(each)] if isinstance(there, list) else []
        yield event.draft(
            "cx.interaction.routed.v1", event.channel, step, others=() if holding else with_it,
            threads=[f"bridge/{id}"] if id and not holding else (), agent=None if left else agent,
            out=agent if left else None, reason=f"{word} bridge {name}".strip(),
        )  # fmt: skip

    return mapper


def _blind(event: AriEvent) -> Iterator[Outcome]:
    by, whom = event.other("channel"), event.other("transferee")
    owner = whom or by
    if owner is None:
        yield event.lost("malformed BridgeBlindTransfer: it names no channel")
        return
    others = [by, event.other("replace_channel")]
    yield from _transfers(event, owner, others, Transfer(to=event.field("exten"), kind="blind"), by)


def _attended(event: AriEvent) -> Iterator[Outcome]:
    one, two = event.other("transferer_first_leg"), event.other("transferer_second_leg")
    whom, target = event.other("transferee"), event.other("transfer_target")
    owner = whom or one or two
    if owner is None:
        yield event.lost("malformed BridgeAttendedTransfer: it names no channel")
        return
    to = target.number if target is not None else event.field("destination_application")
    transfer = Transfer(to=to, kind="attended", agent=agent_of(target, event.connection))
    yield from _transfers(event, owner, [one, two, target, event.other("replace_channel")], transfer, one)


def _transfers(
    event: AriEvent, owner: Channel, others: list[Channel | None], transfer: Transfer, by: Channel | None
) -> Iterator[Outcome]:
    """Yield a transfer for each call that takes part: all are the customer's from now on."""
    result = event.field("result").lower()
    done = result in ("success", "")
    out = agent_of(by, event.connection) if done else None
    roots = [event.root(owner), *(event.root(each) for each in others if each is not None)]
    for root in dict.fromkeys(roots) if done else roots[:1]:
        yield event.draft(
            "cx.interaction.transferred.v1" if done else "cx.interaction.routed.v1", owner, event.step,
            others=[*others, owner], transfer=transfer if done else None, agent=transfer.agent if done else None,
            out=out, reason="" if done else f"transfer: {result}", more="" if root == roots[0] else root,
        )  # fmt: skip


def _referred(event: AriEvent) -> Iterator[Outcome]:
    """Map a transfer that ARI is to carry out itself (PJSIP_TRANSFER_HANDLING(), "Introduction to ARI Transfer
    Handling")."""
    state = event.field("state").lower()
    to, by = obj(event.value.get("refer_to")), obj(event.value.get("referred_by"))
    source, whom = ari_channel(by.get("source_channel")), ari_channel(by.get("connected_channel"))
    owner = whom or source or (event.channel if event.channel.id else None)
    if owner is None:
        yield event.lost("malformed ChannelTransfer: it names no channel")
    elif state not in ("", "channel_answered"):
        yield Ignored("ChannelTransfer/going-on", IGNORED_ARI["ChannelTransfer/going-on"])
    else:
        wanted = text(obj(to.get("requested_destination")).get("destination"))
        target = ari_channel(to.get("destination_channel"))
        transfer = Transfer(to=wanted, kind="attended" if target is not None else "blind")
        yield from _transfers(
            event, owner, [source, target, ari_channel(to.get("connected_channel"))], transfer, source
        )


def _recording(event: AriEvent) -> Iterator[Outcome]:
    its = obj(event.value.get("recording"))
    where, _, id = text(its.get("target_uri")).partition(":")
    name = text(its.get("name"))
    if not id or where not in ("channel", "bridge"):
        yield event.lost(f"malformed {event.kind}: no channel or bridge is recorded")
        return
    took = its.get("duration")
    recording = Recording(
        id=name,
        url=f"recordings/stored/{name}/file" if name and event.kind == "RecordingFinished" else "",
        duration_ms=took * 1000 if isinstance(took, int) and not isinstance(took, bool) and 0 <= took < 10**6 else None,
        status={"RecordingStarted": "started", "RecordingFinished": "completed"}.get(event.kind, "failed"),
    )
    owner = Channel(id if where == "channel" else f"bridge/{id}")
    step = f"{event.kind}/{id_part(name or '-')}/{event.at}"
    threads = [f"bridge/{id}"] if where == "bridge" else []
    reason = text(its.get("cause"))
    yield event.draft(
        "cx.call.recording.v1", owner, step, people=[], threads=threads, recording=recording, reason=reason
    )


def _user_event(event: AriEvent) -> Iterator[Outcome]:
    name = event.field("eventname")
    if name.lower() not in event.connection.once(read_rules).user_events or not event.channel.id:
        yield Ignored("ChannelUserevent/undeclared", IGNORED_ARI["ChannelUserevent/undeclared"])
    else:
        step = first(obj(event.value.get("userevent")).get("step"), name)
        yield event.draft("cx.call.ivr_step.v1", event.channel, f"{event.step}/{id_part(name)}", step=step)


def _message(event: AriEvent) -> Iterator[Outcome]:
    """Map a SIP message (RFC 3428) that came by an endpoint to the outside. Its sender is whatever it says."""
    its, endpoint = obj(event.value.get("message")), obj(event.value.get("endpoint"))
    name = f"{text(endpoint.get('technology'))}/{text(endpoint.get('resource'))}"
    if not is_outside(Channel("-", name=name), event.connection):
        yield Ignored("TextMessageReceived/inside", IGNORED_ARI["TextMessageReceived/inside"])
        return
    sender, body = text(its.get("from")), text(its.get("body"))
    address = sender.partition("<")[2].partition(">")[0] or sender
    address = address.removeprefix("pjsip:").removeprefix("sip:").removeprefix("sips:").partition(";")[0]
    digest = sha256_hex(event.raw)[:16]
    identifiers = [Identifier(kind="sip", value=address.lower(), scope="")] if address else []
    yield make_draft(
        event.connection, "chat", "cx.message.received.v1", f"message/{id_part(event.at)}/{digest}",
        raw=event.raw, root=f"message/{id_part(address or '-')}", time=event.time, direction="inbound",
        participants=[Participant(role="customer", identifiers=identifiers)] if identifiers else [],
        references=[Reference(kind="thread", value=f"sip-message/{address}")] if address else [],
        message=Message(id=digest, text=body),
    )  # fmt: skip


_LEFT = "cx.interaction.ended of a call; cx.interaction.routed of a leg"
_ROUTED = "cx.interaction.routed.v1"
_BEGIN = "cx.interaction.started of a call; cx.interaction.routed of a leg"
_DONE = "cx.interaction.transferred of all its calls; cx.interaction.routed where it failed"
KINDS: Mapping[str, tuple[Mapper, str]] = {
    "ChannelCreated": (_begin, _BEGIN),
    "ChannelListed": (_begin, f"told by the hub's client, of a channel whose begin was not heard: {_BEGIN}"),
    "ChannelLost": (_lost, f"told by the hub's client, of a channel that is gone: {_LEFT}"),
    "StasisStart": (_stasis, _BEGIN),
    "ChannelStateChange": (_state, "cx.interaction.answered where a called channel is Up; else cx.interaction.routed"),
    "Dial": (_dial, "cx.interaction.routed, with the customer of an outbound call; cx.interaction.answered"),
    "ChannelDtmfReceived": (_key, "cx.call.dtmf"),
    "ChannelHold": (_plain("cx.interaction.held.v1"), "cx.interaction.held"),
    "ChannelUnhold": (_plain("cx.interaction.resumed.v1"), "cx.interaction.resumed"),
    "ChannelEnteredBridge": (_bridge("entered"), "cx.interaction.routed; cx.interaction.queued in a holding bridge"),
    "ChannelLeftBridge": (_bridge("left"), "cx.interaction.routed"),
    "BridgeBlindTransfer": (_blind, _DONE),
    "BridgeAttendedTransfer": (_attended, _DONE),
    "ChannelTransfer": (_referred, "cx.interaction.transferred"),
    "CallClaimed": (_plain(_ROUTED, "claimed"), "cx.interaction.routed"),
    "RecordingStarted": (_recording, "cx.call.recording"),
    "RecordingFinished": (_recording, "cx.call.recording"),
    "RecordingFailed": (_recording, "cx.call.recording"),
    "ChannelUserevent": (_user_event, "cx.call.ivr_step, of those that the setting user_events names"),
    "TextMessageReceived": (_message, "cx.message.received, by an endpoint to the outside"),
    "ChannelDestroyed": (_destroyed, f"{_LEFT}; cx.interaction.abandoned where its caller gave up"),
}  # fmt: skip

_WITHOUT_OWN_CHANNEL = frozenset({
    "Dial", "BridgeBlindTransfer", "BridgeAttendedTransfer", "ChannelTransfer", "RecordingStarted", "RecordingFinished",
    "RecordingFailed", "ChannelUserevent", "TextMessageReceived",
})  # fmt: skip


def map_event(event: AriEvent) -> Iterator[Outcome]:
    """Map an event of a kind that ``KINDS`` has."""
    if not event.channel.id and event.kind not in _WITHOUT_OWN_CHANNEL:
        yield event.lost(f"malformed {event.kind}: no channel")
    else:
        yield from KINDS[event.kind][0](event)

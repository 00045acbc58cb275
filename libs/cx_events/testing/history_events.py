"""Make events from the steps of a history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import cycle

import msgspec

from cx_events.codec import decode
from cx_events.continuity_tokens import ISSUED, REDEEMED
from cx_events.envelope import Data, Event
from cx_events.facts import decision_source
from cx_events.ids import IdSpace, NodeId, text_of
from cx_events.json_types import Json
from cx_events.stamp import StampedEvent
from cx_events.testing.builders import DAY, HOUR, SECOND, START, a_decision, an_event, fact_of
from cx_events.testing.history_steps import (
    AGENTS,
    IDENTIFIERS,
    INTERACTIONS,
    NEVER_LINK,
    TOKENS,
    CopyStep,
    DecisionStep,
    EventStep,
    Step,
    profile_of,
    weighed,
)
from cx_events.timestamps import Micros, format_time


def events_of(steps: Sequence[Step], ids: IdSpace, candidate_of: Callable[[NodeId], NodeId]) -> list[StampedEvent]:
    """Return the events that the steps describe, in the same order.

    ``candidate_of``: the id of the candidate that a shared profile yields.
    """
    made: list[StampedEvent] = []
    decisions = 0
    for place, step in enumerate(steps):
        if isinstance(step, EventStep):
            made.append(_event(step, f"e-{place}", ids))
        elif isinstance(step, DecisionStep):
            made.append(_decision(step, f"d-{decisions}", ids, candidate_of))
            decisions += 1
        elif made:
            made.append(_copy(step, made[-1 - step.of % len(made)], ids))
    return made


def _instants(at: int, delay: int) -> tuple[Micros, Micros]:
    return START + at * SECOND, START + (at + delay) * SECOND


def _event(step: EventStep, id: str, ids: IdSpace) -> StampedEvent:
    at, recorded = _instants(step.at, step.delay)
    interaction, channel = ("", "web") if step.contact is None else INTERACTIONS[step.contact]
    return an_event(
        step.type,
        id=id,
        source=f"//acme.example/{channel}",
        at=at,
        recorded=recorded,
        interaction=interaction,
        channel=channel,
        identifiers=[
            weighed(one, weight, verified=step.verified)
            for one, weight in zip(step.who, cycle(step.weights), strict=False)
        ],
        sequence=step.sequence,
        data=step.fields,
        ids=ids,
    )


def _decision(step: DecisionStep, id: str, ids: IdSpace, candidate_of: Callable[[NodeId], NodeId]) -> StampedEvent:
    at, recorded = _instants(step.at, step.delay)
    a, b = profile_of(step.a, ids), profile_of((step.a + 1 + step.b) % len(IDENTIFIERS), ids)
    interaction, channel = INTERACTIONS[step.contact]
    about = a
    fields: Json = {"agent": AGENTS[step.a % 2], "reason": step.text}
    match step.type:
        case "cx.identity.merged.v1" | "cx.identity.apart":
            fields["identity"] = {"a": text_of(a), "b": text_of(b)}
        case "cx.identity.unmerged.v1":
            fields["identity"] = {"decision": f"{decision_source(ids.tenant)}#d-{step.earlier}"}
        case "cx.identity.attributed.v1":
            fields["identity"] = {"interaction": interaction, "profile": text_of(a)}
        case "cx.identity.candidate_dismissed.v1":
            fields["identity"] = {"candidate": text_of(candidate_of(a))}
        case "cx.identity.rules_changed.v1":
            about = ids.tenant_node()
            fields["identity"] = {"rules": {"shared_after": {"phone": step.b % 3}, "never_link": list(NEVER_LINK)}}
        case _:
            hour = ((START + step.named_at * SECOND) // HOUR).to_bytes(8, "big", signed=True)
            part_id = ids.part_id(a, ids.interaction(interaction), hour)
            fields |= {"interaction": interaction, "channel": channel, "conversation": {"id": text_of(part_id)}}
            if step.type == "cx.conversation.linked.v1":
                other = ids.part_id(b, ids.interaction(INTERACTIONS[step.other_contact][0]), hour)
                fields["conversation"]["other"] = text_of(other)
            elif step.type == ISSUED:
                lasting = (HOUR // SECOND, 3 * DAY // SECOND)[step.earlier % 2]
                fields["token"] = {
                    "id": TOKENS[step.b % len(TOKENS)],
                    "lifetime_s": lasting,
                    "single_use": step.earlier < 3,
                }
            elif step.type == REDEEMED:
                fields["references"] = [{"kind": "token", "value": TOKENS[step.b % len(TOKENS)]}]
            elif step.type in _TEXT_FIELDS:
                fields[_TEXT_FIELDS[step.type]] = step.text
            else:
                fields |= _act(step, f"{decision_source(ids.tenant)}#d-{step.earlier}")
    type = "cx.identity.unmerged.v1" if step.type == "cx.identity.apart" else step.type
    return a_decision(type, id=id, about=about, at=at, recorded=recorded, data=fields, ids=ids)


_TEXT_FIELDS = {
    "cx.conversation.topic.v1": "topic",
    "cx.conversation.note.v1": "note",
    "cx.conversation.disposition.v1": "disposition",
}


def _act(step: DecisionStep, earlier: str) -> Json:
    """Return what an act holds. ``earlier``: the decision that it may name, which may be another's or none."""
    match step.type:
        case "cx.conversation.promised.v1" if step.b % 3 == 0:
            return {"promise": {"of": earlier, "kept": step.b % 2 == 0}}
        case "cx.conversation.promised.v1":
            return {"promise": {"text": step.text, "due": format_time(START + DAY) if step.b % 2 else ""}}
        case "cx.conversation.assigned.v1":
            return {"assignee": AGENTS[step.b % 2]}
        case "cx.conversation.snoozed.v1":
            return {"until": format_time(START + DAY) if step.b % 2 else ""}
        case "cx.conversation.undone.v1":
            return {"undoes": earlier}
    return {}


def _copy(step: CopyStep, original: StampedEvent, ids: IdSpace) -> StampedEvent:
    """Return a changed copy. Not made from a step: a provider may send anything under an id that it used before."""
    fact = fact_of(original, ids)
    event: Event = msgspec.structs.replace(fact.event, recordedtime=format_time(fact.recorded + step.delay * SECOND))
    if step.change == "text":
        words = {"id": event.id, "text": "said otherwise", "content_type": "text/plain"}
        event = msgspec.structs.replace(event, data=_with(event.data, {"message": words}))
    elif step.change == "home":
        elsewhere = profile_of(0, ids)
        people = (
            [] if event.partitionkey == elsewhere.hex() else [{"role": "customer", "identifiers": [IDENTIFIERS[0]]}]
        )
        stream_id = elsewhere if people else ids.lone_event(event.source, event.id)
        data = _with(event.data, {"participants": people, "interaction": "" if not people else event.data.interaction})
        event = msgspec.structs.replace(event, data=data, partitionkey=stream_id.hex())
    raw = msgspec.json.encode(event)
    decode(raw)
    return StampedEvent(event.source, event.id, event.partitionkey.encode(), raw)


def _with(data: Data, changes: Json) -> Data:
    return msgspec.convert({**msgspec.to_builtins(data), **msgspec.to_builtins(changes)}, Data)

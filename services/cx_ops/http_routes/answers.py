"""Describe the operators' answers, by the names that routes refer to."""

from __future__ import annotations

from collections.abc import Mapping

from cx_context.store.lag_samples import WorkerReport
from cx_events.dead_letters import DeadLetter
from cx_events.json_types import Json
from cx_events.schema_shapes import (
    EVENT_NAME,
    FLAG,
    FREE,
    ID,
    TEXT,
    TEXT_OR_NONE,
    TIME,
    TIME_OR_NONE,
    WHOLE,
    array,
    meaning,
    members,
    named,
    or_none,
    ref,
    values,
    words,
)
from cx_ops.dead_letters.groups import LetterGroup
from cx_ops.event_pages.changes import EventChanges
from cx_ops.lag import Lag
from cx_ops.projectors.states import LagMinute, ProjectorState
from cx_ops.rebuild.plan import Plan
from cx_ops.rebuild.record import RebuildRecord
from cx_ops.replay.asked import ReplayActRequest, ReplayRequest
from cx_ops.replay.plan import ReplayPlan
from cx_ops.replay.state import ReplayState
from cx_runtime.openapi.struct_schemas import schemas_of

NEXT: Json = {**TEXT_OR_NONE, "description": "The cursor of the next page; null after the last."}

_LETTER_STATE = words("failed", "waiting", "discarded")

_LETTER_LINE = named(
    "DeadLetterLine",
    {"id": TEXT, "stage": TEXT, "reason": TEXT, "recorded": TIME, "place": TEXT, "state": _LETTER_STATE},
    {
        "source": TEXT,
        "detail": TEXT,
        "connection": TEXT,
        "group": TEXT,
        "withheld": {**FLAG, "description": "True: it names no tenant, and others have tenants here, too."},
    },
)
_DISCARD = named("DeadLetterDiscard", {"at": TIME, "writer": TEXT, "reason": TEXT})
_LETTERS_LEFT: Mapping[str, Json] = {
    "count": {**WHOLE, "description": "How many it was done to; absent where one was named by its id."},
    "refused": {**values(WHOLE), "description": "How many can't be, by reason."},
    "more": {**FLAG, "description": "Others are left: the same request goes on with them."},
}

_RECORD = named(
    "LogRecord",
    {"topic": TEXT, "partition": WHOLE, "offset": WHOLE, "time": TIME_OR_NONE, "bytes": WHOLE},
    {
        "key": TEXT_OR_NONE,
        "tenant": TEXT_OR_NONE,
        "line": {**TEXT, "description": "One line for people."},
        "value": {"description": "The value, where it is JSON."},
        "raw": {**TEXT, "description": "The value as it lies on the log, where it is text."},
        "raw_base64": {**TEXT, "description": "The value, where it is no text."},
        "cut": {**FLAG, "description": "True: the value is too large for a list."},
        "withheld": {**FLAG, "description": "True: it names no tenant, and others have tenants here, too."},
    },
)

_PLACE = named("EventPlace", {"topic": TEXT, "partition": WHOLE, "offset": WHOLE, "stored": TIME})
_EVENT_PAGE = members(
    {
        "source": TEXT,
        "id": TEXT,
        "envelope": meaning(FREE, "The attributes that are set, without `data`."),
        "raw": {**TEXT, "description": "The event as it lies on the log."},
        "bytes": WHOLE,
        "origin": named(
            "EventOrigin", {"writer": TEXT_OR_NONE}, {"key": TEXT, "connection": TEXT, "provider": TEXT_OR_NONE}
        ),
        "place": or_none(_PLACE),
        "trace_id": TEXT_OR_NONE,
        "effective": TIME,
        "recorded": TIME,
        "problem": TEXT_OR_NONE,
        "part": ID,
        "changes": ref("EventChanges"),
        "other_copies": array(named("OtherCopy", {"recorded": TIME, "raw": TEXT})),
        "dead_letters": array(named("DeadLetterOfEvent", {"stage": TEXT, "reason": TEXT, "detail": TEXT})),
    }
)

_SUBSCRIPTION: Mapping[str, Json] = {
    "tenant": TEXT,
    "id": TEXT,
    "state": TEXT,
    "why": TEXT,
    "topic": TEXT,
    "url": TEXT,
    "filter": TEXT,
    "delivered": WHOLE,
    "behind": WHOLE,
    "waiting_keys": WHOLE,
    "oldest_failure": TIME_OR_NONE,
    "last_error": TEXT,
    "dead_letter_count": WHOLE,
}
_SUBSCRIPTION_PARTS: Mapping[str, Json] = {
    "partitions": array(
        named("SubscriptionPartition", {"number": WHOLE, "next_offset": WHOLE, "delivered": WHOLE, "owner": TEXT})
    ),
    "waiting": array(
        named(
            "WaitingKey",
            {
                "partition": WHOLE,
                "key": TEXT,
                "offset": WHOLE,
                "failures": WHOLE,
                "first_failed": TIME_OR_NONE,
                "next_attempt": TIME_OR_NONE,
                "reason": TEXT,
                "detail": TEXT,
            },
        )
    ),
    "dead_letters": array(
        named(
            "UndeliveredRecord",
            {
                "partition": WHOLE,
                "offset": WHOLE,
                "failures": WHOLE,
                "first_failed": TIME_OR_NONE,
                "last_failed": TIME_OR_NONE,
                "reason": TEXT,
                "detail": TEXT,
                "wanted": FLAG,
            },
        )
    ),
}

_OF_EVENT: Mapping[str, Json] = {"time": TIME, "source": TEXT, "id": TEXT}
_POLLER = named(
    "PollerState",
    {
        "owner": {**TEXT, "description": "The process that runs it; empty where none does."},
        "state": words("connecting", "connected", "waiting", "retrying", "refused", "stopped", "not running"),
        "since": TIME_OR_NONE,
        "heard_at": {**TIME_OR_NONE, "description": "The vendor was there."},
        "came_at": {**TIME_OR_NONE, "description": "Something was accepted."},
        "accepted": {**WHOLE, "description": "What was accepted since the process began with it."},
        "lag_seconds": or_none({"type": "number", "description": "For which the latest had waited at the vendor."}),
        "last_failure": or_none(named("PollerFailure", {"time": TIME_OR_NONE, "reason": TEXT, "detail": TEXT})),
        "problem": or_none(
            named("PollerProblem", {"level": words("warning", "error"), "reason": TEXT, "detail": TEXT})
        ),
    },
    about="Where the vendor is asked by a poller or stream.",
)
_CONNECTION = named(
    "ConnectionLine",
    {
        "id": TEXT,
        "provider": TEXT,
        "lacks": array(
            named(
                "ConnectionGap",
                {
                    "reason": TEXT,
                    "detail": TEXT,
                    "works": {**FLAG, "description": "True: it still takes what comes, though less is made of it."},
                },
            )
        ),
        "is_failing": {**FLAG, "description": "What came last could not be used."},
        "last_event": or_none(named("LastEvent", {**_OF_EVENT, "type": TEXT})),
        "last_error": or_none(
            named("LastError", {**_OF_EVENT, "stage": TEXT, "reason": TEXT, "detail": TEXT}, about="A dead letter.")
        ),
        "poller": or_none(_POLLER),
    },
)
_LOOKED_BACK: Json = {
    **TIME_OR_NONE,
    "description": "Events before then were not looked for; null where all were, or each connection has one.",
}

_FOLD = named("FoldVersions", {"stored": array(WHOLE), "outdated": FLAG, "told": TEXT})


def schemas() -> dict[str, Json]:
    """Return all answers, and what stands in them."""
    structs = schemas_of([Lag, ProjectorState, WorkerReport, LagMinute, LetterGroup, EventChanges, Plan], names=_NAMES)
    records = schemas_of([RebuildRecord], "Rebuild")
    record = records.pop("RebuildRebuildRecord")
    return {
        **structs,
        **records,
        "LagList": _items("Lag"),
        "ProjectorList": members({"items": array(ref("ProjectorState")), "workers": array(ref("WorkerReport"))}),
        "LagHistory": _items("LagMinute"),
        "EventPage": _EVENT_PAGE,
        "LogPage": members({"items": array(_RECORD), "next": NEXT, "scanned": WHOLE, "at_end": FLAG}),
        "DeadLetterPage": members({"items": array(_LETTER_LINE), "next": NEXT}),
        "DeadLetterGroups": _items("LetterGroup"),
        "DeadLetters": _items("DeadLetter"),
        "DeadLetter": _letter(),
        "DeadLettersRetried": members({"retried": array(EVENT_NAME)}, _LETTERS_LEFT),
        "DeadLettersDiscarded": members({"discarded": array(EVENT_NAME)}, _LETTERS_LEFT),
        "SubscriptionList": members({"items": array(named("SubscriptionLine", _SUBSCRIPTION))}),
        "Subscription": members({**_SUBSCRIPTION, **_SUBSCRIPTION_PARTS}),
        "ConnectionList": members({"items": array(_CONNECTION), "looked_back_to": _LOOKED_BACK}),
        "SubscriptionState": members({"id": TEXT, "state": words("running", "paused")}),
        "SubscriptionRetry": members({"id": TEXT, "waiting_keys": WHOLE, "dead_letters": WHOLE}),
        "Rebuild": {
            **record,
            "required": ["subject", "phase", "owner", "wanted", "fold", *record["required"]],
            "properties": {
                "subject": TEXT,
                "phase": TEXT,
                "owner": {**TEXT, "description": "The process that works on it; empty where none does."},
                "wanted": TEXT,
                "fold": _FOLD,
                **record["properties"],
            },
        },
        **_replays(),
        "RebuildList": members({"items": array(ref("Rebuild")), "fold": _FOLD}),
    }


def _replays() -> dict[str, Json]:
    """Return the schemas of replays: the state of one, with what is told beside it, and what is asked."""
    found = schemas_of(
        [ReplayState, ReplayPlan, ReplayRequest, ReplayActRequest],
        names={"ReplayState": "Replay", "Asked": "ReplayAsked"},
    )
    state = found["Replay"]
    phase = words(*state["properties"]["phase"]["enum"], "broken off")
    found["Replay"] = {
        **state,
        "properties": {**state["properties"], "phase": phase, "records": WHOLE, "target": TEXT},
    }
    return {**found, "ReplayList": _items("Replay")}


def _letter() -> Json:
    """Return the schema of a dead letter, as it lies on the log but for the discard that tells who decided it."""
    letter = schemas_of([DeadLetter])["DeadLetter"]
    return {**letter, "properties": {**letter["properties"], "discarded": {"anyOf": [FLAG, _DISCARD]}}}


_NAMES = {"State": "ProjectorCondition", "Plan": "RebuildPlan", "NamedProfile": "ProfileOfEvent"}
"""Names that tell more outside of their modules."""


def _items(name: str) -> Json:
    return members({"items": array(ref(name))})

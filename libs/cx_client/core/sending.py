"""Send events: batched, again where that helps, each with its own outcome."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cx_client.core.asking import Patience, ask, error_of
from cx_client.core.batches import EncodedEvent, batch_request, encode_event, in_batches
from cx_client.core.errors import HubRefused, HubUnavailable, Remainder, SendingRefused, SendingUnavailable
from cx_client.core.exchanges import Answer, Operation
from cx_client.core.outcomes import EventName, Rejected, Sent, Warned
from cx_events.errors import Refused
from cx_events.json_types import Json

_ONE_OF_THEM = frozenset({400, 413, 422})
"""Statuses of a whole batch for which one event in it may be to blame."""


@dataclass(slots=True)
class _Outcomes:
    accepted: list[EventName] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    stored: list[Json] = field(default_factory=list)

    def so_far(self) -> Sent:
        rejected = sorted(self.rejected, key=lambda one: one.index)
        return Sent(tuple(self.accepted), tuple(rejected), tuple(self.warnings), tuple(self.stored))

    def add(self, batch: Sequence[EncodedEvent], answer: Answer) -> bool:
        """Add a hub's answer, and return whether it is one: it must account for every event of the batch."""
        body = answer.json()
        accepted, rejected = body.get("accepted"), body.get("rejected")
        if not isinstance(accepted, list) or not isinstance(rejected, list):
            return False
        if answer.status not in (200, 202, 422) or len(accepted) + len(rejected) != len(batch):
            return False
        self.accepted += [EventName(one["source"], one["id"]) for one in accepted]
        for one in rejected:
            at = batch[one["index"]]
            self.rejected.append(Rejected(at.index, at.event, one["reason"], one.get("detail", "")))
        for one in body.get("warnings", ()):
            self.warnings.append(Warned(batch[one["index"]].index, one["place"], one["nearest"], one["detail"]))
        self.stored += body.get("events", ())
        return True


def send_events(events: Iterable[Mapping[str, Any]], patience: Patience, *, dry_run: bool = False) -> Operation[Sent]:
    """Send events in order, and return the outcome of each.

    The same bytes are sent again after 429, 5xx and failures of the network: a hub knows an event by its source and id.
    A batch that is refused as a whole for its content is halved until the event that is to blame stands alone. Raises
    ``SendingRefused`` and ``SendingUnavailable``, which hold what was not sent.
    """
    outcomes = _Outcomes()
    encoded: list[EncodedEvent] = []
    for index, event in enumerate(events):
        try:
            encoded.append(encode_event(event, index))
        except Refused as refused:
            given = dict(event) if isinstance(event, Mapping) else {}
            outcomes.rejected.append(Rejected(index, given, refused.reason, refused.detail))
    return (yield from _send(encoded, outcomes, patience, dry_run))


def send_encoded(encoded: Sequence[EncodedEvent], patience: Patience) -> Operation[Sent]:
    """Send events that are JSON already; otherwise as ``send_events``."""
    return (yield from _send(encoded, _Outcomes(), patience, dry_run=False))


def _send(encoded: Sequence[EncodedEvent], outcomes: _Outcomes, patience: Patience, dry_run: bool) -> Operation[Sent]:
    waiting = deque(in_batches(encoded))
    while waiting:
        batch = waiting[0]
        try:
            answer = yield from ask(batch_request(batch, dry_run=dry_run), patience)
            settled = outcomes.add(batch, answer)
            if not settled and answer.status in (200, 202):
                raise HubUnavailable("not-a-hub", "the answer does not tell what became of each event")
        except HubUnavailable as error:
            raise SendingUnavailable(error, _remainder(outcomes, waiting)) from None
        waiting.popleft()
        if settled:
            continue
        refused = error_of(answer)
        if answer.status in _ONE_OF_THEM and len(batch) > 1:
            half = len(batch) // 2
            waiting.extendleft([batch[half:], batch[:half]])
        elif answer.status in _ONE_OF_THEM and isinstance(refused, HubRefused):
            outcomes.rejected.append(Rejected(batch[0].index, batch[0].event, refused.reason, refused.detail))
        else:
            waiting.appendleft(batch)
            assert isinstance(refused, HubRefused)  # the others were asked again
            raise SendingRefused(refused, _remainder(outcomes, waiting))
    return outcomes.so_far()


def _remainder(outcomes: _Outcomes, waiting: Iterable[Sequence[EncodedEvent]]) -> Remainder:
    return Remainder(outcomes.so_far(), tuple(each.event for batch in waiting for each in batch))


def send_event(event: Mapping[str, Any], patience: Patience) -> Operation[EventName]:
    """Send one event, and return its name once it is durable. Raises ``HubRefused``, ``HubUnavailable``."""
    sent = yield from send_events([event], patience)
    for rejected in sent.rejected:
        status = 413 if rejected.reason == "too-large" else 422
        raise HubRefused(rejected.reason, rejected.detail, status)
    return sent.accepted[0]

"""Events of a hub's first weeks, the same in every run, from a seed: nearly everybody is new. Pure.

About 800 bytes each; ten times as many as customers, who are unevenly busy. Everybody has a mail address, named in
each event, a phone, named in calls and short messages, and three cookies, of which every second event names one; one
event in a hundred is sent twice. In 200,000 events of 20,000 customers some 71,000 identifiers are seen for the first
time.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from itertools import accumulate

from tests.bench.workload import IDS, WORDS, Workload

from cx_events.envelope import AgentOrQueue, Data, Draft, Identifier, Message, Participant, Survey
from cx_events.facts import connection_source
from cx_events.stamp import stamp
from cx_events.timestamps import parse_time

EVENTS_A_CUSTOMER = 10

_STEP = 10_000
_COOKIES = 3
_COOKIE_SHARE = 0.5
_SENT_TWICE = 0.01
_SENT_AGAIN_AFTER = 100
_OPEN_AT_ONCE = 3
_OPENED_ANEW = 0.15
_START = parse_time("2026-11-23T09:00:00Z")

_KINDS = (
    ("cx.message.received.v1", ("chat", "sms", "chat"), 42),
    ("cx.message.received.v1", ("email",), 16),
    ("cx.interaction.started.v1", ("voice",), 8),
    ("cx.interaction.ended.v1", ("voice",), 8),
    ("cx.interaction.routed.v1", ("chat", "voice", "email"), 8),
    ("cx.interaction.ended.v1", ("chat", "voice", "email"), 8),
    ("cx.social.mention.v1", ("social",), 6),
    ("cx.survey.answered.v1", ("web",), 4),
)
"""(type, channels, weight)"""

_WEIGHTS = list(accumulate(weight for *_, weight in _KINDS))


def make_dense_workload(events: int, *, mail_only: bool = False, seed: int = 14) -> Workload:
    """Return events of a tenth as many customers. ``mail_only``: the same events, without phones and cookies."""
    dice = random.Random(seed)
    customers = max(events // EVENTS_A_CUSTOMER, 1)
    busy = list(accumulate((rank + 10) ** -0.8 for rank in range(customers)))
    order = dice.sample(range(customers), customers)
    people = [_Person(number) for number in range(customers)]
    records: list[tuple[bytes, bytes]] = []
    repeats: deque[tuple[int, tuple[bytes, bytes]]] = deque()
    named: set[tuple[str, str]] = set()
    counts: Counter[bytes] = Counter()
    size = 0
    for number, who in enumerate(dice.choices(order, cum_weights=busy, k=events)):
        draft, identifiers = people[who].next(number, dice, mail_only=mail_only)
        named.update((each.kind, each.value) for each in identifiers)
        counts[IDS.profile("email", "", identifiers[0].value)] += 1
        at = _START + number * _STEP
        draft.time = at
        stamped = stamp(draft, source=connection_source("acme", "first-weeks"), recorded=at, ids=IDS)
        size += len(stamped.raw)
        record = (stamped.key, stamped.raw)
        records.append(record)
        while repeats and repeats[0][0] <= number:
            records.append(repeats.popleft()[1])
        if dice.random() < _SENT_TWICE:
            repeats.append((number + _SENT_AGAIN_AFTER, record))
    records += [record for _, record in repeats]
    return Workload(records, events, size, len(named), len(counts), dict(counts))


class _Person:
    """One customer, with the contacts that are open."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._open: list[str] = []
        self._made = 0

    def next(self, number: int, dice: random.Random, *, mail_only: bool) -> tuple[Draft, list[Identifier]]:
        """Return this person's next event, and who is named in it: the mail address first."""
        ((kind, channels, _),) = dice.choices(_KINDS, cum_weights=_WEIGHTS)
        channel = dice.choice(channels)
        identifiers = [Identifier(kind="email", value=f"person{self._number}@example.com")]
        cookie = dice.randrange(_COOKIES) if dice.random() < _COOKIE_SHARE else None
        if not mail_only:
            if cookie is not None:
                identifiers.append(Identifier(kind="cookie", value=f"visit-{self._number}-{cookie}"))
            if channel in ("voice", "sms"):
                identifiers.append(Identifier(kind="phone", value=f"+1617{2_000_000 + self._number}"))
        at = dice.randrange(len(WORDS) // 2)
        text = WORDS[at : at + 100 + dice.randrange(80)]
        data = Data(
            channel=channel,  # type: ignore[arg-type]  # one of the field's own
            interaction=self._contact(dice, ends=kind.endswith("ended.v1")),
            direction="inbound",
            participants=[Participant(role="customer", identifiers=identifiers)],
        )
        if kind.startswith(("cx.message", "cx.social")):
            data.message = Message(id=str(number), text=text, content_type="text/plain")
        else:
            data.note = text
        if kind.startswith("cx.survey"):
            data.survey = Survey(metric="nps", score=dice.randint(0, 10))
        if kind.endswith("routed.v1"):
            data.agent = AgentOrQueue(id=f"agent-{dice.randrange(200)}")
        return Draft(type=kind, id=f"{dice.getrandbits(128):032x}", data=data), identifiers

    def _contact(self, dice: random.Random, *, ends: bool) -> str:
        """Return one of the contacts that are open, or a new one; it is closed where the event ends it."""
        if not self._open or (len(self._open) < _OPEN_AT_ONCE and dice.random() < _OPENED_ANEW):
            self._made += 1
            self._open.append(f"contact-{self._number}-{self._made}")
        contact = dice.choice(self._open)
        if ends:
            self._open.remove(contact)
        return contact

"""The events of the benchmarks: the same in every run, from a seed. Pure.

About 650 bytes each; 20,000 customers, unevenly busy; a third of them with three identifiers, which lie on different
partitions; one event in a hundred is sent twice, one in a hundred tells of something minutes ago.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from zlib import crc32

import msgspec

from cx_events.envelope import Data, Draft, Identifier, Message, Participant
from cx_events.facts import connection_source
from cx_events.ids import IdSpace
from cx_events.stamp import stamp
from cx_events.timestamps import parse_time

ID_KEY = "acme benchmark key"
IDS = IdSpace("acme", ID_KEY.encode())
CUSTOMERS = 20_000
PARTITIONS = 8
STANDARD_HOT_SHARE = 0.02
EVENTS_AN_INTERACTION = 8
SKEW = 2.5
STEP = 10_000

_SENT_TWICE = 0.01
_LATE = 0.01
_SECOND = 1_000_000
_START = parse_time("2026-11-22T10:00:00Z")
_SOURCE = connection_source("acme", "web")
WORDS = (
    "I was charged twice for my order and nobody answers the telephone; the parcel was to come on Monday, but the "
    "tracking page still says that a label was made. Could somebody please look at it before the end of the week? "
)


@dataclass(frozen=True, slots=True)
class Workload:
    """``records``: (key, value) in the order of the log, copies included. The rest is what a store must end with:
    distinct events, the bytes of those, identifiers named, customers that these make; ``people``, where everybody is
    named by a mail address in each event: distinct events by the profile of that address."""

    records: list[tuple[bytes, bytes]]
    events: int
    raw_bytes: int
    profiles: int
    customers: int
    people: Mapping[bytes, int] = field(default_factory=dict)

    @property
    def mean_bytes(self) -> float:
        return self.raw_bytes / self.events


def make_workload(
    events: int,
    hot_share: float = STANDARD_HOT_SHARE,
    seed: int = 4,
    *,
    customers: int = CUSTOMERS,
    skew: float = SKEW,
    step: int = STEP,
    in_turn: bool = False,
) -> Workload:
    """``hot_share``: how much of all events is one customer's, over its three identifiers. ``skew``: 1 for customers
    that are evenly busy; ``in_turn``: of whom each has as many events as the others. ``step``: µs from one event to the
    next."""
    dice = random.Random(seed)
    records: list[tuple[bytes, bytes]] = []
    repeats: deque[tuple[int, tuple[bytes, bytes]]] = deque()
    written = [0] * customers
    named: set[Identifier_] = set()
    tied: set[tuple[Identifier_, Identifier_]] = set()
    size = 0
    for number in range(events):
        if in_turn:
            customer = number % customers
        else:
            customer = 0 if dice.random() < hot_share else int(customers * dice.random() ** skew)
        identifiers = _identifiers(customer, dice)
        known = [(i.kind, i.value) for i in identifiers]
        named.update(known)
        tied.update((known[0], other) for other in known[1:])
        record = _event(_START + number * step, number, customer, written[customer], identifiers, dice)
        written[customer] += 1
        size += len(record[1])
        records.append(record)
        while repeats and repeats[0][0] <= number:
            records.append(repeats.popleft()[1])
        if dice.random() < _SENT_TWICE:
            repeats.append((number + 100, record))
    records += [record for _, record in repeats]
    return Workload(records, events, size, len(named), len(named) - len(tied))


Identifier_ = tuple[str, str]
"""(kind, value)"""


def _identifiers(customer: int, dice: random.Random) -> list[Identifier]:
    """One address for most; of every third customer an account, an address and a cookie, alone or with the account."""
    if customer % 3:
        return [Identifier(kind="email", value=f"c{customer}@example.com")]
    account, email, cookie = _three_partitions(customer)
    return dice.choice(([account], [email], [cookie], [account, email], [account, cookie]))


def _three_partitions(customer: int) -> list[Identifier]:
    """Three identifiers of one person whose events lie on three partitions."""
    taken: set[int] = set()
    found = []
    for kind, pattern in (("account", "a{}-{}"), ("email", "c{}.{}@example.com"), ("cookie", "k{}-{}")):
        for attempt in range(100):
            value = pattern.format(customer, attempt)
            partition = crc32(IDS.profile(kind, "", value).hex().encode()) % PARTITIONS
            if partition not in taken:
                taken.add(partition)
                found.append(Identifier(kind=kind, value=value))
                break
    return found


def _event(
    recorded: int, number: int, customer: int, written: int, identifiers: list[Identifier], dice: random.Random
) -> tuple[bytes, bytes]:
    inbound = written % 3 != 2
    text = WORDS[: dice.randint(20, 180)]
    id = f"SM{number:08d}"
    interaction, at_start = f"chat-{customer}-{written // EVENTS_AN_INTERACTION}", written % EVENTS_AN_INTERACTION == 0
    data = Data(
        channel="chat",
        interaction=interaction,
        direction="inbound" if inbound else "outbound",
        participants=[Participant(role="customer", identifiers=identifiers)],
        message=None if at_start else Message(id=id, text=text, content_type="text/plain"),
        raw=msgspec.Raw(msgspec.json.encode({"sid": id, "status": "received", "room": interaction, "seq": written})),
    )
    happened = "started" if at_start else "received" if inbound else "sent"
    draft = Draft(
        type="cx.interaction.started.v1" if at_start else f"cx.message.{happened}.v1",
        id=f"{id}:{happened}",
        data=data,
        time=recorded - (dice.randint(60, 600) if dice.random() < _LATE else 0) * _SECOND,
    )
    stamped = stamp(draft, source=_SOURCE, recorded=recorded, ids=IDS)
    return stamped.key, stamped.raw

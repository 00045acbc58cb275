"""Pages of lists and of search over HTTP, by a bare endpoint that reads one row by its key.

``lists``: conversations of all customers by each filter and order. ``search``: words in messages (common, rare, begun,
several), and customers by name, number and address.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

import asyncpg
import msgspec
from tests.api import Projector
from tests.bench import requests as made
from tests.bench.contexts import Apply, Stage, on_stage
from tests.bench.report import Result, slower
from tests.bench.running import Asked, Report, done, race, say
from tests.bench.servers import fresh_database, plain
from tests.bench.services import KEY
from tests.bench.workload import IDS, PARTITIONS

from cx_context.store import Store, open_store
from cx_events.envelope import AgentOrQueue, Data, Draft, Identifier, Message, Participant
from cx_events.errors import Fatal
from cx_events.facts import connection_source
from cx_events.log import INTERACTIONS, Record
from cx_events.log.sqlite import SqliteLog
from cx_events.stamp import stamp
from cx_events.timestamps import parse_time
from cx_identity.rules import DEFAULT
from cx_projectors.listing.refresh import Terms
from cx_projectors.listing.worker import Lists
from cx_projectors.tenancy import Tenancy

LISTING = ("lists", "search")
TARGET = 5.0
CLIENTS = 8
REQUESTS = 4_000
WINDOW = 72 * 3_600_000_000
QUEUES, AGENTS, VOCABULARY, READ = 12, 60, 30_000, 500
MESSAGES_EACH = 10
"""Of a customer, in conversations of up to five, a week apart."""

_SOURCE = connection_source(IDS.tenant, "web")
_START = parse_time("2026-06-01T08:00:00Z")
_MINUTE, _WEEK = 60_000_000, 7 * 24 * 3_600_000_000
_AT_ONCE = 2_000
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va")


async def listing(asked: Asked) -> Report:
    report: Report = {}
    async with _stage(asked) as stage:
        for name in asked.names:
            requests = list(_lists(*_desks(asked.events)) if name == "lists" else _searches(asked.events))

            async def ours(requests: Sequence[bytes] = requests) -> Result:
                asked_for = min(REQUESTS, 2 * asked.events)
                return await stage.read([requests[at % len(requests)] for at in range(asked_for)], check=_found)

            await ours()
            results = await race(asked.rounds, {"hub": ours, "floor": stage.bare_rows})
            found = slower(TARGET, results["hub"], results["floor"], ("hub", "floor"))
            report |= done(name, found | {"messages": asked.events, "requests": len(requests)})
    return report


def _found(answers: list[bytes]) -> None:
    empty = sum(not msgspec.json.decode(made.body_of(answer))["items"] for answer in answers[:200])
    if empty * 4 > len(answers[:200]):
        raise Fatal(f"{empty} of 200 pages have no item: nothing was looked for")


def _desks(messages: int) -> tuple[int, int]:
    """Return how many queues and agents there are: few messages would leave most of many with nothing."""
    return min(QUEUES, messages // 2_000 + 1), min(AGENTS, messages // 500 + 1)


def _lists(queues: int, agents: int) -> Iterator[bytes]:
    for query in (
        "?", "?order=opened", "?order=waiting", "?state=open", "?state=resolved&order=opened", "?channel=sms",
        *(f"?queue=queue-{number}&order=waiting" for number in range(queues)),
        *(f"?agent=agent-{number}" for number in range(agents)),
        "?channel=chat&state=open&waiting=true", "?queue=queue-0&channel=chat",
    ):  # fmt: skip
        yield made.get(f"/v1/conversations{query}&limit=20", KEY)


def _searches(messages: int) -> Iterator[bytes]:
    """Yield searches of which most find something, also where there are few messages."""
    dice, people = random.Random(2), min(messages // MESSAGES_EACH, 100)
    rare = (50, 400) if messages >= 20_000 else (8, 24)
    for _ in range(40):
        common, rarer = word(dice.randrange(8)), word(dice.randrange(*rare))
        person = dice.randrange(max(people, 1))
        for within, q in (
            ("messages", common), ("messages", rarer), ("messages", rarer[:4]), ("messages", f"{common} {rarer}"),
            ("customers", f"given{person % 50} fam"), ("customers", f"0000{person:03}"),
            ("customers", f"person{person}@"),
        ):  # fmt: skip
            yield made.get(f"/v1/search?q={quote(q)}&in={within}&limit=20", KEY)


def word(rank: int) -> str:
    """The word of a rank: the lower, the more common."""
    text, left = "", rank + 16
    while left:
        left, at = divmod(left, 16)
        text += _SYLLABLES[at]
    return text


def events(messages: int) -> Iterator[Record]:
    """So many messages, most of two customers in chats and short messages, some queued, answered and resolved."""
    dice = random.Random(1)
    ranks = [1 / (rank + 1) for rank in range(VOCABULARY)]
    cumulative, total = [], 0.0
    for weight in ranks:
        total += weight
        cumulative.append(total)
    words = [word(rank) for rank in range(VOCABULARY)]
    queues, agents = _desks(messages)
    for number in range(messages):
        person, turn = number % max(messages // MESSAGES_EACH, 1), number // max(messages // MESSAGES_EACH, 1)
        at = _START + (turn // 5) * _WEEK + (turn % 5) * _MINUTE + person * 1_000
        text = " ".join(words[dice.choices(range(VOCABULARY), cum_weights=cumulative)[0]] for _ in range(12))
        chosen = dice.randrange(20)
        yield _record("cx.message.received.v1", f"m-{number}", person, turn, at, Message(id=f"m-{number}", text=text))
        if turn % 5 == 4 and chosen < 12:
            queue = AgentOrQueue(id=f"queue-{person % queues}")
            yield _record("cx.interaction.queued.v1", f"q-{number}", person, turn, at + 1, queue=queue)
            if chosen < 8:
                agent = AgentOrQueue(id=f"agent-{person % agents}")
                yield _record("cx.interaction.answered.v1", f"a-{number}", person, turn, at + 2, agent=agent)
            if chosen < 4:
                yield _record("cx.conversation.resolved.v1", f"r-{number}", person, turn, at + 3)


def _record(
    type: str,
    id: str,
    person: int,
    turn: int,
    at: int,
    message: Message | None = None,
    queue: AgentOrQueue | None = None,
    agent: AgentOrQueue | None = None,
) -> Record:
    identifiers = [Identifier(kind="email", value=f"person{person}@example.com")]
    if turn == 0:
        identifiers.append(Identifier(kind="phone", value=f"+1555{person:07}"))
    name = f"Given{person % 50} Family{person % 997}"
    data = Data(
        channel="sms" if person % 4 == 0 else "chat",
        interaction=f"talk-{person}-{turn // 5}",
        direction="inbound",
        participants=[Participant(role="customer", name=name, identifiers=identifiers)],
        message=message,
        queue=queue,
        agent=agent,
    )
    stamped = stamp(Draft(type=type, id=id, data=data, time=at), source=_SOURCE, recorded=at, ids=IDS)
    return Record(INTERACTIONS, stamped.key, stamped.raw)


@asynccontextmanager
async def _stage(asked: Asked) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        store_url = await stack.enter_async_context(fresh_database(asked.settings.store_url))
        log = SqliteLog(asked.folder / "log.db", PARTITIONS)
        await log.start()
        stack.push_async_callback(log.stop)
        store = open_store(store_url)
        await store.start()
        stack.push_async_callback(store.stop)
        projector = Projector(log, store, {IDS.tenant: Tenancy(IDS, DEFAULT)})
        await _fill(projector, store, asked.events)
        database = await asyncpg.connect(plain(store_url))
        await database.execute("VACUUM ANALYZE")
        await database.close()
        settings = asked.settings.model_copy(
            update={"log_url": f"sqlite:///{asked.folder / 'log.db'}", "store_url": store_url}
        )
        people = [
            ("email", f"person{number}@example.com") for number in range(min(READ, asked.events // MESSAGES_EACH))
        ]
        yield await on_stage(stack, asked, settings, people, _applying(projector), connections=CLIENTS)


def _applying(projector: Projector) -> Apply:
    async def apply(records: Sequence[Record]) -> None:
        await projector.log.append(list(records))
        await projector.catch_up()

    return apply


async def _fill(projector: Projector, store: Store, messages: int) -> None:
    """Apply everything, then write lists: told apart."""
    batch: list[Record] = []
    count = 0
    spent = time.perf_counter()
    for record in events(messages):
        batch.append(record)
        if len(batch) == _AT_ONCE:
            await projector.log.append(batch)
            count, batch = count + len(batch), []
            await asyncio.sleep(0)
    await projector.log.append(batch)
    count += len(batch)
    say(f"{count:,} events appended in {time.perf_counter() - spent:.0f} s")
    spent = time.perf_counter()
    await projector.catch_up()
    applied = time.perf_counter() - spent
    spent, cpu = time.perf_counter(), time.process_time()
    await Lists(store, {IDS.tenant: Terms(IDS, WINDOW)}, "bench").drain()
    listed, cpu = time.perf_counter() - spent, time.process_time() - cpu
    say(f"applied at {count / applied:,.0f} events/s; listed in {listed:.0f} s ({cpu:.0f} s of CPU here)")

"""Do what operators ask of replays, on the command line or over HTTP: check, begin, open a target, cancel, tell."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import msgspec

from cx_events.archive.parquet_extra import check_installed
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_events.log import Log
from cx_events.log.declarations import TopicDeclaration
from cx_events.log.open import open_log
from cx_ops.operator_acts import HubActType
from cx_ops.replay.asked import Asked, read_bound
from cx_ops.replay.file_target import FileTarget
from cx_ops.replay.http_target import HttpTarget, Sleep
from cx_ops.replay.run import Cancelled, check_resumable
from cx_ops.replay.selection import Selection, test_of
from cx_ops.replay.state import ReplayState, ReplayStates
from cx_ops.replay.targets import FilePlace, Place, Target, TopicPlace, UrlPlace, check_place
from cx_ops.replay.topic_target import TopicTarget
from cx_runtime.outbound.reach import Reach
from cx_runtime.outbound.sender import open_sender
from cx_runtime.outbound.signatures import Signatures
from cx_runtime.release import release

if TYPE_CHECKING:
    from cx_ops.replay.parquet_target import ParquetTarget

REPLAYED: HubActType = "cx.operations.log_replayed.v1"

Tell = Callable[[str], None]

_LOOK_SECONDS = 0.2


class Ground(NamedTuple):
    """The hub that replays begin at. ``home``: where their states are kept. ``log_url``, ``prefix``: of its log.
    ``networks``: private ones that may be sent to, as in the settings."""

    home: Path
    log_url: str
    prefix: str
    networks: str


async def check_asked(asked: Asked, place: Place, ground: Ground) -> None:
    """Refuse what is asked for wrongly, before anything is opened. Raises ``Refused``."""
    test_of(asked, None)
    for text, name in ((asked.begin, "--from"), (asked.end, "--to")):
        read_bound(text, name)
    if isinstance(place, FilePlace) and place.is_parquet:
        check_installed()
    await check_place(place, ground.log_url, ground.prefix)


def new_state(asked: Asked, selection: Selection, who: str, why: str, tenant: str = "") -> ReplayState:
    """Return the state of a run that begins. ``tenant``: the one whose operators asked for it."""
    return ReplayState(
        id=uuid4().hex[:12],
        asked=asked,
        started=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        who=who,
        why=why,
        tenant=tenant,
        begins=selection.begins,
        places=dict(selection.begins),
        ends=selection.ends,
    )


@asynccontextmanager
async def opened_target(
    ground: Ground, log: Log, place: Place, state: ReplayState, secret: str, tell: Tell
) -> AsyncIterator[Target]:
    """Make the target of a run. ``secret``: by which requests are signed. ``tell``: hears of attempts that failed.

    Raises ``Refused("bad-secret")``.
    """
    match place:
        case FilePlace():
            yield file_target(place, state)
        case TopicPlace(topic, address):
            declared = {topic: TopicDeclaration(topic=topic, partitions=await log.partitions(state.asked.topic))}
            url, prefix = (address, "") if address else (ground.log_url, ground.prefix)
            yield TopicTarget(open_log(url, prefix=prefix, declared=declared), topic, state.id)
        case UrlPlace(url):
            signatures = signatures_of(secret)
            async with open_sender(Reach.parse(ground.networks)) as sender:
                yield HttpTarget(
                    sender, url, signatures, state.id, tell, _cancellable(ReplayStates(ground.home), state.id)
                )


def file_target(place: FilePlace, state: ReplayState) -> FileTarget | ParquetTarget:
    """Return the target of a run to a file. Raises ``Refused("no-parquet")``."""
    if not place.is_parquet:
        return FileTarget(place.path, state.id)
    check_installed()
    from cx_ops.replay.parquet_target import ParquetTarget

    return ParquetTarget(place.path, state, release())


def _cancellable(states: ReplayStates, id: str) -> Sleep:
    """Return what waits between two attempts. Raises ``Cancelled`` once the run is to be stopped."""

    async def sleep(seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            if states.is_to_cancel(id):
                raise Cancelled
            if (left := until - time.monotonic()) <= 0:
                return
            await asyncio.sleep(min(left, _LOOK_SECONDS))

    return sleep


def signatures_of(secret: str) -> Signatures:
    """Return what signs requests. Raises ``Refused("bad-secret")``."""
    try:
        return Signatures((secret,) if secret else ())
    except ValueError as error:
        raise Refused("bad-secret", f"--secret: {error}", 400) from None


def cancel(states: ReplayStates, id: str) -> ReplayState:
    """Stop a run for good; one that a process works on stops soon. Raises ``Refused``: ``unknown-replay``,
    ``replay-over``."""
    state = states.read(id)
    check_resumable(state)
    states.ask_to_cancel(id)
    if not states.is_working(id):
        with states.locked(id):
            state.phase = "cancelled"
            states.write(state)
    return state


def told(state: ReplayState) -> Json:
    """Return a state as operators see it."""
    target = shown_target(state.asked.target)
    asked = {**msgspec.to_builtins(state.asked), "target": target}
    return {**msgspec.to_builtins(state), "asked": asked, "records": state.records, "target": target}


def shown_target(target: str) -> str:
    """Return a target as others may see it: a URL's query may hold a secret, and an event stays on the log for good."""
    address, query, _ = target.partition("?") if target.startswith(("http://", "https://")) else (target, "", "")
    return f"{address}?..." if query else address


def told_of(states: ReplayStates, state: ReplayState) -> Json:
    """Return a state as operators see it; one that no process works on is ``broken off``."""
    seen = told(state)
    if state.phase == "running" and not states.is_working(state.id):
        seen["phase"] = "broken off"
    return seen


def attributes_of(state: ReplayState, act: str) -> Json:
    """Return what the event of an act says of it."""
    return {
        "replay": state.id,
        "act": act,
        "asked": {**msgspec.to_builtins(state.asked), "target": shown_target(state.asked.target)},
        "read": state.read,
        "sent": state.sent,
    }

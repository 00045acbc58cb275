"""Define the port of what asks a vendor itself: a client of a stream, or a poller.

A provider's folder has ``stream.py`` or ``poller.py`` with ``open_source(connection, ports) -> Source``. The source
only reads: it is begun anew after every fault, at the cursor of the last step that was accepted. Its errors say what to
do:

``Refused``   the vendor won't have us as we are set up (a wrong password): somebody must mend it, so it is told and
              tried again slowly.
``TryLater``  and every ``OSError``, ``TimeoutError`` and ``EOFError``: tried again soon.
``Fatal``     going on would lose something: this poller stops until its process is started anew.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

from cx_channels.aws_login.keys import AwsKeys
from cx_channels.provider import Connection, Request, Unmapped
from cx_channels.registry import folder_name, providers
from cx_events.timestamps import Micros

MODULES = ("stream", "poller")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing that came, as ``Provider.map`` reads it.

    ``lost``: set where it can't be mapped as it is, for instance since it is too large; it goes to the dead letters.
    ``connection``: another connection of the tenant, whose mapping and source it gets; empty for the poller's own.
    ``known``: ids of those of its events that the hub has already; they are left out.
    """

    request: Request
    lost: Unmapped | None = None
    connection: str = ""
    known: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Return the bytes that it holds in memory."""
        original = self.lost.original if self.lost is not None else b""
        return len(self.request.body) + (len(original) if original is not self.request.body else 0)


@dataclass(frozen=True, slots=True)
class Step:
    """All that came at once. One without anything says that the vendor is there and has nothing new.

    ``cursor``: where to go on once these deliveries are accepted; None where it stays. ``lag``: seconds for which the
    latest of them had waited at the vendor; None where unknown. ``gap``: a sentence on what was missed for good, of a
    vendor that keeps nothing for who is away; "" for nothing. ``accepted``: called once the deliveries are on the log
    and the cursor is stored, for a vendor that keeps a thing until we delete it; never where that fails.
    """

    deliveries: tuple[Delivery, ...] = ()
    cursor: bytes | None = None
    lag: float | None = None
    gap: str = ""
    accepted: Callable[[], None] | None = None

    @property
    def size(self) -> int:
        """Return the bytes that it holds in memory."""
        return sum(each.size for each in self.deliveries)


class Source(Protocol):
    """A client of one connection. ``silence``: the seconds after a step in which the next must have come, an empty one
    at least; a vendor that is silent for longer is left and asked anew."""

    silence: float

    def steps(self, cursor: bytes) -> AsyncGenerator[Step, None]:
        """Connect, and yield what comes after ``cursor``, which is empty at the very start. Closing it disconnects."""


@dataclass(frozen=True, slots=True)
class SourcePorts:
    """The parts of the process that a source may use. ``now``: the time of receipt. ``max_bytes``: the largest
    delivery that is mapped (``CX_MAX_MAIL``). ``aws``: keys of AWS."""

    now: Callable[[], Micros]
    max_bytes: int
    aws: AwsKeys = field(default_factory=AwsKeys)


OpenSource = Callable[[Connection, SourcePorts], Source]


def source_factories() -> Mapping[str, OpenSource]:
    """Return ``open_source`` of each provider that has a stream or a poller, by the provider's name."""
    found: dict[str, OpenSource] = {}
    for name in providers():
        folder = f"cx_channels.{folder_name(name).replace('/', '.')}"
        for module in MODULES:
            if find_spec(f"{folder}.{module}"):
                found[name] = import_module(f"{folder}.{module}").open_source
    return found

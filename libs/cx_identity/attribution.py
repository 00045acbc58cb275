"""Events that name nobody: whose they are.

Many later callbacks carry only a call id, and a withheld number is no identifier. Such an event lives at its
interaction's node, and the node follows a profile, or stands alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from cx_events.ids import NodeId
from cx_identity.model import Decision, Evidence, event_name
from cx_identity.unmerge import withdrawn_decisions


class Attribution(Struct, frozen=True, gc=False):
    """A person says whose an interaction is. ``key``: of the event; ``interaction``: its node; ``profile``: None says
    that it stands alone. It is withdrawn as any decision is, by a ``Decision`` of kind ``withdraw``."""

    key: bytes
    at: Evidence
    interaction: NodeId
    profile: NodeId | None
    reason: str = ""

    @property
    def name(self) -> str:
        """``SOURCE#ID``, as a withdrawal names it."""
        return event_name(self.at)


def standing_attribution(
    attributions: Iterable[Attribution], withdrawals: Iterable[Decision] = ()
) -> Attribution | None:
    """The latest attribution of one interaction that is not withdrawn.

    ``withdrawals``: those that name any of them, and those that name such a withdrawal.
    """
    gone = withdrawn_decisions(withdrawals)
    return max((a for a in attributions if a.name not in gone), key=lambda a: a.at, default=None)


def attributed_profile(attributions: Iterable[Attribution], withdrawals: Iterable[Decision] = ()) -> NodeId | None:
    """Whose an interaction is by a person's word, or None."""
    latest = standing_attribution(attributions, withdrawals)
    return None if latest is None else latest.profile


def followed_profile(
    named: Iterable[NodeId], attributions: Iterable[Attribution] = (), withdrawals: Iterable[Decision] = ()
) -> NodeId | None:
    """The profile that an interaction's node follows, or None where it stands alone.

    A person's word first; else the one profile at which the interaction's other events are at stream (``named``, with
    or without repetitions), if it is one.
    """
    latest = standing_attribution(attributions, withdrawals)
    if latest is not None:
        return latest.profile
    profiles = set(named)
    return profiles.pop() if len(profiles) == 1 else None

"""Find whose an event is that names no identifier.

Many providers' later callbacks carry only a call id, and a withheld number is no identifier. Such an event is kept at
its interaction's node. The node follows a profile, or stands alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from cx_events.ids import NodeId
from cx_identity.model import Decision, Evidence, event_name
from cx_identity.unmerge import withdrawn_decisions


class Attribution(Struct, frozen=True, gc=False):
    """A person's decision that an interaction belongs to a profile, or with ``profile=None`` that it stands alone.

    ``key`` is that of the event, ``interaction`` the interaction's node. It is withdrawn like any other decision, by a
    ``Decision`` of kind ``withdraw``.
    """

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
    """Return the latest attribution of one interaction that is not withdrawn.

    ``withdrawals`` holds those that name any of the attributions, and those that name such a withdrawal.
    """
    withdrawn = withdrawn_decisions(withdrawals)
    return max((a for a in attributions if a.name not in withdrawn), key=lambda a: a.at, default=None)

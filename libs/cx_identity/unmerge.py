"""Which decisions count: withdrawn ones don't, and an older one that contradicts a newer one is void.

A withdrawal takes its decision away whole, whichever of the two was recorded first: the result is that of the facts
without both. A withdrawal may itself be withdrawn, by a newer one only, so that two can't annul each other in a circle;
then the first decision is back.
"""

from __future__ import annotations

from collections.abc import Iterable

from cx_identity.model import Decision, newest_first


def withdrawn_decisions(decisions: Iterable[Decision]) -> dict[str, str]:
    """What is withdrawn, by whom: SOURCE#ID to SOURCE#ID of the newest withdrawal that counts.

    Of the decisions only the withdrawals matter; what they name may be of any kind, an attribution or a change of rules
    too, and need not be known.
    """
    gone: dict[str, str] = {}
    counted: set[str] = set()
    for decision in newest_first(d for d in decisions if d.kind == "withdraw"):
        if decision.name not in gone:
            counted.add(decision.name)
            if decision.withdraws not in counted:
                gone.setdefault(decision.withdraws, decision.name)
    return gone

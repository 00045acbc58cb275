"""Undo a merge, or any other decision of a person.

A merge is undone in three steps:

1. A person's ``POST /v1/identity/unmerge {decision}`` becomes an event ``cx.identity.unmerged.v1``. The event that
   carried the merge stays in the log.
2. ``decisions.decision_of`` reads that event as a decision of kind ``withdraw``. (With ``{apart: [a, b]}`` it is one
   of kind ``apart``, which keeps the two profiles apart until a newer decision.)
3. ``resolution.resolve`` leaves out every decision that ``withdrawn_decisions`` returns. So the result is that of the
   facts without the merge: an undone merge leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterable

from cx_identity.model import Decision, newest_first


def withdrawn_decisions(decisions: Iterable[Decision]) -> dict[str, str]:
    """Map each withdrawn decision to the newest withdrawal that counts, both as ``SOURCE#ID``.

    A withdrawal takes back its whole decision, whichever of the two was recorded first. A withdrawal can itself be
    withdrawn, which restores the first decision, but only by a newer one: two can't annul each other in a circle.

    Only decisions of kind ``withdraw`` are looked at. What they name may be of any kind, also an attribution or a
    change of rules, and need not be among ``decisions``.
    """
    withdrawn: dict[str, str] = {}
    counted: set[str] = set()
    for decision in newest_first(d for d in decisions if d.kind == "withdraw"):
        if decision.name not in withdrawn:
            counted.add(decision.name)
            if decision.withdraws not in counted:
                withdrawn.setdefault(decision.withdraws, decision.name)
    return withdrawn

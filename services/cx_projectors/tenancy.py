"""What a projector knows of a tenant before it reads anything."""

from __future__ import annotations

from dataclasses import dataclass

from cx_events.ids import IdSpace
from cx_identity.rules import Rules


@dataclass(slots=True)
class Tenancy:
    """A tenant's ids, and the identity rules in force before any change of rules was recorded."""

    ids: IdSpace
    rules: Rules

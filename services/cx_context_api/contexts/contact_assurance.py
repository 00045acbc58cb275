"""The contact that a read names, and whether who is at its other end is sure enough for what the read asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from cx_context.sections.assurance import ASSURED, ContactAssurance, Lifetimes, ProfileAssurance, reaches
from cx_context_api.requests.queries import MAX_INTERACTION, Query
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_events.timestamps import Micros

Level = Literal["proved", "asserted"]

OTHERS_SHOWN = 20


class ContactQuery(NamedTuple):
    """``interaction``: the contact that the read names; ``level``: refuse less."""

    interaction: str
    level: Level | None = None


class VersionedAssurance(NamedTuple):
    """How sure it is who is at the other end of an interaction, at a version of its customer's context."""

    customer: NodeId
    version: int
    assurance: ContactAssurance
    lifetimes: Lifetimes
    alone: ProfileAssurance | None = None

    def contact(self, interaction: str, now: Micros) -> Json:
        """Return ``meta.contact`` at a moment."""
        return {"interaction": interaction, "assurance": self.assurance.at(now, self.lifetimes)}

    def contact_alone(self, interaction: str, now: Micros) -> Json | None:
        """Return ``meta.contact`` of a read that is answered with the contact's own identifier by itself."""
        if self.alone is None:
            return None
        return {"interaction": interaction, "assurance": self.alone.assurance.at(now, self.lifetimes), "alone": True}


def with_others(contact: Json, others: Sequence[NodeId], level: Level | None) -> Json:
    """Return ``meta.contact`` with who takes part besides. Who asks for an assured read is told nobody."""
    if not others or level is not None:
        return contact
    return {**contact, "others": [text_of(each) for each in others[:OTHERS_SHOWN]]}


class ContactResult(NamedTuple):
    """``contact``: ``meta.contact``. ``alone``: the profile that the read is answered with, where that is one by
    itself."""

    contact: Json
    alone: NodeId | None = None


class InsufficientAssurance(Refused):
    """The contact at hand is less sure than what the read asks for. ``contact``: as ``meta.contact`` tells it."""

    def __init__(self, contact: Json, wanted: Level) -> None:
        level = contact["assurance"]["level"]
        super().__init__("not-assured", f"who is there is {level} at best, and {wanted} is asked for", 403)
        self.contact = contact


def read_contact_query(query: Query, interaction: str | None = None, level: str | None = None) -> ContactQuery | None:
    """Return what a read asks about a contact, None for one that names none. ``interaction``, ``level``: as the path or
    the body has them. ``Refused("bad-query", 400)``."""
    wanted = query.text("assurance")
    if wanted is not None and level is not None and wanted != level:
        raise Refused("bad-query", "assurance stands in the query and in the body, and differs", 400)
    wanted = wanted if wanted is not None else level
    if wanted not in (None, *ASSURED):
        raise Refused("bad-query", f"assurance={wanted[:20]}: expected proved or asserted", 400)
    if interaction is None:
        if wanted is not None:
            raise Refused("bad-query", "assurance is a contact's: say which by interaction=ID", 400)
        return None
    if not 0 < len(interaction) <= MAX_INTERACTION:
        raise Refused("bad-query", f"interaction: expected 1 to {MAX_INTERACTION} characters", 400)
    return ContactQuery(interaction, wanted)  # type: ignore[arg-type]  # checked above


def check_contact(sure: VersionedAssurance, asked: ContactQuery, now: Micros) -> ContactResult:
    """Return the contact that a read names.

    An assured read of a contact whose proved identifier only a claim ties to the customer is answered with that
    identifier alone. Raises ``InsufficientAssurance`` if the contact's level is below the one that the read requires.
    """
    contact = sure.contact(asked.interaction, now)
    if asked.level is None or reaches(contact["assurance"]["level"], asked.level):
        return ContactResult(contact)
    alone = sure.contact_alone(asked.interaction, now)
    if sure.alone is not None and alone is not None and reaches(alone["assurance"]["level"], asked.level):
        return ContactResult(alone, sure.alone.profile)
    raise InsufficientAssurance(contact, asked.level)

"""Check the contact that a read names: is it sure enough who is at its other end?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from cx_context.sections.assurance import ASSURED, ContactAssurance, ProfileAssurance, reaches
from cx_context.sections.proofs import Lifetimes
from cx_context_api.requests.queries import MAX_INTERACTION, Query
from cx_events.errors import Refused
from cx_events.ids import NodeId, text_of
from cx_events.json_types import Json
from cx_events.timestamps import Micros

Level = Literal["proved", "asserted"]

OTHERS_SHOWN = 20


class ContactQuery(NamedTuple):
    """The contact that a read names, and the level below which the read is refused."""

    interaction: str
    level: Level | None = None


class VersionedAssurance(NamedTuple):
    """A contact's assurance at a version of its customer's context.

    ``alone``: the assurance of the contact's own identifier, if only a claim ties that to the customer.
    ``conversation``: an id of the contact's conversation, if the contact is the customer's.
    """

    customer: NodeId
    version: int
    assurance: ContactAssurance
    lifetimes: Lifetimes
    alone: ProfileAssurance | None = None
    conversation: NodeId | None = None

    def contact(self, interaction: str, now: Micros) -> Json:
        """Return ``meta.contact`` at a moment."""
        return {"interaction": interaction, "assurance": self.assurance.at(now, self.lifetimes)}

    def contact_alone(self, interaction: str, now: Micros) -> Json | None:
        """Return ``meta.contact`` of a read that is answered with the contact's own identifier alone."""
        if self.alone is None:
            return None
        return {"interaction": interaction, "assurance": self.alone.assurance.at(now, self.lifetimes), "alone": True}


def with_others(contact: Json, others: Sequence[NodeId], level: Level | None) -> Json:
    """Return ``meta.contact`` with the other customers who take part. An assured read names no others."""
    if not others or level is not None:
        return contact
    return {**contact, "others": [text_of(each) for each in others[:OTHERS_SHOWN]]}


class ContactResult(NamedTuple):
    """A contact that passed the check.

    ``contact``: ``meta.contact``. ``alone``: the profile to answer with instead of the customer, if there is one.
    """

    contact: Json
    alone: NodeId | None = None


class InsufficientAssurance(Refused):
    """The contact's level is below the one that the read requires.

    ``contact``: as in ``meta.contact``. ``conversation``: an id of its conversation, None if it is another customer's:
    whoever may not read may still hand over.
    """

    def __init__(self, contact: Json, required: Level, conversation: NodeId | None) -> None:
        level = contact["assurance"]["level"]
        super().__init__("not-assured", f"The contact's level is {level}; this read requires {required}.", 403)
        self.contact = contact
        self.conversation = text_of(conversation) if conversation is not None else None


def read_contact_query(
    query: Query, required_of_key: Level | None, interaction: str | None = None, level: str | None = None
) -> ContactQuery | None:
    """Return the contact that a read names, None if it names none.

    ``required_of_key``: the least level that the caller's key asks for, whatever the read asks for. ``interaction``,
    ``level``: as the path or the body has them. Raises ``Refused``: ``bad-query`` (400), ``not-assured`` (403) for a
    read without a contact by a key that needs one.
    """
    required = query.text("assurance")
    if required is not None and level is not None and required != level:
        raise Refused("bad-query", "assurance differs between the query and the body.", 400)
    required = required if required is not None else level
    if required not in (None, *ASSURED):
        raise Refused("bad-query", f"assurance={required[:20]}: expected proved or asserted.", 400)
    if interaction is None:
        if required is not None:
            raise Refused("bad-query", "assurance needs interaction=ID: it is a property of a contact.", 400)
        if required_of_key is not None:
            raise Refused(
                "not-assured", f"This key reads by interaction=ID, of contacts at least {required_of_key}.", 403
            )
        return None
    if not 0 < len(interaction) <= MAX_INTERACTION:
        raise Refused("bad-query", f"interaction: expected 1 to {MAX_INTERACTION} characters.", 400)
    asked = [each for each in ASSURED if each in (required, required_of_key)]  # from the strictest
    return ContactQuery(interaction, asked[0] if asked else None)  # type: ignore[arg-type]  # one of ASSURED


def check_contact(assurance: VersionedAssurance, query: ContactQuery, now: Micros) -> ContactResult:
    """Return the contact that a read names.

    An assured read of a contact whose proved identifier only a claim ties to the customer is answered with that
    identifier alone. Raises ``InsufficientAssurance`` if the contact's level is below the one that the read requires.
    """
    contact = assurance.contact(query.interaction, now)
    if query.level is None or reaches(contact["assurance"]["level"], query.level):
        return ContactResult(contact)
    alone = assurance.contact_alone(query.interaction, now)
    if assurance.alone is not None and alone is not None and reaches(alone["assurance"]["level"], query.level):
        return ContactResult(alone, assurance.alone.profile)
    raise InsufficientAssurance(contact, query.level, assurance.conversation)

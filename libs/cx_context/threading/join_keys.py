"""Find contacts by what may join them explicitly: references, names of interactions and calls, tokens, quotes.

Two contacts that share nothing here are joined by no reference and no token, whatever else there is: so of thousands of
contacts only those that share something with a changed one need be looked at. Sharing something joins nobody by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from cx_context.parts.values import hash_name, shorten_name
from cx_context.threading.contact_model import Contact
from cx_context.threading.shared_references import names_of_call
from cx_events.timestamps import Micros

Start: TypeAlias = tuple[Micros, str]
"""A contact's start, by which it is known among its customer's contacts."""


class JoinKeys:
    """A customer's contacts, by what may join them. ``contacts`` and ``by_name`` (the contacts of each interaction) are
    shared with who changes them. ``linking`` are those that a person linked to another, ``split_off`` those that a
    person split off, by their starts."""

    def __init__(self, contacts: Mapping[Start, Contact], by_name: Mapping[str, Sequence[Contact]]) -> None:
        self._contacts = contacts
        self._by_name = by_name
        self._holders: dict[str, tuple[Start, ...]] = {}
        self._long_names: dict[str, str] = {}
        self.linking: set[Start] = set()
        self.split_off: set[Start] = set()

    def add(self, contact: Contact) -> None:
        """Add a contact."""
        for key in _held(contact):
            self._holders[key] = (*self._holders.get(key, ()), contact.start)
        if any(piece.part.links for piece in contact.pieces):
            self.linking.add(contact.start)
        if contact.part.split_at is not None:
            self.split_off.add(contact.start)
        brief = shorten_name(contact.name)
        if brief != contact.name:
            self._long_names[brief] = contact.name

    def remove(self, contact: Contact) -> None:
        """Remove a contact that was added."""
        for key in _held(contact):
            left = tuple([start for start in self._holders[key] if start != contact.start])
            if left:
                self._holders[key] = left
            else:
                del self._holders[key]
        self.linking.discard(contact.start)
        self.split_off.discard(contact.start)

    def sharing(self, contact: Contact) -> Iterator[Start]:
        """Yield the starts of those that share something with a contact, which may be none of them."""
        for key in _held(contact):
            kind, _, value = key.partition("\n")
            holders = self._holders.get(key, ())
            if kind == "thread" and self._are_one_endless(contact, holders):
                continue
            yield from holders
            if kind == "interaction":
                yield from self._named(self._long_names.get(value, value))
        referring = self._holders.get(f"interaction\n{shorten_name(contact.name)}")
        if referring:
            yield from referring
            yield from self._named(contact.name)
        yield from self._quoting(contact)

    def _named(self, name: str) -> Iterable[Start]:
        return [each.start for each in self._by_name.get(name, ())]

    def _are_one_endless(self, contact: Contact, holders: Iterable[Start]) -> bool:
        """Return whether only stretches of one endless interaction hold a thread's id, which joins none of them."""
        others = [self._contacts[start] for start in holders]
        return all(each.is_endless and each.name == contact.name for each in (contact, *others))

    def _quoting(self, contact: Contact) -> Iterator[Start]:
        """Yield the stretches of an interaction that quote a message of this one, and those that it quotes."""
        for piece in contact.pieces:
            for written in piece.part.message_times:
                yield from self._holders.get(_quote(contact.name, written), ())
        quoted = {hash_name(id) for id in contact.part.quote_times}
        for other in self._by_name.get(contact.name, ()) if quoted else ():
            if any(not quoted.isdisjoint(piece.part.message_times) for piece in other.pieces):
                yield other.start


def _quote(name: str, written: str) -> str:
    return f"\nquote\n{name}\n{written}"


def _held(contact: Contact) -> set[str]:
    """Return the keys that a contact is found by. Of a reference ``KIND\\nVALUE``; the others begin with a line
    feed."""
    part = contact.part
    keys = {*part.references}
    if "voice" in part.channels:
        keys.update(f"call\n{name}" for name in names_of_call(contact.name))
    if part.quote_times:
        keys.update(_quote(contact.name, hash_name(id)) for id in part.quote_times)
    if part.tokens or part.token_uses:
        keys.update(f"\ntoken\n{id}" for piece in contact.pieces for id in (*piece.part.tokens, *piece.part.token_uses))
    return keys

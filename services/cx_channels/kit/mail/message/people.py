"""Determine who wrote a mail, who received it, and which of them are ours.

The writer stands in From, unless a group, a form or a forwarder put its own address there. Then another field names the
person. Anybody can fill in that field, so such an address is claimed, never proved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from cx_channels.kit.mail.message.origin import Origin
from cx_channels.kit.mail.mime.addresses import Mailbox, parse_mailboxes
from cx_channels.kit.mail.mime.headers import Headers
from cx_channels.kit.mail.settings import Forwarder, MailSettings, Own
from cx_events.envelope import Identifier, Participant, Role
from cx_events.identifiers import normalise

MAX_OTHERS = 50

Vouched = Literal["", "proved"]
"""The weight that a mail states for its sender's address; "" for a mere claim."""

NOBODY = Mailbox("", "")


@dataclass(frozen=True, slots=True)
class People:
    """The people of a mail. ``sender``: who wrote; ``weight``: that of the sender's address.

    ``from_us``: the business or one of its people wrote, and the mail came by a way of ours. ``to``, ``cc``: as in the
    fields; ``reached``: whom it was delivered to. ``authors``: the others in From, none of them ours.
    """

    sender: Mailbox
    weight: Vouched
    from_us: bool
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    reached: tuple[Mailbox, ...]
    own: Own
    authors: tuple[Mailbox, ...] = ()

    @property
    def recipients(self) -> tuple[Mailbox, ...]:
        """Return those in To and Cc; besides, those that it was delivered to, where the fields name none of ours."""
        named = (*self.to, *self.cc)
        if any(self._is_ours(mailbox) for mailbox in named):
            return named
        known = {mailbox.address.lower() for mailbox in named}
        return (*named, *(mailbox for mailbox in self.reached if mailbox.address.lower() not in known))

    @property
    def others(self) -> list[Mailbox]:
        return self._apart()[1]

    @property
    def ours(self) -> list[Mailbox]:
        """Return the recipients that are ours. Where the connection names no address of its own, every recipient is."""
        return self._apart()[0]

    def _apart(self) -> tuple[list[Mailbox], list[Mailbox]]:
        """Return the recipients that are ours, and the others."""
        recipients = self.recipients
        ours = [mailbox for mailbox in recipients if self._is_ours(mailbox)]
        return ours, [mailbox for mailbox in recipients if mailbox not in ours]

    def _is_ours(self, mailbox: Mailbox) -> bool:
        if self.own.addresses or self.own.domains:
            return self.own.has(mailbox.address)
        return mailbox not in self.cc and mailbox.address.lower() != self.sender.address.lower()

    def behind(self, headers: Headers) -> str:
        """Return the writer's address in lower case where the mail's From begins with another's, else "".

        Without a From the envelope's sender is taken, whom not every door knows.
        """
        written = self.sender.address.lower()
        shown = next(iter(parse_mailboxes(headers.raw("from"))), NOBODY).address.lower()
        return written if shown and written != shown else ""

    def tokens(self) -> list[str]:
        """Return the continuity tokens in the addresses of ours that it was sent or delivered to, each once."""
        written = (self.own.token(mailbox.address) for mailbox in (*self.to, *self.cc, *self.reached))
        return list(dict.fromkeys(token for token in written if token))

    def participants(self) -> list[Participant]:
        """Return everybody. The customer who is to be identified comes first: only the first one is."""
        return self._sent_by_us() if self.from_us else self._sent_to_us()

    def _sent_to_us(self) -> list[Participant]:
        """Return the participants of a mail to us.

        The other recipients are only shown: they have no identifiers where the sender has none, or they would be taken
        for the writer.
        """
        sender = Participant(
            role="customer", name=self.sender.name, identifiers=email(self.sender.address, self.weight)
        )
        ours, others = self._apart()
        recipients = {mailbox.address.lower() for mailbox in (*ours, *others)}
        authors = (mailbox for mailbox in self.authors if mailbox.address.lower() not in recipients)
        others = self._besides_sender([*authors, *others])
        identified = bool(others) and any(not normalise(each).unusable for each in sender.identifiers)
        return [sender, *_people("customer", others, identified), *_people("business", self._besides_sender(ours))]

    def _sent_by_us(self) -> list[Participant]:
        agent = Participant(role="agent", name=self.sender.name, identifiers=email(self.sender.address))
        return [*_people("customer", self.others), agent, *_people("business", self._besides_sender(self.ours))]

    def _besides_sender(self, parse_mailboxes: list[Mailbox]) -> list[Mailbox]:
        return [mailbox for mailbox in parse_mailboxes if mailbox.address.lower() != self.sender.address.lower()]


def email(address: str, weight: Vouched = "") -> list[Identifier]:
    """Return the identifier of an address; none where there is no address."""
    return [Identifier(kind="email", value=address, weight=weight)] if address else []


def _people(role: Role, parse_mailboxes: list[Mailbox], identified: bool = True) -> list[Participant]:
    return [
        Participant(role=role, name=mailbox.name, identifiers=email(mailbox.address) if identified else [])
        for mailbox in parse_mailboxes[:MAX_OTHERS]
    ]


def people_of(headers: Headers, envelope: str, sender: str | None, settings: MailSettings, origin: Origin) -> People:
    """Return who wrote a mail and who got it.

    ``envelope``: its recipients in SMTP, as an address field; ``sender``: of the envelope, None where nobody says. Mail
    from an address of ours is ours where ``origin`` says so. Otherwise a stranger wrote our address into From.
    """
    shown, others, in_from = _shown(headers, sender)
    person = _behind(headers, shown, settings) if in_from else None
    own = settings.own
    from_us = person is None and own.has(shown.address) and origin.is_ours
    to = [mailbox for raw in headers.every("to") for mailbox in parse_mailboxes(raw)]
    reached = [mailbox for raw in headers.every("delivered-to") for mailbox in parse_mailboxes(raw)]
    cc = [mailbox for raw in headers.every("cc") for mailbox in parse_mailboxes(raw)]
    proved = person is None and in_from and bool(origin.aligned) and not from_us
    people = People(
        sender=person if person is not None else shown,
        weight="proved" if proved else "",
        from_us=from_us,
        to=_once(to),
        cc=_once(cc, besides=to),
        reached=_once([*reached, *parse_mailboxes(envelope)]),
        own=own,
        authors=_once(each for each in others if not own.has(each.address)) if in_from and person is None else (),
    )
    return _form_filled_in(headers, people) if person is None and own.has(shown.address) else people


def _shown(headers: Headers, envelope: str | None) -> tuple[Mailbox, list[Mailbox], bool]:
    """Return whom a mail shows as its sender, who else stands in that field, and whether that is From."""
    local: list[Mailbox] = []  # of a host's own network, or a name of Exchange's
    for name in ("from", "sender", "reply-to", "return-path"):
        found = parse_mailboxes(headers.raw(name))
        if found and "@" in found[0].address:
            return found[0], found[1:], name == "from"
        local = local or (found if name == "from" else [])
    if local:
        return local[0], local[1:], True
    given = parse_mailboxes(envelope or "")
    return (given[0] if given else Mailbox(headers.text("from")[:200].removesuffix("<>").strip(' "'), "")), [], False


def _form_filled_in(headers: Headers, people: People) -> People:
    """Return the people of a contact form, which sends in our own name, to us, and names its writer in Reply-To."""
    answer_to = next(iter(parse_mailboxes(headers.raw("reply-to"))), NOBODY)
    if not people.ours or not answer_to.address or people.own.has(answer_to.address):
        return people
    return replace(people, sender=answer_to, weight="", from_us=False)


def _once(parse_mailboxes: Iterable[Mailbox], besides: Iterable[Mailbox] = ()) -> tuple[Mailbox, ...]:
    """Return each address once, the first with its name."""
    known = {mailbox.address.lower() for mailbox in besides}
    found: dict[str, Mailbox] = {}
    for mailbox in parse_mailboxes:
        if mailbox.address.lower() not in known:
            found.setdefault(mailbox.address.lower(), mailbox)
    return tuple(found.values())


# --- who stands behind a group, a form, a forwarder -------------------------------------------------------------------

_VIA = re.compile(r"(.{0,200})\svia\s", re.IGNORECASE | re.DOTALL)
_ORIGINAL = ("x-original-from", "original-from", "author", "x-original-sender")
"""Google Groups, RFC 5703 (section 5), RFC 9057, Google Groups again."""

MAX_LIST_FIELD = 2_000
"""The characters of each list field that are read."""

_LIST = ("list-post", "list-id", "mailing-list", "x-mailing-list", "x-beenthere", "list-owner", "list-unsubscribe")
_ENCODED = re.compile(r"([^@]{1,64})=(?:40)?([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8})@[^@]*", re.IGNORECASE)
_INVALID = ".invalid"
_ANONYMOUS = "-dmarc-request"
"""LISTSERV's, in place of a person's address at a domain with a policy (L-Soft's manual 17.0, section 13.3)."""


def _behind(headers: Headers, shown: Mailbox, settings: MailSettings) -> Mailbox | None:
    """Return the person on whose behalf the sender in From passed a mail on; None where From names the person.

    Of a configured forwarder it is who stands in the field that its setting names; nobody, where nobody does.
    """
    for forwarder in settings.forwarders:
        if forwarder.sends(shown.address):
            return _named_by(headers, forwarder, settings.own)
    via, lists, own = _VIA.match(shown.name), _lists_in(headers), settings.own
    anonymous = shown.address.lower().partition("@")[0].endswith(_ANONYMOUS)
    rewritten = anonymous or _is_rewritten(shown.address, lists)
    if via or rewritten or own.has(shown.address) or _is_list(lists, shown.address):
        candidates = [*_originals(headers), *_encoded(shown)]
        if anonymous:
            candidates += parse_mailboxes(headers.raw("reply-to"))
        if via:
            candidates += _of_munged(headers, via[1])
        return next((_called(each, via) for each in candidates if _is_person(each, lists, shown, own)), None)
    original = next(_originals(headers), NOBODY)
    answer_to = next(iter(parse_mailboxes(headers.raw("reply-to"))), NOBODY)
    agree = bool(original.address) and original.address.lower() == answer_to.address.lower()
    return original if agree and _is_person(original, lists, shown, own) else None


def _named_by(headers: Headers, forwarder: Forwarder, own: Own) -> Mailbox:
    """Return whom the field of a forwarder names: neither the forwarder nor us, who would be the customer of all forms
    that are sent without an address."""
    named = parse_mailboxes(headers.raw(forwarder.person))
    return next((each for each in named if not (forwarder.sends(each.address) or own.has(each.address))), NOBODY)


def _originals(headers: Headers) -> Iterator[Mailbox]:
    for name in _ORIGINAL:
        yield from parse_mailboxes(headers.raw(name))[:1]


def _encoded(shown: Mailbox) -> Iterator[Mailbox]:
    """Yield an address that is encoded in the shown one: ``ana=example.com@lists.example``,
    ``ana@example.com.INVALID``."""
    local, _, domain = shown.address.rpartition("@")
    if domain.lower().endswith(_INVALID):
        yield Mailbox(shown.name, f"{local}@{domain[: -len(_INVALID)]}")
    found = _ENCODED.fullmatch(shown.address)
    if found is not None:
        yield Mailbox(shown.name, f"{found[1]}@{found[2]}")


def _of_munged(headers: Headers, name: str) -> Iterator[Mailbox]:
    """Yield the writer whom Mailman replaced in From: in Reply-To, or in Cc where the list sets Reply-To.

    Of several addresses there, the one with From's display name counts (docs.mailman3.org, "DMARC Mitigations").
    """
    name = name.strip().strip("'\"").lower()
    yield from parse_mailboxes(headers.raw("reply-to"))
    for mailbox in parse_mailboxes(headers.raw("cc")):
        if name and name in (mailbox.name.lower(), mailbox.address.lower(), mailbox.address.partition("@")[0].lower()):
            yield mailbox
    yield from (mailbox for mailbox in parse_mailboxes(name) if "@" in mailbox.address)


def _is_rewritten(address: str, lists: str) -> bool:
    """Return whether a list encoded the writer's address in the shown one, as Apache's and the IETF's do without a word
    in the name. ``lists``: what the fields of a list say."""
    return address.lower().endswith(_INVALID) or (bool(lists.strip()) and "=40" in address.rpartition("@")[0])


def _called(person: Mailbox, via: re.Match[str] | None) -> Mailbox:
    """Return a person by name where only From still has it: ``'Ana Silva' via Support``."""
    if person.name and not _VIA.match(person.name):
        return person
    name = via[1].strip().strip("'\"").strip() if via else ""
    return Mailbox("" if "@" in name else name, person.address)


def _is_person(found: Mailbox, lists: str, shown: Mailbox, own: Own) -> bool:
    address = found.address.lower()
    return "@" in address and address != shown.address.lower() and not own.has(address) and not _is_list(lists, address)


def _lists_in(headers: Headers) -> str:
    """Return what the fields of a list say of its addresses, in lower case."""
    return "\n".join(headers.raw(name)[:MAX_LIST_FIELD].lower() for name in _LIST)


def _is_list(lists: str, address: str) -> bool:
    """Return whether an address is the list's that passed a mail on; List-Id has a dot in place of the ``@``."""
    address = address.lower()
    return bool(address) and (address in lists or f"<{address.replace('@', '.')}>" in lists)

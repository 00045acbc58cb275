"""Determine where a mail came from, by what trusted hosts say.

A sender writes whatever fields it likes, also a ``Received`` and an ``Authentication-Results`` of ours. A host adds its
fields above all that came to it. So fields are read from the top: the first ``Received`` is of the host that brought
the mail, which must be a trusted one; if that host had the mail from another trusted host, the next one is that host's,
and so on. The last of these is the border: fields above it are ours, fields below came from outside, except at most the
first one, which the border host itself may have put there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address

from cx_channels.kit.mail.message.authentication import FAIL, PASS, Result, Results, results_of
from cx_channels.kit.mail.message.threads import is_trace
from cx_channels.kit.mail.mime.addresses import parse_mailboxes, split_comments
from cx_channels.kit.mail.mime.headers import Headers
from cx_channels.kit.mail.settings import Trust
from cx_events.email_addresses import INVALID, normalise_address
from cx_runtime.addresses import is_in

DMARC, DKIM, SPAM_TESTS = "dmarc", "dkim", "spam-tests"

MAX_KEPT = 10
"""The most fields that are kept as the verdict, of ``MAX_LETTERS`` characters each."""

MAX_LETTERS = 4_000

_MAX_RECEIVED = 4_000
_MAX_DOMAIN = 253
_FROM = re.compile(r"\s*from\s(.*?)\sby\s", re.IGNORECASE | re.DOTALL)
_WITH = re.compile(r"\sby\s+\S+\s+(?:via\s+\S+\s+)?with\s+(\S+)", re.IGNORECASE)
_AUTHENTICATED = re.compile(r"(?:UTF8)?(?:E?SMTP|LMTP)S?A", re.IGNORECASE)
"""What a host calls a session in which somebody logged in (RFC 3848, RFC 6531)."""

_BETWEEN = re.compile(r"[\s()\[\]<>,;=]+")
_PASSED_TESTS = frozenset({"DKIM_VALID_AU", "DMARC_PASS"})
_FAILED_TESTS = frozenset({"DMARC_REJECT", "DMARC_QUAR", "DMARC_NONE"})


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a mail as trusted hosts state it.

    ``aligned``: the verdict by which the address in From is the sender's (``dmarc``, ``dkim``, ``spam-tests``), ""
    where there is none. ``relayed``: it came by a host that carries only our own mail. ``submitted``: its sender logged
    in at a host of ours. ``statements``: the fields that say so.
    """

    aligned: str = ""
    relayed: bool = False
    submitted: bool = False
    statements: tuple[str, ...] = field(default=())

    @property
    def is_ours(self) -> bool:
        """Return whether an address of ours in From is genuine."""
        return bool(self.aligned) or self.relayed or self.submitted

    def kept(self) -> dict[str, object]:
        """Return what of it an event keeps; empty where nobody said anything."""
        found = {"aligned": self.aligned, "relayed": self.relayed, "submitted": self.submitted, "told": self.statements}
        return {name: value for name, value in found.items() if value}


def origin_of(
    headers: Headers,
    peer: str,
    trust: Trust,
    *,
    by_vendor: bool = False,
    signers: Iterable[str] = (),
    verdict: str = "",
) -> Origin:
    """Return where a mail came from. ``peer``: the address of the host that brought it by SMTP, "" if that is unknown.
    ``by_vendor``: a vendor's signed request brought it, and the vendor's host added the first fields. ``signers``: the
    domains whose signature that vendor found valid; ``verdict``: its words."""
    if not by_vendor and not trust.knows(peer):
        return Origin()
    path = _path(headers, peer, trust, by_vendor)
    trusted = _of_trusted(path.above, trust) or _of_trusted(path.below[:1], trust)
    stated = [value for value, _ in trusted]
    results = [result for _, read in trusted for result in read.results]
    failed = any(each.method == DMARC and each.result == FAIL for each in results)
    domain = _domain_of_sender(headers)
    aligned = _aligned(results, domain) if domain else ""
    if not aligned and domain and not failed and trust.spam_tests and path.spam_tests is not None:
        stated.append(path.spam_tests)
        aligned = SPAM_TESTS if _passes(path.spam_tests) else ""
    if not aligned and domain and not failed and any(signs_for(normal_domain(each), domain) for each in signers):
        stated.append(verdict)
        aligned = DKIM
    return Origin(
        aligned=aligned,
        relayed=path.relayed and not failed,
        submitted=(path.submitted or any(each.method == "auth" and each.result == PASS for each in results))
        and not failed,
        statements=tuple(value[:MAX_LETTERS] for value in stated[:MAX_KEPT]),
    )


def vendor_verdict(headers: Headers, *, passed_dmarc: bool, statement: str) -> Origin:
    """Return where a mail came from as its vendor says beside it. ``statement``: what it said, to be kept.

    DMARC is about the one address in From; nothing was found out of one of several.
    """
    aligned = DMARC if passed_dmarc and _domain_of_sender(headers) else ""
    return Origin(aligned=aligned, statements=(statement[:MAX_LETTERS],))


# --- the hosts that it came by ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Path:
    """The Authentication-Results above and below the border. ``below`` holds those before the next ``Received``."""

    above: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    relayed: bool = False
    submitted: bool = False
    spam_tests: str | None = None


def _path(headers: Headers, peer: str, trust: Trust, by_vendor: bool) -> _Path:
    path = _Path(relayed=is_in(peer, trust.relays))
    pending: list[str] = []
    border = False
    for name, value in headers.decoded():
        if not is_trace(name) or (name == "received" and border):
            break
        if name == "received":
            path.above += pending
            pending = []
            border = not _goes_on(value, path, trust, by_vendor)
        elif name == "authentication-results":
            pending.append(value)
        elif name == "x-spam-tests" and by_vendor and path.spam_tests is None:
            path.spam_tests = value
    path.below = pending
    return path


def _goes_on(received: str, path: _Path, trust: Trust, by_vendor: bool) -> bool:
    """Return whether a trusted host had the mail from another trusted one, whose fields follow. ``received``: the first
    host's."""
    text = received[:_MAX_RECEIVED]
    given = _FROM.match(text)
    if given is None:
        return by_vendor  # the vendor's host had it from itself
    if _is_authenticated(text):
        path.submitted = True
    addresses = list(_addresses(given[1]))
    if not addresses or not all(trust.knows(each) for each in addresses):
        return False
    path.relayed = path.relayed or all(is_in(each, trust.relays) for each in addresses)
    return True


def _addresses(words: str) -> Iterable[str]:
    """Yield every network address in what a host says of whom it had a mail from. The name that the other one gave
    itself may be an address, too, so that none of them is believed unless all are known."""
    for word in _BETWEEN.split(words):
        try:
            yield str(ip_address(word.lower().removeprefix("ipv6:")))
        except ValueError:
            continue


def _is_authenticated(received: str) -> bool:
    plain, _ = split_comments(received)
    found = _WITH.search(plain)
    return found is not None and _AUTHENTICATED.fullmatch(found[1]) is not None


def _of_trusted(values: Iterable[str], trust: Trust) -> list[tuple[str, Results]]:
    """Return the fields that trusted hosts added, with what each says."""
    if not trust.hosts:
        return []
    read = ((value, results_of(value)) for value in values)
    return [(value, said) for value, said in read if said is not None and said.host in trust.hosts]


# --- what they say of it ----------------------------------------------------------------------------------------------


def _domain_of_sender(headers: Headers) -> str:
    """Return the domain in From; "" where several stand there, since it is unclear which of them was checked."""
    if sum(name == "from" for name, _ in headers.fields) != 1:
        return ""
    given = headers.raw("from")
    found = parse_mailboxes(given)
    if len(found) != 1 or given.count("<") > 1:
        return ""
    return normal_domain(found[0].address.rpartition("@")[2]) if "@" in found[0].address else ""


def _aligned(results: Iterable[Result], domain: str) -> str:
    dmarc = [each for each in results if each.method == DMARC]
    if dmarc and all(each.result == PASS and _is_about(each, domain) for each in dmarc):
        return DMARC
    if any(each.result in (PASS, FAIL) for each in dmarc):
        return ""  # failed, or passed for somebody else
    signed = (_signer(each) for each in results if each.method == DKIM and each.result == PASS)
    return DKIM if any(signs_for(each, domain) for each in signed) else ""


def _is_about(result: Result, domain: str) -> bool:
    checked = result.properties.get("header.from", "")
    return not checked or normal_domain(checked.rpartition("@")[2]) == domain


def _signer(result: Result) -> str:
    """Return the domain that signed: ``header.d``, or that of ``header.i``, its user."""
    return normal_domain(result.properties.get("header.d") or result.properties.get("header.i", "").rpartition("@")[2])


def signs_for(signer: str, domain: str) -> bool:
    """Return whether a signature of one domain counts for another: for the domain itself and for its subdomains.

    DMARC may also accept a signature of a parent or sibling domain (RFC 7489, section 3.1.1), where the owner publishes
    that; a host that checks DMARC reports ``dmarc=pass``. Without that verdict a subdomain may be somebody else's.
    """
    return "." in signer and (domain == signer or domain.endswith(f".{signer}"))


def normal_domain(domain: str) -> str:
    """Return the form that a domain has in normalised addresses, without a final dot; in lower case where it has none.

    That is IDNA 2008's, by which ``straße.example`` and ``strasse.example`` may have two owners (RFC 5894, section
    7.2). By IDNA 2003, which the standard library has, they are one, and either owner could pass for the other.
    """
    plain = domain.strip().strip(".").lower()
    address, unusable = normalise_address(f"x@{plain}") if len(plain) <= _MAX_DOMAIN else (plain, INVALID)
    return plain if unusable == INVALID else address.removeprefix("x@")


def _passes(tests: str) -> bool:
    """Return whether SpamAssassin found a signature of the author's domain, or DMARC satisfied."""
    found = set(tests.upper().replace(",", " ").split())
    return bool(found & _PASSED_TESTS) and not found & _FAILED_TESTS

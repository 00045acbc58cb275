"""Describe a tenant's rules of identity. They are data, and a change of them is an event."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Any

from msgspec import Struct

from cx_events.errors import Refused
from cx_events.junk import Junk
from cx_events.weights import PROVED
from cx_identity.model import Decision, Evidence, Profile, event_name
from cx_identity.unmerge import withdrawn_decisions

_KIND = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_FIELDS = ("shared_after", "exclusive", "never_link", "junk", "proof_lifetime")
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_LIFETIME = 10 * 366 * 86_400
_MAX_METHOD = 280


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules by which identifiers may link.

    - ``shared_after``: by kind, how many values of any one kind of equal or higher rank an identifier may be tied to
      before it is shared. Identifiers of other kinds are never shared by this count.
    - ``exclusive``: kinds of which edges never bring two values together.
    - ``never_link``: ``KIND:GLOB``, values whose edges never link; ``*``, ``?`` and ``[...]`` as in a shell.
    - ``junk``: likewise, values that identify nobody in any spelling, besides those known to be such
      (``cx_events.junk``). Intake marks them; in facts from before the rule they no longer link.
    - ``proof_lifetime``: for how many seconds a proof counts in its contact, by its method; ``*`` is for every other
      method, and a day where that is missing.
    """

    shared_after: Mapping[str, int]
    exclusive: frozenset[str] = frozenset()
    never_link: tuple[str, ...] = ()
    junk: tuple[str, ...] = ()
    proof_lifetime: Mapping[str, int] = field(default_factory=dict)
    _junk: Junk = field(init=False, repr=False, compare=False)
    _patterns: Mapping[str, re.Pattern[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_kind: dict[str, list[str]] = {}
        for pattern in self.never_link:
            kind, _, glob = pattern.partition(":")
            by_kind.setdefault(kind, []).append(translate(glob))
        compiled = {kind: re.compile("|".join(globs)) for kind, globs in by_kind.items()}
        object.__setattr__(self, "_patterns", compiled)
        object.__setattr__(self, "_junk", Junk(self.junk))

    @classmethod
    def parse(cls, mapping: Mapping[str, Any]) -> Rules:
        """Read rules as configuration or an event's ``data.identity.rules`` writes them; what is left out is
        ``DEFAULT``'s.

        Raise ``Refused("bad-rules")``, naming the mistake.
        """
        if not isinstance(mapping, Mapping):
            raise _bad(f"expected a mapping of {', '.join(_FIELDS)}, not {_shown(mapping)}")
        for name in mapping:
            if name not in _FIELDS:
                raise _bad(f"{_shown(name)} is none of {', '.join(_FIELDS)}")
        return cls(
            shared_after=_counts(mapping["shared_after"]) if "shared_after" in mapping else DEFAULT.shared_after,
            exclusive=_kinds(mapping["exclusive"]) if "exclusive" in mapping else DEFAULT.exclusive,
            never_link=_globs("never_link", mapping["never_link"]) if "never_link" in mapping else DEFAULT.never_link,
            junk=_globs("junk", mapping["junk"]) if "junk" in mapping else DEFAULT.junk,
            proof_lifetime=_lifetimes(mapping.get("proof_lifetime", {})),
        )

    def may_link(self, profile: Profile) -> bool:
        """Return False for a value that ``never_link`` names or that is junk, whatever weight it had in any event.

        Such a profile keeps its own events and joins nobody.
        """
        pattern = self._patterns.get(profile.kind)
        if pattern is not None and pattern.match(profile.value) is not None:
            return False
        return not self._junk.matches(profile.kind, profile.value, PROVED)

    def as_mapping(self) -> dict[str, Any]:
        """Return what ``parse`` reads, in a fixed order."""
        lifetimes = dict(sorted(self.proof_lifetime.items()))
        return {
            "shared_after": dict(sorted(self.shared_after.items())),
            "exclusive": sorted(self.exclusive),
            "never_link": list(self.never_link),
            "junk": list(self.junk),
            **({"proof_lifetime": lifetimes} if lifetimes else {}),
        }


class RulesChange(Struct, frozen=True, gc=False):
    """A change of a tenant's rules, which holds for the whole set of facts, older ones included.

    ``key`` and ``at`` are those of the event.
    """

    key: bytes
    at: Evidence
    rules: Rules
    reason: str = ""


def rules_in_force(changes: Iterable[RulesChange], withdrawals: Iterable[Decision], configured: Rules) -> Rules:
    """Return the latest change of rules that is not withdrawn, else what is configured.

    ``withdrawals`` are those that name a change.
    """
    withdrawn = withdrawn_decisions(withdrawals)
    latest = max(
        (change for change in changes if event_name(change.at) not in withdrawn), key=lambda c: c.at, default=None
    )
    return configured if latest is None else latest.rules


def _counts(value: object) -> Mapping[str, int]:
    if not isinstance(value, Mapping):
        raise _bad(f"shared_after: expected a mapping of kind to number, not {_shown(value)}")
    for kind, allowed in value.items():
        _check_kind("shared_after", kind)
        if not isinstance(allowed, int) or isinstance(allowed, bool) or allowed < 0:
            raise _bad(f"shared_after.{kind}: expected a whole number, 0 or more, not {_shown(allowed)}")
    return dict(value)


def _lifetimes(value: object) -> Mapping[str, int]:
    if not isinstance(value, Mapping):
        raise _bad(f"proof_lifetime: expected a mapping of method to duration, not {_shown(value)}")
    lifetimes: dict[str, int] = {}
    for method, duration in value.items():
        if not isinstance(method, str) or not 0 < len(method) <= _MAX_METHOD or "\0" in method:
            raise _bad(f"proof_lifetime: {_shown(method)} is not a method like login or one-time-code, nor *")
        match = _DURATION.fullmatch(duration) if isinstance(duration, str) else None
        seconds = int(match[1]) * _SECONDS[match[2]] if match is not None else duration
        if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds <= _LONGEST_LIFETIME:
            raise _bad(
                f"proof_lifetime.{method[:64]}: expected a duration like 24h, 90m or 30s, not {_shown(duration)}"
            )
        lifetimes[method] = seconds
    return lifetimes


def _kinds(value: object) -> frozenset[str]:
    kinds = _listed("exclusive", value)
    for kind in kinds:
        _check_kind("exclusive", kind)
    return frozenset(kinds)


def _globs(name: str, value: object) -> tuple[str, ...]:
    patterns = []
    for pattern in _listed(name, value):
        kind, colon, glob = pattern.partition(":") if isinstance(pattern, str) else ("", "", "")
        if not colon or not glob:
            raise _bad(f"{name}: expected KIND:VALUE like email:noreply@*, not {_shown(pattern)}")
        _check_kind(name, kind)
        patterns.append(f"{kind}:{glob.lower() if kind == 'email' else glob}")
    return tuple(sorted(set(patterns)))


def _listed(name: str, value: object) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise _bad(f"{name}: expected a list, not {_shown(value)}")
    return list(value)


def _check_kind(name: str, kind: object) -> None:
    if not isinstance(kind, str) or _KIND.fullmatch(kind) is None:
        raise _bad(f"{name}: {_shown(kind)} is not a kind of identifier, like phone or facebook-psid")


def _shown(value: object) -> str:
    return repr(value)[:64]


def _bad(detail: str) -> Refused:
    return Refused("bad-rules", detail)


DEFAULT = Rules(
    shared_after={"phone": 1, "email": 2, "cookie": 2},
    exclusive=frozenset({"crm"}),
)

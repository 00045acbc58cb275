"""Compile the members of an event's ``data`` by the types of ``cx_events.envelope``: a field that is new there needs no
edit here.

A member that is absent is left out. A struct is absent where it declares values of the notice and none of them is
there, or where a value that it needs is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

from msgspec import inspect

from cx_channels.kit.declaration.expressions import Expression, compile_any, compile_value, is_operation
from cx_channels.kit.declaration.mistakes import Place, listed, shown
from cx_channels.kit.declaration.paths import as_text, compile_text, is_path
from cx_channels.kit.declaration.people import Member, check_kind, compile_weight
from cx_channels.kit.declaration.scope import MOST_ITEMS, Read, Scope, Unusable, items_of
from cx_channels.kit.json_values import number, text
from cx_channels.provider import Request
from cx_events.envelope import Attachment, Data, Identifier, Message, Weight

_HIDDEN: Mapping[type, frozenset[str]] = {
    # of an event: what the hub and people decide, and what intake itself writes
    Data: frozenset({
        "channel", "interaction", "links", "evidence", "identity", "conversation", "token", "idempotency_key", "raw",
    }),
    Identifier: frozenset({"verified", "given", "unusable"}),
    Attachment: frozenset({"blob", "part"}),
    Message: frozenset({"signature_at"}),
}  # fmt: skip
"""Members that no declaration may set."""

_OF_ITEMS = ("each", "when")
_NOWHERE = Scope(None, None, None, Request(b""))
"""Where constants are read."""


@cache
def members_of(struct: type) -> Mapping[str, inspect.Field]:
    """Return the members of a struct that may be declared, worked out once: each declaration asks again and again."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    hidden = _HIDDEN.get(struct, frozenset())
    return {each.encode_name: each for each in info.fields if each.encode_name not in hidden}


DATA_MEMBERS = members_of(Data)
"""The members of an event's data that a declaration may set."""


def compile_member(field: inspect.Field, given: Any, place: Place, strongest: Weight) -> Member:
    """Return what reads one member. ``strongest``: the most that an identifier may weigh."""
    read, varies = _compile(field.type, given, place, strongest)
    return Member(field.encode_name, read, varies)


def _compile(of: inspect.Type, given: Any, place: Place, strongest: Weight) -> tuple[Read, bool]:
    if place.is_too_deep:
        place.wrong("this is nested too deep")
        return (lambda _s: None), False
    if isinstance(of, inspect.UnionType):
        known = [each for each in of.types if not isinstance(each, inspect.NoneType)]
        if len(known) > 1:
            return _scalar(given, place, _text_or_number)
        of = known[0]
    if isinstance(of, inspect.StructType):
        return _struct(of.cls, given, place, strongest)
    if isinstance(of, inspect.ListType):
        return _list(of.item_type, given, place, strongest), True
    if isinstance(of, inspect.DictType):
        return _mapping(given, place), True
    if isinstance(of, inspect.LiteralType):
        return _word(tuple(str(each) for each in of.values if each), given, place)
    return _scalar(given, place, _SCALARS[type(of)])


# --- scalars ---------------------------------------------------------------------------------------------------------


def _as_whole_number(value: Any) -> Any:
    found = number(value)
    return None if found is None else round(found)


def _as_flag(value: Any) -> Any:
    return value if isinstance(value, bool) else {"true": True, "false": False}.get(text(value))


def _text_or_number(value: Any) -> Any:
    return value if isinstance(value, float) else as_text(value)


_SCALARS: Mapping[type, Callable[[Any], Any]] = {
    inspect.StrType: as_text,
    inspect.IntType: _as_whole_number,
    inspect.FloatType: number,
    inspect.BoolType: _as_flag,
}


def _scalar(given: Any, place: Place, shape: Callable[[Any], Any]) -> tuple[Read, bool]:
    if shape is as_text and is_path(given):
        return compile_text(given, place), True
    value = compile_value(given, place)
    if value.is_constant:
        return _constant(value, shape, place), False
    read = value.read
    return (lambda s: None if (found := read(s)) is None else shape(found)), True


def _constant(value: Expression, shape: Callable[[Any], Any], place: Place) -> Read:
    for each in value.outcomes or ():
        if shape(each) is None and each != "":
            place.wrong(f"{shown(each)} is of another type than is expected here")
    shaped = {each: shape(each) for each in value.outcomes or ()}
    read = value.read
    return lambda s: shaped.get(read(s))


def _word(allowed: tuple[str, ...], given: Any, place: Place) -> tuple[Read, bool]:
    value = compile_value(given, place)
    for each in sorted(map(str, value.outcomes or ())):
        if each not in allowed:
            place.wrong(f"there is no {each[:64]!r} here; there are {listed(allowed)}")
    read = value.read
    if value.is_constant:
        return lambda s: found if (found := read(s)) in allowed else None, False

    def read_word(s: Scope) -> Any:
        found = read(s)
        if found is None or found in allowed:
            return found
        raise Unusable("unknown-word", f"{place.text}: {text(found)[:40]!r} is none of {listed(allowed)}")

    return read_word, True


# --- mappings, lists, structs ----------------------------------------------------------------------------------------


def _mapping(given: Any, place: Place) -> Read:
    if not isinstance(given, Mapping | str):
        place.wrong(f"expected a mapping, or a path to one, not {shown(given)}")
    read = compile_any(given, place)

    def read_mapping(s: Scope) -> Any:
        found = read(s)
        return found if isinstance(found, dict) and found else None

    return read_mapping


class _Item(NamedTuple):
    """One declared item of a list. ``each``: what reads the values of which each becomes an item, where it stands for
    several. ``when``: what tells whether a value becomes one."""

    read: Read
    each: Callable[[Scope], list[Any]] | None = None
    when: Read | None = None


def _list(item: inspect.Type, given: Any, place: Place, strongest: Weight) -> Read:
    declared = given if isinstance(given, list) else [given]
    at: Callable[[int], Place] = place.at if isinstance(given, list) else lambda _index: place
    items = [_item(item, each, at(index), strongest) for index, each in enumerate(declared)]
    plain = [each.read for each in items if each.each is None and each.when is None]

    def read_plain(s: Scope) -> Any:
        found = []
        for read in plain:
            value = read(s)
            if value is not None:
                found.append(value)
        return found or None

    def read_list(s: Scope) -> Any:
        found = []
        for read, each, when in items:
            for part in (s,) if each is None else map(s.of, each(s)):
                if when is None or when(part) is True:
                    value = read(part)
                    if value is not None:
                        found.append(value)
        if len(found) > MOST_ITEMS:
            items_of(found, place.text)
        return found or None

    return read_plain if len(plain) == len(items) <= MOST_ITEMS else read_list


def _item(item: inspect.Type, given: Any, place: Place, strongest: Weight) -> _Item:
    each = when = None
    if isinstance(given, Mapping) and not is_operation(given):
        each = _values(compile_value(given["each"], place.at("each")).read, place) if "each" in given else None
        when = compile_value(given["when"], place.at("when")).read if "when" in given else None
        given = {name: value for name, value in given.items() if name not in _OF_ITEMS}
    return _Item(_compile(item, given, place, strongest)[0], each, when)


def _values(read: Read, place: Place) -> Callable[[Scope], list[Any]]:
    return lambda s: items_of(read(s), place.text)


def _struct(struct: type, given: Any, place: Place, strongest: Weight) -> tuple[Read, bool]:
    known = members_of(struct)
    declared = place.members(given, known)
    required = [name for name, field in known.items() if field.required]
    for name in required:
        if name not in declared:
            place.wrong(f"{name!r} is missing")
    members = [compile_member(known[name], declared[name], place.at(name), strongest) for name in declared]
    if struct is Identifier:
        check_kind(declared, place)
        members = [each for each in members if each.name != "weight"]
        members.append(compile_weight(declared, strongest, place))
        if "scope" in declared:
            required.append("scope")  # without it, the value may be anybody's
    read = _struct_of(struct, members, frozenset(required), place)
    return read, any(each.varies for each in members)


def _struct_of(struct: type, members: list[Member], required: frozenset[str], place: Place) -> Read:
    # The same for every notice, so read but once.
    fixed = {each.name: each.read(_NOWHERE) for each in members if not each.varies}
    fixed = {name: value for name, value in fixed.items() if value is not None}
    roles = [each.read for each in members if each.varies and each.name == "role"]
    varying = [(each.name, each.read) for each in members if each.varies and each.name != "role"]
    needed = required - fixed.keys() - {"role"}

    def read(s: Scope) -> Any:
        values = fixed.copy()
        for name, of in varying:
            value = of(s)
            if value is not None:
                values[name] = value
        if len(values) == len(fixed) and varying:
            return None
        for role in roles:
            found = role(s)
            if found is None:  # somebody is there, and leaving them out would tell another story
                raise Unusable("unknown-role", f"{place.text}: the notice does not tell the role")
            values["role"] = found
        for name in needed:
            if name not in values:
                return None
        return struct(**values)

    return read


def constant_texts(members: Iterable[Member]) -> dict[str, str]:
    """Return the members that are the same text for every notice."""
    constants = {each.name: each.read(_NOWHERE) for each in members if not each.varies}
    return {name: value for name, value in constants.items() if isinstance(value, str)}

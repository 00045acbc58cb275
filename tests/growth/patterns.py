"""Every regular expression of the product, found by reading the sources, and the texts that could be hard for each.

A text is derived from the pattern's own parse tree: runs of a member of each character class, the same behind what
leads to a repetition and before something that ends it, and classes by turns.
"""

from __future__ import annotations

import ast
import importlib
import re
import re._constants as c
import re._parser as parser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parents[2]
RE_FUNCTIONS = frozenset(
    {"compile", "search", "match", "fullmatch", "split", "findall", "finditer", "sub", "subn", "template"}
)
_MANY = 8
"""A repetition that may be longer than this is tried behind its own prefix."""

_MOST_CHARACTERS = 10
_ENDS = ("\0", "\n", "!")
_CATEGORIES = {
    c.CATEGORY_DIGIT: "5",
    c.CATEGORY_NOT_DIGIT: "x",
    c.CATEGORY_SPACE: " ",
    c.CATEGORY_NOT_SPACE: "x",
    c.CATEGORY_WORD: "w",
    c.CATEGORY_NOT_WORD: "-",
}


_MAY_HAVE = re.compile(r"\bre\.[a-z]|\bpattern\s*=")
_WORD = re.compile(r"\w+")

Use = Literal["match", "fullmatch", "scan"]
_Name = tuple[str, str]
"""A module and a name in it."""

_Used = Mapping[_Name, frozenset[Use]]
_EVERY_USE: frozenset[Use] = frozenset({"match", "fullmatch", "scan"})
_USES: dict[str, Use] = {"match": "match", "fullmatch": "fullmatch"}
"""All other methods of a pattern scan the text from each of its places."""


@dataclass(frozen=True)
class Found:
    """A pattern, where it stands (``FILE:LINE``), and how it is used: in every way where that can't be seen."""

    place: str
    pattern: re.Pattern[Any]
    uses: frozenset[Use]


def re_calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Each call of a function of ``re`` below a node."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "re"
            and node.func.attr in RE_FUNCTIONS
        ):
            yield node


def at_import(module: ast.Module) -> Iterator[ast.Call]:
    """The calls of ``re`` that run when a module is imported: those outside of functions."""
    inside = {
        id(call)
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for call in re_calls(node)
    }
    return (call for call in re_calls(module) if id(call) not in inside)


def may_have_patterns(source: str) -> bool:
    """Return whether a source may have patterns at all: to parse every file takes long."""
    return _MAY_HAVE.search(source) is not None


def inventory(sources: Sequence[Path]) -> list[Found]:
    """Every pattern that is compiled when a module of ``sources`` (files below the two source roots) is imported.

    Each call is evaluated once more in its module, so that f-strings and names in it mean what they mean there.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in sources}
    trees = {path: ast.parse(text) for path, text in texts.items() if may_have_patterns(text)}
    calls = [
        (path, call, names.get(id(call), ""))
        for path, tree in trees.items()
        for names in [_names(tree)]
        for call in at_import(tree)
    ]
    named = {name for _, _, name in calls}
    used = uses_in(
        {
            _module(path): trees.get(path) or ast.parse(text)
            for path, text in texts.items()
            if not named.isdisjoint(_WORD.findall(text))
        }
    )
    found = []
    for path, call, name in calls:
        seen = used.get((_module(path), name), _EVERY_USE)
        uses = frozenset({_USES.get(name[1:], "scan")}) if name[:1] == "." else seen
        found.append(Found(f"{path.relative_to(ROOT)}:{call.lineno}", _evaluated(call, path), uses))
    for path, tree in trees.items():
        for node in _declared(tree):
            pattern = re.compile(_evaluated(node, path))
            found.append(Found(f"{path.relative_to(ROOT)}:{node.lineno}", pattern, frozenset({"scan"})))
    return sorted(found, key=lambda each: each.place.partition(":")[0])


def _declared(tree: ast.Module) -> Iterator[ast.expr]:
    """What stands as ``pattern=...`` in the description of a field, which msgspec and pydantic search values for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Meta", "Field"):
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "pattern")


def _evaluated(node: ast.expr, path: Path) -> Any:
    """The value of an expression of a module, taken once more where it stands."""
    return eval(compile(ast.Expression(node), str(path), "eval"), vars(importlib.import_module(_module(path))))


def _module(path: Path) -> str:
    """Return the dotted name of a source file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts[1:]).removesuffix(".__init__")


def _names(tree: ast.Module) -> dict[int, str]:
    """By call: the name that its pattern is given, or ``.METHOD`` where a method of it is taken at once."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[id(node.value)] = node.targets[0].id
        elif isinstance(node, ast.Attribute):
            names[id(node.value)] = f".{node.attr}"
    return names


def uses_in(trees: Mapping[str, ast.Module]) -> _Used:
    """Return the uses of each name that are seen in its own module and in those that import it from there.

    A pattern that is handed on may be used in every way. Equal names of two modules are two names.
    """
    used: dict[_Name, set[Use]] = {}
    for module, tree in trees.items():
        imported = _imported(tree)
        plain = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                plain.add(id(node.value))
                name = imported.get(node.value.id, (module, node.value.id))
                used.setdefault(name, set()).add(_USES.get(node.attr, "scan"))
                used.setdefault((".".join(filter(None, name)), node.attr), set()).update(_EVERY_USE)
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in plain:
                used.setdefault(imported.get(node.id, (module, node.id)), set()).update(_EVERY_USE)
    return {name: frozenset(uses) for name, uses in used.items()}


def _imported(tree: ast.Module) -> dict[str, _Name]:
    """Return where each imported name comes from, by the name that it has here."""
    imported: dict[str, _Name] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imported |= {each.asname or each.name: (node.module or "", each.name) for each in node.names}
        elif isinstance(node, ast.Import):
            imported |= {each.asname or each.name: ("", each.name) for each in node.names}
    return imported


@dataclass
class _Seen:
    characters: dict[str, None] = field(default_factory=dict)
    repeated: list[tuple[str, str]] = field(default_factory=list)
    """What leads to a repetition, and one turn of it."""


def hard_texts(pattern: str | bytes, flags: int, length: int) -> Iterator[str]:
    """Texts of about ``length`` characters, each once."""
    seen = _Seen()
    whole = _walk(parser.parse(pattern, flags & ~re.DEBUG), "", seen)
    once: dict[str, None] = {}
    for text in _texts(seen, whole, length):
        once.setdefault(text)
    yield from once


def _texts(seen: _Seen, whole: str, length: int) -> Iterator[str]:
    characters = [*dict.fromkeys([*seen.characters, " ", "a"])]
    for one in characters:
        yield one * length
    units = dict.fromkeys(unit for unit in (whole, *(p + t for p, t in seen.repeated)) if unit)
    for unit in units:
        yield unit * (length // len(unit) + 1)
    for lead, turn in dict.fromkeys(seen.repeated):
        if turn:
            run = turn * (length // len(turn))
            for end in _ENDS:
                yield lead + run + end
                yield "a\n" + lead + run + end
    for one, other in combinations(characters[:_MOST_CHARACTERS], 2):
        yield (one + other) * (length // 2)
        yield one * (length // 2) + other * (length // 2)
        yield other * (length // 2) + one * (length // 2)


def _walk(tree: Any, lead: str, seen: _Seen) -> str:
    """A text that a parse tree matches, notes taken on the way."""
    text = ""
    for op, argument in tree:
        text += _step(op, argument, lead + text, seen)
    return text


def _step(op: Any, argument: Any, lead: str, seen: _Seen) -> str:
    if op in (c.LITERAL, c.NOT_LITERAL, c.IN, c.ANY, c.RANGE, c.CATEGORY):
        members = list(_members(op, argument))
        seen.characters.update(dict.fromkeys(members))
        return members[0] if members else ""
    if op is c.BRANCH:
        texts = [_walk(branch, lead, seen) for branch in argument[1]]  # all, for the notes
        return texts[0]
    if op is c.SUBPATTERN:
        return _walk(argument[3], lead, seen)
    if op is c.ATOMIC_GROUP:
        return _walk(argument, lead, seen)
    if op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
        least, most, body = argument
        inner = _Seen()
        turn = _walk(body, lead, inner)
        seen.characters.update(inner.characters)
        seen.repeated += inner.repeated
        if most > _MANY:
            seen.repeated += [(lead, each) for each in dict.fromkeys([turn, *inner.characters])]
        return turn * max(least, 1 if len(turn) < 3 else 0)
    if op in (c.ASSERT, c.ASSERT_NOT):
        _walk(argument[1], lead, seen)
        return ""
    if op is c.GROUPREF_EXISTS:
        return _walk(argument[1], lead, seen)
    return ""


def _members(op: Any, argument: Any) -> Iterator[str]:
    """Characters that stand for a class."""
    if op is c.LITERAL:
        yield chr(argument)
    elif op is c.NOT_LITERAL:
        yield next(one for one in "x-" if ord(one) != argument)
    elif op is c.ANY:
        yield "x"
    elif op is c.RANGE:
        yield chr(argument[0])
    elif op is c.CATEGORY:
        yield _CATEGORIES[argument]
    elif argument[0][0] is c.NEGATE:
        excluded = [each for op, what in argument[1:] for each in _members(op, what)]
        yield from [one for one in "x 5-\n" if one not in excluded][:3]
    else:
        for inner, what in argument:
            yield from _members(inner, what)

"""Read a filter's text: what binds how, and what is written wrong. Fields are looked up in ``checking``."""

from __future__ import annotations

from typing import cast

from cx_events.filters.syntax import And, BadFilter, Comparison, Expression, Name, Not, Operator, Or, Value
from cx_events.filters.words import Token, split

MOST_NESTED = 30
MOST_COMPARISONS = 200
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=")
_MEANT = {"==": "=", "===": "=", "=~": "= with * in the value", "~": "= with * in the value", "<>": "!=", "=<": "<="}


def parse(text: str) -> Expression:
    """Return what a filter says: ``not`` binds closest, then ``and``, then ``or``. Raises ``BadFilter``."""
    parser = _Parser(split(text))
    found = parser.expression()
    parser.expect_end()
    return found


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0
        self._comparisons = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._token
        if token.mark != "end":
            self._next += 1
        return token

    def _took(self, keyword: str) -> bool:
        if self._token.says(keyword):
            self._next += 1
            return True
        return False

    def expect_end(self) -> None:
        token = self._token
        if token.mark == ")":
            raise BadFilter(token.at, "this ) closes nothing")
        if token.mark != "end":
            raise BadFilter(token.at, f"after a comparison comes and, or or the end, not {_shown(token)}")

    def expression(self) -> Expression:
        terms = [self._conjunction()]
        while self._took("or"):
            terms.append(self._conjunction())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _conjunction(self) -> Expression:
        terms = [self._negation()]
        while self._took("and"):
            terms.append(self._negation())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _negation(self) -> Expression:
        token = self._token
        if not token.says("not") and token.mark != "(":
            return self._comparison()
        self._depth += 1
        if self._depth > MOST_NESTED:
            raise BadFilter(token.at, f"more than {MOST_NESTED} parentheses and nots lie in each other")
        self._take()
        found = Not(self._negation()) if token.mark == "word" else self._inside(token)
        self._depth -= 1
        return found

    def _inside(self, opening: Token) -> Expression:
        found = self.expression()
        if self._token.mark == "end":
            raise BadFilter(opening.at, "this ( is never closed")
        if self._take().mark != ")":
            self._next -= 1
            self.expect_end()
        return found

    def _comparison(self) -> Expression:
        name = self._take()
        if name.mark != "word" or any(name.says(each) for each in ("and", "or", "in")):
            raise BadFilter(name.at, f"a field is missing here, like in type=cx.message.*; there is {_shown(name)}")
        self._comparisons += 1
        if self._comparisons > MOST_COMPARISONS:
            raise BadFilter(name.at, f"a filter has at most {MOST_COMPARISONS} comparisons")
        token = self._take()
        operator = self._operator(name, token)
        if operator in ("in", "not in"):
            return Comparison(_path(name), operator, self._list(), name.at, token.at)
        return Comparison(_path(name), operator, (self._value(),), name.at, token.at)

    def _operator(self, name: Token, token: Token) -> Operator:
        if token.says("in"):
            return "in"
        if token.says("not") and self._took("in"):
            return "not in"
        if token.mark != "operator":
            raise BadFilter(
                token.at, f"after {name.text} comes one of {' '.join(_OPERATORS)} in, or not in; not {_shown(token)}"
            )
        if token.text not in _OPERATORS:
            meant = f"; use {_MEANT[token.text]}" if token.text in _MEANT else ""
            raise BadFilter(
                token.at, f"{token.text} is no operator{meant}; there are {' '.join(_OPERATORS)} in, not in"
            )
        return cast(Operator, token.text)

    def _value(self) -> Value:
        token = self._take()
        if token.mark != "word":
            raise BadFilter(token.at, f"a value is missing here; there is {_shown(token)}")
        return _read_value(token)

    def _list(self) -> tuple[Value, ...]:
        opening = self._take()
        if opening.mark != "(":
            raise BadFilter(opening.at, "after in comes a list, like in (voice, chat)")
        values = [self._value()]
        while self._token.mark == ",":
            self._take()
            values.append(self._value())
        token = self._take()
        if token.mark == "end":
            raise BadFilter(opening.at, "this ( is never closed")
        if token.mark != ")":
            raise BadFilter(token.at, f"in a list, a comma or ) comes after a value, not {_shown(token)}")
        if len(values) > MOST_COMPARISONS:
            raise BadFilter(opening.at, f"a list has at most {MOST_COMPARISONS} values")
        return tuple(values)


def _shown(token: Token) -> str:
    return "the end" if token.mark == "end" else token.text[:40]


def _path(token: Token) -> tuple[Name, ...]:
    """Return the steps of a field: they are parted by the dots outside of quotes."""
    names: list[Name] = [Name("")]
    for text, is_quoted in token.fragments:
        first, *others = [text] if is_quoted else text.split(".")
        last = names.pop()
        names.append(Name(last.text + first, is_quoted or last.is_quoted))
        names += [Name(each) for each in others]
    if any(not name.text and not name.is_quoted for name in names):
        raise BadFilter(token.at, f"{token.text[:40]} has a dot with no name beside it")
    return tuple(names)


def _read_value(token: Token) -> Value:
    pieces = [""]
    for text, is_quoted in token.fragments:
        first, *others = [text] if is_quoted else text.split("*")
        pieces[-1] += first
        pieces += others
    is_bare = not any(fragment.is_quoted for fragment in token.fragments)
    return Value(tuple(pieces), is_bare, token.at)

"""Read enriched text (RFC 1896) and its predecessor, richtext (RFC 1341, section 7.1.3), as plain text."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"<(param|comment)>[^<>]{0,2000}</\1>|<<|<(nl|np|lt)>|</?[a-z][^<>]{0,60}>", re.IGNORECASE)
_BREAKS = re.compile(r"\n+")
_WRITTEN = {"nl": "\n", "np": "\n\n", "lt": "<"}
"""Commands of richtext that stand for a character."""


def text_of_enriched(text: str) -> str:
    """Return what a reader sees of ``text/enriched``: no commands and their parameters, ``<<`` as ``<``; a line end
    alone is a blank, of several in a row one is (RFC 1896, sections 2 and 4)."""
    return _COMMAND.sub(_shown, _BREAKS.sub(_break, text.strip("\n")))


def text_of_richtext(text: str) -> str:
    """Return what a reader sees of ``text/richtext``, where only a command breaks a line."""
    return _COMMAND.sub(_shown, _BREAKS.sub(" ", text.strip("\n")))


def _shown(command: re.Match[str]) -> str:
    return "<" if command[0] == "<<" else _WRITTEN.get((command[2] or "").lower(), "")


def _break(line_ends: re.Match[str]) -> str:
    return "\n" * (len(line_ends[0]) - 1) or " "

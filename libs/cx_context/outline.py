"""A part without the words in it: all that deciding about threads needs, at a third of the cost of reading it.

Of a customer with ten thousand contacts the document shows the words of a few. What an outline leaves out reads as
empty; whoever is given outlines is given a way to the whole parts, too (``finish.Known.whole``).
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from cx_context.model import Part

WORDS = frozenset(
    {
        "said", "edits", "notes", "turns", "slots", "surveys", "summary", "disposition", "direction", "queue",
        "handoff", "accepted", "offered", "passed", "shown", "first_answered", "first_shown",
    }
)  # fmt: skip
"""What only the summary of a shown conversation is made of, and what is told of the interaction of now."""


def _default(field: Any) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


def _outline() -> type[Part]:
    fields = msgspec.structs.fields(Part)
    kept = [(field.name, field.type, field) for field in fields if field.name not in WORDS]
    made = msgspec.defstruct(
        "Outline",
        [(name, type_, _default(field)) for name, type_, field in kept],
        namespace={field.name: _default(field) for field in fields if field.name in WORDS},
        gc=False,
        kw_only=True,
    )
    return cast(type[Part], made)  # it has every attribute


OUTLINE = _outline()

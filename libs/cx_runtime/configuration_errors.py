"""Say what is wrong in a configuration file, with its place and, for a misspelt setting, the nearest name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from pydantic import BaseModel, ValidationError

from cx_events.errors import Fatal
from cx_events.spelling import nearest


class Mistakes(Fatal):
    """All that is wrong in a configuration. The text tells the first, and how many more there are."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        more = f"; and {len(mistakes) - 1} more, which cx config check lists" if len(mistakes) > 1 else ""
        super().__init__(f"{mistakes[0]}{more}")
        self.mistakes = tuple(mistakes)


def mistakes_of(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[tuple[int | str, ...], str, str]]:
    """Yield each mistake: its steps, its place as ``.keys.0.scopes``, and what is wrong there.

    ``model``: what was read.
    """
    # A misspelt name is told before the one that is missing for it.
    for each in sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden"):
        place = "".join(f".{step}" for step in each["loc"])
        if each["type"] != "extra_forbidden":
            yield each["loc"], place, each["msg"]
            continue
        names = sorted(_settings_at(model, each["loc"][:-1]))
        near = nearest(str(each["loc"][-1]), names)
        known = f"did you mean {near!r}?" if near else f"there are {', '.join(names)}"
        yield each["loc"], place, f"there is no such setting; {known}"


def _settings_at(model: type[BaseModel], place: Sequence[int | str]) -> set[str]:
    for step in place:
        field = model.model_fields.get(str(step))
        if field is not None:  # else an index of a list, or a name that the file chooses
            model = next(_models(field.annotation), model)
    return set(model.model_fields)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)

"""Say what is wrong in a configuration file, with its place and, for a misspelt setting, the nearest name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from pydantic import BaseModel, ValidationError

from cx_events.spelling import nearest


def first_mistake(error: ValidationError, model: type[BaseModel]) -> tuple[str, str]:
    """Return the place of the first mistake, as ``.keys.0.scopes``, and what is wrong there.

    ``model``: what was read.
    """
    # A misspelt name is told before the one that is missing for it.
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    place = "".join(f".{step}" for step in first["loc"])
    if first["type"] != "extra_forbidden":
        return place, first["msg"]
    names = sorted(_settings_at(model, first["loc"][:-1]))
    near = nearest(str(first["loc"][-1]), names)
    known = f"did you mean {near!r}?" if near else f"there are {', '.join(names)}"
    return place, f"there is no such setting; {known}"


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

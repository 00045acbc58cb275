"""Read the variables of a configuration, ``${NAME}``, from the environment. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

Steps = tuple[int | str, ...]
"""The way to a value: keys and indexes."""


def expand(value: Any, environ: Mapping[str, str], missing: dict[Steps, str], at: Steps = ()) -> Any:
    """Return a value with its variables read. One that is not set stays, and is noted in ``missing`` by its place."""
    if isinstance(value, dict):
        return {key: expand(item, environ, missing, (*at, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, environ, missing, (*at, number)) for number, item in enumerate(value)]
    if isinstance(value, str):

        def read(match: re.Match[str]) -> str:
            if match[1] not in environ:
                missing[at] = match[1]
            return environ.get(match[1], match[0])

        return _VARIABLE.sub(read, value)
    return value


def written(steps: Steps) -> str:
    """Return a place as errors tell it: ``.keys[0].secret``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)

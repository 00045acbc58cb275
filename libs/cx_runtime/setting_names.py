"""Find names in the environment that were probably meant to be settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from cx_events.spelling import nearest
from cx_runtime.settings import Settings, environment

PREFIX = "CX_"
OTHERS = frozenset({"CX_MAVEN_URL", "CX_REPLAY_SECRET", "CX_VENV"})
"""Names that are no settings of a service: of the stack, of one command, of the script ``cx``."""


class Misspelt(NamedTuple):
    """A name that stands in the environment, and the setting that is nearest to it."""

    name: str
    nearest: str

    def __str__(self) -> str:
        return f"{self.name} is set, and there is no such setting; did you mean {self.nearest}?"


def known_names() -> frozenset[str]:
    """Return the names of all settings, as the environment has them."""
    return OTHERS | {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def misspelt_settings(environ: Mapping[str, str], configuration: str = "") -> list[Misspelt]:
    """Return what is near a setting's name and is none, by name. Letter case does not count, as for settings.

    ``configuration``: the text of ``CX_CONFIG``; a name that it reads as ``${NAME}`` is its own.
    """
    known = known_names()
    named = {name for name in _candidates(environ, known) if f"${{{name}}}" not in configuration}
    found = ((name, nearest(name, known)) for name in sorted(named))
    return [Misspelt(name, near) for name, near in found if near is not None]


def misspelt_here() -> list[Misspelt]:
    """Return what this process's environment probably misspells; a configuration that can't be read counts as empty."""
    environ = environment()
    try:
        configuration = Path(environ["CX_CONFIG"]).read_text("utf-8", "replace") if environ.get("CX_CONFIG") else ""
    except OSError:
        configuration = ""
    return misspelt_settings(environ, configuration)


def _candidates(environ: Mapping[str, str], known: Iterable[str]) -> Iterable[str]:
    return (name for name in environ if name.upper().startswith(PREFIX) and name.upper() not in known)

"""The chat's script as pages load it: ``widget.js`` and the modules below ``widget/``, joined into one.

The files are ES modules, which browsers could load one by one. Joined, all that runs in a page is of one version, also
while the hub is being replaced by a newer one, and a page needs one tag. Nothing is built: the lines of ``import``
and the words ``export`` are left out, and each module follows those it needs.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

MODULES = ("words", "talk", "links", "files", "elements", "look", "shelter", "lines", "chat", "panel")
"""Of ``widget/``, each after those that it imports."""


@cache
def script() -> bytes:
    """Return the whole script, UTF-8."""
    folder = files("cx_channels.chat.webchat")
    texts = [(folder / "widget" / f"{name}.js").read_text(encoding="utf-8") for name in MODULES]
    texts.append((folder / "widget.js").read_text(encoding="utf-8"))
    body = "\n".join(_without_modules(text) for text in texts)
    return f'(function () {{\n"use strict";\n{body}}})();\n'.encode()


def _without_modules(text: str) -> str:
    lines = (line.removeprefix("export ") for line in text.splitlines(keepends=True) if not line.startswith("import "))
    return "".join(lines)

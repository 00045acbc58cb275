"""Load the chat's script as pages get it: ``widget.js`` and the modules below ``widget/``, joined into one.

The files are ES modules, which browsers could load one by one. Joined, all that runs in a page is of one version, also
while the hub is being replaced by a newer one, and a page needs one tag. Nothing is built: the lines of ``import``, the
words ``export``, comments and blanks are left out, and each module follows those it needs.
"""

from __future__ import annotations

import re
import zlib
from functools import cache
from importlib.resources import files

from cx_channels.chat.webchat.squeeze import squeeze

MODULES = (
    "look", "words", "shelter", "talk", "links", "elements", "shelf", "lines", "files", "views", "panel", "hearing",
    "chat",
)  # fmt: skip
"""Of ``widget/``, each after those that it imports; else in the order in which they compress best."""

_OF_MODULES = re.compile(r"^import\b[^;]*;\n|^export ", re.MULTILINE)

MOST_BYTES = 15 << 10
"""Of the script as it travels, compressed: what every page with the chat loads."""


@cache
def script() -> bytes:
    """Return the whole script, UTF-8."""
    folder = files("cx_channels.chat.webchat")
    texts = [(folder / "widget" / f"{name}.js").read_text(encoding="utf-8") for name in MODULES]
    texts.append((folder / "widget.js").read_text(encoding="utf-8"))
    body = "\n".join(squeeze(_without_modules(text)) for text in texts)
    return f'(function () {{\n"use strict";\n{body}\n}})();\n'.encode()


@cache
def compressed_script() -> bytes:
    """Return the script in gzip's format. The same script gives the same bytes."""
    # gzip's format (RFC 1952) without a time; blocks of 4,096 signs are the smallest here (zlib's `memLevel`).
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS, 6)
    return packer.compress(script()) + packer.flush()


def _without_modules(text: str) -> str:
    """Return a module's text as part of a script that holds those it imports, too."""
    return _OF_MODULES.sub("", text)

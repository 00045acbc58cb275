"""Write HTML: escaped text, and the page around a content."""

from __future__ import annotations

import re
from html import escape
from importlib import resources

_CODE = re.compile(r"`([^`]+)`")

STYLE_PATH = "/docs/pages.css"


def style() -> bytes:
    """Return the style sheet of all pages."""
    return resources.files("cx_hub.pages").joinpath("pages.css").read_bytes()


def prose(text: str) -> str:
    """Return a text with what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False))


def code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def link(address: str, text: str) -> str:
    """Return a link; ``text`` is HTML."""
    return f'<a href="{escape(address)}">{text}</a>'


def page(title: str, content: str) -> bytes:
    """Return a whole page. ``title`` is text, ``content`` HTML."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{STYLE_PATH}">'
        f"</head><body><main>\n{content}\n</main></body></html>\n"
    ).encode()

"""Turn YouTube's HTML of a comment (``textDisplay``) into the words as they were written.

It is used where ``textOriginal`` is absent: YouTube returns that for certain only to the comment's author
(developers.google.com/youtube/v3/docs/comments#snippet.textOriginal). The HTML knows line breaks, links and three
styles, which people write as ``*bold*``, ``_italic_`` and ``-struck-``.
"""

from __future__ import annotations

import html
import re

_TAG = re.compile(r"(<[^<>]{1,4000}>)")
_HREF = re.compile(r'\bhref="([^"]{1,3900})"')
_STYLES = {"b": "*", "strong": "*", "i": "_", "em": "_", "s": "-", "del": "-", "strike": "-"}
_OWN = ("https://www.youtube.com/", "http://www.youtube.com/", "https://youtube.com/", "/")


def words_of(markup: str) -> str:
    """Return what a reader sees, with the addresses of links whose words do not tell them."""
    if "<" not in markup and "&" not in markup:
        return markup
    found: list[str] = []
    href, begin = "", 0
    for number, piece in enumerate(_TAG.split(markup)):
        if number % 2 == 0:
            found.append(html.unescape(piece))
            continue
        name = piece[1:-1].strip(" /").partition(" ")[0].lower()
        if name == "br":
            found.append("\n")
        elif name in _STYLES:
            found.append(_STYLES[name])
        elif name == "a" and not piece.startswith("</"):
            match = _HREF.search(piece)
            href, begin = (html.unescape(match[1]) if match else ""), len(found)
        elif name == "a" and href:
            found[begin:] = [_link("".join(found[begin:]), href)]
            href = ""
    return "".join(found)


def _link(words: str, href: str) -> str:
    """Return a link: its words alone where they tell the address, or name a moment, tag or person at YouTube."""
    if words == href or _bare(words) == _bare(href):
        return words
    if _is_cut(words):
        return href
    if href.startswith(_OWN) and not words.startswith(("http://", "https://")):
        return words
    return f"{words} ({href})"


def _is_cut(words: str) -> bool:
    """Return whether these are the first signs of an address, as YouTube cuts long ones."""
    return words.startswith(("http://", "https://")) and words.endswith("...")


def _bare(address: str) -> str:
    return address.lower().removeprefix("https://").removeprefix("http://").rstrip("/")

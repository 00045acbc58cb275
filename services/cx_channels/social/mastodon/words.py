"""Read the HTML of statuses as text: paragraphs, line breaks, and the addresses of links that are not shown.

docs.joinmastodon.org/spec/activitypub, "HTML sanitization": Mastodon writes ``p``, ``span``, ``br`` and ``a``; since
4.2 it keeps lists, quotes and emphasis of other servers. A long address is cut by ``invisible`` spans, so that the
text of a link is the whole of it. Line ends in the text are shown as such (``white-space: pre-wrap``).
"""

from __future__ import annotations

import re
from html import unescape

from cx_channels.kit.mail.message.html import MAX_HTML, safe_html, text_of

_TAG = re.compile(r"<([^<>]*)>")
_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]*)")
_HREF = re.compile(r"(?<![\w-])href=(?:\"([^\"<>]*)\"|'([^'<>]*)')")
_NAMED = re.compile(r"(?<![\w-])(?:class=[\"'][^\"'<>]*\b(?:mention|hashtag)\b|rel=[\"'][^\"'<>]*\btag\b)")
_PLAIN = frozenset({"p", "br", "a", "span"})
_LINES = re.compile(r"\n{3,}")
_SCHEME = re.compile(r"(?:https?://)?(?:www\.)?")


def words_of(html: str) -> tuple[str, str]:
    """Return the words, and safe HTML where there is more markup than text can say (lists, emphasis), else ""."""
    if "<" not in html:
        return (unescape(html) if "&" in html else html).strip(), ""
    pieces = _TAG.split(html[:MAX_HTML])
    if not all(_is_plain(tag) for tag in pieces[1::2]):
        return text_of(html), safe_html(html)
    return _plain_words(pieces), ""


def _is_plain(tag: str) -> bool:
    found = _NAME.match(tag)
    return found is not None and found[1].lower() in _PLAIN and tag.count('"') % 2 == 0


def _plain_words(pieces: list[str]) -> str:
    """``pieces``: texts and tags in turn."""
    parts, link, begun = [pieces[0]], "", 0
    for at in range(1, len(pieces), 2):
        tag, text = pieces[at], pieces[at + 1]
        name = tag[:2].lower()
        if name in ("a ", "a\n"):
            link, begun = tag, len(parts)
        elif name == "/a":
            parts.append(_unseen(link, "".join(parts[begun:])))
            link = ""
        elif name == "br":
            parts.append("\n")
        elif name[0] == "p" or name == "/p":
            parts.append("\n\n")
        parts.append(text)
    words = unescape("".join(parts)).strip()
    return _LINES.sub("\n\n", words) if "\n\n\n" in words else words


def _unseen(tag: str, shown: str) -> str:
    """Return a link's address, in brackets, unless the text shows it, or it only names an account or a hashtag."""
    found = _HREF.search(tag)
    if found is None or _NAMED.search(tag) is not None:
        return ""
    address = found[1] if found[1] is not None else found[2]
    if not address or not shown.strip() or _bare(unescape(address)) == _bare(unescape(shown)):
        return ""
    return f" ({address})"


def _bare(address: str) -> str:
    return _SCHEME.sub("", address.strip(), count=1).rstrip("/").lower()

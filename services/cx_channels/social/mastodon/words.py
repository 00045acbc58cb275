"""Read the HTML of statuses as text: paragraphs, line breaks, and the addresses of links that are not shown.

docs.joinmastodon.org/spec/activitypub, "HTML sanitization": Mastodon writes ``p``, ``span``, ``br`` and ``a``; since
4.2 it keeps lists, quotes and emphasis of other servers. A long address is cut by ``invisible`` spans, so that the
text of a link is the whole of it. Line ends in the text are shown as such (``white-space: pre-wrap``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

from cx_channels.kit.mail.message.html import MAX_HTML, safe_html, text_of

_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]*)")
_HREF = re.compile(r"(?<![\w-])href=(?:\"([^\"<>]*)\"|'([^'<>]*)')")
_MENTION = ' class="u-url mention"'
"""As Mastodon writes it, which ``_NAMED`` would find as well, in ten times as long."""
_NAMED = re.compile(r"(?<![\w-])(?:class=[\"'][^\"'<>]*\b(?:mention|hashtag)\b|rel=[\"'][^\"'<>]*\btag\b)")
_PLAIN = frozenset({"p", "br", "a", "span"})
_LINES = re.compile(r"\n{3,}")
_SCHEME = re.compile(r"(?:https?://)?(?:www\.)?")

_NOTHING, _LINE, _PARAGRAPH, _LINK, _LINK_ENDS, _RICH = range(6)
"""What a tag means for the words; ``_RICH``: more than text can say."""
_MEANINGS: Mapping[str, int] = {
    "p": _PARAGRAPH, "/p": _PARAGRAPH, "br": _LINE, "br /": _LINE, "br/": _LINE, "/a": _LINK_ENDS,
    "/span": _NOTHING, 'span class="invisible"': _NOTHING, 'span class="ellipsis"': _NOTHING, "span": _NOTHING,
    'span class="h-card"': _NOTHING, 'span class="h-card" translate="no"': _NOTHING,
}  # fmt: skip
"""Tags as Mastodon writes them, which need not be taken apart."""


def words_of(html: str) -> tuple[str, str]:
    """Return the words, and safe HTML where there is more markup than text can say (lists, emphasis), else ""."""
    if "<" not in html:
        return (unescape(html) if "&" in html else html).strip(), ""
    words = _plain_words(html[:MAX_HTML])
    return (text_of(html), safe_html(html)) if words is None else (words, "")


def _meaning_of(tag: str) -> int:
    if tag.startswith("a "):
        return _RICH if tag.count('"') % 2 else _LINK
    found = _NAME.match(tag)
    if found is None or found[1].lower() not in _PLAIN or tag.count('"') % 2:
        return _RICH
    begin = tag[:2].lower()
    if begin in ("a ", "a\n"):
        return _LINK
    if begin == "br":
        return _LINE
    return _LINK_ENDS if begin == "/a" else _PARAGRAPH if begin[0] == "p" or begin == "/p" else _NOTHING


def _plain_words(html: str) -> str | None:
    """Return the words; None where a tag says more."""
    first, *pieces = html.split("<")
    parts, link, begun = [first], "", 0
    for piece in pieces:
        tag, end, text = piece.partition(">")
        if not end:  # no tag, but a sign that was written as it is
            parts.append(f"<{piece}")
            continue
        meaning = _MEANINGS[tag] if tag in _MEANINGS else _meaning_of(tag)
        if meaning == _LINK:
            link, begun = tag, len(parts)
        elif meaning == _LINK_ENDS:
            if link:  # of many ends in a row, each would read all words again
                parts.append(_unseen(link, "".join(parts[begun:])))
            link = ""
        elif meaning == _LINE:
            parts.append("\n")
        elif meaning == _PARAGRAPH:
            parts.append("\n\n")
        elif meaning == _RICH:
            return None
        parts.append(text)
    words = unescape("".join(parts)).strip()
    return _LINES.sub("\n\n", words) if "\n\n\n" in words else words


def _unseen(tag: str, shown: str) -> str:
    """Return a link's address, in brackets, unless the text shows it, or it only names an account or a hashtag."""
    if _MENTION in tag or (("mention" in tag or "tag" in tag) and _NAMED.search(tag) is not None):
        return ""
    found = _HREF.search(tag)
    address = "" if found is None else found[1] if found[1] is not None else found[2]
    if not address or not shown.strip() or _bare(unescape(address)) == _bare(unescape(shown)):
        return ""
    return f" ({address})"


def _bare(address: str) -> str:
    whole = address.strip()
    scheme = _SCHEME.match(whole)
    return whole[scheme.end() if scheme else 0 :].rstrip("/").lower()

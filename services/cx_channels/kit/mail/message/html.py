"""Convert the HTML of a mail to plain text with its line structure, and to HTML that is safe to show.

Hostile markup can keep both parsers busy, so their input is bounded in length and in tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from cx_channels.kit.mail.mime.charsets import clean

MAX_HTML = 512 << 10
MAX_SAFE_HTML = 192 << 10
_MAX_TAGS = 20_000
_MAX_ENTITIES = 50_000
_MAX_WORDS = 1_000
_MAX_CID = 200

_MAX_REOPENED = 300_000
"""Tags times formatting elements; a third of a second for a parser where they are all open."""

_FORMATTING = re.compile(r"(?:b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?![a-z0-9:-])", re.IGNORECASE)
_PLAIN_TAG = re.compile(
    r"[a-z]++(?:(?=\s++[\w:.-])\s++[\w:.-]++(?:=(?:\"[^\"<>]*+\"|'[^'<>]*+'|[^\s\"'<>=`]++))?)*+\s*+>", re.IGNORECASE
)
_TAG = re.compile(r"<[^<>]{0,20000}>")
_CLEANER = nh3.Cleaner(clean_content_tags={"script", "style", "title"}, url_schemes=nh3.ALLOWED_URL_SCHEMES | {"cid"})
_IN_CID = "@$!*'(),;:="
_SKIPPED = frozenset({"script", "style", "head", "title", "template", "noscript", "object", "svg", "math"})
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "center", "dd", "div", "dl", "dt", "fieldset", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "li", "main", "nav", "ol", "p", "pre", "section", "table",
    "tr", "ul", "hr", "body",
})  # fmt: skip
_SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "pre"})
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_NO_BORDER = re.compile(r"\bborder\s*:\s*(?:none|0(?:px)?\b(?!\.))", re.IGNORECASE)
_BORDER = re.compile(r"\bborder-", re.IGNORECASE)
_BLANKS = re.compile(r" {2,}")
_GAPS = re.compile(r"\n{3,}")
_SPACES = re.compile(r"[ \t\r\n\x0b\x0c]+")
_UNSEEN = re.compile(r"[\u200b\ufeff]|(?<![^\s\u200b\u200c\ufeff])\u200c+|\u200c+(?![^\s\u200b\u200c\ufeff])")
"""Zero-width characters that are no part of a word: a non-joiner between two letters is (Persian, Hindi)."""


def _is_too_busy(html: str) -> bool:
    """Return whether parsing would take long.

    Slow are very many tags or entities, a tag with very many attributes (each is compared with all before it: 70,000
    take ten seconds), and many formatting elements that stay open.
    """
    if html.count("<") > _MAX_TAGS or html.count("&") > _MAX_ENTITIES:
        return True
    pieces = html.split("<")[1:]
    if _formats(pieces) * len(pieces) > _MAX_REOPENED:
        return True
    return any(len(piece.partition(">")[0].split(None, _MAX_WORDS)) > _MAX_WORDS for piece in pieces)


def _formats(pieces: list[str]) -> int:
    """Return how many formatting elements may be open at once, at most three times as many as are distinct.

    A parser reopens all of them in each block (HTML standard, "reconstruct the active formatting elements"), but keeps
    only three with the same attributes. A tag that is not plainly written counts as unlike all others.
    """
    plain: set[str] = set()
    others = 0
    for piece in pieces:
        if _FORMATTING.match(piece) is not None:
            tag = _PLAIN_TAG.match(piece)
            if tag is None:
                others += 1
            else:
                plain.add(tag[0])
    return len(plain) + others


def safe_html(html: str) -> str:
    """Return the markup without scripts, styles, forms and remote content; "" where it is too much to parse."""
    if len(html) > MAX_HTML or _is_too_busy(html):
        return ""
    safe = clean(_CLEANER.clean(html)).strip()
    return safe if len(safe.encode()) <= MAX_SAFE_HTML else ""


def names_content(html: str, content_id: str) -> bool:
    """Return whether the markup shows the part with this Content-ID: ``cid:ID``, special characters as ``%XX`` (RFC
    2392)."""
    return f"cid:{content_id}" in html or ("cid:" in html and f"cid:{quote(content_id, safe=_IN_CID)}" in html)


def text_of(html: str) -> str:
    """Return what a reader sees: a line for each block, quoted blocks marked ``> ``, images by alternative text."""
    html = html[:MAX_HTML]
    if _is_too_busy(html):
        return _SPACES.sub(" ", _TAG.sub(" ", html)).strip()
    root = LexborHTMLParser(html).root
    if root is None:
        return ""
    writer = _Writer()
    for node, entering in _steps(root):
        writer.step(node, entering)
    return clean(writer.result())


def _steps(root: LexborNode) -> Iterator[tuple[LexborNode, bool]]:
    """Yield every node when it begins (True) and ends (False), in order, without recursion; skipped nodes are not
    opened."""
    node: LexborNode | None = root
    depth = 0
    while node is not None:
        yield node, True
        child = None if _is_skipped(node) else node.first_child
        if child is not None:
            node, depth = child, depth + 1
            continue
        yield node, False
        while depth and node.next is None:
            parent = node.parent
            if parent is None:
                return
            node, depth = parent, depth - 1
            yield node, False
        node = node.next if depth else None


def _is_skipped(node: LexborNode) -> bool:
    if node.tag in _SKIPPED:
        return True
    if not node.is_element_node:
        return False
    attributes = node.attributes
    return "hidden" in attributes or _HIDDEN.search(attributes.get("style") or "") is not None


def _seen_of(image: Mapping[str, str | None]) -> str:
    """Return an image's alternative text; for an attached image without one, a placeholder as mail programs show it."""
    words, source = image.get("alt") or "", image.get("src") or ""
    if "alt" in image or source[:4].lower() != "cid:":  # an empty text says that the picture is decoration
        return words
    return f"[{source[:_MAX_CID]}]"


def _is_quote(block: LexborNode) -> bool:
    """Return whether a ``blockquote`` quotes. Editors made with WebKit (Apple Mail, Gmail) indent a writer's own lines
    by one, too, with a style that takes the border away on all sides."""
    attributes = block.attributes
    style = attributes.get("style") or ""
    plain = _NO_BORDER.search(style) is not None and _BORDER.search(style) is None
    return not plain or attributes.get("type") == "cite" or "quote" in (attributes.get("class") or "")


class _Writer:
    """Collects lines; several blank lines in a row become one."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quoted = 0
        self.verbatim = 0
        self.gap = False

    def step(self, node: LexborNode, entering: bool) -> None:
        tag = node.tag
        if node.is_text_node:
            if entering and not self._in_skipped(node):
                self._text(node.text_content or "")
            return
        if tag in _BLOCKS:
            self._end_line()
            self.gap = self.gap or tag in _SPACED
        if tag == "blockquote" and _is_quote(node):
            self.quoted += 1 if entering else -1
        elif tag == "pre":
            self.verbatim += 1 if entering else -1
        if not entering:
            return
        if tag == "br":
            self._end_line(forced=True)
        elif tag == "li":
            self.line.append("- ")
        elif tag in ("td", "th"):
            self.line.append(" ")
        elif tag == "img":
            self._text(_seen_of(node.attributes))

    @staticmethod
    def _in_skipped(node: LexborNode) -> bool:
        return node.parent is not None and node.parent.tag in _SKIPPED

    def _text(self, text: str) -> None:
        if self.verbatim:
            first, *others = text.split("\n")
            self.line.append(first)
            for other in others:
                self._end_line(forced=True)
                self.line.append(other)
        else:
            self.line.append(_SPACES.sub(" ", text if text.isascii() else _UNSEEN.sub("", text)))

    def _end_line(self, forced: bool = False) -> None:
        joined = "".join(self.line)
        text = joined.rstrip() if self.verbatim else _BLANKS.sub(" ", joined).strip()
        self.line.clear()
        if not text and not forced:
            return
        mark = ">" * min(self.quoted, 20)
        if self.gap and self.lines and self.lines[-1].strip("> "):
            self.lines.append(mark)
        self.gap = False
        self.lines.append(f"{mark} {text}".rstrip() if mark else text)

    def result(self) -> str:
        self._end_line()
        return _GAPS.sub("\n\n", "\n".join(self.lines)).strip()

"""From a tree of parts: what a person wrote, as text and as HTML, and what was attached."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cx_channels.mail.charsets import cut
from cx_channels.mail.markup import safe_html, text_of
from cx_channels.mail.parse import Part
from cx_channels.mail.quoted import split

MAX_TEXT = 128 << 10
MAX_QUOTED = 64 << 10
_MAX_SOURCE = 1 << 20
_ENRICHED = re.compile(r"</?[A-Za-z][^<>]{0,60}>")

# Parts that say how a mail fared; ``reports`` reads them, and the original keeps them.
REPORT_TYPES = frozenset({
    "message/delivery-status", "message/global-delivery-status", "message/feedback-report",
    "message/disposition-notification", "message/global-disposition-notification",
})  # fmt: skip
HEADER_TYPES = frozenset({"text/rfc822-headers", "text/rfc822", "message/rfc822-headers", "message/global-headers"})


@dataclass(slots=True)
class Section:
    """One stretch of a mail that is read as a whole; ``plain`` and ``html`` say the same."""

    plain: str = ""
    html: str = ""

    def text(self) -> str:
        return self.plain if self.plain.strip() else text_of(self.html)


@dataclass(slots=True)
class Content:
    sections: list[Section] = field(default_factory=list)
    attached: list[Part] = field(default_factory=list)

    def text(self) -> str:
        """All that is to be read, quoted lines included; in plain text."""
        return "\n\n".join(text for section in self.sections if (text := section.text().strip("\n")).strip())

    def html(self) -> str:
        return safe_html("\n".join(section.html for section in self.sections if section.html.strip()))

    def shows(self, part: Part) -> bool:
        """Whether the text itself shows this part, by its Content-ID (RFC 2392) or as the sender's program asks."""
        if part.content_id and any(f"cid:{part.content_id}" in section.html for section in self.sections):
            return True
        return part.disposition.value == "inline" and part.media_type.startswith("image/")


@dataclass(frozen=True, slots=True)
class Body:
    """``text`` is what is new, ``quoted`` the rest; ``cut`` says that a limit took something away."""

    text: str
    quoted: str
    html: str
    cut: bool


def body_of(content: Content) -> Body:
    """What the mail says, within the limits of an event."""
    whole = content.text()
    html = content.html()
    new, quoted = split(whole)
    text, quoted_cut = cut(new, MAX_TEXT), cut(quoted, MAX_QUOTED)
    lost_html = not html and any(section.html.strip() for section in content.sections)
    return Body(text, quoted_cut, html, lost_html or len(text) < len(new) or len(quoted_cut) < len(quoted))


def content_of(root: Part) -> Content:
    """What there is to read and what is attached, in the order of the mail."""
    content = Content()
    _gather(root, content)
    return content


def _gather(part: Part, content: Content) -> None:
    kind = part.media_type
    if part.parts:
        if kind == "multipart/alternative":
            _gather_alternative(part, content)
        else:
            for child in part.parts:
                if not (kind == "multipart/report" and _is_returned(child)):
                    _gather(child, content)
    elif kind in REPORT_TYPES or _is_empty_multipart(part):
        return
    elif _is_read(part):
        content.sections.append(_section(part))
    else:
        content.attached.append(part)


def _gather_alternative(part: Part, content: Content) -> None:
    """The forms say the same: the first plain one and the last HTML one make one section; calendars are attached."""
    inner = Content()
    for child in part.parts:
        _gather(child, inner)
    plain = next((section.plain for section in inner.sections if section.plain.strip()), "")
    html = next((section.html for section in reversed(inner.sections) if section.html.strip()), "")
    if plain or html:
        content.sections.append(Section(plain, html))
    content.attached.extend(inner.attached)


def _is_returned(part: Part) -> bool:
    """The mail that a report gives back, whole or its fields."""
    return part.media_type in HEADER_TYPES or part.media_type in ("message/rfc822", "message/global")


def _is_empty_multipart(part: Part) -> bool:
    return part.media_type.startswith("multipart/") and not part.raw.strip()


def _is_read(part: Part) -> bool:
    """Text that is shown, not attached. A multipart none of whose boundaries is there counts as text."""
    if part.disposition.value == "attachment":
        return False
    if part.media_type in ("text/plain", "text/html", "text/enriched", "text/richtext"):
        return not part.file_name or (part.disposition.value == "inline" and part.media_type == "text/html")
    return part.media_type.startswith("multipart/") or part.media_type in HEADER_TYPES


def _section(part: Part) -> Section:
    text = part.text()[:_MAX_SOURCE]
    if part.media_type == "text/html":
        return Section(html=text)
    if part.media_type in ("text/enriched", "text/richtext"):
        return Section(plain=_ENRICHED.sub("", text))
    if part.media_type == "text/plain" and part.content_type.parameters.get("format", "").lower() == "flowed":
        text = unflow(text, part.content_type.parameters.get("delsp", "").lower() == "yes")
    return Section(plain=text)


def unflow(text: str, delete_space: bool = False) -> str:
    """Lines that were wrapped for the transfer become one again (RFC 3676, section 4)."""
    out: list[str] = []
    paragraph: list[str] = []
    depth = 0
    for line in text.split("\n"):
        bare = line.lstrip(">")
        quoted = len(line) - len(bare)
        content = bare.removeprefix(" ")
        if paragraph and (quoted != depth or content == "-- "):
            out.append(_flowed(paragraph, depth))
            paragraph = []
        depth = quoted
        if content.endswith(" ") and content != "-- ":
            paragraph.append(content[:-1] if delete_space else content)
        else:
            out.append(_flowed([*paragraph, content], depth))
            paragraph = []
    if paragraph:
        out.append(_flowed(paragraph, depth))
    return "\n".join(out)


def _flowed(pieces: list[str], depth: int) -> str:
    text = "".join(pieces)
    return f"{'>' * depth} {text}".rstrip(" ") if depth else text

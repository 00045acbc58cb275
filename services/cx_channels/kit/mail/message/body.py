"""Extract from a tree of parts what a person wrote, as text and as HTML, and what was attached."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from cx_channels.kit.mail.message.enriched import text_of_enriched, text_of_richtext
from cx_channels.kit.mail.message.forwards import is_forwarded, is_plain
from cx_channels.kit.mail.message.html import names_content, safe_html, text_of
from cx_channels.kit.mail.message.quotes import split
from cx_channels.kit.mail.message.signatures import signature_at
from cx_channels.kit.mail.mime.charsets import clean, cut, decode
from cx_channels.kit.mail.mime.encoded_blocks import readable, without_fields
from cx_channels.kit.mail.mime.parse import Part, is_tnef

MAX_TEXT = 128 << 10
MAX_QUOTED = 64 << 10
_MAX_SOURCE = 1 << 20
_TEXTS = ("text/plain", "text/html", "text/enriched", "text/richtext")
_RARE_TEXTS = ("text/markdown", "text/x-markdown", "text/x-plain")
_DATA = frozenset({
    "text/calendar", "text/x-vcalendar", "text/vcard", "text/x-vcard", "text/directory", "text/csv",
    "text/comma-separated-values", "text/tab-separated-values", "text/xml", "text/css", "text/javascript",
    "text/ecmascript", "text/rtf", "text/x-amp-html", "text/watch-html", "text/x-watch-html",
})  # fmt: skip
"""Text types that programs read, or that programs derive from another text."""

_OF_MIME = re.compile(rb"\bmime\b|multi-?part", re.IGNORECASE)
PREAMBLE = "preamble"
_FIELD = re.compile(rb"^[A-Za-z][A-Za-z0-9-]{0,60}[ \t]*:", re.MULTILINE)

# Parts that say how a mail fared; ``reports`` reads them, and the original keeps them.
REPORT_TYPES = frozenset({
    "message/delivery-status", "message/global-delivery-status", "message/feedback-report",
    "message/disposition-notification", "message/global-disposition-notification",
})  # fmt: skip
HEADER_TYPES = frozenset({"text/rfc822-headers", "text/rfc822", "message/rfc822-headers", "message/global-headers"})


@dataclass(slots=True)
class Section:
    """One stretch of a mail that is read as a whole. ``plain`` and ``html`` are forms of the same text."""

    plain: str = ""
    html: str = ""
    enriched: bool = False
    _text: str | None = None

    def text(self) -> str:
        if self._text is None:
            self._text = self.plain if self.plain.strip() else text_of(self.html)
        return self._text

    def has_words(self) -> bool:
        return bool(self.text().strip())

    def markup(self) -> str:
        """Return the HTML; where there is none, the plain text as HTML."""
        if self.html.strip() or not self.plain.strip():
            return self.html
        return f"<p>{escape(self.plain.strip(), quote=False).replace(chr(10), '<br>')}</p>"


@dataclass(slots=True)
class Content:
    """The sections of text and the attachments, in the order of the mail.

    ``returned``: the mail that a report gives back. ``omissions``: what was removed from texts, or lies outside of the
    parts.
    """

    sections: list[Section] = field(default_factory=list)
    attached: list[Part] = field(default_factory=list)
    returned: list[Part] = field(default_factory=list)
    omissions: set[str] = field(default_factory=set)

    def text(self) -> str:
        """Return all text, quoted lines included, as plain text."""
        return "\n\n".join(text for section in self.sections if (text := section.text().strip("\n")).strip())

    def html(self) -> str:
        """Return all text as HTML that is safe to show; "" where no section has HTML."""
        if not self.has_html():
            return ""
        return safe_html("\n".join(markup for section in self.sections if (markup := section.markup()).strip()))

    def has_html(self) -> bool:
        return any(section.html.strip() for section in self.sections)

    def is_enriched(self) -> bool:
        return any(section.enriched for section in self.sections)

    def shows(self, part: Part) -> bool:
        """Return whether the text shows this part itself: by its Content-ID (RFC 2392), or as the sender's program
        asks."""
        if part.content_id and any(names_content(section.html, part.content_id) for section in self.sections):
            return True
        return part.disposition.value == "inline" and part.media_type.startswith("image/")


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a mail, split. ``text`` is new, ``quoted`` is the rest; ``cut``: a limit removed something.

    ``signature_at``: where in ``text`` the signature begins, in characters; None where there is none.
    """

    text: str
    quoted: str
    html: str
    cut: bool
    signature_at: int | None = None


def body_of(content: Content, subject: str = "", begins: bool = False) -> Body:
    """Return what the mail says, within the limits of an event. ``subject``: of the mail; it may say that it forwards
    another one. ``begins``: whether the mail answers none, as far as its fields say."""
    whole = content.text()
    html = content.html()
    new, quoted = split(whole, is_forwarded(subject, whole), begins and is_plain(subject))
    text, quoted_cut = cut(new, MAX_TEXT), cut(quoted, MAX_QUOTED)
    lost_html = not html and content.has_html()
    lost = lost_html or len(text) < len(new) or len(quoted_cut) < len(quoted)
    return Body(text, quoted_cut, html, lost, signature_at(text))


def content_of(root: Part) -> Content:
    """Return the text and the attachments of a mail, in its order."""
    gathered = _Gathered()
    gathered.add(root)
    return gathered.content()


class _Gathered:
    """Collects what the parts of a mail contribute: text, files, and text that counts only where there is no other."""

    def __init__(self, *, is_form: bool = False) -> None:
        """Begin to collect. ``is_form``: the part is one of several forms of the same text."""
        self.found: list[Section | Part | _Spare] = []
        self.returned: list[Part] = []
        self.omissions: set[str] = set()
        self.is_form = is_form

    def add(self, part: Part) -> None:
        kind = part.media_type
        if part.parts:
            self._add_preamble(part)
            if kind == "multipart/alternative":
                self._add_alternative(part)
            elif is_tnef(part):
                self._add_unpacked(part)
            else:
                self._add_parts(part)
        elif _is_empty_multipart(part) or (kind in REPORT_TYPES and _FIELD.search(part.raw)):
            return
        elif _is_read(part) or (_is_unknown_text(part) and not self.is_form):
            self.found.append(self._section(part))
        else:
            self.found.append(_Spare(part=part) if _may_be_read(part) else part)

    def content(self) -> Content:
        """Return the content; spare text counts as text where nothing else has words, else as a file."""
        needed = self.has_spare() and not self.has_words()
        content = Content(returned=self.returned, omissions=self.omissions)
        for each in self.found:
            if isinstance(each, Part):
                content.attached.append(each)
            elif isinstance(each, Section):
                content.sections.append(each)
            elif needed:
                content.sections += each.sections if each.part is None else [self._section(each.part)]
            elif each.part is not None:
                content.attached.append(each.part)
            elif each.is_preamble:
                content.omissions.add(PREAMBLE)
        return content

    def _add_preamble(self, part: Part) -> None:
        """Add the text before the first part, which programs ignore (RFC 2046, section 5.1.1), as spare text."""
        if not part.preamble.strip() or _OF_MIME.search(part.preamble) is not None:
            return
        if part.media_type == "multipart/mixed":
            self.found.append(_Spare([Section(plain=clean(decode(part.preamble)))], is_preamble=True))
        else:
            self.omissions.add(PREAMBLE)

    def _add_parts(self, part: Part) -> None:
        for child in part.parts:
            if part.media_type == "multipart/report" and _is_returned(child):
                self.returned.append(child)
            else:
                self.add(child)

    def _add_unpacked(self, part: Part) -> None:
        """Add Outlook's own form of a mail, whose text counts only where the other parts have none."""
        for child in part.parts:
            if child.media_type == "multipart/alternative":
                self.found.append(_Spare(content_of(child).sections))
            else:
                self.add(child)

    def _add_alternative(self, part: Part) -> None:
        """Add several forms of one text as one section: the plain ones, and the last one with HTML.

        A form may have several parts itself: Apple's programs put files between stretches of HTML.
        """
        forms = []
        for child in part.parts:
            inner = _Gathered(is_form=True)
            inner.omissions = self.omissions
            inner.add(child)
            forms.append(inner)
        needed = any(form.has_spare() for form in forms) and not any(form.has_words() for form in forms)
        contents = [form.content() for form in forms if needed or not form.is_spare()]
        texts = [content for content in contents if not content.has_html()]
        plain = _distinct([content.text() for content in texts if not content.is_enriched()])
        plain = plain or _distinct([content.text() for content in texts])
        rich = next((content for content in reversed(contents) if content.has_html()), None)
        if plain or rich is not None:
            html = "" if rich is None else "\n".join(section.markup() for section in rich.sections)
            self.found.append(Section(plain or ("" if rich is None else rich.text()), html))
        for form in forms:
            self.found.extend(form.content().attached if needed or not form.is_spare() else form.found)

    def has_words(self) -> bool:
        return any(isinstance(each, Section) and each.has_words() for each in self.found)

    def has_spare(self) -> bool:
        return any(isinstance(each, _Spare) for each in self.found)

    def is_spare(self) -> bool:
        return bool(self.found) and all(isinstance(each, _Spare) for each in self.found)

    def _section(self, part: Part) -> Section:
        text = part.text()[:_MAX_SOURCE]
        if part.media_type == "text/html":
            return Section(html=text)
        if part.media_type.startswith("multipart/"):
            text = without_fields(text)
        elif part.media_type == "text/enriched":
            return Section(plain=text_of_enriched(text), enriched=True)
        elif part.media_type == "text/richtext":
            return Section(plain=text_of_richtext(text), enriched=True)
        elif part.content_type.parameters.get("format", "").lower() == "flowed":
            text = unflow(text, part.content_type.parameters.get("delsp", "").lower() == "yes")
        text, omissions = readable(text)
        self.omissions |= omissions
        return Section(plain=text)


@dataclass(frozen=True, slots=True)
class _Spare:
    """Text that is read only where a mail has no other: a part that is a file otherwise, or sections that are dropped.

    ``is_preamble``: no other part has the words of these sections.
    """

    sections: Sequence[Section] = ()
    part: Part | None = None
    is_preamble: bool = False


def _distinct(texts: list[str]) -> str:
    """Return texts that are forms of one, without those whose words an earlier one has."""
    out: list[str] = []
    seen: list[str] = []
    for text in texts:
        words = f" {' '.join(text.split())} "
        if words.strip() and not any(words in earlier for earlier in seen):
            out.append(text)
            seen.append(words)
    return "\n\n".join(out)


def _is_returned(part: Part) -> bool:
    """Return whether a part is the mail that a report gives back, whole or only its fields."""
    return part.media_type in HEADER_TYPES or part.media_type in ("message/rfc822", "message/global")


def _is_empty_multipart(part: Part) -> bool:
    return part.media_type.startswith("multipart/") and not part.raw.strip()


def _is_read(part: Part) -> bool:
    """Return whether a part is text that is shown, not attached. A multipart without any of its boundaries counts as
    text."""
    if part.disposition.value == "attachment":
        return False
    if part.media_type in _TEXTS:
        return not part.file_name or (part.disposition.value == "inline" and part.media_type == "text/html")
    return (
        part.media_type.startswith("multipart/") or part.media_type in HEADER_TYPES or part.media_type in REPORT_TYPES
    )


def _is_unknown_text(part: Part) -> bool:
    """Return whether a part is text of an unknown subtype, which is read as plain text (RFC 2046, section 4.1.4)."""
    kind = part.media_type
    known = kind in _DATA or kind in _TEXTS or kind in _RARE_TEXTS
    return kind.startswith("text/") and not (known or part.file_name or part.disposition.value == "attachment")


def _may_be_read(part: Part) -> bool:
    """Return whether a part is text that has a file name but is not attached, or text of a kind that people seldom
    write."""
    kind = part.media_type
    return part.disposition.value != "attachment" and kind.startswith("text/") and kind not in _DATA


def unflow(text: str, delete_space: bool = False) -> str:
    """Join lines that were wrapped for the transfer (RFC 3676, section 4)."""
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

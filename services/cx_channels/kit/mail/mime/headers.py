"""Header fields, read one by one and leniently: no field of a mail can spoil another, and none raises.

The standard library's header classes raise AttributeError, IndexError, KeyError, UnicodeError and RecursionError on
fields that real mailers send.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from cx_channels.kit.mail.mime.charsets import clean, decode
from cx_channels.kit.mail.mime.lenient_base64 import unbase64
from cx_events.email_addresses import unquote_local_part

MAX_FIELDS = 1_000
MAX_HEAD = 512 << 10
MAX_VALUE = 64 << 10
_MAX_PARAMETERS = 8 << 10
MAX_ADDRESSES = 200

_FIELD = re.compile(rb"([!#-9;?-~]{1,120})[ \t]*:(.*)", re.DOTALL)
_WORD = re.compile(r"=\?([^?\s=]{1,60})\?([bBqQ])\?([^?\r\n]*)\?=")
_PARAMETER = re.compile(r";\s*([^\s=;\"]{1,60})\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;]*)")
_LOOSE_PARAMETER = re.compile(r"\s([\w*-]{1,60})=(\"[^\"]*\"|\S*)")
_CONTINUED = re.compile(r"(.+?)\*(\d{1,3})?(\*?)")
_FOLD = re.compile(r"\s+")
_ESCAPED = re.compile(r"\\(.)")
_QUOTE = re.compile(r"\\(.)|\"")
_TWO_ADDRESSES = re.compile(r"\s*+(?:[^\s<>()\"',;:@]++@[^\s<>()\"',;@]++(?:\s++|\Z)){2,100}+\Z")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


class Headers:
    """The fields of one entity in their order; names in any case."""

    def __init__(self, fields: Sequence[tuple[str, bytes]] = ()) -> None:
        self.fields = tuple(fields)
        self.charset = ""
        """Of the mail's text: what eight bits in a field most likely are, which RFC 5322 forbids, where not UTF-8."""

    def is_ascii(self) -> bool:
        """Whether no field has eight bits."""
        return all(value.isascii() for _, value in self.fields)

    def __contains__(self, name: str) -> bool:
        return any(field == name for field, _ in self.fields)

    def decoded(self) -> Iterator[tuple[str, str]]:
        """Yield name and value of each field in order, encoded words as they are."""
        for name, value in self.fields:
            yield name, clean(decode(value, hint=self.charset)).strip()

    def _values(self, name: str) -> Iterator[str]:
        for field, value in self.fields:
            if field == name:
                yield clean(decode(value, hint=self.charset)).strip()

    def raw(self, name: str) -> str:
        """The first value that is not empty, encoded words as they are; "" if there is none."""
        return next((value for value in self._values(name) if value), "")

    def every(self, name: str) -> list[str]:
        """All values that are not empty, encoded words as they are."""
        return [value for value in self._values(name) if value]

    def text(self, name: str) -> str:
        """The first value as people read it: encoded words decoded (RFC 2047), folds and runs of space as one space."""
        return _FOLD.sub(" ", words(self.raw(name))).strip()


def split_head(content: bytes, start: int = 0, end: int | None = None) -> tuple[Headers, int]:
    """The fields at the start of an entity, which is a slice of some bytes, and where its body begins.

    Left out: an mbox line ("From ..."), lines that are no field though fields follow, and what is over the limits.
    """
    end = len(content) if end is None else end
    fields: list[tuple[str, bytes]] = []
    name, pieces, size = "", [b""], 0
    at = _first_field(content, start, end)
    while at < end:
        following = (content.find(b"\n", at, end) + 1) or end
        line = content[at:following]
        stripped = line.rstrip(b"\r\n")
        folded = line[:1] in (b" ", b"\t")
        field = None if folded else _FIELD.match(stripped)
        if not stripped.strip() and (not stripped or not _goes_on(content, following, end)):
            at = following
            break
        if folded:
            if size < MAX_VALUE:
                pieces.append(b" " + stripped.strip())
                size += len(stripped)
        elif field is not None:
            _keep(fields, name, pieces)
            name, pieces = field[1].decode("ascii").lower(), [field[2].strip()]
            size = len(pieces[0])
        elif not _goes_on(content, following, end):
            break
        at = following
        if at - start > MAX_HEAD or len(fields) > MAX_FIELDS:
            at = _after_blank_line(content, at, end)
            break
    _keep(fields, name, pieces)
    return Headers(fields), at


def _first_field(content: bytes, start: int, end: int) -> int:
    """Past blank lines and the line that an mbox puts first, where fields follow them."""
    at = start
    while at < end and content[at] in b"\r\n":
        at += 1
    if content.startswith((b"From ", b">From "), at, end) and not _goes_on(content, at, end):
        at = (content.find(b"\n", at, end) + 1) or end
    return at if _FIELD.match(content[at : min(end, at + 400)].partition(b"\n")[0]) else start


def _goes_on(content: bytes, at: int, end: int) -> bool:
    """Whether the line at a place is a field or its continuation."""
    line = content[at : min(end, at + 400)].partition(b"\n")[0]
    return bool(line.strip()) and (line[:1] in (b" ", b"\t") or _FIELD.match(line) is not None)


def _after_blank_line(content: bytes, at: int, end: int) -> int:
    marks = (b"\n\n", b"\n\r\n")
    return min((place + len(m) for m in marks if (place := content.find(m, at, end)) >= 0), default=end)


def _keep(fields: list[tuple[str, bytes]], name: str, pieces: list[bytes]) -> None:
    if name:
        fields.append((name, b"".join(pieces)[:MAX_VALUE]))


def words(value: str) -> str:
    """A value with its encoded words decoded; those of one charset joined first, since senders cut inside letters."""
    if "=?" not in value:
        return value
    out: list[str] = []
    run: bytearray | None = None
    charset, at = "", 0
    for match in _WORD.finditer(value):
        between = value[at : match.start()]
        content = _word_content(match[2], match[3])
        named = match[1].partition("*")[0].lower()
        if run is not None and not between.strip() and named == charset:
            run += content
        else:
            if run is not None:
                out.append(decode(bytes(run), charset))
            if run is None or between.strip():
                out.append(between)
            run, charset = bytearray(content), named
        at = match.end()
    if run is not None:
        out.append(decode(bytes(run), charset))
    out.append(value[at:])
    return clean("".join(out))


def _word_content(encoding: str, text: str) -> bytes:
    content = text.encode("utf-8", "replace")
    return unbase64(content) if encoding in "bB" else binascii.a2b_qp(content, header=True)


@dataclass(frozen=True, slots=True)
class Structured:
    """A value with parameters, as in Content-Type: value in lower case, parameter names too."""

    value: str
    parameters: dict[str, str]


def structured(raw: str) -> Structured:
    """Read ``value; name=value``, RFC 2231 continuations and charsets included."""
    raw = raw[:_MAX_PARAMETERS]
    value, _, _ = raw.partition(";")
    value = value.strip()
    if value.startswith('"'):
        value = value.replace('"', "").strip()
    if "," in value:  # in place of a semicolon
        value, _, rest = value.partition(",")
        value = f"{value} {rest}"
    pairs = [(match[1].lower(), match[2].strip()) for match in _PARAMETER.finditer(raw)]
    if "=" in value and "/" not in value:  # the value is missing
        pairs += [(match[1].lower(), match[2].strip()) for match in _PARAMETER.finditer(f";{value}")]
    if " " in value:  # the semicolon is missing
        pairs += [(match[1].lower(), match[2]) for match in _LOOSE_PARAMETER.finditer(value)]
        value = value.split(None, 1)[0]
    plain: dict[str, str] = {}
    continued: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, given in pairs:
        text = _unquoted(name, given)
        match = _CONTINUED.fullmatch(name)
        if match is None:
            plain.setdefault(name, words(text))
        else:
            encoded = bool(match[3]) or match[2] is None
            continued.setdefault(match[1], {}).setdefault(int(match[2] or 0), (text, encoded))
    for name, pieces in continued.items():
        plain[name] = _joined([pieces[number] for number in sorted(pieces)])
    return Structured(value.lower(), plain)


def _unquoted(name: str, given: str) -> str:
    if len(given) > 1 and given[0] == given[-1] == '"':
        return _ESCAPED.sub(r"\1", given[1:-1]) if name != "filename" else given[1:-1].replace('\\"', '"')
    given = given.strip("\"'") if name == "charset" else given.strip('"')
    # A comment or words behind an unquoted value are not part of it; an unquoted file name may well have spaces.
    return given if name.startswith(("filename", "name")) or not given else given.split()[0]


def _joined(pieces: list[tuple[str, bool]]) -> str:
    charset, content = "", bytearray()
    for number, (text, encoded) in enumerate(pieces):
        if encoded and number == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        piece = text.encode("utf-8", "replace")
        content += _percent_decoded(piece) if encoded else piece
    return clean(decode(bytes(content), charset))


def _percent_decoded(content: bytes) -> bytes:
    return _PERCENT.sub(lambda match: bytes([int(match[1], 16)]), content)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A person's or a machine's address with the name beside it."""

    name: str
    address: str


def mailboxes(raw: str) -> list[Mailbox]:
    """The addresses of a field, groups opened. What has no address is left out; unquoted commas in names are mended.

    Some programs encode the address as well (RFC 2047, section 5, forbids it); it is read where no other stands there.
    """
    return list(_known_mailboxes(raw) if len(raw) <= _SHORT else _all_mailboxes(raw))


_SHORT = 1000
"""Characters of a field that is read once for all who ask for its addresses."""


@lru_cache(64)
def _known_mailboxes(raw: str) -> tuple[Mailbox, ...]:
    """A mail's fields are asked for by who looks for its sender, its people, its threads and who vouches for it."""
    return _all_mailboxes(raw)


def _all_mailboxes(raw: str) -> tuple[Mailbox, ...]:
    found = _mailboxes(raw)
    return tuple(_mailboxes(words(raw)) if not found and "=?" in raw else found)


def _mailboxes(raw: str) -> list[Mailbox]:
    found: list[Mailbox] = []
    pending: list[str] = []
    for segment in _each(raw) if raw.count("@") > 1 else _segments(raw):
        if not segment.strip():
            continue
        mailbox = _mailbox(segment)
        if mailbox is None:
            pending.append(segment)
            continue
        if pending and mailbox.name and "<" in segment:
            mailbox = _mailbox(",".join([*pending, segment])) or mailbox
        found.append(mailbox)
        pending.clear()
        if len(found) >= MAX_ADDRESSES:
            break
    return found


def _each(raw: str) -> Iterator[str]:
    """Return what may be an address each; some programs put blanks alone between two."""
    for segment in _segments(raw):
        if segment.count("@") > 1 and _TWO_ADDRESSES.match(segment):
            yield from segment.split()
        else:
            yield segment


def _segments(raw: str) -> Iterator[str]:
    """Cut at commas and semicolons outside quotes, comments and angles; a group's name is dropped."""
    start, quoted, depth, angle, at = 0, False, 0, False, 0
    last = {closing: raw.rfind(closing) for closing in '")>;'}
    addressed = False  # whether there was an "@" since the start
    while at < len(raw):
        character = raw[at]
        if character == "\\" and (quoted or depth):
            at += 1
            character = raw[at : at + 1]
        elif quoted:
            quoted = character != '"'
        elif character == '"':
            # A quote that is never closed is a letter like any other.
            quoted = at < last['"']
        elif depth:
            depth += {"(": 1, ")": -1}.get(character, 0)
        elif character == "(":
            depth = int(at < last[")"])
        elif character == "<":
            angle = at < last[">"]
        elif character == ">":
            angle = False
        elif not angle and character in ",;":
            yield raw[start:at]
            start, addressed = at + 1, False
        elif not angle and character == ":" and not addressed and at < last[";"]:
            start = at + 1
        addressed = addressed or character == "@"
        at += 1
    yield raw[start:]


_ANGLE = re.compile(r"<([^<>]*)>[^<>]*\Z")
# These begin where a word or a run of blanks does: from each of its letters they would read on to its end.
_BARE = re.compile(r"(?<![^\s<>()\"',;:])[^\s<>()\"',;:]+@[^\s<>()\"',;]+")
_QUOTED_LOCAL = re.compile(r"\s*(\"(?:[^\"\\]|\\.){1,64}\"@[^\s<>()\"',;]+)\s*")
_SPACED_DOT = re.compile(r"(?<!\s)\s*+([.@])\s*+")
_NOBODY = re.compile(r"undisclosed[-_ .]?recipients?.*", re.IGNORECASE)


def _mailbox(segment: str) -> Mailbox | None:
    angle = _ANGLE.search(segment)
    if angle is None:
        found = _without_angles(segment)
    else:
        beside, comment = comments_apart(segment[: angle.start()])
        name = beside if beside.strip() else comment
        address, _ = comments_apart(angle[1])
        address = address.rpartition(":")[2] if address.startswith("@") else address  # a source route, RFC 822
        address = _whole(address.strip().removeprefix("mailto:"))
        bare = _BARE.search(name) if "@" not in address else None
        if bare is not None:  # the name and the address have changed places
            found = Mailbox(_display(address), bare[0])
        elif not address:
            return None
        else:
            found = Mailbox(_display(name), address)
    return None if found is None or _NOBODY.match(found.address) else found


def _without_angles(segment: str) -> Mailbox | None:
    quoted = _QUOTED_LOCAL.fullmatch(segment)
    if quoted is not None:
        return Mailbox("", unquote_local_part(quoted[1]))
    plain, comment = comments_apart(segment)
    joined = _SPACED_DOT.sub(r"\1", plain.strip())
    bare = _BARE.match(joined)
    if bare is None or bare.end() < len(joined):
        bare = _BARE.search(plain)
    if bare is None:
        return None
    beside = "" if bare.string != plain else plain[: bare.start()] + plain[bare.end() :]
    # A dot at the beginning is part of an address that stands alone, and none of one in a sentence.
    address = bare[0].rstrip(".")
    if address[0] == "[" and address[-1] == "]":
        address = address[1:-1]
    return Mailbox(_display(comment or beside.strip(" \t<>'\",")), address.lstrip(".") if beside.strip() else address)


def _whole(given: str) -> str:
    """Return an address without folds and blanks, but for those in quotes, and without marks that are no part of it."""
    quoted = _QUOTED_LOCAL.fullmatch(given)
    if quoted is not None:
        return unquote_local_part(quoted[1])
    return _FOLD.sub("", given).strip(",'\"").rstrip(".,'\"")


def comments_apart(segment: str) -> tuple[str, str]:
    """What stands outside parentheses, and inside; parentheses in quotes are letters."""
    if "(" not in segment:
        return segment, ""
    plain: list[str] = []
    comment: list[str] = []
    depth, quoted, escaped = 0, False, False
    for character in segment:
        if character == '"' and not depth:
            quoted = not quoted
        if escaped or quoted or character not in "()\\":
            escaped = False
            (comment if depth else plain).append(character)
        elif character == "\\":
            escaped = True
        elif character == "(":
            depth += 1
        elif depth:
            depth -= 1
        else:
            (comment if depth else plain).append(character)
    return "".join(plain), "".join(comment)


def _display(raw: str) -> str:
    name = raw.strip()
    # Quotes that are escaped are letters (RFC 5322, section 3.2.4), unless they are around the whole name once more.
    name = words(
        _QUOTE.sub(lambda quote: quote[1] or "", name) if name[:1] == '"' == name[-1:] else name.replace('"', "")
    )
    name = _FOLD.sub(" ", name).strip()
    for quote in "\"'":
        if len(name) > 1 and name[0] == name[-1] == quote:
            name = name[1:-1].strip()
    return name[:200]

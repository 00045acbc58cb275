"""Read header fields with parameters, such as Content-Type (RFC 2045, RFC 2231)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cx_channels.kit.mail.mime.addresses import split_comments
from cx_channels.kit.mail.mime.charsets import clean, decode
from cx_channels.kit.mail.mime.encoded_words import decode_words

_MAX_PARAMETERS = 8 << 10


_PARAMETER = re.compile(r";\s*([^\s=;\"]{1,60})\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;]*)")


_LOOSE_PARAMETER = re.compile(r"\s([\w*-]{1,60})=(\"[^\"]*\"|\S*)")


_CONTINUED = re.compile(r"(.+?)\*(\d{1,3})?(\*?)")


_ESCAPED = re.compile(r"\\(.)")


_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class StructuredField:
    """A value with parameters, such as Content-Type. Value and parameter names are in lower case."""

    value: str
    parameters: dict[str, str]


def parse_structured(raw: str) -> StructuredField:
    """Read ``value; name=value``, RFC 2231 continuations and charsets included."""
    raw = raw[:_MAX_PARAMETERS]
    value, _, _ = raw.partition(";")
    value = value.strip()
    if "(" in value:  # a comment, which may hold a semicolon (RFC 2045, section 5.1)
        value = split_comments(raw)[0].partition(";")[0].strip()
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
        value = (value.split(None, 1) or [""])[0]
    plain: dict[str, str] = {}
    continued: dict[str, dict[int, tuple[str, bool]]] = {}
    for name, given in pairs:
        text = _unquote(name, given)
        match = _CONTINUED.fullmatch(name)
        if match is None:
            plain.setdefault(name, decode_words(text))
        else:
            encoded = bool(match[3]) or match[2] is None
            continued.setdefault(match[1], {}).setdefault(int(match[2] or 0), (text, encoded))
    for name, pieces in continued.items():
        plain[name] = _join_pieces([pieces[number] for number in sorted(pieces)])
    return StructuredField(value.lower(), plain)


def _unquote(name: str, given: str) -> str:
    if len(given) > 1 and given[0] == given[-1] == '"':
        return _ESCAPED.sub(r"\1", given[1:-1]) if name != "filename" else given[1:-1].replace('\\"', '"')
    given = given.strip("\"'") if name == "charset" else given.strip('"')
    # A comment or words behind an unquoted value are not part of it; an unquoted file name may well have spaces.
    return given if name.startswith(("filename", "name")) or not given else given.split()[0]


def _join_pieces(pieces: list[tuple[str, bool]]) -> str:
    charset, content = "", bytearray()
    for number, (text, encoded) in enumerate(pieces):
        if encoded and number == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        piece = text.encode("utf-8", "replace")
        content += _percent_decode(piece) if encoded else piece
    return clean(decode(bytes(content), charset))


def _percent_decode(content: bytes) -> bytes:
    return _PERCENT.sub(lambda match: bytes([int(match[1], 16)]), content)

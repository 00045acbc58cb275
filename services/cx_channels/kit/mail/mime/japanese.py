"""Decode ISO-2022-JP and EUC-JP with the rows that NEC, IBM and Microsoft added to JIS X 0208. Nothing here raises.

Python's codecs of these names know only the standard. Senders mean Windows' code pages 50220 to 50222 and 51932, as the
web does under these labels (encoding.spec.whatwg.org, sections 12.1 and 12.2), or eucJP-ms. An unreadable character
becomes one U+FFFD, and decoding goes on after it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

BAD = "\ufffd"
NOT_IN_932 = dict.fromkeys([0x80, *range(0xF8F0, 0xF8F4)], BAD)
"""What Python decodes from the bytes 80, A0 and FD to FF, which code page 932 does not define."""

_ESCAPE = re.compile(rb"\x1b(\$[@AB]|\$\([CD@B]|\([BIJH])|([\x0e\x0f])")
_PAIR = re.compile(rb"([\x21-\x7e]{2})|([^\x21-\x7e])|([\x21-\x7e])")
_LONE = re.compile(
    rb"(?<![\x80-\xff])(?<![\x81-\x9f\xe0-\xfc][\x40-\x7e])[\x81-\x9f\xe0-\xfc](?=[\x40-\x7e](?![\x80-\xff]))"
)
"""A byte that would form a Shift_JIS kanji with the letter behind it, without another such byte beside it."""

_EUC = re.compile(
    rb"([\xa1-\xfe]{2})|\x8e([\xa1-\xdf])|\x8f([\xa1-\xfe]{2})|([\x00-\x7f]+)|[\xa1-\xfe][\x80-\xff]?|[\x80-\xff]"
)


def iso_2022_jp(content: bytes) -> str:
    """Decode text that switches character sets by escape sequences; also half-width katakana in eight bits."""
    out: list[str] = []
    read: Callable[[bytes], str] = _ascii
    shifted, at = False, 0
    for match in _ESCAPE.finditer(content):
        out.append(_lines(_katakana if shifted else read, content[at : match.start()]))
        if match[2]:
            shifted = match[2] == b"\x0e"
        else:
            read = _READERS[match[1]]
        at = match.end()
    out.append(_lines(_katakana if shifted else read, content[at:]))
    return "".join(out)


def _lines(read: Callable[[bytes], str], content: bytes) -> str:
    """Return the text of what stands between two escape sequences.

    Each line begins in ASCII (RFC 1468). Some senders carry on in pairs, so that counts for a line that is none.
    """
    if read is _ascii or b"\n" not in content:
        return read(content)
    first, *others = content.split(b"\n")
    lines = [read(first)]
    for line in others:
        text = read(line)
        lines.append(_ascii(line) if BAD in text or b" " in line else text)
    return "\n".join(lines)


def euc_jp(content: bytes) -> str:
    """Decode JIS X 0208 and the vendors' rows (pairs), half-width katakana (after 8E), and JIS X 0212 (after 8F)."""
    return "".join(map(_euc, _EUC.finditer(content)))


def _euc(match: re.Match[bytes]) -> str:
    if match[1]:
        return _kanji().get(_seven_bits(match[1]), BAD)
    if match[4]:
        return match[4].decode("ascii")
    if match[2]:
        return match[2].decode("cp932")
    return _0212(_seven_bits(match[3])) if match[3] else BAD


def _seven_bits(pair: bytes) -> bytes:
    return bytes((pair[0] & 0x7F, pair[1] & 0x7F))


@cache
def _kanji() -> dict[bytes, str]:
    """Return each pair of seven-bit bytes with a character in Microsoft's code page 932: JIS X 0208, NEC's and IBM's
    rows."""
    found = {}
    for row in range(0x21, 0x7F):
        for cell in range(0x21, 0x7F):
            try:
                found[bytes((row, cell))] = _shifted(row, cell).decode("cp932")
            except UnicodeDecodeError:
                continue
    return found


def _shifted(row: int, cell: int) -> bytes:
    """Return a place of JIS X 0208 as Shift_JIS writes it: two rows share a first byte."""
    lead = ((row - 0x21) >> 1) + (0x81 if row < 0x5F else 0xC1)
    trail = cell + (0x1F if cell < 0x60 else 0x20) if row & 1 else cell + 0x7E
    return bytes((lead, trail))


@cache
def _behind_0212() -> str:
    """Return IBM's characters that eucJP-ms adds after JIS X 0212, from F3F3 on: those in neither standard, and №."""
    ibm = (bytes((row, cell)).decode("cp932", "ignore") for row in (0xFA, 0xFB, 0xFC) for cell in range(0x40, 0xFD))
    return "".join(each for each in ibm if len(each) == 1 and (each == "№" or not _in_standard(each)))


def _in_standard(character: str) -> bool:
    return character in "￢￤∵" or bool(character.encode("euc_jp", "ignore"))


def _0212(pair: bytes) -> str:
    behind = (pair[0] - 0x73) * 94 + pair[1] - 0x73
    if 0 <= behind < len(_behind_0212()):
        return _behind_0212()[behind]
    return bytes((0x8F, pair[0] | 0x80, pair[1] | 0x80)).decode("euc_jp", "replace")[:1]


def _ascii(content: bytes) -> str:
    """Decode ASCII, and what a sender left in Shift_JIS between the escape sequences."""
    return (
        (content if content.isascii() else _LONE.sub(b"\xff", content)).decode("cp932", "replace").translate(NOT_IN_932)
    )


def _yen(content: bytes) -> str:
    """Decode JIS X 0201: a yen sign and an overline in place of backslash and tilde."""
    return _ascii(content).replace("\\", "¥").replace("~", "‾")


def _katakana(content: bytes) -> str:
    return bytes(byte | 0x80 if 0x21 <= byte <= 0x5F else byte for byte in content).decode("cp932", "replace")


def _pairs(one: Callable[[bytes], str]) -> Callable[[bytes], str]:
    def read(content: bytes) -> str:
        return "".join(
            one(match[1]) if match[1] else match[2].decode("cp932", "replace") if match[2] else BAD
            for match in _PAIR.finditer(content)
        )

    return read


def _in_eight_bits(codec: str) -> Callable[[bytes], str]:
    return lambda pair: bytes((pair[0] | 0x80, pair[1] | 0x80)).decode(codec, "replace")[:1]


def _one_kanji(pair: bytes) -> str:
    return _kanji().get(pair, BAD)


_READERS: dict[bytes, Callable[[bytes], str]] = {
    b"(B": _ascii,
    b"(J": _yen,
    b"(H": _yen,
    b"(I": _katakana,
    b"$@": _pairs(_one_kanji),
    b"$B": _pairs(_one_kanji),
    b"$(@": _pairs(_one_kanji),
    b"$(B": _pairs(_one_kanji),
    b"$(D": _pairs(_0212),
    b"$A": _pairs(_in_eight_bits("gb2312")),
    b"$(C": _pairs(_in_eight_bits("cp949")),
}

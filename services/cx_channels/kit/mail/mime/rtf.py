"""Turn rich text into text or HTML: undo LZFu ([MS-OXRTFCP]) and find what Outlook embedded ([MS-OXRTFEX]).

Existing readers take quadratic time on hostile input or can't find embedded HTML. This one is linear and never raises.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from typing import NamedTuple

from cx_channels.kit.mail.mime.charsets import clean, decode

MAX_RTF = 2 << 20
_MAX_DEPTH = 500

_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_WINDOW = 4_096

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z'])|([{}])|([^\\{}\r\n]+)|[\r\n]+|\\"
)
_HALVES = re.compile("[\ud800-\udfff]")
_BREAKS = {b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"row": "\n", b"cell": "\t", b"tab": "\t"}
_CHARACTERS = {
    b"emdash": "—", b"endash": "–", b"bullet": "•", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“",
    b"rdblquote": "”", b"emspace": " ", b"enspace": " ", b"qmspace": " ",
}  # fmt: skip
_SYMBOLS = {b"~": "\xa0", b"-": "", b"_": "\N{NON-BREAKING HYPHEN}", b"\n": "\n", b"\r": "\n"}
_HIDDEN = frozenset({
    b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"footer", b"headerl", b"headerr",
    b"headerf", b"footerl", b"footerr", b"footerf", b"footnote", b"fldinst", b"listtext", b"themedata", b"nonshppict",
})  # fmt: skip
_HTML = "html"
_CHARSETS = {
    128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "big5", 161: "cp1253", 162: "cp1254", 163: "cp1258",
    177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip


class Text(NamedTuple):
    """The text in one of two forms; the other is ""."""

    plain: str = ""
    html: str = ""


def decompressed(content: bytes) -> bytes:
    """Return RTF that MAPI keeps compressed, as far as it can be read."""
    if len(content) < 16:
        return b""
    size, magic = struct.unpack_from("<I4s", content, 4)
    size = min(size, MAX_RTF)
    if magic == b"MELA":
        return content[16 : 16 + size]
    return _decompressed(content, size) if magic == b"LZFu" else b""


def _decompressed(content: bytes, size: int) -> bytes:
    """Undo LZFu: in a window of 4096 bytes each flag bit says whether a byte follows, or a place and a length."""
    window = bytearray(_START.ljust(_WINDOW, b"\0"))
    write = len(_START)
    out = bytearray()
    at = 16
    while at < len(content) and len(out) < size:
        flags = content[at]
        at += 1
        for bit in range(8):
            if at >= len(content) or len(out) >= size:
                break
            if not flags >> bit & 1:
                piece = content[at : at + 1]
                at += 1
                window[write] = piece[0]
                write = (write + 1) % _WINDOW
                out += piece
                continue
            token = int.from_bytes(content[at : at + 2], "big")
            at += 2
            place, length = token >> 4, (token & 15) + 2
            if place == write:
                return bytes(out)
            for step in range(length):
                byte = window[(place + step) % _WINDOW]
                window[write] = byte
                write = (write + 1) % _WINDOW
                out.append(byte)
    return bytes(out)


@dataclass(frozen=True, slots=True)
class _State:
    """The state inside a group. ``hidden``: nothing of it is shown; ``tag``: it is embedded HTML."""

    hidden: bool = False
    tag: bool = False
    charset: str = ""
    skip: int = 1
    rtf_only: bool = False


def without_rtf(rtf: bytes) -> Text:
    """Return the HTML or the text that the rich text was made from, else the text of the rich text itself."""
    if not rtf.lstrip().startswith(b"{\\rtf"):
        return Text()
    reader = _Reader(rtf[:MAX_RTF])
    said = clean(reader.said())
    return Text(html=said.strip()) if reader.kind == _HTML else Text(plain=said.strip("\n"))


class _Reader:
    def __init__(self, rtf: bytes) -> None:
        self.rtf = rtf
        self.kind = ""
        self.out: list[str] = []
        self.bytes = bytearray()
        self.charset = "cp1252"
        self.fonts: dict[int, str] = {}
        self.font = 0
        self.in_fonts = 0
        self.state = _State()
        self.groups: list[_State] = []
        self.starred = False
        self.to_skip = 0

    def said(self) -> str:
        """Return the text that the rich text shows."""
        at = 0
        while (match := _TOKEN.match(self.rtf, at)) is not None:
            at = match.end()
            if match[1] == b"bin":
                at += max(0, min(int(match[2] or 0), len(self.rtf)))
            elif match[1] is not None:
                self._word(match[1], int(match[2]) if match[2] else None)
            elif match[3] is not None:
                self._content(bytes((int(match[3], 16),)))
            elif match[4] is not None:
                self._symbol(match[4])
            elif match[5] is not None:
                self._group(match[5] == b"{")
            elif match[6] is not None:
                self._content(match[6])
        self._flush()
        said = "".join(self.out)
        if _HALVES.search(said) is None:
            return said
        return said.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def _group(self, opens: bool) -> None:
        self._flush()
        self.starred, self.to_skip = False, 0
        if opens:
            if len(self.groups) < _MAX_DEPTH:
                self.groups.append(self.state)
        elif self.groups:
            self.state = self.groups.pop()
            if len(self.groups) < self.in_fonts:
                self.in_fonts = 0

    def _word(self, word: bytes, number: int | None) -> None:
        state = self.state
        if word == b"fromhtml":
            self.kind = _HTML
        elif word == b"ansicpg" and number:
            self.charset = f"cp{number}"
        elif word == b"htmlrtf":
            self._flush()
            self.state = replace(state, rtf_only=number != 0)
        elif word in (b"htmltag", b"mhtmltag"):
            self._flush()
            self.state = replace(state, tag=word == b"htmltag", hidden=word == b"mhtmltag" or self.kind != _HTML)
        elif word in _HIDDEN or self.starred:
            self._flush()
            self.state = replace(state, hidden=True)
            self.in_fonts = len(self.groups) if word == b"fonttbl" else self.in_fonts
        elif word == b"f" and number is not None:
            self._flush()
            self.font = number
            if not self.in_fonts:
                self.state = replace(state, charset=self.fonts.get(number, ""))
        elif word == b"fcharset" and number is not None and self.in_fonts and len(self.fonts) < 1_000:
            self.fonts[self.font] = _CHARSETS.get(number, "")
        elif word == b"uc" and number is not None:
            self.state = replace(state, skip=max(0, min(number, 10)))
        elif word == b"u" and number is not None:
            self._flush()
            self._show(_character(number))
            self.to_skip = state.skip
        else:
            self._show_word(word)
        self.starred = False

    def _show_word(self, word: bytes) -> None:
        text = _BREAKS.get(word) or _CHARACTERS.get(word)
        if text is not None and not (self.kind == _HTML and self.state.tag):
            self._flush()
            self._show(text)
        elif text is not None:
            self._show("\n" if word in (b"par", b"line") else text)

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self.starred = True
        elif symbol in _SYMBOLS:
            self._flush()
            self._show(_SYMBOLS[symbol])
        else:
            self._content(symbol)

    def _content(self, content: bytes) -> None:
        self.starred = False
        skipped = min(self.to_skip, len(content))
        self.to_skip -= skipped
        if not self.state.hidden and not self.state.rtf_only:
            self.bytes += content[skipped:]

    def _show(self, text: str) -> None:
        if not self.state.hidden and not self.state.rtf_only:
            self.out.append(text)

    def _flush(self) -> None:
        """Decode the bytes collected so far together, since a character may have two."""
        if self.bytes:
            self.out.append(decode(bytes(self.bytes), self.state.charset or self.charset))
            self.bytes.clear()


def _character(number: int) -> str:
    """Return the UTF-16 unit of a signed number. The halves of a surrogate pair come one by one and are joined at the
    end."""
    return chr(number & 0xFFFF)

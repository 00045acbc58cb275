"""Bytes to text, whatever the mail says its charset is. Total: nothing here raises.

What is declared is believed first, then UTF-8, then what the bytes look like; at last, unreadable bytes become U+FFFD.
"""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

_NAME = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,39}")
_SAMPLE = 16_384
_SINGLE_BYTE = frozenset({"ascii", "cp1252", "iso8859-15"})

# Names that senders use for a charset whose superset they mean (encoding.spec.whatwg.org, section 4.2), and names that
# Python does not know.
_ALIASES = {
    "us-ascii": "ascii", "ansi_x3.4-1968": "ascii", "iso-8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252",
    "iso8859-1": "cp1252", "windows-1252": "cp1252", "iso-8859-9": "cp1254", "tis-620": "cp874", "windows-874": "cp874",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "iso-8859-6-i": "iso-8859-6",
    "gb2312": "gb18030", "gb_2312-80": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "big5": "big5hkscs",
    "x-sjis": "cp932", "shift_jis": "cp932", "shift-jis": "cp932", "windows-31j": "cp932", "sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext", "cp50220": "iso2022_jp_ext", "euc-kr": "cp949", "ks_c_5601-1987": "cp949",
    "ksc5601": "cp949", "x-mac-roman": "mac-roman", "macintosh": "mac-roman", "x-mac-cyrillic": "mac-cyrillic",
    "utf8mb4": "utf-8", "unicode-1-1-utf-7": "utf-7", "unicode": "utf-16", "koi8": "koi8-r", "x-x-big5": "big5hkscs",
}  # fmt: skip

# Python's own notations, not charsets of any mail; some take quadratic time.
_NOT_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def codec_of(charset: str) -> str | None:
    """Python's name of a declared charset; None where it names none."""
    name = charset.strip().strip("\"'").lower()
    name = _ALIASES.get(name, name)
    if _NAME.fullmatch(name) is None:
        return None
    try:
        found = codecs.lookup(name)
        b"a".decode(found.name)  # a codec from bytes to bytes, such as "hex", is refused
    except UnicodeError:
        pass  # one byte is not enough for UTF-16
    except (LookupError, ValueError):
        return None
    return None if found.name.replace("-", "_") in _NOT_CHARSETS else found.name


def decode(content: bytes, declared: str = "") -> str:
    """The text that some bytes most likely are."""
    codec = codec_of(declared) if declared else None
    if codec in (None, "ascii") and b"\x1b$" in content:
        codec = "iso2022_jp_ext"
    if content.isascii() and codec in (None, "ascii", "cp1252", "utf-8"):
        return content.decode("ascii")
    utf8 = _strict(content, "utf-8")
    # Latin letters that happen to form valid UTF-8 are rarer by far than UTF-8 under a wrong label.
    if utf8 is not None and (codec is None or codec in _SINGLE_BYTE or codec == "utf-8"):
        return utf8.removeprefix("\ufeff")
    if codec is not None and codec != "ascii":
        text = _strict(content, codec)
        if text is not None:
            return text.removeprefix("\ufeff")
        forgiving = content.decode(codec, "replace")
        if forgiving.count("\ufffd") * 50 <= sum(1 for character in forgiving if character > "\x7f") + 49:
            return forgiving
    if utf8 is not None:
        return utf8
    return _guessed(content)


def clean(text: str) -> str:
    """Text that every store and JSON can hold: line ends as LF, neither controls nor lone surrogates."""
    return _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n"))


def cut(text: str, max_bytes: int) -> str:
    """The longest beginning of a text that is not over so many bytes of UTF-8."""
    if len(text) * 4 <= max_bytes:
        return text
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= max_bytes else encoded[:max_bytes].decode("utf-8", "ignore")


def _strict(content: bytes, codec: str) -> str | None:
    try:
        return content.decode(codec)
    except (UnicodeError, ValueError):
        return None


def _guessed(content: bytes) -> str:
    """By look. A short text gives charset-normalizer too little to go by and is taken for the commonest charset."""
    if sum(byte > 0x7F for byte in content[:_SAMPLE]) >= 8:
        best = from_bytes(content[:_SAMPLE]).best()
        codec = codec_of(best.encoding) if best is not None else None
        if codec is not None:
            return content.decode(codec, "replace")
    return content.decode("cp1252", "replace")

"""Decode bytes to text, whatever charset the mail declares. Nothing here raises.

Labels are read as the web reads them (encoding.spec.whatwg.org, section 4.2): ISO labels stand for the Windows code
pages that senders mean. The declared charset goes first unless the bytes contradict it, then UTF-8, then a guess by the
bytes. An unreadable character becomes one U+FFFD.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from unicodedata import normalize

from charset_normalizer import from_bytes
from webencodings.labels import LABELS

from cx_channels.kit.mail.mime.japanese import BAD, NOT_IN_932, euc_jp, iso_2022_jp

_NAME = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,39}")
_LOOSE = re.compile(
    r"(?:x-)?(?:(?:iso)?[-_]?8859[-_]?(1[0-6]|[1-9])"
    r"|(?:windows|win|cp|ms|ibm)[-_]?(?:cp[-_]?)?([0-9]{3,4})|koi8[-_]?([ru]))"
)
"""How programs misspell charsets: ``win-1251``, ``windows1252``, ``cp-1250``, ``iso-88592``, ``koi8r``."""

_SAMPLE = 16_384
_WINDOW = 4_096
_MAX_BAD = 10_000

ISO_2022_JP = "iso-2022-jp"
EUC_JP = "euc-jp"

# Labels that only mail knows.
_OF_MAIL = {
    "us-ascii": "ascii", "ascii": "ascii", "ansi_x3.4-1968": "ascii",
    "utf8mb4": "utf-8", "unicode-1-1-utf-7": "utf-7", "unicode": "utf-16", "tis620": "cp874", "koi8-ru": "koi8-u",
    "cp50220": ISO_2022_JP, "cp50221": ISO_2022_JP, "cp50222": ISO_2022_JP, "iso-2022-jp-ms": ISO_2022_JP,
    "iso-2022-jp-1": ISO_2022_JP, "iso-2022-jp-2": ISO_2022_JP, "iso-2022-jp-ext": ISO_2022_JP, "jis": ISO_2022_JP,
    "eucjp": EUC_JP, "euc_jp": EUC_JP, "eucjp-ms": EUC_JP, "eucjp-win": EUC_JP, "cp51932": EUC_JP, "ujis": EUC_JP,
    "x-windows-949": "cp949", "windows-949": "cp949", "ms949": "cp949", "x-windows-874": "cp874", "ms874": "cp874",
    "windows-936": "gb18030", "x-windows-936": "gb18030", "ms936": "gb18030", "x-mswin-936": "gb18030",
    "windows-932": "cp932", "x-ms-cp932": "cp932", "ms932": "cp932", "windows-950": "big5hkscs",
    "x-windows-950": "big5hkscs", "ms950": "big5hkscs", "latin-1": "cp1252", "cp950": "big5hkscs",
}  # fmt: skip

# The web's encodings whose codec Python calls otherwise, or whose superset is safer to read.
_OF_THE_WEB = {
    "windows-874": "cp874", "gbk": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932", "euc-kr": "cp949",
    "macintosh": "mac-roman", "x-mac-cyrillic": "mac-cyrillic", "iso-8859-8-i": "iso-8859-8", "ibm866": "cp866",
    "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "x-user-defined": "cp1252",
    "iso-2022-jp": ISO_2022_JP, "euc-jp": EUC_JP,
}  # fmt: skip

# The Windows code page that a sender means where a text under ISO's label has bytes that ISO gives to controls.
_WINDOWS = {
    "iso8859-2": "cp1250", "iso8859-3": "cp1254", "iso8859-4": "cp1257", "iso8859-5": "cp1251", "iso8859-6": "cp1256",
    "iso8859-7": "cp1253", "iso8859-8": "cp1255", "iso8859-10": "cp1257", "iso8859-13": "cp1257",
    "iso8859-14": "cp1252", "iso8859-15": "cp1252", "iso8859-16": "cp1250",
}  # fmt: skip

_MULTI_BYTE = frozenset({"cp932", "cp949", "big5hkscs", "gb18030", "johab", "euc_kr", "shift_jis_2004", "euc_jis_2004"})
_NOT_ASCII = frozenset(
    {"utf-7", "hz", "iso2022_kr", "iso2022_jp_3", "iso2022_jp_2004", "utf-16", "utf-16-le", "utf-16-be", "utf-32"}
)

_UTF_16 = frozenset({"utf-16", "utf-16-le", "utf-16-be"})

# Python's own notations, not charsets of any mail; some take quadratic time.
_NOT_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_UPPER_HALF = re.compile(rb"[\x80-\x9f]")
_OF_WINDOWS = re.compile(rb"[\x80-\x9f\xc0-\xff]")
_UTF8_OF_THREE = re.compile(rb"[\xe1-\xef][\x80-\xbf]{2}")
_UTF8 = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
_META = re.compile(rb"<meta\s[^>]{0,400}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:+-]{1,40})", re.IGNORECASE)
_XML = re.compile(rb"\s{0,99}<\?xml\s[^>]{0,200}?encoding=[\"']([\w.:+-]{1,40})", re.IGNORECASE)
_KANA = {
    "cp932": re.compile(rb"\x82[\x9f-\xf1]|\x83[\x40-\x96]"),
    EUC_JP: re.compile(rb"[\xa4\xa5][\xa1-\xf6]"),
}
"""Hiragana and katakana."""

_HEAD = 4_096


@lru_cache(maxsize=512)
def codec_of(charset: str) -> str | None:
    """Return the codec of a declared charset: Python's name, ``ISO_2022_JP`` or ``EUC_JP``; None for an unknown
    charset."""
    name = charset[:100].strip().strip("\"'").lower()
    if _NAME.fullmatch(name) is None:
        return None
    known = _known(name)
    if known in (ISO_2022_JP, EUC_JP):
        return known
    try:
        found = codecs.lookup(known)
        b"a".decode(found.name)  # a codec from bytes to bytes, such as "hex", is refused
    except UnicodeError:
        pass  # one byte is not enough for UTF-16
    except (LookupError, ValueError):
        return None
    return None if found.name.replace("-", "_") in _NOT_CHARSETS else found.name


def _known(name: str) -> str:
    """Return the name by which codecs are found of a label in lower case; loosely spelled ones are put right."""
    loose = _LOOSE.fullmatch(name)
    if loose is not None and name not in _OF_MAIL and name not in LABELS:
        part, page, koi = loose.groups()
        name = f"iso-8859-{part}" if part else f"koi8-{koi}" if koi else f"windows-{page}"
        name = name if page is None or name in _OF_MAIL or name in LABELS else f"cp{page}"
    known = _OF_MAIL.get(name) or LABELS.get(name, name)
    return _OF_THE_WEB.get(known, name if known == "replacement" else known)


def tells_bytes(charset: str) -> bool:
    """Return whether eight bits may well be of this charset though their look does not say so."""
    codec = codec_of(charset)
    return codec not in (None, "ascii", "utf-8", "cp1252", ISO_2022_JP) and codec not in _NOT_ASCII


def charset_in_html(content: bytes) -> str:
    """Return the charset that HTML text names near its beginning, in ``<meta>`` or as XML; "" where it names none."""
    head = _without_comments(content[:_HEAD])
    found = _META.search(head) or _XML.match(head)
    name = found[1].decode("ascii", "replace").lower() if found is not None else ""
    return "utf-8" if name.startswith("utf-16") else name  # as the HTML standard has it: the name was read as ASCII


def _without_comments(head: bytes) -> bytes:
    """Return HTML without its comments: what they name is not the charset of the text."""
    if b"<!--" not in head:
        return head
    first, *others = head.split(b"<!--")
    return first + b"".join(other.partition(b"-->")[2] for other in others)


def decode(content: bytes, declared: str = "", hint: str = "") -> str:
    """Return the text that the bytes most likely are.

    ``declared``: the charset in the header. ``hint``: the charset that the text itself names, used where the header
    names none. Gateways that recode a text leave that name as it was, so valid UTF-8 is read as UTF-8.
    """
    if not declared and content.isascii() and b"\x1b" not in content:
        return content.decode("ascii")
    for mark, codec in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(codec, "replace")
    found = codec_of(declared) if declared else None
    if found == "ascii":
        found = None
    weak = found is None
    if weak and hint:
        found = codec_of(hint)
    if content.isascii() and found not in _NOT_ASCII:
        return iso_2022_jp(content) if found == ISO_2022_JP or b"\x1b" in content else content.decode("ascii")
    utf8 = _strict(content, "utf-8")
    if utf8 is not None and (weak or found == "utf-8" or _is_rather_utf8(content, found)):
        return utf8
    if found is not None and found not in ("ascii", "utf-8"):
        text = _as_declared(content, found)
        if text is not None and (utf8 is None or BAD not in text):
            return text
    if utf8 is not None:
        return utf8
    text = content.decode("utf-8", "replace")
    if len(_UTF8.findall(content)) >= text.count(BAD) or (found == "utf-8" and _OF_WINDOWS.search(content) is None):
        return text
    return iso_2022_jp(content) if b"\x1b$" in content else _guessed(content)


def clean(text: str) -> str:
    """Return text that every store and JSON can hold: LF as line end, no controls, no lone surrogates.

    A CR before CRLF is no line of its own: a mailer that quotes text leaves it there (DragonFly). U+0080 to U+009F are
    controls that nobody writes: the bytes were Windows' and were read as ISO 8859-1.
    """
    if text.isprintable():  # as nearly every line is
        return text
    lines = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub(_control, lines.replace("\x0c", "\n"))


def cut(text: str, max_bytes: int) -> str:
    """Return the longest beginning of a text that has at most ``max_bytes`` bytes in UTF-8."""
    if len(text) * 4 <= max_bytes:
        return text
    encoded = text.encode("utf-8", "replace")
    return text if len(encoded) <= max_bytes else encoded[:max_bytes].decode("utf-8", "ignore")


def _control(match: re.Match[str]) -> str:
    return _WINDOWS_1252.get(match[0], "")


_WINDOWS_1252: Mapping[str, str] = {
    chr(byte): character
    for byte in range(0x80, 0xA0)
    if (character := bytes((byte,)).decode("cp1252", "replace")) != BAD
}


def _is_rather_utf8(content: bytes, codec: str | None) -> bool:
    """Return whether text that is valid UTF-8 is UTF-8 rather than what it is declared to be.

    Other text that happens to be valid UTF-8 is far rarer than UTF-8 under a wrong label.
    """
    if codec in _NOT_ASCII or codec == ISO_2022_JP:
        return False
    if codec in _READERS or codec in _MULTI_BYTE:
        return len(_UTF8_OF_THREE.findall(content)) > 1
    return codec in ("cp1252", "iso8859-15") or len(_UTF8.findall(content)) > 1


def _as_declared(content: bytes, codec: str) -> str | None:
    """Decode by the declared codec; return None where more than half of the characters are unreadable."""
    read = _READERS.get(codec)
    if read is not None:
        text = read(content)
    elif codec in _MULTI_BYTE:
        text = _multi_byte(content, codec)
    elif codec in _WINDOWS and _UPPER_HALF.search(content) is not None:
        text = _windows_or_iso(content, codec)
    elif codec == "cp1258":
        text = normalize("NFC", content.decode(codec, "replace"))  # it writes most accents behind their letters
    elif codec in _UTF_16:
        text = content.decode(_byte_order(content, codec), "replace")
    else:
        text = content.decode(codec, "replace")
    bad = text.count(BAD)
    return text if not bad or bad * 2 <= sum(character > "\x7f" for character in text) else None


def _byte_order(content: bytes, codec: str) -> str:
    """Return the form of UTF-16 that a text is in: the upper byte of most characters of Europe, and of blanks, is 0."""
    upper_first, upper_last = content[:_SAMPLE:2].count(0), content[1:_SAMPLE:2].count(0)
    return codec if upper_first == upper_last else "utf-16-be" if upper_first > upper_last else "utf-16-le"


_READERS: Mapping[str, Callable[[bytes], str]] = {ISO_2022_JP: iso_2022_jp, EUC_JP: euc_jp}


def _multi_byte(content: bytes, codec: str) -> str:
    """Decode a code page with two-byte characters.

    An unreadable pair is one character, as in the web's decoders; Python's own skip only its first byte, and then
    misread all pairs up to the next ASCII character.
    """
    text = _in_pairs(content, codec)
    return text.translate(NOT_IN_932) if codec == "cp932" else text


def _in_pairs(content: bytes, codec: str) -> str:
    text = _strict(content, codec)
    if text is not None:
        return text
    out: list[str] = []
    at = bad = 0
    while at < len(content):
        window = content[at : at + _WINDOW]
        try:
            out.append(window.decode(codec))
            at += len(window)
        except UnicodeDecodeError as error:
            out.append(window[: error.start].decode(codec, "replace"))
            at += error.start
            if error.start and error.start + 4 >= len(window) and at + 4 < len(content):
                continue  # the window may have cut a character
            out.append(BAD)
            at += _width(content, at, codec)
            bad += 1
            if bad > _MAX_BAD:
                out.append(content[at:].decode(codec, "replace"))
                break
    return "".join(out)


def _width(content: bytes, at: int, codec: str) -> int:
    """Return how many bytes of an unreadable character to skip: a lead byte takes a second byte with it unless that is
    ASCII."""
    first = content[at]
    leads = 0x81 <= first <= 0xFE and not (codec == "cp932" and (0xA0 <= first <= 0xDF or first > 0xFC))
    return 2 if leads and at + 1 < len(content) and content[at + 1] > 0x7F else 1


def _windows_or_iso(content: bytes, codec: str) -> str:
    """Decode text under an ISO label that has bytes of Windows: all as Windows' code page, or as ISO with Windows'
    quotes.

    The reading with more letters and fewer capitals inside words wins.
    """
    windows = content.decode(_WINDOWS[codec], "replace")
    quotes = {byte: bytes((byte,)).decode(_WINDOWS[codec], "replace") for byte in range(0x80, 0xA0)}
    iso = content.decode(codec, "replace").translate(quotes)
    return max(windows, iso, key=_wordiness)


def _wordiness(text: str) -> int:
    sample = text[:_SAMPLE]
    letters = sum(character > "\x7f" and (character.isalpha() or character == "€") for character in sample)
    inside = sum(one.islower() and other.isupper() for one, other in pairwise(sample))
    return letters - inside


def _strict(content: bytes, codec: str) -> str | None:
    try:
        return content.decode(codec)
    except (UnicodeError, ValueError):
        return None


def _japanese(content: bytes) -> str | None:
    """Return the text where it is Shift_JIS or EUC-JP throughout and a third of it is kana, as of most Japanese."""
    sample = content[:_SAMPLE]
    for codec, kana in _KANA.items():
        pairs = len(kana.findall(sample))
        if pairs * 2 * 3 >= sum(byte > 0x7F for byte in sample):
            text = _as_declared(content, codec)
            if text is not None and BAD not in text:
                return text
    return None


def _guessed(content: bytes) -> str:
    """Decode by the look of the bytes. A short text gives charset-normalizer too little to go by and is read as the
    commonest charset."""
    if sum(byte > 0x7F for byte in content[:_SAMPLE]) >= 8:
        japanese = _japanese(content)
        if japanese is not None:
            return japanese
        best = from_bytes(content[:_SAMPLE]).best()
        codec = codec_of(best.encoding) if best is not None else None
        if codec is not None:
            return _as_declared(content, codec) or content.decode("cp1252", "replace")
    return content.decode("cp1252", "replace")

"""Bytes to text: labels as the web reads them, vendors' Japanese rows, bad characters, HTML that names its charset."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.kit.mail.mime.charsets import clean, decode
from cx_channels.kit.mail.mime.parse import parse

JIS, ASCII = b"\x1b$B", b"\x1b(B"

JAPANESE = [
    # NEC's row 13, NEC's copy of IBM's rows (89 to 92), and characters that Microsoft maps as the web does
    ("iso-2022-jp", JIS + b"\x2d\x21\x2d\x6a\x7c\x62" + ASCII, "①㈱髙"),
    ("ISO-2022-JP", JIS + b"3t<02q<R" + ASCII + b" " + JIS + b"!A!]" + ASCII, "株式会社 ～－"),
    ("cp50221", b"\x1b(I\x31\x32" + ASCII + b"a", "ｱｲa"),
    ("iso-2022-jp", b"\xb1\xb2" + JIS + b"\x25\x22" + ASCII, "ｱｲア"),
    ("cp50222", b"\x0e\x31\x32\x0fa", "ｱｲa"),
    ("iso-2022-jp", JIS + b"\x46\x7c \n\x4b\x5c" + ASCII, "日 \n本"),
    ("iso-2022-jp-1", b"\x1b$(D\x30\x21" + ASCII, "丂"),
    ("iso-2022-jp-2", b"\x1b$A\x44\x63" + ASCII + b"\x1b$(C\x30\x21" + ASCII, "你가"),
    ("iso-2022-jp", b"\x1b(J\\~" + ASCII, "¥‾"),
    ("utf-8", JIS + b"\x46\x7c" + ASCII, "日"),
    ("", JIS + b"\x2d\x21" + ASCII, "①"),
    ("iso-2022-jp", JIS + b"\x46\x7c\x7e\x7e\x4b\x5c" + ASCII + b"!", "日\ufffd本!"),
    ("euc-jp", b"\xad\xa1\xad\xea\xfc\xe2", "①㈱髙"),
    ("x-euc-jp", b"\x8e\xb1\x8f\xb0\xa1\xb0\xa1", "ｱ丂亜"),
    ("eucJP-ms", b"\x8f\xf4\xfb\x8f\xf3\xf3\x8f\xf4\xab", "髙ⅰ㈱"),
    ("euc-jp", b"\xc3\xed\xfe\xfe\xca\xb8", "注\ufffd文"),
    ("euc-jp", b"\xc3\xed\xffa\xca\xb8", "注\ufffda文"),
    ("euc-jp", b"\xc3\xed\xca", "注\ufffd"),
]


@pytest.mark.parametrize(("charset", "content", "text"), JAPANESE)
def test_japanese_is_read_with_nec_and_ibm_rows(charset: str, content: bytes, text: str) -> None:
    assert decode(content, charset) == text


@pytest.mark.skipif(not Path("/usr/bin/iconv").exists(), reason="iconv is not here")
def test_the_euc_rows_of_ibm_equal_those_of_iconv() -> None:
    points = [bytes((0x8F, row, cell)) for row in (0xF3, 0xF4) for cell in range(0xA1, 0xFF)]
    for point in points:
        command = ["iconv", "-f", "EUC-JP-MS", "-t", "UTF-8"]
        known = subprocess.run(command, input=point, capture_output=True, check=False)
        if known.returncode == 0 and known.stdout:
            assert decode(b"\xb0\xa1" + point, "euc-jp") == "亜" + known.stdout.decode()


BAD = [
    ("shift_jis", "注文の確認".encode("cp932"), 2),
    ("gbk", "订单的确认".encode("gbk"), 2),
    ("big5", "訂單的確認".encode("big5"), 2),
    ("euc-kr", "주문확인요".encode("cp949"), 2),
    ("euc-jp", "注文の確認".encode("euc_jp"), 2),
    ("utf-8", "注文の確認".encode(), 3),
]


@pytest.mark.parametrize("bad", [b"\xff\xff", b"\xff", b"\xff\xfe\xff"])
@pytest.mark.parametrize(("charset", "content", "width"), BAD)
def test_a_bad_character_costs_only_itself(charset: str, content: bytes, width: int, bad: bytes) -> None:
    text = decode(content[: 2 * width] + bad + content[3 * width :], charset)
    whole = decode(content, charset)
    assert text.replace("\ufffd", "") == whole[:2] + whole[3:]
    assert 1 <= text.count("\ufffd") <= len(bad)


def test_a_text_without_charset_is_utf8_despite_bad_bytes() -> None:
    assert decode("Žádám o vrácení".encode() + b"\xff") == "Žádám o vrácení\ufffd"
    assert decode("Žádám o vrácení".encode() + b"\xff", "us-ascii") == "Žádám o vrácení\ufffd"


def test_a_cut_last_character_costs_only_itself() -> None:
    assert decode("Grüße €".encode()[:-1], "utf-8") == "Grüße \ufffd"
    assert decode("Größe".encode("cp1252"), "utf-8") == "Größe"


LABELS = [
    ("iso-8859-1", b"\x93Hi\x94 \x96 \x80", "“Hi” – €"),
    ("iso-8859-9", b"\x93\xfeey\x94", "“şey”"),
    ("tis-620", b"\x93\xa1\x94", "“ก”"),
    ("iso-8859-11", b"\x93\xa1\x94", "“ก”"),
    ("us-ascii", b"caf\xe9 \x92", "café ’"),
    ("iso-8859-15", b"\x93\xa4\x94", "“€”"),
    ("iso-8859-2", b"\x8elu\x9dou\xe8k\xfd", "Žluťoučký"),
    ("iso-8859-2", b"\x84\xae\xe1d\xe1m\x93", "„Žádám“"),
    ("iso-8859-5", b"\x93\xcf\xf0\xe8\xe2\xe5\xf2\x94", "“Привет”"),
    ("iso-8859-5", b"\x93\xbf\xe0\xd8\xd2\xd5\xe2\x94", "“Привет”"),
    ("iso-8859-7", b"\x93\xea\xe1\xeb\xdc\x94 \xa2", "“καλά” Ά"),
    ("iso-8859-8", b"\x93\xec\xe0\x94", "“לא”"),
    ("iso-8859-6", b"\x93\xe3\xd1\x94", "“مر”"),
    ("iso-8859-13", b"\x93\xe2\x94", "“ā”"),
    ("iso-8859-4", b"\x93\xe0\x94", "“ą”"),
    ("csisolatin2", b"\xae", "Ž"),
    ("latin2", b"\xae", "Ž"),
    ("l2", b"\xae", "Ž"),
    ("gb2312", b"\xa2\xe3", "€"),
    ("windows-949", "펲".encode("cp949"), "펲"),
    ("x-mac-ukrainian", b"\xd0", "–"),
    ("koi8-u", b"\xa4", "є"),
    ("dos-874", b"\xa1", "ก"),
    ("unicode-1-1-utf-8", "é".encode(), "é"),
    ("utf-16", "hé".encode("utf-16-le"), "hé"),
    ("iso-8859-1", b"\xef\xbb\xbfh\xc3\xa9", "hé"),
    ("utf-8", "hé".encode("utf-16"), "hé"),
]


@pytest.mark.parametrize(("charset", "content", "text"), LABELS)
def test_labels_are_read_as_the_web_reads_them(charset: str, content: bytes, text: str) -> None:
    assert clean(decode(content, charset)) == text


ISO = [f"iso-8859-{n}" for n in range(1, 17) if n != 12] + ["us-ascii", "utf-8", "windows-1252", "latin1", ""]


@given(st.binary(max_size=40), st.sampled_from(ISO))
def test_no_bytes_leave_control_characters(content: bytes, charset: str) -> None:
    text = clean(decode(content, charset))
    assert not [each for each in text if (each < " " and each not in "\n\t") or "\x7f" <= each < "\xa0"]


def html_part(html: bytes, content_type: str = "text/html") -> str:
    return parse(b"Content-Type: " + content_type.encode() + b"\n\n" + html).root.text()


META = [
    (b'<meta charset="shift_jis">\x92\x8d\x95\xb6', "注文"),
    (b"<META content='text/html;charset=EUC-JP' http-equiv=content-type>\xc3\xed\xca\xb8", "注文"),
    (b'<meta name="x" content="y"><meta http-equiv="Content-Type" content="text/html; charset=iso-8859-2">\xae', "Ž"),
    (b'<?xml version="1.0" encoding="windows-1251"?>\xcf\xf0', "Пр"),
    (b"<meta charset=utf-16>h\xc3\xa9", "hé"),
    ("<meta charset=iso-8859-2>Žádám".encode(), "Žádám"),
]


@pytest.mark.parametrize("content_type", ["text/html", "text/html; charset=us-ascii", "text/html; charset=x-unknown"])
@pytest.mark.parametrize(("html", "text"), META)
def test_html_names_its_charset_where_the_header_is_silent(html: bytes, text: str, content_type: str) -> None:
    assert html_part(html, content_type).endswith(">" + text)


def test_the_header_outranks_what_html_says() -> None:
    assert html_part(b'<meta charset="shift_jis">\xef', "text/html; charset=iso-8859-2").endswith("ď")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Quien Te Dij\x8aat. Pitbull", "Quien Te Dij\u0160at. Pitbull"),
        (b"caf\xe9s", "cafés"),
        (b"\x1b$B%F\x1b(B caf\xe9s", "テ caf\ufffds"),
        (b"\x83\x65\x83\x58\x83\x67 a", "テスト a"),
        (b"a\x83\x65\x83\x58a", "aテスa"),
        (b"\x1b$B%F%9%H\x1b(B \x93\xfa\x96\x7b", "テスト 日本"),
    ],
)
def test_a_stray_byte_in_iso_2022_jp_is_harmless(raw: bytes, text: str) -> None:
    assert decode(raw, "iso-2022-jp") == text

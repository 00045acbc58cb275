"""Test what a mail says: alternatives, HTML, flowed text, quoted text, attachments."""

from __future__ import annotations

import pytest

from cx_channels.kit.mail.message.body import body_of, content_of, unflow
from cx_channels.kit.mail.message.html import safe_html, text_of
from cx_channels.kit.mail.message.quotes import split
from cx_channels.kit.mail.mime.parse import parse


def html_mail(html: str) -> bytes:
    return b"From: a@example.com\nContent-Type: text/html; charset=utf-8\n\n" + html.encode()


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two<br/><br>three", "one\ntwo\n\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<ul><li>a<li>b</ul>c", "- a\n- b\n\nc"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</table>", "a b\nc"),
        ("<style>x{}</style><script>y()</script><title>t</title>z<!-- c -->", "z"),
        ("<p>a &amp; b&nbsp;c</p>", "a & b\xa0c"),
        ("<pre>  a\n  b</pre>", "a\n  b"),
        ("<blockquote>old<blockquote>older</blockquote></blockquote>new", "> old\n>> older\nnew"),
        ('<img src="x" alt="A cat"><span style="display:none">hidden</span>', "A cat"),
        ("a <b>bold</b> word", "a bold word"),
        ("<p>never closed <div>still", "never closed\n\nstill"),
        ("", ""),
    ],
)
def test_html_becomes_the_text_that_is_seen(html: str, text: str) -> None:
    assert text_of(html) == text


def test_html_is_kept_without_what_could_harm() -> None:
    safe = safe_html(
        '<p onclick="x()">a<script>alert(1)</script><iframe src="//x"></iframe><a href="javascript:x">b</a></p>'
        "<style>p{}</style>"
    )
    assert "a" in safe
    for harmful in ("script", "onclick", "iframe", "style", "p{}"):
        assert harmful not in safe


def test_markup_too_costly_for_a_parser_is_not_parsed() -> None:
    attributes = "<p " + " ".join(f"a{n}=1" for n in range(70_000)) + ">text</p>"
    assert safe_html(attributes) == ""
    assert text_of("<i>" * 30_000 + "deep") == "deep"


def test_of_alternatives_the_plain_one_is_the_text() -> None:
    raw = (
        b"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>rich\n"
        b"--b\n\nplain\n--b\nContent-Type: text/calendar; name=invite.ics\n\nBEGIN:VCALENDAR\n--b--"
    )
    content = content_of(parse(raw).root)
    assert content.text() == "plain"
    assert content.html() == "<p>rich</p>"
    assert [part.file_name for part in content.attached] == ["invite.ics"]


def test_an_empty_plain_alternative_gives_way_to_the_html() -> None:
    raw = b"Content-Type: multipart/alternative; boundary=b\n\n--b\n\n \n--b\nContent-Type: text/html\n\n<p>rich\n--b--"
    assert content_of(parse(raw).root).text() == "rich"


def test_text_after_an_attachment_is_read_too() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\nContent-Type: image/png\n\nx\n--b\n\ntwo\n"
        b'--b\nContent-Disposition: attachment; filename="..\\\\..\\\\notes.txt"\n\nnot shown\n--b--'
    )
    content = content_of(parse(raw).root)
    assert content.text() == "one\n\ntwo"
    assert [part.file_name for part in content.attached] == ["", "notes.txt"]


def test_flowed_lines_are_joined_and_signatures_are_not() -> None:
    assert unflow("one \ntwo\n> quoted \n> more\n stuffed\n-- \nAna") == "one two\n> quoted more\nstuffed\n-- \nAna"
    assert unflow("auf \nteilen", delete_space=True) == "aufteilen"


def without_blank_lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line.strip()]


REPLIES = [
    "On Sun, 22 Nov 2026 at 12:00, Bo <bo@acme.example> wrote:\n> old",
    "On Sun, 22 Nov 2026 at 12:00, Bo of Acme\n<bo@acme.example> wrote:\n\n> old",
    "> On 22 Nov 2026, at 19:21, Bo <bo@acme.example> wrote:\n> \n> old",
    "Am 22.11.2026 um 12:00 schrieb Bo:\n> old",
    "Le 22 nov. 2026 à 12:00, Bo a écrit :\n> old",
    "Il giorno 22 nov 2026 Bo <bo@acme.example> ha scritto:\n> old",
    "El dom, 22 nov 2026 a las 12:00, Bo (<bo@acme.example>) escribió:\n> old",
    'Вс, 22 нояб. 2026 г. в 12:00, "Bo" <bo@acme.example> написал:\n> old',
    "-----Original Message-----\nFrom: Bo\nSent: Sunday\nTo: Ana\nSubject: x\n\nold",
    "________________________________\nFrom: Bo <bo@acme.example>\nSent: Sunday\nTo: Ana\nSubject: x\n\nold",
    "Von: Bo\nGesendet: Sonntag\nAn: Ana\nBetreff: x\n\nold",
    "---- On Sun, 22 Nov 2026 12:00:00 +0000 Bo <bo@acme.example> wrote ----\nold",
    "2026/11/22 Bo <bo@acme.example>\n> old",
    "> old",
    # as the same programs write it in other languages
    "On Sun, 22 Nov 2026 12:00:00 +0000 Bo <bo@acme.example> wrote\n\nold",
    "On Sun, Nov 22, 2026 at 12:00 PM, Bo <bo@acme.example>wrote:\n> old",
    "Bo <bo@acme.example> schrieb am So., 22. Nov. 2026, 12:00:\n> old",
    "Bo <bo@acme.example> hat am 22.11.2026 12:00 geschrieben:\n\nold",
    "Bo <bo@acme.example> escreveu no dia domingo, 22/11/2026 à(s) 12:00:\n> old",
    "In data 22 novembre 2026 12:00:31 Bo <bo@acme.example> ha scritto:\n\nold",
    "niedz., 22 lis 2026 o 12:00 Bo <bo@acme.example> napisał(a):\n> old",
    "ne 22. 11. 2026 v 12:00 odesílatel Bo <bo@acme.example> napsal:\n> old",
    "ne 22. 11. 2026 o 12:00 Bo <bo@acme.example> napísal(a):\n> old",
    "Bo <bo@acme.example> ezt írta (időpont: 2026. nov. 22., V, 12:00):\n> old",
    "dum., 22 nov. 2026 la 12:00, Bo <bo@acme.example> a scris:\n> old",
    "Bo <bo@acme.example>, 22 Kas 2026 Paz, 12:00 tarihinde şunu yazdı:\n> old",
    "su 22. marrask. 2026 klo 12.00 Bo\n<bo@acme.example> kirjoitti:\n\nold",
    "søn. 22. nov. 2026 kl. 12:00 skrev Bo <bo@acme.example\n>:\n> old",
    "нд, 22 лист. 2026 р. о 12:00 Bo <bo@acme.example> пише:\n> old",
    "На нд, 22.11.2026 г. в 12:00 Bo <bo@acme.example> написа:\n> old",
    "Στις Κυρ, 22 Νοε 2026 στις 12:00 μ.μ., ο χρήστης Bo <bo@acme.example> έγραψε:\n> old",
    "Bo <bo@acme.example> 于2026年11月22日周日 下午12:00写道：\n> old",
    "Bo <bo@acme.example> 於 2026年11月22日 週日 下午12:00寫道：\n> old",
    "2026년 11월 22일 (일) 오후 12:00, Bo <bo@acme.example>님이 작성:\n> old",
    "Vào CN, 22 thg 11, 2026 vào lúc 12:00 Bo <bo@acme.example> đã viết:\n> old",
    "On Nov 22, 2026,\nat 12:00,\nBo <bo@acme.example> wrote:\n> old",
    "On Nov 22, 2026, at 12:00, Bo <\n3258d4d2fa4c85cfa4c44e1721@acme.example>\nwrote:\n\nold",
    "2026-11-22 12:00 GMT+03:00 Bo <\nbo@acme.example>:\n\n> old",
    "---- Bo of Acme wrote ----\n\n> old",
    "Bo <bo@acme.example> wrote:\n\n> old",
    "-----Antwort Nachricht-----\n\nold",
    "Zitat von Bo <bo@acme.example>:\n\n> old",
    "Gesendet: Sonntag, 22. November 2026 um 12:00 Uhr\nVon: Bo <bo@acme.example>\nAn: Ana\nBetreff: x\n\nold",
    "-------- Oprindelig besked --------\nFra: Bo\nDato: 22.11.2026 12.00\nTil: Ana\nEmne: x\n\nold",
    "Od: Bo <bo@acme.example>\nWysłano: niedziela\nDo: Ana\nTemat: x\n\nold",
    "寄件者: Bo <bo@acme.example>\n寄件日期: 2026年11月22日\n收件者: Ana\n主旨: x\n\nold",
    "보낸 사람: Bo <bo@acme.example>\n보낸 날짜: 일요일\n받는 사람: Ana\n제목: x\n\nold",
    "From: Bo\nSent: Sunday\nTo: Ana\nSubject: Re: Forward me the transfer\n\n> old",
]


@pytest.mark.parametrize("quote", REPLIES)
def test_what_a_reply_quotes_is_split_off(quote: str) -> None:
    new, quoted = split(f"New words.\n\n{quote}")
    assert new == "New words."
    assert without_blank_lines(quoted) == without_blank_lines(quote)


def test_answers_below_and_between_quoted_lines_are_new() -> None:
    new, quoted = split("On Sunday, Bo wrote:\n> one?\nYes.\n> two?\nNo.")
    assert new == "Yes.\nNo."
    assert quoted == "On Sunday, Bo wrote:\n> one?\n> two?"


@pytest.mark.parametrize(
    "text",
    [
        "Please see.\n\n---------- Forwarded message ----------\nFrom: Bo\nDate: today\nSubject: x\n\nold",
        "Siehe unten.\n\n-------- Weitergeleitete Nachricht --------\nBetreff: x\nDatum: heute\nVon: Z <z@z.example>\n"
        "An: Ana\n\nold",
        "Da leggere.\n\nInizio messaggio inoltrato:\n\nDa: Z <z@z.example>\nData: oggi\nA: Ana\nOggetto: x\n\nold",
        "看看\n\n---------- 转发的邮件 ---------\n发件人: Z <z@z.example>\n日期: 今天\n主题: x\n收件人: Ana\n\nold",
        "> only a quote",
        "No quote at all: from here\nto there.",
        "I wrote on Monday:\nnothing.",
        "Please book this for us at 12:30:\n\nDate: 3 May\nFrom: Lisbon\nTo: Porto",
        "Call bo@acme.example before 12:30, and say:\nnothing.",
        "Bo asked:\n\nwhen (at 12:30 or 13:30) does it open?",
        "",
    ],
)
def test_a_text_without_or_only_of_quotes_stays_whole(text: str) -> None:
    assert split(text) == (text, "")


def test_a_quote_in_html_is_split_off_too() -> None:
    body = body_of(
        content_of(parse(html_mail("<p>New</p><div>On Sunday, Bo wrote:<blockquote>old</blockquote></div>")).root)
    )
    assert body.text == "New"
    assert body.quoted == "On Sunday, Bo wrote:\n> old"


def test_a_text_over_the_limit_is_cut_and_marked() -> None:
    body = body_of(content_of(parse(b"From: a@example.com\n\n" + b"word \n" * 100_000).root))
    assert len(body.text) == 128 << 10
    assert body.cut


def test_inline_pictures_keep_their_place_and_id() -> None:
    html = '<p>See <img src="cid:i1@x" onerror="x()"> and <img src="cid:i2" alt="a cat"><img src="CID:i3" alt=""></p>'
    assert safe_html(html) == (
        '<p>See <img src="cid:i1@x"> and <img src="cid:i2" alt="a cat"><img src="CID:i3" alt=""></p>'
    )
    assert text_of(html) == "See [cid:i1@x] and a cat"
    assert text_of('<img src="https://example.com/x.png">') == ""

"""Test what programs write that the standards don't have, mail by mail: each row was read wrong once, or is near to
one.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from cx_channels.email.mime import PROVIDER
from cx_channels.provider import Connection, Request
from cx_events.envelope import Data

OUTSIDE = Path(__file__).parents[2].parent / "shared" / "cases" / "outside"
ACME = Connection("mail", "acme", "email/mime", settings={"addresses": ["support@acme.example"]})
HEAD = b"From: Ana <ana@example.com>\r\nTo: support@acme.example\r\nSubject: Re: x\r\nMessage-ID: <m-1@example.com>\r\n"


def read(content: bytes, **envelope: str) -> Data:
    (draft,) = PROVIDER.map(Request(content, "SMTP", headers=envelope), ACME).drafts
    assert draft.data.message is not None
    return draft.data


def text_of(body: str | bytes, kind: str = "text/plain; charset=utf-8", coding: str = "8bit") -> str:
    content = body if isinstance(body, bytes) else body.replace("\n", "\r\n").encode()
    head = HEAD + f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {coding}\r\n\r\n".encode()
    message = read(head + content).message
    assert message is not None
    return message.text


# --- the recorded cases -----------------------------------------------------------------------------------------------

TEXTS = {
    "k10-jis-nec-body": "株式会社 ① ㈱ ～",
    "k11-meta-sjis": "注文",
    "k11-meta-8859-2": "Žádám o vrácení",
    "k11-meta-1255": "לא",
    "k11-meta-eucjp": "注文",
}
SUBJECTS = {"k10-jis-nec-subject": "①株式会社㈱"}
NAMES = {"k10-jis-ibm-name": "髙橋様"}
ADDRESSES = {
    "k14-two-dots": "ana..b@docomo.example",
    "k14-dot-before-at": "ana.@docomo.example",
    "k14-leading-dot": ".ana@docomo.example",
    "k14-quoted": "ana..b@docomo.example",
    "k14-quoted-blank": '"ana b"@example.com',
}
given = pytest.mark.skipif(not OUTSIDE.is_dir() and "CI" not in os.environ, reason="the recordings are not here")


@given
@pytest.mark.parametrize("name", [*TEXTS, *SUBJECTS, *NAMES, *ADDRESSES])
def test_a_recorded_mail_is_read_as_it_was_written(name: str) -> None:
    data = read((OUTSIDE / f"{name}.eml").read_bytes())
    assert data.message is not None
    sender = data.participants[0]
    if name in TEXTS:
        assert data.message.text == TEXTS[name]
    if name in SUBJECTS:
        assert data.message.subject == SUBJECTS[name]
    if name in NAMES:
        assert sender.name == NAMES[name]
    if name in ADDRESSES:
        assert [identifier.value for identifier in sender.identifiers] == [ADDRESSES[name]]


@given
@pytest.mark.parametrize("name", ["k13-apple-text-cut", "k13-apple-html-cut"])
def test_words_before_and_behind_a_file_are_both_read(name: str) -> None:
    message = read((OUTSIDE / f"{name}.eml").read_bytes()).message
    assert message is not None
    for where in [message.text, *([message.html] if "html" in name else [])]:
        assert "Here is the invoice" in where
        assert "please refund it." in where


# --- charsets ---------------------------------------------------------------------------------------------------------

UTF_16 = "Hallo Ana €"
CHARSETS = [
    ("utf-16", UTF_16.encode("utf-16-be"), UTF_16),
    ("utf-16", UTF_16.encode("utf-16-le"), UTF_16),
    ("utf-16le", UTF_16.encode("utf-16-be"), UTF_16),
    ("utf-16", UTF_16.encode("utf-16"), UTF_16),
    ("utf-8", UTF_16.encode("utf-16"), UTF_16),
    ("utf-16be", "注文".encode("utf-16-be"), "注文"),
    ("iso-2022-jp", b"\x1b$BCmJ8\r\nabc", "注文\nabc"),
    ("iso-2022-jp", b"\x1b$BCmJ8\r\nCmJ8\x1b(B", "注文\n注文"),
    ("iso-2022-jp", b"\x1b$BCmJ8\r\nAna Silva", "注文\nAna Silva"),
    ("windows-1258", "Đă\u0323t hàng".encode("cp1258"), "Đặt hàng"),
    *(
        (label, "订单取消".encode("gbk"), "订单取消")
        for label in ("windows-936", "x-windows-936", "ms936", "cp936", "x-gbk")
    ),
    *((label, "뷁 주문".encode("cp949"), "뷁 주문") for label in ("ms949", "windows-949", "ks_c_5601-1987", "euc-kr")),
    *((label, "①㈱髙".encode("cp932"), "①㈱髙") for label in ("windows-932", "ms932", "x-sjis", "windows-31j")),
    ("windows-950", "訂單碁".encode("cp950"), "訂單碁"),
    ("big5-hkscs", "嘅".encode("big5hkscs"), "嘅"),
    ("koi8-u", "їжі ґ".encode("koi8-u"), "їжі ґ"),
    ("utf-7", "Größe £5".encode("utf-7"), "Größe £5"),
    ("us-ascii", "注文をキャンセルしたいです。髙橋".encode("cp932"), "注文をキャンセルしたいです。髙橋"),
    ("utf-8", "商品が届きません。".encode("euc_jp"), "商品が届きません。"),
    ("utf-8", "お問い合わせありがとうございます".encode("cp932"), "お問い合わせありがとうございます"),
]


@pytest.mark.parametrize(("label", "content", "text"), CHARSETS)
def test_contradictory_bytes_override_the_charset_label(label: str, content: bytes, text: str) -> None:
    assert text_of(base64.encodebytes(content), f"text/plain; charset={label}", "base64") == text


def test_a_charset_in_an_html_comment_is_ignored() -> None:
    html = '<!-- <meta charset="euc-kr"> --><meta charset="windows-1253"><p>Γειά</p>'.encode("cp1253")
    assert text_of(html, "text/html") == "Γειά"


EIGHT_BITS = [
    ("gb2312", "gbk", "订单"),
    ("big5", "big5", "訂單"),
    ("euc-kr", "cp949", "주문"),
    ("windows-1251", "cp1251", "Где мой заказ"),
    ("koi8-r", "koi8-r", "Заказ"),
    ("iso-8859-2", "cp1250", "Žluťoučký"),
    ("shift_jis", "cp932", "表予約"),
    ("euc-jp", "euc_jp", "注文"),
    ("windows-1255", "cp1255", "שלום"),
    ("tis-620", "cp874", "สวัสดี"),
    ("iso-8859-1", "cp1252", "Größe"),
    ("shift_jis", "utf-8", "Größe 注文"),
    ("utf-8", "cp1252", "Jürgen"),
]


@pytest.mark.parametrize(("label", "codec", "words"), EIGHT_BITS)
def test_eight_bit_fields_have_the_charset_of_the_text(label: str, codec: str, words: str) -> None:
    content = (
        f'From: "{words}" <ana@example.com>\r\nSubject: {words}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n'
        f"--b\r\nContent-Type: text/plain; charset={label}\r\n\r\nhello\r\n--b\r\nContent-Type: application/pdf\r\n"
        f'Content-Disposition: attachment; filename="{words}.pdf"\r\n\r\nx\r\n--b--\r\n'
    ).encode(codec)
    data = read(content)
    assert data.message is not None
    assert (data.participants[0].name, data.message.subject) == (words, words)
    assert [each.name for each in data.message.attachments] == [f"{words}.pdf"]


# --- fields -----------------------------------------------------------------------------------------------------------

FROM = [
    ("=?utf-8?Q?Ana_=3Cana=40example=2Ecom=3E?=", "Ana", "ana@example.com"),
    ("=?iso-2022-jp?B?GyRCMEJGYBsoQiA8YW5hQGV4YW1wbGUuY29tPg==?=", "安奈", "ana@example.com"),
    ("=?utf-8?Q?evil=40x=2Eexample?= <ana@example.com>", "evil@x.example", "ana@example.com"),
    ('"Ana \\"X\\" Silva" <ana@example.com>', 'Ana "X" Silva', "ana@example.com"),
    ('"\\"Ana Silva\\"" <ana@example.com>', "Ana Silva", "ana@example.com"),
    ('"Ana" Silva <ana@example.com>', "Ana Silva", "ana@example.com"),
    ("Ana [ana@example.com]", "Ana", "ana@example.com"),
    ("ana@[192.0.2.1]", "", "ana@[192.0.2.1]"),
    ("Ana </O=EXCH/OU=X/CN=ANA>\r\nReply-To: ana@example.com", "", "ana@example.com"),
    ("root", "root", ""),
    ("Friends: Ana <ana@example.com>, Bo <bo@example.com>;", "Ana", "ana@example.com"),
    ("\r\nReply-To: Ana <ana@example.com>", "Ana", "ana@example.com"),
    (
        "Ana <00abc-dmarc-request@LISTSERV.EXAMPLE>\r\nReply-To: Ana Silva <ana@example.com>\r\n"
        "List-Post: <mailto:X@LISTSERV.EXAMPLE>",
        "Ana Silva",
        "ana@example.com",
    ),
    (
        "Ana <00abc-dmarc-request@LISTSERV.EXAMPLE>\r\nReply-To: X <X@LISTSERV.EXAMPLE>\r\n"
        "List-Post: <mailto:X@LISTSERV.EXAMPLE>",
        "Ana",
        "00abc-dmarc-request@LISTSERV.EXAMPLE",
    ),
]


@pytest.mark.parametrize(("value", "name", "address"), FROM)
def test_the_writer_is_found_however_from_is_written(value: str, name: str, address: str) -> None:
    sender = read(f"From: {value}\r\nTo: support@acme.example\r\n\r\nhi\r\n".encode()).participants[0]
    assert (sender.name, [each.value for each in sender.identifiers]) == (name, [address] if address else [])


KINDS = [
    "text/plain, charset=utf-8",
    '"text/plain"; charset=utf-8',
    "text/plain (words); charset=utf-8",
    "text/plain charset=utf-8",
    "text/x-foo",
    "text/txt",
    "text",
    ";;;=",
]


@pytest.mark.parametrize("kind", KINDS)
def test_text_is_read_however_its_type_is_written(kind: str) -> None:
    assert text_of("Hello", kind) == "Hello"


@pytest.mark.parametrize("kind", ["text/csv", "text/calendar; method=REPLY", "text/vcard", "text/x-amp-html"])
def test_text_for_programs_is_a_file(kind: str) -> None:
    message = read(HEAD + f"Content-Type: {kind}\r\n\r\n1,2\r\n".encode()).message
    assert message is not None
    assert (message.text, len(message.attachments)) == ("", 1)


@pytest.mark.parametrize(
    "disposition",
    [
        'filename="a b.pdf"',
        'attachment, filename="a b.pdf"',
        'attachment filename="a b.pdf"',
        "inline; filename=a b.pdf",
    ],
)
def test_a_file_is_named_by_any_form_of_disposition(disposition: str) -> None:
    head = f"Content-Type: application/pdf\r\nContent-Disposition: {disposition}\r\n\r\nx\r\n"
    message = read(HEAD + head.encode()).message
    assert message is not None
    assert [each.name for each in message.attachments] == ["a b.pdf"]


# --- transfer codings -------------------------------------------------------------------------------------------------

TRANSFERS = [
    ("quoted-printable", "Hello= \nWorld=\t\n!", "HelloWorld!"),
    ("quoted-printable", "Gr=C3=\n=B6=C3=9Fe und =\nmehr = 5\n=ZZ =3D\n", "Größe und mehr = 5\n=ZZ ="),
    ("quoted-printable", "Gr=c3=b6ße =E2=82=AC", "Größe €"),
    ("(x) base64", "R3LDtsOfZQ==", "Größe"),
    ("base64 (x)", "R3LDtsOfZQ==", "Größe"),
    ("base64", "R3LDtsOfZQ==\nR3LDtsOfZQ==", "GrößeGröße"),
    ("base64", "R3LDtsOfZQ==R3LDtsOfZQ==", "GrößeGröße"),
    ("base64", "R3LDtsOfZQ=====", "Größe"),
    ("base64", "R3LDtsOfZQ", "Größe"),
]


@pytest.mark.parametrize(("coding", "sent", "text"), TRANSFERS)
def test_encoded_text_is_read_to_its_end(coding: str, sent: str, text: str) -> None:
    assert text_of(sent, coding=coding) == text


def test_a_file_encoded_line_by_line_is_whole() -> None:
    body = base64.b64encode(b"abcd") + b"\r\n" + base64.b64encode(b"efgh") + b"\r\n"
    message = read(HEAD + b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body).message
    assert message is not None
    assert [each.bytes for each in message.attachments] == [8]


# --- quotes -----------------------------------------------------------------------------------------------------------

FIELDS = [
    "Από: {}\nΣτάλθηκε: 27.11.2026 09:00\nΠρος: Ana <ana@example.com>\nΘέμα: x",
    "От: {}\nИзпратено: 27.11.2026 09:00\nДо: Ana <ana@example.com>\nОтносно: x",
    "จาก: {}\nส่ง: 27.11.2026 09:00\nถึง: Ana <ana@example.com>\nเรื่อง: x",
    "No: {}\nNosūtīts: 27.11.2026 09:00\nKam: Ana <ana@example.com>\nTēma: x",
    "---------- Původní e-mail ----------\nOd: {}\nKomu: ana@example.com\nDatum: 27. 11. 2026 9:00:00\nPředmět: x",
    "----- Mail original -----\nDe: {}\nÀ: ana@example.com\nEnvoyé: Vendredi 27 Novembre 2026 09:00:00\nObjet: x",
    "--- Skeyti sem svarað er ---\nFrá: {}\nSent: 27.11.2026 09:00\nTil: ana@example.com\nEfni: x",
    "-----{} wrote: -----\nTo: ana@example.com\nFrom: {}\nDate: 11/27/2026 09:00AM\nSubject: x",
    "-----{} schrieb: -----\nAn: ana@example.com\nVon: {}\nDatum: 27.11.2026 09:00\nBetreff: x",
]
BELOW = [
    *(f"{each.replace('{}', 'Acme <support@acme.example>')}\n\nHello Ana" for each in FIELDS),
    "27 Nov 2026, 09:00 by support@acme.example:\n\n> Hello",
    "Nov 27, 2026, 09:00 by support@acme.example:\n\n> Hello",
    "27. Nov. 2026, 09:00 von support@acme.example:\n\n> Hallo",
    "##- Please type your reply above this line -##\n\nHello Ana",
    "##- Bitte geben Sie Ihre Antwort über dieser Zeile ein. -##\n\nHallo Ana",
    "--- Please reply above this line ---\n\nHello Ana",
    "=== Reply above this line ===\n\nHello Ana",
]
OWN = [
    "Please see my reply above this line of text.\nThanks",
    "Искам да променя:\nОт: София\nДо: Варна\nДата: 27.11.2026\nБлагодаря",
    "No: Rīga\nKam: Liepāja\nDatums: 27.11.2026\nPaldies",
    "No: 4711\nTo: Ana\nSubject: invoice\nDate: 27.11.2026\nPlease pay.",
    "27 Nov 2026, 09:00 by bus:\nI arrived and nobody was there.",
    "จาก: กรุงเทพ\nถึง: เชียงใหม่\nวันที่: 27/11/2026\nขอบคุณ",
    "Two problems:\n\n----- one -----\nFrom: Lisbon\nTo: Berlin",
]


@pytest.mark.parametrize("below", BELOW)
def test_text_that_a_program_adds_below_is_quoted(below: str) -> None:
    assert text_of(f"Please cancel.\n\n{below}") == "Please cancel."


@pytest.mark.parametrize("own", OWN)
def test_words_of_the_writer_that_look_alike_stay(own: str) -> None:
    assert text_of(own) == own


# --- machines and receipts --------------------------------------------------------------------------------------------

ABSENT = [
    "Automatinis atsakymas: x", "Automātiska atbilde: x", "Automaatvastus: x", "Samodejni odgovor: x",
    "Sjálfvirkt svar: x", "Svar automatiskt: x", "Аутоматски одговор: x", "Abwesend: x", "Absence: x", "Odsotnost: x",
    "I am currently out of the office",
]  # fmt: skip


@pytest.mark.parametrize("subject", ABSENT)
def test_an_absence_subject_counts_where_nobody_can_be_answered(subject: str) -> None:
    content = HEAD.replace(b"Re: x", subject.encode()) + b"\r\nI am away.\r\n"
    answered, unanswered = read(content).message, read(content, **{"x-envelope-from": "<>"}).message
    assert answered is not None
    assert unanswered is not None
    assert (answered.automatic, unanswered.automatic) == ("", "auto-reply")


@pytest.mark.parametrize("said", ["displayed", "Displayed (in a window)", "displayed/error", " displayed ; x"])
def test_a_read_receipt_is_recognised_in_every_form(said: str) -> None:
    body = (
        'Content-Type: multipart/report; report-type="disposition-notification"; boundary=b\r\n\r\n--b\r\n\r\nRead.\r\n'
        "--b\r\nContent-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822;Ana <ana@example.com>\r\n"
        f"Original-Message-ID: <out-1@acme.example>\r\nDisposition: manual-action/MDN-sent-manually;{said}\r\n\r\n"
        "--b--\r\n"
    )
    (draft,) = PROVIDER.map(Request(HEAD + body.encode(), "SMTP"), ACME).drafts
    assert draft.type == "cx.message.read.v1"

"""More forms of quoted and passed-on mail: without a date, on Mondays, in more languages, and what only looks so."""

from __future__ import annotations

import pytest

from cx_channels.email.mime import PROVIDER
from cx_channels.kit.mail.message.quotes import split
from cx_channels.provider import Connection, Request

MARKED = [
    "Acme Support <support@acme.example> writes:\n\n> old",
    "Acme Support <support@acme.example> schreibt:\n> old",
    "Acme Support writes:\n\n> old",
    "Acme Support wrote:\n> old",
    "ma 30. marrask. 2026 klo 9.00 Acme (support@acme.example) kirjoitti:\n\n> old",
    "Friday, November 27, 2026, 9:00:00 AM, you wrote:\n\nAS> old\nAS>> older\n>AS> old",
]
UNMARKED = [
    "Acme Support <support@acme.example> writes:\n\nold",
    "On Mon, Nov 30, 2026 at 9:00 AM, Acme Support wrote:\n\nold",
    "On Mon, 30 November 2026 at 09:00:12, Acme wrote:\n\nold",
    "On Fri, Nov 27, 2026 at 9:00 AM, Acme US Support wrote:\n\nold",
    "On Mon Nov 30 2026 at 09:00, Acme Support wrote:\n\nold",
    "Am Mi., 25. Nov. 2026 um 09:00 schrieb Acme Support:\n\nold",
    "Op ma 30 nov. 2026 om 09:00 schreef Acme Support:\n\nold",
    "Od: Acme <support@acme.example>\nPoslato: petak, 27. novembar 2026. 09:00\nZa: Ana\nTema: x\n\nold",
    "Од: Acme <support@acme.example>\nПослато: петак, 27. новембар 2026. 09:00\nКоме: Ana\nТема: x\n\nold",
    "प्रेषक: Acme <support@acme.example>\nभेजा गया: शुक्रवार, 27 नवंबर 2026 09:00\nप्रति: Ana\nविषय: x\n\nold",
    "Daripada: Acme <support@acme.example>\nDihantar: Jumaat, 27 November 2026 9:00\nKepada: Ana\nSubjek: x\n\nold",
    "De: Acme <support@acme.example>\nEnviat el: divendres, 27 de novembre de 2026 9:00\nPer a: Ana\nTema: x\n\nold",
    "Saatja: Acme <support@acme.example>\nSaatmisaeg: reede, 27. november 2026 9:00\nAdressaat: Ana\nTeema: x\n\nold",
]


@pytest.mark.parametrize("quote", [*MARKED, *UNMARKED])
def test_more_forms_of_a_quote_are_split_off(quote: str) -> None:
    new, quoted = split(f"Please cancel.\n\n{quote}")
    assert new == "Please cancel."
    assert quoted.split() == quote.split()


@pytest.mark.parametrize(
    "text",
    [
        "Hello,\n\nBooking 27.11.2026 10:00 (ana@example.com):\n2 nights in Lisbon\n\nPlease confirm.",
        "Hello,\n\nAna Silva (ana@example.com), 27.11.2026:\nA window seat\n\nThanks",
        "Bo from your shop writes:\nno refund.",
        "Mon agent m'a dit le 23.11.2026 à 10:00 :\n\nrien.",
        "Bo (Acme, 23.11.2026) wrote:\n\"no refund\"",
        "I mean what he wrote:\nno refund.",
        "It prints:\n\nSQL> select 1;\nC> dir\n\nWhy?",
        "Is the price\n>= 100 EUR\nor\n>=50?",
        "Hola,\n\nMi agente escribió el 23.11.2026 a las 10:00:\nno hay nada.",
    ],
)  # fmt: skip
def test_more_of_what_people_write_stays_in_the_text(text: str) -> None:
    assert split(text) == (text, "")


@pytest.mark.parametrize(
    "heading",
    [
        "Προωθημένο μήνυμα", "Thư đã chuyển tiếp", "Препратено съобщение", "Prosleđena poruka", "Persiųstas laiškas",
        "Posredovano sporočilo", "Pārsūtīta ziņa", "Edastatud kiri", "Pesan terusan", "ข้อความที่ส่งต่อ", "अग्रेषित संदेश",
    ],
)  # fmt: skip
def test_a_mail_forwarded_in_more_languages_stays(heading: str) -> None:
    text = (
        f"Please read.\n\n---------- {heading} ----------\nDe: Z <z@z.example>\nData: 26.11.2026 9:00\nTema: x\n\nlost"
    )
    assert split(text) == (text, "")


@pytest.mark.parametrize("before", ["", "My trip.\n\n", "I had bad luck.\n"])
def test_a_line_marked_by_a_mailbox_file_stays(before: str) -> None:
    assert split(f"{before}>From Lisbon I could not fly.\nPlease refund.") == (
        f"{before}From Lisbon I could not fly.\nPlease refund.", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("quote", "new"),
    [
        ("On 27 Nov 2026 at 9:00, Acme wrote:\n>From Monday on we are closed.\n\nSince when?", "Since when?"),
        ("> closed\n>From Monday on\n\nSince when?", "Since when?"),
        (">From Monday on\n> closed\n\nSince when?", "Since when?"),
    ],
)
def test_a_quoted_line_that_begins_with_from_is_quoted(quote: str, new: str) -> None:
    assert split(quote)[0] == new


FORM = (
    "You have a new message:\n\nFrom: Ana Silva <ana@example.com>\nDate: 27 Nov 2026 10:00\nSubject: Refund\n\n"
    "My order did not arrive."
)


def text_of(subject: str, body: str, more: str = "") -> str:
    raw = f"From: Ana <ana@example.com>\nTo: support@acme.example\nSubject: {subject}\n{more}\n{body}\n"
    connection = Connection("mail", "acme", "email/mime", settings={"addresses": ["support@acme.example"]})
    (draft,) = PROVIDER.map(Request(raw.encode(), "SMTP"), connection).drafts
    assert draft.data.message is not None
    return draft.data.message.text


@pytest.mark.parametrize("subject", ["Contact form", "[shop] Contact form"])
def test_fields_in_a_mail_that_answers_none_stay(subject: str) -> None:
    assert text_of(subject, FORM) == FORM


@pytest.mark.parametrize(
    ("subject", "more"),
    [("Re: Refund", ""), ("AW: Refund", ""), ("", ""), ("Refund", "In-Reply-To: <m@acme.example>\n"),
     ("Refund", "References: <m@acme.example>\n")],
)  # fmt: skip
def test_fields_in_an_answer_begin_a_quote(subject: str, more: str) -> None:
    assert text_of(subject, FORM, more) == "You have a new message:"


@pytest.mark.parametrize("rule", ["________________________________", "-----Original Message-----"])
def test_fields_below_a_rule_begin_a_quote(rule: str) -> None:
    assert text_of("Refund", FORM.replace("From:", f"{rule}\nFrom:")) == "You have a new message:"

"""Test whose words a mail's text is: quotes, what only looks like one, what is passed on, and signatures.

The forms are those that programs write in their languages; see the modules tried here for where they were gathered.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.email.mime import PROVIDER
from cx_channels.kit.mail.message.forwards import is_forwarded, points_below
from cx_channels.kit.mail.message.quote_heads import _WORDS, FROM, SENT, SUBJECT, TO
from cx_channels.kit.mail.message.quotes import split
from cx_channels.kit.mail.message.signatures import signature_at
from cx_channels.provider import Connection, Request
from cx_events.envelope import Message

OUTSIDE = Path(__file__).parents[2].parent / "shared" / "cases" / "outside"


# --- what people write themselves ------------------------------------------------------------------------------------

OWN = [
    "I want to change my flight.\nFrom: Lisbon\nTo: Berlin\nDate: 27/11/2026\nPassengers: 2\n\nPlease confirm.",
    "Change my flight:\nFrom: Lisbon\nTo: Berlin\nDate: Monday 27/11/2026 10:30\n\nThanks",
    "Hallo, bitte ändern:\nVon: Köln\nAn: Berlin\nDatum: 27.11.2026\nDanke",
    "Betreff: Umbuchung\nVon: Köln\nAn: Berlin\nDatum: 27.11.2026 um 10:00\n\nDanke",
    "Bonjour\nDe : Paris\nÀ : Lyon\nDate : lundi\nMerci",
    "Hola\nDe: Madrid\nPara: Sevilla\nFecha: 27/11/2026\nGracias",
    "Ciao\nDa: Roma\nA: Milano\nData: lunedì\nGrazie",
    "Olá\nDe: Lisboa\nPara: Porto\nData: 27/11/2026\nObrigado",
    "Hoi\nVan: Utrecht\nAan: Breda\nDatum: maandag\nBedankt",
    "Hej\nFrån: Malmö\nTill: Lund\nDatum: måndag\nTack",
    "Cześć\nOd: Gdańsk\nDo: Kraków\nData: poniedziałek\nDziękuję",
    "Здравствуйте\nОт: Москва\nКому: Казань\nДата: 27.11.2026\nСпасибо",
    "Merhaba\nKimden: Ankara\nKime: İzmir\nTarih: Pazartesi",
    "你好\n发件人：上海\n收件人：北京\n日期：星期一\n谢谢",
    "Please change my address.\nFrom: ana@old.example\nTo: ana@new.example\nDate: as of Monday\nThanks",
    "Bitte:\nVon: Köln\nAn: Berlin\nDatum: 27.11.2026\nBetreff: Umbuchung\n\nDanke",
    "Lost parcel\nFrom: Lisbon\nTo: Berlin\nSent: 27 November, 10:00\nThanks",
    "Parcel\nFrom: Ana, Lisbon\nTo: Bo, Berlin\nSubject: books",
    "On Monday your agent wrote:\nyou get a refund. Where is it?",
    "On 23 November 2026 at 10:00 you wrote:\n\n\"delivery in two days\". It is Friday now.",
    "I wrote to you on 23.11.2026:\nno answer until today.",
    "Ich schrieb Ihnen am 23.11.2026 um 10:00:\n\nkeine Antwort bis heute.",
    "Je vous ai écrit le 23/11/2026 à 10:00 :\n\nrien.",
    "Bo from your shop told me on 23.11.2026:\nno problem.",
    "My order:\n________________________________\n2 shirts\n1 hat\n________________________________\nAna",
    "See the options\n-----\nA or B?\n=====\nI take A.",
    "To: everybody at Acme\nGreat work!",
    "Original message: you never answered.\nWhy?",
    "The temperature was > 30 degrees\nand < 40.",
]  # fmt: skip


@pytest.mark.parametrize("text", OWN)
def test_what_people_write_themselves_stays_in_the_text(text: str) -> None:
    assert split(text) == (text, "")


# --- what programs write above a quote -------------------------------------------------------------------------------

UNMARKED = [
    "On 27 November 2026 at 09:00:12, Acme Support said:\n\n\nold",
    "On 27 November 2026 at 09:00:12, Acme Support (support@acme.example) wrote:\n\nold",
    "On November 27, 2026 at 9:00:12 AM, Acme Support (support@acme.example) said:\n\nold",
    "At 11/27/2026 09:00 AM, Acme Support wrote:\nold",
    "On Friday, November 27, 2026 at 09:00:12 AM GMT+1, Acme <support@acme.example> wrote:\n\nold",
    "Le vendredi 27 novembre 2026 à 09:00, Acme <support@acme.example> a écrit :\n\nold",
    "Op 27 nov. 2026 om 09:00 heeft Acme <support@acme.example> het volgende geschreven:\n\nold",
    "Dnia 27 listopada 2026 09:00 Acme <support@acme.example> napisał(a):\n\nold",
    "27.11.2026, 09.00, \"Acme\" <support@acme.example>:\n\nold",
    "ср, 27 нояб. 2026 г. в 09:00, Acme <support@acme.example>:\n\nold",
    "9:00 AM, November 27, 2026, \"Acme\" <support@acme.example>:\n\nold",
    "2026. nov. 27. 9:00 keltezéssel, \"Acme\" írta:\n\nold",
    "pet, 27. stu 2026. u 09:00 Acme <support@acme.example> napisao je:\n\nold",
    "2026-11-27, pn, 09:00 Acme <support@acme.example> rašė:\n\nold",
    "Acme <support@acme.example> va escriure el dia dv., 27 de nov. 2026 a les 9:00:\n\nold",
    "2026年11月27日(金) 9:00 Acme <support@acme.example>:\n\nold",
    "2026/11/27 9:00、Acme のメール:\n\nold",
    "2026. 11. 27. 오전 9:00, Acme <support@acme.example> 작성:\n\nold",
    "Acme Support <support@acme.example> wrote:\n\nold",
    "Message du : 27/11/2026 09:00\nDe : \"Acme\" <support@acme.example>\nA : ana@example.com\nSujet : x\n\nold",
    "From: Acme <support@acme.example>\n\nSent: Friday, November 27, 2026 9:00 AM\n\nTo: Ana\n\nSubject: x\n\nold",
    "From: Acme\nSent: Friday\nTo: a@example.com; b@example.com;\nc@example.com; d@example.com\nSubject: x\n\nold",
    "От:\u00a0Acme\nОтправлено:\u00a0\u200eчетверг\u200e, \u200e26 июня\u200e \u200e2014 г. \u200e15\u200e:\u200e05\n"
    "Кому:\u00a0Ana\n\nold",
    "**From:** Acme <support@acme.example>\n**Date:** Friday\n**Subject:** x\n\nold",
    "---------- Message original ----------\nDe : Acme\nDate : hier\n\nold",
    "----- Wiadomość oryginalna -----\n\nold",
    "-------- הודעה מקורית --------\n\nold",
    "-------- الرسالة الأصلية --------\n\nold",
]  # fmt: skip
MARKED = [
    "\u202bבתאריך יום ו׳, 27 בנוב׳ 2026 ב-9:00 מאת \u202aAcme\u202c\u200f "
    "<\u202asupport@acme.example\u202c\u200f>:\u202c\n\n> old",
    "\u200fבתאריך 27 בנוב׳ 2026, בשעה 9:00, \u200eAcme <support@acme.example>\u200f כתב/ה:\n> old",
    "في الجمعة، 27 نوفمبر 2026 في 9:00 ص تمت كتابة ما يلي بواسطة \u200f\u202aAcme\u202c\u200f\n"
    "<\u202asupport@acme.example\u202c\u200f>:\n\n> old",
    "في ٢٧ نوفمبر ٢٠٢٦، ٩:٠٠ ص، كتب Acme <support@acme.example>:\n> old",
    "\u2067در تاریخ جمعه ۲۷ نوفمبر ۲۰۲۶،\u200f ۹:۰۰ \u2068Acme\u2069 <support@acme.example> نوشت:\u2069\n> old",
    "On Friday, November 27th, 2026 at 9:00 AM, Acme <support@acme.example> wrote:\n\n\n> old",
    "------- Original Message -------\nOn Friday, November 27th, 2026 at 9:00 AM, Acme <support@acme.example> "
    "wrote:\n\n\n> old",
    "-------- Original Message --------\nOn 27/11/2026 09:00, Acme wrote:\n\n> old",
    "-------- Originalnachricht --------\nAm 27.11.26 um 09:00 schrieb Acme <support@acme.example> :\n> old",
    "------- Message original -------\nLe vendredi 27 novembre 2026 à 9:00, Acme <support@acme.example> a écrit "
    ":\n> old",
    "----------- Original Message -----------\nFrom: \"S.\"\nDate: Monday, July 24th 2023 at 3:59 pm\n"
    "Subject: Sync\nTo: \"R.\" ,\n\n> old\n > old\n  > old",
    "On Friday Acme wrote:\n\n> old",
    "On 23 November 2026 you wrote:\n> old",
    "Acme said on Friday 2026-11-27:\n> old",
    "On Nov 27, 2026, at 9:00 AM, Acme <support@acme.example> wrote:\n\n\u00a0> old\n\t> old\n > > older",
    "> On 27 Nov 2026, at 09:00, Acme <support@acme.example> wrote:\n> \n> old",
]  # fmt: skip


def words_of(text: str) -> list[str]:
    return text.split()


@pytest.mark.parametrize("quote", [*UNMARKED, *MARKED])
def test_what_a_program_quotes_is_split_off(quote: str) -> None:
    new, quoted = split(f"Please cancel.\n\n{quote}")
    assert new == "Please cancel."
    assert words_of(quoted) == words_of(quote)


@pytest.mark.parametrize("quote", MARKED)
def test_an_answer_below_marked_lines_is_new(quote: str) -> None:
    new, quoted = split(f"{quote}\n\nYes, please.")
    assert new == "Yes, please."
    assert "old" in quoted


def test_words_below_a_quoted_introduction_are_new() -> None:
    text = "> On 27 Nov 2026, at 09:00, Acme <support@acme.example> wrote:\n> when?\nOn Monday."
    assert split(text)[0] == "On Monday."


def test_older_marked_lines_do_not_make_their_mail_new() -> None:
    quote = "From: Acme\nSent: Friday 9:00\nTo: Ana\nSubject: x\n\nOur answer.\n\n> Your question."
    assert split(f"Thank you.\n\n{quote}") == ("Thank you.", quote)


@pytest.mark.parametrize("role", range(8))
def test_outlooks_fields_are_read_in_each_language(role: int) -> None:
    langs = {
        "de": ("Von", "Gesendet", "An", "Betreff"), "fr": ("De", "Envoyé", "À", "Objet"),
        "sv": ("Från", "Skickat", "Till", "Ämne"), "da": ("Fra", "Sendt", "Til", "Emne"),
        "hu": ("Feladó", "Küldve", "Címzett", "Tárgy"), "he": ("מאת", "נשלח", "אל", "נושא"),
        "ar": ("من", "تم الإرسال", "إلى", "الموضوع"), "vi": ("Từ", "Đã gửi", "Đến", "Tiêu đề"),
    }  # fmt: skip
    sender, sent, to, subject = list(langs.values())[role]
    assert sender in _WORDS[FROM].split("|")
    assert sent in _WORDS[SENT].split("|")
    assert to in _WORDS[TO].split("|")
    assert subject in _WORDS[SUBJECT].split("|")
    quote = f"{sender}: Acme\n{sent}: 27.11.2026 9:00\n{to}: Ana\n{subject}: x\n\nold"
    assert split(f"Ja.\n\n{quote}") == ("Ja.", quote)


# --- what is passed on -----------------------------------------------------------------------------------------------

BLOCK = (
    "From: Shop <shop@example.com>\nSent: Friday, November 27, 2026 9:00 AM\nTo: Ana <ana@example.com>\nSubject: x\n\n"
    "shipped."
)


@pytest.mark.parametrize(
    "subject",
    [
        "FW: x", "Fwd: x", "Fw: RE: x", "WG: x", "TR : x", "RV: x", "I: x", "ENC: x", "PD: x", "VB: x", "VS: x",
        "VL: x", "Redir.: x", "İLT: x", "Videresend: x", "Doorst: x", "转发：x", "轉寄: x", "転送: x",
        "הועבר: x", "[ticket 7] Fwd: x",
        "FW[2]: x",
    ],
)  # fmt: skip
def test_a_forwarded_mail_stays_in_the_text(subject: str) -> None:
    text = f"Where is it?\n\n{BLOCK}"
    assert is_forwarded(subject)
    assert split(text, forwarded=True) == (text, "")


@pytest.mark.parametrize(
    "subject", ["Re: FW: x", "AW: WG: x", "x", "", "SV: x", "Forward march: no", "My flight: FW 7"]
)
def test_an_answer_is_no_forwarded_mail(subject: str) -> None:
    assert not is_forwarded(subject)


def test_vs_means_forward_in_danish_and_answer_in_finnish() -> None:
    assert is_forwarded("VS: x", "Fra: Bo\nSendt: i dag")
    assert not is_forwarded("VS: x", "Kiitos\n\nLähettäjä: Bo\nLähetetty: tänään")


@pytest.mark.parametrize(
    "words",
    [
        "See below.", "Please look into the mail below, I never got the parcel.", "Please see the e-mail below", "FYI",
        "As per the message below", "Bitte siehe unten.", "untenstehende Mail",
        "Anbei leite ich Ihnen die Mail weiter.",
        "Voir ci-dessous", "Vea abajo.", "Vedi sotto.", "Veja abaixo.", "Zie hieronder.", "Patrz poniżej.", "Se nedan.",
        "Se nedenfor.", "Katso alla.", "Viz níže.", "Aşağıdaki postaya bakın.", "Смотрите ниже.", "请见下面的邮件",
        "下記のメールをご覧ください", "아래를 봐 주세요", "انظر أدناه", "ראו להלן",
    ],
)  # fmt: skip
def test_what_a_writer_points_to_stays_in_the_text(words: str) -> None:
    text = f"{words}\n\n{BLOCK}"
    assert points_below(words)
    assert split(text) == (text, "")


@pytest.mark.parametrize("words", ["", "Sent from my iPhone", "-- \nAna Silva\nAcme Ltd"])
def test_a_mail_with_nothing_new_above_stays_whole(words: str) -> None:
    text = f"{words}\n\n{BLOCK}".strip()
    assert split(text) == (text, "")


def test_an_answer_above_outlooks_fields_is_the_text_alone() -> None:
    assert split(f"Thank you!\n\n{BLOCK}") == ("Thank you!", BLOCK)


# --- signatures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAna Silva\nAcme Ltd\n+351 21 555 01 00", "--\nAna", "—\nAna Silva\nCEO",
        "Sent from my iPhone", "Sent with Proton Mail secure email.", "Get Outlook for iOS<https://aka.ms/o0ukef>",
        "Von meinem iPhone gesendet", "Gesendet von Outlook für Android", "Gesendet mit der GMX Mail App",
        "Envoyé de mon iPhone", "Enviado desde mi iPhone", "Enviado do meu iPhone", "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone", "Skickat från min iPhone", "Sendt fra min iPhone", "Lähetetty iPhonesta",
        "Wysłane z iPhone’a", "Odesláno z iPhonu", "iPhone-omról küldve", "iPhone'umdan gönderildi",
        "Отправлено с iPhone", "Надіслано з iPhone", "发自我的 iPhone", "從我的 iPhone 傳送", "iPhoneから送信",
        "나의 iPhone에서 보냄", "נשלח מה-iPhone שלי", "أُرسلت من الـ iPhone", "Đã gửi từ iPhone của tôi",
        "Dikirim dari iPhone saya",
        "Kind regards,\nAna Silva", "Best,\nAna", "Thanks and regards\nAna Silva\nAcme",
        "Mit freundlichen Grüßen\n\nAna Silva",
        "Viele Grüße, Ana", "Danke und Gruß, Ana", "Cordialement,\nAna", "Un saludo,\nAna",
        "Cordiali saluti\nAna Silva",
        "Atenciosamente,\nAna", "Met vriendelijke groet,\nAna", "Med vänliga hälsningar\nAna", "Venlig hilsen\nAna",
        "Kh\nAna", "Kærlig hilsen\nAna", "Z powazaniem\nAna", "Sent from my cell, please excuse typos.",
        "Pozdrawiam\nAna", "S pozdravem\nAna", "Üdvözlettel:\nAna", "Saygılarımla\nAna", "С уважением,\nАна",
        "此致\n敬礼\n安娜",
        "Kind regards,\nAna\n\nSent from my iPhone", "Regards\nAna\n-- \nAna Silva\nAcme",
        "Best regards,\nAna\n\nThis e-mail is confidential and intended solely for the addressee. If you are "
        "not the addressee, "
        "please delete it and tell the sender, since any use of it is forbidden.",
        "______________________\nAna Silva\nana@example.com",
    ],
)  # fmt: skip
def test_a_signature_stays_in_the_text_and_is_told(signature: str) -> None:
    text = f"Please cancel my order.\nIt is late.\n\n{signature}"
    assert split(text) == (text, "")
    at = signature_at(text)
    assert at is not None
    assert text[at:] == signature


@pytest.mark.parametrize(
    "text",
    [
        "Please cancel my order.",
        "Thanks!",
        "Thanks,\nAna",
        "Kind regards are not enough.\nI want my money.",
        "Best regards,\nAna\n\nPS: call me before nine.",
        "Best regards, Ana\n\nCould you also tell me when the shop opens?",
        "My list:\n- one\n- two\n--\nIs that all?",
        "It was sent from Berlin.\nSent from Berlin on Monday, it should be here.",
        "Here is the list.\nSent from my desk, which is easier than by mobile phone.",
        "As regards the bill:\nI paid it.",
        "Totals\n-----\n12 pieces\n14 pieces",
        "",
    ],
)
def test_lines_resembling_a_signature_are_none(text: str) -> None:
    assert signature_at(text) is None


_LINES = st.lists(
    st.sampled_from([
        "", "-- ", "--", "Thanks,", "Ana", "Sent from my iPhone", "> old", " > old",
        "On 27 Nov 2026 at 9:00, Bo wrote:",
        "From: Bo <bo@acme.example>", "Sent: Friday 9:00", "To: Ana", "Subject: x", "----- Original Message -----",
        "words",
        "________________________________", "\u202bwords\u202c", "---------- Forwarded message ---------", "see below",
    ]),
    max_size=14,
)  # fmt: skip


@given(_LINES)
def test_splitting_loses_no_word_and_signatures_begin_lines(lines: list[str]) -> None:
    text = "\n".join(lines)
    new, quoted = split(text)
    assert sorted(words_of(f"{new}\n{quoted}")) == sorted(words_of(text))
    at = signature_at(new)
    assert at is None or (new[at:].strip() and (at == 0 or new[at - 1] == "\n"))


# --- through the adapter ---------------------------------------------------------------------------------------------

CASES = {
    "outlook-forward": "Please look into the mail below, I never got the parcel.\n\nFrom: Shop <shop@example.com>\n"
    "Sent: Friday, November 27, 2026 9:00 AM\nTo: Ana <ana@example.com>\nSubject: Your order 4711\n\n"
    "Your order 4711 shipped.",
    "own-from-to-date": OWN[0],
    "own-von-an": "Hallo, bitte ändern:\nVon: Köln\nAn: Berlin\nDatum: 27.11.2026\nDanke und Gruß, Ana",
    "protonmail": "Please cancel my order.\n\nSent with Proton Mail secure email.",
    "gmail-hebrew-marks": "לא הגיע.",
    "airmail-said": "Please cancel.",
    "blank-before-mark": "Hi S.,\n\nWednesday at 4:30 pm works for me.\n\nThanks,\nT.",
}


def read(content: bytes) -> Message:
    connection = Connection("mail", "acme", "email/mime", settings={"addresses": ["support@acme.example"]})
    (draft,) = PROVIDER.map(Request(content, "SMTP"), connection).drafts
    assert draft.data.message is not None
    return draft.data.message


@pytest.mark.skipif(not OUTSIDE.is_dir() and not os.environ.get("CI"), reason="the recordings are not on this machine")
@pytest.mark.parametrize("name", CASES)
def test_a_recorded_mail_is_read_as_its_writers_words(name: str) -> None:
    assert read((OUTSIDE / f"k17-{name}.eml").read_bytes()).text == CASES[name]


def test_a_mails_event_tells_where_its_signature_begins() -> None:
    message = read(b"From: Ana <ana@example.com>\nSubject: Re: x\n\nPlease cancel.\n\n-- \nAna Silva\n")
    assert message.text == "Please cancel.\n\n-- \nAna Silva"
    assert message.signature_at == len("Please cancel.\n\n")


@pytest.mark.parametrize(
    "below",
    [
        "--- README 2007-10-22 23:41:34 UTC (rev 213)\n@@ -1,5 +1,5 @@\n-Test\n+Tedst",
        "Arrived on 24.12.2026",
        "1999-12-31 23:59 all is well",
    ],
)
def test_below_a_rule_dates_and_diffs_are_no_signature(below: str) -> None:
    assert signature_at(f"What changed:\n==========\n{below}") is None


def test_a_telephone_number_below_a_rule_makes_a_signature() -> None:
    assert signature_at("What changed:\n==========\nAna Silva\n030 12345-67") == 14

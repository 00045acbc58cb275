"""Telephone numbers: one line is one identifier in all its spellings, and what names no line is none."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.examples import examples

from cx_events.envelope import Identifier
from cx_events.identifiers import normalise
from cx_events.renumbering import current_number


def read(value: str, region: str | None = None) -> str:
    """Return the normal form, or in angle brackets why there is none."""
    found = normalise(Identifier(kind="phone", value=value), region)
    return f"<{found.unusable}>" if found.unusable else found.value


MEXICO, BRAZIL, ARGENTINA = "+525512345678", "+5511987654321", "+541123456789"


@pytest.mark.parametrize(
    ("spelled", "region", "number"),
    [
        ("+52 55 1234 5678", None, MEXICO),
        ("+5215512345678", None, MEXICO),
        ("whatsapp:+5215512345678", None, MEXICO),
        ("5215512345678", None, MEXICO),
        ("+52 1 (55) 1234-5678", None, MEXICO),
        ("+52 01 55 1234 5678", None, MEXICO),
        ("+52 044 55 1234 5678", None, MEXICO),
        ("01 55 1234 5678", "MX", MEXICO),
        ("044 55 1234 5678", "MX", MEXICO),
        ("045 55 1234 5678", "MX", MEXICO),
        ("1 55 1234 5678", "MX", MEXICO),
        ("55 1234 5678", "MX", MEXICO),
        ("+551187654321", None, BRAZIL),
        ("+55 11 8765-4321", None, BRAZIL),
        ("+55 (011) 98765-4321", None, BRAZIL),
        ("(11) 8765-4321", "BR", BRAZIL),
        ("011 98765 4321", "BR", BRAZIL),
        ("0 15 11 98765-4321", "BR", BRAZIL),
        ("+551134567890", None, "+551134567890"),
        ("(11) 3456-7890", "BR", "+551134567890"),
        ("+55 21 5234-5678", None, "+552152345678"),
        ("+5491123456789", None, ARGENTINA),
        ("+54 9 11 2345-6789", None, ARGENTINA),
        ("+54 11 15 2345 6789", None, ARGENTINA),
        ("+54 9 11 15 2345 6789", None, ARGENTINA),
        ("+54 (9) (011) 2345-6789", None, ARGENTINA),
        ("+54 0 11 15 2345 6789", None, ARGENTINA),
        ("011 15 2345-6789", "AR", ARGENTINA),
        ("11 15-2345-6789", "AR", ARGENTINA),
        ("(011) 2345-6789", "AR", ARGENTINA),
        ("0220 15 412-3456", "AR", "+542204123456"),
    ],
)
def test_mobile_prefixes_are_normalised_to_one_number(spelled: str, region: str | None, number: str) -> None:
    assert read(spelled, region) == number


@pytest.mark.parametrize(
    ("before", "today"),
    [
        ("+84 165 123 4567", "+84351234567"),
        ("+84 0120 123 4567", "+84701234567"),
        ("+84 199 123 4567", "+84591234567"),
        ("+225 07 08 09 10", "+2250707080910"),
        ("+225 45 08 09 10", "+2250545080910"),
        ("+225 01 02 03 04", "+2250101020304"),
        ("+225 60 02 03 04", "<invalid>"),  # of which operator is no longer known
        ("+229 97 12 34 56", "+2290197123456"),
        ("+229 21 30 12 34", "+2290121301234"),
        ("+237 99 12 34 56", "+237699123456"),
        ("+237 22 23 12 34", "+237222231234"),
        ("+57 1 234 5678", "+576012345678"),
        ("+593 9 876 5432", "+593998765432"),
        ("+593 2 234 5678", "+59322345678"),
        ("+33 6 92 12 34 56", "+262692123456"),
        ("+33 590 12 34 56", "+590590123456"),
        ("+33 6 12 34 56 78", "+33612345678"),
        ("+39 0549 886377", "+3780549886377"),
        ("+378 886377", "+3780549886377"),
    ],
)
def test_a_line_that_was_renumbered_is_still_one_line(before: str, today: str) -> None:
    assert read(before) == today
    assert today.startswith("<") or read(today) == today


_COUNTRIES = ("+52", "+54", "+55", "+57", "+84", "+225", "+229", "+237", "+593", "+33", "+39", "+1", "+49", "+262")
# Argentina's mobiles with their 9, Brazil's trunked radios of before, and San Marino within Italy's plan.
_ANOTHER_SPELLING = ("+549", "+55", "+390549")


@examples(500)
@given(st.sampled_from(_COUNTRIES), st.from_regex(r"[0-9]{7,13}", fullmatch=True))
def test_no_current_number_is_taken_for_an_old_one(country: str, national: str) -> None:
    number = country + national
    today = current_number(number)
    assert current_number(today) == today
    if today != number and not number.startswith(_ANOTHER_SPELLING):
        assert not phonenumbers.is_valid_number(phonenumbers.parse(number))


@pytest.mark.parametrize(
    ("spelled", "region", "number"),
    [
        ("+44 (0)20 7946 0958", None, "+442079460958"),
        ("+44 (020) 7946 0958", None, "+442079460958"),
        ("+49 (0) 30/555-0123", None, "+49305550123"),
        ("+36 06 30 123 4567", None, "+36301234567"),
        ("+370 8 612 34567", None, "+37061234567"),
        ("+7 8 (495) 123-45-67", None, "+74951234567"),
        ("8 (495) 123-45-67", "RU", "+74951234567"),
        ("+351 (0)912 345 678", None, "+351912345678"),
        ("+56 0 9 8765 4321", None, "+56987654321"),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("+39 (0)6 1234 5678", None, "+390612345678"),
        ("+39 (0)347 123 4567", None, "+393471234567"),
        ("+1 (1) 555 010 0112", None, "+15550100112"),
        ("00 44 20 7946 0958", "DE", "+442079460958"),
        ("00442079460958", None, "+442079460958"),
        ("0044 (0)20 7946 0958", None, "+442079460958"),
        ("+0044 20 7946 0958", None, "+442079460958"),
        ("011 44 20 7946 0958", "US", "+442079460958"),
        ("00 44 20 7946 0958", "US", "+442079460958"),
        ("8~10 44 20 7946 0958", "RU", "+442079460958"),
        ("810 44 20 7946 0958", "RU", "+442079460958"),
        ("00 44 20 7946 0958", "RU", "+442079460958"),
        ("0011 44 20 7946 0958", "AU", "+442079460958"),
        ("001 44 20 7946 0958", "TH", "+442079460958"),
        ("010 44 20 7946 0958", "JP", "+442079460958"),
        ("0021 44 20 7946 0958", "BR", "+442079460958"),
    ],
)
def test_trunk_and_international_prefixes_are_removed_from_a_number(
    spelled: str, region: str | None, number: str
) -> None:
    assert read(spelled, region) == number


@pytest.mark.parametrize(
    "spelled",
    [
        "(030) 555 01 23",
        "030.555.0123",
        "030/555-0123",
        "030+555+0123",
        "(030)+555-0123",
        "+49+30+555+0123",
        "++49 30 5550123",
        "0049+30+5550123",
        "tel:030-555-0123",
        "tel:+49-30-555-0123",
        "tel:%2B49305550123",
        "tel:030%20555%200123",
        "tel:030-5550123;phone-context=+49",
        "sip:+49305550123@pbx.example;user=phone",
        "sip:%2B49305550123:secret@pbx.example",
        "sips:0305550123@pbx.example",
        "callto:+49305550123",
        "rcs:+49305550123",
        "＋49 30 5550123",
    ],
)
def test_a_national_number_is_read_in_every_spelling(spelled: str) -> None:
    assert read(spelled, "DE") == "+49305550123"


@pytest.mark.parametrize(
    "spelled",
    [
        "+1 555 010 0112 ext. 5",
        "+1 (555) 010-0112 x5",
        "+15550100112;ext=5",
        "tel:+1-555-010-0112;ext=5",
        "tel:+1-555-010-0112;isub=1;EXT=5",
        "sip:+15550100112;ext=5@pbx.example;user=phone",
        "+1 555 010 0112 #5",
        "+15550100112,,5#",
        "+1 555 010 0112 доб. 5",
        "+1 555 010 0112 ramal 5",
        "+1 555 010 0112 poste: 5",
        "+1 555 010 0112 内線5",
        "+1 555 010 0112 ext. ５",
    ],
)
def test_an_extension_is_part_of_a_number(spelled: str) -> None:
    assert read(spelled) == "+15550100112;ext=5"


def test_extensions_and_their_switchboard_are_all_different() -> None:
    spelled = ("+15550100112", "+15550100112 ext 5", "+15550100112 ext 05", "+15550100112 ext 7", "+15550100113 ext 5")
    assert len({read(each) for each in spelled}) == len(spelled)


def test_parameters_of_a_host_are_no_extension() -> None:
    assert read("sip:+15550100112@pbx.example;ext=5") == "+15550100112"


@pytest.mark.parametrize("region", [None, "US", "DE", "AT", "SE", "FI", "LU", "IT", "BR", "JP", "GB", "NU", "SH"])
@pytest.mark.parametrize(
    "extension",
    ["10", "100", "1001", "01001", "2021", "10010", "431001", "sip:10010@pbx.example", "tel:1001", "1001 x5"],
)
def test_an_internal_extension_is_never_given_a_country_code(extension: str, region: str | None) -> None:
    assert read(extension, region) == "<invalid>"


@pytest.mark.parametrize(
    ("local", "region"),
    [
        ("5550123", "DE"),
        ("sip:5550123@pbx.example", "AT"),
        ("tel:5550123;phone-context=pbx.example", "DE"),
        ("tel:7042;phone-context=+1555010", "US"),
        ("98765-4321", "BR"),
        ("15 2345 6789", "AR"),
        ("+54 15 2345 6789", None),
        ("4310012", None),
        ("49305551", None),
    ],
)
def test_a_number_without_its_area_code_is_many_peoples(local: str, region: str | None) -> None:
    assert read(local, region) == "<invalid>"


@pytest.mark.parametrize(
    ("spelled", "region", "number"),
    [
        ("1701234567", "DE", "+491701234567"),  # a spreadsheet has eaten the 0
        ("201234", "FO", "+298201234"),
        ("298201234", None, "+298201234"),
        ("2079460958", "GB", "+442079460958"),
        ("02 555 12 34", "BE", "+3225551234"),
        ("030 12345", "DE", "+493012345"),
        ("+49 30 1234", None, "+49301234"),
    ],
)
def test_a_whole_number_is_read_without_its_prefix(spelled: str, region: str | None, number: str) -> None:
    assert read(spelled, region) == number


@pytest.mark.parametrize(
    ("spelled", "region", "number"),
    [
        ("+49 30 5550123 privat", None, "+49305550123"),
        ("+49 30 5550123 (Büro)", None, "+49305550123"),
        ("Tel. 030 5550123", "DE", "+49305550123"),
        ("+1 555 010 0112 mobile", None, "+15550100112"),
        ("+1 555 010 0112 ext.", None, "+15550100112"),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("+1 800 FLOWERS", None, "+18003569377"),
    ],
)
def test_a_word_behind_a_number_is_usually_a_note(spelled: str, region: str | None, number: str) -> None:
    assert read(spelled, region) == number


_PREFIXES = ("", "+", "00", "+52 1 ", "+549", "+54 11 15", "+55 11 ", "+33 ", "+84 16", "+225 ", "0", "1", "8", "tel:")
_ENDINGS = ("", ";ext=5", " x07", ",,5#", " ramal 3", ";phone-context=+49", "@host;ext=3", "+", " +5")


@examples(250)
@given(
    st.sampled_from(_PREFIXES),
    st.text(alphabet="0123456789 -().+", max_size=15),
    st.sampled_from(_ENDINGS),
    st.sampled_from((None, "US", "DE", "AT", "AR", "BR", "MX", "CI", "CL", "IT", "VN", "RU", "FR", "XX")),
)
def test_a_normalised_number_is_the_same_everywhere(prefix: str, digits: str, ending: str, region: str | None) -> None:
    found = read(prefix + digits + ending, region)
    if not found.startswith("<"):
        assert {read(found, other) for other in (None, "US", "DE", "AR", "JP", region)} == {found}
        assert read(f"tel:{found}", region) == found


@pytest.mark.parametrize("region", [None, "US", "DE", "BR"])
@pytest.mark.parametrize(
    "spelled",
    [
        "(+52) 55 1234 5678", "(+525512345678)", "[+52 55 1234 5678]", '"+525512345678"', "Ana <+525512345678>",
        '"Ana" <sip:+525512345678@pbx.example;user=phone>', "<tel:+52-55-1234-5678>", "tel://+525512345678",
        "Tel.: +52 55 1234 5678", "phone: +52 55 1234 5678", "Mob. (+52) 55/1234.5678", "(+52)+55+1234+5678",
        "\ufe6252 55 1234 5678", "\u207a\u2075\u00b2 55 1234 5678", "\u279552 55 1234 5678",
        "+52\u00b755\u00b71234\u00b75678", "+5\ufe0f\u20e32\ufe0f\u20e3 55 1234 5678", "+52\t55\t1234\t5678",
        "+\u0665\u0662 \u0665\u0665 \u0661\u0662\u0663\u0664 \u0665\u0666\u0667\u0668",
        "\uff0b\uff15\uff12 55 1234 5678",
    ],
)  # fmt: skip
def test_a_country_code_is_read_whatever_stands_before_it(spelled: str, region: str | None) -> None:
    assert read(spelled, region) == MEXICO


@pytest.mark.parametrize(
    ("spelled", "region", "number"),
    [
        ("00353 22 12345", "US", "+3532212345"),
        ("+00 353 22 12345", "US", "+3532212345"),
        ("0055 11 2345-6789", "BR", "+551123456789"),
        ("0055 11 96123-4567", "BR", "+5511961234567"),
        ("00234 802 123 4567", "NG", "+2348021234567"),
        ("0057 601 2345678", "CO", "+576012345678"),
        ("0066 2 123 4567", "TH", "+6621234567"),
        ("+005511961234567", "BR", "+5511961234567"),
    ],
)
def test_a_double_zero_means_plus_in_every_region(spelled: str, region: str, number: str) -> None:
    assert read(spelled, region) == number


EXTENSIONS = (
    "x5|X 5|x.5|ext 5|ext.5|Ext: 5|, ext. 5|extension 5|Extn 5|xtn 5|#5|# 5|;ext=5|;EXT=5|"
    "; ext = 5|(ext 5)|(x5)|[x5]|- ext 5|ext #5|Ext#5|EXTENSION #5|ext nr 5|ext. no. 5|ext.: 5|"
    "ext ５|ｅｘｔ5|local 5|anexo 5|interno 5|int. 5|ramal 5|extensión 5|extensão 5|poste 5|"
    "Nebenstelle 5|NSt 5|NSt. 5|Apparat 5|App. 5|toestel 5|tst 5|lokal 5|anknytning 5|ank 5|"
    "alanumero 5|wew. 5|klapka 5|kl. 5|linka 5|mellék 5|dahili 5|máy lẻ 5|доб. 5|добавочный 5|"
    "εσωτ. 5|内线5|內線:5|分机 5|分機5|轉5|내선 5|구내5|ต่อ 5|داخلی ۵|تحويلة ٥|שלוחה 5"
)


@pytest.mark.parametrize("extension", EXTENSIONS.split("|"))
@pytest.mark.parametrize("main", ["+1 555 010 0112", "+49 30 5550123", "+43 1 5550123"])
def test_an_extension_is_known_in_any_language(main: str, extension: str) -> None:
    assert read(f"{main} {extension}") == f"{main.replace(' ', '')};ext=5"


@pytest.mark.parametrize("spelled", ["-5", " -5", " DW 5", " DW5", " Durchwahl 5", " Durchwahl -5", " Dw.: 5"])
def test_a_direct_number_of_a_switchboard_ends_the_number(spelled: str) -> None:
    assert read(f"+49 30 5550123{spelled}") == "+493055501235"


@pytest.mark.parametrize(
    "spelled",
    [
        "+49 30 5550123 p5", "+49 30 5550123w5", "+49 30 5550123 e5", "+49 30 5550123 \u043d\u043e\u043c\u0435\u0440 5",
        "+49 30 5550123 or 5550124", "+49 30 5550123 line two 7", "+12015550123;+12015550124",
        "+49 30 5550123 ext. A", "+49 30 5550123 Apparat Ana", "+12015550123 x B", "+1 555 010 0112 (ext. VII)",
        "+12015550123, +12015550124", "+49 30 5550123 / +49 30 5550124", "+12015550123 or +12015550124",
    ],
)  # fmt: skip
def test_words_and_second_numbers_make_a_number_invalid(spelled: str) -> None:
    assert read(spelled) == "<invalid>"


@pytest.mark.parametrize(
    ("spelled", "region", "number"),
    [("1-800-FLY-4242", "US", "+18003594242"), ("0800 FLOWERS", "GB", "+448003569377"), ("13 CATS", "AU", "<invalid>")],
)
def test_letters_that_spell_a_service_number_are_its_digits(spelled: str, region: str, number: str) -> None:
    assert read(spelled, region) == number

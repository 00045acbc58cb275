"""Words of any script, queries of any kind, and where the words of one stand in a text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_context.listing.customers import Value, customer_query, words_of_value
from cx_context.listing.words import MOST_QUERY_WORDS, MOST_WORD, MOST_WORDS, highlights, query_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I was charged TWICE, twice!", ["i", "was", "charged", "twice"]),
        ("Ana García-Peña", ["ana", "garcia", "pena"]),
        ("e\u0301te\u0301 = été", ["ete"]),
        ("Straße in Łódź, Ærø", ["strasse", "in", "lodz", "aero"]),
        ("Ελλάδα ΕΛΛΑΔΑ", ["ελλαδα"]),
        ("Привет, МИР", ["привет", "мир"]),
        ("שָׁלוֹם مَرْحَبًا", ["שלום", "مرحبا"]),
        ("हिन्दी", ["हिनदी"]),
        ("東京タワー", ["東京", "京タ", "タワ", "ワー"]),
        ("水", ["水"]),
        ("iPhone13を買う", ["iphone13", "を買", "買う"]),
        ("ｆｕｌｌｗｉｄｔｈ ①", ["fullwidth", "1"]),
        ("50% off_now\u0000 'quoted' \u202eabc", ["50", "off", "now", "quoted", "abc"]),
        ("😀 -- %%% \t\n", []),
        ("", []),
    ],
)
def test_texts_of_any_script_have_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(st.text())
def test_words_are_bounded_and_found_by_themselves(text: str) -> None:
    words = words_of(text)
    assert len(words) <= MOST_WORDS
    assert all(0 < len(word) <= MOST_WORD and " " not in word for word in words)
    assert words_of(" ".join(words)) == words or any(ord(letter) > 0x2000 for letter in text)


@given(st.text(), st.text())
def test_highlights_lie_within_the_text(text: str, query: str) -> None:
    ranges = highlights(text, query_of(query).words)
    assert all(0 <= one.start < one.end <= len(text) for one in ranges)
    assert all(one.end < other.start for one, other in pairwise(ranges))


_ascii = st.text(st.sampled_from("abAB1 -_"), max_size=150)


@given(_ascii, st.lists(st.text(st.sampled_from("ab1"), min_size=1, max_size=3), min_size=1, max_size=4), st.booleans())
def test_ascii_is_highlighted_as_other_text_is(text: str, words: list[str], beginnings: bool) -> None:
    assert highlights(text, words, beginnings=beginnings) == highlights(f"{text} é", words, beginnings=beginnings)


@pytest.mark.parametrize("length", [MOST_WORD - 1, MOST_WORD, MOST_WORD + 1])
def test_a_long_word_is_highlighted_up_to_what_counts(length: int) -> None:
    (word,) = query_of("a" * length).words
    for text in ("a" * 100, f"{'a' * 100} é"):
        found = highlights(text, [word, "b"], beginnings=False)
        assert [tuple(one) for one in found] == ([(0, MOST_WORD)] if length >= MOST_WORD else [])


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("I was charged twice", "charged tw", ["charged", "tw"]),
        ("I was charged twice", "char twice", ["twice"]),
        ("Señora GARCÍA!", "senora garcia", ["Señora", "GARCÍA"]),
        ("große Straße", "strasse", ["Straße"]),
        ("東京タワー", "京タワ", ["京タワ"]),
        ("nothing of it", "else", []),
    ],
)
def test_what_is_highlighted_is_what_was_found(text: str, query: str, found: list[str]) -> None:
    ranges = highlights(text, query_of(query).words, beginnings=False)
    assert [text[one.start : one.end] for one in ranges] == found


def test_a_query_of_many_words_counts_the_first() -> None:
    assert len(query_of(" ".join(f"w{number}" for number in range(99))).words) == MOST_QUERY_WORDS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("+1 (555) 010-0123", ("15550100123",)),
        ("0100123", ("100123",)),
        ("Ana 555", ("ana", "555")),
        ("ana@example.com", ("ana", "example", "com")),
        ("%_'\";--", ()),
        ("12", ("12",)),
    ],
)
def test_what_looks_like_a_number_is_one_word(text: str, words: tuple[str, ...]) -> None:
    assert customer_query(text) == words


@pytest.mark.parametrize(
    ("value", "query"),
    [
        (Value("phone", "+15550100123"), "555 0100"),
        (Value("phone", "+15550100123"), "0123"),
        (Value("email", "ana.garcia@example.com"), "garcia@ex"),
        (Value("order", "AB-004711"), "ab-0047"),
        (Value("order", "004711"), "4711"),
        (Value("name", "Ana García"), "garc an"),
        (Value("crm", "C-1"), "c1"),
    ],
)
def test_a_customer_is_found_by_any_part(value: Value, query: str) -> None:
    words = words_of_value(value)
    wanted = customer_query(query)
    assert wanted
    assert all(any(word.startswith(each) for word in words) for each in wanted), (words, wanted)

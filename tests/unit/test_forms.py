"""Form bodies are read as the standard library reads them."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_channels.kit.forms import form_fields

_PIECES = st.sampled_from(["&", "=", "+", "%", "%20", "%26", "%3D", "%2B", "%C3%A9", "%ff", "%zz", "a", "é", ";", " "])


@given(st.lists(_PIECES | st.text(max_size=3), max_size=20).map("".join))
def test_forms_are_read_as_the_library_reads_them(text: str) -> None:
    assert form_fields(text, 100) == parse_qsl(text, keep_blank_values=True, max_num_fields=100)


@pytest.mark.parametrize("text", ["a=1&b=2&c=3", "&&", "a&b&c"])
def test_more_fields_than_allowed_are_refused(text: str) -> None:
    assert form_fields(text, 3) == parse_qsl(text, keep_blank_values=True, max_num_fields=3)
    with pytest.raises(ValueError, match="more than 2 fields"):
        form_fields(text, 2)

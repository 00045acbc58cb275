"""No field of a part is forgotten: each has one section, a merge rule, and a value it feeds or a reason why not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from msgspec import structs

from cx_context.parts import header, write_model
from cx_context.parts.merge import MERGE_RULES
from cx_context.parts.model import Part
from cx_context.parts.stored_names import STORED_NAMES
from cx_context.sections.registry import SECTIONS
from cx_events.envelope import Data

FIELDS = Part.__struct_fields__
SHOWN = {name for section in SECTIONS.values() for row in section.provenance.values() for name in row.fields}
NOT_SHOWN = {name: why for section in SECTIONS.values() for name, why in section.not_shown.items()}


def test_the_model_is_what_the_sections_declare() -> None:
    assert write_model.TARGET.read_text(encoding="utf-8") == write_model.model()


def test_each_field_belongs_to_one_section() -> None:
    owners = Counter(name for declared in write_model.declarations().values() for name in declared.names)
    assert owners == Counter(FIELDS)
    assert not write_model.declarations().keys() - SECTIONS.keys()


def test_each_module_of_a_section_is_registered() -> None:
    modules = Path(write_model.SECTIONS).glob("*.py")
    assert {path.stem for path in modules if "\nSECTION = " in path.read_text(encoding="utf-8")} == SECTIONS.keys()


def test_no_two_fields_are_stored_under_one_name() -> None:
    names = Counter(field.encode_name for field in structs.fields(Part))
    assert set(names.values()) == {1}


def test_the_stored_names_are_of_fields_that_there_are() -> None:
    assert STORED_NAMES.keys() <= set(FIELDS)


def test_each_field_has_a_merge_rule() -> None:
    assert list(MERGE_RULES) == list(FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_each_field_feeds_a_value_or_says_why_not(name: str) -> None:
    assert (name in SHOWN) != (name in NOT_SHOWN)


def test_no_row_names_a_field_that_is_gone() -> None:
    assert SHOWN | NOT_SHOWN.keys() == set(FIELDS)
    assert all(NOT_SHOWN.values())


def test_each_value_is_explained_by_one_section() -> None:
    rows = [path for section in SECTIONS.values() for path in section.provenance]
    assert len(rows) == len(set(rows))


def test_a_part_header_completed_by_words_is_the_part() -> None:
    groups = header.HEADER_FIELDS, header.WORD_FIELDS
    names = [field.name for group in groups for field in (*group.always, *group.sparse)]
    assert sorted(names) == sorted(FIELDS)


def test_member_handlers_wait_for_members_that_there_are() -> None:
    members = {name for section in SECTIONS.values() for name in section.member_handlers}
    assert members <= set(Data.__struct_fields__)

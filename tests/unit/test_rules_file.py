"""Rules of identity in a file: what is read, and what a mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from cx_events.errors import Refused
from cx_hub.rules_file import MAX_BYTES, read_rules, rules_in
from cx_identity.rules import DEFAULT, Rules

GOOD = """\
shared_after:
  phone: 2
exclusive: [crm, account]
never_link: ["phone:+266696687", "email:noreply@*"]
"""


def test_rules_are_read_as_the_configuration_writes_them() -> None:
    wanted = Rules.parse(
        {
            "shared_after": {"phone": 2},
            "exclusive": ["crm", "account"],
            "never_link": ["phone:+266696687", "email:noreply@*"],
        }
    )
    assert rules_in(GOOD, "r.yaml") == wanted
    indented = "\n".join(f"  {line}" for line in GOOD.splitlines())
    assert rules_in(f"identity:\n{indented}\n", "r.yaml") == wanted
    assert rules_in("never_link: []", "r.yaml").exclusive == DEFAULT.exclusive


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", None, "is empty"),
        ("- phone", 1, "expected a mapping"),
        ("# why\nshared_afer: {phone: 1}", 2, "'shared_afer' is none of shared_after, exclusive, never_link"),
        (
            "exclusive: [crm]\nshared_after:\n  email: 2\n  phone: many",
            4,
            "shared_after.phone: expected a whole number",
        ),
        ("shared_after:\n  phone: -1", 2, "0 or more, not -1"),
        ("shared_after:\n  Phone: 1", 2, "'Phone' is not a kind of identifier"),
        ("shared_after: 3", 1, "expected a mapping of kind to number"),
        ("exclusive:\n  - crm\n  - 7", 3, "7 is not a kind of identifier"),
        ("exclusive: crm", 1, "expected a list"),
        ("never_link:\n  - email:noreply@*\n  - noreply", 3, "expected KIND:VALUE"),
        ("exclusive: [crm]\nexclusive: [account]", 2, "'exclusive' stands twice"),
        ("shared_after:\n  phone: 1\n  phone: 2", 3, "'phone' stands twice"),
        ("exclusive: &a [crm]\nnever_link: *a", 2, "a reference"),
        ("exclusive: [crm\n", 2, "no YAML"),
        ("shared_after:\n  phone: !!python/object:os.system x", 2, "no value that rules may have"),
        ("{a: 1}: 2", 1, "expected a plain key"),
        ("exclusive: [crm]\n---\nexclusive: []", 2, "no YAML"),
        ("exclusive: " + "[" * 5000, None, ""),
    ],
)
def test_a_mistake_names_its_line_and_the_expected_value(text: str, line: int | None, what: str) -> None:
    with pytest.raises(Refused) as refused:
        rules_in(text, "r.yaml")
    assert refused.value.detail.startswith(f"r.yaml, line {line}: " if line else "r.yaml")
    assert what in refused.value.detail


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path, content in (("gone", None), ("bytes", b"exclusive: [crm]\n\xff"), ("long", b"#" * (MAX_BYTES + 1))):
        if content is not None:
            (tmp_path / path).write_bytes(content)
        with pytest.raises(Refused) as refused:
            read_rules(tmp_path / path)
        assert path in refused.value.detail
    with pytest.raises(Refused):
        read_rules(tmp_path)
    (tmp_path / "good").write_text(GOOD)
    assert read_rules(tmp_path / "good") == rules_in(GOOD, "")

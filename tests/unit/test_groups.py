"""What is made over groups of interactions is that of all items, and is made anew of what changed alone."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from cx_context.incremental.groups import Groups

calls: list[int] = []


def total(items: Sequence[int]) -> int:
    calls.append(len(items))
    return sum(items)


@given(changes=st.lists(st.tuples(st.integers(0, 9), st.lists(st.integers(), max_size=3)), max_size=30))
def test_sums_over_groups_are_those_of_all_items(changes: list[tuple[int, list[int]]]) -> None:
    groups: Groups[int] = Groups(size=3)
    held: dict[int, list[int]] = {}
    for name, items in changes:
        groups.put(f"chat-{name}", items)
        held[name] = items
        assert sum(groups.over(total)) == sum(sum(each) for each in held.values())
        assert sorted(groups) == sorted(item for each in held.values() for item in each)


def test_only_the_changed_group_is_summed_anew() -> None:
    groups: Groups[int] = Groups(size=10)
    for name in range(100):
        groups.put(f"chat-{name}", [1])
    groups.over(total)
    groups.put("chat-42", [1, 2])
    calls.clear()
    assert sum(groups.over(total)) == 102
    assert calls == [11]

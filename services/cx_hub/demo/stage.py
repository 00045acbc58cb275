"""Print the story: its steps, what the next channel reads, and checks that must hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from cx_hub.context_view import WIDTH, print_pairs

LEAST = 10
"""Columns of a way in that are shown, however little room there is."""


@dataclass
class Stage:
    """Prints as it goes, and keeps what was checked."""

    out: Console
    checks: list[tuple[str, bool]] = field(default_factory=list)
    steps: int = 0

    def opening(self, title: str, text: str) -> None:
        self.out.print(Panel(Text(text), title=title, title_align="left", padding=(0, 1)))

    def step(self, channel: str, what: str) -> None:
        """Something happens in the world."""
        self.steps += 1
        self.out.print()
        self.out.print(Rule(Text.assemble((f"{self.steps}  {channel}", "bold cyan"), f"  {what}"), align="left"))

    def door(self, way: str, answer: str) -> None:
        """Print the request that was sent and the hub's answer; on a narrow terminal the answer is kept."""
        label, arrow = Text(f"{'in':>{WIDTH}}  ", "dim"), Text("  →  ", "dim")
        came = Text(way)
        room = self.out.width - len(label) - len(arrow) - len(answer)
        came.truncate(max(room, LEAST), overflow="ellipsis")
        self.out.print(Text.assemble(label, came, arrow, (answer, "green")), no_wrap=True, overflow="ellipsis")

    def sees(self, who: str, pairs: Iterable[tuple[str, str]]) -> None:
        """Print what somebody reads now."""
        self._print_indented(Text(f"{who} sees", style="bold"), WIDTH + 2)
        print_pairs(self.out, pairs)

    def says(self, text: str) -> None:
        self._print_indented(Text(text, style="italic"), WIDTH + 2)

    def check(self, sentence: str, holds: bool) -> None:
        """Remember whether something held that the story promises."""
        self.checks.append((sentence, holds))

    @property
    def broken(self) -> list[str]:
        return [sentence for sentence, holds in self.checks if not holds]

    def ending(self) -> None:
        self.out.print()
        self.out.print(Rule(Text("What had to hold", style="bold"), align="left"))
        for sentence, holds in self.checks:
            mark = ("✓ ", "bold green") if holds else ("✗ ", "bold red")
            self._print_indented(Text.assemble(mark, sentence), 2)
        self.out.print()

    def _print_indented(self, text: Text, columns: int) -> None:
        """Print a text that may be longer than a line: all its lines begin at the same column."""
        self.out.print(Padding(text, (0, 0, 0, columns), expand=False))

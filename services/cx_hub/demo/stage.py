"""How the story is told: steps, what the next channel sees, and what had to hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from cx_hub.narrative import WIDTH, print_pairs


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
        """By which door it came in, and what the hub answered."""
        line = Text.assemble((f"{'in':>{WIDTH}}  ", "dim"), way, ("  →  ", "dim"), (answer, "green"))
        self.out.print(line, no_wrap=True, overflow="ellipsis")

    def sees(self, who: str, pairs: Iterable[tuple[str, str]]) -> None:
        """What somebody now reads."""
        self.out.print(Text(f"{'':>{WIDTH}}  {who} sees", style="bold"))
        print_pairs(self.out, pairs)

    def says(self, text: str) -> None:
        self.out.print(Text.assemble((f"{'':>{WIDTH}}  ", "dim"), (text, "italic")))

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
            mark = ("  ✓ ", "bold green") if holds else ("  ✗ ", "bold red")
            self.out.print(Text.assemble(mark, sentence))
        self.out.print()

"""``bench``: how fast the hub is, as ratios to a floor measured beside it."""

from __future__ import annotations

from typing import Annotated

import typer

from cx_hub.bench import NAMES, main
from cx_hub.bench.benchmarks import EVENTS, ROUNDS


def register(app: typer.Typer) -> None:
    app.command("bench")(bench)


def bench(
    names: Annotated[list[str] | None, typer.Argument(help=f"Of {', '.join(NAMES)}; all unless named.")] = None,
    rounds: Annotated[int, typer.Option(help="Pairs measured; 7 for figures to publish.", min=1)] = ROUNDS,
    events: Annotated[int, typer.Option(help="Distinct events in the log.", min=1)] = EVENTS,
) -> None:
    """Measure, and print one JSON object with the ratios; progress on stderr. Exit 0 even where a target is missed."""
    raise typer.Exit(main(names or (), rounds=rounds, events=events))

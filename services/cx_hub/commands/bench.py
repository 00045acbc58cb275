"""``bench``: measure how fast the hub is, as ratios to floors measured beside it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from cx_events.errors import Refused

ROOT = Path(__file__).parents[3]


def register(app: typer.Typer) -> None:
    app.command("bench")(bench)


def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Of docs/performance.md; all unless named.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Pairs measured, 3 unless given; 7 to publish.", min=1)] = None,
    events: Annotated[int | None, typer.Option(help="Distinct events, 100,000 unless given.", min=1)] = None,
    quick: Annotated[bool, typer.Option("--quick", help="See that all runs: one round of few events.")] = False,
) -> None:
    """Measure, and print one JSON object with the ratios; progress on stderr. Exit 0 even where a target is missed."""
    if not (ROOT / "tests" / "bench").is_dir():
        detail = f"there are no benchmarks in {ROOT}: they are a clone's, not an installation's"
        raise Refused("no-benchmarks", detail)
    # Floors and workload are no part of the product: they are found beside it.
    sys.path.insert(0, str(ROOT))
    main = import_module("tests.bench.benchmarks").main
    raise typer.Exit(main(names or (), rounds=rounds, events=events, quick=quick))

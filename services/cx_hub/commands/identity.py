"""``identity``: show what a change of rules would do, tried out on the facts of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from cx_context.store.decisions import read_decisions
from cx_context.store.graph import read_whole_graph
from cx_context.store.rule_changes import read_rules_in_force
from cx_events.errors import Refused
from cx_events.json_types import Json
from cx_hub.output import Format, OutputOption, line, show, to_err
from cx_hub.resources import load_tenants, opened_store, run_async
from cx_hub.rules_file import read_rules
from cx_identity.model import Graph
from cx_identity.rule_preview import MOST_EXAMPLES, preview_rules
from cx_identity.rule_preview_json import preview_json
from cx_identity.rules import DEFAULT, Rules
from cx_runtime.settings import Settings


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Who is who, and by which rules.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("whatif")(whatif)
    app.add_typer(group, name="identity")


def whatif(
    rules: Annotated[Path, typer.Argument(metavar="RULES.yaml", help="As the block identity: of the configuration.")],
    tenant: Annotated[str, typer.Option(help="Whose facts; needed where there are several tenants.")] = "",
    examples: Annotated[int, typer.Option(help="How many of each.", min=0, max=MOST_EXAMPLES)] = 10,
    output: OutputOption = Format.TEXT,
) -> None:
    """Show which customers would join or part under other rules. Reads the store's facts and changes nothing."""
    wanted = read_rules(rules)
    found = run_async(_tried(Settings(), tenant, wanted, examples))
    if output is Format.JSONL:
        for row in _rows(found):
            line(row)
    else:
        show(found, output, lambda out: _tell(out, found))


async def _tried(settings: Settings, tenant: str, wanted: Rules, examples: int) -> Json:
    loaded = load_tenants(settings)
    tenants = loaded.by_name
    name = tenant or (next(iter(tenants)) if len(tenants) == 1 else "")
    if name not in tenants:
        known = ", ".join(sorted(tenants))
        raise Refused("unknown-tenant", f"say --tenant, one of {known}" if not name else f"no tenant {name}: {known}")
    async with opened_store(settings, loaded) as store:
        to_err().print(f"reading the profiles, edges and decisions of {name} ...", markup=False)
        async with store.reading() as tx:
            in_force = await read_rules_in_force(tx, name, DEFAULT)
            profiles, edges = await read_whole_graph(tx, name)
            decisions = await read_decisions(tx, name)
    difference = preview_rules(Graph(profiles, edges, decisions), in_force, wanted, examples)
    return {
        "tenant": name,
        "rules": {"before": in_force.as_mapping(), "after": wanted.as_mapping()},
        **preview_json(difference, profiles),
    }


def _rows(found: Json) -> list[Json]:
    """The counts, then each example on a line of its own."""
    candidates = found["candidates"]
    return [
        {"what": "counts", "tenant": found["tenant"], "rules": found["rules"], **found["counts"]},
        *({"what": "joined", **each} for each in found["joined"]),
        *({"what": "parted", **each} for each in found["parted"]),
        *({"what": "candidate-appears", **each} for each in candidates["appear"]),
        *({"what": "candidate-vanishes", **each} for each in candidates["vanish"]),
    ]


def _tell(out: Console, found: Json) -> None:
    def say(sentence: str) -> None:
        out.print(sentence, markup=False)

    counts, candidates = found["counts"], found["candidates"]
    say(
        f"{found['tenant']}: {counts['profiles']} profiles; "
        f"customers {counts['customers_before']} → {counts['customers_after']}, "
        f"candidates {counts['candidates_before']} → {counts['candidates_after']}; nothing was changed"
    )
    for name, before in found["rules"]["before"].items():
        after = found["rules"]["after"][name]
        if before != after:
            say(f"  {name}: {_brief(before)} → {_brief(after)}")
    say(f"{counts['customers_joined']} customers would join, and be {counts['joined']}")
    for each in found["joined"]:
        say(f"  {_values(each['from'], each['customers'])}  ({each['profiles']} profiles)")
        _tell_why(out, each)
    say(f"{counts['parted']} customers would part, and be {counts['customers_parted']}")
    for each in found["parted"]:
        say(f"  {_value(each['from'])} → {_values(each['into'], each['customers'])}  ({each['profiles']} profiles)")
        _tell_why(out, each)
    for name, sentence in (("appear", "candidates would appear"), ("vanish", "candidates would vanish")):
        say(f"{counts[f'candidates_{name}']} {sentence}")
        for each in candidates[name]:
            say(f"  {_value(each['identifier'])}: {each['reason']}")


def _tell_why(out: Console, change: Json) -> None:
    for edge in change["because"]:
        out.print(
            f"    {_value(edge['a'])} and {_value(edge['b'])}, {edge['event']['source']}#{edge['event']['id']}: "
            f"{edge['before']['why']} → {edge['after']['why']}",
            markup=False,
        )


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {number}" for name, number in value.items()) or "none"
    return ", ".join(value) or "none"


def _value(profile: Json) -> str:
    return f"{profile['kind']}:{profile['value']}"


def _values(profiles: list[Json], all_of_them: int) -> str:
    more = all_of_them - len(profiles)
    return " + ".join(map(_value, profiles)) + (f" + {more} more" if more else "")

"""``config``: whether the settings and the configuration can be started with."""

from __future__ import annotations

import typer

from cx_channels.configured_connections import configured_connections
from cx_channels.registry import providers
from cx_hub.cli import FAILED
from cx_hub.configuration import findings
from cx_hub.identity_rules import configured_rules
from cx_hub.output import Format, OutputOption, show_rows
from cx_hub.resources import load_tenants
from cx_runtime.setting_names import misspelt_here
from cx_runtime.settings import Settings
from cx_runtime.topics import load_declarations

COLUMNS = ("level", "place", "reason", "detail")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Settings and configuration.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("check")(check)
    app.add_typer(group, name="config")


def check(output: OutputOption = Format.TEXT) -> None:
    """Read the settings and CX_CONFIG as a start would, and name what is missing.

    Exit 0: it can be started with; warnings say where less is made of what comes. Exit 1: a mistake, or a connection
    that would answer 503.
    """
    settings = Settings()
    tenants = load_tenants(settings)
    load_declarations(settings)
    for name, tenant in tenants.by_name.items():
        configured_rules(name, tenant)
    configured_connections(tenants, providers())
    found = list(findings(tenants, providers(), settings.public_url))
    rows = [
        {"level": "error", "place": each.name, "reason": "misspelt-setting", "detail": str(each)}
        for each in misspelt_here()
    ]
    rows += [
        {
            "level": "warning" if each.problem.works else "error",
            "place": each.place,
            "reason": each.problem.reason,
            "detail": each.problem.detail,
        }
        for each in found
    ]
    show_rows(rows, COLUMNS, output, "nothing is missing")
    if any(row["level"] == "error" for row in rows):
        raise typer.Exit(FAILED)

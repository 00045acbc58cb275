"""``config``: check whether the settings and the configuration can be started with."""

from __future__ import annotations

import typer

from cx_channels.registry import providers
from cx_events.errors import CxError, Fatal
from cx_hub.cli import FAILED
from cx_hub.configuration import Row, all_findings, mistake_row
from cx_hub.output import Format, OutputOption, show_rows
from cx_runtime.outbound.reach import Reach
from cx_runtime.setting_names import misspelt_here
from cx_runtime.settings import Settings, environment
from cx_runtime.tenants import Found, read_configuration
from cx_runtime.topics import load_declarations

COLUMNS = ("level", "place", "reason", "detail")


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Settings and configuration.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("check")(check)
    app.add_typer(group, name="config")


def check(output: OutputOption = Format.TEXT) -> None:
    """Read the settings and CX_CONFIG as a start would, name all that is wrong or missing, and say what is declared.

    Exit 0: it can be started with; warnings say where less is made of what comes. Exit 1: a mistake, or a connection
    that would answer 503.
    """
    settings = Settings()
    rows = [Row("error", each.name, "misspelt-setting", str(each)) for each in misspelt_here()]
    try:
        load_declarations(settings)
    except CxError as error:
        rows.append(Row("error", "CX_TOPICS", "mistake", str(error)))
    try:
        found = read_configuration(settings.config, settings.home, environment())
    except Fatal as error:
        found = Found({}, [str(error)])
    rows += [mistake_row(each.removeprefix(f"{settings.config}: ")) for each in found.mistakes]
    reach = Reach.parse(settings.outbound_networks)
    rows += all_findings(found.tenants, providers(), settings.public_url, reach, settings.tenants_at_aws())
    show_rows([each._asdict() for each in rows], COLUMNS, output, "nothing is missing")
    if any(row.level == "error" for row in rows):
        raise typer.Exit(FAILED)

"""``provider``: begin a new provider."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from cx_channels.registry import CHANNEL_FOLDERS, folder_name
from cx_events.errors import Refused
from cx_hub.output import Format, OutputOption, show, to_err

_NAME = re.compile(r"[a-z][a-z0-9_-]{1,39}")
_FILES = {
    "__init__.py.txt": "__init__.py",
    "mapping.py.txt": "mapping.py",
    "signature.py.txt": "signature.py",
    "README.md.txt": "README.md",
    "message.json.txt": "fixtures/message.json",
    "another-message.json.txt": "fixtures/another-message.json",
}
"""The templates, and where each goes in the new folder."""


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Work on providers, in a clone of the repository.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("new")(new)
    app.add_typer(group, name="provider")


def new(
    name: Annotated[str, typer.Argument(metavar="CHANNEL/NAME", help="Such as chat/acme.")],
    output: OutputOption = Format.TEXT,
) -> None:
    """Write the folder of a new provider, whose failing contract tests say what to do next."""
    folder = scaffold(name, Path(str(import_module("cx_channels").__file__)).parent)
    show({"provider": name, "folder": str(folder)}, output, lambda out: out.print(str(folder)))
    to_err().print(
        f"next: ./cx test tests/contract/test_providers.py -n 0 -x -k {name}, and do what the first failure says;"
        ' CONTRIBUTING.md, "Add a provider", says why'
    )


def scaffold(name: str, root: Path) -> Path:
    """Write the folder ``CHANNEL/NAME`` below ``root`` and return it. Raises ``Refused`` for a name that can't be."""
    channel, slash, own = name.partition("/")
    if channel not in CHANNEL_FOLDERS or not slash:
        raise Refused("bad-channel", f"{name!r}: write CHANNEL/NAME, where CHANNEL is {', '.join(CHANNEL_FOLDERS)}")
    if not _NAME.fullmatch(own):
        raise Refused(
            "bad-name", f"{own!r}: a provider's name is 2 to 40 lower-case letters, digits, hyphens and underscores"
        )
    package = folder_name(own)
    folder = root / channel / package
    if folder.exists():
        raise Refused("already-there", f"{folder} exists")
    values = {"channel": channel, "name": own, "package": package, "title": package.replace("_", " ").capitalize()}
    templates = files("cx_hub") / "provider_template"
    for template, target in _FILES.items():
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        text = (templates / template).read_text(encoding="utf-8")
        path.write_text(Template(text).substitute(values), encoding="utf-8")
    return folder

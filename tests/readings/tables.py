"""The tables: where they lie, how they are read and written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.readings.doors import DOORS

FOLDER = Path(__file__).parent
RECORDINGS = FOLDER.parents[1].parent / "shared" / "fixtures"


@dataclass(slots=True)
class Reading:
    """One recording; see the package."""

    file: str
    is_: str = ""
    page: str = ""
    must: str = ""
    became: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """All recordings of a folder."""

    name: str
    door: str
    folder: str
    settings: dict[str, Any]
    readings: list[Reading]

    def recordings(self) -> list[str]:
        """The names of the files that are there."""
        return sorted(path.name for path in (RECORDINGS / self.folder).iterdir() if path.is_file())

    def became(self, file: str) -> list[str]:
        """What a recording becomes today."""
        return DOORS[self.door](RECORDINGS / self.folder / file, self.settings)


def tables() -> Iterator[Table]:
    for path in sorted(FOLDER.glob("*.yaml")):
        yield read_table(path.stem)


def read_table(name: str) -> Table:
    value = yaml.load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    readings = [
        Reading(each["file"], each["is"] or "", each["page"] or "", each["must"] or "", each["became"] or [])
        for each in value["recordings"] or ()
    ]
    return Table(name, value["door"], value["folder"], value.get("settings") or {}, readings)


def write_table(table: Table) -> None:
    head: dict[str, Any] = {"door": table.door, "folder": table.folder}
    if table.settings:
        head["settings"] = table.settings
    rows = [
        {"file": each.file, "is": each.is_, "page": each.page, "must": each.must, "became": each.became}
        for each in table.readings
    ]
    text = yaml.safe_dump(head | {"recordings": rows}, sort_keys=False, allow_unicode=True, width=120)
    (FOLDER / f"{table.name}.yaml").write_text(text.replace("\n- file:", "\n\n- file:"), encoding="utf-8")

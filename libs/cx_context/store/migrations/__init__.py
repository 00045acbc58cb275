"""Find the revisions of the store's tables: which one a database is at, and whether this code can use it.

Forward only, and numbered: ``versions/NNNN_WHAT.py`` takes the tables from the revision before to ``NNNN``. A revision
only adds, so that code which knows an older one goes on working; one that does more records from which revision on code
can still work with the tables (``steps.breaking``), and older code stops with a sentence. See
docs/decisions/0008-migrations.md; CONTRIBUTING.md says how to write one.

Modules: ``run`` (brings a database forward, with alembic), ``steps`` (for revisions that need more care), ``env``
(loaded by alembic alone, as the revisions are).

The package itself holds what a start needs where nothing is to be done: alembic takes a third of a second to import.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cx_events.errors import Fatal

FOLDER = Path(__file__).parent

VERSION_TABLE = "alembic_version"
BREAKING_TABLE = "breaking_changes"
"""Revisions that did more than add: (revision, least), ``least`` being the oldest whose code can still be used."""

SELECT_REVISION = f"SELECT version_num FROM {VERSION_TABLE}"
SELECT_LEAST = f"SELECT max(least) FROM {BREAKING_TABLE}"

_FILE = re.compile(r"(\d{4})_\w+\.py")
_NUMBER = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class Standing:
    """``revision``: that of the database, None where it is empty. ``head``: the newest that this code knows."""

    revision: str | None
    head: str

    @property
    def behind(self) -> bool:
        return self.revision is None or self.revision < self.head

    @property
    def ahead(self) -> bool:
        """Newer code has been here."""
        return self.revision is not None and self.revision > self.head


class Revisions:
    """Those in some folders; each follows the one before it by number."""

    def __init__(self, *folders: Path) -> None:
        self.folders = folders

    @cached_property
    def head(self) -> str:
        found = [_FILE.fullmatch(path.name) for folder in self.folders for path in folder.iterdir()]
        return max(match[1] for match in found if match)

    def knows(self, revision: str | None) -> bool:
        """Return whether this code can judge a database at this revision without reading its breaking changes."""
        return revision is None or (_NUMBER.fullmatch(revision) is not None and revision <= self.head)

    def standing(self, revision: str | None, least: str | None = None) -> Standing:
        """``least``: what the database says code must know; looked up where it ``knows`` the revision not. ``Fatal``
        for a database that this code must leave alone."""
        if revision is not None and not _NUMBER.fullmatch(revision):
            raise not_ours(revision)
        if least is not None and least > self.head:
            raise Fatal(
                f"the store is at revision {revision}, which needs software that knows revision {least} or later; "
                f"this one knows {self.head}: use a newer release"
            )
        return Standing(revision, self.head)


def not_ours(revision: str | None) -> Fatal:
    return Fatal(f"the database of CX_STORE_URL is at revision {str(revision)[:64]!r} of something else: name another")


RELEASED = Revisions(FOLDER / "versions")
"""What this code knows."""

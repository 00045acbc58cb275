"""Tell whether the parts that readers see were made by the fold of this software."""

from __future__ import annotations

from typing import NamedTuple

from cx_context.fold_version import FOLD_VERSION
from cx_context.store import Store, fold_versions


class FoldState(NamedTuple):
    """``stored``: the versions of the fold that made the store's parts, the oldest first."""

    stored: tuple[int, ...]

    @property
    def is_outdated(self) -> bool:
        """Return whether some parts may lack what the fold of this software makes."""
        return any(version < FOLD_VERSION for version in self.stored)

    @property
    def is_newer(self) -> bool:
        """Return whether newer software writes parts here: while releases are exchanged, or after a step back."""
        return any(version > FOLD_VERSION for version in self.stored)

    def told(self) -> str:
        """Return a sentence for people."""
        versions = ", ".join(map(str, self.stored)) or "none yet"
        if self.is_newer:
            return f"parts were made by fold {versions}; this software folds by version {FOLD_VERSION}, an older one"
        if self.is_outdated:
            return (
                f"parts were made by fold {versions}; this software folds by version {FOLD_VERSION}: once all services "
                "are of this release, cx rebuild context makes all of them anew"
            )
        return f"parts were made by fold {versions}, that of this software"


async def fold_state(store: Store) -> FoldState:
    async with store.reading() as tx:
        return FoldState(tuple(await fold_versions.read_fold_versions(tx)))

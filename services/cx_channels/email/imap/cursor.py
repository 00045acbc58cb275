"""Keep how far each folder was read: by UID under one UIDVALIDITY (RFC 9051, section 2.3.1.1). Pure.

UIDs rise, but some servers show a mail later than one with a higher UID, since transactions of others end out of order
(nextcloud/mail#13590). So the UIDs of a tail below the highest are kept, and one that appears there is fetched, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import msgspec

from cx_channels.kit.cursors import decode_cursor

TAIL = 100
"""UIDs below the highest one among which a mail may still appear."""

OVERLAP = timedelta(days=2)
"""Of a folder that was made anew, mails since so long before the latest are fetched; ids tell which are known."""


class FolderPlace(msgspec.Struct):
    """``last``: the highest UID that was handled. ``seen``: those of the tail below it. ``day``: of the latest mail."""

    validity: int
    last: int = 0
    seen: list[int] = []
    day: str = ""

    @property
    def first_wanted(self) -> int:
        """Return the lowest UID that may still be new."""
        return max(self.last - TAIL + 1, 1)

    def wanted(self, uids: Iterable[int]) -> list[int]:
        """Return those that were not handled yet, in order."""
        seen = set(self.seen)
        return sorted({uid for uid in uids if uid >= self.first_wanted and uid != self.last and uid not in seen})

    def handled(self, uids: Iterable[int], day: str = "") -> FolderPlace:
        """Return the place after these were handled."""
        all_seen = {*self.seen, *uids} | ({self.last} if self.last else set())
        last = max(all_seen, default=0)
        return FolderPlace(
            self.validity, last, sorted(uid for uid in all_seen if last - TAIL < uid < last), max(self.day, day)
        )

    @classmethod
    def before(cls, validity: int, uid: int, day: str) -> FolderPlace:
        """Return the place before a mail; those below it are not wanted."""
        return cls(validity, uid - 1, list(range(max(uid - TAIL, 1), uid - 1)), day)

    def again_since(self) -> date | None:
        """Return from which day on mails are fetched again where the folder has another UIDVALIDITY now."""
        return date.fromisoformat(self.day) - OVERLAP if self.day else None


class Cursor(msgspec.Struct):
    """The place in each folder, by its name as it is configured."""

    folders: dict[str, FolderPlace] = {}

    def moved(self, folder: str, place: FolderPlace) -> Cursor:
        """Return the cursor with another place in one folder."""
        return Cursor({**self.folders, folder: place})

    def stored(self) -> bytes:
        """Return the cursor as it is stored."""
        return msgspec.json.encode(self)


def read_cursor(stored: bytes) -> Cursor:
    """Return a cursor as it was stored. Raise ``Fatal`` for one that can't be read: to begin anew could lose mails."""
    return decode_cursor(stored, Cursor, "cursor of the mailbox") or Cursor()

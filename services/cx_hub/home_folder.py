"""Close the folder of the embedded files to all other accounts."""

from __future__ import annotations

import os
from pathlib import Path

from cx_events.errors import Fatal
from cx_events.private_files import tighten


def close_home(home: Path) -> None:
    """Take the rights of other accounts to the folder away, if it exists.

    Left as it is where another account has to pass through it: a PostgreSQL that root started runs under another
    account, and its data may lie here since an earlier release.

    Raises ``Fatal`` where the mode can't be changed.
    """
    data = home / "postgres" / "data"
    try:
        if not data.exists() or data.stat().st_uid == os.geteuid():
            tighten(home)
    except OSError as error:
        raise Fatal(f"the folder {home} can't be closed to others: {error.strerror}") from None

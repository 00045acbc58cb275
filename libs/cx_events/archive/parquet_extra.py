"""Tell whether Parquet can be read and written here: what does that comes with an extra alone."""

from __future__ import annotations

from cx_events.errors import Refused


def check_installed() -> None:
    """Raise ``Refused("no-parquet")`` where it is not installed."""
    try:
        import arro3.core
        import arro3.io  # noqa: F401
    except ImportError:
        raise Refused("no-parquet", "Parquet needs an extra: pip install 'throughline[parquet]'", 400) from None

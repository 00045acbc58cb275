"""Name the version of this release."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """Return the version of the installed package, empty where it runs from a folder that was never installed."""
    try:
        return version("throughline")
    except PackageNotFoundError:
        return ""

"""Read what the hub's logs say, for tests."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from cx_runtime.logs import OWN_PACKAGES, configure


@contextmanager
def captured_logs() -> Iterator[io.StringIO]:
    """Give the stream that logs go to, a line of JSON each from ``info`` on. Afterwards all is as it was before."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    own = {name: logging.getLogger(name).level for name in OWN_PACKAGES}
    stream = io.StringIO()
    configure("info", "json", stream)
    try:
        yield stream
    finally:
        root.handlers = handlers
        root.setLevel(level)
        for name, before in own.items():
            logging.getLogger(name).setLevel(before)
        structlog.reset_defaults()

"""Read keys that end at a time, as AWS gives them out. Pure."""

from __future__ import annotations

import math
from typing import NamedTuple

from cx_channels.kit.aws.signing import AwsKey
from cx_channels.kit.times import iso_time
from cx_events.errors import TryLater


class Temporary(NamedTuple):
    """``ends``: s since 1970, infinite for a key that does not end."""

    key: AwsKey
    ends: float = math.inf


def temporary(id: str, secret: str, token: str, ends: str) -> Temporary:
    """Return a key as it was given out. Raise ``TryLater`` where something of it is missing."""
    at = iso_time(ends)
    if not (id and secret and token) or at is None:
        raise TryLater("vendor", "AWS's answer has no key, or does not say when it ends", 10)
    return Temporary(AwsKey(id, secret, token), at / 1_000_000)

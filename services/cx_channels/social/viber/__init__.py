"""Viber bots, from the REST Bot API's callbacks. See README.md.

Modules: ``signature``, ``mapping`` (callbacks to events, by kind), ``callback`` (one callback, and its draft),
``media`` (how files are fetched).
"""

from __future__ import annotations

from cx_channels.provider import Provider
from cx_channels.social.viber.callback import WEIGHTS
from cx_channels.social.viber.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.social.viber.media import MEDIA
from cx_channels.social.viber.signature import SIGNATURE, sign, verify

PROVIDER = Provider(
    name="social/viber",
    channel="social",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    media=MEDIA,
    settings=MEDIA.settings,
    weights=WEIGHTS,
)

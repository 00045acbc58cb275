"""Comments on a YouTube channel's videos, and replies, asked for by the Data API (v3). See README.md.

Modules: ``mapping`` (answers to events), ``comment`` (one comment, and its drafts), ``words`` (HTML to words),
``kinds``, ``settings``; ``poller`` (the source), ``comparing`` (what is new against what is known), ``cursor`` (what is
known), ``client`` (the API itself).
"""

from __future__ import annotations

from cx_channels.provider import Provider
from cx_channels.social.youtube.comment import WEIGHTS
from cx_channels.social.youtube.kinds import DOCUMENTED
from cx_channels.social.youtube.mapping import kinds_of, map_request
from cx_channels.social.youtube.settings import SETTING_NAMES, warnings_of

PROVIDER = Provider(
    name="social/youtube",
    channel="social",
    map=map_request,
    verify=None,
    unsigned="nothing is sent to the hub: it asks YouTube, which shows its certificate",
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    transport="poller",
    methods=frozenset({"MESSAGE"}),
    content_types=frozenset({"application/json"}),
    max_bytes=4 << 20,
    settings=SETTING_NAMES,
    secret_settings=frozenset({"client_secret"}),
    required={"channel": "the channel's id (UC...), whose comments are read"},
    warnings=warnings_of,
    weights=WEIGHTS,
)

"""Reddit: comments and posts of subreddits, mentions, and an account's inbox, asked for by OAuth. See README.md.

Modules: ``mapping`` (answers to events), ``thing`` (one comment, post or message, and its drafts), ``kinds``,
``settings``; ``poller`` (the source), ``cursor`` (what is known, and what is new against it), ``client`` (the API
itself).
"""

from __future__ import annotations

from cx_channels.provider import Provider
from cx_channels.social.reddit.kinds import DOCUMENTED
from cx_channels.social.reddit.mapping import kinds_of, map_request
from cx_channels.social.reddit.settings import SETTING_NAMES, warnings_of
from cx_channels.social.reddit.thing import WEIGHTS

PROVIDER = Provider(
    name="social/reddit",
    channel="social",
    map=map_request,
    verify=None,
    unsigned="nothing is sent to the hub: it asks Reddit, which shows its certificate",
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    transport="poller",
    methods=frozenset({"MESSAGE"}),
    content_types=frozenset({"application/json"}),
    max_bytes=4 << 20,
    settings=SETTING_NAMES,
    secret_settings=frozenset({"client_secret"}),
    required={
        "account": "the account that reads, by its name",
        "client_id": "the id of the app at Reddit",
    },
    warnings=warnings_of,
    weights=WEIGHTS,
)

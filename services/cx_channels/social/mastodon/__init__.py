"""Mastodon, and other servers of the Fediverse: an ActivityPub inbox, and the API of our own account. See README.md.

Modules: ``signature`` (who may post to the inbox), ``signed`` (what the headers of either scheme say), ``keys``
(actors' keys), ``mapping`` (by door), ``activity`` (what an inbox gets), ``api`` (what the account's server tells),
``status`` (one status, and its events), ``account`` (who is who), ``words`` (HTML as text), ``files`` (media types),
``kinds`` (what is left out), ``settings``, ``stream`` (the source that follows an account), ``client`` (what it asks of
the account's server), ``cursor`` (how far an account was read).
"""

from __future__ import annotations

from cx_channels.provider import Provider
from cx_channels.social.mastodon.account import WEIGHTS
from cx_channels.social.mastodon.keys import KEYS
from cx_channels.social.mastodon.mapping import DOCUMENTED, answer, kinds_of, map_request
from cx_channels.social.mastodon.settings import SETTING_NAMES, asks, notes_of, warnings_of
from cx_channels.social.mastodon.signature import SIGNATURE, challenge, sign, verify

PROVIDER = Provider(
    name="social/mastodon",
    channel="social",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    keys=KEYS,
    challenge=challenge,
    answer=answer,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    content_types=frozenset({"application/activity+json", "application/ld+json", "application/json"}),
    asks=asks,
    warnings=warnings_of,
    notes=notes_of,
    weights=WEIGHTS,
    settings=SETTING_NAMES,
)

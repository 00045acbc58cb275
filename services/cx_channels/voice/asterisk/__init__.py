"""Asterisk: calls and their legs, from ARI's WebSocket or from AMI, both as a client. See README.md.

Modules: ``mapping`` (reads one event and finds its kind), ``ami`` and ``ari`` (the tables of kinds, a function for
each), ``kinds`` (those left out), ``messages`` (AMI's text), ``channel`` (a leg), ``notice`` (drafts), ``parties`` and
``rules`` (who is who), ``live`` (the channels that are there now), ``stream`` (the source), ``client`` (the
connections), ``settings``.
"""

from __future__ import annotations

from cx_channels.provider import Provider
from cx_channels.voice.asterisk.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.voice.asterisk.settings import SETTING_NAMES, warnings_of

PROVIDER = Provider(
    name="voice/asterisk",
    channel="voice",
    more_channels=frozenset({"chat"}),
    map=map_request,
    verify=None,
    unsigned="nothing is sent to the hub: it connects to Asterisk and logs in",
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    transport="poller",
    methods=frozenset({"MESSAGE"}),
    warnings=warnings_of,
    weights={
        "phone": {
            "asserted": "the network vouches for it in full (STIR/SHAKEN, A), as the variable of stir_shaken says",
            "claimed": "a caller's number is what the caller's network lets through; a dialled one is dialled",
        },
        "sip": {"claimed": "whoever sends a SIP message writes its From"},
    },
    settings=SETTING_NAMES,
)

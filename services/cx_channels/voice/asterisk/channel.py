"""Read a channel, as AMI's events and ARI's objects describe it: one leg of a call.

``Uniqueid`` (ARI: ``id``) names it, ``Linkedid`` the call: channels that are dialled inherit it from who dials, and
where two calls are bridged the older one's replaces the other (docs.asterisk.org, "CDR Specification", LinkedID
Propagation).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from msgspec import Struct

from cx_channels.kit.json_values import obj, text
from cx_events.json_types import Json

LINKEDID = "CHANNEL(linkedid)"
"""The name under which ARI tells it, where ``channelvars`` in ari.conf asks for it: ARI's channel has no such field."""

_SUFFIX = re.compile(r"-[0-9a-f]{6,16}(?:;[12])?\Z")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_UNKNOWN = frozenset({"", "<unknown>", "unknown", "<null>", "(null)"})
_CACHED = 4096


class Channel(Struct, gc=False, frozen=True):
    """``linked``: the Linkedid, "" where it is not told. ``name``: ``PJSIP/1001-0000001f``. ``number``, ``caller``: the
    number and name of whoever is at this end. ``state``: ``Down``, ``Ring``, ``Ringing``, ``Up``, ... ``variables``:
    those that the configuration of AMI or ARI adds."""

    id: str
    linked: str = ""
    name: str = ""
    number: str = ""
    caller: str = ""
    exten: str = ""
    context: str = ""
    state: str = ""
    variables: Mapping[str, str] = {}

    @property
    def endpoint(self) -> str:
        """Return the name without what makes it unique: ``PJSIP/1001``."""
        return endpoint_of(self.name)

    @property
    def is_local(self) -> bool:
        """Return whether it is one half of a Local channel, which goes through the dialplan and ends at nobody."""
        return self.name.startswith("Local/")


@lru_cache(_CACHED)
def endpoint_of(name: str) -> str:
    """Return a channel's name without its suffix."""
    return _SUFFIX.sub("", name)


def ami_channel(
    fields: Mapping[str, str], prefix: str = "", variables: Mapping[str, str] | None = None
) -> Channel | None:
    """Return the channel whose fields begin with ``prefix`` in an AMI event; names are in lower case."""
    get = fields.get
    id = get(prefix + "uniqueid", "")
    if id in _UNKNOWN:
        return None
    return Channel(
        id,
        get(prefix + "linkedid", ""),
        get(prefix + "channel", ""),
        known(get(prefix + "calleridnum", "")),
        unescaped(known(get(prefix + "calleridname", ""))),
        get(prefix + "exten", ""),
        get(prefix + "context", ""),
        get(prefix + "channelstatedesc", ""),
        variables or {},
    )


def ari_channel(value: object) -> Channel | None:
    """Return an ARI channel object as a channel; None for anything else."""
    its = obj(value)
    id = text(its.get("id"))
    if not id:
        return None
    caller, dialplan, variables = obj(its.get("caller")), obj(its.get("dialplan")), obj(its.get("channelvars"))
    return Channel(
        id,
        text(variables.get(LINKEDID)),
        text(its.get("name")),
        known(text(caller.get("number"))),
        known(text(caller.get("name"))),
        text(dialplan.get("exten")),
        text(dialplan.get("context")),
        text(its.get("state")),
        _texts(variables),
    )


def known(value: str) -> str:
    """Return a caller's number or name; "" for the words that Asterisk writes where it knows none."""
    return "" if value.lower() in _UNKNOWN else value


def unescaped(value: str) -> str:
    """Return a name as it was before AMI escaped it as C does (``ast_escape_c``); line breaks become blanks."""
    if "\\" not in value:
        return value
    return _ESCAPED.sub(lambda found: " " if found[1] in "abfnrtv" else found[1], value)


def _texts(values: Json) -> Mapping[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}

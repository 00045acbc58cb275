"""Web chat: the hub's own, for any web page. See README.md.

Modules: ``protocol`` (the messages of the socket), ``session`` (the token that a browser resumes with), ``visitors``
(who is at the other end, and how far that is believed), ``attachments`` (which files are taken), ``offers`` (what else
visitors may ask for), ``mapping`` (what they do, as events), ``shown`` (events, as visitors see them), ``script`` (what
pages load, joined from ``widget/``), ``squeeze`` (without comments and blanks), ``server`` (its sockets and routes).
"""

from cx_channels.chat.webchat.attachments import bounds_of
from cx_channels.chat.webchat.mapping import KINDS, kinds_of, map_note
from cx_channels.chat.webchat.offers import offers_of
from cx_channels.chat.webchat.visitors import warnings
from cx_channels.provider import Connection, Provider

_SIGNED = "the page's own server signed it, by a user_hash that covers exactly this"
_TYPED = "typed, or said by a page in the visitor's hands"


def _warnings(connection: Connection) -> tuple[str, ...]:
    bounds_of(connection)  # which raises where the setting can't be meant, as the next does
    offers_of(connection)
    return warnings(connection)


PROVIDER = Provider(
    name="chat/webchat",
    channel="chat",
    map=map_note,
    verify=None,
    unsigned="the socket checks the session's token, and what is mapped the hub has written down itself",
    kinds=KINDS,
    kinds_of=kinds_of,
    transport="websocket",
    methods=frozenset({"MESSAGE"}),
    content_types=frozenset({"application/json"}),
    max_bytes=16 << 10,
    weights={
        "account": {"proved": _SIGNED, "claimed": _TYPED},
        "email": {"proved": _SIGNED, "claimed": _TYPED},
        "phone": {"proved": _SIGNED, "claimed": _TYPED},
        "cookie": {"claimed": "a browser is a device, not a person, and sends whatever it likes"},
    },
    warnings=_warnings,
    settings=frozenset(
        {"bare_user_hash_secrets", "bare_user_hash_until", "files", "offers", "origins", "page", "require_user_hash"}
    ),
)

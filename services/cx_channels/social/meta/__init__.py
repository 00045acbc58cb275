"""Facebook pages and Instagram accounts, from Meta's webhooks, and WhatsApp where it shares the app. See README.md.

Modules: ``mapping`` (deliveries to events), ``messaging`` (private messages by kind), ``messages``, ``person_actions``
and ``thread_control`` (its kinds), ``messaging_event`` (one of them, and its draft), ``changes`` (posts, comments,
reviews), ``people`` (who is who), ``account_linking``, ``ignored_kinds`` and ``unmapped_kinds`` (what is no event),
``media`` (how files are fetched).
"""

from __future__ import annotations

from cx_channels.kit.meta_signature import SIGNATURE, challenge, sign, verify
from cx_channels.kit.whatsapp.delivery import MAX_BYTES
from cx_channels.kit.whatsapp.mapping import SETTINGS
from cx_channels.kit.whatsapp.people import WEIGHTS
from cx_channels.provider import Connection, Provider
from cx_channels.social.meta.account_linking import warnings_of
from cx_channels.social.meta.mapping import DOCUMENTED, kinds_of, map_request
from cx_channels.social.meta.media import MEDIA

_PERSON = "Meta's own id of somebody logged in there, in a delivery that the app secret signed"
_FORM = "typed into a form within Messenger"
_CODE = "the code of an account linking passes through the person's browser, which can alter it"


def _warnings(connection: Connection) -> tuple[str, ...]:
    return warnings_of(connection.settings)


PROVIDER = Provider(
    name="social/meta",
    channel="social",
    map=map_request,
    verify=verify,
    sign=sign,
    signature=SIGNATURE,
    challenge=challenge,
    kinds=DOCUMENTED,
    kinds_of=kinds_of,
    methods=frozenset({"GET", "POST"}),
    warnings=_warnings,
    weights={
        "facebook-psid": {"proved": _PERSON},
        "instagram": {"proved": _PERSON},
        "facebook-user-ref": {"claimed": "made up by a script of the page that shows a checkbox"},
        **WEIGHTS,
        "email": {"claimed": _FORM},
        "phone": {**WEIGHTS["phone"], "claimed": _FORM},
        "account": {
            "proved": "the business signed the code of an account linking over exactly this",
            "claimed": _CODE,
        },
    },
    max_bytes=MAX_BYTES,
    media=MEDIA,
    settings=SETTINGS
    | {"account_linking", "account_linking_secrets", "accounts", "agents", "bots", "verify_token"}
    | MEDIA.settings,
)

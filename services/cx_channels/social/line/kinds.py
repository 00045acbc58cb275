"""List kinds of LINE's events that are left out, each with the reason (developers.line.biz/en/reference/messaging-api,
"Webhook Event Objects"; github.com/line/line-openapi, webhook.yml).
"""

from __future__ import annotations

from collections.abc import Mapping

_GROUP = "who is in a group; what is said there is told by itself"
_MODULE = "which channel has the chat of an account that several share"
_ACCOUNT = "about the account; about no customer"

IGNORED: Mapping[str, str] = {
    "no-events": "the delivery has no events: the console's Verify button",
    "verify-sample": "made up by the console's Verify button",
    "other-account": "the setting destinations does not list the account",
    "join": _GROUP,
    "leave": _GROUP,
    "memberJoined": _GROUP,
    "memberLeft": _GROUP,
    "videoPlayComplete": "a film was watched to its end, which says nothing",
    "beacon": "somebody came near a beacon, or left it",
    "accountLink": "its nonce means something to the business's own server alone",
    "module": _MODULE,
    "activated": _MODULE,
    "deactivated": _MODULE,
    "botSuspended": _ACCOUNT,
    "botResumed": _ACCOUNT,
}

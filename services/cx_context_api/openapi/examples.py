"""Give an example body for each operation that takes one."""

from __future__ import annotations

from collections.abc import Mapping

from cx_events.json_types import Json

_AGENT = {"id": "agent-7", "name": "Ben"}
_SOME_ID = "f47ea4af-d437-81a5-9cbd-8e63bf5cbbec"
_OTHER_ID = "254fd8b5-3f17-872e-beda-a81d8a2fdb0a"
EXAMPLES: Mapping[str, Json] = {
    "look_up_context": {"identifier": "phone:+15550100123"},
    "search_by_body": {"q": "Ana Garc", "in": "customers"},
    "look_up_brief": {"interaction": "acme-calls/CA4711", "identifier": "phone:+15550100123"},
    "add_note": {"note": "Payments confirms the double charge; refund promised for today.", "agent": _AGENT},
    "set_topic": {"topic": "billing", "agent": _AGENT},
    "set_disposition": {"disposition": "refund promised", "agent": _AGENT},
    "resolve_conversation": {"reason": "refund arrived", "agent": _AGENT},
    "reopen_conversation": {"reason": "only half of the sum arrived", "agent": _AGENT},
    "make_promise": {"text": "49.90 EUR back on the card", "due": "2026-11-22T17:00:00Z", "agent": _AGENT},
    "assign_conversation": {"to": {"id": "agent-9", "name": "Eva"}, "agent": _AGENT},
    "unassign_conversation": {"reason": "Eva's shift is over", "agent": _AGENT},
    "snooze_conversation": {"until": "2026-11-22T16:00:00Z", "agent": _AGENT},
    "undo_act": {"event": "//acme.example/desk#desk-note-1", "reason": "another customer's", "agent": _AGENT},
    "link_conversation": {"other": _SOME_ID, "reason": "the call is about the same double charge", "agent": _AGENT},
    "split_conversation": {"interaction": "acme-calls/CA4711", "reason": "about another invoice", "agent": _AGENT},
    "request_handoff": {
        "to": "billing",
        "queue": {"id": "billing", "name": "Billing"},
        "reason": "needs a refund",
        "by": "bot",
        "packet": {"tried": ["checked the order"], "slots": {"order": "4711"}, "open_questions": ["which card?"]},
    },
    "accept_handoff": {"agent": _AGENT, "handoff": _SOME_ID},
    "decline_handoff": {"agent": _AGENT, "reason": "I have three calls on hold"},
    "put_presence": {
        "agent": _AGENT,
        "state": "available",
        "looking": [{"kind": "conversation", "id": _SOME_ID}],
        "typing": _SOME_ID,
    },
    "record_context_shown": {"agent": _AGENT, "version": 12},
    "issue_token": {"expires_in": 3600, "single_use": True, "agent": _AGENT},
    "continue_conversation": {"token": "4820 1937", "interaction": "acme-calls/CA4711"},
    "merge_customers": {"a": _SOME_ID, "b": _OTHER_ID, "reason": "Ana confirmed her mail address on the phone"},
    "unmerge_customers": {"decision": "//throughline/acme/decisions#merge-1", "reason": "merged the wrong phone"},
    "attribute_interaction": {
        "interaction": "acme-calls/CA4711",
        "profile": _OTHER_ID,
        "reason": "caller gave order 4711",
    },
    "dismiss_candidate": {"candidate": "254fd8b5-3f17-872e-beda-621097883b0a", "reason": "a shared office phone"},
    "try_identity_rules": {"rules": {"shared_after": {"phone": 2}, "never_link": ["email:noreply@*"]}, "examples": 5},
}

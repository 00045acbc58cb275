"""Meta: signatures and challenges, who is who, batches, and what another attempt of a delivery becomes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cx_channels.dry_run import dry_run
from cx_channels.kit.outcomes import MOST_OUTCOMES
from cx_channels.kit.signing import sign
from cx_channels.kit.times import unix_time
from cx_channels.provider import Connection, Mapped, Request
from cx_channels.social.meta import PROVIDER, changes, messaging
from cx_channels.social.meta.mapping import IGNORED, KINDS
from cx_events.envelope import Draft
from cx_events.errors import Refused

VECTORS = Path(__file__).parents[2].parent / "shared" / "fixtures" / "signatures" / "meta"
FIXTURES = Path(str(__import__("cx_channels.social.meta", fromlist=["x"]).__file__)).parent / "fixtures"
PAGE, ANA = "100000000000001", "2000000000000001"
NOON = 1_795_348_800_000


def connection(*secrets: str, **settings: Any) -> Connection:
    return Connection("acme-social", "acme", PROVIDER.name, secrets=secrets, settings=settings)


def delivery(*items: Any, section: str = "messaging", object: str = "page", page: str = PAGE, time: int = NOON) -> Any:
    return {"object": object, "entry": [{"id": page, "time": time, section: list(items)}]}


def item(sender: str = ANA, recipient: str = PAGE, **body: Any) -> dict[str, Any]:
    return {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": NOON, **body}


def mapped(document: Any, **settings: Any) -> Mapped:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return PROVIDER.map(Request(body, headers={"content-type": "application/json"}), connection(**settings))


def only(found: Mapped) -> Draft:
    assert len(found.drafts) == 1, found
    return found.drafts[0]


def roles(draft: Draft) -> list[str]:
    return [participant.role for participant in draft.data.participants]


# --- proofs ----------------------------------------------------------------------------------------------------------


def verified(body: bytes, given: str | None, *secrets: str) -> str:
    assert PROVIDER.verify is not None
    headers = {} if given is None else {"x-hub-signature-256": given}
    try:
        PROVIDER.verify(Request(body, headers=headers), connection(*secrets))
    except Refused as refused:
        assert refused.status == 401
        return refused.reason
    return "passed"


@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.json")) or [VECTORS / "none"], ids=lambda path: path.name)
def test_only_a_delivery_that_meta_signed_passes(path: Path) -> None:
    if not path.is_file():
        assert not os.environ.get("CI"), f"the vectors {path} are missing"
        pytest.skip("the vectors are not here")
    vector = json.loads(path.read_bytes())
    body, expected, secret = vector["body"].encode(), vector["expected"], vector["app_secret"]
    assert verified(body, expected, secret) == "passed"
    assert verified(body, expected, "new secret", secret) == "passed"
    assert verified(body + b" ", expected, secret) == "bad-signature"
    assert verified(body, expected, "new secret") == "bad-signature"
    assert verified(body, expected.removeprefix("sha256="), secret) == "bad-signature"
    assert verified(body, None, secret) == "missing-signature"


def test_the_older_sha1_signature_alone_is_not_enough() -> None:
    assert PROVIDER.verify is not None
    headers = {"x-hub-signature": "sha1=" + sign("s", b"{}", "sha1")}
    with pytest.raises(Refused) as caught:
        PROVIDER.verify(Request(b"{}", headers=headers), connection("s"))
    assert caught.value.reason == "missing-signature"


def asked(*query: tuple[str, str], token: Any = "a-token") -> tuple[int, bytes | str]:
    try:
        answer = PROVIDER.challenge(Request(b"", "GET", query=query), connection(verify_token=token))
    except Refused as refused:
        return refused.status, refused.reason
    assert answer is not None
    return answer.status, answer.body


SUBSCRIBE = ("hub.mode", "subscribe")
CHALLENGE = ("hub.challenge", "1158201444")


def test_a_subscription_check_with_the_token_gets_its_challenge() -> None:
    right = ("hub.verify_token", "a-token")
    assert asked(SUBSCRIBE, right, CHALLENGE) == (200, b"1158201444")
    assert asked(SUBSCRIBE, right, CHALLENGE, token=["another", "a-token"]) == (200, b"1158201444")


@pytest.mark.parametrize(
    ("query", "token"),
    [
        ((SUBSCRIBE, ("hub.verify_token", "b"), CHALLENGE), "a-token"),
        ((SUBSCRIBE, ("hub.verify_token", ""), CHALLENGE), "a-token"),
        ((SUBSCRIBE, ("hub.verify_token", ""), CHALLENGE), ""),
        ((SUBSCRIBE, ("hub.verify_token", "None"), CHALLENGE), None),
        ((SUBSCRIBE, CHALLENGE), "a-token"),
        ((("hub.mode", "unsubscribe"), ("hub.verify_token", "a-token")), "a-token"),
        ((), "a-token"),
    ],
)
def test_any_other_get_is_forbidden(query: tuple[tuple[str, str], ...], token: Any) -> None:
    status, reason = asked(*query, token=token)
    assert status == 403
    assert reason in ("bad-verify-token", "bad-challenge")


def test_a_post_is_no_challenge() -> None:
    assert PROVIDER.challenge(Request(b"{}", "POST", query=(SUBSCRIBE,)), connection()) is None


# --- who is who ------------------------------------------------------------------------------------------------------


def test_a_person_is_known_within_one_page_alone() -> None:
    draft = only(mapped(delivery(item(message={"mid": "m", "text": "hi"}))))
    (identifier,) = draft.data.participants[0].identifiers
    assert (identifier.kind, identifier.value, identifier.scope) == ("facebook-psid", ANA, PAGE)
    assert draft.data.interaction == f"acme-social/{PAGE}:{ANA}"
    other = only(mapped(delivery(item(message={"mid": "m", "text": "hi"}), object="instagram")))
    assert other.data.participants[0].identifiers[0].kind == "instagram"


@pytest.mark.parametrize(
    ("app", "expected"),
    [("1", ["bot", "business", "customer"]), (2, ["agent", "business", "customer"]),
     ("263902037430900", ["agent", "business", "customer"]), ("3", ["business", "customer"]),
     (None, ["business", "customer"])],
)  # fmt: skip
def test_an_echo_tells_by_its_app_who_wrote_it(app: Any, expected: list[str]) -> None:
    message = {"mid": "m", "text": "hi", "is_echo": True, **({} if app is None else {"app_id": app})}
    draft = only(mapped(delivery(item(PAGE, ANA, message=message)), bots=["1"], agents=["2"]))
    assert draft.type == "cx.message.sent.v1"
    assert draft.data.direction == "outbound"
    assert roles(draft) == expected
    assert draft.data.interaction == f"acme-social/{PAGE}:{ANA}"


def test_both_ends_are_found_despite_another_accounts_entry() -> None:
    received = only(mapped(delivery(item(ANA, "55", message={"mid": "m"}))))
    sent = only(mapped(delivery(item("55", ANA, message={"mid": "m2", "is_echo": True}))))
    assert received.data.interaction == sent.data.interaction == f"acme-social/55:{ANA}"


def test_the_pages_own_comment_makes_no_customer() -> None:
    value = {"item": "comment", "verb": "add", "post_id": "p", "comment_id": "c", "message": "Sorry!"}
    own = only(mapped(delivery({"field": "feed", "value": {**value, "from": {"id": PAGE}}}, section="changes")))
    assert (roles(own), own.data.direction) == (["business"], "outbound")
    ana = only(mapped(delivery({"field": "feed", "value": {**value, "from": {"id": ANA}}}, section="changes")))
    assert (roles(ana), ana.data.direction) == (["customer", "business"], "inbound")
    assert own.data.interaction == ana.data.interaction == "acme-social/p"


def test_others_accounts_are_ignored_when_ours_are_listed() -> None:
    document = delivery(item(message={"mid": "m"}))
    assert only(mapped(document, accounts=[PAGE])).type == "cx.message.received.v1"
    found = mapped(document, accounts=["1"])
    assert not found.drafts
    assert [ignored.kind for ignored in found.ignored] == ["other-account"]
    nameless = {"object": "page", "entry": [{"messaging": [item(message={"mid": "m"})]}]}
    assert len(mapped(nameless, accounts=["1"]).unmapped) == 1


def test_an_authorization_code_counts_only_as_the_settings_say() -> None:
    document = delivery(item(account_linking={"status": "linked", "authorization_code": "a-1"}))
    assert not mapped(document).drafts
    draft = only(mapped(document, account_linking="crm"))
    assert [(i.kind, i.value) for i in draft.data.participants[0].identifiers][-1] == ("crm", "a-1")


# --- batches and attempts --------------------------------------------------------------------------------------------


def test_one_malformed_notice_does_not_lose_the_others() -> None:
    good = [item(message={"mid": f"m{n}", "text": str(n)}) for n in range(3)]
    text = json.dumps(delivery(good[0], "BAD", good[1], good[2])).encode()
    for bad in (b"1", b"[]", b"null", b'{"a":1e999}', b'{"a":1,"a":2}', b"[" * 80 + b"]" * 80):
        found = mapped(text.replace(b'"BAD"', bad))
        assert [draft.id for draft in found.drafts] == ["m0", "m1", "m2"], bad
        assert len(found.unmapped) == 1
        assert bad in found.unmapped[0].original.replace(b'"a": ', b'"a":')


def test_half_an_emoji_loses_no_notice() -> None:
    texts = ("one", "cut \ud83d", "whole \U0001f600")
    body = json.dumps(
        delivery(*(item(message={"mid": f"m{n}", "text": text}) for n, text in enumerate(texts)))
    ).encode()
    found = PROVIDER.map(Request(body, headers={"content-type": "application/json"}).mended(), connection())
    assert not found.unmapped
    words = [draft.data.message.text for draft in found.drafts if draft.data.message is not None]
    assert words == ["one", "cut \ufffd", "whole \U0001f600"]
    for draft in found.drafts:
        assert isinstance(draft.data.raw, msgspec.Raw)
        assert only(mapped(bytes(draft.data.raw))) == draft


def test_the_raw_of_a_notice_becomes_the_same_event() -> None:
    document = {
        "object": "page",
        "entry": [
            {"id": PAGE, "time": NOON, "messaging": [item(message={"mid": "m1"}), item(read={"watermark": NOON})]},
            {"id": PAGE, "time": NOON // 1000, "changes": [
                {"field": "mention", "value": {"post_id": "p", "sender_id": ANA, "item": "post", "verb": "add"}}
            ]},
        ],
    }  # fmt: skip
    drafts = mapped(document).drafts
    assert len(drafts) == 3
    for draft in drafts:
        assert isinstance(draft.data.raw, msgspec.Raw)
        assert only(mapped(bytes(draft.data.raw))) == draft


def test_another_attempt_in_another_batch_becomes_the_same_event() -> None:
    """An entry's time is that of sending."""
    for notice in (item(message={"mid": "m"}), item(postback={"title": "Yes"}), item(referral={"ref": "r"})):
        first = only(mapped(delivery(notice)))
        again = only(mapped(delivery(notice, time=NOON + 60_000)))
        assert first == again


def test_different_notices_of_one_moment_have_different_ids() -> None:
    notices = [
        item(postback={"title": "Yes"}),
        item(postback={"title": "No"}),
        item(referral={"ref": "a"}),
        item(message={"text": "no id"}),
        item(message={"text": "no id either"}),
        item(message={"mid": "m"}),
        item(PAGE, ANA, message={"mid": "m", "is_echo": True}),
        item(message={"mid": "m", "is_deleted": True}),
        item(reaction={"mid": "m", "action": "react", "reaction": "love"}),
        item(reaction={"mid": "m", "action": "unreact"}),
        item(message_edit={"mid": "m", "text": "x", "num_edit": 1}),
        item(message_edit={"mid": "m", "text": "y", "num_edit": 2}),
        item(delivery={"mids": ["m"]}),
        item(delivery={"watermark": NOON}),
        item(read={"watermark": NOON}),
        item(read={"mid": "m"}),
    ]
    ids = [draft.id for draft in mapped(delivery(*notices)).drafts]
    assert len(ids) == len(set(ids)) == len(notices)


def test_a_read_receipt_has_its_watermarks_time() -> None:
    draft = only(mapped(delivery(item(read={"watermark": NOON - 5000}))))
    assert draft.time == (NOON - 5000) * 1000
    assert draft.data.message is None


# --- shapes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1_795_348_800, NOON * 1000), (NOON, NOON * 1000), (NOON * 1000, NOON * 1000), (str(NOON), NOON * 1000),
     (0, None), (-1, None), (True, None), ("soon", None), (10**18, None), (None, None), (1.5, None)],
)  # fmt: skip
def test_times_are_told_apart_by_their_size(value: Any, expected: int | None) -> None:
    assert unix_time(value) == expected


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"object": "whatsapp_business_account", "entry": []}, "no-entries"),
        ({"object": "page"}, "no-entries"),
        ({"object": "page", "entry": [{}]}, "no-notices"),
    ],
)
def test_a_body_without_notices_is_ignored_by_name(document: Any, kind: str) -> None:
    found = mapped(document)
    assert [ignored.kind for ignored in found.ignored] == [kind]
    assert not found.unmapped
    assert kind in IGNORED


def again(draft: Draft) -> Draft:
    """What the original that an event keeps becomes by itself."""
    assert isinstance(draft.data.raw, msgspec.Raw)
    return only(mapped(bytes(draft.data.raw)))


def entry(object: str = "page", **fields: Any) -> Any:
    return {"object": object, "entry": [{"time": NOON, **fields}]}


COMMENT = {"id": "17_c", "from": {"id": ANA, "username": "ana"}, "text": "hi", "media": {"id": "18_m"}}


def test_a_bare_change_is_read_like_a_listed_one() -> None:
    flat = mapped(entry("instagram", id=PAGE, field="comments", value=COMMENT))
    listed = mapped(entry("instagram", id=PAGE, changes=[{"field": "comments", "value": COMMENT}]))
    assert only(flat) == only(listed)
    assert only(flat).type == "cx.social.comment.v1"
    assert again(only(flat)) == only(flat)


def test_an_entry_answering_a_call_permission_is_a_consent() -> None:
    reply = {"response": "approve", "expiration_timestamp": "1795435200"}
    found = only(mapped(entry(**item(call_permission_reply=reply))))
    assert found.type == "cx.consent.changed.v1"
    assert found.data.consent is not None
    assert (found.data.consent.purpose, found.data.consent.granted) == ("calls", True)
    assert found.data.participants[0].identifiers[0].value == ANA
    refused = only(mapped(entry(**item(call_permission_reply={"response": "reject"}))))
    assert refused.data.consent is not None
    assert not refused.data.consent.granted
    assert mapped(entry(**item(call_permission_reply={"response": "perhaps"}))).unmapped


def test_a_list_of_deliveries_is_read_like_each() -> None:
    one, two = delivery(item(message={"mid": "m1"})), delivery(item(message={"mid": "m2"}))
    assert mapped([one, two]).drafts == (*mapped(one).drafts, *mapped(two).drafts)


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"id": PAGE, "changed_fields": ["feed"]}, "changed_fields"),
        ({"id": PAGE, "changes": [{"field": "feed", "value": {"item": "like", "verb": "add"}}]}, "page-like"),
        ({"id": PAGE, "changes": [{"field": "feed", "value": {"item": "video", "verb": "mute"}}]}, "hide"),
        ({"id": PAGE, "changes": [{"field": "business_integrity", "value": {}}]}, "business_integrity"),
        ({"id": PAGE, "changes": [{"field": "feed", "value": {"item": "profile", "verb": "update"}}]}, "feed/profile"),
        ({"id": PAGE, "messaging": [item(message={"mid": "m", "is_self": True})]}, "is_self"),
    ],
)
def test_a_documented_kind_without_use_is_ignored_by_name(fields: Any, kind: str) -> None:
    found = mapped(entry(**fields))
    assert [ignored.kind for ignored in found.ignored] == [kind]
    assert not found.unmapped
    assert kind in IGNORED


def test_an_entry_of_unknown_kind_becomes_a_dead_letter() -> None:
    lost = mapped(entry(id=PAGE, holograms=[{"id": "h"}]))
    assert [each.reason.partition(":")[0] for each in lost.unmapped] == ["unknown-kind"]
    assert not lost.ignored


def test_a_group_comment_among_the_messages_is_a_comment() -> None:
    said = {
        "recipient": {"id": PAGE}, "from": {"id": ANA, "name": "Ana"}, "group_id": "7", "comment_id": "7_c",
        "parent_id": "7_p", "post_id": "7_p", "created_time": 1_795_348_700, "item": "comment", "verb": "add",
        "message": "Is it open?", "field": "group_feed",
    }  # fmt: skip
    found = only(mapped(delivery(said)))
    assert found.type == "cx.social.comment.v1"
    assert found.data.message is not None
    assert found.data.message.text == "Is it open?"
    assert found.time == 1_795_348_700_000_000
    assert again(found) == found


@pytest.mark.parametrize("shape", ["generic", "product"])
def test_a_product_asked_about_is_named_by_its_title(shape: str) -> None:
    card = {"type": "template", "payload": {shape: {"elements": [{"id": "1", "title": "Shoes"}]}}}
    found = only(mapped(delivery(item(message={"mid": "m", "attachments": [card]}))))
    assert found.data.message is not None
    assert [each.name for each in found.data.message.attachments] == ["Shoes"]


def test_a_cart_is_a_message_listing_its_products() -> None:
    cart = {"products": [{"id": 123, "name": "Lamp", "quantity": 2}, {"id": 456, "name": "Bulb"}], "note": "By Friday?"}
    found = only(mapped(delivery(item(order=cart))))
    assert found.type == "cx.message.received.v1"
    assert found.data.message is not None
    assert found.data.message.text == "By Friday?"
    assert [each.name for each in found.data.message.attachments] == ["2 x Lamp", "Bulb"]


def test_a_changed_comment_stands_where_it_was_changed() -> None:
    value = {"item": "comment", "verb": "edited", "comment_id": "c", "post_id": "p", "message": "better",
             "created_time": 1_795_348_700, "edited_time": 1_795_348_790, "from": {"id": ANA}}  # fmt: skip
    found = only(mapped(delivery({"field": "feed", "value": value}, section="changes")))
    assert found.time == 1_795_348_790_000_000


def test_every_kind_or_a_sibling_has_a_fixture() -> None:
    seen: set[str] = set()
    for path in FIXTURES.glob("*.json"):
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            continue
        entries = document.get("entry", ())
        for entry in (each for each in entries if isinstance(each, dict)):
            for section in ("messaging", "standby"):
                notices = entry.get(section, [])
                seen |= {messaging.kind_of(n) for n in notices if isinstance(n, dict) and isinstance(notices, list)}
            for change in entry.get("changes", ()):
                seen.add(changes.kind_of(change.get("field", ""), change["value"]))
    untested = set(KINDS) - seen
    assert {kind for kind in untested if not kind.startswith(("feed/", "ratings/"))} == set()
    assert not set(KINDS) & set(IGNORED)


def test_a_dry_runs_exit_code_tells_its_outcome() -> None:
    def code(document: Any) -> int:
        return dry_run(PROVIDER.name, json.dumps(document).encode(), filename="x.json").exit_code

    assert code(delivery(item(message={"mid": "m"}))) == 0
    assert code({"object": "user"}) == 3
    assert code(delivery(item(hologram={}))) == 3
    assert code([]) == 2


def test_a_notice_of_too_many_events_is_also_kept() -> None:
    answer = {"type": "csat", "payload": "4"}
    screens = [{"screen_id": n, "questions": {f"q-{n}": answer}} for n in range(1_000)]
    found = mapped(delivery(item(messaging_feedback={"feedback_screens": screens})))
    assert len(found.drafts) == MOST_OUTCOMES
    assert [each.reason.partition(":")[0] for each in found.unmapped] == ["too-many-events"]

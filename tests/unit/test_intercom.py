"""Intercom: signatures, who is who in both versions of its API, parts that do several things, and recordings."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cx_channels.chat.intercom import PROVIDER, unmapped_kinds
from cx_channels.chat.intercom.mapping import IGNORED, TOPICS
from cx_channels.chat.intercom.parts import PART_TYPES
from cx_channels.chat.intercom.values import micros, whole
from cx_channels.dry_run import dry_run
from cx_channels.kit.outcomes import MOST_OUTCOMES
from cx_channels.kit.signing import sign
from cx_channels.provider import Connection, Mapped, Request
from cx_events.catalogue import catalogue
from cx_events.envelope import Draft
from cx_events.errors import Refused

RECORDINGS = Path(__file__).parents[2].parent / "shared" / "fixtures" / "chat" / "intercom"
FIXTURES = Path(str(__import__("cx_channels.chat.intercom", fromlist=["x"]).__file__)).parent / "fixtures"
NOON = 1_795_348_800
APP, ANA = "acme0001", "65a000000000000000000001"
UUID = "0b0e7c1e-0000-4000-8000-000000000002"

BEN = {"type": "admin", "id": "700001", "name": "Ben", "email": "ben@acme.example"}
USER = {"type": "user", "id": ANA, "name": "Ana", "email": "ana@example.com"}


def connection(*secrets: str, **settings: Any) -> Connection:
    return Connection("acme-intercom", "acme", PROVIDER.name, secrets=secrets, settings=settings)


def notification(topic: str, item: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "notification_event", "app_id": APP, "topic": topic, "id": "notif_1", "created_at": NOON,
        "data": {"type": "notification_event_data", "item": item}, **more,
    }  # fmt: skip


def part(kind: str = "comment", author: Any = USER, id: Any = "5001", **more: Any) -> dict[str, Any]:
    return {"type": "conversation_part", "id": id, "part_type": kind, "author": author, "created_at": NOON, **more}


def conversation(*parts: Any, **more: Any) -> dict[str, Any]:
    """As API 2.x tells it."""
    return {
        "type": "conversation", "id": "2001", "created_at": NOON - 60, "updated_at": NOON,
        "source": {"id": "4001", "body": "<p>Hello</p>", "author": USER},
        "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": ANA, "external_id": "u-1"}]},
        "conversation_parts": {"type": "conversation_part.list", "conversation_parts": list(parts)}, **more,
    }  # fmt: skip


def mapped(document: Any, **settings: Any) -> Mapped:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return PROVIDER.map(Request(body, headers={"content-type": "application/json"}), connection(**settings))


def told(topic: str, *parts: Any, **more: Any) -> tuple[Draft, ...]:
    return mapped(notification(topic, conversation(*parts, **more))).drafts


def only(found: Mapped) -> Draft:
    assert len(found.drafts) == 1, found
    return found.drafts[0]


def types(drafts: tuple[Draft, ...]) -> list[str]:
    return [draft.type.removeprefix("cx.").removesuffix(".v1") for draft in drafts]


def known(draft: Draft) -> dict[str, str]:
    """The customer's identifiers."""
    (person,) = [each for each in draft.data.participants if each.role == "customer"][:1]
    return {identifier.kind: identifier.value for identifier in person.identifiers}


def roles(draft: Draft) -> list[str]:
    return [each.role for each in draft.data.participants]


# --- proofs ----------------------------------------------------------------------------------------------------------


def verified(body: bytes, given: str | None, *secrets: str) -> str:
    assert PROVIDER.verify is not None
    headers = {} if given is None else {"x-hub-signature": given}
    try:
        PROVIDER.verify(Request(body, headers=headers), connection(*secrets))
    except Refused as refused:
        assert refused.status == 401
        return refused.reason
    return "passed"


def test_a_notification_passes_only_with_the_client_secrets_signature() -> None:
    body = json.dumps(notification("ping", {})).encode()
    signed = "sha1=" + sign("secret", body, "sha1")
    assert verified(body, signed, "secret") == "passed"
    assert verified(body, signed, "new", "secret") == "passed"
    assert verified(body, signed.upper().replace("SHA1", "sha1"), "secret") == "passed"
    assert verified(body + b" ", signed, "secret") == "bad-signature"
    assert verified(body, signed, "new") == "bad-signature"
    assert verified(body, signed) == "bad-signature"
    assert verified(body, signed.removeprefix("sha1="), "secret") == "bad-signature"
    assert verified(body, "sha256=" + sign("secret", body), "secret") == "bad-signature"
    assert verified(body, None, "secret") == "missing-signature"


def test_the_signature_is_that_of_rfc_2202() -> None:
    """Case 2 of HMAC-SHA1: a vector that this code did not make."""
    given = "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
    assert verified(b"what do ya want for nothing?", given, "Jefe") == "passed"


def test_a_url_check_needs_no_signature_and_no_event() -> None:
    head = Request(b"", "HEAD")
    answer = PROVIDER.challenge(head, connection("secret"))
    assert answer is not None
    assert answer.status == 200
    assert [each.kind for each in PROVIDER.map(head, connection()).ignored] == ["url-check"]
    assert PROVIDER.challenge(Request(b"{}", "POST"), connection("secret")) is None


def test_a_notification_is_answered_with_200() -> None:
    document = notification("ping", {"type": "ping"})
    assert PROVIDER.answer(mapped(document), Request(b"{}")).status == 200


# --- who is who ------------------------------------------------------------------------------------------------------


def test_a_user_is_known_by_three_scoped_identifiers() -> None:
    draft = only(mapped(notification("conversation.user.replied", conversation(part(body="<p>Hi</p>")))))
    assert known(draft) == {"account": "u-1", "email": "ana@example.com", "intercom": ANA}
    assert {each.scope for each in draft.data.participants[0].identifiers if each.kind == "intercom"} == {APP}
    assert draft.data.participants[0].name == "Ana"
    assert (draft.data.interaction, draft.data.direction) == ("acme-intercom/2001", "inbound")
    assert [(each.kind, each.value) for each in draft.data.references] == [("thread", "2001")]


@pytest.mark.parametrize("kind", ["lead", "visitor", "contact"])
def test_a_leads_user_id_is_no_account(kind: str) -> None:
    """API 1.x, where it stands beside the type."""
    talk = {
        "type": "conversation", "id": "1",
        "user": {"type": kind, "id": "L", "user_id": UUID, "email": "lea@example.com"},
        "conversation_message": {"id": "2", "body": "<p>Hi</p>", "author": {"type": kind, "id": "L"}},
    }  # fmt: skip
    started, said = mapped(notification("conversation.user.created", talk)).drafts
    assert known(said) == known(started) == {"email": "lea@example.com", "intercom": "L"}


def test_a_generated_external_id_counts_only_for_known_users() -> None:
    def with_id(external_id: str) -> dict[str, str]:
        people = {"contacts": [{"type": "contact", "id": ANA, "external_id": external_id}]}
        return known(told("conversation.user.replied", part(body="Hi"), contacts=people)[0])

    assert with_id("u-1")["account"] == "u-1"
    assert "account" not in with_id(UUID)
    contact = {"type": "contact", "id": ANA, "external_id": UUID, "role": "user"}
    assert known(mapped(notification("contact.email.updated", contact)).drafts[0])["account"] == UUID


def test_the_setting_external_id_names_its_identifier_kind() -> None:
    document = notification("conversation.user.replied", conversation(part(body="Hi")))
    assert known(only(mapped(document, external_id="crm")))["crm"] == "u-1"
    assert "account" not in known(only(mapped(document, external_id="")))


@pytest.mark.parametrize(
    ("author", "role"),
    [
        (BEN, "agent"),
        ({"type": "bot", "id": "9", "name": "Fin"}, "bot"),
        ({"type": "operator", "id": "9"}, "bot"),
        ({"type": "admin", "id": "9", "name": "Operator", "email": "operator+acme0001@intercom.io"}, "bot"),
        ({"type": "admin", "id": "700010", "name": "Robo"}, "bot"),
        ({"type": "team", "id": "800001", "name": "Billing"}, "business"),
        ({"type": None, "id": "1"}, "agent"),
        (None, None),
    ],
)
def test_a_reply_is_from_an_agent_bot_or_team(author: Any, role: str | None) -> None:
    document = notification("conversation.admin.replied", conversation(part(author=author, body="<p>Hi</p>")))
    draft = only(mapped(document, bots=["700010"]))
    assert (draft.type, draft.data.direction) == ("cx.message.sent.v1", "outbound")
    assert roles(draft) == [role, "customer"] if role else ["customer"]
    assert (draft.data.agent is not None) == (role == "agent")
    assert all(not each.identifiers for each in draft.data.participants if each.role != "customer")


def test_the_contact_who_speaks_comes_first_of_several() -> None:
    people = {"contacts": [{"type": "contact", "id": ANA}, {"type": "contact", "id": "P"}]}
    pi = {"type": "user", "id": "P", "name": "Pi", "email": "pi@example.com"}
    (draft,) = told("conversation.user.replied", part(author=pi, body="Me too"), contacts=people)
    assert [each.name for each in draft.data.participants] == ["Pi", "Ana"]


def test_a_crowd_does_not_stand_at_every_event() -> None:
    people = {"contacts": [{"type": "contact", "id": f"C{n}"} for n in range(500)]}
    (draft,) = told(
        "conversation.user.replied", part(author={"type": "user", "id": "C499"}, body="Hi"), contacts=people
    )
    assert known(draft)["intercom"] == "C499"
    assert len(draft.data.participants) <= 20


def test_the_topic_tells_who_a_blank_author_is() -> None:
    blank = {"type": None, "id": None, "name": "", "email": ""}
    (customers,) = told("conversation.user.replied", part(author=blank, body="Hi"))
    (agents,) = told("conversation.admin.replied", part(author=blank, body="Hi"))
    (bots,) = told("conversation.operator.replied", part(author=blank, body="Hi"))
    assert [each.data.direction for each in (customers, agents, bots)] == ["inbound", "outbound", "outbound"]
    assert known(agents)["intercom"] == ANA


def test_other_workspaces_are_ignored_when_ours_are_listed() -> None:
    document = notification("conversation.user.replied", conversation(part(body="Hi")))
    assert only(mapped(document, workspaces=[APP]))
    assert [each.kind for each in mapped(document, workspaces="other").ignored] == ["other-workspace"]


# --- what parts do ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "kind", "body", "expected"),
    [
        ("conversation.user.replied", "comment", "Hi", ["message.received"]),
        ("conversation.user.replied", "comment", None, ["message.received"]),
        ("conversation.user.replied", "open", "Hi", ["message.received", "interaction.resumed"]),
        ("conversation.user.replied", "something_new", "Hi", ["message.received"]),
        ("conversation.admin.closed", "close", None, ["interaction.ended"]),
        ("conversation.admin.closed", "close", "Bye", ["message.received", "interaction.ended"]),
        ("conversation.admin.closed", "something_new", None, ["interaction.ended"]),
        ("conversation.admin.opened", "note_and_reopen", "n", ["conversation.note", "interaction.resumed"]),
        ("conversation.admin.opened", "assign_and_reopen", None, ["interaction.queued", "interaction.resumed"]),
        ("conversation.admin.snoozed", "snoozed", None, ["interaction.held"]),
        ("conversation.admin.unsnoozed", "snoozed", None, ["interaction.resumed"]),
        ("conversation.admin.unsnoozed", "timer_unsnooze", None, ["interaction.resumed"]),
        ("conversation.admin.noted", "note", "n", ["conversation.note"]),
        ("conversation.admin.noted", "something_new", "n", ["conversation.note"]),
        ("conversation.admin.assigned", "assignment", "to you", ["conversation.note", "interaction.queued"]),
        ("conversation.user.replied", "assignment", "to you", ["message.received", "interaction.queued"]),
    ],
)
def test_a_part_becomes_the_events_of_type_and_topic(
    topic: str, kind: str, body: str | None, expected: list[str]
) -> None:
    assert types(told(topic, part(kind, body=body))) == expected


@pytest.mark.parametrize(
    ("assigned_to", "author", "expected", "agent", "queue"),
    [
        ({"type": "admin", "id": "700001"}, BEN, "interaction.answered", "Ben", None),
        ({"type": "admin", "id": 700001}, BEN, "interaction.answered", "Ben", None),
        ({"type": "admin", "id": "700002", "name": "Cleo"}, BEN, "interaction.routed", "Cleo", None),
        ({"type": "admin", "id": "700002"}, {"type": "bot", "id": "9"}, "interaction.routed", "", None),
        ({"type": "team", "id": "8", "name": "Billing"}, BEN, "interaction.routed", None, "Billing"),
        ({"type": "bot", "id": "9", "name": "Fin"}, BEN, "interaction.routed", None, None),
        ({"type": "nobody_admin", "id": None}, BEN, "interaction.queued", None, None),
        (None, BEN, "interaction.queued", None, None),
    ],
)
def test_an_assignment_takes_routes_or_gives_back(
    assigned_to: Any, author: Any, expected: str, agent: str | None, queue: str | None
) -> None:
    (draft,) = told("conversation.admin.assigned", part("assignment", author, assigned_to=assigned_to))
    assert types((draft,)) == [expected]
    assert (draft.data.agent and draft.data.agent.name) == agent
    assert (draft.data.queue and draft.data.queue.name) == queue


def test_an_assignment_without_a_part_uses_the_current_assignee() -> None:
    (to_ben,) = told("conversation.admin.assigned", admin_assignee_id=700001, team_assignee_id="8")
    assert to_ben.data.agent is not None
    assert to_ben.data.agent.id == "700001"
    (to_team,) = told("conversation.admin.assigned", admin_assignee_id=0, team_assignee_id="8")
    assert to_team.data.queue is not None
    (to_nobody,) = told("conversation.admin.assigned", admin_assignee_id=None, team_assignee_id="0")
    assert types((to_nobody,)) == ["interaction.queued"]


def test_every_type_of_part_makes_known_events() -> None:
    for kind in PART_TYPES:
        for body in (None, "<p>Hi</p>"):
            for draft in told("conversation.admin.opened", part(kind, BEN, body=body)):
                assert draft.type in catalogue()


def test_a_part_of_unknown_type_becomes_a_dead_letter() -> None:
    found = mapped(notification("conversation.admin.closed", conversation(part("whisper", body="psst"), part("close"))))
    assert types(found.drafts) == ["interaction.ended"]
    assert [each.reason.split(":")[0] for each in found.unmapped] == ["unknown-kind"]


def test_a_reply_without_a_part_becomes_a_letter() -> None:
    found = mapped(notification("conversation.admin.replied", conversation()))
    assert not found.drafts
    assert len(found.unmapped) == 1


def test_parts_of_one_second_are_ordered_by_their_ids() -> None:
    drafts = told("conversation.user.replied", part(id="5002", body="a"), part(id=5001, body="b"))
    assert [draft.time for draft in drafts] == [NOON * 1_000_000] * 2
    assert [draft.sequence for draft in drafts] == [5002, 5001]


def test_the_first_message_precedes_all_parts_of_its_second() -> None:
    started, said = mapped(notification("conversation.user.created", conversation())).drafts
    assert (started.id, said.id) == ("2001/started", "2001/source/4001")
    assert started.sequence is said.sequence is None
    assert started.time == said.time == (NOON - 60) * 1_000_000


# --- words -----------------------------------------------------------------------------------------------------------


def test_markup_becomes_lines_and_html_with_links_is_kept() -> None:
    (draft,) = told("conversation.user.replied", part(body="<p>One &amp; two<br>three</p>\n<p>four</p>"))
    assert draft.data.message is not None
    assert draft.data.message.text == "One & two\nthree\n\nfour"
    assert draft.data.message.html == ""
    (draft,) = told(
        "conversation.user.replied", part(body='<p>See <a href="https://a.example/">this</a></p><script>x()</script>')
    )
    assert draft.data.message is not None
    assert draft.data.message.text == "See this"
    assert "https://a.example/" in draft.data.message.html
    assert "script" not in draft.data.message.html


def test_deeply_nested_markup_is_read_without_a_parser() -> None:
    (draft,) = told("conversation.user.replied", part(body="<blockquote>" * 30_000 + "x &amp; y"))
    assert draft.data.message is not None
    assert (draft.data.message.text, draft.data.message.html) == ("x & y", "")


def test_a_note_whose_words_are_hidden_has_words() -> None:
    (draft,) = told("conversation.admin.noted", part("note", BEN, body='<p style="display:none">hidden</p>'))
    assert draft.data.note == "hidden"
    assert not told("conversation.admin.noted", part("note", BEN, body="<p>&nbsp;</p>"))


def test_files_and_pasted_pictures_are_attachments() -> None:
    body = '<div class="intercom-container"><img src="https://d.example/p.png?a=1&amp;b=2"></div>'
    files = [
        {"type": "upload", "name": "a.pdf", "url": "https://d.example/a.pdf", "content_type": "application/pdf",
         "filesize": 7},
        {"type": "upload", "name": None, "url": None}, "noise",
    ]  # fmt: skip
    (draft,) = told("conversation.user.replied", part(body=body, attachments=files))
    assert draft.data.message is not None
    found = [(each.name, each.content_type, each.bytes, each.url) for each in draft.data.message.attachments]
    assert found == [
        ("a.pdf", "application/pdf", 7, "https://d.example/a.pdf"),
        ("", "image/*", None, "https://d.example/p.png?a=1&b=2"),
    ]


# --- attempts and topics that overlap --------------------------------------------------------------------------------


def test_another_attempt_of_a_notification_becomes_the_same_events() -> None:
    item = conversation(part("close", BEN, body="<p>Bye</p>"))
    first = notification("conversation.admin.closed", item, delivery_attempts=1, delivery_status="pending")
    again = notification("conversation.admin.closed", item, delivery_attempts=2, delivery_status="retry")
    assert mapped(first).drafts == mapped(again).drafts


def test_a_part_under_two_topics_is_one_event() -> None:
    item = conversation(part("close", BEN, body="<p>Bye</p>"))
    replied = mapped(notification("conversation.admin.replied", item, id="notif_1")).drafts
    closed = mapped(notification("conversation.admin.closed", item, id="notif_2")).drafts
    assert types(replied) == types(closed) == ["message.sent", "interaction.ended"]
    assert [draft.id for draft in replied] == [draft.id for draft in closed]
    for one, other in zip(replied, closed, strict=True):
        one.data.raw = other.data.raw = msgspec.UNSET
        assert one == other


def test_a_tag_or_redaction_does_not_repeat_the_message() -> None:
    assert types(told("conversation_part.tag.created", part(body="Hi"), tags_added={"tags": [{"id": "1"}]})) == [
        "customer.fact"
    ]
    assert types(told("conversation_part.redacted", part(body="This message was deleted"))) == ["message.deleted"]


def test_a_redaction_names_the_message_as_it_was_told() -> None:
    (said,) = told("conversation.user.replied", part(body="4111 1111 1111 1111"))
    (gone,) = told("conversation_part.redacted", part(body="This message was deleted", redacted=True))
    assert said.data.message is not None
    assert gone.data.message is not None
    assert gone.data.message.id == said.data.message.id
    source = {"id": "4001", "body": "gone", "author": USER, "redacted": True}
    (first,) = told("conversation_part.redacted", source=source)
    assert first.data.message is not None
    assert first.data.message.id == "4001"


def test_the_raw_of_a_notification_becomes_the_same_events() -> None:
    for path in sorted(FIXTURES.glob("*.json")):
        try:
            found = mapped(path.read_bytes())
        except Refused:
            continue
        for draft in found.drafts:
            assert isinstance(draft.data.raw, msgspec.Raw)
            assert mapped(bytes(draft.data.raw)).drafts == found.drafts
        for lost in found.unmapped:
            assert mapped(lost.original).unmapped == found.unmapped


def test_only_a_changed_answer_is_another_event() -> None:
    def rated(notif: str, **rating: Any) -> str:
        item = conversation(conversation_rating={"created_at": NOON, **rating})
        return only(mapped(notification("conversation.rating.added", item, id=notif))).id

    assert rated("a", rating=4) == rated("b", rating=4) == rated("c", rating=4.0)
    assert len({rated("a", rating=4), rated("a", rating=5), rated("a", rating=4, remark="ok")}) == 3


@pytest.mark.parametrize("rating", [0, 6, None, "good", True, {}, [], 1e300])
def test_an_invalid_rating_becomes_a_dead_letter(rating: Any) -> None:
    found = mapped(notification("conversation.rating.added", conversation(conversation_rating={"rating": rating})))
    assert not found.drafts
    assert len(found.unmapped) == 1


# --- contacts --------------------------------------------------------------------------------------------------------


def test_a_contact_that_absorbed_another_is_linked_to_it() -> None:
    contact = {"type": "contact", "id": "A", "role": "user", "merged_from": {"type": "contact", "id": "B"}}
    draft = only(mapped(notification("contact.merged", contact)))
    assert [(a.value, b.value) for a, b in draft.data.links] == [("A", "B")]
    assert [each.value for each in draft.data.participants[0].identifiers] == ["A", "B"]


def test_attributes_that_are_not_set_are_left_out() -> None:
    contact = {
        "type": "contact", "id": "A", "role": "lead", "location": None,
        "custom_attributes": {"plan": "gold", "left": None, "": 1, "seats": 0, "open": False},
    }  # fmt: skip
    _, draft = mapped(notification("contact.lead.updated", contact)).drafts
    assert draft.data.attributes == {"role": "lead", "plan": "gold", "seats": 0, "open": False}


def test_a_subscription_is_consent_to_its_own_purpose() -> None:
    item = {
        "type": "subscription", "id": "9", "default_translation": {"name": "News"}, "content_types": ["sms_message"],
        "contact": {"type": "contact", "id": "A"},
    }  # fmt: skip
    consent = only(mapped(notification("granular.subscribe", item))).data.consent
    assert consent is not None
    assert (consent.purpose, consent.granted, consent.channel) == ("News", True, "sms")


# --- the whole -------------------------------------------------------------------------------------------------------


def test_every_documented_topic_has_one_place() -> None:
    assert not set(TOPICS) & set(IGNORED) | set(unmapped_kinds.TOPICS) & (set(TOPICS) | set(IGNORED))
    assert set(PROVIDER.kinds) == set(TOPICS) | set(IGNORED) | set(unmapped_kinds.TOPICS)
    told_of = {
        json.loads(path.read_bytes()).get("topic") for path in FIXTURES.glob("*.json") if "malformed" not in path.name
    }
    assert len(told_of & set(TOPICS)) > 40


@pytest.mark.parametrize("topic", sorted(TOPICS))
@pytest.mark.parametrize("item", [None, {}, [], "x", {"id": None}, {"id": "1"}, {"type": "conversation", "id": 1}])
def test_a_topic_without_its_data_is_mapped_or_kept(topic: str, item: Any) -> None:
    found = mapped(notification(topic, item))
    assert found.drafts or found.unmapped
    assert all(lost.id and lost.original for lost in found.unmapped)


def test_an_unknown_topic_is_kept_except_in_ignored_families() -> None:
    found = mapped(notification("conversation.user.sighed", conversation()))
    assert [each.reason.split(":")[0] for each in found.unmapped] == ["unknown-kind"]
    waits = mapped(notification("content_stat.hologram", {}))
    assert [each.reason.split(":")[0] for each in waits.unmapped] == ["no-adapter-yet"]
    assert [each.kind for each in mapped(notification("article.sung", {})).ignored] == ["article.*"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"topic": 1e3}', b'{"topic": " "}', b"\xff", b'{"a":1,"a":2}'])
def test_an_invalid_notification_is_malformed(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        mapped(body)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (NOON, NOON * 1_000_000), (str(NOON), NOON * 1_000_000),
        ("2026-11-22T12:00:00.5+00:00", NOON * 1_000_000 + 500_000),
        (0, None), (-1, None), (None, None), (True, None), (10**15, None), ("soon", None), (1.5, None), ("٣", None),
    ],
)  # fmt: skip
def test_times_are_seconds_or_rfc_3339(given: Any, expected: int | None) -> None:
    assert micros(given) == expected


def test_only_a_number_that_stores_can_hold_orders_events() -> None:
    assert [whole(each) for each in ("12", 12, "1" * 19, "x", None, -1, "٣")] == [12, 12, None, None, None, None, None]


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.json")) or [RECORDINGS / "none"], ids=lambda path: path.name)
def test_a_recording_becomes_events_or_waits_for_an_adapter(path: Path) -> None:
    if not path.is_file():
        assert not os.environ.get("CI"), f"the recordings {path} are missing"
        pytest.skip("the recordings are not here")
    result = dry_run(PROVIDER.name, path.read_bytes(), filename=path.name)
    assert result.refused is None
    assert bool(result.events) == (path.name != "intercom-company-created.json")
    assert [each.reason.partition(":")[0] for each in result.unmapped] == ["no-adapter-yet"] * (not result.events)
    assert all(ignored.kind in PROVIDER.kinds for ignored in result.ignored)


def test_a_notification_of_too_many_events_is_also_kept() -> None:
    document = json.loads((FIXTURES / "tagged.json").read_bytes())
    (tag, *_) = document["data"]["item"]["tags_added"]["tags"]
    document["data"]["item"]["tags_added"]["tags"] = [{**tag, "id": str(number)} for number in range(1_000)]
    found = mapped(document)
    assert len(found.drafts) == MOST_OUTCOMES
    assert [each.reason.partition(":")[0] for each in found.unmapped] == ["too-many-events"]

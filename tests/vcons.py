"""vCons for tests: those recorded, and strategies for any that the drafts allow."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import strategies as st

ROOT = Path(__file__).parents[1]
FOLDER = ROOT.parent / "shared" / "fixtures" / "standards" / "vcon"
NO_VCONS = ("teams-vpn-support.json", "schemas__vcon-0.0.1.schema.json")
"""What lies beside the recorded vCons and is none."""

Json = dict[str, Any]


def recorded() -> list[Path]:
    return sorted(path for path in FOLDER.glob("*.json") if path.name not in NO_VCONS)


def there_or_skip() -> None:
    """The recordings lie outside of the repository. Without them there is nothing to hold ours against."""
    if not FOLDER.exists() and not os.environ.get("CI"):
        pytest.skip(f"no recorded vCons in {FOLDER}")
    assert recorded(), f"no vCon in {FOLDER}"


def faults(vcon: object) -> list[str]:
    """What of it the schema does not allow."""
    schema = json.loads((ROOT / "schemas" / "vcon" / "unsigned.schema.json").read_bytes())
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return [f"{each.instance_path}: {each.message[:300]}" for each in validator.iter_errors(vcon)]


def lost(given: Json, found: Json) -> list[str]:
    """Members that did not come back equal. Equality of vCons: of the JSON values, whatever the order of members; added
    may be what the draft demands and the given one lacks (``uuid``, ``created_at``)."""
    names = [name for name, value in given.items() if name not in found or found[name] != value]
    return names + [name for name in found if name not in given and name not in ("uuid", "created_at")]


# --- any vCon ---------------------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
TIMES = st.sampled_from(
    [
        "2020-03-06T09:15:00Z",
        "2020-03-06T09:15:00.123+00:00",
        "2020-03-06T11:15:00.5+02:00",
        "2020-03-05t23:45:00-09:30",
        "2020-03-06T09:15:00.123456789Z",
        "2020-03-06T09:15:00",
        "Fri, 06 Mar 2026 09:15:00 -0000",
        1772788500,
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 53), 1 << 53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def some(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Json]:
    """An object with its members, and extensions that nobody knows."""
    extensions = st.dictionaries(st.sampled_from(["x_one", "wa:two", "meta"]), VALUES, max_size=2)
    return st.builds(
        lambda ours, theirs: encoded({**theirs, **ours}),
        st.fixed_dictionaries(required, optional=optional),
        extensions,
    )


def encoded(value: Json) -> Json:
    """A file with its body in base64url, where it says so."""
    body = value.get("body")
    if value.get("encoding") != "base64url" or not isinstance(body, str):
        return value
    return {**value, "body": urlsafe_b64encode(body.encode()).decode()}


def one_or_more(each: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return each | st.lists(each, max_size=3)


FILES: dict[str, Any] = {
    "mediatype": st.sampled_from(
        ["text/plain", "text/html", "audio/wav", 'multipart/mixed; boundary="b"', "message/rfc822"]
    ),
    "mimetype": st.sampled_from(["text/plain", "audio/x-wav", "application/json"]),
    "filename": WORDS,
    "body": WORDS | VALUES,
    "encoding": st.sampled_from(["none", "json", "base64url"]),
    "url": st.just("https://recordings.example.com/1.wav"),
    "content_hash": one_or_more(st.just("sha512-GLy6IPaIUM1GqzZqfIPZlWjaDsNg")),
    "alg": st.just("SHA-512"),
    "signature": st.just("GLy6IPaIUM1GqzZqfIPZlWjaDsNg"),
}
PARTY = some(
    {},
    {
        "tel": st.sampled_from(["+15550100123", "tel:+15550100124", "anonymous", "12"]),
        "mailto": st.sampled_from(["ana@example.com", "mailto:ben@acme.example?subject=x", "nobody"]),
        "sip": st.sampled_from(["sip:ana@example.com", "sips:+15550100123@example.com;user=phone", "ben"]),
        "did": st.just("did:example:123"),
        "name": WORDS | st.sampled_from(["Agent Ben", "Ana", "anonymous"]),
        "role": st.sampled_from(["customer", "agent", "supervisor", "thirdparty", "bot", "Host", ""]) | VALUES,
        "type": st.sampled_from(["person", "bot", "organization"]),
        "uuid": WORDS,
        "validation": WORDS,
        "stir": WORDS,
        "gmlpos": WORDS,
        "civicaddress": st.dictionaries(st.sampled_from(["country", "a1", "pc"]), WORDS),
    },
)


def dialogs(parties: int) -> st.SearchStrategy[Json]:
    place = st.integers(0, parties - 1) if parties else st.nothing()
    indexes: dict[str, Any] = (
        {
            "parties": one_or_more(place | st.lists(place, max_size=2) | st.none()),
            "originator": place,
            "transferee": place,
            "transferor": place,
            "transfer_target": one_or_more(place),
            "party_history": st.lists(
                some(
                    {
                        "party": place,
                        "time": TIMES,
                        "event": st.sampled_from(["join", "drop", "hold", "unhold", "keydown"]),
                    },
                    {"button": st.sampled_from("0123456789*#")},
                ),
                max_size=3,
            ),
        }
        if parties
        else {}
    )
    return some(
        {},
        {
            "type": st.sampled_from(["recording", "recording-set", "text", "transfer", "incomplete", "else"]),
            "start": TIMES,
            "duration": st.integers(0, 5000) | st.floats(0, 5000) | st.just(-1),
            "disposition": st.sampled_from(["no-answer", "busy", "hung-up"]),
            "session_id": WORDS | one_or_more(st.fixed_dictionaries({"local": WORDS, "remote": WORDS})),
            "application": st.sampled_from(["chat", "sms", "Microsoft Teams", "email"]),
            "interaction_id": st.sampled_from(["i-1", "i-2"]),
            "message_id": st.sampled_from(["m-1", "<m@example.com>"]),
            "original": one_or_more(st.integers(0, 3)),
            **indexes,
            **FILES,
        },
    )


ANALYSES = some(
    {},
    {
        "type": st.sampled_from(["transcript", "sentiment", "summary", "topics", "intent", "report"]),
        "dialog": one_or_more(st.integers(0, 4)),
        "vendor": WORDS,
        "product": WORDS,
        "schema": WORDS,
        **FILES,
    },
)
ATTACHMENTS = some(
    {},
    {
        "purpose": WORDS,
        "type": WORDS,
        "start": TIMES,
        "party": st.integers(0, 3),
        "dialog": st.integers(0, 3),
        **FILES,
    },
)
EARLIER = st.none() | st.just({}) | st.fixed_dictionaries({"uuid": WORDS, "type": WORDS})


@st.composite
def vcons(draw: st.DrawFn) -> Json:
    """Any vCon that is taken: of any syntax, with the members of all of them."""
    parties = draw(st.lists(PARTY, max_size=3))
    uuid = st.sampled_from(["018b4f72-d0e7-8d8e-b9a2-279e0d16bc46", "SAMPLE-1", "with a/slash", "ü"])
    return draw(
        some(
            {"parties": st.just(parties)},
            {
                "vcon": st.sampled_from(["0.0.1", "0.0.2", "0.3.0", "0.4.0"]),
                "uuid": uuid,
                "created_at": TIMES,
                "updated_at": TIMES,
                "subject": WORDS | st.none(),
                "redacted": EARLIER,
                "appended": EARLIER,
                "amended": EARLIER,
                "group": st.lists(st.fixed_dictionaries({"uuid": WORDS}), max_size=2),
                "extensions": st.lists(WORDS, max_size=2),
                "critical": st.sampled_from([[], ["CC"]]),
                "must_support": st.just([]),
                "dialog": st.none() | st.lists(dialogs(len(parties)), max_size=4),
                "analysis": st.lists(ANALYSES, max_size=3),
                "attachments": st.lists(ATTACHMENTS, max_size=3),
            },
        )
    )

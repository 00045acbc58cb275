"""Mastodon: signatures of both schemes, the vectors made outside included, and what a status says."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from tests.contract.provider_cases import folder_of

from cx_channels.dry_run import DEMO_NOW
from cx_channels.kit.example_keys import example_key
from cx_channels.provider import Connection, Request
from cx_channels.published_keys import HeldKeys, KeyUnknown
from cx_channels.social.mastodon import PROVIDER
from cx_channels.social.mastodon.account import Account, host_of
from cx_channels.social.mastodon.activity import Activity
from cx_channels.social.mastodon.keys import KEYS, keys_in
from cx_channels.social.mastodon.signature import SKEW, WINDOW, challenge, sign, verify
from cx_channels.social.mastodon.signed import digest_of, read_signed
from cx_channels.social.mastodon.words import words_of
from cx_events.errors import Fatal, Refused
from cx_events.timestamps import parse_time

SHARED = Path(__file__).parents[2].parent / "shared" / "providers" / "rsa-example-key.json"
ANA, BEN = "https://social.example/users/ana", "https://social.example/users/ben"
KEY_ID = f"{ANA}#main-key"
URL = "https://hub.example.com/v1/hooks/acme-fedi"
AT = parse_time("2026-11-28T09:00:00Z")
CREATED = 1_795_850_000 * 1_000_000
BODY = (
    b'{"@context":"https://www.w3.org/ns/activitystreams","id":"https://social.example/1","type":"Create",'
    b'"actor":"https://social.example/users/ana"}'
)
CAVAGE = (
    "f8V2NAlWJFzWcP2XWOvQ4rPQhGVBYndmkDnJBNda8RMqTrMTw3t+DiO7jBjKP5tax8VoZoKrNrlYPEFpETC9L+OWkNTqg49HukAJsRzHYG327bTn"
    "/cItfvSbpeoAruHyLo4h8csj4m3Naho/EHoaIUT26fd8zYTSrnU8nvJ/aCYTegtHvgsxjxXGQVRKBDC+5oC1AMFf52oe88rM449i6bItrnf31IU+"
    "P7YFQI0sZZNRkcDLjz3lKV5sTOi2r/SNpuJAl3kWyBtwMTQoZG0+38bCCy3CqldtMRLUofoNA2kU4TAYd9QGwhDhkw7Njvzn9TCjVWupWtDRGEOw"
    "1tXhzw=="
)
MESSAGE = (
    "R1Th/iwnqhV8BKmX1e9Ivl/JvVzerZKLOIuCZeV03964U4meSG2gEfHB0RM8Vb1DC5GCHhy0f36KmmMpQ01wAgNPkLF7yKD9hAaN3FNF479NvqK+"
    "nxtV6zjPQKKLzRTSF2dFAmy/qvg23dKERDMYbM89dJVHYOMNccBDScsjmajg6TfXYSShTOpz73F7w3DRHJvAhsuJP/wWiNeROcx9BxRhe3R4z7+Y"
    "F/KufETG/DNi8QZZ6xnQuYXFbHbgLOiRW2v95txjYYD+BncQyM45N7/0vEFfh5SLYS1l0MKjZa36Dq/Rzlyq+SDCcIDYqgf7h9I6JvmVHVOCKEt1"
    "DtqVTA=="
)


def actor(pem: str, owner: str = ANA) -> bytes:
    return json.dumps(
        {"id": owner, "type": "Person", "publicKey": {"id": f"{owner}#main-key", "owner": owner, "publicKeyPem": pem}}
    ).encode()


def connection(documents: Mapping[str, bytes] | None = None, **settings: Any) -> Connection:
    names = ("a name", "another name")
    given = Connection("acme-fedi", "acme", "social/mastodon", names, settings=settings)
    return replace(given, keys=HeldKeys(KEYS.published(given) if documents is None else documents))


def posted(
    body: bytes = BODY, at: int = AT, content_type: str = "application/activity+json", **headers: str
) -> Request:
    return Request(body, "POST", URL, (), {"content-type": content_type, **headers}, at)


def signed(body: bytes = BODY, at: int = AT, *, newer: bool = False) -> Request:
    content_type = "application/ld+json" if newer else "application/activity+json"
    return sign(posted(body, at, content_type), connection(), "a name")


def why(request: Request, through: Connection | None = None) -> str:
    try:
        verify(request, through or connection())
    except Refused as refused:
        return f"{refused.reason} {refused.status}"
    except KeyUnknown as unknown:
        return f"unknown {unknown.url}"
    return ""


def changed(request: Request, name: str, old: str, new: str) -> Request:
    assert old in request.headers[name]
    return replace(request, headers={**request.headers, name: request.headers[name].replace(old, new)})


@pytest.fixture
def outside() -> Connection:
    """A connection that has the key of the vectors, whose private half is not here."""
    if not SHARED.exists():
        pytest.skip("the vectors are not here")
    return connection({ANA: actor(json.loads(SHARED.read_bytes())["pem"])})


def vector_of_draft() -> Request:
    signature = (
        f'keyId="{KEY_ID}",algorithm="rsa-sha256",headers="(request-target) host date digest",signature="{CAVAGE}"'
    )
    digest = "SHA-256=K1gf3rLoa5ce6Wka/7Wvjbpto8RTVKXCCl6MOfq2o3Y="
    return posted(date="Sat, 28 Nov 2026 09:00:00 GMT", digest=digest, signature=signature)


def vector_of_message() -> Request:
    given = {
        "content-digest": "sha-256=:K1gf3rLoa5ce6Wka/7Wvjbpto8RTVKXCCl6MOfq2o3Y=:",
        "signature-input": f'sig1=("@method" "@target-uri" "content-digest");created=1795850000;keyid="{KEY_ID}"',
        "signature": f"sig1=:{MESSAGE}:",
    }
    return replace(posted(at=CREATED), headers=given)


@pytest.mark.parametrize("vector", [vector_of_draft, vector_of_message])
def test_signatures_made_outside_pass(outside: Connection, vector: Any) -> None:
    request = vector()
    assert why(request, outside) == ""
    assert why(replace(request, body=request.body + b" "), outside) == "bad-signature 401"
    assert why(replace(request, url=f"{URL}?x=1"), outside) == "bad-signature 401"
    assert why(replace(request, method="PUT"), outside) == "bad-signature 401"


def test_the_signed_bytes_are_those_of_the_schemes() -> None:
    assert sha256(read_signed(vector_of_draft()).content).hexdigest().startswith("6709417a0a59902243c9b40739de56e4")
    assert sha256(read_signed(vector_of_message()).content).hexdigest().startswith("8d670d228fca860019464ee5b5724dae")


@pytest.mark.parametrize("newer", [False, True])
def test_a_signature_is_valid_for_twelve_hours(newer: bool) -> None:
    request = signed(newer=newer)
    hour = 3_600 * 1_000_000
    for hours, passes in ((0, True), (12.9, True), (13.1, False), (-0.9, True), (-1.1, False)):
        later = replace(request, received=AT + int(hours * hour))
        assert why(later) == ("" if passes else "too-old 401"), hours
    assert (WINDOW, SKEW) == (12 * 3_600, 3_600)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("(request-target) host date digest", "host date digest"),
        ("(request-target) host date digest", "(request-target) date digest"),
        ("(request-target) host date digest", "(request-target) host digest"),
        ("(request-target) host date digest", "(request-target) host date"),
        ("(request-target) host date digest", "(request-target) host date digest digest"),
        ("(request-target) host date digest", "(request-target) host date digest (created)"),
        ('"rsa-sha256"', '"hmac-sha256"'),
        ('"rsa-sha256"', '"rsa-sha512"'),
        ("algorithm=", "algorithm2="),
        ('algorithm="rsa-sha256"', f'keyId="{BEN}#main-key"'),
        ('signature="', 'signature="A'),
        ('algorithm="rsa-sha256",', 'algorithm="rsa-sha256",signature="AA==",'),
    ],
)
def test_a_draft_signature_that_says_something_else_is_refused(old: str, new: str) -> None:
    assert why(changed(signed(), "signature", old, new)) == "bad-signature 401"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("signature-input", '"@method" ', ""),
        ("signature-input", '"@target-uri" ', ""),
        ("signature-input", ' "content-digest"', ""),
        ("signature-input", '"@method"', '"@method" "@method"'),
        ("signature-input", '"@method"', '"@method";req'),
        ("signature-input", ";created=", ";expires="),
        ("signature-input", ";keyid", ';alg="hmac-sha256";keyid'),
        ("signature-input", ";keyid", ";created=1;keyid"),
        ("signature-input", "sig1=", "sig2="),
        ("signature", "sig1=", "sig0=:AA==:, sig1="),
        ("signature", ":", ":A"),
        ("content-digest", "sha-256", "sha-512"),
        ("content-digest", "sha-256=:", "sha-256=:AA==:, sha-256=:"),
    ],
)
def test_a_message_signature_that_says_something_else_is_refused(name: str, old: str, new: str) -> None:
    assert why(changed(signed(newer=True), name, old, new)) == "bad-signature 401"


def test_headers_beyond_ascii_are_refused() -> None:
    assert why(changed(signed(), "date", "Sat", "Sát")) == "bad-signature 401"


def test_a_digest_must_be_there_and_be_the_bodys() -> None:
    request = signed()
    without = {name: value for name, value in request.headers.items() if name != "digest"}
    assert why(replace(request, headers=without)) == "bad-signature 401"
    assert why(replace(request, body=b"{}")) == "bad-signature 401"
    assert why(changed(request, "digest", "SHA-256=", "MD5=")) == "bad-signature 401"


def test_a_draft_signature_may_have_created_and_expires() -> None:
    seconds, host = AT // 1_000_000, "hub.example.com"
    digest = f"sha-256={digest_of(BODY)}"
    base = (
        f"(request-target): post /v1/hooks/acme-fedi\nhost: {host}\n(created): {seconds}\n(expires): {seconds + 60}\n"
        f"digest: {digest}"
    )
    made = b64encode(example_key("a name").sign(base.encode(), PKCS1v15(), SHA256())).decode()
    header = (
        f'keyId="{KEY_ID}",algorithm="hs2019",created={seconds},expires={seconds + 60},'
        f'headers="(request-target) host (created) (expires) digest",signature="{made}"'
    )
    request = posted(digest=digest, signature=header)
    assert why(request) == ""
    assert why(replace(request, received=AT + (60 + SKEW + 1) * 1_000_000)) == "too-old 401"
    assert why(changed(request, "signature", f"expires={seconds + 60},", f"expires={seconds + 9999},")) != ""


def test_an_unknown_key_may_come_a_wrong_one_not() -> None:
    assert why(signed(), connection({})) == f"unknown {ANA}"
    renamed = connection({ANA: actor("no key")})
    assert why(signed(), renamed) == f"unknown {ANA}"
    strange = sign(posted(), connection(), "somebody else's name")
    assert why(strange) == "bad-signature 401"


class Watched(HeldKeys):
    """Keys that remember what they were asked to fetch."""

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        super().__init__(documents)
        self.wanted: list[str] = []

    def want(self, url: str) -> None:
        self.wanted.append(url)


def test_a_wrong_signature_has_the_key_fetched_anew() -> None:
    through = connection()
    keys = Watched(KEYS.published(through))
    assert why(sign(posted(), through, "a changed key"), replace(through, keys=keys)) == "bad-signature 401"
    assert keys.wanted == [ANA]


def test_only_the_activitys_own_actor_may_sign_it() -> None:
    for other in (BEN, "https://elsewhere.example/users/ana"):
        body = BODY.replace(ANA.encode(), other.encode())
        # signed by Ana, whatever the body says
        by_ana = signed()
        forged = sign(posted(body), connection(), "a name")
        header = forged.headers["signature"].replace(f'keyId="{other}', f'keyId="{ANA}')
        assert why(replace(forged, headers={**forged.headers, "signature": header})) == "not-the-actor 403"
        assert by_ana.headers["digest"] != forged.headers["digest"]
    assert why(signed(b'{"type":"Create"}')) == "bad-signature 401"
    assert why(signed(b"[1]")) == "bad-signature 401"


def test_peers_narrow_the_servers() -> None:
    assert why(signed(), connection(peers=["*.example.org"])) == "no-peer 403"
    assert why(signed(), connection(peers=["social.*"])) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://social.example/users/ana", "https://127.0.0.1/users/ana", "https://[::1]/a", "https://localhost/a",
        "https://social.example:8443/users/ana", "https://user@social.example/a", "https://social.example\n/a",
        "https://169.254.169.254/latest", "https://0x7f000001/a", "https://social.example/" + "a" * 500, "",
    ],
)  # fmt: skip
def test_keys_are_fetched_from_named_public_hosts_alone(url: str) -> None:
    assert not KEYS.allows(url, connection())


def test_documents_of_another_host_are_no_keys() -> None:
    ours = KEYS.published(connection())[ANA]
    assert KEYS.lasting(ANA, ours, AT).fresh > 0
    for url, document in (("https://elsewhere.example/a", ours), (ANA, b"{}"), (ANA, b"<html>")):
        with pytest.raises(ValueError, match="document"):
            KEYS.lasting(url, document, AT)
    assert keys_in(b'{"publicKey":{"id":"x","owner":"y","publicKeyPem":"junk"}}') == {}


def test_no_key_is_fetched_for_a_gone_account() -> None:
    gone = json.dumps({"type": "Delete", "actor": ANA, "object": ANA, "id": f"{ANA}#delete"}).encode()
    answer = challenge(posted(gone), connection({}))
    assert answer is not None
    assert answer.status == 202
    assert challenge(posted(gone), connection()) is None  # its key is here: it is checked
    status = json.dumps({"type": "Delete", "actor": ANA, "object": f"{ANA}/statuses/1"}).encode()
    assert challenge(posted(status), connection({})) is None
    assert challenge(posted(b'"Delete"['), connection({})) is None


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain &lt;b&gt; &amp; more", "plain <b> & more"),
        ("<p>one</p><p>two<br />three</p>", "one\n\ntwo\nthree"),
        ('<p>a<br>\n<a href="https://e.example/x">https://e.example/x</a></p>', "a\n\nhttps://e.example/x"),
        ('<a href="https://e.example/x">see</a>.', "see (https://e.example/x)."),
        ('<a href="https://e.example/">e.example</a>', "e.example"),
        ('<a class="mention" href="https://e.example/@a">@a</a>', "@a"),
        ('<a href="https://e.example/tags/x" rel="tag">#x</a>', "#x"),
        ("<p>1 &lt; 2</p>", "1 < 2"),
        ('<p title="1 > 0">x</p>', "x"),
        ("<p></p>", ""),
        ("a <3 b", "a <3 b"),
        ("<p>a < b <br>c <</p>", "a < b \nc <"),
        ('<a href="https://e.example/@a" class="u-url mention">@<span>a</span></a> hi', "@a hi"),
    ],
)
def test_html_is_told_as_text_without_loss(html: str, text: str) -> None:
    assert words_of(html)[0] == text


def test_markup_that_text_can_not_say_is_kept_safe() -> None:
    words, html = words_of("<ul><li>a</li></ul><script>x</script>")
    assert words == "- a"
    assert html == "<ul><li>a</li></ul>"


@pytest.mark.parametrize(
    "uri",
    [
        "https://social.example/1", "http://social.example/1", "HTTPS://SOCIAL.example/1", "https://social.example",
        "https://social.example.evil/1", "https://social.example@evil/1", "https://social.example:8/1", "x", "",
    ],
)  # fmt: skip
def test_an_id_is_foreign_by_its_host(uri: str) -> None:
    activity = Activity(Account.of(connection()), {}, ANA, host_of(ANA))
    assert activity.is_foreign(uri) == (host_of(uri) != "social.example")


def test_both_doors_tell_one_event() -> None:
    folder = folder_of(PROVIDER) / "fixtures"
    note = json.loads((folder / "a-mention.json").read_bytes())
    told = json.loads((folder / "mention.message.json").read_bytes())
    told["payload"]["status"]["uri"] = note["object"]["id"]
    through = connection(accounts=["https://acme.example/users/support", "https://acme.example/@support"])
    one = PROVIDER.map(posted(json.dumps(note).encode()), through).drafts[0]
    other = PROVIDER.map(Request(json.dumps(told).encode(), "MESSAGE", received=DEMO_NOW), through).drafts[0]
    assert (one.id, one.type, one.data.interaction) == (other.id, other.type, other.data.interaction)
    assert one.data.participants[0].identifiers == other.data.participants[0].identifiers
    assert one.data.message is not None
    assert other.data.message is not None
    assert one.data.message.id == other.data.message.id


def test_an_inbox_can_not_speak_as_the_accounts_server() -> None:
    told = b'{"event":"notification","payload":{"type":"mention"},"actor":"https://social.example/users/ana"}'
    mapped = PROVIDER.map(posted(told), connection())
    assert not mapped.drafts
    assert mapped.unmapped[0].reason.startswith("unknown-kind")


@pytest.mark.parametrize(
    "settings",
    [
        {"server": "http://social.example"}, {"server": "https://social.example/path"}, {"server": 7},
        {"server": "https://social.example", "since": "yesterday"}, {"accounts": ["@support"]},
        {"server": "https://social.example", "poll_seconds": 1},
    ],
)  # fmt: skip
def test_settings_that_can_not_be_meant_stop_the_start(settings: dict[str, Any]) -> None:
    with pytest.raises(Fatal, match=r"settings|since"):
        PROVIDER.warnings(connection(**settings))


def test_a_connection_asks_only_where_it_names_a_server() -> None:
    assert not PROVIDER.asks(connection())
    assert PROVIDER.asks(connection(server="https://social.example"))
    assert PROVIDER.warnings(connection())
    assert not PROVIDER.warnings(connection(server="https://social.example"))

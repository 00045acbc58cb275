"""Faults to plant in a provider, each with the check of the contract that must see it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import msgspec
from tests.contract import mapping_checks, signature_checks
from tests.contract.provider_cases import with_keys

from cx_channels.dry_run import DEMO_NOW
from cx_channels.kit.signing import check_age
from cx_channels.provider import Connection, Ignored, Mapped, Provider, Request, Signature
from cx_events.errors import Refused

Verify = Callable[[Request, Connection], None]
Map = Callable[[Request, Connection], Mapped]


# --- faults in verify -------------------------------------------------------------------------------------------------


def verify_of(provider: Provider) -> Verify:
    assert provider.verify is not None
    return provider.verify


def scheme_of(provider: Provider, connection: Connection) -> Signature:
    scheme = provider.scheme(connection)
    assert scheme is not None
    return scheme


def refuses_everything(_provider: Provider) -> Verify:
    def verify(_request: Request, _connection: Connection) -> None:
        raise Refused("bad-signature", "nobody may send", 401)

    return verify


def accepts_anything_non_empty(provider: Provider) -> Verify:
    assert provider.signature is not None

    def verify(request: Request, connection: Connection) -> None:
        names = scheme_of(provider, connection).headers
        if not all(request.headers.get(name) for name in names):
            raise Refused("missing-signature", "there is none", 401)

    return verify


def accepts_everything(_provider: Provider) -> Verify:
    return lambda _request, _connection: None


def knows_the_first_secret_only(provider: Provider) -> Verify:
    check = verify_of(provider)
    return lambda request, connection: check(
        request, with_keys(provider, replace(connection, secrets=connection.secrets[:1]))
    )


def by_comparing(provider: Provider, seen: Callable[[Request], Request], equal: Callable[[str, str], bool]) -> Verify:
    """Return a check that signs what it sees of a request itself, and compares."""
    assert provider.sign is not None
    assert provider.signature is not None
    sign = provider.sign

    def verify(request: Request, connection: Connection) -> None:
        scheme = scheme_of(provider, connection)
        names = scheme.headers
        given = [request.headers.get(name, "") for name in names] or [request.body.decode("utf-8", "replace")]
        shown = seen(replace(request, received=DEMO_NOW))  # when all checks sign
        if scheme.tolerance_seconds is not None:
            check_age(DEMO_NOW, request.received, scheme.tolerance_seconds, header="the time")
        if scheme.ahead_seconds is not None and request.received < DEMO_NOW - scheme.ahead_seconds * 1_000_000:
            raise Refused("too-old", "the time lies in the future", 401)
        for secret in connection.secrets:
            expected = sign(shown, connection, secret)
            if shown.url not in ("", expected.url):  # where a digest in the query is part of the signature
                continue
            made = [expected.headers.get(name, "") for name in names] or [expected.body.decode("utf-8", "replace")]
            if secret and _all_equal(equal, given, made):
                return
        raise Refused("bad-signature", "none of the secrets", 401)

    return verify


def _all_equal(equal: Callable[[str, str], bool], given: list[str], expected: list[str]) -> bool:
    """Return whether all headers are equal that either request has; a vendor may use one of several."""
    found = [equal(*pair) for pair in zip(given, expected, strict=True) if any(pair)]
    return bool(found) and all(found)


def equal_bytes(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def hashes_ten_bytes(provider: Provider) -> Provider:
    assert provider.sign is not None
    sign = provider.sign

    def short(request: Request) -> Request:
        return replace(request, body=request.body[:10])

    def sign_short(request: Request, connection: Connection, secret: str) -> Request:
        signed = sign(short(request), connection, secret)
        return replace(signed, body=request.body)

    return replace(provider, verify=by_comparing(provider, short, equal_bytes), sign=sign_short)


def ignores_the_url(provider: Provider) -> Provider:
    assert provider.sign is not None
    sign = provider.sign

    def anywhere(request: Request) -> Request:
        return replace(request, url="")

    def sign_anywhere(request: Request, connection: Connection, secret: str) -> Request:
        return replace(sign(anywhere(request), connection, secret), url=request.url)

    return replace(provider, verify=by_comparing(provider, anywhere, equal_bytes), sign=sign_anywhere)


def ignores_the_age(provider: Provider) -> Provider:
    check = verify_of(provider)

    def verify(request: Request, connection: Connection) -> None:
        try:
            check(request, connection)
        except Refused as refused:
            if refused.reason != "too-old":
                raise

    return replace(provider, verify=verify)


def compares_in_any_case(provider: Provider) -> Provider:
    return replace(provider, verify=by_comparing(provider, lambda request: request, _equal_in_any_case))


def _equal_in_any_case(given: str, expected: str) -> bool:
    return equal_bytes(given.lower(), expected.lower())


def accepts_an_empty_secret(provider: Provider) -> Provider:
    check = verify_of(provider)
    assert provider.sign is not None
    sign = provider.sign
    assert provider.signature is not None

    def verify(request: Request, connection: Connection) -> None:
        names = scheme_of(provider, connection).headers
        for secret in ("", ":"):
            expected = sign(request, connection, secret)
            if all(request.headers.get(name) == expected.headers.get(name) for name in names):
                return
        check(request, connection)

    return replace(provider, verify=verify)


def checks_part_of_the_header(provider: Provider) -> Provider:
    return replace(provider, verify=by_comparing(provider, lambda request: request, _equal_at_the_begin))


def _equal_at_the_begin(given: str, expected: str) -> bool:
    half = len(expected) // 2
    return bool(given) and equal_bytes(given[:half], expected[:half])


def faulty_checks(provider: Provider) -> Iterator[tuple[str, Provider, str]]:
    """Yield a provider with each fault that its scheme can have, and the check that must see it."""
    assert provider.signature is not None
    for fault, check in (
        (refuses_everything, "signed_passes"),
        (accepts_anything_non_empty, "unsigned_fails"),
        (accepts_everything, "unsigned_fails"),
        (knows_the_first_secret_only, "signed_passes"),
    ):
        yield fault.__name__, replace(provider, verify=fault(provider)), check
    yield "accepts_an_empty_secret", accepts_an_empty_secret(provider), "empty_secret_fails"
    covered, covered_by_headers = signature_checks.covered_by(provider)
    if provider.signature.headers:  # else the body carries the signature, and each bit of it is tried
        yield "checks_part_of_the_header", checks_part_of_the_header(provider), "header_is_covered"
    if "body" in covered_by_headers:
        yield "hashes_ten_bytes", hashes_ten_bytes(provider), "body_is_covered"
    if "url" in covered:
        yield "ignores_the_url", ignores_the_url(provider), "url_is_covered"
    if "time" in covered:
        yield "ignores_the_age", ignores_the_age(provider), "time_is_covered"
    if not signature_checks.is_hex_signature(provider):  # hex may be written in any case
        yield "compares_in_any_case", compares_in_any_case(provider), "header_is_covered"


# --- faults in map and in the tables ----------------------------------------------------------------------------------


def drops_drafts(map_: Map) -> Map:
    return lambda request, connection: msgspec.structs.replace(map_(request, connection), drafts=())


def with_ids(map_: Map, id_of: Callable[[Request, int, str], str]) -> Map:
    def map_request(request: Request, connection: Connection) -> Mapped:
        mapped = map_(request, connection)
        drafts = [
            msgspec.structs.replace(draft, id=id_of(request, place, draft.id))
            for place, draft in enumerate(mapped.drafts)
        ]
        return msgspec.structs.replace(mapped, drafts=tuple(drafts))

    return map_request


def changes_ids_with_each_call(map_: Map) -> Map:
    calls = count()
    return with_ids(map_, lambda _request, _place, own: f"{own}/{next(calls)}")


def makes_ids_of_the_clock(map_: Map) -> Map:
    return with_ids(map_, lambda request, _place, own: f"{own}/{request.received}")


def makes_ids_of_the_order(map_: Map) -> Map:
    return with_ids(map_, lambda _request, place, _own: f"event/{place}")


def makes_long_ids(map_: Map) -> Map:
    return with_ids(map_, lambda _request, _place, own: own + "x" * 2000)


def ignores_what_is_said(map_: Map) -> Map:
    def map_request(request: Request, connection: Connection) -> Mapped:
        mapped = map_(request, connection)
        return Mapped(ignored=(Ignored("something", "a fault"),)) if mapped.drafts else mapped

    return map_request


def keeps_nothing_of_the_original(map_: Map) -> Map:
    def map_request(request: Request, connection: Connection) -> Mapped:
        mapped = map_(request, connection)
        drafts = [
            msgspec.structs.replace(draft, data=msgspec.structs.replace(draft.data, raw=None))
            for draft in mapped.drafts
        ]
        return msgspec.structs.replace(mapped, drafts=tuple(drafts))

    return map_request


FAULTS_OF_MAP: tuple[tuple[Callable[[Map], Map], str], ...] = (
    (drops_drafts, "golden_files"),
    (changes_ids_with_each_call, "repeats_are_the_same"),
    (makes_ids_of_the_clock, "repeats_are_the_same"),
    (makes_ids_of_the_order, "ids_are_distinct"),
    (makes_long_ids, "events_are_valid"),
    (ignores_what_is_said, "kinds_are_reached"),
    (keeps_nothing_of_the_original, "events_are_valid"),
)


def faulty_tables(provider: Provider) -> Iterator[tuple[str, Provider, str]]:
    """Yield a provider with each fault of its mapping and its tables, and the check that must see it."""
    for fault, check in FAULTS_OF_MAP:
        yield fault.__name__, replace(provider, map=fault(provider.map)), check
    for becomes in ("cx.message.received.v1", "ignored: nobody sends it", "kept: nobody sends it"):
        kinds = {**provider.kinds, "a kind that nothing reaches": becomes}
        yield f"declares_what_nothing_reaches, {becomes}", replace(provider, kinds=kinds), "kinds_are_reached"
    weights: Any = {**provider.weights, "shoe-size": {"proved": "a fault that no fixture shows"}}
    yield "declares_a_weight_too_many", replace(provider, weights=weights), "weights_are_shown"
    yield "declares_no_weights", replace(provider, weights={}), "events_are_valid"


CHECKS = {"declared": signature_checks.check_declared, **signature_checks.CHECKS, **mapping_checks.CHECKS}
"""Every check of the contract, by its name."""


def faulty_variants(provider: Provider) -> Iterator[tuple[str, Provider, str]]:
    """Yield a provider with every fault, and the name of the check that must see it."""
    yield from faulty_tables(provider)
    if provider.verify is not None:
        yield from faulty_checks(provider)
        yield "cannot_sign", replace(provider, sign=None), "declared"
        yield "declares_nothing", replace(provider, signature=None, signature_of=None), "declared"


def rebuilt_check(provider: Provider) -> Provider:
    """Return a provider with the check in which the faults are planted, still without one."""
    return replace(provider, verify=by_comparing(provider, lambda request: request, equal_bytes))

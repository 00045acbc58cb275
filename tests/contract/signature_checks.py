"""Check what must hold of each provider's ``verify`` and ``sign``, derived from what it declares of its signature.

Each check raises ``AssertionError`` with a sentence that says what to do. The suite runs them for every provider; the
mutation test runs them for faulty ones and must see them fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from tests.contract.provider_cases import Case, cases_of, readable_requests, with_keys

from cx_channels.dry_run import DEMO_NOW
from cx_channels.provider import COVERABLE, FETCHED, Connection, Provider, Request, Signature
from cx_channels.published_keys import KeyUnknown
from cx_events.errors import Refused

SECOND = 1_000_000
_FLIPS = 48
"""Places at which a content is changed, evenly spread, the first and the last among them."""
_A_YEAR = 365 * 86_400 * SECOND


def check_declared(provider: Provider) -> None:
    """``verify``, ``sign`` and ``signature`` stand together, and each gap has its reason."""
    if provider.verify is None:
        assert provider.sign is None, "sign: without verify nobody checks it"
        assert provider.signature is None, "signature: without verify nobody checks it"
        assert len(provider.unsigned) > 10, "unsigned: say why nothing signs what is read"
        return
    assert provider.sign is not None, "sign: return the request as the vendor signs it, with one secret"
    assert provider.signature is not None, "signature: say which headers carry it and what it covers"
    _check_scheme(provider, provider.signature)
    if provider.signature_of is not None:
        for case in cases_of(provider):
            _check_scheme(provider, _scheme(provider, case.connection(provider)))


def _check_scheme(provider: Provider, scheme: Signature) -> None:
    assert not provider.unsigned, "unsigned: but there is a verify"
    named = [*scheme.covers, *scheme.gaps, *scheme.partly]
    assert set(named) == set(COVERABLE), (
        f"signature: each of {', '.join(COVERABLE)} is covered, or partly, or a gap, with its reason"
    )
    assert len(named) == len(set(named)), "signature: covered and a gap at once"
    assert all(len(why) > 10 for why in (*scheme.gaps.values(), *scheme.partly.values())), (
        "signature.gaps: give a reason, with the vendor's page"
    )
    assert ("time" in scheme.covers) is (scheme.tolerance_seconds is not None), (
        "signature.tolerance_seconds: how old may a signed time be? Only where time is covered"
    )
    assert all(name == name.lower() for name in scheme.headers), "signature.headers: in lower case"
    assert len(set(scheme.example_secrets)) == 3, "signature.example_secrets: three different ones"


def check_signed_passes(provider: Provider) -> None:
    """What any of the connection's secrets signed passes, the first as the second."""
    for case, request, connection in _cases(provider):
        for place, secret in enumerate(connection.secrets):
            signed = _sign(provider, request, connection, secret)
            assert _passes(provider, signed, connection), (
                f"{case.name}: what secret {place + 1} of 2 signed is refused: {_why(provider, signed, connection)}"
            )


def check_unsigned_fails(provider: Provider) -> None:
    """A request without the headers, with empty ones, or with nonsense in them is refused with 401 or 403."""
    for case, request, connection in _cases(provider):
        scheme = _scheme(provider, connection)
        for wrong in (None, "", " ", "x", "bm90IGEgc2lnbmF0dXJl", "sha256=" + "0" * 64, "v1,bm90IGEgc2lnbmF0dXJl", "é"):
            given = {} if wrong is None else dict.fromkeys(scheme.headers, wrong)
            bare = {name: value for name, value in request.headers.items() if name not in scheme.headers}
            forged = replace(request, headers={**bare, **given})
            _assert_refused(provider, forged, connection, f"{case.name}: with the signature {wrong!r}")


def check_wrong_secret_fails(provider: Provider) -> None:
    """What somebody else's secret signed is refused, and the refusal tells no secret."""
    for case, request, connection in _cases(provider):
        wrong = _scheme(provider, connection).example_secrets[2]
        forged = _sign(provider, request, connection, wrong)
        _assert_refused(provider, forged, connection, f"{case.name}: signed with a secret that is not the connection's")


def check_empty_secret_fails(provider: Provider) -> None:
    """A connection without a secret, or with an empty one, lets nothing pass."""
    for case, request, connection in _cases(provider):
        good = _scheme(provider, connection).example_secrets[0]
        for secrets in ((), ("",), ("", good)):
            lax = replace(connection, secrets=secrets)
            for secret in ("", ":", " "):
                forged = _sign(provider, request, lax, secret)
                _assert_refused(provider, forged, lax, f"{case.name}: signed with {secret!r} for secrets {secrets!r}")


def check_header_is_covered(provider: Provider) -> None:
    """Each character of the headers that carry the signature counts, and so does its case unless it is hex."""
    for case, request, connection in _cases(provider):
        scheme = _scheme(provider, connection)
        signed = _sign(provider, request, connection, connection.secrets[0])
        for name in scheme.headers:
            if name not in signed.headers:
                continue
            value = signed.headers[name]
            changed = [flipped.decode("latin-1") for flipped in _flipped(value.encode("latin-1"))]
            if not _is_hex(value) and _with_other_case(value) != value:
                changed.append(_with_other_case(value))
            changed += [value[:-1], value + "A"]
            for other in changed:
                forged = replace(signed, headers={**signed.headers, name: other})
                _assert_refused(
                    provider, forged, connection, f"{case.name}: {name} changed from {value!r} to {other!r}"
                )


def check_body_is_covered(provider: Provider) -> None:
    """A body that was changed anywhere is refused; where the body is declared a gap, it is one."""
    for case, request, connection in _cases(provider):
        signed = _sign(provider, request, connection, connection.secrets[0])
        changed = [*_flipped(signed.body), signed.body + b" x"] if signed.body else []
        others = (replace(signed, body=body) for body in changed)
        _assert_covered(provider, connection, "body", others, f"{case.name}: the body was changed")


def check_url_is_covered(provider: Provider) -> None:
    """A URL that was changed anywhere is refused; where the URL is declared a gap, it is one."""
    for case, request, connection in _cases(provider):
        signed = _sign(provider, request, connection, connection.secrets[0])
        changed = [*(each.decode() for each in _flipped(signed.url.encode())), signed.url + "/more"]
        others = (replace(signed, url=url) for url in changed)
        _assert_covered(provider, connection, "url", others, f"{case.name}: the URL was changed")


def check_time_is_covered(provider: Provider) -> None:
    """What was signed too long ago, or is signed for the future, is refused; within the tolerance it passes."""
    for case, request, connection in _cases(provider):
        scheme = _scheme(provider, connection)
        signed = _sign(provider, request, connection, connection.secrets[0])
        if scheme.tolerance_seconds is None:
            for away in (-_A_YEAR, _A_YEAR):
                later = replace(signed, received=signed.received + away)
                assert _passes(provider, later, connection), (
                    f"{case.name}: signature.gaps names time, but a time is checked: declare it as covered"
                )
            continue
        tolerance = scheme.tolerance_seconds * SECOND
        ahead = tolerance if scheme.ahead_seconds is None else scheme.ahead_seconds * SECOND
        for away in (-ahead + SECOND, tolerance - SECOND):
            soon = replace(signed, received=signed.received + away)
            assert _passes(provider, soon, connection), f"{case.name}: refused though within the tolerance"
        for away in (-_A_YEAR, -ahead - 2 * SECOND, tolerance + 2 * SECOND, _A_YEAR):
            stale = replace(signed, received=signed.received + away)
            _assert_refused(provider, stale, connection, f"{case.name}: signed {away // SECOND} s off")


CHECKS: Mapping[str, Callable[[Provider], None]] = {
    check.__name__.removeprefix("check_"): check
    for check in (
        check_signed_passes,
        check_unsigned_fails,
        check_wrong_secret_fails,
        check_empty_secret_fails,
        check_header_is_covered,
        check_body_is_covered,
        check_url_is_covered,
        check_time_is_covered,
    )
}
"""Those that need ``sign``, by what they check."""


def is_hex_signature(provider: Provider) -> bool:
    """Return whether the signature is written in hex, whose digits may be of either case."""
    _, request, connection = next(_cases(provider))
    signed = _sign(provider, request, connection, connection.secrets[0])
    return all(
        _is_hex(signed.headers[name]) for name in _scheme(provider, connection).headers if name in signed.headers
    )


def covered_by(provider: Provider) -> tuple[set[str], set[str]]:
    """Return what any of the provider's signatures covers, and what those that headers carry cover."""
    schemes = [_scheme(provider, connection) for _, _, connection in _cases(provider)]
    covered = {each for scheme in schemes for each in scheme.covers}
    return covered, {each for scheme in schemes if scheme.headers for each in scheme.covers}


def _scheme(provider: Provider, connection: Connection) -> Signature:
    scheme = provider.scheme(connection)
    assert scheme is not None, "signature: nothing is declared"
    return scheme


def _cases(provider: Provider) -> Iterator[tuple[Case, Request, Connection]]:
    """Yield requests of each method, content type and scheme: signing differs by these, not by what a notice says."""
    check_declared(provider)
    seen: dict[tuple[object, ...], int] = {}
    for case, request in readable_requests(provider):
        connection = case.connection(provider)
        if request.method == FETCHED and provider.transport == "webhook":
            continue  # we fetched it ourselves: nobody signs it
        scheme = _scheme(provider, connection)
        shape = request.method, request.content_type, scheme.headers, scheme.covers
        # HEAD and GET may be questions that ``challenge`` answers; they are signed like everything else.
        if seen.setdefault(shape, 0) < 2:
            seen[shape] += 1
            signing = replace(connection, secrets=scheme.example_secrets[:2])
            yield case, replace(request, received=DEMO_NOW), signing
    assert seen, "fixtures/: there is no request to sign"


def _sign(provider: Provider, request: Request, connection: Connection, secret: str) -> Request:
    assert provider.sign is not None, "sign: missing"
    return provider.sign(request, connection, secret)


def _passes(provider: Provider, request: Request, connection: Connection) -> bool:
    return not _why(provider, request, connection)


def _why(provider: Provider, request: Request, connection: Connection) -> str:
    assert provider.verify is not None, "verify: missing"
    try:
        # A fresh request: nothing that was read of another one may be remembered.
        provider.verify(replace(request), with_keys(provider, connection))
    except KeyUnknown as unknown:
        return str(unknown)
    except Refused as refused:
        assert refused.status in (401, 403), f"verify: refuse with 401 or 403, not {refused.status}"
        for secret in connection.secrets:
            assert not secret.strip() or secret not in str(refused), "verify: a refusal must not tell a secret"
        return f"{refused.reason}: {refused.detail}"
    return ""


def _assert_refused(provider: Provider, request: Request, connection: Connection, what: str) -> None:
    assert not _passes(provider, request, connection), f"{what}, and it passes"


def _assert_covered(provider: Provider, connection: Connection, what: str, others: Iterator[Request], how: str) -> None:
    if what in _scheme(provider, connection).covers:
        for other in others:
            _assert_refused(provider, other, connection, how)
        return
    if what in _scheme(provider, connection).partly:
        passed = [_passes(provider, other, connection) for other in others]
        assert not all(passed), f"{how} and it always passes: signature.partly names it, declare it as a gap"
        assert any(passed), f"{how} and never passes: signature.partly names it, declare it as covered"
        return
    for other in others:
        assert _passes(provider, other, connection), (
            f"{how} and refused: signature.gaps names it, declare it as covered"
        )


def _flipped(content: bytes) -> Iterator[bytes]:
    """Yield a content with one bit changed, at ``_FLIPS`` places from first to last."""
    last = len(content) - 1
    places = sorted({last * step // max(_FLIPS - 1, 1) for step in range(_FLIPS)}) if content else []
    for place in places:
        # An ASCII character becomes its neighbour, so a letter stays one and never only changes its case.
        yield content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def _is_hex(value: str) -> bool:
    digits = value.rpartition("=")[2]
    return bool(digits) and len(digits) % 2 == 0 and all(each in "0123456789abcdefABCDEF" for each in digits)


def _with_other_case(value: str) -> str:
    """Return a value with the case of all that follows its scheme changed: ``Basic`` may be written in any."""
    scheme, blank, rest = value.rpartition(" ")
    return f"{scheme}{blank}{rest.swapcase()}"

"""The hub's identity at AWS and roles: where a key comes from, until when it is used, and who gets none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.aws_identities import ROLE, Identities, environment
from tests.http_vendor import Told, serving

from cx_channels.aws_login.keys import AwsKeys
from cx_channels.kit.aws.identity import AwsLogin
from cx_channels.kit.aws.signing import AwsKey
from cx_events.errors import Refused, TryLater

WAYS = ("variables", "service account", "container", "instance")
STATIC = AwsKey("AKIAIOSFODNN7EXAMPLE", "a+secret")


def login(key: AwsKey | None = None, tenant: str = "acme", **more: Any) -> AwsLogin:
    return AwsLogin(tenant, "acme-connect", "eu-central-1", key, **more)


@pytest.fixture
async def aws() -> AsyncIterator[Identities]:
    vendor = Identities()
    async with serving(vendor) as port:
        vendor.settings = {"port": port}
        yield vendor


def keys(aws: Identities, folder: Path, way: str = "variables", *tenants: str, **given: str) -> AwsKeys:
    around = {**environment(way, aws.settings["port"], folder), **given}
    return AwsKeys(around, frozenset(tenants or ("acme",)), lambda: aws.now)


@pytest.mark.parametrize("way", WAYS)
async def test_the_hubs_identity_is_found_where_aws_puts_it(aws: Identities, tmp_path: Path, way: str) -> None:
    of = keys(aws, tmp_path, way)
    found = await of.key(login())
    assert found.id == ("AKIAIOSFODNN7EXAMPLE" if way == "variables" else "ASIA0000000000000001")
    assert await of.key(login(tenant="acme")) == found
    assert aws.given == (0 if way == "variables" else 1)


@pytest.mark.parametrize("way", WAYS)
async def test_it_assumes_a_role_with_an_external_id(aws: Identities, tmp_path: Path, way: str) -> None:
    aws.external_id = "acme-7f3a"
    of = keys(aws, tmp_path, way)
    found = await of.key(login(role=ROLE, external_id="acme-7f3a"))
    assert (found.id, found.token) == (f"ASIA000000000000000{aws.given}", f"t-{found.id}")
    with pytest.raises(Refused, match=r"AssumeRole of .*AccessDenied") as why:
        await of.key(login(role=ROLE, external_id="another"))
    assert why.value.reason == "access-denied"


async def test_a_key_of_its_own_needs_no_leave(aws: Identities, tmp_path: Path) -> None:
    of = keys(aws, tmp_path, "instance", "nobody")
    assert await of.key(login(STATIC)) is STATIC
    assert (await of.key(login(STATIC, role=ROLE))).id == "ASIA0000000000000001"
    assert all("/latest/" not in each.path for each in aws.got)


async def test_nobody_uses_the_hubs_identity_without_leave(aws: Identities, tmp_path: Path) -> None:
    for tenants in ((), ("other", "acm"), ("acme ",)):
        of = AwsKeys(environment("instance", aws.settings["port"], tmp_path), frozenset(tenants), lambda: aws.now)
        for asked in (login(), login(role=ROLE)):
            with pytest.raises(Refused, match="CX_AWS_TENANTS does not list acme") as why:
                await of.key(asked)
            assert why.value.reason == "not-allowed"
    assert not aws.got
    assert (await keys(aws, tmp_path, "instance", "*").key(login())).id


async def test_a_key_is_renewed_before_it_ends(aws: Identities, tmp_path: Path) -> None:
    of = keys(aws, tmp_path, "service account")
    first = await of.key(login(role=ROLE))
    aws.now += aws.lasts - 310
    assert await of.key(login(role=ROLE)) == first
    aws.now += 20
    second = await of.key(login(role=ROLE))
    assert second != first and aws.given == 4


async def test_a_key_is_used_while_no_other_comes(aws: Identities, tmp_path: Path) -> None:
    of = keys(aws, tmp_path, "service account")
    first = await of.key(login())
    aws.refuses = "ServiceUnavailable"
    aws.now += aws.lasts - 200
    asked = len(aws.got)
    for _ in range(3):
        assert await of.key(login()) == first
    assert len(aws.got) == asked + 1, "it is not asked for at each request"
    aws.now += 180
    with pytest.raises(TryLater, match="ServiceUnavailable"):
        await of.key(login())
    aws.refuses = ""
    assert await of.key(login()) != first


@pytest.mark.parametrize(
    ("way", "given", "told"),
    [
        ("service account", {"AWS_ROLE_ARN": ""}, "AWS_ROLE_ARN is missing"),
        ("service account", {"AWS_ROLE_ARN": ROLE}, "InvalidIdentityToken"),
        ("service account", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere"}, "AWS_WEB_IDENTITY_TOKEN_FILE can't be read"),
        ("container", {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://10.0.0.1/k"}, "neither https:// nor"),
        ("container", {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": ""}, "answers 403"),
        ("instance", {"AWS_EC2_METADATA_DISABLED": "true"}, "AWS_EC2_METADATA_DISABLED"),
        ("instance", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"}, "no metadata of EC2 answer"),
    ],
)
async def test_what_is_missing_is_said(
    aws: Identities, tmp_path: Path, way: str, given: dict[str, str], told: str
) -> None:
    with pytest.raises((Refused, TryLater), match=told):
        await keys(aws, tmp_path, way, **given).key(login())


async def test_bad_answers_are_told(aws: Identities, tmp_path: Path) -> None:
    aws.has_role = False
    with pytest.raises(Refused, match="this instance has no role"):
        await keys(aws, tmp_path, "instance").key(login())
    aws.next_answers = [Told({"AccessKeyId": "ASIA1"})]
    with pytest.raises(TryLater, match="has no key"):
        await keys(aws, tmp_path, "container").key(login())
    aws.next_answers = [Told(b"no XML at all", 200)]
    with pytest.raises(TryLater, match="200"):
        await keys(aws, tmp_path, "service account").key(login())

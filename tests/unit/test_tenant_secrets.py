"""Secrets that are empty, halved or shared stop the start, and the error says where they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cx_events.errors import Fatal
from cx_runtime.tenants import Tenants, load

ID_KEY = "a lasting secret of {}"


def tenant(name: str, **body: Any) -> dict[str, Any]:
    return {"id_key": ID_KEY.format(name), **body}


def key(secret: str, id: str = "desk") -> dict[str, Any]:
    return {"id": id, "secret": secret, "scopes": ["*"]}


def connection(*secrets: str, **settings: Any) -> dict[str, Any]:
    return {"provider": "email/postmark", "secrets": list(secrets), "settings": settings}


def loaded(folder: Path, tenants: dict[str, Any], **environ: str) -> Tenants:
    config = folder / "tenants.yaml"
    config.write_text(yaml.safe_dump({"tenants": tenants}), encoding="utf-8")
    return load(config, folder, environ)


@pytest.mark.parametrize(
    ("tenants", "places"),
    [
        (
            {"a": tenant("a", keys=[key("one long key")]), "b": tenant("b", keys=[key("one long key")])},
            (r"tenants\.b\.keys\[0\]\.secret", r"tenants\.a\.keys\[0\]\.secret"),
        ),
        (
            {"a": tenant("a", keys=[key("one long key"), key("one long key", "bot")])},
            (r"tenants\.a\.keys\[1\]", r"tenants\.a\.keys\[0\]"),
        ),
        (
            {
                "a": tenant("a", connections={"a-mail": connection("u:p")}),
                "b": tenant("b", connections={"b-mail": connection("other", "u:p")}),
            },
            (r"tenants\.b\.connections\.b-mail\.secrets\[1\]", r"tenants\.a\.connections\.a-mail\.secrets\[0\]"),
        ),
        (
            {"a": tenant("a", keys=[key("one long key")], connections={"m": connection("one long key")})},
            (r"tenants\.a\.connections\.m\.secrets\[0\]", r"tenants\.a\.keys\[0\]\.secret"),
        ),
        ({"a": tenant("a"), "b": tenant("a")}, (r"tenants\.b\.id_key", r"tenants\.a\.id_key")),
        ({"a": tenant("a", keys=[key(ID_KEY.format("a"))])}, (r"tenants\.a\.keys\[0\]", r"tenants\.a\.id_key")),
        ({"a": tenant("a", keys=[key(" " * 12)])}, (r"tenants\.a\.keys\[0\]\.secret.* is empty",)),
        ({"a": tenant("a", connections={"m": connection("")})}, (r"connections\.m\.secrets\[0\] is empty",)),
        ({"a": tenant("a", connections={"m": connection("x", " ")})}, (r"connections\.m\.secrets\[1\] is empty",)),
        ({"a": tenant("a", connections={"m": connection(":")})}, (r"connections\.m\.secrets\[0\] .*empty half",)),
        ({"a": tenant("a", connections={"m": connection("user:")})}, (r"connections\.m\.secrets\[0\] .*empty half",)),
        ({"a": tenant("a", connections={"m": connection(" :pass")})}, (r"connections\.m\.secrets\[0\] .*empty half",)),
        (
            {"a": tenant("a", connections={"m": connection("x", verify_token="")})},
            (r"settings\.verify_token is empty",),
        ),
        ({"a": tenant("a", connections={"m": connection("x", verify_token=["y", ""])})}, (r"verify_token is empty",)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_secret_that_protects_nothing_stops_the_start(
    tmp_path: Path, tenants: dict[str, Any], places: tuple[str, ...]
) -> None:
    with pytest.raises(Fatal, match=".*".join(places)):
        loaded(tmp_path, tenants)


def test_a_secret_is_checked_after_filling_in_the_environment(tmp_path: Path) -> None:
    tenants = {"a": tenant("a", connections={"m": connection("${USER}:${PASSWORD}")})}
    with pytest.raises(Fatal, match=r"secrets\[0\] has an empty half"):
        loaded(tmp_path, tenants, USER="", PASSWORD="")
    assert loaded(tmp_path, tenants, USER="u", PASSWORD="p").connection("m")


def test_the_error_does_not_show_the_secret(tmp_path: Path) -> None:
    with pytest.raises(Fatal) as told:
        loaded(tmp_path, {"a": tenant("a", keys=[key("one long key"), key("one long key", "bot")])})
    assert "one long key" not in str(told.value)


def test_one_vendors_secret_may_serve_several_connections(tmp_path: Path) -> None:
    connections = {"page": connection("app secret"), "shop": connection("app secret", verify_token="app secret")}
    assert loaded(tmp_path, {"a": tenant("a", connections=connections)}).connection("shop")

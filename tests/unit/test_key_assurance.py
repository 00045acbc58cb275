"""The configuration of keys that read assured contacts alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from cx_events.errors import Fatal
from cx_runtime.tenants import Tenants, load


def loaded(folder: Path, **key: Any) -> Tenants:
    config = folder / "tenants.yaml"
    tenant = {"id_key": "a lasting secret", "keys": [{"id": "bot", "secret": "one long key", **key}]}
    config.write_text(yaml.safe_dump({"tenants": {"acme": tenant}}), encoding="utf-8")
    return load(config, folder, {})


@pytest.mark.parametrize("scope", ["*", "ops", "identity:write"])
def test_a_key_bound_to_contacts_has_no_wide_scope(tmp_path: Path, scope: str) -> None:
    with pytest.raises(Fatal, match=rf"keys\.0\.required_assurance.*required_assurance.*'{scope.replace('*', '.')}'"):
        loaded(tmp_path, scopes=["context:read", scope], required_assurance="proved")


def test_an_unknown_level_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="'proved' or 'asserted'"):
        loaded(tmp_path, scopes=["context:read"], required_assurance="claimed")


def test_a_key_is_bound_to_no_contact_by_default(tmp_path: Path) -> None:
    _, key = loaded(tmp_path, scopes=["context:read"]).authenticate("one long key") or pytest.fail("unknown")
    assert key.required_assurance is None


def test_scopes_may_follow_the_required_assurance(tmp_path: Path) -> None:
    _, key = loaded(tmp_path, required_assurance="asserted", scopes=["context:read"]).authenticate(
        "one long key"
    ) or pytest.fail("unknown")
    assert key.required_assurance == "asserted"

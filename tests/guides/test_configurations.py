"""Every part of a configuration that a guide shows is one that a hub takes."""

from __future__ import annotations

import base64
import hashlib
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.guides.blocks import ROOT, pages

from cx_runtime.tenants import TenantConfig, load

SHOWN = re.compile(r"^ *```yaml\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
NAME = re.compile(r"\$\{([A-Z_0-9]+)\}")


def shown() -> Iterator[Any]:
    """Yield each part that names members of a tenant, or connections, with its place."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        for block in SHOWN.finditer(text):
            place = f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, block.start()) + 1}"
            if tenant := tenant_of(yaml.safe_load(textwrap.dedent(block[1]))):
                yield pytest.param(tenant, id=place)


def tenant_of(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tenant with this part in it; an empty one where it is a part of something smaller."""
    whole = part.get("tenants", {}).get("acme") or part
    if whole.keys() <= TenantConfig.model_fields.keys():
        return {"id_key": "a lasting secret of the guide's", **whole}
    if all(isinstance(each, dict) and "provider" in each for each in part.values()):
        return tenant_of({"connections": dict(part)})
    return {}


def secret_of(name: str) -> str:
    """Return a value that may stand for any ``${NAME}``: a key, and a secret of Standard Webhooks."""
    return "whsec_" + base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


@pytest.mark.parametrize("tenant", list(shown()))
def test_a_hub_takes_what_a_guide_shows(tenant: Mapping[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "tenants.yaml"
    path.write_text(yaml.safe_dump({"tenants": {"acme": tenant}}), encoding="utf-8")
    secrets = {name: secret_of(name) for name in NAME.findall(path.read_text("utf-8"))}
    assert "acme" in load(path, tmp_path, secrets).by_name


def test_the_guides_show_configurations() -> None:
    places = {str(each.id).partition(":")[0] for each in shown()}
    assert {"docs/ai-agents.md", "docs/recipes/README.md", "docs/operators.md", "docs/integrating.md"} <= places

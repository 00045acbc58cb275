"""Settings that nobody knows stop the start, and the nearest name is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cx_channels.configured_connections import check_setting_names, configured_connections
from cx_channels.provider import Provider
from cx_channels.registry import providers
from cx_events.errors import Fatal
from cx_hub.cli import run
from cx_runtime.tenants import ConnectionConfig, TenantConfig, Tenants, load

SERVICES = Path(__file__).parents[2] / "services" / "cx_channels"
WHOLE = """
tenants:
  acme:
    id_key: a lasting key of acme
    keys: [{id: desk, secret: a secret of the desk, scopes: [context:read]}]
    connections:
      acme-calls: {provider: voice/twilio, secrets: [a secret of twilio], settings: {numbers: ["+15550100199"]}}
    threading: {window: 72h}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("threading:", "treading:", "tenants.acme.treading: there is no such setting; did you mean 'threading'?"),
        ("scopes:", "scops:", "tenants.acme.keys.0.scops: there is no such setting; did you mean 'scopes'?"),
        ("provider:", "providr:", "tenants.acme.connections.acme-calls.providr: there is no such setting; did you"),
        ("window:", "hours:", "tenants.acme.threading.hours: there is no such setting; there are window"),
        ("context:read", "context:raed", "tenants.acme.keys.0.scopes.0: Input should be 'events:write'"),
    ],
)
def test_a_tenants_unknown_setting_names_the_nearest(right: str, wrong: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "cx.yaml"
    file.write_text(WHOLE.replace(right, wrong))
    with pytest.raises(Fatal) as fatal:
        load(file, tmp_path, {})
    assert said in str(fatal.value)


def test_a_connections_unknown_setting_stops_the_start() -> None:
    wrong = ConnectionConfig(provider="voice/twilio", settings={"nubmers": []})
    tenants = Tenants({"acme": TenantConfig(id_key="a lasting key of acme", connections={"acme-calls": wrong})})
    with pytest.raises(Fatal, match=r"tenants\.acme\.connections\.acme-calls\.settings\.nubmers: .* 'numbers'\?"):
        configured_connections(tenants, providers())


def test_config_check_tells_of_unknown_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cx.yaml"
    file.write_text(WHOLE.replace("numbers", "nubmers"))
    monkeypatch.setenv("CX_CONFIG", str(file))
    monkeypatch.setenv("CX_HOME", str(tmp_path))
    assert run(["config", "check"]) == 1
    assert "did you mean 'numbers'?" in capfd.readouterr().err


@pytest.mark.parametrize("provider", providers().values(), ids=lambda provider: provider.name)
def test_settings_in_fixtures_and_readmes_are_declared(provider: Provider) -> None:
    folder = SERVICES / provider.name
    for path in folder.glob("fixtures/**/*connection*"):
        check_setting_names(str(path), provider, json.loads(path.read_text("utf-8")).get("settings", {}))
    undocumented = {name for name in provider.settings if not re.search(rf"\b{name}\b", _documents(folder))}
    assert undocumented == set()


def _documents(folder: Path) -> str:
    """Return the provider's README, and the one of raw mail, to which others refer."""
    return "".join((each / "README.md").read_text("utf-8") for each in (folder, SERVICES / "email" / "mime"))

"""Settings that nobody knows stop the start, and the nearest name is told."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cx_channels.configured_connections import check_setting_names, configured_connections
from cx_channels.provider import Provider
from cx_channels.registry import folder_name, providers
from cx_events.errors import Fatal
from cx_hub.cli import run
from cx_runtime.setting_names import known_names, misspelt_settings
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
    assert "did you mean 'numbers'?" in capfd.readouterr().out


@pytest.mark.parametrize("provider", providers().values(), ids=lambda provider: provider.name)
def test_settings_in_fixtures_and_readmes_are_declared(provider: Provider) -> None:
    folder = SERVICES / folder_name(provider.name)
    for path in folder.glob("fixtures/**/*connection*"):
        check_setting_names(str(path), provider, json.loads(path.read_text("utf-8")).get("settings", {}))
    undocumented = {name for name in provider.settings if not re.search(rf"\b{name}\b", _documents(folder))}
    assert undocumented == set()


def _documents(folder: Path) -> str:
    """Return the provider's README, and the one of raw mail, to which others refer."""
    return "".join((each / "README.md").read_text("utf-8") for each in (folder, SERVICES / "email" / "mime"))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("CX_STROE_URL", "CX_STORE_URL"),
        ("CX_STORE_UR", "CX_STORE_URL"),
        ("CX_LOGURL", "CX_LOG_URL"),
        ("cx_publicurl", "CX_PUBLIC_URL"),
        ("CX_KEYS", "CX_KEY"),
        ("CX_METRIC_PORT", "CX_METRICS_PORT"),
    ],
)
def test_a_misspelt_name_is_told_with_the_nearest(wrong: str, right: str) -> None:
    (found,) = misspelt_settings({wrong: "x", "PATH": "/bin"})
    assert str(found) == f"{wrong} is set, and there is no such setting; did you mean {right}?"


def test_names_that_are_no_settings_are_let_be() -> None:
    known = dict.fromkeys(known_names(), "x")
    others = ("CX_TEST_KAFKA", "CX_TEST_POSTGRES", "CX_UPDATE_GOLDEN", "CX_ACME_DESK_KEY", "CX_SERVICE_PORT", "CXX")
    assert misspelt_settings(known | dict.fromkeys(others, "x") | {"cx_store_url": "x"}) == []
    assert misspelt_settings({"CX_KEYS": "x"}, "secret: ${CX_KEYS}") == []


def test_each_name_is_found_by_its_typos() -> None:
    """A name that is left unfound is one whose typo another setting's name is nearer to."""
    for name in known_names():
        for wrong in (name + "Q", name[:-1], name[:4] + name[5:]):
            if wrong not in known_names():
                assert [each.nearest for each in misspelt_settings({wrong: "x"})], (wrong, name)


def test_every_command_tells_a_misspelt_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CX_HOME", str(tmp_path))
    monkeypatch.setenv("CX_STROE_URL", "postgresql+asyncpg://nowhere")
    assert run(["replay", "status"]) == 0
    assert "did you mean CX_STORE_URL?" in capfd.readouterr().err
    assert run(["config", "check", "-o", "json"]) == 1
    rows = json.loads(capfd.readouterr().out)
    assert [row["place"] for row in rows if row["reason"] == "misspelt-setting"] == ["CX_STROE_URL"]

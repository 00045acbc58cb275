"""docker-compose.yml, the images and the gateway, held against the code that they run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cx_channels.registry import providers
from cx_desktop.page_routes import ASSET_PATH, PAGES
from cx_hub.compose import SERVICES
from cx_hub.configuration import findings
from cx_runtime.health import Health
from cx_runtime.http import operations
from cx_runtime.settings import Settings
from cx_runtime.tenants import load

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy" / "example.yaml"
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
GATEWAY = (ROOT / "deploy" / "gateway" / "haproxy.cfg").read_text(encoding="utf-8")
OPERATIONS = {"/metrics", *(route.path for route in operations(Health()))}
SETTINGS = {f"CX_{name.upper()}" for name in Settings.model_fields}
END_SECONDS = 10.0
"""Beyond ``CX_DRAIN_SECONDS``, what a service may take to end."""


def with_defaults(text: str) -> str:
    """As Compose reads it where neither the environment nor a file .env says anything."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


PROJECT: dict[str, Any] = yaml.safe_load(with_defaults((ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
CONTAINERS: dict[str, dict[str, Any]] = PROJECT["services"]
WANTED = set(re.findall(r"\$\{([A-Z_]+)\}", re.sub(r"(?m)^#.*$", "", EXAMPLE.read_text(encoding="utf-8"))))
"""What the example configuration reads from the environment."""
OURS = sorted(name for name, each in CONTAINERS.items() if each["image"].startswith("throughline"))


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def paths_of(document: str) -> set[str]:
    """What a service is asked from outside."""
    paths = json.loads((ROOT / "schemas" / "openapi" / document).read_text(encoding="utf-8"))["paths"]
    return set(paths) - OPERATIONS


def page_paths() -> set[str]:
    """Addresses of the pages, of a view in each, and of a file."""
    pages = {page.path for page in PAGES}
    return pages | {f"{path}/a/b" for path in pages} | {ASSET_PATH.partition("{")[0] + "1/kit/kit.css"}


def paths_asked_by_pages() -> set[str]:
    """What the pages' scripts ask for, in sessions. A path that goes on ends with a slash."""
    scripts = (ROOT / "services" / "cx_desktop" / "web").rglob("*.js")
    return {found for each in scripts for found in re.findall(r"[\"`](/v1/[a-z/]*)", each.read_text(encoding="utf-8"))}


def destination(path: str) -> str:
    """Where the gateway sends a request."""
    for backend, conditions in re.findall(r"use_backend (\w+) if (.+)", GATEWAY):
        for kind, values in re.findall(r"\{ (path|path_beg) ([^}]+) \}", conditions):
            if any(path == each if kind == "path" else path.startswith(each) for each in values.split()):
                return str(backend)
    found = re.search(r"default_backend (\w+)", GATEWAY)
    assert found
    return found[1]


def test_there_is_a_container_for_each_service() -> None:
    runs = {name: each["command"] for name, each in CONTAINERS.items() if str(each.get("command")).startswith("run ")}
    assert set(runs) == SERVICES
    for name, command in runs.items():
        assert command.split()[:2] == ["run", name]


def test_projectors_and_the_api_run_twice() -> None:
    assert {name for name, each in CONTAINERS.items() if each.get("scale", 1) >= 2} >= {"projectors", "api"}


def test_every_named_setting_exists() -> None:
    named = {name for name in CONTAINERS["api"]["environment"] if name.startswith("CX_")}
    named |= set(re.findall(r"\bCX_[A-Z_]+\b", DOCKERFILE))
    assert len(named) > 5
    assert named <= SETTINGS


def test_the_example_configuration_loads_with_the_trial_secrets(tmp_path: Path) -> None:
    environment = CONTAINERS["api"]["environment"]
    tenant = load(EXAMPLE, tmp_path, environment).by_name["acme"]
    assert any(key.allows("*") and key.secret == environment["CX_KEY"] for key in tenant.keys)
    assert not list(tmp_path.iterdir()), "a secret was made up, and would be another in each container"


def test_every_connection_of_the_example_has_what_it_needs(tmp_path: Path) -> None:
    environment = CONTAINERS["channels"]["environment"]
    public_url = Settings(public_url=environment["CX_PUBLIC_URL"]).public_url
    assert not list(findings(load(EXAMPLE, tmp_path, environment), providers(), public_url))


def test_trial_settings_say_what_they_are() -> None:
    environment = CONTAINERS["api"]["environment"]
    kept = {name: environment[name] for name in WANTED - {"POSTMARK_USER"}}
    assert all(value.endswith("only-for-trying-out") for value in kept.values())


def test_all_services_share_image_and_environment() -> None:
    hub = [each for name, each in CONTAINERS.items() if name in SERVICES | {"migrate"}]
    assert all(each["environment"] == hub[0]["environment"] and each["image"] == hub[0]["image"] for each in hub)


def test_images_have_versions() -> None:
    images = [each["image"] for each in CONTAINERS.values()] + re.findall(r"^FROM (\S+:\S+)", DOCKERFILE, re.MULTILINE)
    assert len(images) > 5
    for image in images:
        assert re.fullmatch(r"[a-z/-]+:(?!latest)[a-z0-9.-]+", image), image


def test_only_the_gateway_publishes_ports_and_only_on_localhost() -> None:
    ports = {name: each["ports"] for name, each in CONTAINERS.items() if "ports" in each}
    assert ports == {"gateway": ["127.0.0.1:8080:8080", "127.0.0.1:2525:2525"]}


def test_images_run_without_root() -> None:
    stages = re.split(r"^FROM .* AS (\w+)$", DOCKERFILE, flags=re.MULTILINE)
    by_name = dict(zip(stages[1::2], stages[2::2], strict=True))
    for target in {CONTAINERS[name]["build"]["target"] for name in OURS}:
        (user,) = re.findall(r"^USER (\d+):(\d+)$", by_name[target], re.MULTILINE)
        assert "0" not in user
        (start,) = re.findall(r"^ENTRYPOINT (.+)$", by_name[target], re.MULTILINE)
        assert json.loads(start), "a shell would not pass a signal on"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_do_no_more_than_they_need(name: str) -> None:
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", sorted(CONTAINERS))
def test_every_container_is_bounded_and_comes_back(name: str) -> None:
    container = CONTAINERS[name]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert re.fullmatch(r"\d+[mg]", container["mem_limit"])
    assert container["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_time_to_end_well(name: str) -> None:
    drain = Settings.model_fields["drain_seconds"].default
    assert seconds(CONTAINERS[name]["stop_grace_period"]) > drain + END_SECONDS


def test_data_lies_in_volumes() -> None:
    assert PROJECT["volumes"].keys() == {"kafka", "postgres", "ops"}
    # PostgreSQL 18's image keeps its data in a folder of the version, below this one.
    assert CONTAINERS["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    folder = CONTAINERS["kafka"]["environment"]["KAFKA_LOG_DIRS"]
    assert CONTAINERS["kafka"]["volumes"] == [f"kafka:{folder}"]


def test_operators_commands_have_a_folder_to_work_in() -> None:
    (home,) = re.findall(r"CX_HOME=(\S+)", DOCKERFILE)
    assert f"ops:{home}" in CONTAINERS["ops"]["volumes"]
    assert set(CONTAINERS["api"]["volumes"]) < set(CONTAINERS["ops"]["volumes"]), "the configuration, too"


def test_health_checks_ask_for_served_paths() -> None:
    asked = set(re.findall(r"'GET', '(/\w+)'", DOCKERFILE)) | set(re.findall(r"httpchk GET (\S+)", GATEWAY))
    assert asked == {"/readyz", "/healthz"}
    assert asked <= OPERATIONS


def test_metrics_have_an_unpublished_port_of_their_own() -> None:
    services = [CONTAINERS[name] for name in SERVICES]
    ports = {each["environment"]["CX_METRICS_PORT"] for each in services}
    assert ports == {"9464"}
    published = [str(port) for each in CONTAINERS.values() for port in each.get("ports", ())]
    assert not [port for port in published if "9464" in port]
    assert "/metrics" not in GATEWAY


def test_the_gateway_knows_every_service() -> None:
    servers = re.findall(r"server-template (\w+) 1-\d+ (\w+):8080", GATEWAY)
    assert {name for _, name in servers} == SERVICES
    ready = re.findall(r"nbsrv\((\w+)_ready\) ge 1", GATEWAY)
    assert set(ready) == SERVICES


@pytest.mark.parametrize("path", sorted(paths_of("channels.json") | {"/v1/hooks/acme-calls", "/v1/chat/acme-chat"}))
def test_the_gateway_sends_incoming_events_to_the_channels(path: str) -> None:
    assert destination(path) == "channels"


@pytest.mark.parametrize("path", sorted(paths_of("context.json")))
def test_the_gateway_sends_reads_and_decisions_to_the_api(path: str) -> None:
    assert destination(path) == "api"


@pytest.mark.parametrize("path", sorted(paths_of("desktop.json") | page_paths()))
def test_the_gateway_sends_pages_and_sessions_to_the_desktop(path: str) -> None:
    assert destination(path) == "desktop"


def test_pages_ask_only_services_that_read_cookies() -> None:
    asked = paths_asked_by_pages()
    assert asked >= {"/v1/session/events", "/v1/stream", "/v1/conversations/"}
    assert {destination(path) for path in asked} <= {"api", "desktop", "ops"}


@pytest.mark.parametrize("path", ["/v1/ops/lag", "/v1/ops/dead-letters", "/v1/ops/dead-letter"])
def test_the_gateway_sends_operators_to_ops(path: str) -> None:
    assert destination(path) == "ops"


def test_the_image_is_built_from_needed_files_only() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert {source.removeprefix("./").removesuffix("/haproxy.cfg") for source in copied} == let_in
    assert all((ROOT / each).exists() for each in let_in)

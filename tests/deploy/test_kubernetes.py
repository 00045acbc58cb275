"""The Kubernetes manifests: valid against the API's own schemas, and true to the code that they run."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from tests.deploy.kustomizing import Manifest, build
from tests.deploy.test_compose import (
    DOCKERFILE,
    END_SECONDS,
    OPERATIONS,
    SETTINGS,
    page_paths,
    paths_asked_by_pages,
    paths_of,
)

from cx_channels.registry import providers
from cx_hub.compose import SERVICES
from cx_hub.configuration import findings
from cx_runtime.metrics import Metrics
from cx_runtime.settings import Settings
from cx_runtime.tenants import load

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
VERSIONS = ("1.31", "1.37")
"""The oldest and the newest Kubernetes that the manifests are held against."""

EXAMPLE = build(FOLDER / "example")
DEPLOYMENTS = {each["metadata"]["name"]: each for each in EXAMPLE if each["kind"] == "Deployment"}


def named(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def of_kind(kind: str, manifests: list[Manifest] = EXAMPLE) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == kind}


def pod_of(deployment: Manifest) -> Manifest:
    pod: Manifest = deployment["spec"]["template"]["spec"]
    return pod


def containers(deployment: Manifest) -> list[Manifest]:
    return [*pod_of(deployment).get("initContainers", ()), *pod_of(deployment)["containers"]]


def hub_of(deployment: Manifest) -> Manifest:
    (hub,) = pod_of(deployment)["containers"]
    assert isinstance(hub, dict)
    return hub


def chosen_by(selector: dict[str, str]) -> list[str]:
    """The deployments whose pods a selector means."""
    return [
        name
        for name, each in DEPLOYMENTS.items()
        if selector.items() <= each["spec"]["template"]["metadata"]["labels"].items()
    ]


def decoded(secret: Manifest) -> dict[str, str]:
    return {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    """The example with KEDA."""
    for name in ("base", "keda", "example"):
        (tmp_path / name).mkdir()
        for file in (FOLDER / name).iterdir():
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
    plan = tmp_path / "example" / "kustomization.yaml"
    plan.write_text(f"{plan.read_text()}components: [../keda]\n")
    return plan.parent


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", EXAMPLE, ids=named)
def test_every_manifest_is_valid_in_this_version_of_kubernetes(manifest: Manifest, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_a_manifest_with_a_fault_is_found() -> None:
    broken = yaml.safe_load(yaml.safe_dump(DEPLOYMENTS["api"]))
    hub_of(broken)["livenesProbe"] = hub_of(broken).pop("livenessProbe")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


def test_there_is_a_deployment_for_each_service() -> None:
    assert set(DEPLOYMENTS) == SERVICES
    for name, deployment in DEPLOYMENTS.items():
        assert hub_of(deployment)["args"][:2] == ["run", name]


def test_images_have_the_version_of_the_project() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version
    images = {container["image"] for each in DEPLOYMENTS.values() for container in containers(each)}
    assert images == {f"registry.example.com/throughline:{version[1]}"}


def test_every_named_setting_exists() -> None:
    given = {*of_kind("ConfigMap")["throughline-settings"]["data"], *of_kind("Secret")["throughline-secrets"]["data"]}
    settings = {name for name in given if name.startswith("CX_")}
    assert settings >= {"CX_CONFIG", "CX_LOG_URL", "CX_STORE_URL", "CX_BLOB_URL"}
    assert settings <= SETTINGS


def test_the_tenants_are_the_examples_and_load_with_secrets(tmp_path: Path) -> None:
    text = of_kind("ConfigMap")["throughline-tenants"]["data"]["tenants.yaml"]
    assert yaml.safe_load(text) == yaml.safe_load((ROOT / "deploy" / "example.yaml").read_text(encoding="utf-8"))
    config = tmp_path / "tenants.yaml"
    config.write_text(text)
    tenants = load(config, tmp_path, decoded(of_kind("Secret")["throughline-secrets"]))
    public_url = Settings(public_url=of_kind("ConfigMap")["throughline-settings"]["data"]["CX_PUBLIC_URL"]).public_url
    assert not list(findings(tenants, providers(), public_url)), "a connection lacks a setting"
    assert sorted(tmp_path.iterdir()) == [config], "a secret was made up, and would be another in each pod"


def test_the_configuration_lies_where_the_services_look_for_it() -> None:
    place = Path(of_kind("ConfigMap")["throughline-settings"]["data"]["CX_CONFIG"])
    for deployment in DEPLOYMENTS.values():
        mounts = {each["mountPath"]: each["name"] for each in hub_of(deployment)["volumeMounts"]}
        volumes = {each["name"]: each for each in pod_of(deployment)["volumes"]}
        assert place.name in of_kind("ConfigMap")[volumes[mounts[str(place.parent)]]["configMap"]["name"]]["data"]


def test_operators_commands_have_a_folder_to_work_in() -> None:
    (home,) = re.findall(r"CX_HOME=(\S+)", DOCKERFILE)
    mounts = {each["mountPath"]: each["name"] for each in hub_of(DEPLOYMENTS["ops"])["volumeMounts"]}
    volumes = {each["name"]: each for each in pod_of(DEPLOYMENTS["ops"])["volumes"]}
    assert "emptyDir" in volumes[mounts[home]]


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_secrets_are_placeholders_and_settings_are_there(name: str) -> None:
    known = {"configMapRef": of_kind("ConfigMap"), "secretRef": of_kind("Secret")}
    for container in containers(DEPLOYMENTS[name]):
        for source in container["envFrom"]:
            ((kind, reference),) = source.items()
            assert reference["name"] in known[kind]
    assert all("CHANGE-ME" in value for value in decoded(of_kind("Secret")["throughline-secrets"]).values())


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_probes_ask_for_served_paths(name: str) -> None:
    hub = hub_of(DEPLOYMENTS[name])
    ports = {each["name"] for each in hub["ports"]}
    probes = {kind: hub[kind]["httpGet"] for kind in ("startupProbe", "readinessProbe", "livenessProbe")}
    assert {probe["port"] for probe in probes.values()} <= ports
    assert {probe["path"] for probe in probes.values()} <= OPERATIONS
    assert probes["startupProbe"]["path"] == "/readyz"
    assert probes["livenessProbe"]["path"] == "/healthz"


def test_only_projectors_are_probed_at_readyz() -> None:
    paths = {name: hub_of(each)["readinessProbe"]["httpGet"]["path"] for name, each in DEPLOYMENTS.items()}
    assert paths == {
        "projectors": "/readyz",
        "channels": "/healthz",
        "pollers": "/healthz",
        "api": "/healthz",
        "ops": "/healthz",
        "desktop": "/healthz",
    }


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_pods_keep_to_the_restricted_standard(name: str) -> None:
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/"""
    context = pod_of(DEPLOYMENTS[name])["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    user = re.search(r"^USER (\d+):", (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert user
    assert context["runAsUser"] == int(user[1]) > 0
    for container in containers(DEPLOYMENTS[name]):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert all(set(each) <= {"name", "configMap", "emptyDir"} for each in pod_of(DEPLOYMENTS[name])["volumes"])


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_every_container_declares_its_resources(name: str) -> None:
    for container in containers(DEPLOYMENTS[name]):
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_a_pod_has_time_to_end_well(name: str) -> None:
    drain = Settings.model_fields["drain_seconds"].default
    pause = hub_of(DEPLOYMENTS[name])["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod_of(DEPLOYMENTS[name])["terminationGracePeriodSeconds"] > pause + drain + END_SECONDS


def test_tables_are_migrated_before_services_use_them() -> None:
    first = {name: [each["args"][0] for each in pod_of(d).get("initContainers", ())] for name, d in DEPLOYMENTS.items()}
    assert first == {
        "pollers": ["migrate"],
        "projectors": ["migrate"],
        "api": ["migrate"],
        "ops": ["migrate"],
        "desktop": ["migrate"],
        "channels": [],
    }


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_an_eviction_takes_one_at_a_time(name: str) -> None:
    budget = of_kind("PodDisruptionBudget")[name]["spec"]
    assert budget["maxUnavailable"] == 1
    assert chosen_by(budget["selector"]["matchLabels"]) == [name]
    assert DEPLOYMENTS[name]["spec"]["selector"] == budget["selector"]


@pytest.mark.parametrize("service", of_kind("Service").values(), ids=named)
def test_services_lead_to_ports_of_pods(service: Manifest) -> None:
    (name,) = chosen_by(service["spec"]["selector"])
    ports = {each["name"] for each in hub_of(DEPLOYMENTS[name])["ports"]}
    assert {each["targetPort"] for each in service["spec"]["ports"]} <= ports


def test_metrics_are_scraped_from_a_port_of_each_pod() -> None:
    port = of_kind("ConfigMap")["throughline-settings"]["data"]["CX_METRICS_PORT"]
    for deployment in DEPLOYMENTS.values():
        assert deployment["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"] == port
        assert {each["containerPort"] for each in hub_of(deployment)["ports"] if each["name"] == "metrics"} == {
            int(port)
        }
    offered = [port for service in of_kind("Service").values() for port in service["spec"]["ports"]]
    assert not [each for each in offered if each["targetPort"] == "metrics"]


def test_what_strangers_load_grows_with_their_work() -> None:
    scalers = of_kind("HorizontalPodAutoscaler")
    assert set(scalers) == SERVICES - {"ops", "desktop", "pollers"}
    for name, scaler in scalers.items():
        assert scaler["spec"]["scaleTargetRef"]["name"] == name
        assert scaler["spec"]["minReplicas"] >= 2
        assert "replicas" not in DEPLOYMENTS[name]["spec"], "the scaler and whoever applies this would disagree"


def test_projectors_grow_by_lag_and_not_beyond_the_partitions() -> None:
    scaler = of_kind("HorizontalPodAutoscaler")["projectors"]["spec"]
    (metric,) = (each["external"]["metric"]["name"] for each in scaler["metrics"])
    assert metric in exported()
    partitions = int(of_kind("ConfigMap")["throughline-settings"]["data"]["CX_PARTITIONS"])
    assert scaler["maxReplicas"] <= partitions


def test_with_keda_one_autoscaler_scales_the_projectors(overlay: Path) -> None:
    manifests = build(overlay)
    assert set(of_kind("HorizontalPodAutoscaler", manifests)) == {"channels", "api"}
    scaled = of_kind("ScaledObject", manifests)["projectors"]
    (trigger,) = scaled["spec"]["triggers"]
    assert set(re.findall(r"cx_\w+", trigger["metadata"]["query"])) <= exported()
    native = of_kind("HorizontalPodAutoscaler")["projectors"]["spec"]
    assert (scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"]) == (
        native["minReplicas"],
        native["maxReplicas"],
    )
    assert scaled["metadata"]["namespace"] == DEPLOYMENTS["projectors"]["metadata"]["namespace"]


def exported() -> set[str]:
    """Names of measures, and their labels' names as they stand in a query."""
    return {metric.name for metric in Metrics().registry.collect()}


def routes() -> Iterator[tuple[str, str, str]]:
    (ingress,) = of_kind("Ingress").values()
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            yield path["path"], path["pathType"], path["backend"]["service"]["name"]


def destination(path: str) -> str | None:
    """As Kubernetes says: exact before prefix, the longest prefix first, by whole elements of the path."""
    matching: list[tuple[bool, int, Any]] = []
    for known, kind, service in routes():
        if path == known or (kind == "Prefix" and path.startswith(f"{known}/")):
            matching.append((kind == "Exact", len(known), service))
    return max(matching)[2] if matching else None


def test_the_ingress_sends_every_request_where_compose_sends_it() -> None:
    incoming = paths_of("channels.json")
    for path in incoming | {"/v1/hooks/acme-calls", "/v1/chat/acme-chat"}:
        assert destination(path) == "channels", path
    for path in paths_of("context.json"):
        assert destination(path) == "api", path
    for path in paths_of("desktop.json") | page_paths():
        assert destination(path) == "desktop", path
    assert destination("/v1/ops/lag") == "ops"
    assert {destination(path) for path in OPERATIONS} == {None}, "what is for operators is not for the world"


def test_the_ingress_sends_pages_to_services_that_read_cookies() -> None:
    assert {destination(path.rstrip("/")) for path in paths_asked_by_pages()} <= {"api", "desktop", "ops"}


def test_the_ingress_names_services_that_there_are() -> None:
    services = of_kind("Service")
    for _, _, name in routes():
        assert "http" in {port["name"] for port in services[name]["spec"]["ports"]}

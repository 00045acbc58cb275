"""As much of ``kustomize build`` as our manifests use, so that they are tested where there is nothing but Python.

What it does not know it refuses. Generated names get no hash; all else is as kustomize makes it.
"""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

KNOWN = {
    *("apiVersion", "kind", "namespace", "resources", "components", "labels", "images", "patches"),
    *("configMapGenerator", "secretGenerator"),
}
MERGED_BY = {
    **dict.fromkeys(("containers", "initContainers", "volumes", "env"), "name"),
    "volumeMounts": "mountPath",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
}
"""By which field items of a list are told apart in a strategic merge; other lists are replaced."""
NOT_IN_A_NAMESPACE = {"Namespace"}


def build(folder: Path) -> list[Manifest]:
    """The manifests of a kustomization."""
    return _with(folder, [])


def _with(folder: Path, manifests: list[Manifest]) -> list[Manifest]:
    """Those before, with what this kustomization or component adds and changes."""
    plan = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert not set(plan) - KNOWN, f"{folder}: not known here: {set(plan) - KNOWN}"
    own = [each for name in plan.get("resources", ()) for each in _resource(folder / name)]
    made = manifests + own
    for generator in plan.get("configMapGenerator", ()):
        _generate(made, "ConfigMap", generator, folder)
    for generator in plan.get("secretGenerator", ()):
        _generate(made, "Secret", generator, folder)
    for component in plan.get("components", ()):
        made = _with(folder / component, made)
    for patch in plan.get("patches", ()):
        made = _patched(made, patch, folder)
    for manifest in made:
        if "namespace" in plan and manifest["kind"] not in NOT_IN_A_NAMESPACE:
            manifest["metadata"]["namespace"] = plan["namespace"]
        for label in plan.get("labels", ()):
            _label(manifest, label)
        for image in plan.get("images", ()):
            _rename(manifest, image)
    return made


def _resource(path: Path) -> Iterator[Manifest]:
    if path.is_dir():
        yield from build(path)
    else:
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def _generate(made: list[Manifest], kind: str, plan: Manifest, folder: Path) -> None:
    data: dict[str, str] = dict(line.split("=", 1) for line in plan.get("literals", ()))
    for name in plan.get("envs", ()):
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
        data |= dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    data |= {name: (folder / name).read_text(encoding="utf-8") for name in plan.get("files", ())}
    if kind == "Secret":
        data = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    if plan.get("behavior") == "merge":
        _one(made, kind, plan["name"])["data"].update(data)
        return
    assert set(plan) <= {"name", "literals", "envs", "files"}, plan
    manifest: Manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": plan["name"]}, "data": data}
    made.append(manifest | ({"type": "Opaque"} if kind == "Secret" else {}))


def _one(made: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = [each for each in made if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def _patched(made: list[Manifest], plan: Manifest, folder: Path) -> list[Manifest]:
    text = plan["patch"] if "patch" in plan else (folder / plan["path"]).read_text(encoding="utf-8")
    change = yaml.safe_load(text)
    target = plan.get("target") or {"kind": change["kind"], "name": change["metadata"]["name"]}
    assert set(target) <= {"kind", "name"}, target
    chosen = [
        each
        for each in made
        if each["kind"] == target["kind"] and re.fullmatch(target.get("name", ".*"), each["metadata"]["name"])
    ]
    assert chosen, f"a patch of nothing: {target}"
    if isinstance(change, dict) and change.get("$patch") == "delete":
        return [each for each in made if each not in chosen]
    for manifest in chosen:
        if isinstance(change, list):
            _change(manifest, change)
        else:
            _merge(manifest, {name: value for name, value in change.items() if name != "metadata"})
    return made


def _change(manifest: Manifest, operations: list[Manifest]) -> None:
    """JSON Patch (RFC 6902), ``add`` of members alone."""
    for operation in operations:
        assert operation["op"] == "add", operation
        *way, last = operation["path"].strip("/").split("/")
        place: Any = manifest
        for step in way:
            place = place[int(step)] if isinstance(place, list) else place[step]
        assert isinstance(place, dict)
        place[last] = operation["value"]


def _merge(into: Manifest, change: Manifest) -> None:
    for name, value in copy.deepcopy(change).items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        elif name in MERGED_BY and isinstance(into.get(name), list):
            key = MERGED_BY[name]
            known = {each[key]: each for each in into[name]}
            for item in value:
                if item[key] in known:
                    _merge(known[item[key]], item)
                else:
                    into[name].append(item)
        else:
            into[name] = value


def _label(manifest: Manifest, plan: Manifest) -> None:
    assert set(plan) == {"pairs", "includeSelectors", "includeTemplates"}, plan
    manifest["metadata"].setdefault("labels", {}).update(plan["pairs"])
    spec = manifest.get("spec", {})
    if manifest["kind"] == "Service":
        spec["selector"].update(plan["pairs"])
    elif "matchLabels" in spec.get("selector", {}):
        spec["selector"]["matchLabels"].update(plan["pairs"])
    if "template" in spec:
        spec["template"]["metadata"]["labels"].update(plan["pairs"])


def _rename(manifest: Manifest, plan: Manifest) -> None:
    pod = manifest.get("spec", {}).get("template", {}).get("spec", {})
    for container in [*pod.get("initContainers", ()), *pod.get("containers", ())]:
        name, _, tag = container["image"].partition(":")
        if name == plan["name"]:
            container["image"] = f"{plan.get('newName', name)}:{plan.get('newTag', tag)}"

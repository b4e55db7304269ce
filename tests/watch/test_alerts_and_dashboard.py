"""Dashboard and alerts ask only for what is exported, and every alert says what to do."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from gateways.observed import ACTION_RESULTS, PROVIDER_CALLS, PROVIDER_SECONDS
from starter.__main__ import program
from starter.webhook_metrics import REQUESTS, SECONDS
from watch import exporter
from watch.figures import FIGURES

ROOT = Path(__file__).resolve().parents[2]
ALERTS = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((ROOT / "deploy/grafana/regua.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
HISTOGRAM = ("_bucket", "_count", "_sum")


def exported() -> set[str]:
    """Names of the series that this product's processes serve, the SDK's left out."""
    histograms = {f"{name}{end}" for name in (PROVIDER_SECONDS, SECONDS) for end in HISTOGRAM}
    return {*exporter.names(), PROVIDER_CALLS, ACTION_RESULTS, f"{REQUESTS}_total", *histograms}


def of_the_sdk(name: str) -> bool:
    """Does the SDK's library speak of this metric? It adds its prefix, and the endings of a histogram."""
    base = name.removeprefix("temporal_")
    for end in HISTOGRAM:
        base = base.removesuffix(end)
    found = importlib.util.find_spec("temporalio.bridge.temporal_sdk_bridge")
    assert found is not None
    assert found.origin is not None
    return name.startswith("temporal_") and base.encode() in Path(found.origin).read_bytes()


def selectors(expression: Any) -> Iterator[Any]:
    """The selectors in an expression."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
        return
    inner = [getattr(expression, name, None) for name in ("expr", "lhs", "rhs", "vector_selector", "param")]
    for part in [*inner, *(getattr(expression, "args", None) or [])]:
        if part is not None:
            yield from selectors(part)


def queries() -> list[str]:
    shown = [target["expr"] for panel in PANELS for target in panel["targets"]]
    return [*(alert["expr"] for alert in ALERTS), *shown]


@pytest.mark.parametrize("query", queries())
def test_a_query_names_only_metrics_and_labels_that_exist(query: str) -> None:
    labels = {name: set(figure.labels) for figure in FIGURES for name, _ in figure.names}
    asked = list(selectors(promql_parser.parse(query)))
    assert asked or query == "vector(0)"
    for selector in asked:
        assert selector.name in exported() or of_the_sdk(selector.name), selector.name
        wanted = {matcher.name for matcher in selector.matchers.matchers}
        assert wanted <= labels.get(selector.name, wanted), selector.name


def test_a_query_of_what_nobody_exports_would_be_found() -> None:
    [selector] = selectors(promql_parser.parse("sum(rate(regua_misspelt[5m]))"))
    assert selector.name not in exported()
    assert not of_the_sdk("temporal_misspelt_latency_bucket")


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_an_alert_says_what_it_means_how_urgent_it_is_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert alert["annotations"]["summary"].endswith(".")
    page, _, anchor = alert["annotations"]["runbook"].partition("#")
    assert anchor == alert["alert"].lower()
    text = (ROOT / page).read_text()
    section = re.search(rf"^### {alert['alert']}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None, "it has no section in the runbook"
    assert len(section[1].split()) >= 15


def test_the_runbook_speaks_of_no_alert_that_does_not_exist() -> None:
    told = re.findall(r"^### (Regua\w+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    assert sorted(told) == sorted(alert["alert"] for alert in ALERTS)


def test_every_command_that_the_runbook_names_exists() -> None:
    named = re.findall(r"`regua ([a-z -]+?)(?: [A-Z]+)?`", (ROOT / "docs/operations.md").read_text())
    assert named
    for words in named:
        command = program()
        for word in words.split():
            known = {option for parameter in command.params for option in parameter.opts}
            assert word in known if word.startswith("-") else word in command.commands, words
            command = command if word.startswith("-") else command.commands[word]


def test_the_dashboard_is_one_that_grafana_reads() -> None:
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time"} <= DASHBOARD.keys()
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for panel in PANELS:
        assert panel["type"] in {"stat", "timeseries", "bargauge"}
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["title"]
        assert [target["refId"] for target in panel["targets"]] == list("ABC"[: len(panel["targets"])])


def test_no_panel_of_the_dashboard_lies_on_another() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells

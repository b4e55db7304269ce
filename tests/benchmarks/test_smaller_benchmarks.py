"""Each benchmark on little: it measures what it says, and prints its limit with its figure."""

from __future__ import annotations

import json

import pytest

from benchmarks.__main__ import main

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize(
    ("arguments", "figure"),
    [
        (["core", "--lives", "2"], "core_lives_per_second"),
        (["imports", "--rows", "40"], "import_ratio"),
        (["lists", "--rows", "2000"], "list_p95_ms"),
        (["replaying", "--lives", "1"], "replay_ratio"),
    ],
)
def test_a_benchmark_prints_its_figure_beside_its_limit(arguments: list[str], figure: str, capsys) -> None:
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document[figure] > 0
    assert set(document["targets"]) == {figure}

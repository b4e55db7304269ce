"""Who dies when, by the seed: the same again, everybody often enough."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from chaos.crowd import commands
from chaos.plan import SERVICES, draw
from starter.demo.house import EXAMPLES
from starter.demo.opening import CREDITORS


@given(st.integers(0, 2**32), st.integers(1, 300))
def test_a_seed_gives_the_same_deaths_again(seed: int, kills: int) -> None:
    assert draw(seed, kills, 1000.0) == draw(seed, kills, 1000.0)
    assert len(draw(seed, kills, 1000.0)) == kills


@given(st.integers(0, 2**32))
def test_of_two_hundred_each_service_dies_thirty_times_at_least_and_most_wait_for_a_call(seed: int) -> None:
    plan = draw(seed, 200, 1000.0)
    deaths = Counter(kill.service for kill in plan)
    assert all(deaths[service] >= 30 for service in SERVICES)
    assert sum(bool(kill.hold) for kill in plan) >= 100
    assert 500.0 < sum(kill.after for kill in plan) < 1500.0


def test_the_crowds_creditor_is_none_of_the_demos(tmp_path: Path) -> None:
    commands(tmp_path)
    crowd = yaml.safe_load((tmp_path / "multidao.yaml").read_text(encoding="utf-8"))
    others = [yaml.safe_load((EXAMPLES / f"{code}.yaml").read_text(encoding="utf-8")) for code in CREDITORS]
    assert others
    assert crowd["document"] not in {other["document"] for other in others}
    assert crowd["code"] not in CREDITORS

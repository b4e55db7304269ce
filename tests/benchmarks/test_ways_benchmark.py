"""The benchmarks of other ways to run the same life, on one life each: whole, and the promised documents."""

from __future__ import annotations

import json

import pytest

from benchmarks.__main__ import main
from benchmarks.lives import STEPS

pytestmark = pytest.mark.timeout(600)

CONTACTS = 6


def test_a_life_woken_cold_at_every_step_is_the_reference_life_in_every_sandbox(capsys) -> None:
    assert main(["cold", "--lives", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    worker = document["worker_cpu_ms_per_life"]
    assert list(worker) == ["warm", "cold", "passed_through", "unsandboxed"]
    assert all(ms > 0 for ms in worker.values())
    # Waking costs: were the cases kept in memory after all, the worker would do the same work in all four.
    assert document["cold_ratio"] > 1.2
    assert all(used["worker"] == worker[way] for way, used in document["cpu_ms_per_life"].items())


def test_a_contact_as_a_local_activity_is_the_same_life_with_fewer_events(capsys) -> None:
    assert main(["contact", "--lives", "1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    by_way = {way: found["events_by_type"] for way, found in document["contenders"].items()}
    assert list(by_way) == ["ours", "ours_local", "bare", "bare_local"]
    for who in ("ours", "bare"):
        normal, local = by_way[who], by_way[f"{who}_local"]
        assert normal["ACTIVITY_TASK_COMPLETED"] == STEPS
        assert local["ACTIVITY_TASK_COMPLETED"] == STEPS - CONTACTS
        assert local["MARKER_RECORDED"] == normal.get("MARKER_RECORDED", 0) + CONTACTS
        assert 0 < document[f"{who}_local_events_ratio"] < 1
        assert document[f"{who}_local_lives_ratio"] > 0

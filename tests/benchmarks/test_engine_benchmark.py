"""The benchmark of the engine, on one life each: whole lives, and the document that is promised."""

from __future__ import annotations

import json
from datetime import date

import pytest
from sqlalchemy import Engine

from benchmarks.__main__ import main
from benchmarks.lives import SIGNALS, STEPS, WrongLife, check_book
from benchmarks.portfolio import Portfolio

pytestmark = pytest.mark.timeout(600)


def test_the_benchmark_lives_the_reference_life_in_all_three_and_prints_the_ratios(capsys) -> None:
    assert main(["engine", "--lives", "1", "--sleepers", "20", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    for ratio in ("events_ratio", "lives_ratio", "empty_lives_ratio", "cpu_ratio"):
        assert document[ratio] > 0, ratio
    assert list(document["contenders"]) == ["ours", "bare", "empty"]
    for contender, found in document["contenders"].items():
        events = found["events_by_type"]
        done = (events["ACTIVITY_TASK_COMPLETED"], events["WORKFLOW_EXECUTION_SIGNALED"], events["TIMER_FIRED"])
        assert done == (STEPS, SIGNALS, STEPS), contender
        assert found["events"] == sum(events.values())
        assert found["actions"] > done[0] + done[1] + done[2]  # beside steps, signals and timers at least the start
        assert set(found["cpu_ms_per_life"]) == {"worker", "postgres", "temporal", "sandbox", "driver"}
    assert document["contenders"]["ours"]["events"] / document["contenders"]["bare"]["events"] == pytest.approx(
        document["events_ratio"], abs=0.001
    )
    # Twenty cases are little beside what the system takes back of a worker's memory meanwhile: it may even shrink.
    ours, bare = (document["contenders"][who]["kilobytes_per_sleeping_case"] for who in ("ours", "bare"))
    assert document["memory_ratio"] == pytest.approx(ours / bare, rel=0.05)


def test_a_case_that_did_not_go_through_every_step_is_never_counted(engine: Engine) -> None:
    (member,) = Portfolio(engine).add(1, date(2026, 11, 3))
    with pytest.raises(WrongLife, match="did not live the reference life"):
        check_book(engine, member.case)


@pytest.mark.parametrize("arguments", [[], ["engine", "--lives", "0"], ["engine", "--sleepers", "100000"]])
def test_a_benchmark_that_cannot_be_run_is_refused_before_anything_starts(arguments, capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err

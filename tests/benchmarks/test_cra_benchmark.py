"""The benchmark of CRA files, on a few titles: every step is measured, and what is read is what was written."""

from __future__ import annotations

import json

import pytest

from benchmarks.__main__ import main


def test_the_benchmark_of_cra_files_measures_composing_writing_and_reading(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cra", "--titles", "20", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["titles"] == 20
    assert document["bytes"] == (20 + 5 * 2) * 602
    assert set(document["titles_per_second"]) == {"compose", "write", "read", "read_confirmation"}
    assert all(speed > 0 for speed in document["titles_per_second"].values())
    assert all(peak > 0 for peak in document["peak_mb"].values())

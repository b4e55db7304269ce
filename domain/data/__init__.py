"""Tables that the world defines, as CSV files: laws with their source, places, calendars."""

from __future__ import annotations

import csv
from importlib.resources import files


def table(name: str) -> tuple[dict[str, str], ...]:
    """Rows of the packaged table `name` (without `.csv`), one dict per row keyed by the heading, all values text."""
    with files(__package__).joinpath(f"{name}.csv").open(encoding="utf-8") as lines:
        return tuple(csv.DictReader(lines))

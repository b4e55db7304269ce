"""The retention periods of an installation: the packaged table, or one of its own."""

from __future__ import annotations

import csv

from domain.errors import BadInput
from domain.retention import Rule, rules
from gateways.settings import Settings


def load_rules(settings: Settings) -> tuple[Rule, ...]:
    """The rules that count here. Raises `BadInput` for a table that cannot be used."""
    path = settings.retention_file
    if path is None:
        return rules()
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            return rules(list(csv.DictReader(lines)), path.name)
    except (OSError, UnicodeDecodeError, csv.Error):
        raise BadInput(f"REGUA_RETENTION_FILE: {path} cannot be read; name a CSV file like retention.csv") from None

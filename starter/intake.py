"""Files that come in by the command line: plan, apply, tell the cases."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.progress import Progress

import policies
from starter.actions import tell
from starter.importing.payments import import_payments
from starter.importing.portfolio import apply_import, plan_import
from starter.importing.release import apply_release
from starter.installation import Installation, installation
from starter.people import require_active


def invoices(file: Path, creditor: str, mapping: Path | None, *, full: bool, by: str, tty: bool) -> dict[str, Any]:
    """What a file of invoices would do, or with `by` (a staff id) does. Raises `BadFile` with every fault in it.

    `counts`, `left_out` and `ignored` are those of `ImportPlan`; `goes_out` is what new cases send in the next days.
    """
    with installation() as house:
        _allowed(house, by)
        plan = plan_import(
            house.engine, creditor, file, mapping=mapping, full=full, today=house.today, now=house.now,
            policies_dir=policies.DIRECTORY,
        )  # fmt: skip
        found = {
            "file": plan.file, "creditor": plan.creditor, "applied": bool(by), "counts": dict(plan.counts),
            "left_out": [asdict(row) for row in plan.left_out], "ignored": list(plan.ignored),
            "goes_out": [asdict(out) for out in plan.goes_out()],
        }  # fmt: skip
        if not by:
            return found
        with Progress(console=Console(stderr=True), disable=not tty) as progress:
            bar = progress.add_task("faturas", total=sum(plan.counts.get(name, 0) for name in ("new", "changed")))
            done = apply_import(
                house.engine, plan, by, house.now, lambda number: progress.update(bar, completed=number)
            )
        return found | {
            "counts": dict(done.counts), "import": done.import_id, "told": _tell(house, done.facts),
        }  # fmt: skip


def payments(file: Path, creditor: str, mapping: Path | None, complete_until: date | None, by: str) -> dict[str, Any]:
    """Take in a file of payments in the name of `by`. Raises `BadFile` with every fault in it.

    `complete_until` is the last day of which the file holds every payment, None where nobody says.
    """
    with installation() as house:
        _allowed(house, by)
        done = import_payments(
            house.engine, creditor, file, mapping=mapping, today=house.today, now=house.now, actor=by,
            complete_until=complete_until,
        )  # fmt: skip
        return {
            "file": file.name, "creditor": creditor, "applied": True, "counts": dict(done.counts),
            "import": done.import_id, "news_on": done.news_on, "told": _tell(house, done.facts),
        }  # fmt: skip


def release(creditor: str, by: str) -> dict[str, Any]:
    """Let every case of a creditor go that waits for release, in the name of `by`."""
    with installation() as house:
        _allowed(house, by)
        done = apply_release(house.engine, creditor, today=house.today, now=house.now, actor=by)
        return {"creditor": creditor, "cases": done.cases, "told": _tell(house, done.facts)}


def _allowed(house: Installation, by: str) -> None:
    if by:
        with house.engine.connect() as conn:
            require_active(conn, by)


def _tell(house: Installation, facts: Sequence[UUID]) -> int:
    """How many cases were told now; the sweep tells the others."""
    return asyncio.run(tell(house, facts))

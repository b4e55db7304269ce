"""One action on one case, or with --from on many: who acts, what is asked, what each case answered."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import Progress

from starter.cli.edge import show

if TYPE_CHECKING:
    from starter.actions import Deed, Outcome
    from starter.deeds import Make
    from starter.forms import Form
    from starter.installation import Installation


def perform(
    make: Make,
    columns: Mapping[str, str | None],
    *,
    case: str | None,
    creditor: str,
    by: str,
    source: Path | None = None,
    as_json: bool = False,
) -> None:
    """Do it and print what came of it. `columns` are the action's values by column name, as given for all cases.

    A file is read whole before anything is done: one row that cannot be read, or names no case, refuses it. What the
    cases refuse is reported one by one. Exit code 1 where anything was refused.
    """
    from starter.forms import CASE, CREDITOR, Form, Missing, read_forms
    from starter.installation import installation
    from starter.people import require_active

    given = {name: value for name, value in columns.items() if value} | ({CREDITOR: creditor} if creditor else {})
    if bool(case) == bool(source):
        raise typer.BadParameter("give the ID of one case, or --from FILE for many")
    with installation() as house:
        with house.engine.connect() as conn:
            require_active(conn, by)
        if source:
            deeds = _read_all(house, read_forms(source, columns, given, house.today), make, by, source.name)
            report(act_on_all(house, deeds, by), as_json, many=True)
            return
        try:
            deeds = [_read(house, Form({**given, CASE: case or ""}, house.today), make, by)]
        except Missing as missing:
            raise typer.BadParameter(str(missing)) from None
        report(act_on_all(house, deeds, by), as_json)


def _read(house: Installation, form: Form, make: Make, by: str) -> tuple[UUID, Deed]:
    from activities.desk import pinned_policy
    from gateways.documents import DocumentStore
    from starter.deeds import Author
    from starter.forms import CASE, CREDITOR
    from starter.lookup import find_case

    with house.engine.connect() as conn:
        case = find_case(conn, form.text(CASE), form.values.get(CREDITOR, ""))
        store = DocumentStore(house.settings.documents_dir)
        return case.id, make(form, Author(by, house.now, case, lambda: pinned_policy(conn, case.policy_hash), store))


def _read_all(
    house: Installation, forms: Iterable[tuple[int, Form]], make: Make, by: str, file: str
) -> list[tuple[UUID, Deed]]:
    from domain.errors import BadFile, BadInput, Fault, Refused

    deeds, faults = [], []
    for number, form in forms:
        try:
            deeds.append(_read(house, form, make, by))
        except (BadInput, Refused) as error:
            found, _, wanted = str(error).partition("; ")
            faults.append(Fault(f"row {number}", found, wanted or "correct it or leave the row out"))
    if faults:
        raise BadFile(file, faults)
    return deeds


def act_on_all(house: Installation, deeds: list[tuple[UUID, Deed]], by: str) -> list[Outcome]:
    """Do each deed in turn and hear what comes of it; a progress bar on a terminal where there are many."""
    from starter.actions import Clerk

    async def act() -> list[Outcome]:
        clerk, outcomes = Clerk(house), []
        with Progress(console=Console(stderr=True), disable=len(deeds) < 2 or not sys.stderr.isatty()) as progress:
            for case_id, deed in progress.track(deeds, description="casos"):
                outcomes.append(await clerk.act(case_id, deed, by))
        return outcomes

    return asyncio.run(act())


def report(outcomes: list[Outcome], as_json: bool, *, many: bool = False) -> None:
    """Print what came of it and end with exit code 1 where anything was refused.

    As JSON one outcome, or with `many` their list; refusals also stand on standard error, one line each.
    """
    show(outcomes if many else outcomes[0], as_json, lambda console: print_outcomes(console, outcomes))
    say_refused(outcomes)


def say_refused(outcomes: list[Outcome]) -> None:
    """One line on standard error for each refusal, and exit code 1 if there was any."""
    refused = [outcome for outcome in outcomes if outcome.status == "refused"]
    for outcome in refused:
        print(f"case {outcome.case}: refused ({outcome.code}): {outcome.text}", file=sys.stderr)
    if refused:
        raise typer.Exit(1)


def print_outcomes(console: Console, outcomes: list[Outcome]) -> None:
    """What the cases answered, one line each; refusals go another way (`say_refused`)."""
    for outcome in outcomes:
        if outcome.status == "done":
            step = f"próxima ação {outcome.next_action} ({outcome.next_reason})" if outcome.next_action else "sem ação"
            console.print(f"feito: caso {outcome.case}, etapa {outcome.stage}, {step}")
        elif outcome.status == "stored":
            console.print(f"guardado: caso {outcome.case} não respondeu agora; será tratado assim que puder")

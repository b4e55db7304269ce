"""Money: payments, reversals, movements that nobody could match."""

from __future__ import annotations

from typing import Annotated

import typer

from starter.cli.cases import listed
from starter.cli.edge import By, CaseId, Commands, Creditor, From, Json, ManyCases, show
from starter.cli.perform import perform, report

Ref = Annotated[str | None, typer.Option("--ref", metavar="REF", help="the bank's reference; it counts once")]
On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="the day it happened; default today")]


def register(app: Commands) -> None:
    """Add the commands of this module."""

    @app.command()
    def pay(
        by: By, case: ManyCases = None,
        amount: Annotated[str | None, typer.Argument(metavar="AMOUNT", help="reais, like 1.234,56")] = None,
        ref: Ref = None, on: On = None, creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Record a payment."""
        from starter import deeds

        columns = {"valor": amount, "referencia": ref, "data": on}
        perform(deeds.pay, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def reverse(
        by: By, case: ManyCases = None,
        ref: Annotated[str | None, typer.Argument(metavar="REF", help="the payment's reference")] = None,
        on: On = None, creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """A payment that was counted came back: the debt opens again."""
        from starter import deeds

        columns = {"referencia": ref, "data": on}
        perform(deeds.reverse, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def payments(
        unmatched: Annotated[bool, typer.Option("--unmatched", help="only those without a case")] = False,
        creditor: Creditor = "", limit: Annotated[int, typer.Option("--limit", min=1)] = 50, as_json: Json = False,
    ) -> None:  # fmt: skip
        """List payments, the newest first."""
        from starter import reports
        from starter.installation import installation

        with installation() as house:
            found = reports.payments(house, unmatched, creditor, limit)
        names = {
            "id": "pagamento", "creditor": "credor", "reference": "referência", "amount": "valor", "paid_on": "dia",
            "case": "caso", "hint": "indicações",
        }  # fmt: skip
        show(found, as_json, lambda console: console.print(listed("Pagamentos", names, found)))

    @app.command()
    def match(
        payment: Annotated[str, typer.Argument(metavar="PAYMENT", help="payment id or its beginning")],
        case: CaseId, by: By, creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Give a payment that waits to a case."""
        from starter import matching

        report([matching.match(payment, case, creditor, by)], as_json)

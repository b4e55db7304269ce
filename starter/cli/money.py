"""Money: payments, reversals, movements that nobody could match."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from starter.cli.cases import listed
from starter.cli.edge import By, Commands, Creditor, From, Json, ManyCases, show, table
from starter.cli.perform import perform, report

Required = Annotated[str, typer.Option("--creditor", metavar="CODE", help="creditor, by code or CNPJ")]
Ref = Annotated[str | None, typer.Option("--ref", metavar="REF", help="the bank's reference; it counts once")]
On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="the day it happened; default today")]


def register(app: Commands) -> None:
    """Add the commands of this module."""

    @app.command()
    def pay(
        by: By, case: ManyCases = None,
        amount: Annotated[str | None, typer.Argument(metavar="AMOUNT", help="reais, like 1.234,56")] = None,
        ref: Ref = None, on: On = None,
        also: Annotated[bool, typer.Option("--also", help="other money than the like payment that stands")] = False,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Record a payment."""
        from starter import deeds

        columns = {"valor": amount, "referencia": ref, "data": on}
        perform(deeds.pay(also), columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

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

    waiting(app)
    bank(app)


def waiting(app: Commands) -> None:
    """Add the commands about money that waits for a person, and about how far payments are known."""

    @app.command()
    def payments(
        unmatched: Annotated[bool, typer.Option("--unmatched", help="only those that wait for a person")] = False,
        creditor: Creditor = "", limit: Annotated[int, typer.Option("--limit", min=1)] = 50, as_json: Json = False,
    ) -> None:  # fmt: skip
        """List payments, the newest first; with those that wait, which cases they may be for."""
        from starter import reports
        from starter.installation import installation

        with installation() as house:
            found = reports.payments(house, unmatched, creditor, limit)
        show(found, as_json, lambda console: _print_payments(console, found))

    @app.command()
    def match(
        payment: Annotated[str, typer.Argument(metavar="PAYMENT", help="payment id or its beginning")], by: By,
        case: ManyCases = None,
        split: Annotated[
            list[str] | None, typer.Option("--split", metavar="CASE=AMOUNT", help="a part of it; repeat for each")
        ] = None,
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Give a payment that waits to a case, or its parts to several."""
        from starter import matching

        if bool(case) == bool(split):
            raise typer.BadParameter("give the ID of one case, or --split CASE=AMOUNT for each of several")
        report(matching.match(payment, case or "", split or [], creditor, by), as_json, many=bool(split))

    @app.command()
    def news(
        day: Annotated[str, typer.Argument(metavar="DATE", help="the last day of which all payments are known here")],
        creditor: Required, by: By, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Say that all payments of a creditor are known up to and including a day."""
        from starter import bank

        found = bank.tell_news(day, creditor, by)
        text = f"pagamentos conhecidos até {found['news_on']:%d/%m/%Y}"
        show(found, as_json, lambda console: console.print(text))


def bank(app: Commands) -> None:
    """Add the commands about files of banks."""
    group = Commands("Files of banks: receive.")
    app.add_typer(group, name="bank")

    @group.command()
    def receive(
        files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="CNAB 240, CNAB 400 or OFX")],
        creditor: Required,
        by: Annotated[str, typer.Option("--by", metavar="STAFF", help="who brings it; not needed with --dry-run")] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="say what it would do, and do nothing")] = False,
        as_json: Json = False,
    ) -> None:  # fmt: skip
        """Take in return files and statements. A file that is damaged, repeated or unknown is refused whole."""
        from starter import bank as files_of_banks

        if not dry_run and not by:
            raise typer.BadParameter("--by is missing: say who brings the file, or ask with --dry-run")
        found = files_of_banks.receive(files, creditor, by, dry_run=dry_run, tty=sys.stderr.isatty())
        show(found, as_json, lambda console: _print_files(console, found["files"]))
        for file in found["files"]:
            if file["error"]:
                print(file["error"], file=sys.stderr)
        if any(file["error"] for file in found["files"]):
            raise typer.Exit(1)


_REASONS = {
    "maybe-counted": "talvez já contado", "ambiguous": "serve a mais de um caso", "several-invoices": "várias faturas",
    "other-payer": "pago por outra pessoa", "number-only": "só o número confere", "amount-only": "só o valor confere",
    "debtor-only": "devedor conhecido, valor de nenhuma fatura", "dated-ahead": "data futura",
    "doubtful": "o banco não é claro", "split": "dividido",
}  # fmt: skip


_COUNTS = {
    "records": "registros", "matched": "conciliados", "proposed": "propostos a uma pessoa", "unmatched": "sem caso",
    "repeated": "já conhecidos", "contradicted": "com outro valor", "clearings": "em compensação",
    "boletos-withdrawn": "boletos baixados", "reversals": "devolvidos", "tasks": "pendências",
    "questions": "registros para conferir",
}  # fmt: skip


def _print_files(console: Console, files: list[dict[str, Any]]) -> None:
    for file in files:
        if not file["error"]:
            state = "nada foi mudado (--dry-run)" if file["dry_run"] else "feito"
            title = f"{file['name']} ({file['layout']}, banco {file['bank']}): {state}"
            counts = [(_COUNTS.get(name, name), number) for name, number in file["counts"].items() if number]
            console.print(table(title, ["o que", "quantos"], counts))


def _print_payments(console: Console, found: list[dict[str, Any]]) -> None:
    names = {
        "id": "pagamento", "creditor": "credor", "reference": "referência", "amount": "valor", "paid_on": "dia",
        "case": "caso", "hint": "indicações", "proposed": "proposta",
    }  # fmt: skip
    listing = [row | {"proposed": _proposal(row["proposal"])} for row in found]
    console.print(listed("Pagamentos", names, listing))


def _proposal(parts: list[dict[str, Any]]) -> str:
    """`várias faturas: 3f2a9c1e 500.00 · 7be01d22 250.00`; where it may be counted already, under which reference."""
    if not parts:
        return ""
    said = [" ".join([part["case"][:8], part["amount"], *filter(None, [part.get("like")])]) for part in parts]
    reason = parts[0]["reason"]
    return f"{_REASONS.get(reason, reason)}: {' · '.join(said)}"

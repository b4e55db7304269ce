"""Looking: lists of cases, one case, one debtor, what goes out when, the updated debt."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from domain.money import format_brl
from starter.cli.edge import CaseId, Commands, Creditor, Json, cell, show, table

_LIST = {
    "id": "caso", "creditor": "credor", "debtor": "devedor", "invoice": "fatura", "instalment": "parcela",
    "due": "vencimento", "days_late": "atraso", "balance": "saldo", "stage": "etapa", "next_action": "ação",
    "next_at": "a partir de", "next_reason": "motivo",
}  # fmt: skip


def register(app: Commands) -> None:
    """Add the commands of this module."""

    @app.command()
    def cases(
        stage: Annotated[
            str, typer.Option("--stage", help="preventive, amicable, notice, protest, legal, closed")
        ] = "",
        creditor: Creditor = "",
        late: Annotated[int, typer.Option("--late", min=0, metavar="DAYS", help="late by that many days at least")] = 0,
        action: Annotated[
            str, typer.Option("--next", metavar="ACTION", help="wait, contact, notice, protest, legal")
        ] = "",
        reason: Annotated[
            str, typer.Option("--reason", metavar="WORDS", help="what they wait for, like disputed")
        ] = "",
        limit: Annotated[int, typer.Option("--limit", min=1)] = 50,
        as_json: Json = False,
    ) -> None:
        """List open cases, oldest due date first."""
        from starter import reports
        from starter.installation import installation

        filters = {"stage": stage, "creditor": creditor, "late": late, "action": action, "reason": reason}
        with installation() as house:
            found = reports.cases(house, filters, limit)
        show(found, as_json, lambda console: console.print(listed("Casos", _LIST, found)))

    @app.command("case")
    def one_case(case: CaseId, creditor: Creditor = "", as_json: Json = False) -> None:
        """Show one case: state, debt with its memory of calculation, schedule, timeline."""
        from starter import reports
        from starter.installation import installation

        with installation() as house:
            found = reports.one_case(house, case, creditor)
        show(found, as_json, lambda console: _print_case(console, found))

    @app.command()
    def debtor(
        document: Annotated[str, typer.Argument(metavar="DOC", help="CPF or CNPJ")],
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Show one debtor: ways to reach him, opt-outs, all his cases."""
        from starter import reports
        from starter.installation import installation

        with installation() as house:
            found = reports.debtors(house, document, creditor)
        show(found, as_json, lambda console: _print_debtors(console, found))

    @app.command()
    def outlook(
        days: Annotated[int, typer.Option("--days", min=0, max=365)] = 7,
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Show what goes out when, by day and step."""
        from starter import reports
        from starter.installation import installation

        with installation() as house:
            found = reports.outlook(house, days, creditor)
        names = {"day": "dia", "do": "ação", "step": "passo", "cases": "casos", "held": "retidos", "balance": "saldo"}
        show(found, as_json, lambda console: console.print(listed(f"Próximos {days} dias", names, found)))

    @app.command()
    def debt(
        principal: Annotated[str, typer.Option("--principal", metavar="REAIS")],
        due: Annotated[str, typer.Option("--due", metavar="DATE")],
        on: Annotated[str, typer.Option("--on", metavar="DATE", help="the day on which it is paid")],
        fine: Annotated[str, typer.Option("--fine", metavar="PERCENT", help="once")] = "0",
        interest: Annotated[str, typer.Option("--interest", metavar="PERCENT", help="simple, for 30 days")] = "0",
        fees: Annotated[str, typer.Option("--fees", metavar="PERCENT", help="for collection, if agreed")] = "0",
        index: Annotated[
            str, typer.Option("--index", metavar="INDEX", help="legal: nothing was agreed; ipca: the contract's index")
        ] = "",
        pay: Annotated[list[str] | None, typer.Option("--pay", metavar="DATE=AMOUNT", help="may be repeated")] = None,
        reduce: Annotated[
            list[str] | None, typer.Option("--reduce", metavar="DATE=AMOUNT", help="a rebate; may be repeated")
        ] = None,
        consumer: Annotated[bool, typer.Option("--consumer", help="the debtor is a consumer")] = False,
        as_json: Json = False,
    ) -> None:
        """Calculate an updated debt with its memory of calculation."""
        from starter import calculator

        asked = calculator.Question(principal, due, on, fine, interest, fees, index, consumer, pay or (), reduce or ())
        debt = calculator.debt(asked)
        found = calculator.as_data(debt) | {"court": calculator.court_memory(debt)}
        show(found, as_json, lambda console: _print_memory(console, found))


def listed(title: str, names: dict[str, str], found: list[dict[str, Any]]) -> Any:
    """A table of the named keys with their Portuguese headings; ids short."""
    short = [[str(row[key])[:8] if key in ("id", "case") and row[key] else row[key] for key in names] for row in found]
    return table(title, list(names.values()), short)


def _print_case(console: Console, case: dict[str, Any]) -> None:
    console.print(f"Caso {case['id']} · {case['creditor']} · {case['debtor']} · fatura {case['invoice']}")
    following = " ".join(part for part in (case["next_action"], case["next_step"]) if part)
    since = f" a partir de {cell(case['next_at'])}" if case["next_at"] else ""
    console.print(f"Etapa {case['stage']} · próxima ação {following}{since}: {case['next_reason']}")
    held = [f"{name}: {value}" for name, value in case["holds"].items() if value]
    if held:
        console.print("Retido: " + "; ".join(held))
    if case["matters"]:
        names = {"what": "o que vale agora", "until": "até", "amount": "valor", "detail": "detalhe"}
        console.print(listed("Ao lado da régua", names, case["matters"]))
    _print_debt(console, case["debt"])
    agenda = {"step": "passo", "do": "ação", "day": "dia", "state": "situação", "until": "até", "reason": "motivo"}
    console.print(listed("Agenda", agenda, [{"until": "", "reason": "", **step} for step in case["schedule"]]))
    console.print(f"Custo dos contatos: {format_brl(case['contacts_cost'])}")
    for contact in case["contacts"]:
        contact["left_out"] = "; ".join(contact["passed_over"])
    tasks = {"id": "pendência", "kind": "tipo", "owner": "responsável", "due": "até"}
    sections = {
        "tasks": ("Pendências", tasks),
        "approvals": ("Aprovações", {"id": "aprovação", "purpose": "para", "role": "papel", "state": "situação"}),
        "payments": ("Pagamentos", {"reference": "referência", "amount": "valor", "paid_on": "dia", "source": "fonte"}),
        "payment_codes": ("Códigos de pagamento", {
            "quoted_on": "de", "valid_until": "vale até", "amount": "valor", "state": "situação",
        }),
        "contacts": ("Contatos", {
            "planned_at": "quando", "channel": "canal", "step": "passo", "state": "situação",
            "left_out": "canais deixados de lado",
        }),
        "passed_over": ("Passos deixados de lado", {
            "step": "passo", "do": "ação", "day": "dia", "reason": "motivo",
        }),
        "notes": ("Anotações", {"written_at": "quando", "author": "autor", "text": "texto"}),
        "timeline": ("Livro do caso", {"seq": "nº", "business_at": "quando", "kind": "fato", "actor": "autor"}),
    }  # fmt: skip
    for key, (title, names) in sections.items():
        if case[key]:
            console.print(listed(title, names, case[key]))


def _print_debtors(console: Console, found: list[dict[str, Any]]) -> None:
    names = {"channel": "canal", "address": "endereço", "state": "situação", "source": "fonte"}
    for debtor in found:
        console.print(f"{debtor['name']} · {debtor['document']} · credor {debtor['creditor']} · {debtor['address']}")
        if debtor["opted_out"]:
            console.print(f"Não quer contato por: {', '.join(debtor['opted_out'])}")
        console.print(listed("Contatos", names, debtor["contact_points"]))
        console.print(listed(f"Casos, saldo {debtor['balance']}", _LIST, debtor["cases"]))


def _print_debt(console: Console, debt: dict[str, Any]) -> None:
    names = {"name": "item", "detail": "cálculo", "amount": "valor"}
    console.print(listed(f"Saldo {debt['total']}, atraso de {debt['days_late']} dias", names, debt["memory"]))
    for note in debt["notes"]:
        console.print(f"Nota: {note}")


def _print_memory(console: Console, debt: dict[str, Any]) -> None:
    """The debt as for people, then as for a court (CPC art. 524)."""
    _print_debt(console, debt)
    names = {
        "rate": "índice ou taxa", "start": "de", "end": "a", "days": "dias", "base": "base", "percent": "% no período",
        "factor": "fator", "amount": "valor",
    }  # fmt: skip
    if debt["periods"]:
        console.print(listed("Períodos", names, debt["periods"]))
    court = debt["court"]
    for title, said in (
        ("Índice de correção", "; ".join(court["indices"])),
        ("Juros", "; ".join(court["rates"])),
        ("Multa", court["fine"]),
        ("Honorários", court["fees"]),
        ("Capitalização", court["capitalisation"]),
        ("Imputação", court["imputation"]),
        ("Arredondamento", court["rounding"]),
    ):
        console.print(f"{title}: {said}")

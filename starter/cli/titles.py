"""What decides whether a title can go to the notary: the bank, whose it is, the NF-e, who else signed; approvals."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from starter.cli.cases import listed
from starter.cli.edge import By, CaseId, Commands, Creditor, From, Json, ManyCases, cell, show
from starter.cli.perform import perform

Kind = Annotated[str | None, typer.Option("--kind", metavar="KIND", help="protest or listing")]


def register(app: Commands) -> None:
    """Add the commands of this module."""
    standing(app)
    parties(app)
    asked(app)


def standing(app: Commands) -> None:
    """What others say of the title."""

    @app.command("bank-order")
    def bank_order(
        by: By, case: ManyCases = None, kind: Kind = None,
        withdrawn: Annotated[bool, typer.Option("--withdrawn", help="the bank confirmed that it is gone")] = False,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """The bank holds an instruction of its own to protest or list the debtor; --withdrawn: no more."""
        from starter import deeds

        columns = {"tipo": kind, "baixada": "sim" if withdrawn else "não"}
        perform(deeds.bank_order, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def portfolio(
        by: By, case: ManyCases = None,
        kind: Annotated[str | None, typer.Option("--kind", help="simple, discounted, pledged or sold")] = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Whose the title is: only one in simple collection is the creditor's to protest."""
        from starter import deeds

        perform(deeds.portfolio, {"tipo": kind}, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command("nfe-event")
    def nfe_event(
        by: By, case: ManyCases = None,
        event: Annotated[str | None, typer.Option("--event", metavar="CODE", help="like 110111, 210240")] = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """An event of the electronic invoice: cancelled, confirmed, refused by the buyer."""
        from starter import deeds

        perform(deeds.nfe_event, {"evento": event}, case=case, creditor=creditor, by=by, source=source, as_json=as_json)


def parties(app: Commands) -> None:
    """Who else signed."""
    party = Commands("Other parties of a debt: add.")
    app.add_typer(party, name="party")

    @party.command()
    def add(
        case: CaseId, by: By,
        role: Annotated[str, typer.Option("--role", help="co-debtor, avalista, endorser, guarantor, representative")],
        document: Annotated[str, typer.Option("--document", help="CPF or CNPJ")],
        name: Annotated[str, typer.Option("--name")],
        street: Annotated[str, typer.Option("--street", help="street and number")] = "",
        district: Annotated[str, typer.Option("--district")] = "",
        city: Annotated[str, typer.Option("--city")] = "",
        uf: Annotated[str, typer.Option("--uf")] = "",
        cep: Annotated[str, typer.Option("--cep")] = "",
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Add who else is bound; only who signed the title gets a notice of his own and is named in a protest."""
        from starter import parties as people_bound

        where = {"street": street, "district": district, "city": city, "uf": uf, "cep": cep}
        made = people_bound.add(case, creditor, role, document, name, where, by)
        show(made, as_json, lambda console: console.print(f"guardado: {role}, responde por: {made['bound_by']}"))


def asked(app: Commands) -> None:
    """What an approver is shown."""

    @app.command()
    def approval(
        what: Annotated[str, typer.Argument(metavar="ID", help="case or approval")],
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Show what waits for approval: balance, what the age costs, proof of the notice, what is missing, ways out."""
        from starter import approvals

        found = approvals.brief(what, creditor)
        show(found, as_json, lambda console: _print_brief(console, found))


def _print_brief(console: Console, found: dict[str, Any]) -> None:
    lists = {name: value for name, value in found.items() if isinstance(value, list) and value}
    for name, value in found.items():
        if isinstance(value, dict):
            console.print(f"{name}: " + ", ".join(f"{key} {cell(each)}" for key, each in value.items()))
        elif name not in lists:
            console.print(f"{name}: {cell(value)}")
    for name, rows in lists.items():
        if isinstance(rows[0], dict):
            console.print(listed(name, {key: key for key in rows[0]}, rows))
        else:
            console.print(f"{name}: " + "; ".join(map(str, rows)))

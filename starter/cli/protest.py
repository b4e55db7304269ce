"""The firm part: files of the CRA, titles at the notary."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from starter.cli.edge import By, CaseId, Commands, Creditor, Document, From, Json, ManyCases, Reason, show, table
from starter.cli.perform import perform

_SAID = (
    "confirmed, notified, paid, returned, withdrawn, suspended, suspended-for-good, registered, cancelled or "
    "cancellation-refused"
)
Day = Annotated[str | None, typer.Option("--on", metavar="DATE", help="the day of it, not after today")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="under the name that the CRA gave it")]


def register(app: Commands) -> None:
    """Add the commands of this module."""
    protest(app)
    files(app)


def protest(app: Commands) -> None:
    """Titles at the notary."""
    group = Commands("Protest: batch, receive, show, withdraw, cancel, by hand, letter of consent.")
    app.add_typer(group, name="protest")
    exchange(group)
    undoing(group)
    by_hand(group)


def exchange(group: Commands) -> None:
    """Files, and how titles stand."""

    @group.command()
    def batch(as_json: Json = False) -> None:
        """Exchange files with the CRA now: take in what came, send what is queued."""
        from starter import errands

        found = errands.protest_batch()
        names = {"taken_in": "recebidos", "prepared": "preparados", "uploaded": "enviados", "refused": "recusados"}
        text = ", ".join(f"{title} {found[name]}" for name, title in names.items() if name in found)
        show(found, as_json, lambda console: console.print(text or "iniciado; continua nos trabalhadores"))

    @group.command()
    def receive(file: File, as_json: Json = False) -> None:
        """Take in a confirmation, return or progress file that came another way."""
        from starter import notary

        found = notary.receive(file)
        words = {"taken-in": "recebido", "known": "já conhecido, nada mudou", "refused": "recusado"}
        text = (
            f"{found['name']}: {words[found['state']]}, {found['answers']} respostas, {found['strange']} para conferir"
        )
        show(found, as_json, lambda console: console.print("\n".join([text, *found["faults"]])))
        if found["state"] == "refused":
            raise typer.Exit(1)

    @group.command("show")
    def standing(case: CaseId, creditor: Creditor = "", as_json: Json = False) -> None:
        """Show how the titles of a case stand: state, protocol, term, hour of decision, costs and who bears them."""
        from starter import notary

        found = notary.standing(case, creditor)
        show(found, as_json, lambda console: _print_standing(console, found))


def undoing(group: Commands) -> None:
    """Taking a title back, cancelling its protest, the letter of consent."""

    @group.command()
    def withdraw(
        by: By, case: ManyCases = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Ask for the title back before it is registered. Needs --reason."""
        from starter import protest_deeds as deeds

        perform(deeds.withdraw, {"motivo": reason}, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @group.command()
    def cancel(
        by: By, case: ManyCases = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Have a registered protest cancelled at the creditor's cost, with today's file. Needs --reason."""
        from starter import protest_deeds as deeds

        perform(deeds.cancel, {"motivo": reason}, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @group.command()
    def consent(
        case: CaseId, by: By,
        out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="also write the PDF there")] = None,
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Make the letter of consent with which a registered protest is cancelled, ready to be signed."""
        from starter import notary

        found = notary.consent(case, creditor, by, out)
        show(found, as_json, lambda console: console.print(f"carta de anuência: {found['path']}"))

    @group.command()
    def signed(
        by: By, case: ManyCases = None,
        signatory: Annotated[str | None, typer.Option("--signatory", metavar="CODE", help="who signed")] = None,
        way: Annotated[str | None, typer.Option("--way", help="notarised, icp-brasil or cenprot")] = None,
        on: Day = None, document: Document = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Record that a person with proven powers signed the letter of consent."""
        from starter import protest_deeds as deeds

        columns = {"signatario": signatory, "forma": way, "data": on, "documento": document}
        perform(deeds.signed, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @group.command()
    def delivered(
        by: By, case: ManyCases = None,
        way: Annotated[str | None, typer.Option("--way", help="email, letter, in-person or cenprot")] = None,
        on: Day = None, creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Record that the debtor has the signed letter of consent."""
        from starter import protest_deeds as deeds

        columns = {"forma": way, "data": on}
        perform(deeds.delivered, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)


def by_hand(group: Commands) -> None:
    """Where no agreement covers the place: a person presents, hears and types back."""

    @group.command()
    def sheet(case: CaseId, by: By, creditor: Creditor = "", as_json: Json = False) -> None:
        """Show all that the notaries' central (CENPROT) asks for a title that is presented by hand. Personal data."""
        from starter import notary

        found = notary.sheet(case, creditor, by)
        show(found, as_json, lambda console: _print_sheet(console, found))

    @group.command()
    def answer(
        case: CaseId, by: By,
        said: Annotated[str, typer.Argument(metavar="SAID", help=_SAID)],
        on: Annotated[str, typer.Option("--on", metavar="DATE", help="the day of it; of a protocol its day")],
        protocol: Annotated[str, typer.Option("--protocol", help="of a confirmation")] = "",
        notary: Annotated[str, typer.Option("--notary", metavar="CODE", help="the tabelionato")] = "",
        amount: Annotated[str, typer.Option("--amount", metavar="BRL", help="what was paid there")] = "",
        costs: Annotated[str, typer.Option("--costs", metavar="BRL", help="what the notary asks")] = "",
        irregularity: Annotated[list[str] | None, typer.Option("--irregularity", metavar="CODE")] = None,
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Type back what the notary said of a title; it counts as if a file had said it."""
        from starter import notary as notaries

        heard = notaries.heard_of(said, on, protocol, notary, amount, costs, tuple(irregularity or ()))
        found = notaries.answer(case, creditor, by, heard)
        show(found, as_json, lambda console: console.print(f"{found['case']}: {found['said']}, {found['facts']} fatos"))

    @group.command()
    def money(
        case: CaseId, by: By,
        reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="of the movement at the bank")],
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Record that the notary passed on what the debtor paid there; the debt was settled by it already."""
        from starter import notary

        found = notary.money(case, creditor, by, reference)
        show(found, as_json, lambda console: console.print(f"{found['case']}: repasse {found['reference']}"))


def files(app: Commands) -> None:
    """Files of the CRA."""
    cra = Commands("Files of the CRA: read.")
    app.add_typer(cra, name="cra")

    @cra.command()
    def read(
        file: File,
        personal: Annotated[bool, typer.Option("--personal", help="also names, documents and addresses")] = False,
        as_json: Json = False,
    ) -> None:
        """Show what a CRA file says, record by record, with its codes explained. Nothing is taken in."""
        from starter import notary

        found = notary.read(file, personal)
        show(found, as_json, lambda console: _print_file(console, found))


def _print_standing(console: Console, found: dict[str, Any]) -> None:
    console.print(f"decidir até {found['decide_by'] or '-'}; carta de anuência: {found['consent'] or '-'}")
    for title in found["titles"]:
        console.print(table(f"título {title['attempt']}", ["campo", "valor"], [*title.items()]))


def _print_sheet(console: Console, found: dict[str, Any]) -> None:
    plain = [(key, value) for key, value in found.items() if key not in ("creditor", "debtors")]
    people = [("credor", found["creditor"]), *(("devedor", one) for one in found["debtors"])]
    console.print(table("título", ["campo", "valor"], plain))
    for name, person in people:
        console.print(table(name, ["campo", "valor"], [*person.items()]))


def _print_file(console: Console, found: dict[str, Any]) -> None:
    console.print(f"{found['name']}: {found['kind']}, apresentante {found['presenter']}, {found['day']:%d/%m/%Y}")
    for record in found["records"]:
        title = f"linha {record['line']}: {record['record']}"
        console.print(
            table(title, ["campo", "valor"], [(k, v) for k, v in record["values"].items() if v not in ("", None)])
        )
    for code, text in found["codes"].items():
        console.print(f"{code}: {text}")

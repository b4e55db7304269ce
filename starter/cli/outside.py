"""Those who act for a case outside: legal, an agency, the notaries' central, the credit bureau."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from starter.cli.edge import By, CaseId, Commands, Creditor, From, Json, ManyCases, Reason, show
from starter.cli.perform import perform

Answer = Annotated[str | None, typer.Argument(metavar="ANSWER", help="what they say")]
On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="the day it happened; default today")]
Number = Annotated[str | None, typer.Option("--number", metavar="NUMBER", help="of a lawsuit: its 20 digits (CNJ)")]
Amount = Annotated[str | None, typer.Option("--amount", metavar="AMOUNT", help="of a payment: reais, like 1.234,56")]
Ref = Annotated[str | None, typer.Option("--ref", metavar="REF", help="of a payment: its reference")]
Text = Annotated[str | None, typer.Option("--text", metavar="TEXT", help="atraso-cordial, atraso-firme, ultimo-aviso")]


class OneCaseOrCommand(TyperGroup):
    """`regua legal ID` shows the dossier of a case, as `regua legal show ID` does."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The named command, or `show` where the first word is none of them."""
        if args and args[0] not in self.commands:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


def register(app: Commands) -> None:
    """Add the commands of this module."""
    legal = Commands("Legal: ID (where the dossier lies), answer, recall, ask.")
    app.add_typer(legal, name="legal", cls=OneCaseOrCommand)
    agency = Commands("An outside agency: answer, recall.")
    app.add_typer(agency, name="agency")
    _dossier(legal)
    for to, group in (("legal", legal), ("agency", agency)):
        _hands(group, to)
    _central(app)
    _bureau(app)


def _dossier(group: Commands) -> None:
    @group.command("show")
    def show_dossier(case: CaseId, creditor: Creditor = "", as_json: Json = False) -> None:
        """Say where a case's dossier lies, and check that it is whole."""
        from starter import evidence

        found = evidence.dossier(case, creditor)
        text = f"dossiê: {found['path']}\nSHA-256: {found['sha256']}"
        show(found, as_json, lambda console: console.print("\n".join([text, *found["problems"]])))
        if found["problems"]:
            raise typer.Exit(1)


def _hands(group: Commands, to: Any) -> None:
    """A lawyer and an agency are told and heard alike."""

    @group.command()
    def answer(
        by: By, case: ManyCases = None, answer: Answer = None, on: On = None, number: Number = None,
        amount: Amount = None, ref: Ref = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Type their word: acknowledged, filed (--number), agreement, payment (--amount --ref), given-up (--reason)."""
        from starter import outside

        columns = {
            "resposta": answer, "data": on, "processo": number, "valor": amount, "referencia": ref, "motivo": reason,
        }  # fmt: skip
        make = outside.hands(to)
        perform(make, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @group.command()
    def recall(
        by: By, case: ManyCases = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Take the case back; they are told, and its ladder goes on. Needs --reason."""
        from starter import outside

        columns = {"motivo": reason}
        perform(outside.recall(to), columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @group.command()
    def ask(
        by: By, case: ManyCases = None, text: Text = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Write to the debtor because they ask for it; nothing else is sent meanwhile. Needs --text and --reason."""
        from starter import outside

        columns = {"texto": text, "motivo": reason}
        perform(outside.ask(to), columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)


def _central(app: Commands) -> None:
    group = Commands("Proposals at the notaries' central (Lei 9.492/1997 art. 11-A): answer, withdraw.")
    app.add_typer(group, name="negotiation")

    @group.command()
    def answer(
        by: By, case: ManyCases = None, answer: Answer = None, on: On = None, amount: Amount = None, ref: Ref = None,
        protocol: Annotated[str | None, typer.Option("--protocol", metavar="NUMBER", help="of a conversion")] = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Type what became of it: paid (--amount), withdrawn, returned, converted (--protocol)."""
        from starter import outside

        columns = {"resposta": answer, "data": on, "valor": amount, "referencia": ref, "protocolo": protocol}
        perform(outside.central, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @group.command()
    def withdraw(
        by: By, case: ManyCases = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Ask the central for the proposal back before it becomes a protest. Needs --reason."""
        from starter import outside

        perform(
            outside.take_back, {"motivo": reason}, case=case, creditor=creditor, by=by, source=source, as_json=as_json
        )


def _bureau(app: Commands) -> None:
    group = Commands("Entries at a credit bureau: answer, remove.")
    app.add_typer(group, name="listing")

    @group.command()
    def answer(
        by: By, case: ManyCases = None, answer: Answer = None, on: On = None,
        code: Annotated[str | None, typer.Option("--code", metavar="CODE", help="of a refusal")] = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Type what the bureau did: notified, listed, refused (--code), removed."""
        from starter import outside

        columns = {"resposta": answer, "data": on, "codigo": code}
        perform(outside.bureau, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @group.command()
    def remove(
        by: By, case: ManyCases = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Have the entry removed. Needs --reason."""
        from starter import outside

        perform(outside.remove, {"motivo": reason}, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

"""What the debtor says and what is agreed with him: promises, claims, plans, disputes; and moratoria."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from starter.cli.cases import listed
from starter.cli.edge import By, CaseId, Commands, Creditor, Document, From, How, Json, ManyCases, Reason, show
from starter.cli.perform import perform, print_outcomes, say_refused

if TYPE_CHECKING:
    from starter.agreements import Agreement

Ref = Annotated[str | None, typer.Option("--ref", metavar="REF", help="the bank's reference; it counts once")]


def register(app: Commands) -> None:
    """Add the commands of this module."""
    words_about_money(app)
    disputes(app)
    plans(app)
    moratoria(app)


def words_about_money(app: Commands) -> None:
    """What is promised, said to be paid, or on its way."""

    @app.command()
    def promise(
        by: By, case: ManyCases = None,
        on: Annotated[str | None, typer.Argument(metavar="DATE", help="like 22/11/2026 or 2026-11-22")] = None,
        amount: Annotated[str | None, typer.Argument(metavar="AMOUNT", help="reais; default the whole debt")] = None,
        named: Annotated[str | None, typer.Option("--amount", metavar="AMOUNT", help="the same as AMOUNT")] = None,
        how: How = None, creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """The debtor promised to pay on a day."""
        from starter import deeds

        if amount and named:
            raise typer.BadParameter("the amount stands there twice; give it once")
        columns = {"data": on, "valor": amount or named, "como": how}
        perform(deeds.promise, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def claim(
        by: By, case: ManyCases = None, how: How = None, document: Document = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """The debtor says that he has paid: the ladder rests while a person looks for the money."""
        from starter import deeds

        columns = {"como": how, "documento": document, "motivo": reason}
        perform(deeds.claim, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def clearing(
        by: By, case: ManyCases = None,
        amount: Annotated[str | None, typer.Argument(metavar="AMOUNT", help="reais, like 1.234,56")] = None,
        ref: Ref = None,
        expected: Annotated[str | None, typer.Option("--expected", metavar="DATE", help="when it arrives")] = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Money is on its way (a cheque, a boleto between banks): nothing firm happens until it should be there."""
        from starter import deeds

        columns = {"valor": amount, "referencia": ref, "esperado": expected}
        perform(deeds.clearing, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)


def disputes(app: Commands) -> None:
    """The debt, or a part of it, is denied."""

    @app.command()
    def dispute(
        by: By, case: ManyCases = None,
        amount: Annotated[
            str | None, typer.Option("--amount", metavar="PART", help="reais that are disputed; default everything")
        ] = None,
        explain_by: Annotated[
            str | None, typer.Option("--explain-by", metavar="DATE", help="he has until then to say why")
        ] = None,
        explained: Annotated[bool, typer.Option("--explained", help="he has said why; --reason holds it")] = False,
        how: How = None, reason: Reason = None, creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """The debtor denies the debt or a part of it: what is disputed is not asked for until a person decides."""
        from starter import deeds

        if explained and explain_by:
            raise typer.BadParameter("--explained says that he has said why, --explain-by that he has not; give one")
        columns = {
            "valor": amount, "explicar_ate": explain_by, "explicada": "sim" if explained else None, "como": how,
            "motivo": reason,
        }  # fmt: skip
        perform(deeds.dispute, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def resolve(
        by: By, case: ManyCases = None,
        upheld: Annotated[bool | None, typer.Option("--upheld/--rejected", help="is the debtor right?")] = None,
        reason: Reason = None, creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Decide a dispute: upheld takes the disputed part off, or ends the debt; rejected lets the ladder go on."""
        from starter import deeds

        columns = {"decisao": None if upheld is None else "upheld" if upheld else "rejected", "motivo": reason}
        perform(deeds.resolve, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)


def plans(app: Commands) -> None:
    """Plans (acordos)."""

    @app.command()
    def plan(
        case: CaseId,
        which: Annotated[
            str, typer.Argument(metavar="[PLAN]", help="with --accept: which offer, where there are several")
        ] = "",
        offer: Annotated[str, typer.Option("--offer", metavar="NAME", help="an offer of the case's ladder")] = "",
        accept: Annotated[bool, typer.Option("--accept", help="the debtor accepted an offer")] = False,
        end: Annotated[bool, typer.Option("--end", help="end the plan; the debt stands as if it had broken")] = False,
        how: How = None, document: Document = None,
        words: Annotated[str, typer.Option("--note", metavar="TEXT", help="his words, as they were heard")] = "",
        reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="with --end: why; kept as a note")] = "",
        by: Annotated[str, typer.Option("--by", metavar="STAFF", help="who acts; not needed to look")] = "",
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Show what was offered and agreed; or offer a plan, write down that it was accepted, or end it."""
        from starter import agreements

        asked = [name for name, given in (("--offer", offer), ("--accept", accept), ("--end", end)) if given]
        if len(asked) > 1:
            raise typer.BadParameter(f"{' and '.join(asked)} are two things; do one after the other")
        if asked and not by:
            raise typer.BadParameter(f"--by is missing: say who acts with {asked[0]}")
        if which and not accept:
            raise typer.BadParameter("PLAN names the offer that was accepted; give it with --accept")
        if end and not reason:
            raise typer.BadParameter("--reason is missing: say why the plan ends")
        if offer:
            _told(agreements.offer(case, creditor, offer, by), as_json)
        elif accept:
            evidence = agreements.Acceptance(how or "staff", document or "", words)
            _told(agreements.accept(case, creditor, which, evidence, by), as_json)
        elif end:
            _told(agreements.end(case, creditor, reason, by), as_json)
        else:
            found = agreements.plans(case, creditor)
            show(found, as_json, lambda console: _print_plans(console, found))


def _told(done: Agreement, as_json: bool) -> None:
    """What the case answered, and the plan as it stands now."""

    def render(console: Console) -> None:
        print_outcomes(console, [done.outcome])
        _print_plan(console, done.plan)

    show(asdict(done.outcome) | {"plan": done.plan}, as_json, render)
    say_refused([done.outcome])


_STATES = {
    "offered": "proposto", "expired": "proposta vencida", "agreed": "em vigor", "broken": "quebrado",
    "completed": "cumprido", "ended": "encerrado por pessoa", "void": "sem efeito",
}  # fmt: skip


def _print_plans(console: Console, found: dict[str, Any]) -> None:
    names = {
        "id": "acordo", "offer": "proposta", "state": "situação", "total": "total", "valid_until": "vale até",
        "accepted_at": "aceito em", "accepted_how": "como",
    }  # fmt: skip
    shown = [plan | {"state": _STATES[plan["state"]]} for plan in found["plans"]]
    console.print(listed("Acordos do caso", names, shown))
    for plan in found["plans"]:
        if plan["state"] in ("offered", "agreed"):
            _print_plan(console, plan)
    offers = ", ".join(found["offers"])
    console.print(f"A régua do caso oferece: {offers}" if offers else "A régua do caso não oferece acordos")


def _print_plan(console: Console, plan: dict[str, Any]) -> None:
    title = f"Acordo {str(plan['id'])[:8]} ({_STATES[plan['state']]}): total {plan['total']}, dívida {plan['debt']}"
    console.print(
        listed(title, {"number": "parcela", "due": "vencimento", "amount": "valor", "open": "falta"}, plan["parts"])
    )
    if plan["progress"]:
        rest = plan["progress"]
        console.print(f"Pago {rest['paid']}, falta {rest['open']}; para quitar hoje: {rest['settlement']}")


def moratoria(app: Commands) -> None:
    """Holds over many cases."""
    moratorium = Commands("Holds over many cases, of a place, a segment or a debtor: add, list, lift.")
    app.add_typer(moratorium, name="moratorium")

    @moratorium.command()
    def add(
        by: By, reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="the decree or decision")],
        place: Annotated[str, typer.Option("--place", metavar="UF|IBGE", help="a state or a municipality")] = "",
        segment: Annotated[str, typer.Option("--segment", metavar="KIND", help="company or consumer")] = "",
        debtor: Annotated[str, typer.Option("--debtor", metavar="DOC", help="one person's or company's document")] = "",
        since: Annotated[str, typer.Option("--from", metavar="DATE", help="its first day; default today")] = "",
        until: Annotated[str, typer.Option("--until", metavar="DATE", help="its last day; default until lifted")] = "",
        document: Document = None,
        creditor: Annotated[str, typer.Option("--creditor", metavar="CODE", help="only this creditor's cases")] = "",
        as_json: Json = False,
    ) -> None:  # fmt: skip
        """Hold every case of a place, a segment or a debtor, also those that open while it runs."""
        from starter import moratoria as book

        scopes = [
            (name, value) for name, value in (("place", place), ("segment", segment), ("debtor", debtor)) if value
        ]
        if len(scopes) != 1:
            raise typer.BadParameter("give one of --place, --segment and --debtor")
        given = book.Given(*scopes[0], since, until, reason, document or "", creditor)
        found = book.add(given, by)
        show(found, as_json, lambda console: console.print(f"moratória {found['id']}: {found['cases']} casos retidos"))

    @moratorium.command("list")
    def list_(
        everything: Annotated[bool, typer.Option("--all", help="also those that are over or lifted")] = False,
        as_json: Json = False,
    ) -> None:
        """List the moratoria that run or are to come."""
        from starter import moratoria as book

        found = book.listed(everything=everything)
        names = {
            "id": "moratória", "scope": "alcance", "value": "qual", "creditor": "credor", "since": "de", "until": "até",
            "lifted_at": "levantada", "cases": "casos", "reason": "motivo",
        }  # fmt: skip
        show(found, as_json, lambda console: console.print(listed("Moratórias", names, found)))

    @moratorium.command()
    def lift(
        which: Annotated[str, typer.Argument(metavar="ID", help="moratorium id or its beginning")], by: By,
        reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="why it ends before its day")],
        as_json: Json = False,
    ) -> None:  # fmt: skip
        """End a moratorium before its day: the cases go on, unless another holds them."""
        from starter import moratoria as book

        found = book.lift(which, reason, by)
        show(found, as_json, lambda console: console.print(f"moratória levantada: {found['cases']} casos"))

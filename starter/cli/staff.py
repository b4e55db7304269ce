"""What staff do to cases: what holds a ladder, changes of the debt, approvals, notes, logged contacts, evidence.

What is agreed with the debtor stands in `starter.cli.agreements`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starter.cli.edge import By, CaseId, Commands, Creditor, Document, From, Json, ManyCases, Reason, show
from starter.cli.perform import perform, report

Kind = Annotated[str | None, typer.Option("--kind", metavar="KIND")]
On = Annotated[str | None, typer.Option("--on", metavar="DATE", help="the day it happened; default today")]
Amount = Annotated[str | None, typer.Argument(metavar="AMOUNT", help="reais, like 1.234,56")]
Day = Annotated[str | None, typer.Argument(metavar="DATE", help="like 22/11/2026 or 2026-11-22")]


def register(app: Commands) -> None:
    """Add the commands of this module."""
    holds(app)
    changes(app)
    words(app)


def holds(app: Commands) -> None:
    """What holds a ladder, and lets it go."""

    @app.command()
    def pause(
        by: By, case: ManyCases = None,
        until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="last day of the pause")] = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Rest the ladder up to and including a day."""
        from starter import deeds

        perform(deeds.pause, {"ate": until}, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def resume(
        by: By, case: ManyCases = None, creditor: Creditor = "", source: From = None, as_json: Json = False
    ) -> None:
        """End a pause before its day."""
        from starter import deeds

        perform(deeds.resume, {}, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def hold(
        by: By, case: ManyCases = None, kind: Kind = None,
        until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="its last day, if any")] = None,
        document: Document = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Hold a case: --kind court, insolvency, death or over-indebted, each with its --document; or moratorium."""
        from starter import deeds

        columns = {"tipo": kind, "ate": until, "documento": document, "motivo": reason}
        perform(deeds.hold, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def lift(
        by: By, case: ManyCases = None, kind: Kind = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Lift a hold: --kind court, insolvency, death, over-indebted, moratorium or vanished."""
        from starter import deeds

        columns = {"tipo": kind, "motivo": reason}
        perform(deeds.lift, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command("override-limitation")
    def override_limitation(
        by: By, case: ManyCases = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """A lawyer answers for a protest after the executive term; never after the last term. Needs --reason."""
        from starter import deeds

        columns = {"motivo": reason}
        perform(deeds.override_limitation, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)


def changes(app: Commands) -> None:
    """Changes of the debt, and of how it can be paid."""

    @app.command()
    def extend(
        by: By, case: ManyCases = None, due: Day = None, document: Document = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Give a new due date; charges and the ladder count from it."""
        from starter import deeds

        columns = {"data": due, "documento": document, "motivo": reason}
        perform(deeds.extend, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def adjust(
        by: By, case: ManyCases = None, amount: Amount = None, kind: Kind = None, on: On = None,
        document: Document = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Make the debt smaller: --kind rebate, return, credit-note or withholding."""
        from starter import deeds

        columns = {"valor": amount, "tipo": kind, "data": on, "documento": document, "motivo": reason}
        perform(deeds.adjust, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command("boleto-withdrawn")
    def boleto_withdrawn(
        by: By, case: ManyCases = None, creditor: Creditor = "", source: From = None, as_json: Json = False
    ) -> None:
        """The bank confirmed that the invoice's boleto can no longer be paid."""
        from starter import deeds

        perform(deeds.boleto_withdrawn, {}, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def void(
        by: By, case: ManyCases = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """The debt never was, or is no more: nobody is asked for it again. Needs --reason."""
        from starter import deeds

        perform(deeds.void, {"motivo": reason}, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command("write-off")
    def write_off(
        by: By, case: ManyCases = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """The creditor gives the debt up. Needs --reason."""
        from starter import deeds

        columns = {"motivo": reason}
        perform(deeds.write_off, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)


def words(app: Commands) -> None:
    """Approvals, notes, logged contacts, evidence."""

    @app.command()
    def approve(
        what: Annotated[str, typer.Argument(metavar="ID", help="case or approval")],
        reason: Reason = None, creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Say yes to what waits for approval, signed in with REGUA_TOKEN; role and limit are checked."""
        from starter import approvals

        _said(approvals.answer(what, creditor, reason or "", yes=True), as_json)

    @app.command()
    def refuse(
        what: Annotated[str, typer.Argument(metavar="ID", help="case or approval")],
        reason: Reason = None,
        until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="no for now: ask again then")] = None,
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Say no to what waits for approval, signed in with REGUA_TOKEN. One no is enough. Needs --reason."""
        from starter import approvals
        from starter.forms import parse_day

        day = parse_day(until, "--until") if until else None
        _said(approvals.answer(what, creditor, reason or "", yes=False, again_on=day), as_json)

    @app.command()
    def note(
        by: By, case: ManyCases = None,
        text: Annotated[str | None, typer.Argument(metavar="TEXT", help="free text; it can be erased")] = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Write something down about a case."""
        from starter import deeds

        perform(deeds.note, {"texto": text}, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def log(
        by: By, case: ManyCases = None,
        channel: Annotated[
            str | None, typer.Argument(metavar="CHANNEL", help="call, whatsapp, email, sms, visit or letter")
        ] = None,
        outcome: Annotated[
            str | None, typer.Argument(metavar="OUTCOME", help="a short word; of a letter: delivered, returned, …")
        ] = None,
        step: Annotated[str | None, typer.Option("--step", help="the step it completes")] = None,
        way: Annotated[str | None, typer.Option("--way", help="of a notice: which letter, like letter-2")] = None,
        party: Annotated[str | None, typer.Option("--party", help="of a notice: to which other party, by id")] = None,
        on: On = None, creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Log a contact that a person made, or what became of a letter. It counts in the debtor's caps."""
        from starter import deeds

        columns = {"canal": channel, "resultado": outcome, "passo": step, "data": on, "via": way, "parte": party}
        perform(deeds.log, columns, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

    @app.command()
    def attach(
        case: CaseId, file: Annotated[Path, typer.Argument(metavar="FILE")], by: By,
        kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="short word, like invoice or delivery-proof")],
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Put a document to a case: evidence for the notary and for legal."""
        from starter import evidence

        found = evidence.attach(case, creditor, file, kind, by)
        show(found, as_json, lambda console: console.print(f"guardado: {found['name']}, SHA-256 {found['sha256']}"))


def _said(answer: object, as_json: bool) -> None:
    from starter.actions import Outcome
    from starter.approvals import Settled

    if isinstance(answer, Outcome):
        report([answer], as_json)
        return
    if isinstance(answer, Settled):
        done = "vale a partir de agora" if answer.status == "applied" else "recusada, nada muda"
        show(answer, as_json, lambda c: c.print(f"mudança do credor ({answer.setting}): {done}"))
        return
    show(
        {"status": "said", "missing": answer}, as_json, lambda c: c.print(f"anotado: falta(m) {answer} aprovação(ões)")
    )

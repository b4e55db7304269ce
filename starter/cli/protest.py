"""The firm part: files of the CRA, titles at the notary."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from starter.cli.edge import By, CaseId, Commands, Creditor, From, Json, ManyCases, Reason, show, table
from starter.cli.perform import perform

File = Annotated[Path, typer.Argument(metavar="FILE", help="under the name that the CRA gave it")]


def register(app: Commands) -> None:
    """Add the commands of this module."""
    protest(app)
    files(app)


def protest(app: Commands) -> None:
    """Titles at the notary."""
    group = Commands("Protest: batch, receive, withdraw, consent.")
    app.add_typer(group, name="protest")

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

    @group.command()
    def withdraw(
        by: By, case: ManyCases = None, reason: Reason = None,
        creditor: Creditor = "", source: From = None, as_json: Json = False,
    ) -> None:  # fmt: skip
        """Ask for the title back before it is registered. Needs --reason."""
        from starter import deeds

        perform(deeds.withdraw, {"motivo": reason}, case=case, creditor=creditor, by=by, source=source, as_json=as_json)

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


def files(app: Commands) -> None:
    """Files of the CRA."""
    cra = Commands("Files of the CRA: read.")
    app.add_typer(cra, name="cra")

    @cra.command()
    def read(file: File, as_json: Json = False) -> None:
        """Show what a CRA file says, record by record, with its codes explained. Nothing is taken in."""
        from starter import notary

        found = notary.read(file)
        show(found, as_json, lambda console: _print_file(console, found))


def _print_file(console: Console, found: dict[str, Any]) -> None:
    console.print(f"{found['name']}: {found['kind']}, apresentante {found['presenter']}, {found['day']:%d/%m/%Y}")
    for record in found["records"]:
        title = f"linha {record['line']}: {record['record']}"
        console.print(
            table(title, ["campo", "valor"], [(k, v) for k, v in record["values"].items() if v not in ("", None)])
        )
    for code, text in found["codes"].items():
        console.print(f"{code}: {text}")

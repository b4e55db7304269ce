"""Texts to debtors, looked at before they go out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from starter.cli.cases import listed
from starter.cli.edge import By, Commands, Creditor, Json, show


def register(app: Commands) -> None:
    """Add the commands of this module."""
    letters = Commands("Texts: preview, whatsapp, tracking.")
    app.add_typer(letters, name="letters")

    @letters.command()
    def preview(
        text: Annotated[str, typer.Argument(metavar="TEXT", help="lembrete, …, roteiro-cordial, roteiro-voz")],
        channel: Annotated[
            str, typer.Option("--channel", help="email, sms, whatsapp, voice, letter (notificacao-previa)")
        ] = "email",
        case: Annotated[str, typer.Option("--case", metavar="ID", help="a real case; default invented data")] = "",
        shape: Annotated[str, typer.Option("--as", metavar="SHAPE", help="text, html or pdf")] = "",
        out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="where the file goes")] = None,
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Show a text as it would go out, with invented data or that of a case, and check it. Nothing is sent."""
        from starter import previews

        found = previews.preview(text, channel, case, creditor, shape, out)
        show(found, as_json, lambda console: _print(console, found))
        _refuse(found["faults"])

    @letters.command()
    def whatsapp(
        creditor: Annotated[str, typer.Argument(metavar="CREDITOR", help="by code or CNPJ")], by: By,
        submit: Annotated[bool, typer.Option("--submit", help="make and hand in what is not yet")] = False,
        text: Annotated[list[str] | None, typer.Option("--text", help="may be repeated")] = None,
        as_json: Json = False,
    ) -> None:  # fmt: skip
        """Show where the WhatsApp template of each text stands; approved ones are used from now on."""
        from starter import whatsapp as templates

        found = templates.standings(creditor, text or (), by, submit=submit)
        names = {"text": "texto", "name": "modelo", "status": "situação", "category": "categoria", "used": "em uso"}
        rows = [each | {"used": "sim" if each["used"] else "não"} for each in found]
        names |= {"reason": "motivo"}
        show(found, as_json, lambda console: console.print(listed("Modelos do WhatsApp", names, rows)))

    @letters.command()
    def tracking(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV: carta, rastreio, evento, dia, recebedor")],
        by: By,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would change, and change nothing")] = False,
        as_json: Json = False,
    ) -> None:
        """Take in what the mail house reports of registered letters: tracking codes, receipts, returns."""
        from starter import mail_house

        found = mail_house.take_in(file, by, dry_run=dry_run)
        done = "seriam guardadas" if dry_run else "guardadas"
        counts = f"{found['added']} notícias novas, {found['unchanged']} já conhecidas"
        show(found, as_json, lambda console: console.print(f"{done}: {counts}"))


def _print(console: Console, found: dict[str, Any]) -> None:
    if found["subject"]:
        console.print(f"Assunto: {found['subject']}\n")
    if not found["path"]:
        console.print(found["html"] if found["shape"] == "html" else found["text"], soft_wrap=True)
    else:
        console.print(f"{found['shape'].upper()}: {found['path']}")
    if found["segments"]:
        console.print(f"\n{len(found['text'])} caracteres, {found['segments']} segmento(s)")
    if found["template"]:
        console.print(f"\nModelo para aprovação:\n{found['template']['body']}", soft_wrap=True)


def _refuse(faults: list[str]) -> None:
    """A text that a debtor must not get is found wanting: the exit code says so, each fault in a line."""
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        raise typer.Exit(1)

"""Texts to debtors, looked at before they go out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from starter.cli.edge import Commands, Creditor, Json, show


def register(app: Commands) -> None:
    """Add the commands of this module."""
    letters = Commands("Texts: preview.")
    app.add_typer(letters, name="letters")

    @letters.command()
    def preview(
        text: Annotated[str, typer.Argument(metavar="TEXT", help="lembrete, atraso-cordial, … or roteiro-cordial")],
        channel: Annotated[str, typer.Option("--channel", help="email, sms, letter (notificacao-previa)")] = "email",
        case: Annotated[str, typer.Option("--case", metavar="ID", help="a real case; default invented data")] = "",
        out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="where the PDF goes")] = None,
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Show a text as it would go out, with invented data or with that of a case. Nothing is sent."""
        from starter import previews

        found = previews.preview(text, channel, case, creditor, out)
        show(found, as_json, lambda console: _print(console, found))


def _print(console: Console, found: dict[str, Any]) -> None:
    if found["subject"]:
        console.print(f"Assunto: {found['subject']}\n")
    console.print(found["text"] if found["text"] else f"PDF: {found['path']}", soft_wrap=True)
    if found["segments"]:
        console.print(f"\n{len(found['text'])} caracteres, {found['segments']} segmento(s)")

"""Texts to debtors, looked at before they go out."""

from __future__ import annotations

import sys
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

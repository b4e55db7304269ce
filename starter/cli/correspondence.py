"""What debtors wrote back."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from starter.cli.cases import listed
from starter.cli.edge import By, Commands, Creditor, Json, show

MessageId = Annotated[str, typer.Argument(metavar="ID", help="message id, or its beginning")]
_LIST = {
    "id": "mensagem", "at": "quando", "channel": "canal", "creditor": "credor", "debtor": "devedor",
    "meaning": "entendida como", "outcome": "resultado", "text": "texto",
}  # fmt: skip


def register(app: Commands) -> None:
    """Add the commands of this module."""
    one = Commands("One message: show, erase.")
    app.add_typer(one, name="message")

    @app.command()
    def messages(
        case: Annotated[str, typer.Option("--case", metavar="ID", help="of the debtor of this case")] = "",
        waiting: Annotated[bool, typer.Option("--waiting", help="only those that a person has to answer")] = False,
        creditor: Creditor = "",
        limit: Annotated[int, typer.Option("--limit", min=1)] = 50,
        as_json: Json = False,
    ) -> None:
        """List what debtors wrote, newest first."""
        from starter import correspondence
        from starter.installation import installation

        with installation() as house:
            found = correspondence.messages(house, case, creditor, waiting, limit)
        show(found, as_json, lambda console: console.print(listed("Mensagens", _LIST, found)))

    @one.command("show")
    def show_one(message: MessageId, as_json: Json = False) -> None:
        """Show one message in full: its words, what was understood, the cases of its debtor, its files."""
        from starter import correspondence
        from starter.installation import installation

        with installation() as house:
            found = correspondence.message(house, message)
        show(found, as_json, lambda console: _print(console, found))

    @one.command()
    def erase(message: MessageId, by: By, as_json: Json = False) -> None:
        """Empty the words and addresses of a message; what was understood, and its hash, stay."""
        from starter import correspondence
        from starter.installation import installation

        with installation() as house:
            found = correspondence.erase(house, message, by)
        show(found, as_json, lambda console: console.print(f"apagada: {found['id']}"))


def _print(console: Console, found: dict[str, Any]) -> None:
    console.print(f"{found['id']}  {found['at']:%d/%m/%Y %H:%M}  {found['channel']}", highlight=False)
    console.print(f"de {found['from']} para {found['to']}", markup=False, highlight=False)
    if found["subject"]:
        console.print(found["subject"], markup=False, highlight=False)
    console.print(f"\n{found['text']}\n", markup=False, highlight=False)
    console.print(f"entendida como: {', '.join(found['meaning'])}; resultado: {found['outcome']}", markup=False)
    for name in found["cases"]:
        console.print(f"caso {name}", highlight=False)
    for file in found["files"]:
        console.print(f"anexo {file['name']}, SHA-256 {file['sha256']}", markup=False, highlight=False)

"""Payment codes: what a Pix code or a boleto says, and a static Pix code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console

from starter.cli.edge import Commands, Json, show, table

_PIX = {
    "kind": "tipo", "key": "chave", "url": "endereço da cobrança", "recurrence": "recorrência", "amount": "valor",
    "name": "recebedor", "city": "cidade", "postal_code": "CEP", "txid": "txid", "info": "informação",
}  # fmt: skip
_BOLETO = {
    "kind": "tipo", "bank": "banco", "due": "vencimento", "amount": "valor", "factor": "fator", "segment": "segmento",
    "line": "linha digitável", "bar_code": "código de barras", "free_field": "campo livre",
}  # fmt: skip
_KINDS = {
    "static": "estático", "dynamic": "dinâmico", "recurrence": "recorrência", "boleto": "boleto",
    "collection": "arrecadação",
}  # fmt: skip


def register(app: Commands) -> None:
    """Add the commands of this module."""
    pix(app)
    boleto(app)


def pix(app: Commands) -> None:
    """BR Codes."""
    group = Commands("Pix codes: decode, static.")
    app.add_typer(group, name="pix")

    @group.command()
    def decode(
        code: Annotated[str, typer.Argument(metavar="CODE", help="the whole text, from 000201 to the check sum")],
        as_json: Json = False,
    ) -> None:
        """Say what a Pix code (copia e cola) says, and whether it is whole."""
        from starter import codes

        found = codes.pix(code)
        show(found, as_json, lambda console: _print("Código Pix", _PIX, found, console))

    @group.command()
    def static(
        key: Annotated[str, typer.Option("--key", metavar="KEY", help="CPF, CNPJ, e-mail, +55… or random key")],
        name: Annotated[str, typer.Option("--name", metavar="NAME", help="who receives; 25 characters")],
        city: Annotated[str, typer.Option("--city", metavar="CITY", help="15 characters")],
        amount: Annotated[str, typer.Option("--amount", metavar="REAIS", help="left out: the payer types it")] = "",
        txid: Annotated[str, typer.Option("--txid", metavar="TXID", help="25 letters and digits")] = "",
        info: Annotated[str, typer.Option("--info", metavar="TEXT", help="shown to the payer")] = "",
        as_json: Json = False,
    ) -> None:
        """Make a static Pix code. It can be paid for ever and cannot be taken back."""
        from starter import codes

        found = codes.static(key, name, city, amount, txid, info)
        show(found, as_json, lambda _: print(found["br_code"]))


def boleto(app: Commands) -> None:
    """Boletos."""
    group = Commands("Boletos: decode.")
    app.add_typer(group, name="boleto")

    @group.command()
    def decode(
        line: Annotated[str, typer.Argument(metavar="LINE", help="line of 47 or 48 digits, or bar code of 44")],
        on: Annotated[str, typer.Option("--on", metavar="DATE", help="the day on which it is read")],
        as_json: Json = False,
    ) -> None:
        """Say what a boleto says, with its check digits verified."""
        from starter import codes

        found = codes.boleto(line, on)
        show(found, as_json, lambda console: _print("Boleto", _BOLETO, found, console))


def _print(title: str, names: Mapping[str, str], found: Mapping[str, Any], console: Console) -> None:
    shown = dict(found) | {"kind": _KINDS[found["kind"]]}
    rows = [(words, shown[name]) for name, words in names.items() if shown.get(name) not in (None, "")]
    console.print(table(title, ["campo", "valor"], rows))

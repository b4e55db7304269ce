"""LGPD: what is held of a debtor, told to him; held for a suit; erased after retention."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from starter.cli.edge import By, Commands, Creditor, Json, show, table

Debtor = Annotated[str, typer.Argument(metavar="DEBTOR", help="CPF, CNPJ, or the debtor's id")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="kept for ever: name nobody in it")]
_SAID = {
    "dry-run": "nada foi apagado (ensaio)",
    "asked": "pedido anotado: outra pessoa (gerente ou advogado) repete o comando, com o seu token, e apaga",
    "erased": "apagado",
}


def register(app: Commands) -> None:
    """Add the commands of this module."""
    group = Commands("LGPD: what is held of a debtor, told to him, held for a suit, erased after retention.")
    app.add_typer(group, name="privacy")
    _telling(group)
    _holding(group)
    _erasing(group)


def _telling(group: Commands) -> None:
    @group.command()
    def access(
        debtor: Debtor, by: By,
        out: Annotated[
            Path | None, typer.Option("--out", metavar="FILE", help="a letter (.pdf, .html) or the data (.json)")
        ] = None,
        creditor: Creditor = "",
    ) -> None:  # fmt: skip
        """Everything that is held of a debtor (LGPD art. 18, 19); without --out as JSON on the screen."""
        from starter import privacy

        told = privacy.access(debtor, creditor, out, by)
        if out is None:
            show(told, True, lambda _: None)
        else:
            print(f"guardado: {out}; entregue só a quem provar ser o titular")


def _holding(group: Commands) -> None:
    @group.command()
    def hold(debtor: Debtor, by: By, reason: Why = "", creditor: Creditor = "", as_json: Json = False) -> None:
        """Keep everything of a debtor beyond retention, for a suit."""
        from starter import privacy

        done = privacy.hold(debtor, creditor, reason, by, release=False)
        show(done, as_json, lambda console: console.print("guardado: nada deste devedor será apagado"))

    @group.command()
    def release(debtor: Debtor, by: By, reason: Why = "", creditor: Creditor = "", as_json: Json = False) -> None:
        """End such a hold."""
        from starter import privacy

        done = privacy.hold(debtor, creditor, reason, by, release=True)
        show(done, as_json, lambda console: console.print("liberado: valem de novo os prazos"))


def _erasing(group: Commands) -> None:
    @group.command()
    def erase(
        debtor: Debtor, reason: Why = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="only show the terms")] = False,
        creditor: Creditor = "", as_json: Json = False,
    ) -> None:  # fmt: skip
        """Erase what retention gives free; two persons, each signed in with REGUA_TOKEN: one asks, another does it."""
        from starter import privacy

        found = privacy.erase(debtor, creditor, reason, dry_run=dry_run)

        def render(console: Console) -> None:
            console.print(_terms(found["terms"]))
            console.print(_SAID[found["status"]])

        show(found, as_json, render)

    @group.command()
    def due(as_json: Json = False) -> None:
        """Debtors of whom something may be erased now."""
        from starter import privacy

        found = privacy.due()
        rows = [(row["debtor"], ", ".join(row["due"])) for row in found]
        show(found, as_json, lambda console: console.print(table("Prazos encerrados", ["devedor", "o quê"], rows)))


def _terms(terms: list[dict[str, Any]]) -> Any:
    rows = [(term["name"], term["until"], "sim" if term["due"] else "não", term["law"]) for term in terms]
    return table("Prazos de guarda", ["o quê", "guardado até", "pode apagar", "lei"], rows)

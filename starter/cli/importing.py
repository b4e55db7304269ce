"""How invoices and payments get in, and the first wave out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from starter.cli.cases import listed
from starter.cli.edge import By, Commands, Json, show, table

Required = Annotated[str, typer.Option("--creditor", metavar="CODE", help="creditor, by code")]
_COUNTS = {
    "rows": "linhas", "new": "novas", "waits": "novas à espera de liberação", "unchanged": "sem mudança",
    "changed": "mudadas", "paid": "pagas", "extended": "prorrogadas", "reduced": "reduzidas", "void": "canceladas",
    "boleto": "com boleto novo", "title": "com novidade do título", "closed": "já encerradas",
    "contact": "novos contatos", "bad_contact": "contatos inválidos", "vanished": "sumidas",
    "returned": "voltaram", "settled": "já liquidadas", "matched": "conciliados", "proposed": "propostos a uma pessoa",
    "unmatched": "sem caso", "repeated": "repetidos",
}  # fmt: skip


def register(app: Commands) -> None:
    """Add the commands of this module."""

    @app.command("import")
    def import_(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or XLSX")], creditor: Required,
        by: Annotated[str, typer.Option("--by", metavar="STAFF", help="who imports; not needed with --dry-run")] = "",
        dry_run: Annotated[bool, typer.Option("--dry-run", help="say what it would do, and do nothing")] = False,
        mapping: Annotated[Path | None, typer.Option("--map", metavar="FILE", help="YAML: your headings")] = None,
        full: Annotated[bool, typer.Option("--full", help="the file holds every open invoice")] = False,
        payments: Annotated[bool, typer.Option("--payments", help="the file holds payments")] = False,
        complete_until: Annotated[
            str, typer.Option("--complete-until", metavar="DATE", help="with --payments: nothing is missing until then")
        ] = "",
        as_json: Json = False,
    ) -> None:  # fmt: skip
        """Read invoices or payments. A file with a fault is refused whole, with every fault in it."""
        from starter import intake
        from starter.forms import parse_day

        if not dry_run and not by:
            raise typer.BadParameter("--by is missing: say who imports, or ask with --dry-run")
        if payments and (dry_run or full):
            raise typer.BadParameter("--payments goes with neither --dry-run nor --full: a payment counts once anyhow")
        if complete_until and not payments:
            raise typer.BadParameter("--complete-until goes with --payments: it says how far payments are known")
        if payments:
            until = parse_day(complete_until, "--complete-until") if complete_until else None
            found = intake.payments(file, creditor, mapping, until, by)
        else:
            found = intake.invoices(
                file, creditor, mapping, full=full, by="" if dry_run else by, tty=sys.stderr.isatty()
            )
        show(found, as_json, lambda console: _print(console, found))

    @app.command()
    def scan(as_json: Json = False) -> None:
        """Open the cases whose first step is near, now instead of tonight."""
        from starter import errands

        found = errands.scan()
        text = f"abertos: {found['opened']}" if found["status"] == "done" else "iniciado; continua nos trabalhadores"
        show(found, as_json, lambda console: console.print(text))

    @app.command()
    def release(creditor: Required, by: By, as_json: Json = False) -> None:
        """Let the first wave of a creditor's old portfolio go; `import --dry-run` showed what will go out."""
        from starter import intake

        found = intake.release(creditor, by)
        show(found, as_json, lambda console: console.print(f"liberados: {found['cases']} casos"))


def _print(console: Console, found: dict[str, Any]) -> None:
    counts = [(_COUNTS.get(name, name), number) for name, number in found["counts"].items() if number]
    title = f"{found['file']}: {'feito' if found['applied'] else 'nada foi mudado (--dry-run)'}"
    console.print(table(title, ["o que", "quantas"], counts))
    if found.get("ignored"):
        console.print(f"Colunas que não são nossas: {', '.join(found['ignored'])}")
    for row in found.get("left_out", []):
        console.print(f"Linha {row['row']} fica de fora: {row['reason']}")
    if found.get("goes_out"):
        names = {"day": "dia", "step": "passo", "do": "ação", "cases": "casos", "after_release": "depois de liberar"}
        console.print(listed("Sai nos próximos 7 dias", names, found["goes_out"]))

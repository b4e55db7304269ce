"""The installation: run it, look after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from starter.cli.edge import Commands, Json, show, table

DEMO = Path(".regua/demo")


def register(app: Commands) -> None:
    """Add the commands of this module."""

    @app.command()
    def up() -> None:
        """Run PostgreSQL, Temporal, webhooks, a worker, and the sandbox for providers not configured, until Ctrl-C."""
        from gateways.settings import load_settings
        from starter import up as stack

        stack.run(load_settings())

    @app.command()
    def demo(
        day: Annotated[
            float | None,
            typer.Option(
                "--day", metavar="SECONDS", min=0.1, help="real seconds that a day takes; else by the machine"
            ),
        ] = None,
        state: Annotated[Path, typer.Option("--state", metavar="DIR", help="made anew at the start")] = DEMO,
        keep: Annotated[bool, typer.Option("--keep", help="leave the stack running until Ctrl-C")] = False,
        as_json: Json = False,
    ) -> None:
        """Run three invented portfolios through their whole lives on the real stack, on a scaled clock."""
        from starter.demo.run import run_demo

        raise typer.Exit(run_demo(day, state, as_json=as_json, keep=keep))

    @app.command()
    def backup(
        folder: Annotated[Path, typer.Argument(metavar="DIR", help="a new folder, best on another disk")],
    ) -> None:
        """Save the embedded stack while it runs: Temporal, then PostgreSQL, then the files."""
        from gateways.settings import load_settings
        from starter import backup as vault

        vault.save(load_settings(), folder)
        print(f"salvo em {folder}")

    @app.command()
    def restore(folder: Annotated[Path, typer.Argument(metavar="DIR", help="what `regua backup` made")]) -> None:
        """Put a backup into an empty state directory; then `regua up`, and `regua catch-up`."""
        from gateways.settings import load_settings
        from starter import backup as vault

        vault.restore(load_settings(), folder)
        print("restaurado; agora `regua up` e, com um worker rodando, `regua catch-up`")

    @app.command()
    def restored() -> None:
        """After restoring a PostgreSQL of your own without its log, before any worker runs: say so in the book."""
        from gateways.settings import load_settings
        from starter.installation import database_url
        from starter.restoring import mark_restored

        doubt = mark_restored(database_url(load_settings()))
        print(f"o que saiu desde {doubt.since:%d/%m/%Y %H:%M} UTC será procurado nos provedores antes de sair de novo")

    @app.command("catch-up")
    def catch_up(as_json: Json = False) -> None:
        """After a restore: bring every case's workflow to where the book stands. Harmless at any time."""
        from starter import catching_up

        found = catching_up.catch_up()
        words = {
            "level": "em dia",
            "told": "avisados",
            "opened": "abertos de novo",
            "ended": "encerrados",
            "silent": "sem resposta",
        }
        rows = [(words[name], str(number)) for name, number in found.items()]
        show(found, as_json, lambda console: console.print(table("Casos", ["situação", "quantos"], rows)))
        if found["silent"]:
            raise typer.Exit(1)

    @app.command()
    def doctor(
        fix: Annotated[bool, typer.Option("--fix", help="set up what is missing")] = False, as_json: Json = False
    ) -> None:
        """Check configuration and connections: what answers, what is missing."""
        from gateways.settings import load_settings
        from starter import doctor as clinic

        found = clinic.examine(load_settings(), fix=fix)
        words = {"ok": "em ordem", "missing": "falta", "off": "desligado"}
        rows = [(check.what, words[check.state], check.found) for check in found]
        show(found, as_json, lambda console: console.print(table("Instalação", ["o que", "situação", "achado"], rows)))
        if any(check.state == "missing" for check in found):
            raise typer.Exit(1)

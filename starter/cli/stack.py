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
            float, typer.Option("--day", metavar="SECONDS", min=0.1, help="real seconds that a day takes")
        ] = 3.0,
        state: Annotated[Path, typer.Option("--state", metavar="DIR", help="made anew at the start")] = DEMO,
        keep: Annotated[bool, typer.Option("--keep", help="leave the stack running until Ctrl-C")] = False,
        as_json: Json = False,
    ) -> None:
        """Run three invented portfolios through their whole lives on the real stack, on a scaled clock."""
        from starter.demo.run import run_demo

        raise typer.Exit(run_demo(day, state, as_json=as_json, keep=keep))

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

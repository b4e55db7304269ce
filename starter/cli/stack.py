"""The installation: run it, look after it."""

from __future__ import annotations

from typing import Annotated

import typer

from starter.cli.edge import Commands, Json, show, table


def register(app: Commands) -> None:
    """Add the commands of this module."""

    @app.command()
    def up() -> None:
        """Run PostgreSQL, Temporal, webhooks, a worker, and the sandbox for providers not configured, until Ctrl-C."""
        from gateways.settings import load_settings
        from starter import up as stack

        stack.run(load_settings())

    @app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
    def demo(context: typer.Context) -> None:
        """Run two invented portfolios through their whole lives on the real stack; `regua demo --help` says more."""
        from starter import demo

        raise typer.Exit(demo.run(context.args))

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

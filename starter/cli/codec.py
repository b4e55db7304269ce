"""Encrypted histories: keys, and the endpoint that Temporal's screens read through."""

from __future__ import annotations

from typing import Annotated

import typer

from starter.cli.edge import Commands


def register(app: Commands) -> None:
    """Add the commands of this module."""
    group = Commands("Encrypted histories: keys, and the endpoint that Temporal's screens read through.")
    keys = Commands("Codec keys.")
    group.add_typer(keys, name="key")
    app.add_typer(group, name="codec")

    @group.command()
    def serve(
        origins: Annotated[
            list[str] | None, typer.Option("--origin", metavar="URL", help="address of the screens; default: embedded")
        ] = None,
    ) -> None:
        """Decrypt for Temporal's screens and command line, until Ctrl-C, on REGUA_BIND and REGUA_CODEC_PORT."""
        from gateways.settings import load_settings
        from starter import codec_server

        codec_server.serve(load_settings(), origins or ())

    @keys.command()
    def new(
        key_id: Annotated[str, typer.Argument(metavar="ID", help="a name that no earlier key has, like 2027-01")] = "",
    ) -> None:
        """Print a fresh key; with an ID as a line of the key file."""
        from gateways.codec import new_key

        if key_id and not key_id.replace("-", "").replace(".", "").isalnum():
            raise typer.BadParameter("an ID has letters, digits, dashes and dots", param_hint="ID")
        print(f"{key_id} {new_key()}".strip())

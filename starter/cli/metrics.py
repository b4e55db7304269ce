"""Figures for operators."""

from __future__ import annotations

import sys

from starter.cli.edge import Commands


def register(app: Commands) -> None:
    """Add the commands of this module."""
    group = Commands("Figures of the database and of Temporal, for Prometheus (docs/operations.md).")
    app.add_typer(group, name="metrics")

    @group.command()
    def serve() -> None:
        """Serve them on REGUA_BIND and REGUA_FIGURES_PORT, under /metrics, until SIGTERM. One process is enough."""
        from starter import metrics

        metrics.serve()

    @group.command()
    def show() -> None:
        """Print them once."""
        from starter import metrics

        sys.stdout.write(metrics.show())

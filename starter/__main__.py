"""`regua`: the one program for people. Exit code 0 done, 1 refused or found wanting, 2 usage."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

from typer.main import get_command

from starter.cli import (
    agreements,
    audit,
    cases,
    codec,
    codes,
    correspondence,
    importing,
    letters,
    masterdata,
    metrics,
    money,
    outside,
    privacy,
    protest,
    stack,
    staff,
    tasks,
    titles,
)
from starter.cli.edge import Commands

AREAS = (
    stack,
    importing,
    cases,
    staff,
    titles,
    agreements,
    money,
    codes,
    tasks,
    correspondence,
    masterdata,
    protest,
    outside,
    letters,
    audit,
    metrics,
    privacy,
    codec,
)


def build() -> Commands:
    """All commands."""
    app = Commands("Régua recovers overdue invoices without harassing anyone.")
    for area in AREAS:
        area.register(app)
    return app


@cache
def program() -> Any:
    """The program, put together once in a process that types many commands."""
    return get_command(build())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    try:
        program().main(args=arguments, prog_name="regua")
        return 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)


if __name__ == "__main__":
    sys.exit(main())

"""The edge between commands and people: options alike everywhere, output as table or JSON, errors as one sentence."""

from __future__ import annotations

import errno
import functools
import json
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from domain.errors import Refused, Regua

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
WIDTH_OF_A_FILE = 160
"""Columns where the output is no terminal."""

CaseId = Annotated[
    str, typer.Argument(metavar="ID", help="case id, its beginning, or with --creditor the invoice number")
]
ManyCases = Annotated[
    str | None, typer.Argument(metavar="ID", help="case id, its beginning, or with --creditor the invoice number")
]
Creditor = Annotated[str, typer.Option("--creditor", metavar="CODE", help="creditor, by code or CNPJ")]
By = Annotated[str, typer.Option("--by", metavar="STAFF", help="id of the staff member who acts")]
From = Annotated[
    Path | None,
    typer.Option("--from", metavar="FILE", help="CSV: the same on many cases, column `caso` and the action's own"),
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="why; kept as a note")]
Document = Annotated[str | None, typer.Option("--document", metavar="FILE", help="the paper; it is kept with the case")]
How = Annotated[str | None, typer.Option("--how", metavar="WAY", help="how he said it: staff, reply, link or phone")]
Json = Annotated[bool, typer.Option("--json", help="one JSON document instead of tables")]


class Commands(typer.Typer):
    """A group of commands. What a command raises ends it with one sentence and exit code 1, never with a traceback."""

    def __init__(self, help: str) -> None:
        super().__init__(help=help, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

    def command(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """Register a function as a command, guarded."""
        register = super().command(*args, **kwargs)
        return lambda function: register(_guarded(function))


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            function(*args, **kwargs)
        except Exception as error:
            told = explain(error)
            if told is None:
                raise
            fail(*told, as_json=bool(kwargs.get("as_json")))

    return guarded


def fail(code: str, text: str, *, as_json: bool) -> None:
    """Say why on standard error, with `as_json` as a document on standard output too, and end with exit code 1."""
    if as_json:
        print(json.dumps({"error": text, "code": code}, ensure_ascii=False))
    print(text, file=sys.stderr)
    raise typer.Exit(1)


def explain(error: Exception) -> tuple[str, str] | None:
    """Code and sentence for what a command raised; None for what is the command line's own business (usage, exit)."""
    if isinstance(error, Regua):
        return (error.code if isinstance(error, Refused) else "bad-input"), str(error)
    if type(error).__module__.startswith("typer"):
        return None
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return "no-room", f"{error.strerror}; make room on the disk, what was begun was not done"
    if isinstance(error, OSError) and error.filename:
        return "no-file", f"{error.filename}: {error.strerror}; name a file that can be read and written here"
    return _of_a_server(error) or ("bug", _place(error))


def _of_a_server(error: Exception) -> tuple[str, str] | None:
    kind = f"{type(error).__module__}.{type(error).__name__}"
    if kind.startswith("sqlalchemy"):
        if "UndefinedTable" in str(getattr(error, "orig", "").__class__):
            return "no-tables", "The database has no tables yet; `regua doctor --fix` makes them"
        if "Operational" in kind or "Timeout" in kind:
            return (
                "database-away",
                "The database does not answer; start it with `regua up`, or check REGUA_DATABASE_URL",
            )
    if kind.startswith("temporalio"):
        return "temporal", f"Temporal did not do it ({type(error).__name__}); `regua doctor` says what is missing"
    return None


def _place(error: Exception) -> str:
    """Where a fault of our own lies. Its text could quote people's data, so it is left out."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(frame.filename).name}, line {frame.lineno}"
    return f"regua itself failed ({type(error).__name__} in {where}); nothing more is known, please report this line"


# --- output ----------------------------------------------------------------------------------------------------------
def show(data: object, as_json: bool, render: Callable[[Console], object]) -> None:
    """One JSON document, or what `render` prints for people."""
    if as_json:
        print(json.dumps(data, ensure_ascii=False, default=plain))
        return
    render(console())


def console() -> Console:
    """Standard output, wide where it is a file."""
    return Console(
        file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE, highlight=False, markup=False
    )


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table whose cells are written as in Brazil."""
    made = Table(*columns, title=title, title_justify="left")
    for row in rows:
        made.add_row(*(cell(value) for value in row))
    return made


def cell(value: object) -> str:
    """A value as staff read it: days as 22/11/2026, moments in Brasília's time, amounts as they stand."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        from starter.installation import OFFICE

        return f"{value.astimezone(OFFICE):%d/%m/%Y %H:%M}"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return str(value)


def plain(value: object) -> Any:
    """What JSON has no word for: amounts and ids as strings, days and moments in ISO form."""
    if isinstance(value, date):  # a moment too
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)

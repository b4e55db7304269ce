"""The hands of the people in the demo: they type commands of `regua`, and the bank brings its files."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from starter.__main__ import program


@dataclass(frozen=True)
class Typed:
    """A command as it was typed, when (business day), how it ended (exit code), and what it said."""

    day: date
    command: str
    code: int
    said: str
    printed: str = field(default="", repr=False)


@dataclass(frozen=True)
class Movement:
    """One line of a bank's file."""

    code: str
    number: str
    document: str = field(repr=False)
    reference: str
    amount: Decimal
    on: date


class Hands:
    """Types commands in this process, one at a time. Tokens stay in memory. `folder` takes the bank's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tokens: dict[str, str] = {}
        self.typed: list[Typed] = []
        self.paid: list[Movement] = []
        self.files: list[Path] = []

    def type(self, command: str, day: date, signed_in: str = "") -> Typed:
        """Type `regua command`, signed in as this member of staff where one is named."""
        out, err = io.StringIO(), io.StringIO()
        token = {"REGUA_TOKEN": self.tokens.get(signed_in, "")}
        with _environment(token), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = self._run(shlex.split(command))
        who = f"   # {signed_in}" if signed_in else ""
        done = Typed(day, f"regua {command}{who}", code, " ".join(err.getvalue().split())[:500], out.getvalue())
        self.typed.append(done)
        return done

    def _run(self, arguments: list[str]) -> int:
        try:
            program().main(args=arguments, prog_name="regua")
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        return 0

    def bank(self, movement: Movement) -> Typed:
        """The bank reports a payment in a file of its own; the clerk imports it."""
        number = len(self.files) + 1
        path = self.folder / f"pagamentos-{number:03d}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(("referencia", "valor", "data", "numero", "documento"))
            amount = f"{movement.amount:.2f}".replace(".", ",")
            day = f"{movement.on:%d/%m/%Y}"
            writer.writerow((movement.reference, amount, day, movement.number, movement.document))
        self.files.append(path)
        self.paid.append(movement)
        return self.import_payments(path, movement)

    def import_payments(self, path: Path, movement: Movement) -> Typed:
        """Import a bank's file; safe to do again."""
        return self.type(IMPORT_PAYMENTS.format(file=shlex.quote(str(path)), code=movement.code), movement.on)

    def references(self, code: str, number: str) -> list[str]:
        """References of what was paid for an invoice so far, in order."""
        found = [m.reference for m in self.paid if (m.code, m.number) == (code, number)]
        return list(dict.fromkeys(found))


IMPORT_PAYMENTS = "import {file} --payments --creditor {code} --by ana.ficticia"


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

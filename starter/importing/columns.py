"""Which column of a file is which of ours: our own forms, and map files for all others (docs/import.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from domain.errors import BadFile, BadInput, Fault
from domain.places import normalise_name
from starter.importing.cells import DateReader, date_reader
from starter.importing.sheets import Cell, Line


@dataclass(frozen=True)
class Form:
    """The columns that a kind of file may have, and those that it must have."""

    columns: tuple[str, ...]
    required: frozenset[str]


INVOICES = Form(
    (
        "numero", "parcela", "especie", "emissao", "vencimento", "valor", "saldo", "situacao", "pago_em", "valor_pago",
        "devedor_documento", "devedor_nome", "consumidor", "endereco", "bairro", "cidade", "uf", "cep", "emails",
        "telefones", "multa", "juros", "origem_encargos", "descricao", "regua", "banco", "nosso_numero",
        "linha_digitavel", "valor_liquido", "indice", "honorarios", "fonte_honorarios", "documentos", "carteira",
        "instrucao_banco", "nfe_chave", "nfe_situacao", "praca", "whatsapp", "voz", "consentimento",
    ),
    frozenset({"numero", "especie", "emissao", "vencimento", "valor", "devedor_documento", "devedor_nome"}),
)  # fmt: skip
PAYMENTS = Form(
    ("referencia", "valor", "data", "documento", "numero", "parcela", "caso"),
    frozenset({"referencia", "valor", "data"}),
)


@dataclass(frozen=True)
class ColumnMap:
    """What a map file says: our column -> heading in the file, our column -> the same value for all rows, dates."""

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    as_date: DateReader = field(default_factory=lambda: date_reader(None))


def read_map(path: Path | None, form: Form) -> ColumnMap:
    """A map file with `columns`, `constants` and `dates`, all optional; without a file, nothing is mapped.

    Raises BadFile with every fault, BadInput where the file cannot be read.
    """
    if path is None:
        return ColumnMap()
    content = read_yaml(path)
    faults = [
        Fault(path.name, f"unknown key {key}", "write columns, constants, dates")
        for key in content
        if key not in ("columns", "constants", "dates")
    ]
    columns = _names(path.name, "columns", content.get("columns", {}), form, faults)
    constants = _names(path.name, "constants", content.get("constants", {}), form, faults)
    faults += [
        Fault(path.name, f"{name} is both in columns and in constants", "leave one of them")
        for name in columns.keys() & constants.keys()
    ]
    as_date = date_reader(None)
    try:
        as_date = date_reader(str(content["dates"]) if content.get("dates") else None)
    except BadInput as wrong:
        faults.append(fault(path.name, wrong))
    if faults:
        raise BadFile(path.name, faults)
    return ColumnMap(columns, constants, as_date)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds keys with values. BadInput where it cannot be read, BadFile where it is something else."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInput(f"{path}: it cannot be read ({error.strerror}); name a YAML file") from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path.name}:{mark.line + 1}" if mark else path.name
        raise BadFile(path.name, [Fault(where, "this is not YAML", "write `key: value` in UTF-8")]) from None
    if not isinstance(content, dict):
        raise BadFile(path.name, [Fault(path.name, "it holds no keys", "write `key: value`")])
    return {str(key): value for key, value in content.items()}


def _names(file: str, key: str, given: object, form: Form, faults: list[Fault]) -> dict[str, str]:
    if not isinstance(given, dict):
        faults.append(Fault(file, f"{key} is no mapping", f"write under {key} lines like `numero: …`"))
        return {}
    faults += [
        Fault(file, f"{key} has an unknown column {name}", f"our columns are {', '.join(form.columns)}")
        for name in given
        if name not in form.columns
    ]
    faults += [
        Fault(file, f"{key}: {name} has no text", "write one value; put it in quotes if it is not plain text")
        for name, value in given.items()
        if isinstance(value, dict | list | None) or not str(value).strip()
    ]
    return {str(name): str(value).strip() for name, value in given.items()}


def fault(where: str, wrong: BadInput) -> Fault:
    """The fault behind a sentence "what is wrong; what would be right"."""
    found, _, wanted = str(wrong).partition("; ")
    return Fault(where, found, wanted)


@dataclass(frozen=True)
class Layout:
    """Where our columns stand in one file. `ignored`: headings that are nobody's, as written."""

    headings: Mapping[str, str]
    places: Mapping[str, int]
    constants: Mapping[str, str]
    width: int
    ignored: tuple[str, ...]

    def cell(self, line: Line, column: str) -> Cell:
        """The cell of our column in a line; "" where the file has none."""
        if column in self.places:
            place = self.places[column]
            return line.cells[place] if place < len(line.cells) else ""
        return self.constants.get(column, "")

    def where(self, row: int, column: str) -> str:
        """Where that cell stands, in the words of the file."""
        return f"row {row}, column {self.headings.get(column, column)}"

    def too_wide(self, line: Line) -> bool:
        """Does the line have values beyond the last heading? Then a delimiter stands inside a value without quotes."""
        return any(cell != "" for cell in line.cells[self.width :])


def bind(file: str, heading: Line, form: Form, given: ColumnMap) -> Layout:
    """Find our columns in a heading, whatever its case, accents and punctuation. BadFile with all that is wrong."""
    names = [str(cell) for cell in heading.cells]
    wanted = {
        _bare(given.columns.get(column, column)): column for column in form.columns if column not in given.constants
    }
    faults, places = [], dict[str, int]()
    for place, name in enumerate(names):
        column = wanted.get(_bare(name))
        if column in places:
            faults.append(Fault(f"row {heading.number}", f"two columns are called {name}", "leave one of them"))
        elif column:
            places[column] = place
    there = places.keys() | given.constants.keys()
    for column in form.columns:
        if column not in there and (column in form.required or column in given.columns):
            found = f"there is no column {given.columns.get(column, column)}"
            faults.append(Fault(f"row {heading.number}", found, "add it, or name the right one in a map file (--map)"))
    if faults:
        raise BadFile(file, faults)
    ignored = tuple(name for place, name in enumerate(names) if name and place not in places.values())
    headings = {column: names[place] for column, place in places.items()}
    return Layout(headings, places, given.constants, len(names), ignored)


def _bare(heading: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", normalise_name(heading))

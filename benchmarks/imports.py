"""A portfolio from its file into the database, beside the bare COPY of the very rows that it writes.

The file is invented and made here. The bare contender gets the finished rows, and the same tables with the same
indexes and foreign keys; what is on top of it is reading, checking, comparing with what is known, and folding cases.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

import policies
from benchmarks.portfolio import Portfolio
from db.embedded import EmbeddedPostgres
from db.engine import make_engine
from db.migrate import upgrade
from domain.clock import PRODUCTION
from starter.importing.portfolio import apply_import, plan_import

ROWS = 100_000
WANTED = 3
_WRITTEN = ("debtor", "contact_point", "import_file", "invoice", "case")
"""The tables that a first import fills, in the order of their foreign keys."""
_TODAY = PRODUCTION.business(datetime.now(UTC)).date()
_HEAD = (
    "numero;especie;emissao;vencimento;valor;devedor_documento;devedor_nome;endereco;cidade;uf;cep;emails;telefones;"
    "multa;juros;origem_encargos;descricao"
)


def run_imports(rows: int) -> dict[str, Any]:
    """Import a file of so many invoices, each of a debtor of his own, and COPY the same rows into another database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "carteira.csv"
        path.write_text("\n".join([_HEAD, *map(_row, range(rows))]) + "\n", encoding="utf-8")
        server = EmbeddedPostgres(Path(folder) / "postgres")
        server.start()
        try:
            ours, bare = _database(server, "ours"), _database(server, "bare")
            plan, write = _imported(ours, path)
            copied = _copied(ours, bare)
            ours.dispose()
            bare.dispose()
        finally:
            server.stop()
    return {
        "rows": rows,
        "import_ratio": round((plan + write) / copied, 2),
        "seconds": {"read and check": round(plan, 2), "write": round(write, 2), "bare COPY": round(copied, 2)},
        "rows_per_second": round(rows / (plan + write)),
        "targets": {"import_ratio": f"at most {WANTED}"},
    }


def table(document: Mapping[str, Any]) -> str:
    """The measurement as a table for people."""
    lines = [f"{name:20}{seconds:>10} s" for name, seconds in document["seconds"].items()]
    return "\n".join([f"{document['rows']} invoices, ratio {document['import_ratio']}", *lines])


def _database(server: EmbeddedPostgres, name: str) -> Engine:
    server.ensure_database(name)
    engine = make_engine(server.url(name))
    upgrade(engine)
    if name == "ours":
        Portfolio(engine)
    return engine


def _imported(engine: Engine, path: Path) -> tuple[float, float]:
    """Seconds to read and check the file, seconds to write it."""
    now = PRODUCTION.business(datetime.now(UTC))
    begun = time.perf_counter()
    plan = plan_import(
        engine, "credora", path, mapping=None, full=False, today=_TODAY, now=now, policies_dir=policies.DIRECTORY
    )
    checked = time.perf_counter()
    apply_import(engine, plan, "benchmark", now)
    return checked - begun, time.perf_counter() - checked


def _copied(ours: Engine, bare: Engine) -> float:
    """Seconds to COPY what the import wrote into an empty database."""
    with closing(ours.raw_connection()) as source, closing(bare.raw_connection()) as target:
        read, write = source.cursor(), target.cursor()
        for needed in ("creditor", "policy"):
            _load(write, needed, _dump(read, needed))
        dumped = {name: _dump(read, name) for name in _WRITTEN}
        target.commit()
        begun = time.perf_counter()
        for name, content in dumped.items():
            _load(write, name, content)
        target.commit()
        return time.perf_counter() - begun


def _dump(cursor: Any, name: str) -> bytes:
    content = io.BytesIO()
    with cursor.copy(f'COPY "{name}" TO STDOUT (FORMAT binary)') as copy:
        for part in copy:
            content.write(part)
    return content.getvalue()


def _load(cursor: Any, name: str, content: bytes) -> None:
    with cursor.copy(f'COPY "{name}" FROM STDIN (FORMAT binary)') as copy:
        copy.write(content)


def _row(number: int) -> str:
    due = _TODAY + timedelta(days=number % 60)
    amount = f"{Decimal(100 + number % 9000)},00"
    ways = f"contas{number}@devedora.example.com;(11) 9{number % 10**4:04d}-{number // 10**4:04d}"
    return (
        f"FAT-{number};DMI;{due - timedelta(days=30):%d/%m/%Y};{due:%d/%m/%Y};{amount};{_document(number)};"
        f"Devedora Inventada {number};Rua Fictícia, {number};São Paulo;SP;01001-000;{ways};2;1;contrato;Fornecimento"
    )


def _document(number: int) -> str:
    """A CNPJ with valid check digits: weights rise from 2 to 9 and begin again (IN RFB 2.119/2022)."""
    digits = [int(digit) for digit in f"{90_000_000 + number:08d}0001"]
    for _ in range(2):
        rest = sum(digit * (2 + place % 8) for place, digit in enumerate(reversed(digits))) % 11
        digits.append(0 if rest < 2 else 11 - rest)
    return "".join(map(str, digits))

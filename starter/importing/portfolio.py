"""The creditor's portfolio: a file of invoices compared with what is known, and written in one transaction.

A plan reads the file, refuses it whole where anything is wrong, and says what would happen. Applying it compares anew,
since the world may have moved, and writes what was checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, insert, text

from activities.moratoria import reach
from db.settings import CreditorSettings
from domain.errors import BadFile, Fault
from domain.policy import Policy
from starter.creditors import find_creditor, find_policy, pin_policy, policy_names
from starter.importing.columns import INVOICES, Layout, bind, read_map
from starter.importing.comparison import Comparison, Objection
from starter.importing.opening import Openings, Outgo, Outlook
from starter.importing.rows import DebtorKind, InvoiceReader
from starter.importing.sheets import Line, fingerprint, read_sheet
from starter.importing.staging import IMPORT_FILE, Spool, lock_creditor
from starter.importing.writing import Writer

Placed = tuple[int, Fault]
"""A fault with its row, by which faults are put in order."""


@dataclass(frozen=True)
class LeftOut:
    """A row that was not taken, and why; nothing is wrong with it."""

    row: int
    reason: str


@dataclass(frozen=True)
class ImportPlan:
    """What a file would do, counted. Nothing has been written yet.

    `counts`: rows, new (of which waits: for release), unchanged, changed (of which paid, extended, reduced, void,
    boleto: has a new one), closed (changed, but the case is over), contact (known debtors with a new way to reach
    them), bad_contact (addresses that cannot be used), vanished, returned (came back after it had vanished), settled
    (never known and nothing open).
    `ignored`: headings that are none of our columns. `left_out`: rows that are no invoices.
    """

    creditor_id: UUID
    creditor: str
    file: str
    sha256: str
    full: bool
    today: date
    now: datetime
    counts: Mapping[str, int]
    left_out: tuple[LeftOut, ...]
    ignored: tuple[str, ...]
    layout: Layout = field(repr=False)
    openings: Openings = field(repr=False)
    outlook: Outlook = field(repr=False)
    spool: Spool = field(repr=False)

    def goes_out(self, days: int = 7) -> list[Outgo]:
        """What the new cases would send in so many days, today being the first: by day and step (`Outlook`)."""
        return self.outlook.goes_out(self.now, days)


@dataclass(frozen=True)
class ImportResult:
    """What a file did: counts as in its plan, and the facts to be told to their cases."""

    import_id: UUID
    counts: Mapping[str, int]
    facts: tuple[UUID, ...]


def plan_import(
    engine: Engine,
    creditor_code: str,
    path: Path,
    *,
    mapping: Path | None,
    full: bool,
    today: date,
    now: datetime,
    policies_dir: Path,
) -> ImportPlan:
    """Read a file of invoices and say what it would do to the creditor's portfolio; nothing is written.

    `mapping` is a map file, `full` says that the file holds every open invoice, `now` is business time (aware) and
    `today` its civil day. Raises BadFile with every fault of the file, BadInput where the file, the creditor or a
    policy is missing.
    """
    sha256 = fingerprint(path)
    given = read_map(mapping, INVOICES)
    lines = read_sheet(path)
    with engine.connect() as conn:
        creditor = find_creditor(conn, creditor_code)
        defaults = CreditorSettings.model_validate(creditor.settings).policies
        layout = bind(path.name, _heading(path.name, lines), INVOICES, given)
        reader = InvoiceReader(layout, given, policy_names(conn, policies_dir), defaults, today)
        spool, left_out, faults = _read(lines, reader)
        seen = Comparison(conn, creditor.id, spool, full, today)
        counts, objections = seen.examine()
        _refuse(path.name, faults + _faults(objections, layout), spool)
        openings = Openings(_ladders(conn, defaults, policies_dir), defaults, today)
        outlook = Outlook(openings)
        for row, _, _ in (found for batch in seen.new() for found in batch):
            outlook.add(row)
            counts["waits"] += openings.of(row).waits
    return ImportPlan(
        creditor.id, creditor_code, path.name, sha256, full, today, now, dict(counts), tuple(left_out), layout.ignored,
        layout, openings, outlook, spool,
    )  # fmt: skip


def apply_import(
    engine: Engine,
    plan: ImportPlan,
    actor: str,
    now: datetime,
    progress: Callable[[int], object] | None = None,
) -> ImportResult:
    """Do what a plan says, in one transaction. `actor` is a staff id, `now` business time (aware).

    `progress` is told how many new and changed rows are done. Raises BadFile where the world has moved since the plan
    so that a row contradicts it now, Refused while another import of the same creditor is running.
    """
    import_id = uuid4()
    source = f"import:{plan.sha256[:12]}:{import_id.hex[:8]}"
    with engine.begin() as conn:
        lock_creditor(conn, plan.creditor_id)
        seen = Comparison(conn, plan.creditor_id, plan.spool, plan.full, plan.today)
        found, objections = seen.examine()
        _refuse(plan.file, _faults(objections, plan.layout), plan.spool)
        for policy in plan.openings.ladders.values():
            pin_policy(conn, policy, now)
        counts = dict(found) | {"waits": plan.counts.get("waits", 0)}
        record = {
            "id": import_id, "creditor_id": plan.creditor_id, "kind": "invoices", "name": plan.file,
            "sha256": plan.sha256, "counts": counts, "imported_at": now, "actor": actor,
        }  # fmt: skip
        conn.execute(insert(IMPORT_FILE).values(record))
        writer = Writer(seen, plan.openings, import_id, source, actor, now)
        writer.write(progress or _nobody)
        held = reach(conn, plan.today, now, only=plan.creditor_id)
    return ImportResult(import_id, counts, (*writer.facts, *held))


def _nobody(done: int) -> None:
    """Nobody wants to know how far it is."""


def _heading(file: str, lines: Iterator[Line]) -> Line:
    heading = next(lines, None)
    if heading is None:
        raise BadFile(
            file, [Fault("row 1", "the file is empty", "write our columns in row 1, then one row per invoice")]
        )
    return heading


def _read(lines: Iterator[Line], reader: InvoiceReader) -> tuple[Spool, list[LeftOut], list[Placed]]:
    """The rows that are right, the totals at the end, and what is wrong with the others.

    A sum is one only below the last invoice; what stands between invoices is an invoice with something missing.
    """
    spool, faults, sums = Spool(), list[Placed](), list[Line]()
    for line in lines:
        if reader.is_total(line):
            sums.append(line)
            continue
        for each in (*sums, line):
            row = reader.read(each)
            if isinstance(row, list):
                faults += [(each.number, wrong) for wrong in row]
            else:
                spool.add(row)
        sums.clear()
    return spool, [LeftOut(line.number, "a total below the last invoice") for line in sums], faults


def _faults(objections: list[Objection], layout: Layout) -> list[Placed]:
    return [(row, Fault(layout.where(row, column), found, wanted)) for row, column, found, wanted in objections]


def _refuse(file: str, faults: list[Placed], spool: Spool) -> None:
    """Raise BadFile where anything is wrong, in the order of the rows."""
    if faults:
        raise BadFile(file, [wrong for _, wrong in sorted(faults, key=lambda placed: placed[0])])
    if not spool.count:
        raise BadFile(file, [Fault("file", "it has no invoice", "write one row per invoice below the heading")])


def _ladders(conn: Connection, defaults: Mapping[DebtorKind, str], policies_dir: Path) -> dict[str, Policy]:
    chosen = set(conn.execute(text("SELECT DISTINCT policy FROM import_row WHERE policy <> ''")).scalars())
    return {name: find_policy(conn, name, policies_dir) for name in sorted(chosen | set(defaults.values()))}

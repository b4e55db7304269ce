"""What the sandbox knows, in one SQLite file: the log, faults, fates, events to tell, titles, Pix, a clock."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from domain.clock import Clock
from domain.errors import BadInput

Provider = Literal["sendgrid", "twilio", "cra", "pix"]
Row = dict[str, Any]

# The accounts that the sandbox lets in. They are no secrets: nothing but the sandbox knows them.
SENDGRID_KEY = "SG.sandbox.sandbox"
TWILIO_SID = "AC" + "5a" * 16
TWILIO_TOKEN = "sandbox-auth-token"  # noqa: S105
CRA_USER, CRA_PASSWORD = "sandbox", "sandbox-cra"
PIX_CLIENT_ID, PIX_CLIENT_SECRET, PIX_WEBHOOK_TOKEN = "sandbox", "sandbox-pix", "sandbox-pix-webhook-token"

FATES = ("delivered", "read", "bounced", "undelivered", "silent", "opted_out", "invalid")
TELLINGS = ("tell_twice", "tell_late", "tell_backwards")
LAST_EVENT = 4  # no message or call has more events than this, counted from 0

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY, provider TEXT NOT NULL, kind TEXT NOT NULL, provider_id TEXT NOT NULL, send_id TEXT,
    sender TEXT, recipient TEXT, subject TEXT, body TEXT, attachments TEXT NOT NULL, data TEXT NOT NULL,
    status TEXT, accepted_at REAL NOT NULL, updated_at REAL NOT NULL, refused TEXT);
CREATE INDEX IF NOT EXISTS entries_by_recipient ON entries (recipient);
CREATE INDEX IF NOT EXISTS entries_by_provider_id ON entries (provider_id);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY, entry INTEGER NOT NULL REFERENCES entries, name TEXT NOT NULL, code TEXT, due REAL NOT NULL,
    happened REAL, attempts INTEGER NOT NULL DEFAULT 0, next_try REAL NOT NULL, done INTEGER NOT NULL DEFAULT 0,
    copies INTEGER NOT NULL DEFAULT 1);
CREATE INDEX IF NOT EXISTS events_open ON events (next_try) WHERE done = 0;
CREATE INDEX IF NOT EXISTS events_by_entry ON events (entry);
CREATE TABLE IF NOT EXISTS faults (id INTEGER PRIMARY KEY, rule TEXT NOT NULL, remaining INTEGER);
CREATE TABLE IF NOT EXISTS fates (address TEXT PRIMARY KEY, fate TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS title_fates (number TEXT PRIMARY KEY, fate TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS contents (
    sid TEXT PRIMARY KEY, name TEXT, content TEXT NOT NULL, made_at REAL NOT NULL, asked_at REAL, asked TEXT);
CREATE TABLE IF NOT EXISTS template_fates (name TEXT PRIMARY KEY, fate TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS phones (number TEXT PRIMARY KEY, habits TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS lines (number TEXT PRIMARY KEY, kind TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS calls (entry INTEGER PRIMARY KEY REFERENCES entries, due REAL NOT NULL);
CREATE TABLE IF NOT EXISTS recordings (
    sid TEXT PRIMARY KEY, entry INTEGER NOT NULL REFERENCES entries, started_at REAL NOT NULL, seconds INTEGER NOT NULL,
    channels INTEGER NOT NULL, ready_at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS recordings_by_entry ON recordings (entry);
CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY CHECK (id = 1), clock TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cra_uploads (name TEXT PRIMARY KEY, content BLOB NOT NULL, arrived TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cra_files (name TEXT PRIMARY KEY, content BLOB NOT NULL, placed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS titles (
    id INTEGER PRIMARY KEY, upload TEXT NOT NULL REFERENCES cra_uploads, our_number TEXT NOT NULL,
    title_number TEXT NOT NULL, municipality TEXT NOT NULL, balance TEXT NOT NULL, state TEXT NOT NULL,
    protocol TEXT, protocol_day TEXT, UNIQUE (upload, our_number));
CREATE INDEX IF NOT EXISTS titles_by_number ON titles (title_number);
CREATE INDEX IF NOT EXISTS titles_by_protocol ON titles (protocol);
CREATE TABLE IF NOT EXISTS steps (
    id INTEGER PRIMARY KEY, title INTEGER NOT NULL REFERENCES titles, name TEXT NOT NULL, day TEXT NOT NULL,
    done INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS steps_open ON steps (day) WHERE done = 0;
CREATE TABLE IF NOT EXISTS pix_tokens (token TEXT PRIMARY KEY, scope TEXT NOT NULL, ends REAL NOT NULL);
CREATE TABLE IF NOT EXISTS pix_charges (
    txid TEXT PRIMARY KEY, versions TEXT NOT NULL, status TEXT NOT NULL, location TEXT NOT NULL UNIQUE,
    created TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pix_received (
    end_to_end_id TEXT PRIMARY KEY, txid TEXT NOT NULL, key TEXT NOT NULL, amount TEXT NOT NULL, at TEXT NOT NULL,
    text TEXT NOT NULL, refunds TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS pix_received_by_txid ON pix_received (txid);
CREATE TABLE IF NOT EXISTS pix_webhooks (key TEXT PRIMARY KEY, url TEXT NOT NULL, created TEXT NOT NULL);
"""


class Fault(BaseModel):
    """What goes wrong, with which calls, how often (`times`; None: until cleared).

    `match` compares fields of the call (to, from, kind, send_id, subject, name, txid); look-ups are only meant where it
    names the kind "lookup". `fail` answers `status` and `code` before anything is accepted, the `accept_then_` effects
    strike after it was; `hold` and `accept_then_hold` wait for POST /sandbox/release; `slow` waits `seconds` and then
    accepts. The `tell_` effects strike what is reported of a message or call afterwards: everything twice, everything
    `seconds` late, or the last thing first.
    """

    model_config = ConfigDict(extra="forbid")

    provider: Provider | Literal["any"] = "any"
    match: dict[str, str] | Literal["any"] = "any"
    effect: Literal[
        "slow",
        "fail",
        "accept_then_fail",
        "accept_then_drop",
        "hold",
        "accept_then_hold",
        "tell_twice",
        "tell_late",
        "tell_backwards",
    ]
    seconds: float = 0.0
    status: int = 503
    code: str | None = None
    retry_after: float | None = None
    times: int | None = None

    def strikes(self, provider: str, call: Mapping[str, str | None]) -> bool:
        """Whether this call of this provider is meant."""
        wanted = {} if self.match == "any" else self.match
        lookup = call.get("kind") == "lookup" and wanted.get("kind") != "lookup"
        return not lookup and self.provider in (provider, "any") and all(call.get(k) == v for k, v in wanted.items())


@dataclass(frozen=True)
class Settings:
    """`callbacks` is the base address of the receiver of events; `public_url` the base address it is known by outside,
    for which calls are signed. `event_delay` (real seconds) lies between one event of a message and the next.
    `lookup_lag` is how many seconds lists know nothing of what was accepted. Replies of debtors are posted to
    `inbound_url` and `inbound_mail_url`, the latter with its secret; by default below `callbacks`."""

    folder: Path
    seed: int = 0
    callbacks: str | None = None
    public_url: str | None = None
    event_delay: float = 0.05
    cra_folder: Path | None = None
    lookup_lag: float = 0.0
    inbound_url: str | None = None
    inbound_mail_url: str | None = None


class State:
    """One SQLite connection for all threads, under one lock; every commit is on disk before it returns."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.releases = 0
        self.held: list[Row] = []
        self.lookup_lag = settings.lookup_lag
        settings.folder.mkdir(parents=True, exist_ok=True)
        self._lock, self._depth = threading.RLock(), 0
        self._db = sqlite3.connect(settings.folder / "sandbox.db", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + SCHEMA)
        if not self.row("SELECT 1 FROM pragma_table_info('events') WHERE name = 'copies'"):
            self._db.execute("ALTER TABLE events ADD COLUMN copies INTEGER NOT NULL DEFAULT 1")

    def close(self) -> None:
        """Closes the file; nothing can be asked of this state any more."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside is on disk when the outermost one returns, or nothing of it."""
        with self._lock:
            if self._depth == 0:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._db
            except BaseException:
                if self._depth == 1:
                    self._db.execute("ROLLBACK")
                raise
            else:
                if self._depth == 1:
                    self._db.execute("COMMIT")
            finally:
                self._depth -= 1

    def rows(self, query: str, *values: Any) -> list[Row]:
        """The rows of a query, as dicts."""
        with self._lock:
            return [dict(row) for row in self._db.execute(query, values)]

    def row(self, query: str, *values: Any) -> Row | None:
        """The first row of a query, or None."""
        return next(iter(self.rows(query, *values)), None)

    def new_id(self, kind: str) -> str:
        """64 hexadecimal characters for what is accepted next: with the same seed the same in every run."""
        parts = (self.settings.seed, kind, self.rows("SELECT max(id) FROM entries"))
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    # The log

    def accept(
        self,
        provider: Provider,
        kind: str,
        provider_id: str,
        events: list[tuple[str, str | None]],
        **fields: Any,
    ) -> Row:
        """Logs an accepted message with the (event, code) pairs to tell of it; returns the entry."""
        call = {"kind": kind, "to": fields.get("recipient"), "from": fields.get("sender")}
        telling = self.take_fault(provider, call | {"send_id": fields.get("send_id")}, telling=True)
        if telling:
            told = {"telling": telling.effect, "telling_seconds": telling.seconds}
            fields["data"] = fields.get("data", {}) | told
        with self.transaction() as db:
            entry = _insert(db, provider, kind, time.time(), {"provider_id": provider_id, **fields})
            self.announce(self.entry(entry), events)
        return self.entry(entry)

    def announce(self, entry: Row, events: list[tuple[str, str | None]], first: int = 0) -> None:
        """Has these (event, code) pairs happen one after the other, and told. `first`: how many came before them."""
        now, delay = time.time(), self.settings.event_delay
        telling, seconds = entry["data"].get("telling"), entry["data"].get("telling_seconds", 0.0)
        with self.transaction() as db:
            for step, (name, code) in enumerate(events, 1):
                due = told = now + step * delay
                if telling == "tell_late":
                    told = due + seconds
                elif telling == "tell_backwards":
                    told = due + (LAST_EVENT - first - step + 1) * max(seconds, 3 * delay)
                row = (entry["id"], name, code, due, told, 2 if telling == "tell_twice" else 1)
                columns = "(entry, name, code, due, next_try, copies)"
                db.execute(f"INSERT INTO events {columns} VALUES (?, ?, ?, ?, ?, ?)", row)  # noqa: S608

    def change(self, entry: int, status: str | None = None, **data: Any) -> Row:
        """Changes the status and some of the data of an entry; returns it."""
        with self.transaction() as db:
            row = self.entry(entry)
            values = (status or row["status"], time.time(), json.dumps(row["data"] | data), entry)
            db.execute("UPDATE entries SET status = ?, updated_at = ?, data = ? WHERE id = ?", values)
        return self.entry(entry)

    def refuse(self, provider: Provider, kind: str, code: str, **fields: Any) -> None:
        """Logs what was not accepted, and the code that said so."""
        with self.transaction() as db:
            _insert(db, provider, kind, time.time(), {"provider_id": "", "refused": code, **fields})

    def entry(self, number: int) -> Row:
        """One entry of the log with its `data` read."""
        found = self.row("SELECT * FROM entries WHERE id = ?", number)
        if found is None:
            raise LookupError(f"entry {number}: not in the log; use an id that an acceptance returned")
        return found | {"data": json.loads(found["data"])}

    def entries(self, provider: Provider, kinds: str | tuple[str, ...], where: str = "1", *values: Any) -> list[Row]:
        """Accepted entries of a provider, newest first; `where` is a condition of this package, never of a caller."""
        kinds = (kinds,) if isinstance(kinds, str) else kinds
        query = (
            f"SELECT * FROM entries WHERE provider = ? AND kind IN ({', '.join('?' * len(kinds))})"  # noqa: S608
            f" AND refused IS NULL AND {where} ORDER BY id DESC"
        )
        return [row | {"data": json.loads(row["data"])} for row in self.rows(query, provider, *kinds, *values)]

    def listed(self, rows: list[Row]) -> list[Row]:
        """Those entries of which a list already knows."""
        return [row for row in rows if row["accepted_at"] <= time.time() - self.lookup_lag]

    def log(self) -> list[Row]:
        """Everything accepted or refused, in order of arrival, in the words of the provider-independent log."""
        return [
            {
                "id": row["id"],
                "provider": row["provider"],
                "kind": row["kind"],
                "provider_id": row["provider_id"],
                "send_id": row["send_id"],
                "to": row["recipient"],
                "from": row["sender"],
                "subject": row["subject"],
                "body": row["body"],
                "attachments": json.loads(row["attachments"]),
                "accepted_at": datetime.fromtimestamp(row["accepted_at"], UTC).isoformat(),
                "status": row["status"],
                "refused": row["refused"],
            }
            for row in self.rows("SELECT * FROM entries ORDER BY id")
        ]

    # Faults and fates

    def add_fault(self, fault: Fault) -> None:
        """The fault strikes from now on, after those already set."""
        with self.transaction() as db:
            db.execute("INSERT INTO faults (rule, remaining) VALUES (?, ?)", (fault.model_dump_json(), fault.times))

    def clear_faults(self) -> None:
        """No fault strikes any more; what is held stays held until released."""
        with self.transaction() as db:
            db.execute("DELETE FROM faults")

    def take_fault(self, provider: Provider, call: Mapping[str, str | None], *, telling: bool = False) -> Fault | None:
        """The first fault that strikes this call, or what is told of it afterwards; used up by one."""
        with self.transaction() as db:
            for row in db.execute(
                "SELECT * FROM faults WHERE remaining IS NULL OR remaining > 0 ORDER BY id"
            ).fetchall():
                fault = Fault.model_validate_json(row["rule"])
                if (fault.effect in TELLINGS) == telling and fault.strikes(provider, call):
                    db.execute("UPDATE faults SET remaining = remaining - 1 WHERE id = ?", (row["id"],))
                    return fault
        return None

    def set_fates(self, fates: Mapping[str, str]) -> None:
        """What becomes of messages to these addresses: one of FATES, `undelivered` with or without `:code`.

        Raises BadInput for any other.
        """
        for address, fate in fates.items():
            if fate.partition(":")[0] not in FATES:
                raise BadInput(f"{address}: no such fate as {fate!r}; it is one of {', '.join(FATES)}")
        with self.transaction() as db:
            db.executemany("REPLACE INTO fates VALUES (?, ?)", list(fates.items()))

    def fate(self, address: str) -> tuple[str, str | None]:
        """What becomes of a message to this address, and the code that tells why, where one was set."""
        row = self.row("SELECT fate FROM fates WHERE address = ?", address)
        fate, _, code = (row["fate"] if row else _usual_fate(address)).partition(":")
        return fate, code or None

    # The clock of business

    def set_clock(self, clock: Clock) -> None:
        """Business time runs by this clock from now on, also after a restart."""
        kept = json.dumps([clock.real_origin.isoformat(), clock.business_origin.isoformat(), clock.scale])
        with self.transaction() as db:
            db.execute("REPLACE INTO clock VALUES (1, ?)", (kept,))

    def business_now(self) -> datetime:
        """Business time (UTC): real time until a clock is set."""
        row, now = self.row("SELECT clock FROM clock"), datetime.now(UTC)
        if row is None:
            return now
        real, business, scale = json.loads(row["clock"])
        return Clock(datetime.fromisoformat(real), datetime.fromisoformat(business), scale).business(now)


def _usual_fate(address: str) -> str:
    local, at, _ = address.partition("@")
    if at and "bounce" in local:
        return "bounced"
    return "silent" if at and "silencio" in local else "delivered"


def _insert(db: sqlite3.Connection, provider: str, kind: str, now: float, fields: Mapping[str, Any]) -> int:
    row = {
        **dict.fromkeys(("send_id", "sender", "recipient", "subject", "body", "status", "refused")),
        "provider": provider,
        "kind": kind,
        "accepted_at": now,
        "updated_at": now,
        **fields,
        "attachments": json.dumps(fields.get("attachments", [])),
        "data": json.dumps(fields.get("data", {})),
    }
    names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
    number = db.execute(f"INSERT INTO entries ({names}) VALUES ({marks})", row).lastrowid  # noqa: S608
    return int(number or 0)

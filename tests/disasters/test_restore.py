"""Backup and restore of the embedded stack: nothing sent twice, nothing lost, histories replay, chains verify."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from db.embedded import EmbeddedPostgres
from domain.errors import BadInput, Unavailable
from gateways.settings import Settings
from starter import backup


@pytest.mark.timeout(300)
def test_a_stack_restored_from_two_moments_sends_nothing_twice_and_loses_nothing() -> None:
    """The book is newer than the workflows; the providers, who are not restored, remember every message."""
    with tempfile.TemporaryDirectory(prefix="regua-restore-") as folder:
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("restore_run.py")), folder],
            capture_output=True, text=True, timeout=280, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["restored"] == found["kept"], "the book is that of the copy"
    assert all(found["lost"].values()), "an e-mail, an SMS and the notice went out that the copy does not know"
    assert found["kept"]["messages"] + found["lost"]["email"] + found["lost"]["sms"] < found["expected"], "not all did"
    caught_up, again = found["caught_up"], found["again"]
    assert caught_up["told"] + caught_up["ended"] >= 1, "who had paid meanwhile slept on, archived by then or not"
    assert caught_up["opened"] == 1, "who was opened meanwhile was gone"
    assert again == {"level": again["level"], "told": 0, "opened": 0, "ended": 0, "silent": 0}
    counted = found["counted"]
    assert counted["doubled"] == 0
    assert counted["sent_by_ledger"] == found["expected"]
    assert found["notices"] == 1
    assert counted["messages"] == found["expected"] + found["notices"]
    assert (counted["unheard"], found["unsettled"]) == (0, 0)
    assert [found["audits"][what]["code"] for what in ("replay", "verify")] == [0, 0], str(found["audits"])
    assert found["audits"]["replay"]["histories"] == 7, "of every case"


# --- the folder of a backup ------------------------------------------------------------------------------------------
@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of an embedded stack whose PostgreSQL runs, with something in each place that is saved."""
    for name in ("TEMPORAL_ADDRESS", "REGUA_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with tempfile.TemporaryDirectory(prefix="regua-backup-") as folder:
        monkeypatch.chdir(folder)
        state = Path(folder) / "state"
        (state / "letters" / "2026-03-10").mkdir(parents=True)
        (state / "letters" / "2026-03-10" / "carta.pdf").write_bytes(b"carta")
        (state / "letters" / ".rascunho").write_bytes(b"meia ca")
        (state / "sandbox").mkdir()
        server = EmbeddedPostgres(state, durable=False)
        server.start()
        _book(server, "CREATE TABLE book (entry text)", "INSERT INTO book VALUES ('antes')")
        yield Settings(state_dir=state)
        server.stop()


def _book(server: EmbeddedPostgres, *statements: str) -> list[str]:
    with psycopg.connect(host=str(server.socket_dir), user="postgres", dbname="regua", autocommit=True) as conn:
        for statement in statements:
            conn.execute(statement.encode())
        return [row[0] for row in conn.execute("SELECT entry FROM book")]


def _histories(state: Path, *ids: str) -> sqlite3.Connection:
    """Temporal's file as a running server leaves it: newest entries still in its log."""
    (state / "temporal").mkdir(parents=True, exist_ok=True)
    kept = sqlite3.connect(state / "temporal" / "temporal.db")
    kept.execute("PRAGMA journal_mode=WAL")
    kept.execute("CREATE TABLE IF NOT EXISTS history (id text)")
    kept.executemany("INSERT INTO history VALUES (?)", [(id_,) for id_ in ids])
    kept.commit()
    return kept


@pytest.mark.timeout(60)
def test_what_is_restored_is_what_was_saved_while_everything_ran(house: Settings, tmp_path: Path) -> None:
    with closing(_histories(house.state_dir, "case:1")):
        backup.save(house, tmp_path / "saved")
    _book(EmbeddedPostgres(house.state_dir), "INSERT INTO book VALUES ('depois')")
    other = Settings(state_dir=house.state_dir.parent / "other")
    backup.restore(other, tmp_path / "saved")
    server = EmbeddedPostgres(other.state_dir)
    server.start()
    try:
        assert _book(server) == ["antes"]
    finally:
        server.stop()
    with closing(sqlite3.connect(other.state_dir / "temporal" / "temporal.db")) as kept:
        assert kept.execute("SELECT id FROM history").fetchall() == [("case:1",)]
    assert (other.state_dir / "letters" / "2026-03-10" / "carta.pdf").read_bytes() == b"carta"
    assert not (other.state_dir / "letters" / ".rascunho").exists(), "half a file is none"
    assert not (other.state_dir / "sandbox").exists(), "what a provider knows is not ours to restore"
    with pytest.raises(BadInput, match="is there already"):
        backup.restore(other, tmp_path / "saved")


def test_a_backup_that_fails_half_way_is_no_backup(house: Settings, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"temporal\.db is not there"):
        backup.save(house, tmp_path / "saved")
    with closing(_histories(house.state_dir)):
        nowhere = Settings(state_dir=house.state_dir.parent / "nowhere")
        _histories(nowhere.state_dir).close()
        with pytest.raises(Unavailable, match="PostgreSQL could not be saved"):
            backup.save(nowhere, tmp_path / "saved")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BadInput, match="is no backup"):
        backup.restore(Settings(state_dir=tmp_path / "new"), tmp_path / "saved")


@pytest.mark.parametrize("where", ["REGUA_DATABASE_URL", "TEMPORAL_ADDRESS"])
def test_servers_of_ones_own_are_saved_by_their_own_means(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(where, "postgresql://db.example.com/regua" if "DATABASE" in where else "temporal.example.com:1")
    with pytest.raises(BadInput, match=where):
        backup.save(Settings(state_dir=tmp_path), tmp_path / "saved")


def test_a_backup_is_never_written_over_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEMPORAL_ADDRESS", "REGUA_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BadInput, match="a new folder"):
        backup.save(Settings(state_dir=tmp_path / "state"), tmp_path)

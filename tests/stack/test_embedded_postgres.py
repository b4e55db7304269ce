"""The embedded PostgreSQL server survives what kills servers."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from db.embedded import EmbeddedPostgres, fresh_database
from domain.errors import Unavailable


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    # Not under pytest's directory: every new session closes that to other users, and root runs the server as one.
    with tempfile.TemporaryDirectory(prefix="regua-test-") as directory:
        postgres = EmbeddedPostgres(Path(directory))
        postgres.start()
        yield postgres
        postgres.stop()


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="regua-test-") as directory:
        yield Path(directory)


def run(url: str, statement: str) -> object:
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.begin() as connection:
        result = connection.execute(sqlalchemy.text(statement))
        return result.scalar() if result.returns_rows else None


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.02)


def test_committed_data_survive_a_killed_server_and_the_address_stays(server: EmbeddedPostgres) -> None:
    url = server.url()
    run(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    killed = server.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    server.start()
    assert server.pid != killed
    assert server.url() == url
    assert run(url, "SELECT answer FROM kept") == 42


def test_a_lock_file_whose_process_id_now_names_another_program_does_not_stop_a_start(server: EmbeddedPostgres) -> None:
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    server.start()
    assert run(server.url(), "SELECT 1") == 1


def test_an_empty_lock_file_does_not_stop_a_start(server: EmbeddedPostgres) -> None:
    server.stop()
    (server.data / "postmaster.pid").touch()
    server.start()
    assert run(server.url(), "SELECT 1") == 1


def test_a_second_object_finds_the_running_server_by_its_address_and_does_not_end_it(server: EmbeddedPostgres) -> None:
    other = EmbeddedPostgres(server.home.parent)
    assert run(other.url(), "SELECT 1") == 1
    other.stop()
    assert run(other.url(), "SELECT 1") == 1


def test_fresh_databases_are_copies_that_do_not_see_each_other(server: EmbeddedPostgres) -> None:
    server.create_database("template_of_tests")
    run(server.url("template_of_tests"), "CREATE TABLE kept AS SELECT 1 AS answer")
    with fresh_database(server, "template_of_tests") as one, fresh_database(server, "template_of_tests") as two:
        run(one, "UPDATE kept SET answer = 2")
        assert (run(one, "SELECT answer FROM kept"), run(two, "SELECT answer FROM kept")) == (2, 1)
    assert run(server.url(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'fresh%'") == 0


def test_only_the_owner_reaches_the_server(server: EmbeddedPostgres) -> None:
    assert run(server.url(), "SHOW listen_addresses") == ""
    assert server.socket_dir.stat().st_mode & 0o077 == 0


def test_the_log_quotes_no_row(server: EmbeddedPostgres) -> None:
    run(server.url(), "CREATE TABLE people (name text UNIQUE)")
    with pytest.raises(sqlalchemy.exc.IntegrityError):
        run(server.url(), "INSERT INTO people VALUES ('planted-secret'), ('planted-secret')")
    log = server.service.log.read_text()
    assert "duplicate key" in log
    assert "planted-secret" not in log


def test_a_deep_directory_gets_a_short_socket_that_is_the_same_after_a_restart(home: Path) -> None:
    deep = home / "-".join(["directory"] * 12)
    postgres = EmbeddedPostgres(deep, durable=False)
    postgres.start()
    try:
        assert len(os.fsencode(postgres.socket_dir)) < 90
        assert EmbeddedPostgres(deep).url() == postgres.url()
        assert run(postgres.url(), "SELECT 1") == 1
    finally:
        postgres.stop()
        for left in postgres.socket_dir.iterdir():
            left.unlink()
        postgres.socket_dir.rmdir()


SUPERVISOR = """
import sys, time
from pathlib import Path
from db.embedded import EmbeddedPostgres
postgres = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
postgres.start()
print(postgres.pid, flush=True)
time.sleep(60)
"""


def test_a_server_ends_with_its_killed_supervisor_and_a_new_one_takes_over(home: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(home)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        orphan = int(process.stdout.readline())
        process.kill()
    postgres = EmbeddedPostgres(home, durable=False)
    postgres.start()
    try:
        wait_until_gone(orphan)
        with psycopg.connect(host=str(postgres.socket_dir), user="postgres", dbname="regua") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        postgres.stop()


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    postgres = EmbeddedPostgres(home, durable=False)
    postgres.start()
    postgres.stop()
    (postgres.data / "postgresql.conf").write_text("no_such_setting = on\n")
    started = time.monotonic()
    with pytest.raises(Unavailable, match=r"PostgreSQL ended with \d+ before it served: .*configuration file"):
        postgres.start()
    assert time.monotonic() - started < 15

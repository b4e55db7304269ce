"""The embedded stack: what dies is started again, what is stopped leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from db.embedded import EmbeddedPostgres, Service
from domain.errors import BadInput, Unavailable
from gateways.settings import Settings
from starter.embedded import free_port, kept_port
from starter.stack import Stack, python_service, running_services

SERVER = """
import http.server, os, signal, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
handler = http.server.SimpleHTTPRequestHandler
handler.log_message = lambda *_: None
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), handler).serve_forever()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    # Not under pytest's directory: every new session closes that to other users, and root runs PostgreSQL as one.
    with tempfile.TemporaryDirectory(prefix="regua-test-") as directory:
        yield Path(directory)


@pytest.fixture
def elsewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings whose database and Temporal run elsewhere, so that the stack consists of the given services."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.example.com:7233")
    return Settings(state_dir=home, database_url="postgresql://db.example.com/regua")


def web_server(settings: Settings, name: str, *arguments: str, grace: float = 5.0) -> Service:
    script = settings.state_dir / "served.py"
    script.write_text(SERVER)
    port = str(free_port())
    service = python_service(settings, name, "unused", ready=f"http://127.0.0.1:{port}/", grace=grace)
    service.argv = [sys.executable, str(script), port, *arguments]
    return service


def eventually(happened: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_whole_stack_starts_restarts_its_killed_servers_and_stops_without_a_trace(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    said: list[str] = []
    prepared: list[str] = []
    settings = Settings(state_dir=home, temporal_port=0, temporal_ui_port=0)
    with Stack(settings, prepare_database=prepared.append, announce=said.append) as stack:
        assert prepared == [stack.database_url]
        first = running_services(home)
        assert list(first) == ["PostgreSQL", "Temporal"]
        for pid in first.values():
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: len(set(running_services(home).values()) - set(first.values())) == 2)
        eventually(EmbeddedPostgres(home).service.is_ready)
        second = running_services(home)
    assert any(line.startswith("PostgreSQL ended with -9, starts again") for line in said)
    assert said[-2:] == ["Temporal ended with 0", "PostgreSQL ended with 0"]
    assert not any(alive(pid) for pid in [*first.values(), *second.values()])
    assert not (home / "stack.json").exists()


def test_services_know_where_the_servers_are(elsewhere: Settings) -> None:
    service = web_server(elsewhere, "web")
    service.env = {"REGUA_HEALTH_PORT": "1234"}
    with Stack(elsewhere, [service], announce=lambda _line: None):
        pid = running_services(elsewhere.state_dir)["web"]
        environment = dict(
            entry.split("=", 1) for entry in Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in entry
        )
    assert environment["REGUA_STATE_DIR"] == str(elsewhere.state_dir)
    assert environment["REGUA_DATABASE_URL"] == "postgresql+psycopg://db.example.com/regua"
    assert environment["REGUA_HEALTH_PORT"] == "1234"


def test_a_service_that_keeps_dying_is_restarted_ever_more_slowly_and_the_others_live_on(elsewhere: Settings) -> None:
    said: list[str] = []
    web, frail = web_server(elsewhere, "web"), web_server(elsewhere, "frail")
    with Stack(elsewhere, [web, frail], announce=said.append):
        untouched = running_services(elsewhere.state_dir)["web"]
        for pause in ("0.5", "1"):
            os.kill(running_services(elsewhere.state_dir)["frail"], signal.SIGKILL)
            eventually(lambda pause=pause: f"frail ended with -9, starts again in {pause} s" in said)
            eventually(lambda: "frail" in running_services(elsewhere.state_dir))
        assert running_services(elsewhere.state_dir)["web"] == untouched


def test_whatever_keeps_a_service_from_starting_again_is_tried_again_and_ends_no_other(elsewhere: Settings) -> None:
    calls, one, other = [], web_server(elsewhere, "one"), web_server(elsewhere, "other")

    def before() -> None:
        calls.append(len(calls))
        if len(calls) == 2:
            raise psycopg.OperationalError("the database system is starting up\nand says more")

    one.before = before
    lines: list[str] = []
    with Stack(elsewhere, [one, other], announce=lines.append):
        begun = running_services(elsewhere.state_dir)
        os.kill(begun["one"], signal.SIGKILL)
        eventually(lambda: running_services(elsewhere.state_dir).get("one", begun["one"]) != begun["one"])
        assert running_services(elsewhere.state_dir)["other"] == begun["other"]
    assert len(calls) == 3
    assert "one could not be started: the database system is starting up" in lines


def test_a_second_stack_on_the_same_directory_is_refused(elsewhere: Settings) -> None:
    with (
        Stack(elsewhere, announce=lambda _line: None),
        pytest.raises(BadInput, match=rf"is in use by the stack with process id {os.getpid()}; stop that one"),
    ):
        Stack(elsewhere, announce=lambda _line: None).start()
    with Stack(elsewhere, announce=lambda _line: None):
        pass


def test_a_service_that_does_not_start_ends_the_stack_and_says_why(elsewhere: Settings) -> None:
    web, broken = web_server(elsewhere, "web"), web_server(elsewhere, "broken")
    broken.argv = [sys.executable, "-c", "raise SystemExit('the disk is full')"]
    started: list[int] = []
    with pytest.raises(Unavailable, match="broken ended with 1 before it served: the disk is full"):
        Stack(
            elsewhere,
            [web, broken],
            announce=lambda line: (
                started.extend(running_services(elsewhere.state_dir).values()) if "web:" in line else None
            ),
        ).start()
    assert started
    assert not any(map(alive, started))


def test_a_service_that_does_not_want_to_end_is_killed_after_its_grace(elsewhere: Settings) -> None:
    said: list[str] = []
    with Stack(elsewhere, [web_server(elsewhere, "stubborn", "stubborn", grace=0.3)], announce=said.append):
        pid = running_services(elsewhere.state_dir)["stubborn"]
    assert not alive(pid)
    assert "stubborn ended with -9" in said


SUPERVISOR = """
import json, sys
from pathlib import Path
from gateways.settings import Settings
from starter.stack import Stack, python_service
home, port, script = sys.argv[1:]
settings = Settings(state_dir=Path(home), database_url="postgresql://db.example.com/regua")
web = python_service(settings, "web", "unused", ready=f"http://127.0.0.1:{port}/")
web.argv = [sys.executable, script, port]
Stack(settings, [web], announce=lambda line: print(line, flush=True)).run()
"""


def supervisor(settings: Settings, port: int) -> subprocess.Popen[str]:
    script = settings.state_dir / "served.py"
    script.write_text(SERVER)
    arguments = [str(settings.state_dir), str(port), str(script)]
    return subprocess.Popen([sys.executable, "-c", SUPERVISOR, *arguments], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_operator_ends_everything_with_one_signal(elsewhere: Settings, number: signal.Signals) -> None:
    with supervisor(elsewhere, free_port()) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("web: http://")
        pid = running_services(elsewhere.state_dir)["web"]
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout.read() == "web ended with -15\n"
    assert not alive(pid)


def test_children_die_with_a_killed_supervisor_and_the_next_one_sees_that_its_record_is_stale(
    elsewhere: Settings,
) -> None:
    port = free_port()
    with supervisor(elsewhere, port) as process:
        assert process.stdout is not None
        process.stdout.readline()
        orphan = running_services(elsewhere.state_dir)["web"]
        process.kill()
        process.wait()
    assert json.loads((elsewhere.state_dir / "stack.json").read_text())["services"]["web"]["pid"] == orphan
    with supervisor(elsewhere, port) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"web of a stack that was killed, process {orphan}, is gone\n"
        assert process.stdout.readline().startswith("web: http://")
        assert not alive(orphan)
        process.terminate()
        process.wait(10)


def test_a_recorded_process_id_that_now_names_another_program_is_left_alone(elsewhere: Settings) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as bystander:
        record = {"supervisor": 1, "services": {"web": {"pid": bystander.pid, "born": 1, "address": "", "data": ""}}}
        (elsewhere.state_dir / "stack.json").write_text(json.dumps(record))
        assert running_services(elsewhere.state_dir) == {}
        with Stack(elsewhere, announce=lambda _line: None):
            assert bystander.poll() is None
        bystander.kill()


def test_a_start_that_is_taking_long_can_be_given_up(elsewhere: Settings) -> None:
    mute = web_server(elsewhere, "mute")
    mute.argv = [sys.executable, "-c", "import time; time.sleep(60)"]
    stack = Stack(elsewhere, [mute], announce=lambda _line: None)
    threading.Timer(0.5, stack.stop).start()
    began = time.monotonic()
    stack.start()
    stack.stop()
    assert time.monotonic() - began < 10
    assert running_services(elsewhere.state_dir) == {}


def test_a_database_that_is_being_served_is_reached_by_every_process(home: Path) -> None:
    postgres = EmbeddedPostgres(home, durable=False)
    postgres.start()
    try:
        with psycopg.connect(
            host=str(EmbeddedPostgres(home).socket_dir), user="postgres", dbname="regua"
        ) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        postgres.stop()


def test_a_kept_port_is_read_whole_while_it_is_written(tmp_path: Path) -> None:
    file, over = tmp_path / "ports" / "sandbox", threading.Event()
    assert kept_port(file, 20001) == kept_port(file, 0) == 20001

    def change() -> None:
        while not over.is_set():
            kept_port(file, 20001)
            kept_port(file, 20002)

    writer = threading.Thread(target=change)
    writer.start()
    try:
        assert {kept_port(file, 0) for _ in range(3000)} <= {20001, 20002}
    finally:
        over.set()
        writer.join()
    assert [path.name for path in file.parent.iterdir()] == ["sandbox"]

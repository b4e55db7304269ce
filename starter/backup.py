"""Backup and restore of the embedded stack: a folder with both servers' data and every generated file.

Temporal is saved first, then PostgreSQL, then the files. So the book is never behind a workflow, and no row names a
file that the backup lacks. Nothing has to be stopped for it. Servers of one's own have tools of their own; the order is
the same (docs/operations.md).
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from db.embedded import EmbeddedPostgres
from domain.errors import BadInput, Unavailable
from gateways.settings import Settings, temporal_config
from starter.restoring import mark_restored

_TEMPORAL, _POSTGRES, _FILES, _DOCUMENTS = "temporal.db", "postgres", "files", "documents"
_NOT_OURS = frozenset({"temporal", "postgres", "sandbox", "logs", "stack.json", "stack.lock"})
"""What the servers keep themselves, what stands in for providers, and what only says what runs now."""


def save(settings: Settings, folder: Path) -> None:
    """Save everything into the new `folder`, whole or not at all, while the stack runs.

    Raises `BadInput` where the folder is there already or a server is not the embedded one, `Unavailable` where one
    does not run, OSError where there is no room.
    """
    _only_embedded(settings)
    if folder.exists():
        raise BadInput(f"{folder} is there already; a backup is written into a new folder")
    draft = folder.resolve().with_name(f".{folder.name}.unfinished")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        for part in PARTS:
            part(settings, draft)
        draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def save_temporal(settings: Settings, folder: Path) -> None:
    """The histories, as they stand at one moment. Raises `Unavailable` where there are none."""
    database = _temporal_file(settings)
    if not database.is_file():
        raise Unavailable("temporal-away", f"{database} is not there; start the stack with `regua up`")
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(folder / _TEMPORAL)) as copy:
        source.backup(copy)


def save_postgres(settings: Settings, folder: Path) -> None:
    """The book, as it stands when the copy ends, with the log that makes it whole. Raises `Unavailable`."""
    server = EmbeddedPostgres(settings.state_dir)
    command = [str(server.binary("pg_basebackup")), "-h", str(server.socket_dir), "-U", "postgres"]
    command += ["-D", str(folder / _POSTGRES), "--checkpoint=fast", "--wal-method=stream"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise Unavailable("not-saved", f"PostgreSQL could not be saved: {done.stderr.strip()}")


def save_files(settings: Settings, folder: Path) -> None:
    """Documents, letters, files of partners, anchors; drafts that are being written are left out."""
    state = settings.state_dir.resolve()

    def left_out(where: str, names: list[str]) -> set[str]:
        top = _NOT_OURS if Path(where) == state else frozenset()
        return {name for name in names if name in top or name.startswith(".")}

    shutil.copytree(state, folder / _FILES, ignore=left_out, dirs_exist_ok=True)
    documents = settings.documents_dir.resolve()
    if not documents.is_relative_to(state) and documents.is_dir():
        ours = shutil.ignore_patterns(".*")
        shutil.copytree(documents, folder / _DOCUMENTS, ignore=ours, dirs_exist_ok=True)


PARTS: tuple[Callable[[Settings, Path], None], ...] = (save_temporal, save_postgres, save_files)
"""In the order that makes a restore safe."""


def restore(settings: Settings, folder: Path) -> None:
    """Put a backup into the state directory, where no server has data yet; then `regua up` and `regua catch-up`.

    The book says from then on that it is an earlier one, so that what left since is looked up and not sent again.
    Raises `BadInput` where `folder` is no backup, or there is data already; `Unavailable` where its server fails.
    """
    _only_embedded(settings)
    server, temporal = EmbeddedPostgres(settings.state_dir), _temporal_file(settings)
    if not (folder / _TEMPORAL).is_file() or not (folder / _POSTGRES).is_dir():
        raise BadInput(f"{folder} is no backup; name a folder that `regua backup` made")
    for data in (server.data, temporal):
        if data.exists():
            raise BadInput(f"{data} is there already; restore into a new folder, named by REGUA_STATE_DIR")
    shutil.copytree(folder / _FILES, settings.state_dir, dirs_exist_ok=True)
    if (folder / _DOCUMENTS).is_dir():
        shutil.copytree(folder / _DOCUMENTS, settings.documents_dir, dirs_exist_ok=True)
    temporal.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(folder / _TEMPORAL, temporal)
    server.adopt(folder / _POSTGRES)
    try:
        server.start()
        mark_restored(server.url())
    finally:
        server.stop()


def _temporal_file(settings: Settings) -> Path:
    return settings.state_dir.resolve() / "temporal" / "temporal.db"


def _only_embedded(settings: Settings) -> None:
    outside = {"REGUA_DATABASE_URL": settings.database_url, "TEMPORAL_ADDRESS": temporal_config().get("target_host")}
    for name in (name for name, value in outside.items() if value):
        raise BadInput(f"{name} names a server of your own; save it by its own means, see docs/operations.md")

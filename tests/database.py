"""One migrated database for all tests of a process: emptied after each, copied anew where emptying is not enough."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from db.embedded import EmbeddedPostgres
from db.engine import make_engine

# Empties every table that has pages, whatever its triggers say, and starts the numbers again. The answer is whether
# the database is then as good as new: its schema is unchanged, and no table has more than a megabyte of dead rows.
_FORGET = """
CREATE SCHEMA tests;
CREATE TABLE tests.changed (command text NOT NULL);

CREATE FUNCTION tests.note_change() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tests.changed
  SELECT command_tag FROM pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp';
END $$;
CREATE FUNCTION tests.note_loss() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tests.changed SELECT tg_tag FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary;
END $$;

CREATE FUNCTION tests.forget() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  each record;
  largest bigint := 0;
BEGIN
  PERFORM set_config('session_replication_role', 'replica', true);
  FOR each IN SELECT oid::regclass AS name, pg_relation_size(oid) AS size FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
  LOOP
    IF each.size > 0 THEN
      EXECUTE format('DELETE FROM %s', each.name);
      largest := greatest(largest, each.size);
    END IF;
  END LOOP;
  PERFORM setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL;
  RETURN largest <= 1048576 AND NOT EXISTS (SELECT FROM tests.changed);
END $$;

CREATE EVENT TRIGGER note_change ON ddl_command_end EXECUTE FUNCTION tests.note_change();
CREATE EVENT TRIGGER note_loss ON sql_drop EXECUTE FUNCTION tests.note_loss();
"""
_END_STRANGERS = text(
    "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_type = 'client backend' AND NOT pid = ANY(:ours)"
)
_OURS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid = ANY(:ours)")


class SharedDatabase:
    """A database that one test after the other has for itself, and the connections to it, which stay open.

    To copy a database, to connect and to compile each statement again costs more than most tests do themselves.
    """

    def __init__(self, server: EmbeddedPostgres, template: str) -> None:
        self._server, self._template = server, template
        self._engine: Engine | None = None
        self._ours: set[int] = set()

    @contextmanager
    def lent(self) -> Iterator[Engine]:
        """The empty database, as an engine whose listeners and options are the borrower's own."""
        whole = self._engine or self._fresh()
        try:
            yield whole.execution_options()
        finally:
            if not self._as_new(whole):
                self.drop()

    def drop(self) -> None:
        """Give the database up; the next borrower gets a new one."""
        if self._engine:
            self._engine.dispose()
            self._server.drop_database(str(self._engine.url.database))
            self._engine = None

    def _fresh(self) -> Engine:
        name = f"shared_{uuid.uuid4().hex}"
        self._server.create_database(name, self._template)
        engine = self._engine = make_engine(self._server.url(name))
        self._ours.clear()
        event.listen(engine, "connect", self._note)
        with engine.begin() as conn:
            conn.execute(text(_FORGET))
        return engine

    def _note(self, connection: Any, _: object) -> None:
        self._ours.add(connection.info.backend_pid)

    def _as_new(self, engine: Engine) -> bool:
        """Forget what the borrower did. Whoever else is still connected is cut off, as are ours that he kept."""
        pool: Any = engine.pool
        if pool.checkedout():
            engine.dispose()
            self._ours.clear()
        try:
            with engine.begin() as conn:
                ours = {"ours": list(self._ours)}
                conn.execute(_END_STRANGERS, ours)
                alive = conn.execute(_OURS, ours).scalar_one()
                whole = conn.execute(text("SELECT tests.forget()")).scalar_one()
                return bool(whole) and alive == engine.pool.checkedin() + 1  # type: ignore[attr-defined]
        except DBAPIError:  # the server was stopped, or the connection cut
            return False

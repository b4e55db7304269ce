"""`python -m db.drift`: do the migrations build the tables that the code speaks of? Exit 1 where not."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from db.embedded import EmbeddedPostgres
from db.engine import make_engine
from db.migrate import drift, upgrade


def main() -> int:
    """Build a database from the migrations alone and compare it with the tables."""
    with tempfile.TemporaryDirectory(prefix="regua-drift-") as folder:
        server = EmbeddedPostgres(Path(folder), durable=False)
        server.start()
        try:
            engine = make_engine(server.url())
            upgrade(engine)
            differences = drift(engine)
            engine.dispose()
        finally:
            server.stop()
    print("\n".join(differences) if differences else "migrations and tables agree")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())

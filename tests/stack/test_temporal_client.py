"""What a command writes is its own, also while Temporal is away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, contextlib, os, shutil, sys
from datetime import timedelta
from pathlib import Path

from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from gateways.settings import load_settings
from gateways.temporal import connect


async def main():
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")
    server = await WorkflowEnvironment.start_local(dev_server_existing_path=binary, dev_server_log_level="never")
    os.environ["TEMPORAL_ADDRESS"] = server.client.service_client.config.target_host
    client = await connect(load_settings())
    await server.shutdown()
    with contextlib.suppress(RPCError):
        await client.get_workflow_handle("nobody").signal("fact", rpc_timeout=timedelta(seconds=4))
    print("over")


asyncio.run(main())
"""


def test_while_temporal_is_away_a_command_prints_nothing_but_its_own_words(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "over\n"

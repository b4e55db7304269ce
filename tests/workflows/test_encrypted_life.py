"""A life under the codec: the server sees ciphertext; replay, archive, audit and Temporal's own tools still read it."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from codec_service import serving
from people import short_ladder
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer

from audit.archive import Archivist
from audit.replay import Auditor
from domain import facts as f
from gateways.codec import ENCODING, Codec, decrypted
from gateways.keys import Keyring
from gateways.temporal import PLUGIN, plugin
from workflows.case import CaseWorkflow

pytestmark = pytest.mark.asyncio(loop_scope="session")
OLD, NEW = b"o" * 32, b"n" * 32
BEFORE = Codec(Keyring({"velha": OLD}, "velha"))
ROTATED = Codec(Keyring({"velha": OLD, "nova": NEW}, "nova"))
CORES_OWN = {
    "activation_index",
    "activity_id",
    "activity_type",
    "attempt",
    "backoff",
    "complete_time",
    "original_schedule_time",
    "seq",
}
STEPS = "  - {id: um, at: due + 1d, do: contact, by: [email], text: atraso-cordial}\n"


async def client_of(env: Any, codec: Codec) -> Client:
    address = env.client.service_client.config.target_host
    return await Client.connect(address, namespace=env.client.namespace, plugins=[plugin(codec)])


async def lived(env: Any, office_of: Any) -> tuple[Any, Any]:
    """A case that was begun under one key and ended under the next."""
    async with office_of(await client_of(env, BEFORE)) as office:
        life = await office.open(short_ladder(STEPS), due_in=-1)
        await life.until(lambda _: "contact_sent" in life.book())
    async with office_of(await client_of(env, ROTATED)) as office:
        life = office.life(life.ids, office.client.get_workflow_handle(life.handle.id))
        await life.tell(f.PaymentReceived("pix-1", Decimal("1100.00"), await life.today()))
        await life.until(lambda row: row.stage == "closed")
        await life.handle.result()
    return office, life


def without_open_parts(event: HistoryEvent) -> HistoryEvent:
    """Search attributes, by which the server finds: stage, kind of the next action, the creditor's id. And what the
    SDK's core writes into a marker for itself, past every codec: name, number and times of a local activity.
    """
    copy = HistoryEvent.FromString(event.SerializeToString())
    for _, attributes in copy.ListFields():
        if hasattr(attributes, "search_attributes"):
            attributes.ClearField("search_attributes")
        if hasattr(attributes, "marker_name"):
            data = json.loads(attributes.details.pop("data").payloads[0].data)
            assert set(data) <= CORES_OWN
    return copy


async def test_a_life_across_a_rotation_shows_only_ciphertext_and_replays(env, office_of) -> None:
    _, life = await lived(env, office_of)
    history = await life.handle.fetch_history()
    seen = b"".join(without_open_parts(event).SerializeToString() for event in history.events)
    for told in (b"json/plain", b"step um", b"not_before", b"amount", str(life.ids.creditor).encode()):
        assert told not in seen
    assert (b"velha" in seen, b"nova" in seen) == (True, True)
    await Replayer(workflows=[CaseWorkflow], plugins=[plugin(ROTATED)]).replay_workflow(history)
    opened = WorkflowHistory(history.workflow_id, decrypted(history.events, ROTATED))
    plain = b"".join(event.SerializeToString() for event in opened.events)
    assert ENCODING not in plain
    assert b"not_before" in plain
    await Replayer(workflows=[CaseWorkflow], plugins=[PLUGIN]).replay_workflow(opened)
    for secret in (b"Devedora", b"Rua Fict", b"contas@", b"5511900000001", b"11222333000181"):
        assert secret not in plain


async def test_an_archived_life_is_audited_after_the_rotation_and_a_missing_key_is_told_in_a_sentence(
    env, office_of, world
) -> None:
    office, life = await lived(env, office_of)
    archivist = Archivist(office.client, world.engine, world.documents, lambda: datetime.now(UTC))
    assert (await archivist.archive(life.ids.case)).added == 1
    for client in (None, office.client):
        report = await Auditor(world.engine, world.documents, client, ROTATED).group([life.ids.case])
        assert (report.of("difference"), report.histories) == ([], 1)
    for codec, key in ((None, "velha"), (BEFORE, "nova")):
        report = await Auditor(world.engine, world.documents, None, codec).group([life.ids.case])
        assert [finding.text for finding in report.of("difference")] == [
            f"histórico da geração 1, parte 1 (arquivo) está cifrado com a chave {key}, que não está entre as chaves "
            "daqui (REGUA_CODEC_KEY_FILE)"
        ]


async def test_temporals_own_command_line_reads_the_history_through_the_endpoint(env, office_of) -> None:
    _, life = await lived(env, office_of)
    binary = shutil.which("temporal", path=str(Path(sys.executable).parent)) or shutil.which("temporal")
    assert binary
    sealed = base64.b64encode(ENCODING).decode()
    address = env.client.service_client.config.target_host
    command = [binary, "workflow", "show", "--workflow-id", life.handle.id, "--address", address, "--output", "json"]
    closed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert sealed in closed
    with serving(ROTATED, token="t" * 20) as url:
        through = [*command, "--codec-endpoint", url, "--codec-auth", "Bearer " + "t" * 20]
        opened = subprocess.run(through, capture_output=True, text=True, timeout=60, check=True).stdout
    assert sealed not in opened
    assert b'"not_before"' in b"".join(base64.b64decode(data) for data in re.findall('"data": "([^"]+)"', opened))

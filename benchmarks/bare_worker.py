"""`python -m benchmarks.workers ours|bare`: a worker in a process of its own, with the service's own set-up.

Both run through `worker.serve`, on the same queues, with the same plugin and sandbox, pool and time-outs. Ours is the
whole product; bare is the bare workflow whose activity makes the same provider call and one INSERT.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from functools import partial
from uuid import uuid4

import sqlalchemy as sa
from temporalio import activity
from temporalio.client import Client

from activities.registry import build_world, worker_specs
from activities.world import World
from benchmarks.bare import BareWorkflow
from benchmarks.bare_table import DONE
from benchmarks.messages import BareStep
from contract.names import CASES_QUEUE, EMAIL_QUEUE, PROTEST_QUEUE, SMS_QUEUE
from gateways.email import Attachment, Email
from gateways.logs import configure_logs
from gateways.settings import Settings, load_settings
from gateways.sms import Sms
from gateways.temporal import WorkerSpec, new_runtime, settle
from worker import serve
from workflows.registry import WORKFLOWS

# As long as what the product sends in the reference life, on the average of its steps.
TEXT, HTML, SMS_TEXT, PDF = "t" * 1450, "<p>" + "h" * 3500 + "</p>", "s" * 400, b"%PDF" + b"p" * 37_000


class BareActivities:
    """The same provider call as ours, and one INSERT; or nothing."""

    def __init__(self, world: World) -> None:
        self._world = world

    @activity.defn(name="bare")
    def bare(self, step: BareStep) -> str:
        """Returns the provider's id of the message, empty where the step calls no provider."""
        number = uuid4()
        provider_id = self._call(number.hex, step)
        with self._world.engine.begin() as conn:
            conn.execute(
                sa.insert(DONE).values(id=number, life=step.life, step=step.step, provider_id=provider_id)
            )
        return provider_id

    @activity.defn(name="empty")
    def empty(self, _step: BareStep) -> str:
        """Does nothing: what is left is Temporal alone."""
        return ""

    def _call(self, send_id: str, step: BareStep) -> str:
        if step.channel == "sms":
            callback = f"{self._world.callbacks}/webhooks/twilio/status"
            sms = Sms(send_id, send_id[:6], "+5511900000000", "+5511900000001", SMS_TEXT, callback)
            return self._world.sms.send(sms).provider_id
        if step.channel != "email":
            return ""
        letter = (Attachment("documento.pdf", "application/pdf", PDF),) if step.formal else ()
        sender, to = "contas@credora.example.com", f"{step.life[:12]}@devedora.example.com"
        email = Email(send_id, sender, "Credora Fictícia", to, "Mensagem", TEXT, HTML, letter, sender)
        return self._world.email.send(email).provider_id


def bare_specs(settings: Settings, world: World) -> list[WorkerSpec]:
    """The queues of the product, with the bare workflow and its activities."""
    doing = BareActivities(world)
    activities = [doing.bare, doing.empty]
    return [
        WorkerSpec(CASES_QUEUE, [BareWorkflow], activities),
        WorkerSpec(EMAIL_QUEUE, [], activities, settings.email_per_second),
        WorkerSpec(SMS_QUEUE, [], activities, settings.sms_per_second),
        WorkerSpec(PROTEST_QUEUE, [], activities),
    ]


def _specs(which: str, settings: Settings, client: Client) -> Sequence[WorkerSpec]:
    world = build_world(settings, settings.database_url)
    return worker_specs(settings, client, world, WORKFLOWS) if which == "ours" else bare_specs(settings, world)


def main(which: str) -> None:
    """Work until SIGTERM. The settings are those of the service, from the environment."""
    configure_logs()
    settings = load_settings()
    specs: Callable[[Client], Sequence[WorkerSpec]] = partial(_specs, which, settings)
    asyncio.run(serve(settings, settings.database_url, specs, new_runtime(settings)))
    settle()


if __name__ == "__main__":
    main(sys.argv[1])

"""`python -m benchmarks.bare_worker`: the worker of the bare workflow, beside `python -m worker`, which is ours.

It runs through the service's own `serve`, on the same queues, with the same plugin and sandbox, threads and time-outs.
"""

from __future__ import annotations

import asyncio
from uuid import uuid4

import sqlalchemy as sa
from temporalio import activity

from activities.registry import build_world
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

# As long as what the product sends in the reference life, on the average of its steps.
TEXT, HTML, SMS_TEXT, PDF = "t" * 1450, "<p>" + "h" * 3500 + "</p>", "s" * 400, b"%PDF" + b"p" * 37_000


class BareActivities:
    """The same provider call as ours and one INSERT, or nothing at all."""

    def __init__(self, world: World) -> None:
        self._world = world

    @activity.defn(name="bare")
    def bare(self, step: BareStep) -> str:
        """Returns the provider's id of the message, empty where the step calls no provider."""
        number = uuid4()
        provider_id = self._call(number.hex, step)
        with self._world.engine.begin() as conn:
            conn.execute(sa.insert(DONE).values(id=number, life=step.life, step=step.step, provider_id=provider_id))
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


def main() -> None:
    """Work until SIGTERM. The settings are those of the service, from the environment."""
    configure_logs()
    settings = load_settings()
    world = build_world(settings, settings.database_url)
    specs = bare_specs(settings, world)
    asyncio.run(serve(settings, settings.database_url, lambda _client: specs, new_runtime(settings)))
    settle()


if __name__ == "__main__":
    main()

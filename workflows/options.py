"""Time-outs, retries and queues of the case's activities, named once and kept out of the story."""

from __future__ import annotations

from datetime import timedelta
from typing import TypedDict

from temporalio.common import RetryPolicy

from contract.names import EMAIL_QUEUE, SMS_QUEUE, VOICE_QUEUE, WHATSAPP_QUEUE


class Limits(TypedDict, total=False):
    """Keyword arguments of `execute_activity` and `execute_local_activity`."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    retry_policy: RetryPolicy


DECIDE_AT_ONCE: Limits = {
    "start_to_close_timeout": timedelta(seconds=5),
    "schedule_to_close_timeout": timedelta(seconds=8),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=200), backoff_coefficient=2, maximum_attempts=3
    ),
}
"""Local: milliseconds where the database answers. Few tries, so that one that is away holds no workflow task."""

DECIDE_WHEN_POSSIBLE: Limits = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=5)
    ),
}
"""Normal, without end: the server repeats it, and a repeated activity adds nothing to the history."""

ALIVE = timedelta(seconds=20)
"""What runs by the clock may take hours, and says all the while that it goes on (`gateways.pulse`). After so long a
silence its worker counts as dead, and another does it."""

OPERATOR_LOOKS_EVERY = timedelta(hours=1)
"""Even a decision that fails for good never fails the case; it is asked for again after that."""


AT_MOST = {
    "contact": timedelta(seconds=30),
    "notice": timedelta(seconds=45),
    "protest": timedelta(seconds=45),
    "legal": timedelta(seconds=60),
    "agency": timedelta(seconds=60),
    "negotiate": timedelta(seconds=30),
    "list": timedelta(seconds=30),
    "tell": timedelta(seconds=30),
}
"""What can be performed, and how long one try may take: longer than the time-outs of the gateways it calls."""

QUEUES = {"email": EMAIL_QUEUE, "sms": SMS_QUEUE, "whatsapp": WHATSAPP_QUEUE, "voice": VOICE_QUEUE}
"""One queue per provider account, with that account's rate limit; what calls no provider stays with the cases."""

TRIES = RetryPolicy(initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_attempts=3)
"""Few: what is still not done comes back as an instruction to wait, so that nothing that arrives meanwhile starves."""

"""Workflows and activities that the tests of this directory run on a real server."""

import asyncio
import time
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    import sqlalchemy.exc

    from domain.errors import BadAddress, Unavailable

SECRET = "planted-secret"
ONCE = RetryPolicy(maximum_attempts=1)
SHORT = timedelta(seconds=20)


@dataclass
class Money:
    amount: Decimal
    due: date


@activity.defn
def fail(kind: str) -> None:
    """Fail in the way asked for, with a secret in every text."""
    secret = f"{SECRET} of the row"
    if kind == "database":
        cause = Exception(f"Key (name)=({secret}) already exists")
        raise sqlalchemy.exc.IntegrityError(f"INSERT {secret}", {"name": secret}, cause)
    if kind == "away":
        raise sqlalchemy.exc.OperationalError(secret, None, Exception(secret))
    if kind == "provider":
        raise BadAddress("21614", secret)
    if kind == "later":
        raise Unavailable("20429", secret, retry_after=30)
    if kind == "application":
        raise ApplicationError(secret, secret, type="Foreign", non_retryable=True) from ValueError(secret)
    try:
        raise KeyError(secret)
    except KeyError:
        raise RuntimeError(secret)  # noqa: B904 - the context is what must not leak


@activity.defn
def take_amount(money: Money) -> None:
    """Takes what the caller below does not give."""


@activity.defn
def double(money: Money) -> Money:
    return Money(money.amount * 2, money.due)


@activity.defn
def slow(seconds: float, marker: str) -> str:
    Path(marker).touch()
    time.sleep(seconds)
    return "finished"


@workflow.defn
class Failing:
    """Runs an activity that fails, and fails with its error."""

    @workflow.run
    async def run(self, kind: str) -> None:
        await workflow.execute_activity(fail, kind, start_to_close_timeout=SHORT, retry_policy=ONCE)


@workflow.defn
class FailingLocally:
    """The same with a local activity, whose failure stands in a marker."""

    @workflow.run
    async def run(self, kind: str) -> str:
        try:
            await workflow.execute_local_activity(fail, kind, start_to_close_timeout=SHORT, retry_policy=ONCE)
        except ApplicationError as error:  # a local activity's failure comes bare, not in an ActivityError
            return f"{error.type}|{error.message}|{error.non_retryable}"
        return "did not fail"


@workflow.defn
class Misread:
    """Gives an activity what it cannot read."""

    @workflow.run
    async def run(self, text: str) -> None:
        await workflow.execute_activity("take_amount", text, start_to_close_timeout=SHORT, retry_policy=ONCE)


@workflow.defn
class Wedged:
    """Meets a mistake of the program."""

    @workflow.run
    async def run(self) -> None:
        raise ValueError(SECRET + " of the workflow")


@workflow.defn
class Open:
    """Stays open; refuses an update; can be told to close."""

    def __init__(self) -> None:
        self.closed = False

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self.closed)

    @workflow.update
    async def refuse(self) -> None:
        await asyncio.sleep(0)
        raise ApplicationError(SECRET + " of the update", type="Refused")

    @workflow.update
    async def refuse_with_code(self) -> None:
        await asyncio.sleep(0)
        raise ApplicationError("case-closed", type="Refused")

    @workflow.signal
    def close(self) -> None:
        self.closed = True


@workflow.defn
class Doubling:
    @workflow.run
    async def run(self, money: Money) -> Money:
        return await workflow.execute_activity(double, money, start_to_close_timeout=SHORT, result_type=Money)


@workflow.defn
class Slow:
    @workflow.run
    async def run(self, seconds: float, marker: str) -> str:
        return await workflow.execute_activity(
            slow, args=[seconds, marker], start_to_close_timeout=SHORT, retry_policy=ONCE, result_type=str
        )


ACTIVITIES = [fail, take_amount, double, slow]
WORKFLOWS = [Failing, FailingLocally, Misread, Wedged, Open, Doubling, Slow]

"""Calls to providers as an operator sees them: counted and timed by outcome, and a span of the step's trace.

Figures go to the SDK's own endpoint (`REGUA_METRICS_PORT`), labelled with the queue and the activity that called; what
a command or a test calls outside an activity is not counted. Nothing of a call's content is looked at.
"""

from __future__ import annotations

import functools
import inspect
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar, cast

from opentelemetry import trace
from temporalio import activity

from domain.errors import ProviderError

PROVIDER_CALLS = "regua_provider_calls"
"""Counter by `provider`, `call` and `outcome`: done, or the kind of error (unavailable, unknown, bad-address, ...)."""
PROVIDER_SECONDS = "regua_provider_call_seconds"
"""Histogram of real seconds by `provider` and `call`, whatever the outcome."""

ACTION_RESULTS = "regua_action_results"
"""Counter by `action`, `result` (the kind of fact it brought about), `channel` and `reason`: why not now, why not."""

_NO_WORD = re.compile(r"[^a-z]+")  # no number either: a reason is a word of ours
_MOST_OF_A_REASON = 40
_Gateway = TypeVar("_Gateway")


def observed(provider: str, gateway: _Gateway) -> _Gateway:
    """The same gateway, whose every call is counted, timed and traced under the provider's name."""
    return cast(_Gateway, _Observed(provider, gateway))


class _Observed:
    """Stands before a gateway and has all its methods."""

    def __init__(self, provider: str, gateway: Any) -> None:
        self._provider, self._gateway = provider, gateway

    def of(self, *names: str) -> Any:
        """Another of the same provider, as a CRA's of another state: no call, but watched as well."""
        return _Observed(self._provider, self._gateway.of(*names))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._gateway, name)
        return _watched(self._provider, name, found) if callable(found) else found


def _watched(provider: str, call: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def watched(*args: Any, **kwargs: Any) -> Any:
        if inspect.isgeneratorfunction(method):  # it calls the provider while it is read
            return _read(provider, call, method(*args, **kwargs))
        with _observing(provider, call):
            return method(*args, **kwargs)

    return watched


def _read(provider: str, call: str, items: Iterator[Any]) -> Iterator[Any]:
    with _observing(provider, call):
        yield from items


@contextmanager
def _observing(provider: str, call: str) -> Iterator[None]:
    names = {"provider": provider, "call": call}
    begun, outcome = time.monotonic(), "done"
    span = trace.get_tracer("regua.providers").start_span(f"{provider} {call}", kind=trace.SpanKind.CLIENT)
    try:
        yield
    except GeneratorExit:  # whoever read has read enough
        raise
    except BaseException as error:
        # Neither its text nor its stack goes with the span: what a provider says may quote an address.
        outcome = _kind(error)
        span.set_status(trace.StatusCode.ERROR)
        raise
    finally:
        span.set_attributes({f"regua.{key}": value for key, value in (names | {"outcome": outcome}).items()})
        span.end()
        _count(names, outcome, timedelta(seconds=time.monotonic() - begun))


def _kind(error: BaseException) -> str:
    """The kind of an error as a label: our own by their names, anything else is a fault of ours."""
    if not isinstance(error, ProviderError):
        return "fault"
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in type(error).__name__).lstrip("-")


def count_result(action: str, fact: object) -> None:
    """Count what an action brought about: sent, deferred, failed, and by the first words of its reason why."""
    if not activity.in_activity():
        return
    reason = str(getattr(fact, "reason", "") or getattr(fact, "code", "")).partition(":")[0]
    words = {
        "action": action,
        "result": str(getattr(fact, "kind", "")),
        "channel": str(getattr(fact, "channel", "")),
        "reason": _NO_WORD.sub("-", reason.lower()).strip("-")[:_MOST_OF_A_REASON],
    }
    activity.metric_meter().create_counter(ACTION_RESULTS, "what actions brought about").add(1, words)


def _count(names: dict[str, str], outcome: str, took: timedelta) -> None:
    if not activity.in_activity():
        return
    meter = activity.metric_meter().with_additional_attributes(names)
    meter.create_counter(PROVIDER_CALLS, "calls to providers by outcome").add(1, {"outcome": outcome})
    meter.create_histogram_timedelta(PROVIDER_SECONDS, "duration of calls to providers", "s").record(took)

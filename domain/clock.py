"""One clock for the installation: real in production, scaled in a demo, where a day passes in a second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.errors import BadInput

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Clock:
    """At `real_origin` it is `business_origin`; from there `scale` business seconds pass in each real second.

    The arithmetic is in whole microseconds, exact, and all results are in UTC. BadInput for an origin without time zone
    or a scale that is not positive.
    """

    real_origin: datetime
    business_origin: datetime
    scale: float

    def __post_init__(self) -> None:
        if self.real_origin.tzinfo is None or self.business_origin.tzinfo is None:
            raise BadInput("clock: an origin has no time zone; give both origins with one")
        if not 0 < self.scale < float("inf"):
            raise BadInput(f"clock: a scale of {self.scale} stops or reverses time; give a number above zero")

    def business(self, real: datetime) -> datetime:
        """The business time (UTC) at a real moment, rounded down to the microsecond."""
        numerator, denominator = self.scale.as_integer_ratio()
        passed = _microseconds(self.real_origin, real) * numerator // denominator
        return self.business_origin.astimezone(UTC) + passed * _MICROSECOND

    def real(self, business: datetime) -> datetime:
        """The first real microsecond (UTC) at which `business(real)` has reached this business time.

        Rounded up, so that a timer set with it never fires before its business time.
        """
        numerator, denominator = self.scale.as_integer_ratio()
        passed = -(-_microseconds(self.business_origin, business) * denominator // numerator)
        return self.real_origin.astimezone(UTC) + passed * _MICROSECOND


def _microseconds(origin: datetime, moment: datetime) -> int:
    """Elapsed time, not difference of wall clocks: both sides are taken to UTC first."""
    return (moment.astimezone(UTC) - origin.astimezone(UTC)) // _MICROSECOND


PRODUCTION = Clock(datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC), 1.0)
"""Business time is real time."""

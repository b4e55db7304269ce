"""Which process dies when: drawn from a seed, so that a run can be made again."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

SERVICES = ("worker", "Temporal", "PostgreSQL", "sandbox", "webhooks")
FEWEST = 15
"""Per cent of all kills that each service gets at least; the worker gets what is left over."""
IN_FLIGHT = 0.75
"""The share of kills that wait for a call at a provider. Some wait in vain, and half shall meet one."""


@dataclass(frozen=True)
class Kill:
    """One death: `after` real seconds since the one before. `hold` is how a call is held for it, "" where none is."""

    service: str
    after: float
    hold: str = ""


def draw(seed: int, kills: int, seconds: float) -> list[Kill]:
    """`kills` deaths over about `seconds` real seconds, every service at least `FEWEST` per cent, in any order."""
    random = Random(seed)
    each = -(-kills * FEWEST // 100)
    names = [name for name in SERVICES for _ in range(each)][:kills]
    names += ["worker"] * (kills - len(names))
    random.shuffle(names)
    pause = seconds / max(kills, 1)
    return [Kill(name, random.uniform(0.5, 1.5) * pause, _hold(random)) for name in names]


def _hold(random: Random) -> str:
    if random.random() >= IN_FLIGHT:
        return ""
    return random.choice(("hold", "accept_then_hold"))

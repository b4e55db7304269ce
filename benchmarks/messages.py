"""What crosses Temporal for the bare workflow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BareLife:
    """One life: its id, the channels of its contacts in order, whether its activities do nothing at all, and whether
    its contacts are local activities.
    """

    id: str
    channels: tuple[str, ...]
    empty: bool = False
    local: bool = False


@dataclass(frozen=True)
class BareStep:
    """One step: a call to the provider of `channel` (none where it is empty), with a letter where it is formal."""

    life: str
    step: str
    channel: str = ""
    formal: bool = False

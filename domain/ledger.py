"""The chain of a case's book: each entry's hash covers the one before, so a change is found.

What must not be read in it, a text or an address, stands there as a salted HMAC.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Line:
    """One entry as it is hashed. `body` holds JSON values; times are aware, hashed in UTC to the microsecond."""

    case_id: str
    seq: int
    kind: str
    body: Mapping[str, Any]
    cause: str
    actor: str
    business_at: datetime
    recorded_at: datetime
    rules_version: str


def chain(previous_hash: str, line: Line) -> str:
    """The hash of an entry (SHA-256, hex) after the entry whose hash is given; the first entry follows ""."""
    values = [
        previous_hash,
        line.case_id,
        line.seq,
        line.kind,
        line.body,
        line.cause,
        line.actor,
        _utc(line.business_at),
        _utc(line.recorded_at),
        line.rules_version,
    ]
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def keyed(salt: str, content: str | bytes) -> str:
    """HMAC-SHA-256 (hex) by a creditor's salt: it proves a content and tells nothing of it."""
    return hmac.new(
        salt.encode(), content.encode() if isinstance(content, str) else content, hashlib.sha256
    ).hexdigest()


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")

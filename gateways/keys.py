"""Secret keys by their names, from the environment or a file: one writes, all read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from domain.errors import BadInput


@dataclass(frozen=True)
class Keyring:
    """Keys by their ids; `current` is the id of the one that writes."""

    by_id: Mapping[str, bytes] = field(repr=False)
    current: str


def load_keyring(
    file: Path | None, secret: str, secret_id: str, variable: str, parse: Callable[[str, str], bytes]
) -> Keyring | None:
    """The keys of a key file and of the environment's `variable`; None where neither is configured.

    A key file has one key a line, `id key`; the last one writes, earlier ones still read; the environment's comes
    after them. `parse` makes a key of a text and the place it stands at. Raises `BadInput`.
    """
    keys: dict[str, bytes] = {}
    for number, line in enumerate(_lines(file, variable) if file else (), 1):
        if not line.strip() or line.startswith("#"):
            continue
        key_id, _, key = line.strip().partition(" ")
        keys.pop(key_id, None)  # a key that is named again stands at its last place
        keys[key_id] = parse(key.strip(), f"{variable}_FILE, line {number}")
    if secret:
        keys.pop(secret_id, None)
        keys[secret_id] = parse(secret, variable)
    return Keyring(keys, list(keys)[-1]) if keys else None


def _lines(file: Path, variable: str) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{variable}_FILE: {file} cannot be read; name a file of keys, `id key` a line") from None

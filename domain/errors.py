"""The one tree of errors. Every message is a sentence that says where, what was wrong and what would be right.

Regua
├── BadInput                something handed to us cannot be used; nothing was changed
│   └── BadFile             a file refused whole, with every fault in it
├── Refused                 an action that the rules of a case or the caller's role do not allow now
└── ProviderError           what a gateway raises
    ├── Unavailable         the provider surely did nothing; try later
    ├── Unknown             a call was made and its outcome is not known; reconcile before doing it again
    └── Permanent           the provider refused for good
        ├── Misconfigured   because of our account or settings, not because of the debtor
        ├── BadAddress      the address does not exist or cannot be reached on this channel
        └── OptedOut        the provider holds an opt-out of this address
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class Regua(Exception):
    """Root of all errors that this product raises on purpose."""


class BadInput(Regua):
    """Something handed to us cannot be used; nothing was changed."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong in an input: where it stands, what was found, what would be right."""

    where: str
    found: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.where}: {self.found}; {self.wanted}"


class BadFile(BadInput):
    """A file refused whole. `faults` lists every place, not only the first."""

    def __init__(self, name: str, faults: Sequence[Fault]) -> None:
        self.name, self.faults = name, tuple(faults)
        super().__init__(f"{name} was refused, nothing was changed:\n" + "\n".join(f"  {fault}" for fault in faults))


class Refused(Regua):
    """An action that the rules do not allow now. `code` is stable and free of personal data; the text is for people."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class ProviderError(Regua):
    """Root of what a gateway raises. `code` is the provider's code, free of personal data.

    `retry_after` is in seconds of real time, where the provider named one.
    """

    def __init__(self, code: str, text: str = "", retry_after: float | None = None) -> None:
        self.code, self.retry_after = code, retry_after
        super().__init__(text or code)


class Unavailable(ProviderError):
    """The provider surely did nothing (refused connection, rate limit); try later."""


class Unknown(ProviderError):
    """A call was made and its outcome is not known (time-out, 5xx); reconcile before doing it again."""


class Permanent(ProviderError):
    """The provider refused for good; the same call will never succeed."""


class Misconfigured(Permanent):
    """Refused because of our account, sender or settings: stop the channel, do not blame the debtor."""


class BadAddress(Permanent):
    """The address does not exist or cannot be reached on this channel: mark it, take the next one."""


class OptedOut(Permanent):
    """The provider holds an opt-out of this address."""

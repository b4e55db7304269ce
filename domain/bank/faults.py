"""What is wrong in a file, line by line: all of it is counted, a bounded part is told."""

from __future__ import annotations

from domain.errors import BadFile, Fault

MOST = 100
"""Faults that are told of one file: enough to see what happened to it, few enough to be read."""


class Faults:
    """The faults of one file, in the order in which they were found."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[Fault] = []
        self.count = 0

    def add(self, line: int, found: str, wanted: str) -> None:
        """Note a fault of a line (from 1): what was found, what would be right."""
        self.count += 1
        if self.count <= MOST:
            self.found.append(Fault(f"{self.name}:{line}", found, wanted))

    def refuse(self) -> None:
        """BadFile with what was found, if anything was."""
        if not self.count:
            return
        left = self.count - len(self.found)
        rest = [Fault(self.name, f"{left} more faults", "fetch the file again from the bank")] if left else []
        raise BadFile(self.name, [*self.found, *rest])

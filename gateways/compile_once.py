"""Workflow modules compiled once per process.

The SDK's sandbox imports a workflow's module anew for each cached workflow. What runs must be its own; the compiled
code cannot change and need not be: to find, read and compile it again costs more than to run it, and a copy of it for
each sleeping case costs memory.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType


class _Once(SourceFileLoader):
    """Loads a module from source whose code it keeps."""

    code: CodeType | None = None

    def get_code(self, fullname: str) -> CodeType | None:
        self.code = self.code or super().get_code(fullname)
        return self.code


class _Finder(MetaPathFinder):
    """Finds the modules it was told of before anybody looks on the disk."""

    def __init__(self) -> None:
        self.loaders: dict[str, _Once] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        loader = self.loaders.get(fullname)
        return spec_from_file_location(fullname, loader.path, loader=loader) if loader else None


_FINDER = _Finder()


def compile_once(workflows: Iterable[type]) -> None:
    """From now on the modules of these workflow classes, and the packages they are in, are compiled only once."""
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    for name in {cls.__module__ for cls in workflows}:
        parts = name.split(".")
        for place in range(1, len(parts) + 1):
            _keep(".".join(parts[:place]))


def _keep(name: str) -> None:
    file = getattr(sys.modules.get(name), "__file__", None)
    if file and name != "__main__":
        _FINDER.loaders.setdefault(name, _Once(name, file))

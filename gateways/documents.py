"""The document store: files named by their SHA-256, written once, never changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


class DocumentStore:
    """A folder of content-addressed files. The same bytes are stored once; a store is safe for several processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes) -> str:
        """Store bytes durably; returns their SHA-256 in hex."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.path(digest)
        if path.exists():
            return digest
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{digest}.{os.getpid()}.{id(content)}")
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes behind a digest; FileNotFoundError where they are gone."""
        return self.path(digest).read_bytes()

    def path(self, digest: str) -> Path:
        """Where a document lies."""
        return self.folder / digest[:2] / digest

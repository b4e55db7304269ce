"""The document store: files named by their SHA-256, written once, never changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from uuid import uuid4

_PART = 1 << 20
"""Bytes of a file that are held at a time."""


class DocumentStore:
    """A folder of content-addressed files. The same bytes are stored once; a store is safe for several processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes) -> str:
        """Store bytes durably; returns their SHA-256 in hex. Raises OSError, and then leaves nothing behind."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.path(digest)
        if path.exists():
            return digest
        write_whole(path, content)
        return digest

    def put_file(self, source: Path) -> str:
        """As `put`, for a file of any size, which is never held whole. It must not change meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = self.folder / f".{uuid4().hex}"
        digest = hashlib.sha256()
        try:
            with source.open("rb") as content, draft.open("wb") as file:
                while part := content.read(_PART):
                    digest.update(part)
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            path = self.path(digest.hexdigest())
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return digest.hexdigest()

    def get(self, digest: str) -> bytes:
        """The bytes behind a digest; FileNotFoundError where they are gone."""
        return self.path(digest).read_bytes()

    def path(self, digest: str) -> Path:
        """Where a document lies."""
        return self.folder / digest[:2] / digest


def write_whole(path: Path, content: bytes) -> None:
    """Write a file durably, so that at any moment the old one, none, or the new one stands there. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)

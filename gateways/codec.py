"""What histories hold, encrypted: AES-256-GCM around every payload, under named keys that can be rotated.

Histories hold no personal data by design; they do hold ids, dates, amounts and what was decided about whom. With keys
configured, Temporal's servers, their backups and whoever reads them see ciphertext. Ids of workflows, activities and
updates, search attributes, names of types and times stay readable: the server works by them.

A payload's metadata name the cipher and the key; both are bound to the ciphertext as associated data, so neither can be
exchanged. Nonces are random, 96 bits (NIST SP 800-38D, section 8.2.2): a key serves for 2**32 payloads at most
(section 8.3), some 60 million lives. What is not bound is the place in a history: the codec of Temporal's screens is
not told it. A payload that was moved to another place or case is found by `audit replay`, which compares ids and
numbers.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable, Iterator, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError, Message
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import PayloadCodec

from domain.errors import BadInput
from gateways.keys import Keyring, load_keyring
from gateways.settings import Settings

ENCODING = b"binary/encrypted"
"""Under `encoding`, as Temporal's screens know it."""
CIPHER = b"AES-256-GCM"
KEY_BYTES = 32
_NONCE = 12
_FORMAT = b"regua payload 1"


class UnreadablePayload(BadInput):
    """An encrypted payload that cannot be read here; the text says why and what to do.

    `key_id` is the key that it names, `known` whether that key is here (then it or the payload is another than it was).
    """

    def __init__(self, key_id: str, have: Sequence[str]) -> None:
        self.key_id, self.known = key_id, key_id in have
        if self.known:
            text = f"A payload encrypted under the key {key_id!r} was changed, or that key is another than it was"
        else:
            text = (
                f"A payload is encrypted under the key {key_id!r}, which is not among the codec keys here "
                f"({', '.join(have) or 'none'}); add it to REGUA_CODEC_KEY_FILE"
            )
        super().__init__(text)


class Codec(PayloadCodec):
    """Encrypts payloads under the current key, decrypts those of every key it has; others pass as they are."""

    def __init__(self, keys: Keyring | None) -> None:
        self._current = keys.current if keys else ""
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.by_id.items()} if keys else {}

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Each payload encrypted; one that is already, as it is. Raises `BadInput` without a key."""
        return [self.encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Each payload as it was before. Raises `UnreadablePayload`; then a worker tries again until it has the key."""
        return [self.decrypt(payload) for payload in payloads]

    def encrypt(self, payload: Payload) -> Payload:
        """One payload, encrypted."""
        if is_encrypted(payload):
            return payload
        if not self._current:
            raise BadInput("There is no codec key to write with; set REGUA_CODEC_KEY or REGUA_CODEC_KEY_FILE")
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[self._current].encrypt(nonce, payload.SerializeToString(), _bound(self._current))
        names = {"encoding": ENCODING, "encryption-cipher": CIPHER, "encryption-key-id": self._current.encode()}
        return Payload(metadata=names, data=nonce + sealed)

    def decrypt(self, payload: Payload) -> Payload:
        """One payload as it was before it was encrypted."""
        if not is_encrypted(payload):
            return payload
        key_id = payload.metadata.get("encryption-key-id", b"").decode("utf-8", "replace")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnreadablePayload(key_id, list(self._ciphers))
        try:
            return Payload.FromString(cipher.decrypt(payload.data[:_NONCE], payload.data[_NONCE:], _bound(key_id)))
        except (InvalidTag, ValueError, DecodeError):
            raise UnreadablePayload(key_id, list(self._ciphers)) from None


def is_encrypted(payload: Payload) -> bool:
    """Was the payload encrypted by a codec?"""
    return payload.metadata.get("encoding") == ENCODING


def _bound(key_id: str) -> bytes:
    """What is authenticated beside the content: the format, the cipher, the key's id."""
    return b"\0".join((_FORMAT, CIPHER, key_id.encode()))


# --- keys ------------------------------------------------------------------------------------------------------------
def load_codec(settings: Settings) -> Codec | None:
    """The codec of the configured keys; None without keys: payloads are written as they are. Raises `BadInput`."""
    keys = load_keyring(
        settings.codec_key_file, settings.codec_key.get_secret_value(), settings.codec_key_id, "REGUA_CODEC_KEY", _key
    )
    return Codec(keys) if keys else None


def new_key() -> str:
    """A fresh random key as it is written in a key file: 32 bytes, base64."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def _key(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise BadInput(f"{where}: a codec key is {KEY_BYTES} bytes in base64; `regua codec key new` makes one")
    return key


# --- histories -------------------------------------------------------------------------------------------------------
def decrypted(events: Iterable[HistoryEvent], codec: Codec) -> list[HistoryEvent]:
    """Events of a history with their payloads as they were before; those without encrypted ones are not copied.

    Raises `UnreadablePayload`.
    """
    return [_decrypted(event, codec) for event in events]


def _decrypted(event: HistoryEvent, codec: Codec) -> HistoryEvent:
    if ENCODING not in event.SerializeToString():
        return event
    copy = HistoryEvent.FromString(event.SerializeToString())
    for payload in list(_payloads(copy)):
        payload.CopyFrom(codec.decrypt(payload))
    return copy


def _payloads(message: Message) -> Iterator[Payload]:
    """Every payload inside a message, wherever it stands: results, details, headers, memos, failures, summaries."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.type != field.TYPE_MESSAGE:
            continue
        for inner in _messages(value):
            yield from _payloads(inner)


def _messages(value: object) -> Iterator[Message]:
    """The messages in a field: one, a list of them, or the values of a map."""
    if isinstance(value, Message):
        yield value
    elif hasattr(value, "values"):  # a map, whose values may be plain
        yield from (inner for inner in value.values() if isinstance(inner, Message))
    elif isinstance(value, Iterable):
        yield from (inner for inner in value if isinstance(inner, Message))

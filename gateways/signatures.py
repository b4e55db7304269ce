"""Whether a webhook call really comes from the provider. Every answer is a bool: what cannot be read is not genuine."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from twilio.request_validator import RequestValidator, get_signature_algorithm

FRESH = timedelta(minutes=10)


def twilio(
    auth_token: str, url: str, form: Mapping[str, str], signature: str | None, settings: str | None = None
) -> bool:
    """Whether Twilio signed this form for this URL.

    `url` is the public one that Twilio called, with its query; `form` may hold a name more than once (Starlette's
    FormData). `signature` is the header X-Twilio-Signature; `settings` is X-Twilio-Webhooks-Signature-Settings, which
    names the algorithm where a shared key was used instead of the Auth Token.
    """
    if not signature:
        return False
    try:
        return bool(RequestValidator(auth_token).validate(url, form, signature, get_signature_algorithm(settings)))
    except (ValueError, TypeError, AttributeError):
        return False


def pix(secret: str, body: bytes, signature: str | None) -> bool:
    """Whether who knows our secret signed this body: hexadecimal HMAC-SHA256, with `sha256=` before it or without."""
    if not secret or not signature:
        return False
    wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return same(signature.removeprefix("sha256=").strip().lower(), wanted)


def same(given: str, secret: str) -> bool:
    """Whether a caller knows a secret of ours; without one nobody does. A near miss takes as long as any other."""
    return bool(secret) and hmac.compare_digest(given.encode(), secret.encode())


def sendgrid(public_key: str, body: bytes, signature: str | None, timestamp: str | None, now: datetime) -> bool:
    """Whether SendGrid signed this body within ten minutes of `now` (real time, aware).

    `public_key` is base64 of a DER key as SendGrid shows it; `signature` and `timestamp` are the headers
    X-Twilio-Email-Event-Webhook-Signature (ECDSA P-256, SHA-256, over timestamp and body) and -Timestamp (Unix
    seconds).
    """
    try:
        age = abs(now.timestamp() - int(timestamp or ""))
        key = load_der_public_key(base64.b64decode(public_key, validate=True))
        if age > FRESH.total_seconds() or not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        signed = f"{timestamp}".encode() + body
        key.verify(base64.b64decode(signature or "", validate=True), signed, ec.ECDSA(hashes.SHA256()))
    except (ValueError, OverflowError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True

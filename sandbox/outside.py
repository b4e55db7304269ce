"""How the sandbox reaches the product: posts to its addresses, signed as Twilio signs."""

from __future__ import annotations

from collections.abc import Mapping

import requests
from twilio.request_validator import RequestValidator

from sandbox.state import TWILIO_TOKEN, Settings

PATIENCE = 5.0  # seconds the receiver has for an answer


class Outside:
    """The product, as seen from here. Not for use by more than one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session = requests.Session()
        self._session.trust_env = False

    def post_signed(self, url: str, form: Mapping[str, str]) -> requests.Response | None:
        """Posts a form as Twilio does; None where nobody answers. What stands after # is not for the receiver."""
        url = url.partition("#")[0]
        signature = RequestValidator(TWILIO_TOKEN).compute_signature(url, dict(form))
        return self.post(url, dict(form), {"X-Twilio-Signature": str(signature)})

    def post(self, url: str, body: bytes | dict[str, str], headers: Mapping[str, str]) -> requests.Response | None:
        """Posts a body; None where nobody answers."""
        try:
            return self._session.post(
                self._reachable(url), body, headers=dict(headers), timeout=PATIENCE, allow_redirects=False
            )
        except (requests.RequestException, ValueError):
            return None

    def _reachable(self, url: str) -> str:
        """Where the receiver really listens: its public address may lead nowhere from here."""
        public, callbacks = self._settings.public_url, self._settings.callbacks
        if public and callbacks and url.startswith(public):
            return callbacks + url.removeprefix(public)
        return url


def heard(answer: requests.Response | None) -> bool:
    """Did somebody answer that he has it?"""
    return answer is not None and 200 <= answer.status_code < 300

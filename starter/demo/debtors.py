"""The debtors of the demo: they answer the message they got, by the way it came, and pay the code they read in it.

All they do goes through the sandbox, which tells of it as the providers do: signed posts, keys of a call, Pix calls.
"""

from __future__ import annotations

import re
import sqlite3
from datetime import date
from typing import Any

from domain.errors import BadInput, Unavailable
from domain.pix import decode
from starter.demo.hands import Typed
from starter.demo.house import House
from starter.demo.watch import Life, Sign, Watch

_CODE = re.compile(r"000201.+?6304[0-9A-F]{4}")
_CALLBACKS = {"pix": 1, "pix-unheard": 0}
"""How often the bank's webhook tells of a payment: one that it does not tell of is found by asking the bank."""
_QUOTED = 12
"""Lines of our message that his mail program quotes below an answer."""


class Debtors:
    """Everything debtors do by themselves. Nothing is done twice, however often it is asked for."""

    def __init__(self, house: House, watch: Watch) -> None:
        self.house, self.watch = house, watch
        self.did: list[Typed] = []

    def does(self, act: str) -> bool:
        """Is this an act of a debtor, and not of the staff?"""
        return act.split()[0] in ("reply", *_CALLBACKS)

    def do(self, act: str, life: Life, sign: Sign, day: date) -> Typed:
        """Do it; `sign` is the message that he has read. Exit code 1 where it did not succeed now."""
        verb, _, words = act.partition(" ")
        told = f"{life.code}/{life.number}: {act}"
        try:
            message = self.watch.message(sign)
            if verb == "reply":
                self._reply(message, words)
            else:
                self._pay(message, _CALLBACKS[verb])
        except (BadInput, Unavailable) as wrong:
            return Typed(day, told, 1, str(wrong))
        self.did.append(Typed(day, told, 0, ""))
        return self.did[-1]

    # --- writing -----------------------------------------------------------------------------------------------------
    def _reply(self, message: sqlite3.Row, words: str) -> None:
        """By the way the message came; an e-mail quotes it, as mail programs do."""
        quoted = "\n".join(f"> {line}" for line in message["body"].splitlines()[:_QUOTED])
        text = f"{words}\n\nMensagem original:\n{quoted}" if message["kind"] == "mail" else words
        if self._said(message["recipient"], text):
            return
        written: dict[str, Any] = {"from": message["recipient"], "to": message["sender"]}
        if message["kind"] == "mail":
            to = self.watch.data(message)["reply_to"]
            self.house.tell_sandbox(
                "inbound-mail", written | {"to": to, "subject": f"Re: {message['subject']}", "text": text}
            )
            return
        answered = {"replied_to": message["provider_id"]} if message["kind"] == "whatsapp" else {}
        self.house.tell_sandbox("inbound", written | {"body": text, "channel": message["kind"]} | answered)

    def _said(self, sender: str, text: str) -> bool:
        asked = "SELECT 1 FROM entries WHERE kind LIKE 'inbound%' AND sender = ? AND body = ?"
        return bool(self.watch.rows(asked, sender, text))

    # --- paying ------------------------------------------------------------------------------------------------------
    def _pay(self, message: sqlite3.Row, callbacks: int) -> None:
        """The code in the message, to the cent that it asks for."""
        found = _CODE.search(message["body"])
        if found is None:
            raise BadInput("the message shows no Pix code to pay")
        paid = self.watch.rows(
            "SELECT 1 FROM pix_received JOIN pix_charges USING (txid) WHERE location = ?", decode(found[0]).url
        )
        if not paid:
            self.house.tell_sandbox("pix/pay", {"br_code": found[0], "callbacks": callbacks})

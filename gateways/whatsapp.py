"""WhatsApp through Twilio: messages made from approved templates, answers in free words, the templates themselves.

Whoever has not written to us within 24 hours may only be sent a template that the channel approved, named by its
ContentSid and filled by variables; the same words as a plain Body are refused (error 63016).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, cast, get_args

from domain.errors import BadInput, Fault, Permanent
from gateways.outcome import Accepted
from gateways.twilio_api import API, TwilioAccount, accepted, find_message, sending, with_send_id

CHANNEL = "whatsapp:"
LONGEST = 1024  # characters of a message with its variables filled in (error 63021)
LANGUAGE = "pt_BR"
LONGEST_ANSWER = 1600  # characters of a free text (error 21617)
WINDOW = timedelta(hours=24) - timedelta(minutes=5)
"""Real time after somebody wrote in which he may be answered in free words, less what a call to the provider takes
(https://www.twilio.com/docs/whatsapp/key-concepts, customer service window)."""
CATEGORY = "UTILITY"  # about a running contract; never MARKETING, which has caps and other prices

BAD_VARIABLES = "21656"
"""The provider's own code for variables that are empty or hold line breaks; ours too, since we ask it only once."""

Status = Literal["unsubmitted", "received", "pending", "approved", "rejected", "paused", "disabled"]

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
_NAME = re.compile(r"[a-z0-9_]{1,512}")
_MOST_BUTTONS, _LONGEST_BUTTON = 3, 20  # what every WhatsApp shows, within the 24 hours and outside them


@dataclass(frozen=True)
class WhatsApp:
    """One message made from a template; without a `content_sid` the free text of an answer within the 24 hours.

    `to` is E.164; `sender` a number of ours (with or without `whatsapp:`) or a messaging service (MG…). `variables`
    are named as in the template ("1", "2", …); one of them holds `short_ref`, by which the message can be found again.
    `text` is the message as it will read. Delivery reports go to `callback_url`, which gets `send_id` added to its
    query.
    """

    send_id: str
    short_ref: str
    sender: str
    to: str
    content_sid: str
    variables: Mapping[str, str]
    text: str
    callback_url: str


@dataclass(frozen=True)
class Template:
    """A text with placeholders {{1}}, {{2}}, …, a sample for each, and buttons as (id, title), at most three."""

    name: str
    body: str
    samples: Mapping[str, str] = field(default_factory=dict)
    buttons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Approval:
    """Where a template stands with the channel. `reason` says why it was rejected; `category` may not be the one asked
    for."""

    status: Status
    category: str
    reason: str


class WhatsAppGateway(Protocol):
    """Sends WhatsApp messages and answers for what it sent."""

    def send(self, message: WhatsApp) -> Accepted:
        """Hands one message over. Raises `Unavailable` (not sent), `Unknown` (perhaps sent: `find` it), `Permanent`.

        Variables that the channel would refuse are refused here (`Permanent`, code 21656), without a call.
        """
        ...

    def find(
        self, short_ref: str, sender: str, to: str, since: datetime, known: Collection[str] = ()
    ) -> Accepted | None:
        """The message to `to` that carries `short_ref`, created since `since` (real time, aware), or None.

        `known` are the provider's ids of other contacts' messages: one that no contact has, and whose text the
        provider does not show, is taken for this one. Raises `Unavailable`, `Permanent`.
        """
        ...


class TemplateGateway(Protocol):
    """Keeps templates at the provider and has them approved."""

    def create(self, template: Template) -> str:
        """Makes a template; returns its ContentSid. Raises `BadInput`, `Unavailable`, `Unknown` (`find` it),
        `Permanent`."""
        ...

    def find(self, template: Template) -> str | None:
        """The ContentSid of the newest template of this name and text, or None. Raises `Unavailable`, `Permanent`."""
        ...

    def request_approval(self, content_sid: str, name: str) -> None:
        """Hands a template to WhatsApp for approval. Raises `Unavailable`, `Unknown` (ask for `approval`),
        `Permanent`."""
        ...

    def approval(self, content_sid: str) -> Approval:
        """Where the template stands. Raises `Unavailable`, `Permanent`."""
        ...


class TwilioWhatsApp:
    """Twilio with the account's Auth Token. Safe to share between threads."""

    def __init__(self, account_sid: str, auth_token: str, base_url: str = API, timeout: float = 10.0) -> None:
        """`timeout` is in seconds."""
        self._account = TwilioAccount(account_sid, auth_token, base_url, timeout)

    def send(self, message: WhatsApp) -> Accepted:
        if faults := check_message(message):
            raise Permanent(BAD_VARIABLES, "; ".join(map(str, faults)))
        made = self._account.call(
            lambda client: client.messages.create(
                to=_on_channel(message.to),
                **_words(message),
                status_callback=with_send_id(message.callback_url, message.send_id),
                **sending(_on_channel(message.sender)),
            )
        )
        return accepted(made)

    def find(
        self, short_ref: str, sender: str, to: str, since: datetime, known: Collection[str] = ()
    ) -> Accepted | None:
        return find_message(self._account, short_ref, _on_channel(sender), _on_channel(to), since, known)


class TwilioTemplates:
    """Twilio's Content API with the account's Auth Token. Safe to share between threads."""

    def __init__(self, account_sid: str, auth_token: str, base_url: str = API, timeout: float = 10.0) -> None:
        """`timeout` is in seconds."""
        self._account = TwilioAccount(account_sid, auth_token, base_url, timeout)

    def create(self, template: Template) -> str:
        if faults := check_template(template):
            raise BadInput(f"template {template.name} was refused:\n" + "\n".join(f"  {fault}" for fault in faults))
        body = _Json(
            friendly_name=template.name,
            language=LANGUAGE,
            variables=dict(template.samples),
            types=_types(template),
        )
        return str(self._account.call(lambda client: client.content.v1.contents.create(body)).sid)

    def find(self, template: Template) -> str | None:
        def search(client: Any) -> str | None:
            same = [
                content
                for content in client.content.v1.contents.stream()
                if content.friendly_name == template.name
                and content.language == LANGUAGE
                and content.types == _types(template)
            ]
            return max(same, key=lambda content: content.date_created).sid if same else None

        return self._account.look_up(search)

    def request_approval(self, content_sid: str, name: str) -> None:
        body = _Json(name=name, category=CATEGORY)
        self._account.call(lambda client: client.content.v1.contents(content_sid).approval_create.create(body))

    def approval(self, content_sid: str) -> Approval:
        return self._account.look_up(
            lambda client: _approval(client.content.v1.contents(content_sid).approval_fetch().fetch().whatsapp)
        )


def _words(message: WhatsApp) -> dict[str, str]:
    if not message.content_sid:
        return {"body": message.text}
    variables = json.dumps(dict(message.variables), ensure_ascii=False)
    return {"content_sid": message.content_sid, "content_variables": variables}


class _Json(dict[str, Any]):
    """A request body as the SDK's Content API takes it; its own classes would add every field they know as null."""

    def to_dict(self) -> dict[str, Any]:
        return dict(self)


def render(body: str, variables: Mapping[str, str]) -> str:
    """The text of a template with its variables filled in, as the debtor reads it."""
    return _PLACEHOLDER.sub(lambda found: variables.get(found[1], found[0]), body)


def check_message(message: WhatsApp) -> tuple[Fault, ...]:
    """What the channel, or our own look-up, could not take; the faults name variables, never their values.

    Source: https://www.twilio.com/docs/api/errors/21656 (empty, line breaks, tabs, runs of spaces) and 63021 (length).
    """
    if not message.content_sid:
        return _answer_faults(message)
    faults = [fault for name, value in message.variables.items() if (fault := _variable_fault(name, value))]
    if not any(message.short_ref in f"{value}" for value in message.variables.values()):
        faults.append(Fault("variables", "none holds the reference", "one must, or a lost answer cannot be found"))
    if len(message.text) > LONGEST:
        faults.append(Fault("text", f"{len(message.text)} characters", f"at most {LONGEST}"))
    return tuple(faults)


def _answer_faults(message: WhatsApp) -> tuple[Fault, ...]:
    size, holds = len(message.text), message.short_ref in message.text
    return _faults(
        (0 < size <= LONGEST_ANSWER, "text", f"{size} characters", f"1 to {LONGEST_ANSWER}"),
        (holds, "text", "the reference is not in it", "it must be, or a lost answer cannot be found"),
    )


def _variable_fault(name: str, value: object) -> Fault | None:
    where = f"variable {name}"
    if not isinstance(value, str) or not value.strip():
        return Fault(where, "empty", "every variable needs a text")
    if re.search(r"[\n\r\t\v\f\x85\u2028\u2029]", value):
        return Fault(where, "a line break or tab", "one line of text")
    if " " * 5 in value:
        return Fault(where, "more than four spaces in a row", "single spaces")
    return Fault(where, f"{len(value)} characters", f"at most {LONGEST}") if len(value) > LONGEST else None


def check_template(template: Template) -> tuple[Fault, ...]:
    """What would have the template rejected.

    Source: https://www.twilio.com/docs/content/using-variables-with-content-api (placeholders numbered without gaps,
    not first, last or side by side, not too many for the text).
    """
    names = _PLACEHOLDER.findall(template.body)
    wanted = [str(number) for number in range(1, len(set(names)) + 1)]
    words = re.findall(r"\w+", _PLACEHOLDER.sub(" ", template.body))
    return _faults(
        (bool(_NAME.fullmatch(template.name)), "name", template.name, "small letters, digits and underscores"),
        (0 < len(template.body) <= LONGEST, "body", f"{len(template.body)} characters", f"1 to {LONGEST}"),
        (sorted(set(names), key=_order) == wanted, "body", f"placeholders {names}", "numbered from 1 without gaps"),
        (not _at_an_end(template.body), "body", "a placeholder first or last", "words before and after it"),
        (not re.search(r"\}\}\s*\{\{", template.body), "body", "placeholders side by side", "words between them"),
        (not names or len(words) >= 2 * len(names) + 1, "body", f"{len(words)} words", f"{2 * len(names) + 1} or more"),
        (
            sorted(template.samples) == sorted(set(names)) and all(map(str.strip, template.samples.values())),
            "samples",
            f"samples for {sorted(template.samples)}",
            "one text for each placeholder",
        ),
        *_button_rules(template.buttons),
    )


def _button_rules(buttons: Sequence[tuple[str, str]]) -> list[tuple[bool, str, str, str]]:
    longest = max((len(title) for _, title in buttons), default=0)
    return [
        (len(buttons) <= _MOST_BUTTONS, "buttons", f"{len(buttons)}", f"at most {_MOST_BUTTONS}"),
        (longest <= _LONGEST_BUTTON, "buttons", f"{longest} characters", f"titles of at most {_LONGEST_BUTTON}"),
        (all(key and title.strip() for key, title in buttons), "buttons", "an empty one", "an id and a title each"),
    ]


def _faults(*rules: tuple[bool, str, str, str]) -> tuple[Fault, ...]:
    return tuple(Fault(where, found, wanted) for kept, where, found, wanted in rules if not kept)


def _order(name: str) -> tuple[int, str]:
    return (int(name) if name.isdecimal() else 0, name)


def _at_an_end(body: str) -> bool:
    """Meta counts a placeholder as the last one also where only punctuation follows."""
    first, last = re.match(r"\W*\{\{", body), re.search(r"\}\}[^\w{]*$", body)
    return bool(first or last)


def _types(template: Template) -> dict[str, Any]:
    if not template.buttons:
        return {"twilio/text": {"body": template.body}}
    actions = [{"type": "QUICK_REPLY", "title": title, "id": key} for key, title in template.buttons]
    return {"twilio/quick-reply": {"body": template.body, "actions": actions}}


def _approval(whatsapp: Mapping[str, Any] | None) -> Approval:
    found = whatsapp or {}
    status = str(found.get("status", "unsubmitted")).lower()
    if status not in get_args(Status):
        raise ValueError(status)
    return Approval(cast(Status, status), str(found.get("category") or ""), str(found.get("rejection_reason") or ""))


def _on_channel(address: str) -> str:
    return address if address.startswith((CHANNEL, "MG")) else CHANNEL + address

"""Creditors: read from a YAML file, stored by their code, with the ladders that their settings name."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, Row, select
from sqlalchemy.dialects.postgresql import insert

from db.rows import CREDITOR, POLICY
from db.settings import CreditorSettings
from domain.errors import BadFile, BadInput, Fault
from domain.identifiers import parse_cep, parse_document, parse_email, parse_phone
from domain.places import known_uf
from domain.policy import Policy
from domain.policy_file import parse_policy
from letters.checks import check_sender
from starter.importing.columns import fault, read_yaml


@dataclass(frozen=True)
class CreditorFile:
    """A creditor as a file describes him; `policies` are the ladders that his settings name, by name."""

    file: str
    code: str
    name: str
    document: str
    address: str
    city: str
    uf: str
    cep: str
    email: str
    phone: str
    settings: CreditorSettings
    policies: dict[str, Policy]


def _plain(text: str) -> str:
    return " ".join(text.split())


def _code(text: str) -> str:
    code = text.strip()
    if not code.isascii() or not code.replace("-", "").isalnum() or code != code.lower():
        raise BadInput("it is no code; write small letters, digits and dashes, like credora-sul")
    return code


_READERS: dict[str, Callable[[str], str]] = {
    "code": _code,
    "name": _plain,
    "document": lambda text: parse_document(text).number,
    "address": _plain,
    "city": _plain,
    "uf": known_uf,
    "cep": parse_cep,
    "email": parse_email,
    "phone": lambda text: parse_phone(text).e164,
}
_KEYS = (*_READERS, "settings")


def read_creditor(path: Path, policies_dir: Path) -> CreditorFile:
    """A creditor from a YAML file with code, name, document, address, city, uf, cep, email, phone and settings.

    `settings.policies` names ladders of `policies_dir`, or paths (`./minha-regua.yaml`) beside the file. Raises BadFile
    with every fault, also those of a ladder, and BadInput where the file cannot be read.
    """
    content = read_yaml(path)
    faults = [
        Fault(path.name, f"unknown key {key}", f"write {', '.join(_KEYS)}") for key in content if key not in _KEYS
    ]
    plain = {key: _read(path.name, key, content.get(key), faults) for key in _READERS}
    settings = _settings(path.name, content.get("settings"), faults)
    policies: dict[str, Policy] = {}
    if settings:
        for kind, given in settings.policies.items():
            try:
                policy = _ladder(given, path.parent, policies_dir)
                policies[policy.name] = policy
                settings.policies[kind] = policy.name
            except BadFile as wrong:
                faults.extend(wrong.faults)
            except BadInput as wrong:
                faults.append(fault(f"{path.name}: settings.policies.{kind}", wrong))
        shown = check_sender(settings.senders.email_name, settings.senders.email, plain["name"])
        faults += [Fault(f"{path.name}: settings.senders", shows, "promise: no header shows a debt") for shows in shown]
    if faults or settings is None:
        raise BadFile(path.name, faults)
    return CreditorFile(file=path.name, settings=settings, policies=policies, **plain)


def _read(file: str, key: str, given: object, faults: list[Fault]) -> str:
    where = f"{file}: {key}"
    if given is None or not str(given).strip():
        faults.append(Fault(where, "it is missing", f"write `{key}: …`"))
        return ""
    if not isinstance(given, str):
        faults.append(Fault(where, "YAML reads it as something else than text", "put it in quotes"))
        return ""
    try:
        return _READERS[key](given)
    except BadInput as wrong:
        faults.append(fault(where, wrong))
        return ""


def _settings(file: str, given: object, faults: list[Fault]) -> CreditorSettings | None:
    try:
        return CreditorSettings.model_validate(given if given is not None else {})
    except ValidationError as wrong:
        for error in wrong.errors():
            where = ".".join(["settings", *map(str, error["loc"])])
            faults.append(Fault(f"{file}: {where}", error["msg"], "see docs/import.md for what settings hold"))
        return None


# --- ladders ----------------------------------------------------------------------------------------------------------
def _ladder(given: str, beside: Path, policies_dir: Path) -> Policy:
    """A ladder by its name, or by a path. One of one's own must not take the name of another in `policies_dir`."""
    if "/" not in given and not given.endswith((".yaml", ".yml")):
        return read_policy(policies_dir / f"{given}.yaml")
    policy = read_policy(beside / given)
    known = policies_dir / f"{policy.name}.yaml"
    if known.exists() and read_policy(known).hash != policy.hash:
        raise BadInput(f"{given} has the name of another policy, {policy.name}; give it a name of its own")
    return policy


def read_policy(path: Path) -> Policy:
    """A ladder from its file. BadInput where there is none, BadFile with every fault in it."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise BadInput(f"there is no policy file {path.name}; name one that is there") from None
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"the policy file {path.name} cannot be read as UTF-8 text; save it as UTF-8") from None
    return parse_policy(text, path.name)


def policy_names(conn: Connection, policies_dir: Path) -> frozenset[str]:
    """The names of all ladders that can be chosen: files of the directory, and what was pinned before."""
    pinned = conn.execute(select(POLICY.c.name).distinct()).scalars()
    return frozenset({path.stem for path in policies_dir.glob("*.yaml")} | set(pinned))


def find_policy(conn: Connection, name: str, policies_dir: Path) -> Policy:
    """Today's ladder of a name: the directory's file, or else the one pinned last. BadInput where there is neither."""
    path = policies_dir / f"{name}.yaml"
    if path.exists():
        return read_policy(path)
    newest = select(POLICY.c.text).where(POLICY.c.name == name).order_by(POLICY.c.pinned_at.desc()).limit(1)
    text = conn.execute(newest).scalar_one_or_none()
    if text is None:
        known = ", ".join(sorted(policy_names(conn, policies_dir)))
        raise BadInput(f"there is no policy {name}; write one of {known}")
    return parse_policy(text, f"{name}.yaml", pinned=True)


def pin_policy(conn: Connection, policy: Policy, now: datetime) -> None:
    """Keep the text of a ladder under its hash, so that cases can stay on it. `now` is aware."""
    row = {"hash": policy.hash, "name": policy.name, "text": policy.text, "pinned_at": now}
    conn.execute(insert(POLICY).values(row).on_conflict_do_nothing(index_elements=["hash"]))


# --- storing ----------------------------------------------------------------------------------------------------------
def save_creditor(engine: Engine, given: CreditorFile, now: datetime) -> UUID:
    """Insert the creditor or update the one with this code, pin his ladders; returns his id. `now` is aware.

    The salt of his content hashes is made once and stays. BadFile where another creditor has the same document.
    """
    row: dict[str, Any] = {key: getattr(given, key) for key in _READERS}
    row["settings"] = given.settings.model_dump(mode="json")
    with engine.begin() as conn:
        other = select(CREDITOR.c.code).where(CREDITOR.c.document == given.document, CREDITOR.c.code != given.code)
        if code := conn.execute(other).scalar_one_or_none():
            found = f"the creditor {code} has this document already"
            raise BadFile(
                given.file, [Fault(f"{given.file}: document", found, f"write code: {code} to change that one")]
            )
        for policy in given.policies.values():
            pin_policy(conn, policy, now)
        _keep_templates(conn, given.code, row["settings"])
        new = insert(CREDITOR).values(id=uuid4(), salt=secrets.token_hex(32), created_at=now, **row)
        saved = new.on_conflict_do_update(index_elements=["code"], set_=row).returning(CREDITOR.c.id)
        return UUID(str(conn.execute(saved).scalar_one()))


def _keep_templates(conn: Connection, code: str, settings: dict[str, Any]) -> None:
    """A file that names no WhatsApp templates leaves those in use that `regua letters whatsapp` found approved."""
    before = conn.execute(select(CREDITOR.c.settings).where(CREDITOR.c.code == code)).scalar_one_or_none() or {}
    if settings["whatsapp"] and not settings["whatsapp"]["templates"] and before.get("whatsapp"):
        settings["whatsapp"]["templates"] = before["whatsapp"].get("templates", {})


def find_creditor(conn: Connection, code: str) -> Row[Any]:
    """The creditor's row by his code. BadInput where there is none."""
    row = conn.execute(select(CREDITOR).where(CREDITOR.c.code == code)).one_or_none()
    if row is None:
        known = ", ".join(conn.execute(select(CREDITOR.c.code).order_by(CREDITOR.c.code)).scalars())
        raise BadInput(f"there is no creditor {code}; " + (f"known are {known}" if known else "store one first"))
    return row

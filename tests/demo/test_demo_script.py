"""The demo's script and its example files: complete, invented, and in step with each other. Nothing is started here."""

from __future__ import annotations

import csv
import string
from datetime import date, datetime
from pathlib import Path

import pytest
from typer.main import get_command

import policies
from domain import facts as f
from domain.dialogue import Kind, understand
from domain.errors import BadInput
from domain.fold.base import spoken
from domain.identifiers import parse_cep, parse_document, parse_phone
from domain.ivr import Knows, Wish, answered, hear, proof_of
from domain.places import municipality, uf_of_cep
from domain.policy import CAPPED
from domain.policy_file import parse_policy
from letters.messages import TEXTS
from sandbox.debtors import A_MESSAGE, HABITS, STAFF, STORIES, Act, Story
from sandbox.notary import FATE
from starter.__main__ import build
from starter.creditors import read_creditor
from starter.demo.house import A_DAY, EXAMPLES, LONGEST_DAY, ORIGIN, fresh_folder, pace
from starter.demo.watch import _ABOUT

CREDITORS = ("aurora", "boreal", "cometa")
KINDS = {kind.__dataclass_fields__["kind"].default for kind in (*f.Told.__args__, *f.Own.__args__)}
ACTS_OF_DEBTORS = {"reply", "pix", "pix-unheard"}
ACTS = [*HABITS, *(act for story in STORIES for act in story.acts)]


STEPS = {
    step.id
    for path in [*policies.DIRECTORY.glob("*.yaml"), *EXAMPLES.glob("*-regua.yaml")]
    for step in parse_policy(path.read_text(), path.name).steps
}


def rows(code: str) -> list[dict[str, str]]:
    with (EXAMPLES / f"{code}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


ALL_ROWS = [row for code in CREDITORS for row in rows(code)]


def due(row: dict[str, str]) -> date:
    return datetime.strptime(row["vencimento"], "%d/%m/%Y").date()  # noqa: DTZ007


# --- the examples ----------------------------------------------------------------------------------------------------
def test_every_creditor_of_the_examples_can_be_stored() -> None:
    documents = {read_creditor(EXAMPLES / f"{code}.yaml", policies.DIRECTORY).document for code in CREDITORS}
    assert len(documents) == len(CREDITORS)


@pytest.mark.parametrize("row", ALL_ROWS, ids=lambda row: row["numero"])
def test_every_example_is_well_formed_and_belongs_to_nobody(row: dict[str, str]) -> None:
    document = parse_document(row["devedor_documento"])
    root = "99" if document.kind == "cnpj" else "9999999"
    assert document.number.startswith(root)
    assert document.kind == "cpf" or document.number[8:12] == "9999"  # nobody has ten thousand branches
    assert row["emails"].endswith("@example.com")
    phone = parse_phone(row["telefones"])
    assert phone.mobile
    assert phone.e164[5:10] == "90000"  # mobile numbers are given out from 96000 on
    assert uf_of_cep(parse_cep(row["cep"])) == row["uf"]
    assert municipality(row["cidade"], row["uf"])


def test_a_debtor_of_the_examples_has_one_name_and_one_address() -> None:
    known: dict[str, set[tuple[str, str, str]]] = {}
    for row in ALL_ROWS:
        known.setdefault(row["devedor_documento"], set()).add((row["devedor_nome"], row["emails"], row["telefones"]))
    assert all(len(ways) == 1 for ways in known.values())
    assert len({row["telefones"] for row in ALL_ROWS}) == len(known)


def test_two_creditors_are_new_and_the_other_brings_an_old_portfolio() -> None:
    old = {code: sum(due(row) < ORIGIN.date() for row in rows(code)) for code in CREDITORS}
    assert old["aurora"] == old["cometa"] == 0
    assert old["boreal"] >= 4
    assert 40 <= len(ALL_ROWS) <= 60


def test_a_cnpj_with_letters_is_among_the_examples() -> None:
    assert any(not parse_document(row["devedor_documento"]).number.isdigit() for row in ALL_ROWS)


# --- the script ------------------------------------------------------------------------------------------------------
def test_every_invoice_of_the_examples_has_exactly_one_story() -> None:
    scripted = [(story.creditor, number) for story in STORIES for number in story.numbers]
    assert sorted(scripted) == sorted((code, row["numero"]) for code in CREDITORS for row in rows(code))


@pytest.mark.parametrize(
    ("sign", "ends"),
    [
        ("contact_sent:agradecimento-1", "paid"),
        ("contact_sent:agradecimento-2", "paid"),
        ("promise_kept", "paid"),
        ("promise_broken", "paid"),
        ("resolve", "dispute-upheld"),
        ("resolve", "legal"),
        ("opt_out", "legal"),
        ("contact_failed:email", "paid"),
        ("notice_proved", "paid"),
        ("notice_released", "legal"),
        ("title_confirmed", "paid-at-notary"),
        ("title_withdrawn", "paid"),
        ("title_returned", "legal"),
        ("handed_over", "legal"),
        ("task_opened:sign-consent", "paid"),
        ("void", "void"),
        ("reopened", "paid"),
        ("contact_sent:covered", "paid"),
        ("log:call", "paid"),
        ("release", "legal"),
        ("log:call", "written-off"),
    ],
)
def test_every_wanted_kind_of_life_is_scripted(sign: str, ends: str) -> None:
    assert any(sign in story.signs and story.ends == ends for story in STORIES)


def test_a_payment_is_reported_twice_somewhere() -> None:
    assert any(act.do == "bank again" for act in ACTS)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: f"{act.after} {act.do.split()[0]}")
def test_every_sign_can_stand_in_a_book_and_every_command_exists(act: Act) -> None:
    assert_is_sign(act.after)
    if act.do.split()[0] in ACTS_OF_DEBTORS:
        assert all(word.startswith("contact_sent") for word in act.after.split(" or ")), "nobody answers silence"
        return
    words = {name for _, name, _, _ in string.Formatter().parse(act.do) if name}
    assert words <= {
        "number",
        "code",
        "debt",
        "reference",
        "task",
        "approval",
        "phone",
        *(f"day+{n}" for n in range(1, 31)),
    }
    if not act.do.startswith("bank"):
        first, second, *_ = act.do.split()
        command = get_command(build()).commands[first]  # type: ignore[attr-defined]
        assert second in getattr(command, "commands", {second})


def test_every_expected_sign_can_stand_in_a_book() -> None:
    for story in STORIES:
        for sign in story.signs:
            assert_is_sign(sign)


def assert_is_sign(words: str) -> None:
    for word in words.split(" or "):
        assert_is_word(word)


def assert_is_word(word: str) -> None:
    kind, _, about = word.partition(":")
    if kind == "notary":
        assert about == "protocolled"
        return
    assert kind in KINDS
    assert not about or kind in _ABOUT
    said = spoken(about)
    if said:
        assert said.text in TEXTS
        return
    if kind in ("contact_sent", "contact_failed") and about and not about.startswith("agradecimento"):
        assert about.partition(".")[0] in {*STEPS, *TEXTS, "covered", *CAPPED}
    if kind == "reply" and about:
        assert about in {*Kind, "unclear", *CAPPED}


# --- what debtors write and press ------------------------------------------------------------------------------------
def acts(story: Story, verb: str) -> list[str]:
    """What the debtors of a story write."""
    return [words for act in story.acts for name, _, words in [act.do.partition(" ")] if name == verb]


@pytest.mark.parametrize("story", [story for story in STORIES if acts(story, "reply")], ids=lambda story: story.title)
def test_every_reply_of_a_story_is_understood_as_one_that_it_shows(story: Story) -> None:
    """Whatever the day: the words are understood by the rules that run in the demo."""
    shown = {sign.removeprefix("reply:") for sign in story.signs if sign.startswith("reply:")}
    meant = [understand(words, ORIGIN.date()).meaning for words in acts(story, "reply")]
    assert all(len(meaning) == 1 for meaning in meant)
    assert shown - {*CAPPED} <= {meaning for (meaning,) in meant}


def test_every_kind_of_reply_has_a_story() -> None:
    """A new kind without a story fails here: what the product understands, the demo shows."""
    shown = {sign.removeprefix("reply:") for story in STORIES for sign in story.signs if sign.startswith("reply:")}
    said = {
        code for story in STORIES for words in acts(story, "reply") for code in understand(words, ORIGIN.date()).meaning
    }
    assert {*Kind, "unclear"} <= said & shown


def test_replies_come_by_every_channel_on_which_debtors_can_write() -> None:
    """E-mail is the first word of two creditors; SMS and WhatsApp are named where a story needs them."""
    shown = {sign for story in STORIES for sign in story.signs}
    assert {"reply:sms", "reply:whatsapp", "reply:voice"} <= shown
    assert any(act.after == A_MESSAGE and act.do.startswith("reply") for act in ACTS)


def test_every_wish_that_keys_can_tell_has_a_story() -> None:
    """Played through the dialogue itself, with the digits of each story's debtor."""
    told = {wish for story in STORIES for wish in wishes(story)}
    assert told == {*Wish}


def wishes(story: Story) -> set[Wish]:
    """What the keys of a story ask for, from the call's first word on."""
    if not story.keys:
        return set()
    (document,) = {row["devedor_documento"] for row in rows(story.creditor) if row["numero"] in story.numbers}
    knows = Knows(proof_of(document), longest=15, staffed=False, recorded=False)
    turn, found = answered("human", knows), set()
    for keys in story.keys:
        turn = hear(turn.state, keys, knows)
        found |= {turn.wish} - {None}
    return {wish for wish in found if wish}


def test_a_machine_takes_a_call_too() -> None:
    assert any(story.answers == "machine" for story in STORIES)


def test_a_plan_is_kept_another_broken_and_a_number_is_not_on_whatsapp() -> None:
    shown = {sign for story in STORIES for sign in story.signs}
    assert {"plan_completed", "plan_broken", "contact_failed:whatsapp", "payment:pix"} <= shown
    assert {act.do for act in ACTS} >= {"pix", "pix-unheard"}
    assert any("--amount" in act.do and act.do.startswith("dispute") for act in ACTS)


def test_the_notary_knows_every_fate_of_the_script() -> None:
    assert all(FATE.fullmatch(story.notary) for story in STORIES if story.notary)


def test_staff_can_give_every_approval_that_the_ladders_ask_for() -> None:
    """Two supervisors for an undeliverable notice, a manager for legal; each with a limit above every invoice."""
    most = max(float(row["valor"].replace(".", "").replace(",", ".")) for row in ALL_ROWS)
    able = [person.role for person in STAFF if person.limit >= most]
    assert able.count("supervisor") >= 2
    assert "manager" in able


# --- the folder ------------------------------------------------------------------------------------------------------
def test_a_second_demo_starts_in_a_fresh_folder(tmp_path: Path) -> None:
    with fresh_folder(tmp_path / "demo") as folder:
        (folder / "left-over").touch()
    with fresh_folder(tmp_path / "demo") as folder:
        assert not (folder / "left-over").exists()


def test_a_second_demo_in_the_folder_of_a_running_one_is_refused(tmp_path: Path) -> None:
    with fresh_folder(tmp_path / "demo"), pytest.raises(BadInput, match="running"), fresh_folder(tmp_path / "demo"):
        pass


def test_a_folder_that_no_demo_has_made_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput, match="something else"), fresh_folder(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


# --- the pace --------------------------------------------------------------------------------------------------------
def test_a_machine_that_takes_twice_as_long_for_the_tables_gets_days_twice_as_long() -> None:
    assert pace(0.1) == pace(1.5) == A_DAY
    assert pace(3.0) == 2 * A_DAY
    assert pace(600.0) == LONGEST_DAY

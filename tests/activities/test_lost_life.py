"""A book that was restored to an earlier moment: what left since is found at the providers, and goes out once.

The lost life is lived on one database; a copy of it, taken before, lives on. Providers remember what was sent in both.
"""

from __future__ import annotations

import copy
import csv
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from channel_samples import CHANNELS, Post, open_on, open_post
from firm_samples import CrashError, Office, dies, notifying, open_office
from hypothesis import given
from hypothesis import strategies as st
from protest_samples import DAY
from protest_samples import Office as Notary
from sqlalchemy import Engine, update

from activities import outbox
from activities.contact import Contacts
from activities.notice import Notices
from activities.protest_answers import take_in_files
from activities.protest_batch import prepare_files
from activities.protest_upload import upload_files
from activities.restored import NOTARIES
from db.embedded import EmbeddedPostgres, fresh_database
from db.engine import make_engine
from db.rows import CONTACT_ATTEMPT, CRA_FILE, NOTICE, RESTORATION, TASK
from domain import facts as f
from sandbox.server import Sandbox, running_sandbox
from starter.restoring import mark_restored

Copy = Callable[[Engine], str]

links = st.tuples(st.uuids(), st.text("abc:-1", min_size=1, max_size=6), st.integers(1, 12))


# --- ids -------------------------------------------------------------------------------------------------------------
@given(st.lists(links, min_size=1, max_size=4, unique=True), st.randoms())
def test_a_message_has_the_same_id_whichever_of_its_cases_writes_it(covered: list[outbox.Link], random: object) -> None:
    shuffled = list(covered)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert outbox.identity("sal", covered) == outbox.identity("sal", shuffled)


@given(links, links, st.sampled_from(["sal", "outro"]))
def test_what_differs_in_case_step_attempt_or_creditor_has_another_id(
    one: outbox.Link, other: outbox.Link, salt: str
) -> None:
    same = one == other and salt == "sal"
    assert (outbox.identity("sal", [one]) == outbox.identity(salt, [other])) is same


@given(st.uuids())
def test_a_short_reference_follows_from_the_id_and_has_no_look_alikes(message: UUID) -> None:
    reference = outbox.short_ref(message)
    assert reference == outbox.short_ref(UUID(str(message)))
    assert len(reference) == 6
    assert not set(reference) & set("01IL0O")


# --- two lives -------------------------------------------------------------------------------------------------------
@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture
def copied(postgres: EmbeddedPostgres) -> Iterator[Copy]:
    """Copies a database as it stands; returns the copy's address."""
    with ExitStack() as kept:

        def save(engine: Engine) -> str:
            engine.dispose()
            return kept.enter_context(fresh_database(postgres, str(engine.url.database)))

        yield save


@pytest.fixture
def restored() -> Iterator[Callable[[Office, str], Office]]:
    """The same office on a copy of its book, which says that it was restored. Waits for no provider's records."""
    engines = []

    def restore(office: Office, url: str) -> Office:
        mark_restored(url)
        engines.append(make_engine(url))
        again = copy.copy(office)
        again.world = replace(office.world, engine=engines[-1], unknown_for=0.0)
        return again

    yield restore
    for engine in engines:
        engine.dispose()


Restore = Callable[[Office, str], Office]


@pytest.fixture(params=CHANNELS)
def channel(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def post(channel: str, engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Post:
    return open_on(channel, engine, sandbox, tmp_path)


def send(office: Office) -> None:
    office.perform(Contacts(office.world).contact)


def notify(office: Office) -> None:
    office.perform(Notices(office.world).notice)


def sent_once(office: Office, channel: str) -> None:
    """One message, and the provider's id of it in our row and in the book."""
    (entry,) = office.sent()
    assert office.contact(channel).provider_id == entry["provider_id"].partition(".")[0]
    assert [fact.channel for fact in office.book("contact_sent")] == [channel]  # type: ignore[union-attr]


# --- messages --------------------------------------------------------------------------------------------------------
def test_what_left_after_the_copy_is_found_and_stands_in_the_book_once(
    post: Post, channel: str, copied: Copy, restored: Restore
) -> None:
    before, url = copy.copy(post), copied(post.world.engine)
    send(post)
    sent_once(post, channel)
    again = restored(before, url)
    send(again)
    sent_once(again, channel)
    assert again.contact(channel).id == post.contact(channel).id
    assert again.contact(channel).short_ref == post.contact(channel).short_ref


def test_what_had_not_left_goes_out_once_and_not_before_the_records_can_be_trusted(
    post: Post, channel: str, copied: Copy, restored: Restore
) -> None:
    again = restored(post, copied(post.world.engine))
    at_once = copy.copy(again)
    at_once.world = replace(again.world, unknown_for=60.0)
    send(at_once)
    assert at_once.sent() == []
    again.next, again.ahead = at_once.next, at_once.ahead
    send(again)
    sent_once(again, channel)


def test_a_process_that_dies_after_the_intent_still_looks_for_what_the_lost_life_sent(
    post: Post, channel: str, copied: Copy, restored: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, url = copy.copy(post), copied(post.world.engine)
    send(post)
    again = restored(before, url)
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "dispatch", dies)
        with pytest.raises(CrashError):
            send(again)
    send(again)
    sent_once(again, channel)
    tries = again.rows(CONTACT_ATTEMPT)
    assert (tries[0].outcome, tries[0].code) == ("unknown", outbox.LOST_LIFE)
    assert tries[-1].outcome == "accepted"


def test_a_book_that_was_never_restored_asks_no_provider_before_it_writes(
    engine: Engine, sandbox: Sandbox, tmp_path: Path
) -> None:
    post = open_post(engine, sandbox, tmp_path, by="[email]")
    send(post)
    assert [row.number for row in post.rows(CONTACT_ATTEMPT)] == [1]
    assert post.rows(RESTORATION) == []


# --- notices ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def office(engine: Engine, sandbox: Sandbox, tmp_path: Path) -> Office:
    return open_office(engine, sandbox, tmp_path, notifying())


def listed(folder: Path) -> list[str]:
    """The letters that the mail house is to print, by contact."""
    found = []
    for manifest in folder.glob("*/manifest.csv"):
        with manifest.open(encoding="utf-8", newline="") as lines:
            found += [row["contact_id"] for row in csv.DictReader(lines)]
    return found


def test_a_notice_that_left_after_the_copy_is_neither_mailed_nor_printed_again(
    office: Office, copied: Copy, restored: Restore
) -> None:
    before, url = copy.copy(office), copied(office.world.engine)
    notify(office)
    again = restored(before, url)
    notify(again)
    (notice,) = again.rows(NOTICE)
    assert again.book("notice_issued") == [f.NoticeIssued(str(notice.id), "notificacao", ("email", "letter"))]
    assert len(again.sent()) == 1
    assert listed(again.world.letters) == [str(again.contact("letter").id)]
    assert str(notice.id) in again.open_task("lost-letter").details[0], "the letter that we keep is not that one"


def test_a_notice_of_which_no_record_tells_is_a_persons_and_goes_by_his_word(
    office: Office, copied: Copy, restored: Restore, tmp_path: Path
) -> None:
    again = restored(office, copied(office.world.engine))
    again.world = replace(again.world, letters=tmp_path / "lost with the disk")
    notify(again)
    task = again.open_task("action-failed")
    assert (again.sent(), listed(again.world.letters)) == ([], [])
    finish(again, task.id, "again")
    notify(again)
    assert len(again.sent()) == len(listed(again.world.letters)) == 1
    assert len(again.book("notice_issued")) == 1
    assert again.rows(TASK, TASK.c.kind == "lost-letter") == []


def finish(office: Office, task: UUID, outcome: str) -> None:
    """A person says what became of it."""
    done = {"done_at": office.world.now(office.at), "done_by": "supervisora", "outcome": outcome}
    with office.world.engine.begin() as conn:
        conn.execute(update(TASK).where(TASK.c.id == task).values(done))
    office.tell(f.TaskDone(str(task), outcome), actor="supervisora")
    office.decide()


# --- files to the notaries -------------------------------------------------------------------------------------------
def test_no_title_leaves_after_a_restore_until_a_person_has_seen_the_centrals_lists(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    office = Notary(engine, tmp_path)
    office.queued("1001")
    yesterday_restored(office, database_url)
    assert prepare_files(office.world).prepared == 0
    seen_by_a_person(office)
    assert prepare_files(office.world).prepared == 1


def test_on_the_day_of_a_restore_no_file_takes_a_number_that_the_lost_life_may_have_used(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    office = Notary(engine, tmp_path)
    office.queued("1001")
    mark_restored(database_url)
    seen_by_a_person(office)
    assert prepare_files(office.world).prepared == 0


def test_a_file_that_was_ready_in_the_copy_goes_again_as_it_was_and_is_not_made_anew(
    engine: Engine, database_url: str, tmp_path: Path
) -> None:
    office = Notary(engine, tmp_path)
    office.queued("1001")
    prepare_files(office.world)
    ((name, content),) = ((row.name, row.document_id) for row in office.rows(CRA_FILE))
    yesterday_restored(office, database_url)
    seen_by_a_person(office)
    tomorrow = office.at(DAY + timedelta(days=1))
    assert prepare_files(tomorrow).prepared == 0
    assert upload_files(tomorrow).uploaded == 1
    assert [(row.name, row.document_id, row.state) for row in office.rows(CRA_FILE)] == [(name, content, "accepted")]


def test_what_undoes_a_protest_waits_for_no_person(engine: Engine, database_url: str, tmp_path: Path) -> None:
    office = Notary(engine, tmp_path)
    (case,) = office.queued("1001")
    prepare_files(office.world)
    upload_files(office.world)
    (remittance,) = [row.name for row in office.rows(CRA_FILE)]
    office.confirm(remittance, DAY)
    office.at(DAY + timedelta(days=1))
    take_in_files(office.world)
    office.pay(case, "1100.00")
    yesterday_restored(office, database_url)
    assert prepare_files(office.world).prepared == 1
    assert [row.kind for row in office.rows(CRA_FILE) if row.state == "prepared"] == ["DP"]


def yesterday_restored(office: Notary, database_url: str) -> None:
    """The book was restored on the day before the office's."""
    mark_restored(database_url)
    with office.engine.begin() as conn:
        conn.execute(update(RESTORATION).values(at=RESTORATION.c.at - timedelta(days=1)))


def seen_by_a_person(office: Notary) -> None:
    """Somebody compared the book with the central's lists."""
    (task,) = [row for row in office.rows(TASK) if row.kind == NOTARIES]
    with office.engine.begin() as conn:
        conn.execute(update(TASK).where(TASK.c.id == task.id).values(done_at=office.world.now(), outcome="seen"))


def test_an_installation_without_titles_asks_nobody_about_the_notaries(
    post: Post, copied: Copy, restored: Restore
) -> None:
    again = restored(post, copied(post.world.engine))
    assert again.rows(TASK, TASK.c.kind == NOTARIES) == []

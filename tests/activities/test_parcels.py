"""A hand-over whose fate nobody knows is remembered: handed over once where it is wanted, else recorded and taken back.

The real activities against a partner by HTTP who takes parcels and whose answers get lost, and against folders.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from firm_samples import (
    LEGAL,
    TODAY,
    CrashError,
    Office,
    dies,
    ladder,
    notifying,
    open_office,
    provider,
    signalled_by_a_sweep,
)
from sqlalchemy import Engine, update
from test_outside import LIST, NEGOTIATE, approved

from activities import parcels
from activities.decide import Decisions
from activities.desk import Desk
from activities.legal import LegalHandOver
from activities.listing import Listings
from activities.negotiation import Negotiations
from activities.outside import Outside
from contract.messages import Decide, Failed, Next, Perform
from db.rows import FACT, PARCEL
from domain import facts as f
from domain.clock import Clock
from domain.errors import Misconfigured, Permanent, ProviderError, Unavailable, Unknown
from gateways.partners import FolderPartner, WebhookPartner
from sandbox.partners import Fault, RunningPartner, running_partner
from sandbox.server import Sandbox
from workflows.options import AT_MOST, TRIES

SECRET = "um segredo inventado"
AGENCY = "  - {id: assessoria, at: due + 20d, do: agency, late: never-skip}\n"
LOST, AWAY, REFUSES = Fault(504, arrives=True), Fault(504), Fault(422)
"""The answer of a partner who has it is lost; he does not even get it; he refuses it for good."""
PAID = f.PaymentReceived("pix-1", Decimal("2000.00"), TODAY)
PART = f.PaymentReceived("pix-1", Decimal("100.00"), TODAY)
BOOKED = {
    "legal": "handed_over", "agency": "handed_over", "list": "listing_requested", "negotiate": "negotiation_proposed",
}  # fmt: skip
TAKEN_BACK = {"legal": "payment", "agency": "payment", "list": "removal", "negotiate": "withdrawal"}
"""What each is told first when the debt was paid."""

Activity = Callable[[Perform], Next]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    with provider(tmp_path) as running:
        yield running


@pytest.fixture
def partner() -> Iterator[RunningPartner]:
    with running_partner(SECRET) as running:
        yield running


@pytest.fixture(params=["legal", "agency", "list", "negotiate"])
def action(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ready(action: str, engine: Engine, sandbox: Sandbox, folder: Path, partner: RunningPartner) -> Office:
    """A case whose hand-over is approved and due, to partners who are all reached at one door."""
    to_hands = {"legal": ladder(LEGAL), "agency": ladder(AGENCY)}
    firm = {"list": notifying(after=LIST), "negotiate": notifying(after=NEGOTIATE)}
    office = open_office(engine, sandbox, folder, (to_hands | firm)[action])
    road = WebhookPartner(partner.url, SECRET)
    office.world = replace(office.world, partners=dict.fromkeys(("legal", "agency", "bureau", "central"), road))
    if action in to_hands:
        office.approve("manager")
    else:
        approved(office)
    assert office.next.action == action
    return office


@pytest.fixture
def office(action: str, engine: Engine, sandbox: Sandbox, tmp_path: Path, partner: RunningPartner) -> Office:
    return ready(action, engine, sandbox, tmp_path, partner)


@pytest.fixture
def lawyers(engine: Engine, sandbox: Sandbox, tmp_path: Path, partner: RunningPartner) -> Office:
    return ready("legal", engine, sandbox, tmp_path, partner)


@pytest.fixture
def bureaus(engine: Engine, sandbox: Sandbox, tmp_path: Path, partner: RunningPartner) -> Office:
    return ready("list", engine, sandbox, tmp_path, partner)


def doing(office: Office) -> Activity:
    """What obeys the present instruction."""
    world = office.world
    hand_over = LegalHandOver(world)
    return {
        "legal": hand_over.legal, "agency": hand_over.agency, "list": Listings(world).list,
        "negotiate": Negotiations(world).negotiate, "tell": Outside(world).tell,
    }[office.next.action]  # fmt: skip


def tries(office: Office, partner: RunningPartner, *faults: Fault) -> ProviderError:
    """The tries of one activity, which all go wrong; then the case is told, as its workflow does."""
    partner.faults.extend(faults)
    given, activity = office.given(), doing(office)
    errors = [wrong(activity, given) for _ in faults]
    failed = Failed(given.action, given.step, type(errors[-1]).__name__)
    office.next = Decisions(office.world).decide(
        Decide(given.case_id, given.generation, given.seq, office.at, failed=failed)
    )
    return errors[-1]


def wrong(activity: Activity, given: Perform) -> ProviderError:
    """What a try ends with that goes wrong."""
    with pytest.raises(ProviderError) as raised:
        activity(given)
    return raised.value


def moves_on(office: Office, fact: f.Told = PAID) -> None:
    """The case is told something, takes it in, and time passes."""
    office.tell(fact)
    office.decide()
    time_passes(office)


def ends(office: Office) -> None:
    """The debt is void, the debtor has been told so, and the case is closed."""
    moves_on(office, f.Voided("invoice cancelled"))
    while office.next.action == "contact":
        office.tell(f.ContactSent(office.next.step, "c", "email"))
        office.decide()
    assert office.next.action == "close"


def time_passes(office: Office, how_long: timedelta = timedelta(hours=1)) -> None:
    """Every call of the case was made so much earlier."""
    earlier = update(PARCEL).where(PARCEL.c.case_id == office.ids.case)
    with office.world.engine.begin() as conn:
        conn.execute(earlier.values(begun_at=PARCEL.c.begun_at - how_long))


def swept(office: Office) -> list[UUID]:
    """The facts that a sweep stored, on the day that it is for the case."""
    clock = Clock(datetime.now(UTC), office.world.now(office.at), 1.0)
    return parcels.reconcile(replace(office.world, clock=clock), 10)


def state(office: Office) -> str:
    """What is known of the hand-over's only parcel."""
    (row,) = office.rows(PARCEL, PARCEL.c.case_id == office.ids.case, PARCEL.c.action != "tell")
    return str(row.state)


def obeys(office: Office, partner: RunningPartner) -> list[str]:
    """Tell those outside all that is to be told now; what each parcel that they have is."""
    while office.next.action == "tell":
        office.perform(doing(office))
    return [parcel.what for parcel in partner.parcels]


def test_the_sweep_comes_later_than_any_activity_that_may_still_have_the_parcel_in_hand() -> None:
    longest = max(AT_MOST[action] for action in BOOKED)
    pauses = sum((TRIES.initial_interval * 2**n for n in range(TRIES.maximum_attempts)), timedelta(0))
    assert longest * TRIES.maximum_attempts + pauses < parcels.LEFT_ALONE


# --- its case moved on -----------------------------------------------------------------------------------------------
def test_what_may_have_arrived_before_the_debtor_paid_is_in_the_book_once_and_taken_back(
    office: Office, action: str, partner: RunningPartner
) -> None:
    assert isinstance(tries(office, partner, LOST, LOST, LOST), Unknown)
    moves_on(office)
    assert (office.book(BOOKED[action]), state(office)) == ([], "in-flight")
    assert len(swept(office)) == 1
    time_passes(office)
    assert swept(office) == []
    office.decide()
    assert (len(office.book(BOOKED[action])), state(office)) == (1, "handed")
    told = obeys(office, partner)
    assert told[1] == TAKEN_BACK[action]
    assert len(set(told)) == len(told), "nothing twice"


def test_a_case_that_closed_meanwhile_has_the_entry_removed_and_closes_again_only_then(
    bureaus: Office, partner: RunningPartner
) -> None:
    tries(bureaus, partner, LOST, LOST, LOST)
    ends(bureaus)
    assert len(swept(bureaus)) == 1
    bureaus.decide()
    assert obeys(bureaus, partner) == ["listing", "removal"]
    assert bureaus.next.reason == "waits for the bureau to remove the entry"
    (requested,) = bureaus.book("listing_requested")
    assert isinstance(requested, f.ListingRequested)
    bureaus.tell(f.ListingRemoved(requested.listing_id, TODAY), actor="bureau")
    bureaus.decide()
    assert bureaus.next.action == "close"


def test_a_lawyer_of_a_closed_case_hears_that_the_debt_ended_though_he_cannot_be_reached_at_once(
    lawyers: Office, partner: RunningPartner
) -> None:
    tries(lawyers, partner, LOST, LOST, LOST)
    ends(lawyers)
    assert len(swept(lawyers)) == 1
    lawyers.decide()
    tries(lawyers, partner, AWAY, AWAY, AWAY)
    assert lawyers.next.action == "tell"
    assert obeys(lawyers, partner) == ["dossier", "ended"]
    assert lawyers.next.action == "close"


def test_where_it_never_arrived_what_is_taken_back_harms_nobody(bureaus: Office, partner: RunningPartner) -> None:
    tries(bureaus, partner, AWAY, AWAY, AWAY)
    moves_on(bureaus)
    assert len(swept(bureaus)) == 1
    bureaus.decide()
    assert obeys(bureaus, partner) == ["removal"]


def test_a_process_that_died_between_call_and_book_leaves_its_parcel_to_the_sweep(
    bureaus: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bureaus.world = replace(bureaus.world, partners={"bureau": FolderPartner(tmp_path / "bureau")})
    with monkeypatch.context() as process:
        process.setattr(Desk, "conclude_with", dies)
        with pytest.raises(CrashError):
            doing(bureaus)(bureaus.given())
    moves_on(bureaus)
    assert len(swept(bureaus)) == 1
    bureaus.decide()
    assert bureaus.next.step.startswith("fora:bureau:removal:")


def test_what_the_dossier_does_not_say_is_told_and_what_it_says_is_not(
    lawyers: Office, partner: RunningPartner
) -> None:
    lawyers.tell(PART)
    lawyers.decide()
    assert lawyers.next.action != "legal", "thanks, and a rest"
    while lawyers.next.action != "legal":
        lawyers.ahead += timedelta(days=1)
        lawyers.decide()
        if lawyers.next.action == "contact":
            lawyers.tell(f.ContactSent(lawyers.next.step, "c", "email"))
            lawyers.decide()
        if lawyers.next.reason == "awaits approval":
            lawyers.approve("manager")
    tries(lawyers, partner, LOST, LOST, LOST)
    moves_on(lawyers, replace(PAID, reference="pix-2"))
    swept(lawyers)
    lawyers.decide()
    obeys(lawyers, partner)
    words = [json.loads(parcel.content) for parcel in partner.parcels if parcel.what == "payment"]
    assert [word["reference"] for word in words] == ["pix-2"]


def test_sweeps_side_by_side_tell_it_once(bureaus: Office, partner: RunningPartner) -> None:
    tries(bureaus, partner, LOST, LOST, LOST)
    moves_on(bureaus)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: swept(bureaus), range(4)))
    assert sum(map(len, told)) == 1


def test_the_sweep_tells_the_case_at_once(bureaus: Office, partner: RunningPartner) -> None:
    tries(bureaus, partner, LOST, LOST, LOST)
    moves_on(bureaus)
    told, _ = signalled_by_a_sweep(bureaus.world)
    (fact,) = bureaus.rows(FACT, FACT.c.case_id == bureaus.ids.case, FACT.c.kind == "listing_requested")
    assert told == [fact.id]


def test_a_payment_between_two_tries_finds_the_first_one_in_the_book(bureaus: Office, partner: RunningPartner) -> None:
    partner.faults.append(LOST)
    given, activity = bureaus.given(), doing(bureaus)
    with pytest.raises(Unknown):
        activity(given)
    bureaus.tell(PAID)
    bureaus.next = activity(given)
    assert len(bureaus.book("listing_requested")) == 1
    assert obeys(bureaus, partner) == ["listing", "removal"]
    time_passes(bureaus)
    assert swept(bureaus) == []


# --- its case still wants it -----------------------------------------------------------------------------------------
def test_what_its_case_still_wants_is_handed_over_once_more_and_is_there_once(
    office: Office, action: str, partner: RunningPartner
) -> None:
    tries(office, partner, LOST, LOST, LOST)
    time_passes(office)
    assert swept(office) == [], "its case looks after it"
    assert office.next.action == action
    office.perform(doing(office))
    assert len(partner.parcels) == 1
    assert (len(office.book(BOOKED[action])), state(office)) == (1, "handed")


def test_a_dossier_that_is_handed_over_again_is_followed_by_what_it_could_not_know(
    lawyers: Office, partner: RunningPartner
) -> None:
    """The debt stands again after the payment that came between was sent back: the lawyer hears of both."""
    tries(lawyers, partner, LOST, LOST, LOST)
    lawyers.tell(PART)
    lawyers.tell(f.PaymentReversed("pix-1", TODAY))
    lawyers.decide()
    while lawyers.next.action == "contact":
        lawyers.tell(f.ContactSent(lawyers.next.step, "c", "email"))
        lawyers.decide()
    assert lawyers.next.action == "legal"
    lawyers.perform(doing(lawyers))
    assert obeys(lawyers, partner) == ["dossier", "payment", "reversal"]


def test_a_call_that_may_still_be_under_way_is_left_alone(bureaus: Office, partner: RunningPartner) -> None:
    tries(bureaus, partner, LOST)
    bureaus.tell(PAID)
    bureaus.decide()
    time_passes(bureaus, parcels.LEFT_ALONE - timedelta(seconds=30))
    assert swept(bureaus) == []
    assert state(bureaus) == "in-flight"


def test_what_its_case_wants_again_by_what_it_was_just_told_is_left_to_the_case(
    lawyers: Office, partner: RunningPartner
) -> None:
    tries(lawyers, partner, LOST)
    moves_on(lawyers, f.Paused(TODAY, TODAY + timedelta(days=7)))
    lawyers.tell(f.Resumed())
    assert swept(lawyers) == []
    assert state(lawyers) == "in-flight"


# --- it surely is not there ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("status", "error"), [(422, Permanent), (403, Misconfigured), (429, Unavailable)])
def test_what_a_partner_surely_did_not_take_is_not_taken_back(
    office: Office, action: str, partner: RunningPartner, status: int, error: type[ProviderError]
) -> None:
    assert isinstance(tries(office, partner, Fault(status)), error)
    assert state(office) == "not-taken"
    moves_on(office)
    assert swept(office) == []
    assert office.book(BOOKED[action]) == []
    assert partner.parcels == []


def test_a_refusal_answers_for_its_own_call_and_not_for_the_one_before(
    bureaus: Office, partner: RunningPartner
) -> None:
    tries(bureaus, partner, LOST, Fault(403))
    assert state(bureaus) == "in-flight"
    time_passes(bureaus)
    assert swept(bureaus) == [], "a person is asked"
    bureaus.tell(f.DocumentAttached("d", "contract"))
    bureaus.decide()
    assert swept(bureaus) == [], "and what he is asked about is wanted all the same"
    moves_on(bureaus)
    assert len(swept(bureaus)) == 1
    bureaus.decide()
    assert obeys(bureaus, partner) == ["listing", "removal"]


def test_what_was_refused_first_and_taken_later_is_handed_over_as_any(lawyers: Office, partner: RunningPartner) -> None:
    tries(lawyers, partner, Fault(429))
    lawyers.perform(doing(lawyers))
    (row,) = lawyers.rows(PARCEL, PARCEL.c.case_id == lawyers.ids.case, PARCEL.c.state == "handed")
    assert (row.to, row.unanswered, row.ended_at <= datetime.now(UTC)) == ("legal", 0, True)
    assert len(lawyers.book("handed_over")) == len(partner.parcels) == 1


def test_what_a_person_does_is_never_in_flight(bureaus: Office) -> None:
    bureaus.world = replace(bureaus.world, partners={})
    bureaus.perform(doing(bureaus))
    assert bureaus.open_task("enter-listing")
    assert bureaus.rows(PARCEL, PARCEL.c.case_id == bureaus.ids.case) == []

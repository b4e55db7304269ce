"""What staff look at: lists, one case, one debtor, the outlook, the calculator, texts, files of the CRA, ladders."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from people import Opened, ladder, new_case_row, office_today

import policies
from activities.desk import at_desk
from activities.world import World
from db.rows import CASE, CREDITOR, DEBTOR, DOCUMENT, PAYMENT, PAYMENT_CODE, SCHEDULE, TASK
from domain import cra
from domain import facts as f
from domain.case import Clearing, Plan, Promise, dump, load
from domain.clock import PRODUCTION
from letters.messages import TEXTS
from letters.neutral import NEUTRAL
from starter import previews
from starter.people import add_user

TODAY = office_today()


def _open(terminal: Any, due: date, **how: Any) -> Opened:
    """A case that has been decided on once, as it stands after its first day."""
    opened = new_case_row(terminal.engine, ladder("padrao-b2b"), due, min(due, TODAY), **how)
    world: Any = World(terminal.engine, PRODUCTION, *[None] * 4, terminal.folder, "")  # type: ignore[list-item]
    with at_desk(world, str(opened.case), None) as desk:
        desk.conclude(1, 1)
    return opened


@pytest.fixture
def late(terminal: Any) -> Opened:
    return _open(terminal, TODAY - timedelta(days=40), number="4040")


@pytest.fixture
def soon(terminal: Any) -> Opened:
    return _open(terminal, TODAY + timedelta(days=5), number="5050")


def test_cases_are_listed_with_the_oldest_debt_first(terminal: Any, soon: Opened, late: Opened) -> None:
    found = terminal.type("cases", "--json").json
    assert [row["id"] for row in found] == [str(late.case), str(soon.case)]
    assert found[0]["days_late"] >= 39
    assert found[1]["days_late"] == 0
    assert {"creditor", "debtor", "invoice", "due", "balance", "stage", "next_action", "next_at"} <= set(found[0])


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (["--stage", "preventive"], ["5050"]),
        (["--late", "30"], ["4040"]),
        (["--creditor", "credora", "--limit", "1"], ["4040"]),
        (["--next", "contact", "--stage", "preventive"], ["5050"]),
        (["--reason", "no such reason"], []),
        (["--stage", "closed"], []),
    ],
)
def test_cases_are_filtered(terminal: Any, soon: Opened, late: Opened, filters: list[str], wanted: list[str]) -> None:
    assert [row["invoice"] for row in terminal.type("cases", *filters, "--json").json] == wanted


def test_an_extended_case_is_late_from_its_new_due_date(terminal: Any, late: Opened) -> None:
    state = terminal.rows(CASE)[0].state
    state["terms"]["due"] = (TODAY + timedelta(days=3)).isoformat()
    terminal.change(late.case, state=state)
    assert terminal.type("cases", "--json").json[0]["days_late"] == 0


@pytest.mark.parametrize("wrong", [["--stage", "angry"], ["--creditor", "nobody"]])
def test_a_filter_that_names_nothing_is_refused(terminal: Any, wrong: list[str]) -> None:
    assert terminal.type("cases", *wrong).code == 1


def test_one_case_shows_debt_memory_schedule_and_timeline(terminal: Any, late: Opened) -> None:
    found = terminal.type("case", late.case, "--json").json
    memory = sum(Decimal(line["amount"]) for line in found["debt"]["memory"])
    assert memory == Decimal(found["debt"]["total"]) > Decimal("1000.00")
    assert [step["step"] for step in found["schedule"]] == [step.id for step in ladder("padrao-b2b").steps]
    assert [found["timeline"][n]["kind"] for n in (0, -1)] == ["opened", "decided"]
    assert set(found) >= {
        "tasks",
        "approvals",
        "payments",
        "notices",
        "titles",
        "documents",
        "notes",
        "contacts",
        "holds",
    }
    shown = terminal.type("case", late.case).out
    assert all(word in shown for word in ("Saldo", "Agenda", "Livro do caso", "lembrete"))


def test_one_case_shows_what_stands_beside_its_ladder_until_when_and_for_how_much(terminal: Any, late: Opened) -> None:
    case = load(terminal.rows(CASE)[0].state)
    day, soon = TODAY + timedelta(days=3), TODAY + timedelta(days=9)
    parts = [f.Instalment(1, day, Decimal("400.00")), f.Instalment(2, soon, Decimal("600.00"))]
    case.promise = Promise("p", day, Decimal("300.00"), Decimal(0))
    case.plan = Plan("a", parts, TODAY, 0)
    case.claimed_until, case.dispute, case.disputed, case.explain_by = day, "d", Decimal("10.00"), soon
    case.clearing = [Clearing("pix-9", Decimal("50.00"), soon)]
    case.holds, case.hold_until, case.paused_until = ["court", "moratorium"], {"moratorium": soon}, day
    steps = dump(case)
    terminal.change(late.case, state=steps)
    with terminal.engine.begin() as conn:
        code = {
            "id": uuid4(), "creditor_id": late.creditor, "case_id": late.case, "txid": "t" * 26, "account": "principal",
            "amount": Decimal("1000.00"), "quoted_on": TODAY, "valid_until": day, "state": "active",
            "br_code": "000201", "created_at": datetime.now(UTC), "changed_at": datetime.now(UTC),
        }  # fmt: skip
        conn.execute(PAYMENT_CODE.insert().values(code))
        (row,) = conn.execute(SCHEDULE.select()).all()
        left_out = [{**row.steps[0], "state": "passed-over", "reason": "no usable channel"}, *row.steps[1:]]
        conn.execute(SCHEDULE.update().values(steps=left_out))
    found = terminal.type("case", late.case, "--json").json
    shown = {each["what"]: (each["until"], each["amount"]) for each in found["matters"]}
    assert shown == {
        "promise": (day.isoformat(), "300.00"), "plan": (day.isoformat(), "400.00"), "claim": (day.isoformat(), None),
        "clearing": (soon.isoformat(), "50.00"), "dispute": (soon.isoformat(), "10.00"),
        "pause": (day.isoformat(), None), "hold: court": (None, None), "hold: moratorium": (soon.isoformat(), None),
    }  # fmt: skip
    assert ("lembrete", "no usable channel") in [(step["step"], step["reason"]) for step in found["passed_over"]]
    assert [(each["state"], each["amount"]) for each in found["payment_codes"]] == [("active", "1000.00")]
    out = terminal.type("case", late.case).out
    assert all(
        word in out for word in ("Ao lado da régua", "Passos deixados de lado", "Códigos de pagamento", "a partir")
    )


def test_one_debtor_is_shown_with_all_his_cases(terminal: Any, late: Opened) -> None:
    with terminal.engine.begin() as conn:
        conn.execute(DEBTOR.update().values(document="11444777000161"))
    _open(terminal, TODAY, debtor=late.debtor, number="6060")
    (found,) = terminal.type("debtor", "11.444.777/0001-61", "--json").json
    assert [case["invoice"] for case in found["cases"]] == ["4040", "6060"]
    assert Decimal(found["balance"]) == sum(Decimal(case["balance"]) for case in found["cases"])
    assert {point["channel"] for point in found["contact_points"]} == {"email", "sms"}
    unknown = terminal.type("debtor", "529.982.247-25")
    assert (unknown.code, "529" in unknown.err) == (1, False)


def test_the_outlook_says_what_goes_out_on_which_day(terminal: Any, soon: Opened) -> None:
    unopened = new_case_row(terminal.engine, ladder("padrao-b2b"), TODAY + timedelta(days=4), TODAY)
    terminal.change(unopened.case, starts_on=TODAY + timedelta(days=1))
    found = terminal.type("outlook", "--days", "4", "--json").json
    assert [(row["step"], row["ids"]) for row in found] == [
        ("opens", [str(unopened.case)]),
        ("lembrete", [str(soon.case)]),
    ]
    assert [row["day"] for row in found] == sorted(row["day"] for row in found)
    assert all(row["day"] <= (TODAY + timedelta(days=4)).isoformat() for row in found)


def test_tasks_are_listed_by_owner_and_by_what_is_overdue(terminal: Any, late: Opened) -> None:
    row = {
        "case_id": late.case, "kind": "step", "step": "ligar", "details": [], "outcome": "", "done_by": "",
        "opened_at": datetime.now(UTC),
    }  # fmt: skip
    with terminal.engine.begin() as conn:
        conn.execute(TASK.delete())
        conn.execute(TASK.insert().values(row | {"id": UUID(int=1), "owner": "clerk", "due": date(2020, 1, 1)}))
        conn.execute(TASK.insert().values(row | {"id": UUID(int=2), "owner": "lawyer", "due": date(2099, 1, 1)}))
    approval = terminal.approval(late.case)
    found = terminal.type("tasks", "--json").json
    assert [task["id"] for task in found["tasks"]] == [str(UUID(int=1)), str(UUID(int=2))]
    assert [waiting["id"] for waiting in found["approvals"]] == [approval]
    assert len(terminal.type("tasks", "--overdue", "--json").json["tasks"]) == 1
    assert terminal.type("tasks", "--owner", "lawyer", "--json").json["tasks"][0]["owner"] == "lawyer"
    assert "Pendências" in terminal.type("tasks").out


def test_payments_without_a_case_are_listed(terminal: Any, late: Opened) -> None:
    row = {
        "creditor_id": late.creditor, "amount": "10.00", "paid_on": TODAY, "source": "test", "hint": "row 2",
        "received_at": datetime.now(UTC),
    }  # fmt: skip
    with terminal.engine.begin() as conn:
        conn.execute(PAYMENT.insert().values(row | {"id": UUID(int=1), "reference": "A", "case_id": late.case}))
        conn.execute(PAYMENT.insert().values(row | {"id": UUID(int=2 << 100), "reference": "B", "case_id": None}))
    assert len(terminal.type("payments", "--json").json) == 2
    (found,) = terminal.type("payments", "--unmatched", "--json").json
    assert (found["reference"], found["amount"], found["case"]) == ("B", "10.00", None)


def test_a_matched_payment_is_told_to_its_case(terminal: Any, late: Opened) -> None:
    row = {
        "id": UUID(int=2 << 100), "creditor_id": late.creditor, "amount": "10.00", "paid_on": TODAY, "source": "bank",
        "hint": "row 2", "received_at": datetime.now(UTC), "reference": "B", "case_id": None,
    }  # fmt: skip
    with terminal.engine.begin() as conn:
        conn.execute(PAYMENT.insert().values(row))
    assert terminal.type("match", row["id"], late.case, "--by", "ana", "--json").json["status"] == "stored"
    assert [(fact["kind"], fact["reference"]) for fact in terminal.facts(late.case)] == [("payment", "B")]
    assert terminal.rows(PAYMENT)[0].case_id == late.case


# --- without a case --------------------------------------------------------------------------------------------------
def test_the_calculator_adds_up_to_the_cent(terminal: Any) -> None:
    words = ["--principal", "1.000,00", "--due", "10/10/2026", "--on", "22/11/2026", "--fine", "2", "--interest", "1"]
    found = terminal.type("debt", *words, "--json").json
    assert (found["total"], found["fine"], found["interest"]) == ("1034.33", "20.00", "14.33")
    assert sum(Decimal(line["amount"]) for line in found["memory"]) == Decimal("1034.33")
    assert "1034.33" in terminal.type("debt", *words).out


@pytest.mark.parametrize(
    "wrong", [["--fine", "muito"], ["--fine", "3", "--consumer"], ["--interest", "-1"], ["--due", "ontem"]]
)
def test_the_calculator_refuses_what_the_law_or_sense_refuses(terminal: Any, wrong: list[str]) -> None:
    words = ["--principal", "1000", "--due", "10/10/2026", "--on", "22/11/2026", *wrong]
    said = terminal.type("debt", *words)
    assert (said.code, len(said.err.splitlines())) == (1, 1)


@pytest.mark.parametrize("text", ["lembrete", "atraso-cordial", "proposta", "promessa-confirmada", "agradecimento"])
@pytest.mark.parametrize("channel", ["email", "sms", "whatsapp", "voice"])
def test_a_text_is_shown_with_invented_data(terminal: Any, text: str, channel: str) -> None:
    found = terminal.type("letters", "preview", text, "--channel", channel, "--json").json
    assert "Exemplo" in found["text"]
    assert found["faults"] == []
    assert bool(found["template"]) == (channel == "whatsapp")
    assert bool(found["subject"]) == (channel == "email")
    assert bool(found["segments"]) == (channel == "sms")


def test_a_text_is_shown_as_a_case_would_send_it(terminal: Any, late: Opened) -> None:
    found = terminal.type("letters", "preview", "atraso-firme", "--case", late.case, "--json").json
    assert "4040" in found["text"]
    assert "roteiro" not in found["text"]
    script = terminal.type("letters", "preview", "roteiro-cordial", "--case", late.case)
    assert (script.code, "4040" in script.out) == (0, True)
    assert terminal.facts(late.case) == []


@pytest.mark.parametrize("text", [*TEXTS, *NEUTRAL])
@pytest.mark.parametrize("channel", ["email", "sms", "whatsapp"])
def test_no_text_that_ships_is_found_wanting(text: str, channel: str) -> None:
    assert previews.preview(text, channel, "", "", "", None)["faults"] == []


@pytest.mark.parametrize("shape", ["html", "pdf"])
@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ("atraso-cordial", "email"), ("atraso-cordial", "sms"), ("atraso-cordial", "whatsapp"),
        ("roteiro-voz", "voice"),
        ("roteiro-cordial", "email"), ("notificacao-previa", "letter"), ("resposta-parada", "whatsapp"),
    ],
)  # fmt: skip
def test_a_text_of_every_channel_is_kept_as_a_page_or_a_pdf(terminal: Any, text: str, channel: str, shape: str) -> None:
    out = terminal.folder / f"previa.{shape}"
    said = terminal.type("letters", "preview", text, "--channel", channel, "--as", shape, "--out", out)
    assert said.code == 0, said.err
    assert out.read_bytes().startswith(b"%PDF" if shape == "pdf" else b"<!doctype html>")


def test_a_text_that_is_found_wanting_ends_with_its_faults_and_exit_code_1(
    terminal: Any, late: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with terminal.engine.begin() as conn:
        senders = {"email": "cobranca@credora.example.com", "email_name": "Credora", "sms": "+5511900000000"}
        settings = conn.execute(CREDITOR.select()).one().settings | {"senders": senders}
        conn.execute(CREDITOR.update().values(settings=settings))
    said = terminal.type("letters", "preview", "atraso-firme", "--case", late.case)
    assert (said.code, "header: the sender's address shows a debt" in said.err) == (1, True)


@pytest.mark.parametrize("real", [False, True])
def test_the_letter_is_made_as_a_pdf(terminal: Any, late: Opened, real: bool) -> None:
    out = terminal.folder / "carta.pdf"
    case = ["--case", late.case] if real else []
    said = terminal.type("letters", "preview", "notificacao-previa", "--channel", "letter", "--out", out, *case)
    assert said.code == 0, said.err
    assert out.read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    "wrong", [["no-such-text"], ["lembrete", "--channel", "fax"], ["lembrete", "--channel", "letter"]]
)
def test_a_text_or_channel_that_is_not_there_is_refused(terminal: Any, wrong: list[str]) -> None:
    said = terminal.type("letters", "preview", *wrong, "--json")
    assert (said.code, "error" in said.json) == (1, True)


def test_a_ladder_is_checked_and_says_what_is_passed_over(terminal: Any) -> None:
    found = terminal.type("policy", "check", policies.DIRECTORY / "padrao-b2b.yaml", "--json").json
    assert (found["policy"], found["hash"]) == ("padrao-b2b", ladder("padrao-b2b").hash)
    wrong = terminal.folder / "errada.yaml"
    wrong.write_text("policy: errada\nsteps:\n  - {id: a, at: due + 1x, do: contact}\n")
    said = terminal.type("policy", "check", wrong)
    assert (said.code, "errada.yaml:3" in said.err) == (1, True)


def test_a_case_moves_to_a_ladder_that_is_kept(terminal: Any, late: Opened) -> None:
    ladder_file = policies.DIRECTORY / "amigavel.yaml"
    words = ["policy", "migrate", late.case, ladder_file, "--by", "ana"]
    assert terminal.type(*words).code == 2
    assert terminal.type(*words, "--reason", "cliente antigo", "--json").json["status"] == "stored"
    (fact,) = terminal.facts(late.case)
    assert (fact["kind"], fact["policy_hash"]) == ("migrate", ladder("amigavel").hash)


def test_a_cra_file_is_read_and_a_wrong_one_refused(terminal: Any) -> None:
    presenter = cra.Presenter("999", "Credora Exemplo Ltda", "000000000000042")
    order = cra.WithdrawalOrder("2600012345", date(2026, 11, 24), "FAT1", "Fulano", Decimal(100), "03", "3550308")
    name, content = cra.write(cra.withdrawals(presenter, [order], date(2026, 11, 25), 1))
    path = terminal.folder / name
    path.write_bytes(content)
    found = terminal.type("cra", "read", path, "--json").json
    assert (found["name"], found["kind"]) == (name, "DP")
    assert found["records"][2]["values"]["numero_protocolo"].strip() == "2600012345"
    assert "linha 1" in terminal.type("cra", "read", path).out
    assert "FULANO" not in str(found)
    asked = terminal.type("cra", "read", path, "--personal", "--json").json
    assert asked["records"][2]["values"]["nome_primeiro_devedor"].strip() == "FULANO"
    path.write_bytes(content[:-200])
    assert terminal.type("cra", "read", path).code == 1
    strange = terminal.folder / "titulos.txt"
    strange.write_bytes(content)
    assert "not the name of a CRA file" in terminal.type("cra", "read", strange).err


def test_a_file_of_the_cra_that_cannot_be_read_is_kept_and_refused(terminal: Any) -> None:
    path = terminal.folder / "C9992311.261"
    path.write_bytes(b"nothing of the kind\r\n")
    said = terminal.type("protest", "receive", path, "--json")
    assert (said.code, said.json["state"]) == (1, "refused")
    assert said.json["faults"]


def test_there_is_no_letter_of_consent_and_no_dossier_where_nothing_happened(terminal: Any, late: Opened) -> None:
    consent = terminal.type("protest", "consent", late.case, "--by", "ana", "--json")
    assert (consent.code, consent.json["code"]) == (1, "no-registered-protest")
    legal = terminal.type("legal", late.case, "--json")
    assert (legal.code, legal.json["code"]) == (1, "no-dossier")


def test_a_dossier_that_is_damaged_is_found_out(terminal: Any, late: Opened) -> None:
    row = {
        "id": UUID(int=1), "case_id": late.case, "kind": "dossier", "name": "d.zip", "mime": "application/zip",
        "sha256": "0" * 64, "size": 1, "created_at": datetime.now(UTC),
    }  # fmt: skip
    with terminal.engine.begin() as conn:
        conn.execute(DOCUMENT.insert().values(row))
    path = terminal.folder / "state" / "legal" / f"{late.case}.zip"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PK")
    said = terminal.type("legal", late.case, "--json")
    assert (said.code, said.json["path"]) == (1, str(path))
    assert len(said.json["problems"]) == 2


# --- master data -----------------------------------------------------------------------------------------------------
def test_a_token_is_shown_once_and_kept_only_as_its_hash(terminal: Any) -> None:
    said = terminal.type("user", "add", "beto", "--name", "Beto Inventado", "--role", "manager", "--limit", "100")
    token = said.out.split("REGUA_TOKEN=")[1].strip()
    assert len(token) >= 40
    users = terminal.type("user", "list", "--json")
    assert [user["id"] for user in users.json] == ["ana", "beto"]
    assert token not in users.out
    assert terminal.type("user", "add", "beto", "--name", "B", "--role", "clerk").code == 1
    assert terminal.type("user", "add", "Beto!", "--name", "B", "--role", "clerk").code == 1
    assert terminal.type("user", "add", "caio", "--name", "C", "--role", "king").code == 1


def test_two_people_never_share_a_token(terminal: Any) -> None:
    with terminal.engine.begin() as conn:
        tokens = {add_user(conn, f"p{n}", "P", ["clerk"], Decimal(0)) for n in range(20)}
    assert len(tokens) == 20


def test_creditors_are_listed_with_their_open_cases(terminal: Any, late: Opened) -> None:
    (found,) = terminal.type("creditor", "list", "--json").json
    assert (found["code"], found["open_cases"]) == ("credora", 1)
    assert terminal.type("creditor", "add", terminal.folder / "none.yaml").code == 1


# --- the program -----------------------------------------------------------------------------------------------------
def test_help_is_quick_and_usage_errors_end_with_2(terminal: Any) -> None:
    assert terminal.type("--help").code == 0
    assert terminal.type("no-such-command").code == 2
    assert terminal.type("outlook", "--days", "many").code == 2


def test_help_loads_nothing_slow() -> None:
    slow = "[name for name in ('sqlalchemy', 'temporalio') if name in sys.modules]"
    code = f"import sys; from starter.__main__ import build; build(); print({slow})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]", done.stderr


def test_a_database_that_is_away_is_one_sentence(terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGUA_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/regua")
    said = terminal.type("cases")
    assert (said.code, said.err.strip().count("\n")) == (1, 0)
    assert "does not answer" in said.err


def test_a_setting_that_does_not_exist_is_refused(terminal: Any) -> None:
    (terminal.folder / ".env").write_text("REGUA_DATABASE_ULR=x\n")
    said = terminal.type("cases")
    assert (said.code, "REGUA_DATABASE_URL" in said.err) == (1, True)


def test_doctor_finds_what_is_missing(terminal: Any) -> None:
    said = terminal.type("doctor", "--json")
    found = {check["what"]: check["state"] for check in said.json}
    assert said.code == 1
    assert (found["PostgreSQL"], found["migrations"], found["clock"]) == ("ok", "ok", "missing")
    assert (found["Temporal"], found["SMS"]) == ("missing", "off")
    fixed = {check["what"]: check["state"] for check in terminal.type("doctor", "--fix", "--json").json}
    assert fixed["clock"] == "ok"

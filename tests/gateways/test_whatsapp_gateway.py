"""WhatsApp through Twilio's APIs, over real HTTP: templates, their approval, messages made from them."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import BadAddress, BadInput, Misconfigured, Permanent, Unavailable, Unknown
from gateways.whatsapp import Approval, Template, TwilioTemplates, TwilioWhatsApp, WhatsApp, check_message, render
from sandbox.server import Sandbox
from sandbox.state import TWILIO_SID, TWILIO_TOKEN
from sandbox.twilio_messages import _variables

OURS = "+551130000000"
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
REMINDER = Template(
    "atraso_cordial",
    "Olá, {{1}}. A fatura {{2}} da Credora Fictícia espera por você. Referência {{3}}, se quiser responder.",
    {"1": "Fulana", "2": "1001", "3": "K7Q2M"},
    (("pagar", "Quero pagar"), ("paguei", "Já paguei")),
)
NAMES = (f"modelo_{number}" for number in count())


@pytest.fixture
def gateway(sandbox: Sandbox) -> TwilioWhatsApp:
    return TwilioWhatsApp(TWILIO_SID, TWILIO_TOKEN, sandbox.url, timeout=5.0)


@pytest.fixture
def templates(sandbox: Sandbox) -> TwilioTemplates:
    return TwilioTemplates(TWILIO_SID, TWILIO_TOKEN, sandbox.url, timeout=5.0)


@pytest.fixture(scope="module")
def approved(served: Sandbox) -> str:
    templates = TwilioTemplates(TWILIO_SID, TWILIO_TOKEN, served.url)
    sid = templates.create(REMINDER)
    templates.request_approval(sid, REMINDER.name)
    wait_for(templates, sid, "approved")
    return sid


def wait_for(templates: TwilioTemplates, sid: str, status: str) -> Approval:
    deadline = time.monotonic() + 10
    while (approval := templates.approval(sid)).status != status:
        assert time.monotonic() < deadline, approval
        time.sleep(0.01)
    return approval


def message(sid: str, ref: str = "K7Q2M", to: str = "+5511900000001") -> WhatsApp:
    variables = {"1": "Fulana", "2": "1001", "3": ref}
    text = render(REMINDER.body, variables)
    return WhatsApp("01SEND", ref, OURS, to, sid, variables, text, "http://127.0.0.1:9/webhooks/twilio?origem=regua")


def outcome(sandbox: Sandbox, provider_id: str, *statuses: str) -> tuple[str, str | None]:
    """What became of a message, once it has one of the statuses."""
    deadline = time.monotonic() + 10
    while True:
        row = sandbox.state.entries("twilio", "whatsapp", "provider_id = ?", provider_id)[0]
        if row["status"] in statuses:
            return row["status"], row["data"].get("error")
        assert time.monotonic() < deadline, row
        time.sleep(0.01)


class TestSending:
    """A message made from an approved template."""

    def test_it_is_at_the_provider_as_the_debtor_reads_it(
        self, sandbox: Sandbox, gateway: TwilioWhatsApp, approved: str
    ) -> None:
        accepted = gateway.send(message(approved))
        entry = sandbox.log()[-1]
        assert entry["provider_id"] == accepted.provider_id
        assert (entry["kind"], entry["send_id"]) == ("whatsapp", "01SEND")
        assert (entry["to"], entry["from"]) == ("whatsapp:+5511900000001", f"whatsapp:{OURS}")
        assert entry["body"] == message(approved).text
        assert outcome(sandbox, accepted.provider_id, "delivered") == ("delivered", None)

    def test_it_goes_out_as_a_template_never_as_a_plain_body(
        self, sandbox: Sandbox, gateway: TwilioWhatsApp, approved: str
    ) -> None:
        gateway.send(message(approved))
        data = sandbox.state.entry(sandbox.log()[-1]["id"])["data"]
        assert data["content"] == approved
        assert data["variables"] == '{"1": "Fulana", "2": "1001", "3": "K7Q2M"}'
        assert data["callback"].endswith("?origem=regua&send_id=01SEND")

    def test_a_messaging_service_may_send_it(self, gateway: TwilioWhatsApp, approved: str) -> None:
        service = "MG" + "1f" * 16
        start = datetime.now(UTC)
        accepted = gateway.send(replace(message(approved, "MSG42"), sender=service))
        found = gateway.find("MSG42", service, "+5511900000001", start)
        assert found is not None
        assert found.provider_id == accepted.provider_id

    @pytest.mark.parametrize(
        ("fate", "status", "code"),
        [
            ("read", "read", None),
            ("invalid", "undelivered", "63024"),
            ("opted_out", "undelivered", "63014"),
            ("undelivered:63018", "undelivered", "63018"),
        ],
    )
    def test_whatsapp_says_later_what_became_of_it(
        self, sandbox: Sandbox, gateway: TwilioWhatsApp, approved: str, fate: str, status: str, code: str | None
    ) -> None:
        sandbox.fate("whatsapp:+5511900000031", fate)
        accepted = gateway.send(message(approved, to="+5511900000031"))
        assert outcome(sandbox, accepted.provider_id, "read", "undelivered", "failed") == (status, code)

    def test_a_template_that_is_not_approved_opens_no_conversation(
        self, sandbox: Sandbox, gateway: TwilioWhatsApp, templates: TwilioTemplates
    ) -> None:
        sid = templates.create(replace(REMINDER, name=next(NAMES)))
        accepted = gateway.send(message(sid, to="+5511900000032"))
        assert outcome(sandbox, accepted.provider_id, "failed") == ("failed", "63016")

    def test_within_a_day_of_a_reply_it_needs_no_approval(
        self, sandbox: Sandbox, gateway: TwilioWhatsApp, templates: TwilioTemplates
    ) -> None:
        sandbox.reply(sender="+5511900000033", to=OURS, body="oi", channel="whatsapp", url="http://127.0.0.1:9/")
        sid = templates.create(replace(REMINDER, name=next(NAMES)))
        accepted = gateway.send(message(sid, to="+5511900000033"))
        assert outcome(sandbox, accepted.provider_id, "delivered", "failed") == ("delivered", None)

    def test_an_unknown_template_is_refused(self, gateway: TwilioWhatsApp) -> None:
        with pytest.raises(Permanent) as caught:
            gateway.send(message("HX" + "00" * 16))
        assert caught.value.code == "21655"

    @pytest.mark.parametrize(
        ("status", "code", "error"),
        [
            (400, "21211", BadAddress),
            (400, "63003", BadAddress),
            (400, "63007", Misconfigured),
            (400, "63016", Permanent),
            (400, "63013", Permanent),
            (429, "63018", Unavailable),
            (429, "20429", Unavailable),
            (500, "63018", Unknown),
        ],
    )
    def test_each_refusal_says_what_is_to_blame(
        self, sandbox: Sandbox, gateway: TwilioWhatsApp, approved: str, status: int, code: str, error: type[Exception]
    ) -> None:
        sandbox.fault("fail", status=status, code=code, times=1)
        with pytest.raises(error) as caught:
            gateway.send(message(approved))
        assert type(caught.value) is error
        assert vars(caught.value)["code"] == code
        assert "5511900000001" not in str(caught.value)

    def test_a_sender_that_is_no_whatsapp_number_is_our_fault(self, sandbox: Sandbox, approved: str) -> None:
        account = TwilioWhatsApp(TWILIO_SID, TWILIO_TOKEN, sandbox.url)._account
        plain = {"to": "whatsapp:+5511900000001", "from_": OURS, "content_sid": approved}
        with pytest.raises(Misconfigured) as caught:
            account.call(lambda client: client.messages.create(**plain))
        assert caught.value.code == "63007"


class TestVariables:
    """What WhatsApp would refuse is refused here, before a call, with a sentence."""

    @pytest.mark.parametrize(
        ("value", "found"),
        [
            ("", "empty"),
            ("   ", "empty"),
            (None, "empty"),
            ("uma\nlinha", "a line break or tab"),
            ("tab\tulado", "a line break or tab"),
            ("a     b", "more than four spaces in a row"),
            ("a" * 1025, "1025 characters"),
        ],
    )
    def test_a_variable_that_the_channel_cannot_take_is_refused_without_a_call(
        self, sandbox: Sandbox, gateway: TwilioWhatsApp, approved: str, value: str, found: str
    ) -> None:
        before = len(sandbox.log())
        variables = {"1": "Fulana", "2": value, "3": "K7Q2M"}
        with pytest.raises(Permanent, match="variable 2") as caught:
            gateway.send(replace(message(approved), variables=variables))
        assert caught.value.code == "21656"
        assert found in str(caught.value)
        assert len(sandbox.log()) == before

    def test_a_text_that_becomes_too_long_is_refused(self, gateway: TwilioWhatsApp, approved: str) -> None:
        with pytest.raises(Permanent, match="text: 1025 characters"):
            gateway.send(replace(message(approved), text="a" * 1025))

    def test_a_message_that_could_not_be_found_again_is_refused(self, gateway: TwilioWhatsApp, approved: str) -> None:
        with pytest.raises(Permanent, match="none holds the reference"):
            gateway.send(replace(message(approved), short_ref="OTHER"))

    @given(st.text(max_size=60))
    def test_the_refusal_never_repeats_what_the_variable_holds(self, value: str) -> None:
        secret = f"12345678909{value}"
        faults = check_message(replace(message("HX"), variables={"1": secret, "3": "K7Q2M"}))
        assert all(secret not in str(fault) for fault in faults)

    @given(st.text(alphabet="abc 1.,\n\t", max_size=40))
    def test_what_passes_here_passes_at_the_provider(self, value: str) -> None:
        """The sandbox has the provider's rule, written apart from ours."""
        variables = {"1": value, "3": "K7Q2M"}
        faults = check_message(replace(message("HX"), variables=variables))
        assert (not faults) == (_variables({"ContentVariables": json.dumps(variables)}) is not None)


class TestLookUp:
    """A call whose answer was lost is found in the provider's records."""

    @pytest.mark.parametrize("effect", ["accept_then_fail", "accept_then_drop"])
    def test_a_message_whose_answer_was_lost_is_found_by_its_short_ref(
        self, sandbox: Sandbox, gateway: TwilioWhatsApp, approved: str, effect: str
    ) -> None:
        start, ref = datetime.now(UTC), effect[-4:].upper() + "8"
        sandbox.fault(effect, match={"kind": "whatsapp"}, times=1)
        with pytest.raises(Unknown):
            gateway.send(message(approved, ref))
        found = gateway.find(ref, OURS, "+5511900000001", start)
        assert found is not None
        assert found.provider_id == sandbox.log()[-1]["provider_id"]

    def test_a_time_out_leaves_the_outcome_unknown_until_it_is_looked_up(self, sandbox: Sandbox, approved: str) -> None:
        hasty = TwilioWhatsApp(TWILIO_SID, TWILIO_TOKEN, sandbox.url, timeout=0.3)
        start = datetime.now(UTC)
        sandbox.fault("accept_then_hold", times=1)
        with pytest.raises(Unknown):
            hasty.send(message(approved, "HELD5"))
        sandbox.release()
        assert hasty.find("HELD5", OURS, "+5511900000001", start) is not None

    def test_records_that_lag_show_nothing_at_first(
        self, sandbox: Sandbox, gateway: TwilioWhatsApp, approved: str
    ) -> None:
        sandbox.lag(0.4)
        start = datetime.now(UTC)
        accepted = gateway.send(message(approved, "LAGS4"))
        assert gateway.find("LAGS4", OURS, "+5511900000001", start) is None
        time.sleep(0.5)
        assert gateway.find("LAGS4", OURS, "+5511900000001", start) == accepted

    def test_what_was_never_accepted_or_is_another_message_is_not_found(
        self, sandbox: Sandbox, gateway: TwilioWhatsApp, approved: str
    ) -> None:
        sandbox.fault("fail", status=503, times=1)
        with pytest.raises(Unknown):
            gateway.send(message(approved, "NEVER"))
        assert gateway.find("NEVER", OURS, "+5511900000001", EPOCH) is None
        gateway.send(message(approved, "THERE"))
        assert gateway.find("THERE", OURS, "+5511900000099", EPOCH) is None
        later = datetime.now(UTC) + timedelta(hours=1)
        assert gateway.find("THERE", OURS, "+5511900000001", later) is None

    def test_a_record_without_a_text_is_ours_unless_another_contact_has_it(
        self, sandbox: Sandbox, gateway: TwilioWhatsApp, approved: str
    ) -> None:
        start = datetime.now(UTC)
        accepted = gateway.send(message(approved, "BLANK", to="+5511900000041"))
        with sandbox.state.transaction() as db:
            db.execute("UPDATE entries SET body = '' WHERE provider_id = ?", (accepted.provider_id,))
        found = gateway.find("BLANK", OURS, "+5511900000041", start)
        assert found is not None
        assert found.provider_id == accepted.provider_id
        assert gateway.find("BLANK", OURS, "+5511900000041", start, known={accepted.provider_id}) is None


class TestTemplates:
    """A template is made, approved or rejected, and found again."""

    def test_a_new_template_waits_for_its_approval(self, templates: TwilioTemplates) -> None:
        template = replace(REMINDER, name=next(NAMES))
        sid = templates.create(template)
        assert templates.approval(sid).status == "unsubmitted"
        templates.request_approval(sid, template.name)
        assert templates.approval(sid).status in ("received", "approved")
        assert wait_for(templates, sid, "approved") == Approval("approved", "UTILITY", "")

    def test_a_rejected_template_says_why(self, sandbox: Sandbox, templates: TwilioTemplates) -> None:
        template = replace(REMINDER, name=next(NAMES))
        sandbox.template_fate(template.name, "rejected:TAG_CONTENT_MISMATCH")
        sid = templates.create(template)
        templates.request_approval(sid, template.name)
        assert wait_for(templates, sid, "rejected").reason == "TAG_CONTENT_MISMATCH"

    @pytest.mark.parametrize("effect", ["accept_then_fail", "accept_then_drop"])
    def test_a_template_whose_answer_was_lost_is_found_and_not_made_twice(
        self, sandbox: Sandbox, templates: TwilioTemplates, effect: str
    ) -> None:
        template = replace(REMINDER, name=next(NAMES))
        assert templates.find(template) is None
        sandbox.fault(effect, match={"kind": "content"}, times=1)
        with pytest.raises(Unknown):
            templates.create(template)
        sid = templates.find(template)
        assert sid is not None
        assert templates.approval(sid).status == "unsubmitted"

    def test_a_template_of_the_same_name_and_other_words_is_another_one(self, templates: TwilioTemplates) -> None:
        template = replace(REMINDER, name=next(NAMES))
        templates.create(template)
        assert templates.find(replace(template, body=template.body + " Obrigado.")) is None

    def test_it_is_found_on_any_page(self, templates: TwilioTemplates) -> None:
        template = replace(REMINDER, name=next(NAMES))
        sid = templates.create(template)
        for _ in range(55):
            templates.create(replace(REMINDER, name=next(NAMES), buttons=()))
        assert templates.find(template) == sid

    @pytest.mark.parametrize(
        ("change", "fault"),
        [
            ({"name": "Atraso Cordial"}, "name"),
            ({"body": ""}, "body"),
            ({"body": "a" * 1025, "samples": {}}, "body"),
            ({"body": "Olá, {{1}}, tudo bem com a fatura {{3}} de hoje?", "samples": {"1": "a", "3": "b"}}, "gaps"),
            ({"body": "{{1}}, a sua fatura espera por você.", "samples": {"1": "a"}}, "first or last"),
            ({"body": "A sua fatura é a {{1}}!", "samples": {"1": "a"}}, "first or last"),
            ({"body": "Olá, {{1}} {{2}}, a fatura espera por você.", "samples": {"1": "a", "2": "b"}}, "side by side"),
            ({"body": "Olá, {{1}}, tchau.", "samples": {"1": "a"}}, "words"),
            ({"samples": {"1": "Fulana"}}, "samples"),
            ({"buttons": (("a", "A"), ("b", "B"), ("c", "C"), ("d", "D"))}, "at most 3"),
            ({"buttons": (("a", "Quero pagar tudo agora"),)}, "at most 20"),
            ({"buttons": (("a", ""),)}, "an id and a title"),
        ],
    )
    def test_a_template_that_would_be_rejected_is_refused_with_its_reason(
        self, sandbox: Sandbox, templates: TwilioTemplates, change: dict[str, object], fault: str
    ) -> None:
        before = sandbox.state.rows("SELECT count(*) FROM contents")
        with pytest.raises(BadInput, match=fault):
            templates.create(replace(REMINDER, **change))  # type: ignore[arg-type]
        assert sandbox.state.rows("SELECT count(*) FROM contents") == before


def test_a_free_text_needs_words_and_the_reference_and_fits() -> None:
    free = replace(message(""), content_sid="", variables={}, text="Obrigado. Ref. K7Q2M")
    assert check_message(free) == ()
    assert [fault.where for fault in check_message(replace(free, text="Obrigado."))] == ["text"]
    assert [fault.where for fault in check_message(replace(free, text="Ref. K7Q2M " + "x" * 1600))] == ["text"]


def test_outside_the_24_hours_a_free_text_is_taken_and_then_fails(gateway: TwilioWhatsApp, sandbox: Sandbox) -> None:
    free = replace(message("", to="+5511900000077"), content_sid="", variables={}, text="Obrigado. Ref. K7Q2M")
    found = gateway.send(free)
    assert outcome(sandbox, found.provider_id, "failed") == ("failed", "63016")
    assert gateway.find(free.short_ref, OURS, free.to, EPOCH) == found

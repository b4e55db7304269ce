"""What is encrypted comes back as it was, under the right key only, and a changed byte is refused."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DefaultPayloadConverter
from temporalio.exceptions import ApplicationError

from domain.errors import BadAddress, BadInput
from gateways.codec import KEY_BYTES, Codec, UnreadablePayload, decrypted, is_encrypted, load_codec, new_key
from gateways.keys import Keyring
from gateways.scrub import EncodedFailureConverter
from gateways.settings import Settings

OLD, NEW = bytes(range(KEY_BYTES)), bytes(range(1, KEY_BYTES + 1))
TOLD = Payload(metadata={"encoding": b"json/plain", "messageType": b"Next"}, data=b'{"seq":7,"action":"contact"}')


def codec(current: str = "novo", **keys: bytes) -> Codec:
    return Codec(Keyring(keys or {"velho": OLD, "novo": NEW}, current))


@given(st.binary(max_size=300), st.dictionaries(st.text(max_size=8), st.binary(max_size=20), max_size=3))
def test_every_payload_comes_back_as_it_was(data: bytes, metadata: dict[str, bytes]) -> None:
    payload = Payload(metadata={**metadata, "encoding": b"binary/plain"}, data=data)
    sealed = codec().encrypt(payload)
    assert is_encrypted(sealed)
    assert set(sealed.metadata) == {"encoding", "encryption-cipher", "encryption-key-id"}
    assert len(data) < 4 or data not in sealed.data
    assert codec().decrypt(sealed) == payload


async def test_the_same_payload_is_never_written_twice_alike_and_what_is_plain_passes() -> None:
    one, two = await codec().encode([TOLD, TOLD])
    assert one.data != two.data
    assert await codec().decode([TOLD, one]) == [TOLD, TOLD]
    assert codec().encrypt(one) == one


@pytest.mark.parametrize("place", [0, 11, 12, 30, -1])
def test_a_changed_byte_is_refused(place: int) -> None:
    sealed = codec().encrypt(TOLD)
    changed = bytearray(sealed.data)
    changed[place] ^= 1
    sealed.data = bytes(changed)
    with pytest.raises(UnreadablePayload, match="was changed"):
        codec().decrypt(sealed)


@pytest.mark.parametrize("left", [0, 5, 12, 27])
def test_a_payload_that_was_cut_is_refused(left: int) -> None:
    sealed = codec().encrypt(TOLD)
    sealed.data = sealed.data[:left]
    with pytest.raises(UnreadablePayload, match="was changed"):
        codec().decrypt(sealed)


def test_the_name_of_the_key_is_part_of_what_is_sealed() -> None:
    same = codec("a", a=OLD, b=OLD)
    sealed = same.encrypt(TOLD)
    sealed.metadata["encryption-key-id"] = b"b"
    with pytest.raises(UnreadablePayload, match="'b' was changed"):
        same.decrypt(sealed)


def test_after_a_rotation_old_payloads_are_read_and_new_ones_are_written_under_the_new_key() -> None:
    before = codec("velho", velho=OLD).encrypt(TOLD)
    after = codec()
    assert after.decrypt(before) == TOLD
    assert after.encrypt(TOLD).metadata["encryption-key-id"] == b"novo"


def test_a_key_that_is_not_here_is_named_in_a_sentence() -> None:
    sealed = codec().encrypt(TOLD)
    with pytest.raises(UnreadablePayload, match=r"'novo', which is not among the codec keys here \(velho\)") as missing:
        codec("velho", velho=OLD).decrypt(sealed)
    assert (missing.value.key_id, missing.value.known) == ("novo", False)
    with pytest.raises(UnreadablePayload, match=r"here \(none\)"):
        Codec(None).decrypt(sealed)
    with pytest.raises(BadInput, match="no codec key to write with"):
        Codec(None).encrypt(TOLD)


def test_keys_come_from_a_file_and_the_environment_and_the_last_one_writes(tmp_path: Path) -> None:
    assert load_codec(Settings()) is None
    file = tmp_path / "chaves"
    file.write_text(f"# codec\n2026 {new_key()}\n2027 {new_key()}\n")
    made = load_codec(Settings(codec_key_file=file))
    assert made is not None
    assert made.encrypt(TOLD).metadata["encryption-key-id"] == b"2027"
    later = load_codec(Settings(codec_key_file=file, codec_key=new_key(), codec_key_id="2028"))
    assert later is not None
    assert later.encrypt(TOLD).metadata["encryption-key-id"] == b"2028"
    assert later.decrypt(made.encrypt(TOLD)) == TOLD
    file.write_text("2026 curta\n")
    with pytest.raises(BadInput, match="REGUA_CODEC_KEY_FILE, line 1: a codec key is 32 bytes in base64"):
        load_codec(Settings(codec_key_file=file))
    with pytest.raises(BadInput, match="cannot be read"):
        load_codec(Settings(codec_key_file=tmp_path / "nada"))


def test_every_payload_of_a_history_is_opened_wherever_it_stands() -> None:
    event, seal = HistoryEvent(event_id=3), codec().encrypt
    started = event.workflow_execution_started_event_attributes
    started.input.CopyFrom(Payloads(payloads=[seal(TOLD)]))
    started.memo.fields["m"].CopyFrom(seal(TOLD))
    started.header.fields["h"].CopyFrom(seal(TOLD))
    started.continued_failure.cause.encoded_attributes.CopyFrom(seal(TOLD))
    event.user_metadata.summary.CopyFrom(seal(TOLD))
    marker = HistoryEvent(event_id=4)
    marker.marker_recorded_event_attributes.details["result"].CopyFrom(Payloads(payloads=[seal(TOLD)]))
    bare = HistoryEvent(event_id=5)
    first, second, third = decrypted([event, marker, bare], codec())
    begun = first.workflow_execution_started_event_attributes
    assert [*begun.input.payloads, begun.memo.fields["m"], begun.header.fields["h"], first.user_metadata.summary] == [
        TOLD
    ] * 4
    assert begun.continued_failure.cause.encoded_attributes == TOLD
    assert second.marker_recorded_event_attributes.details["result"].payloads[0] == TOLD
    assert third is bare
    assert is_encrypted(event.user_metadata.summary)  # the history as it was read stays as it was


def test_a_failure_shows_its_class_but_its_code_only_to_who_has_the_key() -> None:
    converter, payloads, failure = EncodedFailureConverter(), DefaultPayloadConverter(), Failure()
    error = BadAddress("21614", "the number +5511900000001 does not exist")
    converter.to_failure(error, payloads, failure)
    assert failure.message == "Encoded failure"
    assert b"+55" not in failure.SerializeToString()
    told = converter.from_failure(failure, payloads)
    assert isinstance(told, ApplicationError)
    assert (told.type, told.message) == ("BadAddress", "BadAddress 21614")
    again = Failure()
    converter.to_failure(told, payloads, again)
    assert again.message == "Encoded failure"
    assert payloads.from_payload(again.encoded_attributes)["message"] == "BadAddress 21614"


def test_a_payload_costs_some_microseconds() -> None:
    made, payload = codec(), Payload(metadata={"encoding": b"json/plain"}, data=b"x" * 400)
    began = time.perf_counter()
    for _ in range(1000):
        made.decrypt(made.encrypt(payload))
    assert time.perf_counter() - began < 1.0  # one millisecond for both ways, many times what it takes

"""The codec endpoint, spoken to as Temporal's screens do from a browser."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from starlette.testclient import TestClient
from temporalio.api.common.v1 import Payload

from domain.errors import BadInput
from gateways.codec import Codec, new_key
from gateways.keys import Keyring
from gateways.settings import Settings
from starter.codec_server import LIMIT, create_app, prepare

SCREENS, TOKEN = "http://127.0.0.1:8233", "token-of-twenty-chars"
CODEC = Codec(Keyring({"um": b"k" * 32}, "um"))
TOLD = Payload(metadata={"encoding": b"json/plain"}, data=b'{"seq":1}')


def as_json(payload: Payload) -> dict[str, Any]:
    def text(value: bytes) -> str:
        return base64.b64encode(value).decode()

    return {"metadata": {key: text(value) for key, value in payload.metadata.items()}, "data": text(payload.data)}


def ask(path: str, payloads: list[Any], token: str = TOKEN, **headers: str) -> Any:
    with TestClient(create_app(CODEC, [SCREENS], token)) as client:
        return client.post(path, json={"payloads": payloads}, headers={"X-Namespace": "default", **headers})


def test_the_screens_ask_for_leave_first_and_are_given_it_for_their_own_address_only() -> None:
    wish = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,x-namespace",
    }
    with TestClient(create_app(CODEC, [SCREENS], TOKEN)) as client:
        granted = client.options(f"/{TOKEN}/decode", headers={"Origin": SCREENS, **wish})
        assert granted.status_code == 200
        assert granted.headers["Access-Control-Allow-Origin"] == SCREENS
        assert "x-namespace" in granted.headers["Access-Control-Allow-Headers"].lower()
        refused = client.options(f"/{TOKEN}/decode", headers={"Origin": "https://example.com", **wish})
        assert "Access-Control-Allow-Origin" not in refused.headers


def test_payloads_are_opened_in_their_order_and_plain_ones_pass() -> None:
    answer = ask(f"/{TOKEN}/decode", [as_json(CODEC.encrypt(TOLD)), as_json(TOLD)], Origin=SCREENS)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == SCREENS
    assert answer.json() == {"payloads": [as_json(TOLD), as_json(TOLD)]}


def test_what_the_screens_send_to_a_workflow_is_encrypted_first() -> None:
    answer = ask("/encode", [as_json(TOLD)], Authorization=f"Bearer {TOKEN}", Origin=SCREENS)
    [sealed] = answer.json()["payloads"]
    assert base64.b64decode(sealed["metadata"]["encoding"]) == b"binary/encrypted"
    assert ask("/decode", [sealed], Authorization=f"Bearer {TOKEN}").json() == {"payloads": [as_json(TOLD)]}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/decode", {}),
        ("/wrong-token-of-twenty/decode", {}),
        ("/decode", {"Authorization": "Bearer wrong"}),
        (f"/{TOKEN}/decode", {"Origin": "https://example.com"}),
        (f"/{TOKEN}/decode", {"Origin": "null"}),
    ],
)
def test_nobody_reads_without_the_token_or_from_a_strange_page(path: str, headers: dict[str, str]) -> None:
    assert ask(path, [as_json(CODEC.encrypt(TOLD))], **headers).status_code == 403


def test_what_cannot_be_opened_is_refused_in_a_sentence() -> None:
    strange = Codec(Keyring({"dois": b"z" * 32}, "dois")).encrypt(TOLD)
    answer = ask(f"/{TOKEN}/decode", [as_json(strange)])
    assert answer.status_code == 400
    assert "under the key 'dois', which is not among the codec keys here (um)" in answer.json()["detail"]
    with TestClient(create_app(CODEC, [SCREENS], "")) as client:
        assert client.post("/decode", content=b"payloads").status_code == 400
        assert client.post("/decode", content=b"x" * (LIMIT + 1)).status_code == 413
        assert client.get("/decode").status_code == 405


def test_it_is_never_open_to_the_network_without_a_token() -> None:
    everywhere = "0.0.0.0"  # noqa: S104 (that is what is refused)
    with pytest.raises(BadInput, match="no codec key"):
        prepare(Settings())
    with pytest.raises(BadInput, match="anybody could"):
        prepare(Settings(codec_key=new_key(), bind=everywhere))
    with pytest.raises(BadInput, match="shorter than 16"):
        prepare(Settings(codec_key=new_key(), codec_token="curto"))
    assert prepare(Settings(codec_key=new_key())).title == "Régua codec"
    assert prepare(Settings(codec_key=new_key(), codec_token=TOKEN, bind=everywhere)).title == "Régua codec"


def test_a_key_is_made_for_the_file_or_the_environment(terminal: Any) -> None:
    line = terminal.type("codec", "key", "new", "2027-01").out.split()
    assert (line[0], len(base64.b64decode(line[1]))) == ("2027-01", 32)
    assert len(base64.b64decode(terminal.type("codec", "key", "new").out)) == 32
    assert terminal.type("codec", "key", "new", "a b").code == 2

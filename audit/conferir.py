"""Confere uma exportação de caso da Régua. Basta o Python 3.8 ou mais novo; nada precisa ser instalado.

    python3 conferir.py              na pasta em que o ZIP foi aberto
    python3 conferir.py CASO.zip     ou no próprio ZIP
    python3 conferir.py CASO.zip --ancora ANCORA.json

Confere: o SHA-256 de cada arquivo do manifesto; a corrente do livro, registro por registro; as instruções de cada
histórico contra as decisões do livro; e, com uma âncora guardada fora do sistema, que ela está inteira (a raiz é a das
suas cabeças) e que o livro é o mesmo daquele dia.
Termina com 0 se tudo confere, com 1 se algo difere, com 2 se não há o que conferir.
"""

# ruff: noqa: T201, UP006, UP035  (it must run on old Pythons too)
from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any, Dict, Iterator

Json = Dict[str, Any]
MANIFEST, BOOK, INDEX = "manifest.json", "livro.jsonl", "historicos.json"
HASHED = (
    "case_id", "seq", "kind", "body", "cause", "actor", "business_at", "recorded_at", "rules_version",
)  # fmt: skip
DECIDING = {"decide", "contact", "notice", "protest", "legal"}
DECIDED = ("seq", "action", "step", "attempt", "not_before", "reason", "stage")


def read_all(source: Path) -> dict[str, bytes]:
    """Every file of the export, by name."""
    if source.is_dir():
        files = sorted(path for path in source.rglob("*") if path.is_file())
        return {path.relative_to(source).as_posix(): path.read_bytes() for path in files}
    with zipfile.ZipFile(source) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def check_manifest(files: dict[str, bytes]) -> list[str]:
    """Files that are missing, were added, or are not what the manifest says."""
    wanted = json.loads(files[MANIFEST])["files"]
    faults = [f"{name}: não está no manifesto; foi acrescentado" for name in files if name not in {*wanted, MANIFEST}]
    for name, digest in wanted.items():
        if name not in files:
            faults.append(f"{name}: está no manifesto, mas falta")
        elif hashlib.sha256(files[name]).hexdigest() != digest:
            faults.append(f"{name}: o SHA-256 não é o do manifesto; foi alterado")
    return faults


def check_chain(book: list[Json]) -> list[str]:
    """Entries whose hash does not follow from their content and the entry before."""
    faults, previous = [], ""
    for number, entry in enumerate(book, 1):
        values = [previous, *(entry[name] for name in HASHED)]
        text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        if entry["seq"] != number:
            faults.append(f"livro, registro {number}: falta ou está fora de lugar (consta o {entry['seq']})")
        elif entry["previous_hash"] != previous:
            faults.append(f"livro, registro {number}: não continua o registro anterior")
        elif hashlib.sha256(text.encode()).hexdigest() != entry["hash"]:
            faults.append(f"livro, registro {number}: foi alterado, o hash não corresponde ao conteúdo")
        previous = entry["hash"]
    return faults


def check_head(files: dict[str, bytes], book: list[Json]) -> list[str]:
    """The end of the book as the manifest knows it."""
    manifest, last = json.loads(files[MANIFEST]), book[-1] if book else {"seq": 0, "hash": ""}
    same = (manifest["ledger_seq"], manifest["ledger_head"]) == (last["seq"], last["hash"])
    return [] if same else [f"livro: termina no registro {last['seq']}; o manifesto diz {manifest['ledger_seq']}"]


# --- históricos ------------------------------------------------------------------------------------------------------
def decoded(payloads: list[Json]) -> Json:
    """The JSON of a payload."""
    found: Json = json.loads(base64.b64decode(payloads[0]["data"]))
    return found


def instructions(history: Json) -> Iterator[Json]:
    """Every instruction that stands in a history as the result of an activity."""
    types: Json = {}
    for event in history["events"]:
        scheduled = event.get("activityTaskScheduledEventAttributes")
        completed = event.get("activityTaskCompletedEventAttributes")
        marker = event.get("markerRecordedEventAttributes")
        if scheduled:
            types[event["eventId"]] = scheduled["activityType"]["name"]
        elif completed and types.get(completed["scheduledEventId"]) in DECIDING:
            yield decoded(completed["result"]["payloads"])
        elif marker and marker["markerName"] == "core_local_activity" and "failure" not in marker:
            yield decoded(marker["details"]["result"]["payloads"])


def check_histories(files: dict[str, bytes], book: list[Json]) -> list[str]:
    """Instructions of the histories that are not the decisions of the book."""
    decided: dict[Any, Json] = {}
    generation = 0
    for entry in book:
        if entry["kind"] == "decided":
            generation += entry["body"]["seq"] == 1
            decided[generation, entry["body"]["seq"]] = entry
    faults = []
    numbers = {row["generation"]: n for n, row in enumerate(_first_parts(files), 1)}
    for row in json.loads(files.get(INDEX, b"[]")):
        history = json.loads(files[row["file"]])
        for order in instructions(history):
            held = decided.get((numbers[row["generation"]], order["seq"]))
            if held is None:
                faults.append(f"{row['file']}: a instrução {order['seq']} não está no livro")
            elif any(held["body"].get(name) != order.get(name) for name in DECIDED):
                faults.append(f"livro, registro {held['seq']}: não é a instrução {order['seq']} de {row['file']}")
    return faults


def _first_parts(files: dict[str, bytes]) -> list[Json]:
    rows = json.loads(files.get(INDEX, b"[]"))
    return sorted((row for row in rows if row["part"] == 1), key=lambda row: row["generation"])


# --- âncora ----------------------------------------------------------------------------------------------------------
def read_anchor(path: Path) -> Json:
    """An anchor from its file. Raises `ValueError` where it is none."""
    anchor = json.loads(path.read_bytes())
    if not isinstance(anchor, dict) or not {"regua_anchor", "root", "heads", "archived"} <= set(anchor):
        raise ValueError("não é uma âncora")
    return anchor


def root_of(anchor: Json) -> str:
    """The Merkle root (RFC 6962, SHA-256) of an anchor's heads and archives."""
    leaves = [":".join(map(str, row)) for row in anchor["heads"] + anchor["archived"]]
    level = [hashlib.sha256(b"\x00" + leaf.encode()).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [level[n : n + 2] for n in range(0, len(level), 2)]
        level = [hashlib.sha256(b"\x01" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0].hex() if level else hashlib.sha256(b"").hexdigest()


def check_anchor(name: str, anchor: Json, book: list[Json]) -> list[str]:
    """Is the anchor whole, and the head that it knows of this case still in the book?"""
    if root_of(anchor) != anchor["root"]:
        return [f"{name}: a âncora foi alterada: as cabeças não dão a raiz que ela guarda"]
    heads = {case: (seq, digest) for case, seq, digest in anchor["heads"]}
    seq, digest = heads.get(book[0]["case_id"], (0, ""))
    if not seq:
        return [f"{name}: não conhece este caso"]
    if seq > len(book):
        return [f"livro: na âncora ia até o registro {seq}; aqui termina no {len(book)}: o fim foi cortado"]
    if book[seq - 1]["hash"] != digest:
        return [f"livro, registro {seq}: na âncora tinha outro hash; a corrente foi reescrita nele ou antes dele"]
    return []


def check(files: dict[str, bytes], anchor: Path | None) -> int:
    """Check all and report; raises where something cannot be read at all."""
    book = [json.loads(line) for line in files[BOOK].decode("utf-8").splitlines()]
    faults = check_manifest(files) + check_chain(book) + check_head(files, book) + check_histories(files, book)
    faults += check_anchor(anchor.name, read_anchor(anchor), book) if anchor and book else []
    print("\n".join(faults) if faults else f"tudo confere: {len(files)} arquivos, {len(book)} registros do livro")
    return 1 if faults else 0


def main(arguments: list[str]) -> int:
    """Read what the command line names, check and report."""
    anchor = None
    if "--ancora" in arguments:
        place = arguments.index("--ancora")
        if len(arguments) <= place + 1:
            print("--ancora: falta o arquivo; indique a âncora que foi guardada fora do sistema")
            return 2
        anchor = Path(arguments[place + 1])
        del arguments[place : place + 2]
    source = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    try:
        files = read_all(source)
        if MANIFEST not in files or BOOK not in files:
            print(f"{source}: não há {MANIFEST} e {BOOK} aqui; indique o ZIP ou a pasta da exportação")
            return 2
        return check(files, anchor)
    except (OSError, ValueError, LookupError, zipfile.BadZipFile) as error:
        print(f"não pôde ser lido ({type(error).__name__}: {error}); confira os arquivos que indicou")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Every command that takes a file, on files that are none: one sentence, status 2, and never a traceback.

In this process and through the entry point itself, so that what a person or a program sees is what is
judged: standard error, the status, and with `--json` one object on standard output.
"""

import gzip
import inspect
import json
import os
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from hemline.model.errors import BadInput
from tests.harness.functions import ROOT
from workbench import cli
from workbench.laptop import Running
from workbench.receipts import locate

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("stack")]

GOOD = str(ROOT / "workbench/demo/site.yaml")
ONE_CLICK = b"""
{"event":"item","id":"a","timestamp":"1","item":"m1","fields":[]}
{"event":"item","id":"b","timestamp":"1","item":"m2","fields":[]}
{"event":"ranking","id":"r","timestamp":"2","user":"u","items":[{"id":"m1"},{"id":"m2"}]}
{"event":"interaction","id":"c","timestamp":"3","user":"u","item":"m2","type":"click","ranking":"r"}
"""
BAD_INVOICES = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,12345,BAG,1,yesterday,2.5,1,France
2,12345,BAG,inf,2011-09-01 10:00:00,1,1,France
3,12345
"""


CONTENTS: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n \n\n",
    "zeros": b"\0" * 4096,
    "binary": bytes(range(256)) * 64,
    "half a gzip": gzip.compress(os.urandom(5000))[:2000],
    "other JSON": b'{"a": [1, 2, {"b": null}]}\n',
    "no objects": b'[]\n1\nnull\n"x"\n',
    "deep JSON": b"[" * 100_000,
    "other CSV": b"a,b,c\n1,2,3\n4,5\n6,7,8,9\n",
    "not UTF-8": "id,title\n1,caf\xe9\n".encode("latin-1"),
    "an open quote": b'id,title\n"' + b"x" * 300_000 + b"\n",
    "one click": ONE_CLICK,
    "bad invoices": BAD_INVOICES.encode(),
}
PLACES: dict[str, Callable[[Path], object]] = {
    "missing": lambda _: None,
    "directory": Path.mkdir,
    "link to nowhere": lambda path: path.symlink_to(path.parent / "nowhere"),
    "link to itself": lambda path: path.symlink_to(path),
    # Everybody may open it, and reading fails: whoever runs the tests, root too.
    "unreadable": lambda path: path.symlink_to("/proc/self/mem"),
}
FILES = [*CONTENTS, *PLACES]
TAKE: dict[str, tuple[str, tuple[str, ...]]] = {
    "import ranklens": (".jsonl", ("FILE", "--direct")),
    "import online-retail": (".csv", ("FILE", "--direct")),
    "import items": (".csv", ("FILE", "--direct")),
    "import items, lines": (".jsonl", ("FILE", "--direct")),
    "import events": (".jsonl", ("FILE", "--direct")),
    "site check": (".yaml", ("FILE",)),
    "site check, items": (".csv", (GOOD, "--items", "FILE")),
    "site show": (".yaml", ("FILE",)),
    "site diff": (".yaml", ("FILE", GOOD)),
    "site diff, new": (".yaml", (GOOD, "FILE")),
    "site diff, events": (".jsonl", (GOOD, GOOD, "--events", "FILE")),
    "publish": (".yaml", ("--site-file", "FILE")),
    "publish, ranker": ("", ("--ranker", "FILE")),
    "evaluate ranklens": (".jsonl", ("FILE",)),
    "evaluate online-retail": (".csv", ("FILE",)),
    "evaluate diversity": (".jsonl", ("FILE",)),
    "evaluate newcomers": (".jsonl", ("FILE",)),
    "train": (".jsonl", ("--events", "FILE")),
    "train, out": ("", ("--events", GOOD, "--out", "FILE")),
    "simulate": ("", ("--visitors", "1", "--days", "1", "--out", "FILE/x")),
    "replay": (".csv", ("--all", "--decisions", "10", "--data", "FILE")),
}
"""Command → its file's ending and its arguments."""
LEARN = {"evaluate", "train", "replay"}
"""What none of these files holds anything for: a bad call, each time."""
REQUEST = {"explain", "replay", "why-not", "what-if"}
"""Of these `--request` is read after the token, by one function; see the last test but one."""


def a_file(folder: Path, kind: str, suffix: str) -> Path:
    path = folder / f"x{suffix}"
    if kind in CONTENTS:
        path.write_bytes(CONTENTS[kind])
    else:
        PLACES[kind](path)
    return path


class Said(typing.NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    def run(*arguments: str) -> Said:
        status = cli.call(arguments)
        return Said(status, *capsys.readouterr())

    return run


@pytest.mark.parametrize("command", TAKE)
def test_a_file_that_is_none_ends_in_a_sentence(
    say: Callable[..., Said], tmp_path: Path, command: str
) -> None:
    # One test a command, not one a file: its stores are made once.
    wrong = {kind: why for kind in FILES if (why := _fault(say, tmp_path / kind, command, kind))}
    assert wrong == {}


def _fault(say: Callable[..., Said], folder: Path, command: str, kind: str) -> str:
    """What is wrong with what is said of one file; nothing when all is well."""
    folder.mkdir()
    suffix, arguments = TAKE[command]
    file = str(a_file(folder, kind, suffix))
    name = command.partition(",")[0].split()
    whole = [*name, *(one.replace("FILE", file) for one in arguments)]
    plain, machine = say(*whole), say(*whole, "--json")
    statuses = {plain.status, machine.status}
    if len(statuses) > 1 or not statuses <= ({2} if name[0] in LEARN else {0, 1, 2}):
        return f"status {statuses}"
    if "Traceback" in plain.err + machine.err or (plain.status and not (plain.err or plain.out)):
        return plain.err + machine.err or "nothing is said"
    if machine.status == 2:
        refusal = json.loads(machine.out)
        if refusal["status"] != 2 or refusal["error"] not in machine.err:
            return machine.out + machine.err
    return ""


def test_a_disk_that_is_full_is_a_sentence_too(say: Callable[..., Said]) -> None:
    said = say("simulate", "--visitors", "50", "--days", "1", "--out", "/dev/full")
    assert (said.status, "No space left" in said.err) == (2, True)


def test_a_stack_whose_stores_do_not_answer_is_a_sentence_too(
    say: Callable[..., Said],
    stack: Running,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("HEMLINE_STATE", str(tmp_path))
    gone = msgspec.structs.replace(stack, cloud="http://127.0.0.1:9")
    (tmp_path / "run.json").write_bytes(msgspec.json.encode(gone))
    for command in ("publish", "sweep", "brake show", "quarantine list", "report variants"):
        said = say(*command.split(), "--json")
        assert (said.status, json.loads(said.out)["status"]) == (1, 1), command


def test_a_bad_call_is_told_to_a_program_as_well(say: Callable[..., Said]) -> None:
    said = say("site", "check", "--no-such-option", "--json")
    assert (said.status, json.loads(said.out)["status"]) == (2, 2)
    said = say("report", "cold", "--at", "foo", "--json")
    assert "2026-12-24" in json.loads(said.out)["error"]
    assert say("site", "check", "--", "--json").out == "", "behind -- it is a name"


def test_the_field_and_the_way_out_stand_apart(say: Callable[..., Said], tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n1,2\n")
    told = json.loads(say("evaluate", "online-retail", str(file), "--json").out)
    assert told["error"].startswith("FILE: has no column InvoiceNo.")
    assert "StockCode" in told["way_out"]
    assert (told["field"], told["status"]) == ("FILE", 2)


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence is for what a caller can mend; a bug keeps its traceback."""

    def broken() -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "build", broken)
    with pytest.raises(ZeroDivisionError):
        cli.call(["publish"])


@pytest.mark.parametrize("kind", FILES)
def test_a_request_that_is_none_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises((BadInput, OSError)):
        locate.request_from_file(a_file(tmp_path, kind, ".json"))


def commands(group: typer.Typer, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for one in group.registered_commands:
        assert one.callback
        name = one.name or one.callback.__name__.rstrip("_").replace("_", "-")
        yield " ".join((*path, name)), one.callback
    for inner in group.registered_groups:
        assert inner.typer_instance
        yield from commands(inner.typer_instance, (*path, str(inner.name)))


def takes_files(callback: Callable[..., Any]) -> bool:
    hints = typing.get_type_hints(callback)
    kinds = [hints[name] for name in inspect.signature(callback).parameters]
    return any(
        kind is Path or (isinstance(kind, types.UnionType) and Path in typing.get_args(kind))
        for kind in kinds
    )


def test_no_command_that_takes_a_file_is_left_out() -> None:
    taking = {name for name, callback in commands(cli.build()) if takes_files(callback)}
    assert len(taking) > 15
    assert taking - {one.partition(",")[0] for one in TAKE} - REQUEST == set()

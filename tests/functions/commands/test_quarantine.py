"""`hemline quarantine` against the emulator's own stores, with records that real ingest put there."""

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import Result

from hemline.learn.profile.fold import decode, state_bytes
from hemline.model.errors import BadInput
from hemline.model.events import event as events
from hemline.usecases.ingest.archive import read_archive
from hemline.usecases.ingest.batch import IngestDeps, ingest_batch
from tests.harness.clouds import Cloud
from tests.harness.commands import hemline, standing
from tests.harness.streams import SITE, delivered, record
from workbench import stores
from workbench.laptop import Running

pytestmark = pytest.mark.cloud
NASTY = b"\xff\x1b[2J junk"


def quarantine(*arguments: str) -> Result:
    return hemline("quarantine", *arguments)


def figures(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(quarantine(*arguments, "--json").stdout)
    return found


@pytest.fixture
def stack(emulator: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    with standing(emulator, tmp_path / "state", monkeypatch, site=SITE) as running:
        _ingest(running)
        yield running


def _ingest(stack: Running) -> None:
    """One good record, one of a later schema, one that is none."""
    later = msgspec.structs.replace(record("v:a", "e2"), schema=events.SCHEMA + 1)
    batch = [delivered(1, record("v:a", "e1")), delivered(2, later), delivered(3, NASTY)]
    with ThreadPoolExecutor(1) as pool:
        deps = IngestDeps(SITE, stores.table(stack), stores.objects(stack), pool)
        result = ingest_batch(batch, deps, time.time_ns() // 1_000_000)
    assert (result.failures, result.counts["quarantined"]) == ((), 2)


def state(stack: Running) -> tuple[bytes, list[str]]:
    stored = stores.table(stack).read_profiles(SITE, ["v:a"])["v:a"]
    archived = read_archive(stores.objects(stack), SITE)
    return state_bytes(decode(stored.blob)), sorted(a.record.event.id for a in archived)


@pytest.mark.usefixtures("stack")
def test_list_and_show_tell_what_is_there_without_harm() -> None:
    later, junk = figures("list")["quarantine"]
    assert (later["sequence"], later["reason"]) == ("00000002", "schema is not one of ours")
    assert junk["size"] == len(NASTY)
    text = quarantine("list").stdout
    assert text.endswith("2 in quarantine\n")
    shown = quarantine("show", junk["key"])
    assert "\\xff\\x1b[2J junk" in shown.stdout
    assert "\x1b" not in text + shown.stdout
    assert base64.b64decode(figures("show", "00000003")["payload"]) == NASTY
    with pytest.raises(BadInput, match="not in quarantine"):
        quarantine("show", "4")


def test_a_replay_after_the_fix_counts_once_and_what_fails_stays(
    stack: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert quarantine("replay", "--all").exit_code == 1, "nothing is fixed yet"
    assert len(figures("list")["quarantine"]) == 2
    monkeypatch.setattr(events, "SCHEMA", events.SCHEMA + 1)
    before = state(stack)
    told = quarantine("replay", "--all", "--dry-run")
    assert (told.exit_code, told.stdout.splitlines()[-1]) == (1, "1 would leave quarantine, 1 stay")
    assert state(stack) == before
    done = figures("replay", "--all")
    assert [one["outcome"] for one in done["records"]] == ["applied", "quarantined"]
    after = state(stack)
    assert after[1] == ["e1", "e2"]
    assert after[0] != before[0]
    assert quarantine("replay", "--all").exit_code == 1
    assert state(stack) == after
    assert [one["sequence"] for one in figures("list")["quarantine"]] == ["00000003"]


def test_a_record_may_be_replayed_alone(stack: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SCHEMA", events.SCHEMA + 1)
    result = quarantine("replay", "00000002")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 left quarantine, 0 stay")
    assert state(stack)[1] == ["e1", "e2"]


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("arguments", [(), ("00000002", "--all")])
def test_what_to_replay_has_to_be_said(arguments: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match="is missing"):
        quarantine("replay", *arguments)

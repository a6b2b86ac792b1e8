"""unmerge, identity show and token against the stores of a stack that runs."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hemline.learn.profile.fold import Profile, encode, fold
from hemline.model.errors import BadInput
from hemline.model.events.event import decode_record
from hemline.model.user_token import keys_of, verify_user_token
from hemline.usecases.people.link import LinkDeps, link
from hemline.usecases.ports import PersonItem
from tests.builders.editions import SITE
from tests.harness.clouds import Cloud
from tests.harness.commands import hemline, standing
from tests.harness.deciding import acts
from workbench import stores
from workbench.laptop import Running

pytestmark = pytest.mark.cloud


@pytest.fixture
def stack(emulator: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """Ann, who signed in on her phone."""
    changes = {"site": SITE, "stream": emulator.make_stream(1), "user_keys": f"1:{'u' * 40}"}
    with standing(emulator, tmp_path, monkeypatch, **changes) as found:
        table = stores.table(found)
        for records in (acts("v:phone", ["p1", "p2"]), acts("u:ann", ["p3"])):
            blob = encode(fold(Profile(), records))
            table.write_profile(SITE, records[0].subject, blob, expected=0)
        link("phone", "ann", LinkDeps(SITE, table, str))
        yield found


def test_who_is_one_person_is_shown_and_taken_back(stack: Running, emulator: Cloud) -> None:
    table = stores.table(stack)
    own = table.read_part(SITE, "u:ann", PersonItem.OWN)
    assert own
    shown = json.loads(hemline("identity", "show", "u:ann", "--json").output)
    assert shown["links"]["visitors"] == ["phone"]
    assert "3 actions kept" in hemline("identity", "show", "u:ann").output
    assert json.loads(hemline("unmerge", "phone", "ann", "--json").output)["merged"] is False
    after = table.read_part(SITE, "u:ann", PersonItem.PROFILE)
    assert after
    assert after.blob == own.blob
    assert json.loads(hemline("identity", "show", "v:phone", "--json").output)["links"] == {
        "from": "table, item links",
        "users": [],
        "taken_back": ["ann"],
    }
    (record,) = [decode_record(data) for _, data in emulator.records(stack.stream)]
    assert record.event.properties["linked"] is False
    assert "unlinked" in hemline("unmerge", "phone", "ann").output
    assert "unlinked" in hemline("unmerge", "v:phone", "u:ann").output


@pytest.mark.usefixtures("stack")
def test_strangers_and_names_that_are_none_are_refused() -> None:
    with pytest.raises(BadInput, match="never linked"):
        hemline("unmerge", "desk", "ann")
    with pytest.raises(BadInput, match="v:VISITOR"):
        hemline("identity", "show", "ann")
    with pytest.raises(BadInput, match="USER: says that it is a visitor"):
        hemline("unmerge", "phone", "v:ann")
    with pytest.raises(BadInput, match="no id"):
        hemline("token", "a b")


def test_a_developer_s_token_is_one_of_the_site_s(stack: Running) -> None:
    text = json.loads(hemline("token", "ann", "--seconds", "60", "--json").output)["token"]
    keys = keys_of(stack.user_keys)
    assert verify_user_token(text, keys, site=SITE, now=int(time.time())) == "ann"
    assert hemline("token", "ann").output.count(".") == 2
    prefixed = hemline("token", "u:ann").output.strip()
    assert verify_user_token(prefixed, keys, site=SITE, now=int(time.time())) == "ann"

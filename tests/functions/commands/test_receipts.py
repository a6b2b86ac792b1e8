"""explain, replay, why-not, what-if and preview against the stores of a stack that runs."""

import json
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from hemline.adapters.onnx.ranker import OnnxRanker
from hemline.decide.page import PageRequest
from hemline.decide.render import reasons
from hemline.model.decision import SlotRequest, Visit
from hemline.model.edition import Pointer
from hemline.model.errors import BadInput, HemlineError, NotAllowed, Unavailable
from hemline.model.events.event import Record, encode_record
from hemline.model.keys import edition_object
from hemline.model.site.rule import Rule
from hemline.model.site.slot import Slot
from hemline.runtime.fragments.preview import pass_of
from hemline.usecases.ingest.batch import IngestDeps, ingest_batch
from hemline.usecases.ingest.read import StreamRecord
from hemline.usecases.serving.decide_page import Deps, decide
from hemline.usecases.serving.editions import LiveEdition
from tests.builders.editions import KEYS, SITE, build_file, catalogue
from tests.builders.rankers import linear
from tests.builders.receipts import Here, signed
from tests.harness.commands import hemline
from tests.harness.deciding import acts, ask
from workbench import stores
from workbench.laptop import Running

pytestmark = pytest.mark.cloud

NOW = time.time_ns() // 1_000_000
SLOTS = [Slot("for-you", limit=4), Slot("shelf", personal=False, sources=("popular",), limit=3)]
RULES = [Rule("no-i1", "block", item="i1")]
ANN = acts("v:ann", ["i1", "i5", "i9"], when=NOW - 60_000)


class Tokens(NamedTuple):
    """Of two fragments that the stack's visitor got."""

    personal: str
    public: str
    long: str
    shown: tuple[str, ...]


@pytest.fixture
def tokens(stack: Running) -> Tokens:
    table, objects = stores.table(stack), stores.objects(stack)
    data, edition = build_file(
        catalogue(24), SLOTS, site_rules=RULES, history=ANN, ranker=linear(own_engaged=1.0)
    )
    objects.put(edition_object(SITE, edition.digest), data)
    pointer = Pointer(edition.digest, NOW).signed(SITE, KEYS[0])
    table.swap_pointer(SITE, pointer, expected=None)
    fold(stack, ANN)
    live = LiveEdition(SITE, objects, OnnxRanker, KEYS)
    live.follow(pointer)
    deps = Deps(SITE, table, live, KEYS, 5.0)

    def made(question: PageRequest) -> dict[str, str]:
        found = decide(question, Visit("v:ann", None), deps, NOW).fragments
        return {name: signed(fragment) for name, fragment in found.items()} | {
            "shown": ",".join(found["for-you"].items)
        }

    page = made(ask("for-you", "shelf"))
    far = made(ask(SlotRequest("for-you"), cart=tuple(f"a-rather-long-id-{n}" for n in range(40))))
    fold(stack, acts("v:ann", ["i20"], "view", NOW))
    shown = tuple(page["shown"].split(","))
    return Tokens(page["for-you"], page["shelf"], far["for-you"], shown)


def fold(stack: Running, records: list[Record]) -> None:
    stream = [
        StreamRecord("s1", str(record.event.time), encode_record(record), NOW) for record in records
    ]
    deps = IngestDeps(SITE, stores.table(stack), stores.objects(stack), Here())
    assert not ingest_batch(stream, deps, NOW).failures


def test_explain_tells_a_person_and_a_program(tokens: Tokens) -> None:
    text = hemline("explain", tokens.personal).stdout
    for part in ("rung model", "visitor.recent", "rule no-i1 (block)", "candidates"):
        assert part in text, part
    told = json.loads(hemline("explain", tokens.public, "--json").stdout)
    assert (told["rung"], told["scope"]) == ("segment", "trait")
    assert told["items"]["candidates"]


def test_replay_gives_the_same_bytes_though_the_profile_went_on(tokens: Tokens) -> None:
    for token in (tokens.personal, tokens.public):
        result = hemline("replay", token)
        assert (result.exit_code, "the same bytes again" in result.stdout) == (0, True)
    assert json.loads(hemline("replay", tokens.personal, "--json").stdout)["equal"]


def test_replay_shows_what_differs_and_its_status_is_one(
    tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in reasons.REASONS:
        monkeypatch.setitem(reasons.REASONS, source, lambda *a: ["Changed since"] * len(a[-1]))
    result = hemline("replay", tokens.personal)
    assert (result.exit_code, "body" in result.stdout) == (1, True)


def test_why_not_names_the_rule_or_the_rank(tokens: Tokens) -> None:
    assert "rule no-i1 (block)" in hemline("why-not", tokens.personal, "i1").stdout
    told = json.loads(hemline("why-not", tokens.personal, "i23", "--json").stdout)
    assert told["why"]
    with pytest.raises(BadInput, match="not in that edition"):
        hemline("why-not", tokens.personal, "nowhere")


def test_what_if_shows_both_lists(tokens: Tokens) -> None:
    text = hemline("what-if", tokens.public, "--rule", "off:no-i1").stdout
    assert "new" in text
    told = json.loads(
        hemline("what-if", tokens.public, "--set", "trait.country=DE", "--json").stdout
    )
    assert (told["then"]["rung"], told["now"]["rung"]) == ("segment", "popular")
    assert told["differs"]
    same = hemline("what-if", tokens.public, "--set", "page.url=x").stdout
    assert "nothing changes" in same
    assert "page.url was not read" in same


@pytest.mark.parametrize(
    ("option", "change", "differs"),
    [
        ("--rule", "off:no-i1", "items"),
        ("--set", "trait.country=DE", "rung"),
        ("--set", "request.country=de", "rung"),
    ],
)
def test_what_if_never_says_that_nothing_changes_where_something_does(
    tokens: Tokens, option: str, change: str, differs: str
) -> None:
    text = hemline("what-if", tokens.public, option, change).stdout
    assert "nothing changes" not in text
    assert f"differs: {differs}" in text


@pytest.mark.parametrize(
    ("option", "text", "way_out"),
    [
        ("--set", "country=DE", "Use one of"),
        ("--set", "trait.country", "Use FACT=VALUE"),
        ("--set", "visitor.nonsense=3", "Use one of: visitor.known"),
        ("--set", "trait.lat=abc", "It is a number"),
        ("--set", "visitor.known=maybe", "It is true or false"),
        ("--set", "segment.nowhere=true", "It has: none"),
        ("--rule", "no-i1", "Use off:NAME"),
    ],
)
def test_a_change_that_is_none_is_refused_with_the_way_out(
    tokens: Tokens, option: str, text: str, way_out: str
) -> None:
    with pytest.raises(BadInput, match=way_out):
        hemline("what-if", tokens.public, option, text)


def test_a_change_of_nothing_is_a_wrong_call(tokens: Tokens) -> None:
    assert hemline("what-if", tokens.public).exit_code == 2


def test_off_a_terminal_nothing_is_folded(tokens: Tokens) -> None:
    text = hemline("explain", tokens.personal).stdout
    assert " UTC" in text.splitlines()[0]
    rows = [line.split() for line in text.splitlines()]
    assert {row[1] for row in rows if row[:1] and row[0] in "1234"} == set(tokens.shown)


def test_a_request_that_the_token_had_no_room_for_is_handed_over(
    tokens: Tokens, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="--request"):
        hemline("replay", tokens.long)
    file = tmp_path / "request.json"
    cart = [f"a-rather-long-id-{n}" for n in range(40)]
    document = {
        "slots": [{"name": "for-you"}],
        "page": {"cart": cart},
        "traits": {"country": "GB", "device": "mobile"},
    }
    file.write_text(json.dumps(document))
    assert hemline("replay", tokens.long, "--request", file).exit_code == 0
    file.write_text("[]")
    with pytest.raises(BadInput, match="is no request"):
        hemline("replay", tokens.long, "--request", file)


def test_a_token_that_is_none_of_ours_is_refused(stack: Running) -> None:
    with pytest.raises(NotAllowed, match="not one of ours: copy all of it"):
        hemline("explain", "e30.AAAA")


def test_preview_mints_a_header_that_ends(stack: Running) -> None:
    line = hemline("preview", "--visitor", "ann", "--country", "de").stdout.strip()
    name, _, value = line.partition(": ")
    held = pass_of(value, KEYS, NOW)
    assert (name, held.visitor, held.country) == ("Hemline-Preview", "ann", "DE")
    told = json.loads(hemline("preview", "--minutes", "5", "--json").stdout)
    with pytest.raises(NotAllowed, match="has ended"):
        pass_of(told["value"], KEYS, told["until"])


def test_preview_of_a_slot_needs_a_gateway(stack: Running) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        hemline("preview", "for-you")
    assert issubclass(Unavailable, HemlineError)


@pytest.mark.parametrize(
    ("options", "way_out"),
    [
        (("--country", "Germany"), "two letters such as DE"),
        (("--device", "fridge"), "mobile, tablet, desktop"),
        (("--language", "German"), "a language such as de"),
        (("--time-zone", "Mars/Base"), "Europe/London"),
        (("--place", "91,0"), "LATITUDE,LONGITUDE"),
        (("--place", "here"), "LATITUDE,LONGITUDE"),
        (("--at", "foo"), "2026-12-24 18:00"),
        (("--visitor", "a b"), "u:NAME"),
    ],
)
def test_nobody_can_be_what_there_is_not(
    stack: Running, options: tuple[str, str], way_out: str
) -> None:
    with pytest.raises(BadInput, match=way_out):
        hemline("preview", *options)


def test_a_preview_states_all_that_rules_ask_for(stack: Running) -> None:
    options = (
        *("--visitor", "u:bob", "--segment", "loyal", "--segment", "near", "--region", "ENG"),
        *("--place", "51.5,0", "--time-zone", "Europe/London", "--at", "2026-12-24 18:00"),
    )
    value = hemline("preview", *options).stdout.strip().partition(": ")[2]
    held = pass_of(value, KEYS, NOW)
    assert (held.visitor, held.segments, held.region) == ("u:bob", ("loyal", "near"), "ENG")
    assert (held.latitude, held.longitude, held.time_zone) == (51.5, 0.0, "Europe/London")
    assert held.at == 1_798_135_200_000

"""What a shared cache may keep never depends on who asked: status, headers and bytes, 304s included.

A cache keys on the URL and on what Vary names. So of two requests that agree on these, either none is
answered publicly, or those that are get the same answer, whatever else differs: cookies, consent, the
browser's opt-out, a forged identity, a table that does not answer.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemline.decide import facts as facts_module
from hemline.learn import capsule
from hemline.model.consent import NO, UNSAID, Consent
from hemline.model.decision import Scope
from hemline.model.rule import Condition, Rule
from hemline.model.slot import Slot, Variant
from hemline.runtime import fragments_out
from hemline.runtime.identity import sign_visitor
from hemline.usecases.decide_page import Deps
from tests.support.deciding import Broken, acts, live, table_with
from tests.support.door import Door, header
from tests.support.editions import KEYS, SITE, ScoreByPrice, build, catalogue
from workbench.cloud.payload import Response

GERMAN, AT_HOME = Condition("trait.country", "eq", "DE"), Condition("visitor.returning", "exists")
MOBILE, SPEAKS = Condition("trait.device", "eq", "mobile"), Condition("trait.language", "eq", "de")
ON_ITEM = Condition("page.item", "exists")
SLOTS = (
    Slot("for-you"),
    Slot("shelf", personal=False, sources=("category", "together", "popular"), max_age=300),
    Slot("plain", kind="content", personal=False, variants=(Variant("any"),)),
    Slot(
        # Who is German must be known to be greeted: public for all others only.
        "greeting",
        kind="content",
        variants=(Variant("back", when=(GERMAN, AT_HOME)), Variant("any")),
    ),
    Slot("mobile", kind="alert", variants=(Variant("app", when=(MOBILE, SPEAKS, ON_ITEM)),)),
    Slot("liked", kind="content", variants=(Variant("c1", category="c1"), Variant("any"))),
    Slot("order", kind="layout", sections=("c2", "c1")),
)
RULES = (
    Rule("not-abroad", "block", when=(GERMAN,), item="i1"),
    Rule("small-screens", "cap", ("shelf",), when=(MOBILE,), count=1),
    Rule("regulars", "pin", when=(AT_HOME,), item="i4"),
)
ANN, BEN = acts("v:ann", ["i1", "i5", "i9"]), acts("v:ben", ["i2", "i6", "i10"], "purchase")
EDITION = build(catalogue(24), SLOTS, site_rules=RULES, history=[*ANN, *BEN])
TABLE = table_with(ANN, BEN)


def cookies(visitor: str, consent: bool | None = None, of: str | None = None) -> str:
    whose, said = f"v:{of or visitor}", {None: UNSAID, True: Consent(granted=3), False: NO}[consent]
    kept = capsule.update(capsule.Capsule(whose, said), acts(whose, ["i3"]))
    return f"hem_v={sign_visitor(visitor, KEYS)}; hem_c={capsule.encode(kept, KEYS)}"


WHO: dict[str, dict[str, str]] = {
    "nobody": {},
    "ann": {"cookie": cookies("ann")},
    "ben": {"cookie": cookies("ben", consent=True)},
    "new": {"cookie": cookies("somebody-new")},
    "said no": {"cookie": cookies("ann", consent=False)},
    "opted out": {"cookie": cookies("ann"), "sec-gpc": "1"},
    "an app": {"hemline-visitor": sign_visitor("ben", KEYS)},
    "forger": {"cookie": "hem_v=YW5u.AAAA; hem_c=x.y", "hemline-visitor": "z"},
    "another's capsule": {"cookie": cookies("ann", of="ben")},
}
TRAITS = st.fixed_dictionaries(
    {},
    optional={
        "cloudfront-viewer-country": st.sampled_from(["DE", "GB", "junk"]),
        "cloudfront-is-mobile-viewer": st.sampled_from(["true", "false"]),
        "cloudfront-is-tablet-viewer": st.sampled_from(["true", "false"]),
        "sec-ch-ua-mobile": st.sampled_from(["?0", "?1"]),
        "accept-language": st.sampled_from(["de-AT", "en,de;q=0.5", "*"]),
        "user-agent": st.sampled_from(["a browser", "a robot"]),
        "referer": st.just("https://example.org/"),
    },
)
TARGETS = st.builds(
    "/v1/fragments/{}?{}".format,
    st.sampled_from([*(slot.name for slot in SLOTS), "nowhere"]),
    st.lists(
        st.sampled_from(
            ["format=html", "limit=3", "limit=0", "item=i2", "item=i7", "category=c1", "exclude=i3"]
        ),
        max_size=3,
    ).map("&".join),
)


class Asked(NamedTuple):
    """Who asks, with which traits, whether the table answers, and whether they have the answer."""

    who: str
    traits: Mapping[str, str]
    table: bool = True
    again: bool = False


ASKED = st.builds(Asked, st.sampled_from(sorted(WHO)), TRAITS, st.booleans(), st.booleans())


@contextmanager
def doors() -> Iterator[dict[bool, Door]]:
    """By whether the table answers."""
    with pytest.MonkeyPatch.context() as patch:
        tables: dict[bool, Any] = {True: TABLE, False: Broken()}
        yield {
            works: Door(Deps(SITE, table, live(EDITION, ScoreByPrice()), KEYS, 0.05), patch)
            for works, table in tables.items()
        }


@pytest.fixture(scope="module")
def both() -> Iterator[dict[bool, Door]]:
    with doors() as found:
        yield found


def ask(both: Mapping[bool, Door], target: str, asked: Asked) -> Response:
    door, headers = both[asked.table], {**asked.traits, **WHO[asked.who]}
    answer = door.ask("GET", target, headers)
    etag = header(answer, "etag")
    return door.ask("GET", target, {**headers, "if-none-match": etag}) if asked.again else answer


def is_public(answer: Response) -> bool:
    return "public" in header(answer, "cache-control")


def leaks(both: Mapping[bool, Door], target: str, one: Asked, other: Asked) -> bool:
    """Whether a cache would hand `one`'s answer to `other`, who would have got another one."""
    kept = ask(both, target, one)
    if not is_public(kept):
        return False
    keyed = {name.strip().lower() for name in header(kept, "vary").split(",")}
    same = {name: value for name, value in one.traits.items() if name in keyed}
    rest = {name: value for name, value in other.traits.items() if name not in keyed}
    own = ask(both, target, other._replace(traits={**same, **rest}, again=one.again))
    return own != kept


@given(TARGETS, ASKED, ASKED)
def test_what_a_cache_keeps_is_what_everybody_would_have_got(
    both: dict[bool, Door], target: str, one: Asked, other: Asked
) -> None:
    assert not leaks(both, target, one, other)


@given(TARGETS, ASKED)
def test_no_fragment_sets_a_cookie_and_no_mistake_is_kept(
    both: dict[bool, Door], target: str, asked: Asked
) -> None:
    answer = ask(both, target, asked)
    assert not header(answer, "set-cookie")
    assert answer.status < 400 or header(answer, "cache-control") == "private, no-store"
    assert "visitor" not in header(answer, "hemline-scope") or not is_public(answer)


@given(TARGETS, ASKED)
def test_not_modified_says_the_same_headers_as_the_answer_that_it_stands_for(
    both: dict[bool, Door], target: str, asked: Asked
) -> None:
    first, again = (ask(both, target, asked._replace(again=flag)) for flag in (False, True))
    if first.status == 200:
        assert (again.status, again.body) == (304, b"")
        names = ("cache-control", "vary", "etag", "hemline-scope", "hemline-edition")
        assert [header(again, n) for n in names] == [header(first, n) for n in names]


@pytest.mark.parametrize("slot", ["shelf", "plain", "greeting", "mobile"])
def test_the_property_is_about_something_each_of_these_is_public_for_some(
    both: dict[bool, Door], slot: str
) -> None:
    assert is_public(ask(both, f"/v1/fragments/{slot}?", Asked("ann", {})))


def test_it_turns_red_when_a_visitor_fact_is_taken_for_a_trait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(facts_module, "scope_of", lambda _name: Scope.TRAIT)
    monkeypatch.setattr(fragments_out, "VARY", _EveryName(fragments_out.VARY))
    with doors() as found:
        assert leaks(found, "/v1/fragments/for-you?", Asked("ann", {}), Asked("ben", {}))


def test_it_turns_red_when_vary_leaves_out_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments_out, "VARY", dict.fromkeys(fragments_out.VARY, "Accept"))
    german = Asked("nobody", {"cloudfront-viewer-country": "DE"})
    with doors() as found:
        assert leaks(found, "/v1/fragments/shelf?", german, Asked("nobody", {}))


class _EveryName(dict[str, str]):
    def __missing__(self, _name: str) -> str:
        return "Accept"

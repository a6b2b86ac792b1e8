"""What people reported of comparable products at their HTTP door, tried here; each test names it."""

import gzip
import json

import numpy as np
import pytest

from hemline.decide.page import PageRequest
from hemline.model.decision import SlotRequest
from hemline.model.errors import Encoded
from hemline.model.site.slot import Slot
from hemline.runtime.fragments.request import page_request_of
from hemline.runtime.fragments.response import answer_of
from hemline.runtime.http import HttpRequest
from hemline.runtime.traits import traits_of
from hemline.sitefile import reader
from tests.builders.editions import ScoreByPrice, build, catalogue
from tests.harness.deciding import acts, ask, decide_for, table_with
from tests.unit.runtime.fragments.test_fragments_http import answer, asked

ETAG = answer(asked()).headers["ETag"]


@pytest.mark.parametrize(
    ("held", "status"),
    [
        ("*", 304),
        (" * ", 304),
        (f"W/{ETAG}", 304),
        (f'"a,b", "c", W/{ETAG}', 304),
        (f'"nope",{ETAG}', 304),
        (ETAG.strip('"'), 200),
        (f'{ETAG[:-2]}"', 200),
        (f'"x{ETAG[1:]}', 200),
        ('"**"', 200),
        ('"nope"', 200),
        ("", 200),
    ],
)
def test_a_held_answer_is_told_by_its_whole_tag_in_any_list(held: str, status: int) -> None:
    """bottlepy/bottle#1537, apache/tomcat#325, lukeed/sirv#177, Shopify/response_bank#65."""
    assert answer(asked(if_none_match=held)).status == status


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " gzip", "deflate", "br", "gzip, gzip", "x"])
def test_nothing_that_is_packed_is_unpacked(encoding: str) -> None:
    """OneUptime#3404, PostHog/posthog#38996, qontract-reconcile#5747: 130 kB become 128 MB."""
    bomb = gzip.compress(b"0" * 10_000_000).decode("latin-1")
    with pytest.raises(Encoded, match="Send it as it is"):
        page_request_of(asked("POST", bomb, content_encoding=encoding))


def test_a_body_of_a_get_is_not_read() -> None:
    """usestrix/strix#407 (fat GET): a body that no cache keys on must not change a public answer."""
    body = json.dumps({"slots": [{"name": "for-you"}], "page": {"category": "c1"}})
    assert page_request_of(asked(body=body)) == page_request_of(asked())


@pytest.mark.parametrize("header", ["x-forwarded-host", "x-original-url", "x-http-method-override",
                                    "x-forwarded-for", "x-rewrite-url", "forwarded", "x-host"])  # fmt: skip
def test_headers_that_no_cache_keys_on_change_nothing(header: str) -> None:
    """tempesta-tech/tempesta#1391, alphagov/govuk-cdn-config#414: X-Forwarded-Host and its like."""
    plain, other = asked(), asked(**{header.replace("-", "_"): "evil.example"})
    assert page_request_of(plain) == page_request_of(other)
    assert traits_of(plain) == traits_of(other)
    assert answer(plain)[:3] == answer(other)[:3]


def test_a_semicolon_parts_no_parameters() -> None:
    """usestrix/strix#407 (parameter cloaking): what the cache takes for one parameter is one here."""
    found = page_request_of(asked(query="category=c1;limit=1"))
    assert (found.page.category, found.slots[0].limit) == ("c1;limit=1", None)


def test_odd_cookies_of_others_lose_none_of_ours() -> None:
    """snowplow/snowplow#3431 (commas, backslashes), set-cookie-parser#9 (=), serverless-http#185 (v2)."""
    cookies = ["a=1,2\\3", 'b="x', "=novalue", "c", "hem_v=eyJ.abc==", "d=e=f"]
    request = HttpRequest({"cookies": cookies, "headers": {}})
    assert (request.cookies["hem_v"], request.cookies["d"]) == (("eyJ.abc==",), ("e=f",))


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("tr-TR,tr;q=0.9", "tr"),
        ("TR", "tr"),
        ("zh-Hant-TW", "zh"),
        ("i-klingon", ""),
        ("\u0131t", ""),
    ],
)
def test_a_language_is_read_alike_whatever_the_locale_of_the_machine(
    accepted: str, language: str
) -> None:
    """composer/composer#7303, qzind/tray#66: I and i in Turkish."""
    assert traits_of(asked(accept_language=accepted)).language == language


def test_reading_on_repeats_nothing_where_scores_are_equal() -> None:
    """encode/django-rest-framework#5160: a cursor over equal numbers repeats and skips."""

    class Flat(ScoreByPrice):
        def score(self, matrix: np.ndarray) -> np.ndarray:
            return super().score(matrix) * np.float32(0)

    edition = build(catalogue(50), [Slot("row", sources=("popular", "new"), limit=7)])
    table = table_with(acts("v:x", ["i1"]))
    shown: list[str] = []
    after = ""
    for _ in range(20):
        question: PageRequest = ask(SlotRequest("row", after=after))
        fragment = decide_for("v:x", question, edition, table, Flat()).fragments["row"]
        shown += fragment.items
        after = json.loads(fragment.body).get("cursor", "")
        if not after:
            break
    assert sorted(shown) == sorted(f"i{n}" for n in range(50))


@pytest.mark.parametrize("share", ["0.125", "0.333", "0.5", "0", "0.0001"])
def test_a_share_may_be_any_part_of_one(share: str) -> None:
    """PostHog/posthog-go#35: a decimal rollout broke every flag; Flagsmith#1468: so did zero."""
    head = "title: S\ncurrency: EUR\nconsent_default: true\n"
    _, findings = reader.check(f"{head}slots: [{{name: row, explore: {share}}}]\n")
    assert findings == []


@pytest.mark.parametrize("share", ["50%", "1.5", "-0.1", ".nan", ".inf", "'0.5'"])
def test_a_share_that_is_none_is_refused_where_it_stands(share: str) -> None:
    """Flagsmith/flagsmith#1878: `50%` was saved, and every request failed afterwards."""
    head = "title: S\ncurrency: EUR\nconsent_default: true\n"
    _, findings = reader.check(f"{head}slots: [{{name: row, explore: {share}}}]\n")
    assert [one.field for one in findings] == ["slots[0].explore"]


def test_an_answer_is_the_same_for_a_request_that_is_repeated() -> None:
    """PostHog/posthog-js#781: another variant at each load."""
    first, second = (answer_of(decide_for("v:x", ask("for-you"), build(catalogue(12), [
        Slot("for-you", explore=0.5)]), table_with(acts("v:x", ["i1"]))), asked(), "json", 1.0)
        for _ in range(2))  # fmt: skip
    assert (
        json.loads(first.body)["fragments"]["for-you"]["items"]
        == (json.loads(second.body)["fragments"]["for-you"]["items"])
    )

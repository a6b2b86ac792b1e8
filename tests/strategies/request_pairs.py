"""Generated HTTP requests: one page asked for in some way by two visitors, who agree on what a cache keys on.

The function's own handler answers, behind the gateway's translation; nothing in here depends on time.
"""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from hemline.learn.profile import capsule
from hemline.model.consent import EVERYTHING, NO, NOT_STATED, Consent
from hemline.model.decision import Traits
from hemline.runtime.fragments.preview import Pass, mint
from hemline.runtime.identity import sign_visitor
from hemline.usecases.serving.decide_page import Deps
from tests.builders.editions import KEYS, SITE
from tests.builders.visitors import STAGES, SUBJECTS
from tests.harness.http_functions import Door, header
from tests.strategies import sites
from tests.strategies.request_cases import CASES, WITHDRAWN, Case, Staying, traits
from workbench.cloud.payload import Response

WAYS = (
    "get", "again", "any", "post", "post again", "more", "mistake", "unknown slot", "no edition",
    "explain", "preview", "preview explained", "forged preview", "bad body",
)  # fmt: skip
"""How a page is asked for; the first ones are what visitors do."""
AGENTS: tuple[Mapping[str, str], ...] = (
    {},
    {"user-agent": "a robot", "referer": "https://example.org/"},
    {"sec-gpc": "1"},
    {"hemline-visitor": sign_visitor("ben", KEYS)},
    {"hemline-visitor": "forged", "authorization": "Bearer x.y"},
)
_MISTAKES = ({"limit": "0"}, {"format": "xml"}, {"after": "forged"}, {"limit": "x" * 20})


class Other(NamedTuple):
    """Whoever comes next: all of it may be another's but what a cache keys on."""

    who: str | None = None
    stage: int = STAGES - 1
    fresh: int = 0
    consent: bool | None = None
    table: str = "works"
    agent: int = 0
    traits: Traits = Traits()


class Passers(NamedTuple):
    """One request, and another visitor's."""

    case: Case
    at: int = 0
    """Which of the slots is asked for."""
    way: str = "get"
    agent: int = 0
    other: Other = Other()

    @property
    def slot(self) -> str:
        """By name."""
        return self.case.site.made[self.at % len(self.case.site.slots)].name


PASSERS = st.builds(
    Passers,
    CASES,
    st.integers(0, 3),
    st.sampled_from([*WAYS[:2], *WAYS]),
    st.integers(0, len(AGENTS) - 1),
    st.builds(
        Other,
        st.sampled_from([*SUBJECTS, "v:ann"]),
        st.integers(0, STAGES - 1),
        st.integers(0, 2),
        st.sampled_from([None, True, False]),
        st.sampled_from(["works", "works", "broken", "torn", *WITHDRAWN]),
        st.integers(0, len(AGENTS) - 1),
        st.integers(0, 47).map(traits),
    ),
)


SAID = {None: NOT_STATED, True: Consent(granted=EVERYTHING), False: NO}


def of_traits(found: Traits) -> dict[str, str]:
    """The headers that a CDN sends of them."""
    named = {
        "cloudfront-viewer-country": found.country,
        "cloudfront-is-mobile-viewer": "true" if found.device == "mobile" else "false",
        "accept-language": found.language,
        "cloudfront-viewer-country-region": found.region,
        "cloudfront-viewer-latitude": "" if found.latitude is None else str(found.latitude),
        "cloudfront-viewer-longitude": str(found.longitude or ""),
    }
    return {name: value for name, value in named.items() if value}


def of_visitor(case: Case, agent: int) -> dict[str, str]:
    """Cookies, and whatever else a browser sends."""
    sent = dict(AGENTS[agent])
    if case.who:
        name = case.who[2:]
        kept = capsule.update(capsule.Capsule(case.who, SAID[case.consent]), case.acts)
        sent["cookie"] = f"hem_v={sign_visitor(name, KEYS)}; hem_c={capsule.encode(kept, KEYS)}"
    return sent


def query(passers: Passers) -> dict[str, str]:
    """What the URL says: equal for both."""
    case, page = passers.case, passers.case.page
    said: dict[str, Any] = {
        "format": case.form,
        "page": page.type,
        "url": page.url,
        "item": page.item,
        "category": page.category,
        "owned": ",".join(page.owned),
        "seen": ",".join(page.seen),
        "app_version": page.app_version,
        "limit": case.want.get("limit"),
        "exclude": ",".join(case.want.get("exclude", ())),
    }
    return {name: str(value) for name, value in said.items() if value}


def body(passers: Passers) -> bytes:
    """The same as a whole page."""
    case = passers.case
    names = [slot.name for slot in case.site.made]
    slots = [{"name": name, **case.want} for name in names]
    page = {name: getattr(case.page, name) for name in case.page.__struct_fields__}
    return json.dumps({"page": page, "slots": slots, "format": case.form}).encode()


class Desk:
    """Where both ask."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._app: Any = door.apps["fragments"]

    def ask(self, passers: Passers, headers: Mapping[str, str]) -> Response:
        """The answer to a request in the passers' way, by their case's visitor."""
        self._open(passers)
        return _ASK.get(passers.way, Desk._get)(self, passers, headers)

    def _open(self, passers: Passers) -> None:
        case = passers.case
        none = passers.way == "no edition"
        live: Any = Staying(None if none else case.engine, sites.BRAKES[case.brake])
        self._app.deps = Deps(SITE, case.reader, live, KEYS, 0.05)
        self._app.time = SimpleNamespace(
            time_ns=lambda: case.now * 1_000_000, perf_counter=lambda: 0.0
        )

    def _get(
        self, passers: Passers, headers: Mapping[str, str], more: Mapping[str, str] | None = None
    ) -> Response:
        asked = urlencode({**query(passers), **(more or {})})
        name = "nowhere" if passers.way == "unknown slot" else passers.slot
        return self._door.ask("GET", f"/v1/fragments/{quote(name)}?{asked}", headers)

    def _again(self, passers: Passers, headers: Mapping[str, str]) -> Response:
        held = header(self._get(passers, headers), "etag")
        return self._get(passers, {**headers, "if-none-match": held})

    def _any(self, passers: Passers, headers: Mapping[str, str]) -> Response:
        return self._get(passers, {**headers, "if-none-match": "*"})

    def _more(self, passers: Passers, headers: Mapping[str, str]) -> Response:
        # The cursor is of the URL, so of the key: the case's own visitor's, whoever asks with it.
        case = passers.case
        mine = of_traits(case.traits) | of_visitor(case, passers.agent)
        first = self._get(passers, mine, {"format": "json"})
        told = json.loads(first.body or b"{}").get("fragments", {}).get(passers.slot, {})
        return self._get(passers, headers, {"after": told.get("cursor", "")})

    def _mistake(self, passers: Passers, headers: Mapping[str, str]) -> Response:
        return self._get(passers, headers, _MISTAKES[passers.at % len(_MISTAKES)])

    def _post(self, passers: Passers, headers: Mapping[str, str]) -> Response:
        return self._door.ask("POST", "/v1/fragments", headers, body(passers))

    def _post_again(self, passers: Passers, headers: Mapping[str, str]) -> Response:
        held = header(self._post(passers, headers), "etag")
        return self._post(passers, {**headers, "if-none-match": held})

    def _bad_body(self, passers: Passers, headers: Mapping[str, str]) -> Response:
        return self._door.ask("POST", "/v1/fragments", headers, body(passers)[: -1 - passers.at])

    def _preview(self, passers: Passers, headers: Mapping[str, str]) -> Response:
        held = mint(Pass(passers.case.now + 60_000, visitor="ann"), KEYS)
        sent = held[:-1] if passers.way == "forged preview" else held
        explain = {"explain": "1"} if passers.way == "preview explained" else {}
        return self._get(passers, {**headers, "hemline-preview": sent}, explain)

    def _explain(self, passers: Passers, headers: Mapping[str, str]) -> Response:
        return self._get(passers, headers, {"explain": "1"})


_ASK = {
    "again": Desk._again,
    "any": Desk._any,
    "more": Desk._more,
    "mistake": Desk._mistake,
    "post": Desk._post,
    "post again": Desk._post_again,
    "bad body": Desk._bad_body,
    "preview": Desk._preview,
    "preview explained": Desk._preview,
    "forged preview": Desk._preview,
    "explain": Desk._explain,
}

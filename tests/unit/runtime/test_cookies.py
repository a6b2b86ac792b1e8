"""Whose cookie it is: a sibling subdomain's beside it, a stale one before it, a quoted one, an old name."""

from collections.abc import Mapping
from typing import Any

import pytest

from hemline.learn.profile.capsule import Capsule, decode, encode, refuses_personalisation, update
from hemline.model.consent import NO, Consent
from hemline.runtime import cookies
from hemline.runtime.collect import response
from hemline.runtime.http import HttpRequest
from hemline.runtime.identity import asker_of, sign_visitor, visit_of
from hemline.runtime.settings import load
from hemline.usecases.ingest.collected import Collected
from tests.harness.streams import NOW, record

KEYS = (b"k" * 24, b"an older key of ours")
SETTINGS = load({"HEMLINE_KEYS": ",".join(key.decode() for key in KEYS)})
YES = Consent(granted=3, at=NOW)
TLS = {"host": "shop.example", "x-forwarded-proto": "https"}
LAPTOP = {"host": "127.0.0.1:8080", "x-forwarded-proto": "http"}
ANN, EVE = sign_visitor("ann", KEYS), sign_visitor("eve", KEYS)
OLD_ANN = sign_visitor("ann", KEYS[1:])


def asked(*sent: str, headers: Mapping[str, str] = TLS, **more: str) -> HttpRequest:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return HttpRequest({"headers": {**headers, **named}, "cookies": list(sent)})


def subject(request: HttpRequest) -> str | None:
    found = visit_of(request, SETTINGS, NOW).subject
    assert found == asker_of(request, SETTINGS, NOW).subject
    return found


@pytest.mark.parametrize(
    ("sent", "whose"),
    [
        ([f"__Host-hem_v={ANN}"], "v:ann"),
        # A sibling subdomain's, which browsers send first for its longer path.
        ([f"hem_v={EVE}", f"__Host-hem_v={ANN}"], "v:ann"),
        ([f"__Host-hem_v={ANN}", f"hem_v={EVE}"], "v:ann"),
        ([f"hem_v={ANN}"], "v:ann"),
        ([f"hem_v={EVE}", f"hem_v={ANN}"], None),
        ([f"__Host-hem_v={EVE}", f"__Host-hem_v={ANN}"], None),
        # A stale, a forged, an empty one before the good one.
        (["hem_v=stale.x", f"hem_v={ANN}"], "v:ann"),
        (["__Host-hem_v=", f"__Host-hem_v={ANN}"], "v:ann"),
        (["__Host-hem_v=forged.x", f"hem_v={ANN}"], "v:ann"),
        ([f'__Host-hem_v="{ANN}"'], "v:ann"),
        ([f"hem_v={ANN}", f'hem_v="{ANN}"'], "v:ann"),
        # The same person under two keys of ours is one person.
        ([f"hem_v={ANN}", f"hem_v={OLD_ANN}"], "v:ann"),
        (['hem_v=""', "__Host-hem_v"], None),
    ],
)
def test_over_tls_two_people_s_cookies_are_nobody_s(sent: list[str], whose: str | None) -> None:
    assert subject(asked(*sent)) == whose


@pytest.mark.parametrize(
    ("sent", "whose"),
    [
        ([f"hem_v={ANN}"], "v:ann"),
        ([f"hem_v={EVE}", f"hem_v={ANN}"], None),
        (["hem_v=x", f"hem_v={ANN}"], "v:ann"),
        ([f"__Host-hem_v={EVE}", f"hem_v={ANN}"], "v:ann"),
    ],
)
def test_on_a_laptop_without_tls_the_bare_name_is_all_there_is(
    sent: list[str], whose: str | None
) -> None:
    assert subject(asked(*sent, headers=LAPTOP)) == whose


@pytest.mark.parametrize(
    ("sent", "header", "whose"),
    [
        (["__Host-hem_v=bad.x"], ANN, "v:ann"),
        ([f"__Host-hem_v={ANN}"], "bad.x", "v:ann"),
        ([f"__Host-hem_v={EVE}"], ANN, None),
        ([f"hem_v={EVE}"], ANN, None),
        ([], f"bad.x,{ANN}", "v:ann"),
        ([], f"{ANN}, {ANN}", "v:ann"),
        ([], f"{EVE},{ANN}", None),
    ],
)
def test_a_bad_cookie_hides_no_good_header_and_two_people_are_nobody(
    sent: list[str], header: str, whose: str | None
) -> None:
    assert subject(asked(*sent, hemline_visitor=header)) == whose


def test_nothing_is_read_for_two_people_at_once() -> None:
    kept = encode(update(Capsule("v:ann", YES), [record("v:ann", "e1")]), KEYS)
    both = (f"hem_v={ANN}", f"hem_v={EVE}", f"hem_c={kept}")
    assert visit_of(asked(*both), SETTINGS, NOW) == (None, None, (), False)


@pytest.mark.parametrize("name", ["hem_c", "__Host-hem_c"])
@pytest.mark.parametrize("first", [True, False], ids=["the no first", "the no last"])
def test_any_valid_no_counts_wherever_it_stands(name: str, *, first: bool) -> None:
    yes, no = (encode(Capsule("v:ann", said), KEYS) for said in (YES, NO))
    sent = [f"{name}={no}", f"__Host-hem_c={yes}"]
    request = asked(f"__Host-hem_v={ANN}", *(sent if first else sent[::-1]))
    assert visit_of(request, SETTINGS, NOW).consent is False
    kept = asker_of(request, SETTINGS, NOW).capsule
    assert kept
    assert refuses_personalisation(kept)
    header = asked(f"__Host-hem_v={ANN}", f"__Host-hem_c={yes}", hemline_capsule=no)
    assert visit_of(header, SETTINGS, NOW).consent is False


def test_a_forged_capsule_hides_no_good_one_and_another_s_yes_is_none() -> None:
    mine = encode(update(Capsule("v:ann"), [record("v:ann", "e1")]), KEYS)
    theirs = encode(Capsule("v:eve", YES), KEYS)
    for sent in (("x.y", mine), (theirs, mine), (mine, theirs), ("", f'"{mine}"')):
        found = visit_of(
            asked(f"__Host-hem_v={ANN}", *(f"__Host-hem_c={one}" for one in sent)), SETTINGS, NOW
        )
        assert (found.consent, [act.event.id for act in found.recent]) == (None, ["e1"])


def handed(request: HttpRequest, minted: str | None = None) -> list[str]:
    kept = Capsule(f"v:{minted or 'ann'}")
    return list(response.answer_of(Collected(1, (), minted, kept), request, KEYS).cookies)


def test_the_old_name_is_read_until_it_is_replaced_and_then_ended() -> None:
    new, old, capsule, old_capsule = handed(asked(f"hem_v={ANN}", "hem_c=x.y"))
    assert new.startswith(f"__Host-hem_v={ANN}; Path=/; ")
    assert old.startswith("hem_v=; Path=/; Max-Age=0; ")
    assert capsule.startswith("__Host-hem_c=")
    assert old_capsule.startswith("hem_c=; Path=/; Max-Age=0; ")
    # What a browser takes under such a name: https://www.rfc-editor.org/rfc/rfc6265bis 4.1.3.2
    assert all("Secure" in one and "Domain" not in one for one in (new, old, capsule))
    (again,) = handed(asked(f"__Host-hem_v={ANN}", f"__Host-hem_c={capsule}"))
    assert again.startswith("__Host-hem_c=")


def test_an_id_of_a_sibling_s_making_is_ended_and_never_moved() -> None:
    ended, kept = handed(asked(f"hem_v={EVE}", f"__Host-hem_v={ANN}"))[:2]
    assert ended.startswith("__Host-hem_v=" + ANN)
    assert kept.startswith("hem_v=; ")
    fresh = handed(asked(f"hem_v={EVE}", f"hem_v={ANN}"), minted="new")
    assert fresh[0].startswith(f"__Host-hem_v={sign_visitor('new', KEYS)}")


def test_on_a_laptop_without_tls_the_name_has_no_prefix() -> None:
    found = handed(asked(headers=LAPTOP), minted="new")
    assert [one.partition("=")[0] for one in found] == ["hem_v", "hem_c"]
    assert not any("Secure" in one for one in found)
    kept = decode(found[1].partition(";")[0].partition("=")[2], KEYS)
    assert kept.subject == "v:new"


def test_who_takes_the_first_cookie_of_a_name_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeded: what stood there before, and gave a victim's acts to whoever set the other cookie."""
    held: Any = cookies.held

    def first(request: HttpRequest, name: str) -> cookies.Held:
        now, before = held(request, name)
        return cookies.Held((*before, *now)[:1], ())

    monkeypatch.setattr(cookies, "held", first)
    with pytest.raises(AssertionError):
        test_over_tls_two_people_s_cookies_are_nobody_s(
            [f"hem_v={EVE}", f"__Host-hem_v={ANN}"], "v:ann"
        )

"""A thousand users through real caches, with the configuration that we ship: nobody gets what is another's.

Each user has canaries: a name in cookies, headers, addresses and bodies, and items that nobody else saw.
Errors, hung-up calls, ranges, odd addresses and headers that no key has are mixed in. What is wrong in the
functions or in a cache's configuration turns this red, as the seeded mistakes below show.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from hemline.runtime import http
from hemline.runtime.fragments import response
from tests.caches import servers
from tests.caches.origin import Origin
from tests.caches.requests import Crowd, names
from tests.caches.run import Found, Run
from tests.caches.world import World
from workbench.background_server import run_in_background

pytestmark = [pytest.mark.cloud, pytest.mark.xdist_group("caches")]

CACHES = {"varnish": servers.varnish, "nginx": servers.nginx}
PUBLIC_FOR_ALL = {"Cache-Control": "public, max-age=60"}
Walk = Callable[..., Found]


@pytest.fixture
def walk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, record_property: Callable[[str, object], None]
) -> Walk:
    """So many calls of so many users through a cache of this name."""

    def one(cache: str, requests: int, *, users: int = 50, seed: int = 1, text: str = "") -> Found:
        world = World(monkeypatch, names(users))
        with contextlib.ExitStack() as stack:
            origin = stack.enter_context(run_in_background(Origin(world).served))
            port = stack.enter_context(CACHES[cache](origin.port, tmp_path, text))
            run = Run(world, port, origin.port, assembles=cache == "varnish")
            found = run.walk(Crowd(world, seed), requests)
            found.wrong += origin.wrong
            record_property("hit ratio", f"{found.hit_ratio:.3f} of {dict(found.kinds)}")
            return found

    return one


@pytest.mark.parametrize("cache", CACHES)
def test_a_thousand_users_get_no_canary_of_another_and_no_error_is_kept(
    cache: str, walk: Walk
) -> None:
    found = walk(cache, 2500, users=1000)
    assert not found.wrong, (len(found.wrong), found.wrong[:5])
    assert found.hit_ratio > 0.9, found.kinds
    assert found.kinds["304"]
    assert found.kinds["500"]


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("cache", CACHES)
def test_a_hundred_thousand_requests_leak_nothing(cache: str, walk: Walk) -> None:
    found = walk(cache, 50_000, users=1000, seed=2)
    assert not found.wrong, (len(found.wrong), found.wrong[:5])
    assert found.hit_ratio > 0.9, found.kinds


def saw(found: Found) -> bool:
    return any(": saw canary-" in wrong for wrong in found.wrong)


@pytest.mark.parametrize("cache", CACHES)
def test_a_function_that_calls_a_personal_fragment_public_is_found(
    cache: str, walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response, "PRIVATE", PUBLIC_FOR_ALL)
    assert saw(walk(cache, 400))


@pytest.mark.parametrize("cache", CACHES)
def test_a_function_whose_errors_may_be_kept_is_found(
    cache: str, walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "PRIVATE", PUBLIC_FOR_ALL)
    # Varnish keeps no error whatever it says of itself.
    text = servers.VCL.read_text().replace("beresp.status != 200 &&", "false &&")
    found = walk(cache, 600, text=text if cache == "varnish" else "")
    assert any("not what everybody gets: 4" in wrong or "kept: 4" in wrong for wrong in found.wrong)


VCL_MISTAKES = {
    "keeps what is private for everybody": (
        ('beresp.http.Cache-Control ~ "(?i)private|no-store|no-cache"', "false"),
        ('beresp.http.Cache-Control !~ "(?i)public|max-age|s-maxage"', "false"),
        (
            "\treturn (deliver);\n}\n\nsub hem",
            "\tset beresp.ttl = 60s; return (deliver);\n}\n\nsub hem",
        ),
    ),
    "says that a page is for everybody with somebody's fragments in it": (
        ('set resp.http.Cache-Control = "private, no-store";\n\t}', "}"),
    ),
}


@pytest.mark.parametrize("name", VCL_MISTAKES)
def test_a_vcl_that_gives_everybody_the_same_is_found(name: str, walk: Walk) -> None:
    text = servers.VCL.read_text()
    for old, new in VCL_MISTAKES[name]:
        assert text.count(old) == 1
        text = text.replace(old, new)
    found = walk("varnish", 400, text=text)
    assert saw(found) or any("not what everybody gets: 200" in wrong for wrong in found.wrong)


def test_an_nginx_that_keeps_what_does_not_say_so_is_found(walk: Walk) -> None:
    text = servers.NGINX.read_text().replace(
        "proxy_cache hemline;",
        "proxy_cache hemline; proxy_cache_valid any 1m; proxy_ignore_headers Cache-Control Set-Cookie;",
    )
    assert saw(walk("nginx", 400, text=text))

"""Requests of many users, drawn from a seed: plain ones, and all that people do to confuse a cache."""

import json
import random
import re
from typing import NamedTuple

from hemline.learn.profile import capsule
from hemline.runtime.identity import sign_visitor
from tests.builders.editions import KEYS
from tests.caches.origin import FAULT
from tests.caches.world import OWN, World
from tests.harness.deciding import acts

Headers = dict[str, str]
PUBLIC = tuple(
    f"/v1/fragments/bestsellers?format={form}&limit={limit}"
    for form in ("json", "html")
    for limit in (3, 4, 5)
)
PERSONAL = (
    "/v1/fragments/yours",
    "/v1/fragments/yours?format=html",
    "/v1/fragments/for-you?format=html",
    "/v1/fragments/for-you",
)
ODD_PATHS = (
    "/v1/me/x.css",
    "/v1/me;.js",
    "/v1/me%2ex.css",
    "//v1/me",
    "/v1//me",
    "/v1/./me",
    "/v1/fragments/../me",
    "/v1/fragments/%2e%2e/me",
    "/v1/fragments/yours/x.css",
    "/v1/fragments/yours;.js",
    "/v1/fragments/yours%2fx.css",
    "/v1/fragments/yours%3fx.css",
    "/v1/fragments/for%2Dyou",
    "/v1/fragments//yours",
    "//v1/fragments/yours",
    "/V1/fragments/yours",
    "/v1/fragments/bestsellers.css",
    "/v1/fragments/bestsellers%00",
    "/v1/fragments/bestsellers?limit=0",
    "/v1/fragments/nobodys",
)


class Call(NamedTuple):
    """One request of one user."""

    user: str
    method: str
    path: str
    headers: Headers
    body: bytes = b""
    plain: bool = False
    """Asked for as anybody asks: the answer must be the one that everybody gets."""
    cut_off: bool = False
    """The user hangs up before the answer comes."""


class Crowd:
    """Draws calls of the world's visitors."""

    def __init__(self, world: World, seed: int) -> None:
        self._world, self._rng = world, random.Random(seed)
        self._cookies = {name: self._cookie(name) for name in world.visitors}
        self.etags = ["*", '"page"']

    def _cookie(self, name: str) -> str:
        mine = self._world.canaries(name)
        kept = capsule.update(capsule.Capsule(f"v:{name}"), acts(f"v:{name}", mine[:2]))
        return f"hem_v={sign_visitor(name, KEYS)}; hem_c={capsule.encode(kept, KEYS)}"

    def call(self) -> Call:
        """The next one."""
        rng = self._rng
        user = rng.choice(self._world.visitors)
        headers = {"Cookie": self._cookies[user], "User-Agent": f"Mozilla/5.0 ({user})"}
        if rng.random() < 0.2:
            del headers["Cookie"]
        kind = rng.random()
        if kind < 0.35:
            return Call(user, "GET", rng.choice((*PUBLIC, "/")), headers, plain=True)
        if kind < 0.6:
            return self._changed(Call(user, "GET", rng.choice((*PUBLIC, *PERSONAL, "/")), headers))
        if kind < 0.75:
            return Call(user, "GET", rng.choice(PERSONAL), headers)
        if kind < 0.85:
            return self._changed(Call(user, "GET", rng.choice((*ODD_PATHS, "/v1/me")), headers))
        return self._posted(user, headers)

    def _changed(self, call: Call) -> Call:
        """The same with something that no key has."""
        rng, headers = self._rng, dict(call.headers)
        kind = rng.randrange(9)
        if kind == 0:
            return call._replace(method="HEAD")
        if kind == 1:
            headers["If-None-Match"] = rng.choice(self.etags)
        elif kind == 2:
            headers["Range"] = rng.choice(("bytes=0-20", "bytes=5-", "bytes=-9", "bytes=9-2"))
        elif kind == 3:
            headers[FAULT] = rng.choice(("500", "503", "cut"))
        elif kind == 4:
            return call._replace(cut_off=True)
        elif kind == 5:
            mark = "&" if "?" in call.path else "?"
            return call._replace(path=f"{call.path}{mark}category={call.user}")
        else:
            name, value = rng.choice(self._odd_headers(call.user))
            headers[name] = value
        return call._replace(headers=headers)

    def _odd_headers(self, user: str) -> tuple[tuple[str, str], ...]:
        return (
            ("Authorization", f"Bearer {user}"),
            ("Hemline-Visitor", sign_visitor(user, KEYS)),
            ("Hemline-Preview", f"visitor={user}"),
            ("Sec-GPC", "1"),
            ("Origin", f"https://{user}.example"),
            ("Referer", f"https://shop.example/{user}"),
            ("X-Forwarded-Host", f"{user}.example"),
            ("X-Original-URL", "/v1/me"),
            ("X-Rewrite-URL", "/v1/fragments/yours"),
            ("X-HTTP-Method-Override", "POST"),
            ("Content-Encoding", user),
            ("Accept", f"text/{user}"),
            ("Accept-Language", user),
            ("CloudFront-Viewer-City", user),
            ("Cache-Control", "no-cache"),
            ("X-Forwarded-Proto", user),
        )

    def _posted(self, user: str, headers: Headers) -> Call:
        mine, rng = self._world.canaries(user), self._rng
        headers = {**headers, "Content-Type": "text/plain"}
        kind = rng.random()
        if kind < 0.4:
            slots = [{"name": "yours"}, {"name": "bestsellers"}]
            page = {"cart": mine[-1:], "url": f"/{user}"}
            body = {"page": page, "slots": slots, "format": rng.choice(("json", "html"))}
            return Call(user, "POST", "/v1/fragments", headers, json.dumps(body).encode())
        if kind < 0.8:
            views = [{"id": f"{item}-{user}", "type": "view", "item": item} for item in mine]
            return Call(user, "POST", "/v1/events", headers, json.dumps({"events": views}).encode())
        path = rng.choice((*PUBLIC, *PERSONAL, "/v1/events", "/v1/me"))
        return Call(user, rng.choice(("POST", "PUT")), path, headers, user.encode())


_ITEM = re.compile(r'(?:"i|/items/i|Item )(\d+)\b')
_NAME = re.compile(r"canary-(\d+)-")


def names(count: int) -> list[str]:
    """Users whose names are canaries."""
    return [f"canary-{n}-" for n in range(count)]


def foreign(world: World, user: str, text: str) -> set[str]:
    """Whose canaries stand in it, but for this user's own."""
    count = len(world.visitors)
    owners = {int(n) // OWN for n in _ITEM.findall(text) if int(n) < count * OWN}
    owners |= {int(n) for n in _NAME.findall(text)}
    found = {world.visitors[owner] for owner in owners if owner < count}
    return found - {user}

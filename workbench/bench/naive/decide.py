"""The naive decision for `bench decide`, as a competent beginner writes it with the same packages.

Pydantic models for everything, features computed candidate by candidate in Python, onnxruntime with its
defaults. It must give the same items in the same order, or the comparison means nothing.
"""

import hashlib
import hmac
import html
import json
import math

import numpy as np
import onnxruntime as ort
from pydantic import BaseModel

from hemline.decide.facts.snapshot import Snapshot
from hemline.decide.ranking.features.matrix import FEATURES, RELATIVE
from hemline.decide.rules.eligibility import attribute_of
from hemline.learn.profile.fold import BOUGHT, ENGAGED, SHOWN, TYPES, Profile
from hemline.learn.statistics.columns import STATS
from hemline.model.item import Item
from workbench.bench.naive.visitor import NaiveAction, NaiveProfile, NaiveShop, NaiveVisitor

DAY = 86_400_000.0


class NaiveCard(BaseModel):
    """An item as it is shown."""

    id: str
    title: str
    url: str
    image: str
    price: float | None
    currency: str
    reason: str


class NaiveAnswer(BaseModel):
    """What the endpoint returns."""

    kind: str
    items: list[NaiveCard]
    html: str
    rung: str
    scope: str
    token: str


class NaiveCandidate(BaseModel):
    """One candidate with its features and score."""

    index: int
    features: dict[str, float]
    score: float = 0.0


def stored_profile(profile: Profile) -> str:
    """The profile as one JSON document, as a beginner stores it."""
    rings = (BOUGHT, ENGAGED, SHOWN)
    actions = [
        [
            NaiveAction(
                time=action.time,
                type=TYPES[action.kind],
                items=list(action.items),
                quantities=list(action.quantities),
            )
            for action in profile.actions(ring)
        ]
        for ring in rings
    ]
    return NaiveProfile(bought=actions[0], engaged=actions[1], shown=actions[2]).model_dump_json()


class NaiveService:
    """The whole service; shop and session are loaded once."""

    def __init__(
        self, snapshot: Snapshot, items: tuple[Item, ...], ranker: bytes, key: bytes
    ) -> None:
        self._shop = NaiveShop.read(snapshot, items)
        self._session = ort.InferenceSession(ranker)
        self._key = key
        header = snapshot.header
        self._blocked = {rule.item for rule in header.rules if rule.action == "block"}
        self._caps = [
            (rule.slots, rule.count, [attribute_of(item, rule.attribute)[:1] for item in items])
            for rule in header.rules
            if rule.action == "cap"
        ]

    def decide(
        self, stored: str, candidates: list[str], limit: int, now: int, slot: str = ""
    ) -> str:
        """The JSON answer for a stored profile and a list of candidates."""
        profile = NaiveProfile.model_validate_json(stored)
        visitor = NaiveVisitor(profile, self._shop)
        found = [
            NaiveCandidate(index=index, features=self._features(index, visitor, now))
            for index in (self._shop.index[name] for name in candidates)
        ]
        self._relate(found)
        rows = [[candidate.features[name] for name in FEATURES] for candidate in found]
        matrix = np.array(rows, dtype=np.float32)
        scores = self._session.run(None, {self._session.get_inputs()[0].name: matrix})[0]
        for candidate, score in zip(found, scores, strict=True):
            candidate.score = float(score[0])
        found.sort(key=lambda candidate: -candidate.score)
        return self._answer(self._pick([candidate.index for candidate in found], slot, limit), now)

    def _pick(self, ranked: list[int], slot: str, limit: int) -> list[int]:
        shown: list[int] = []
        for index in ranked:
            full = len(shown) >= limit or self._shop.items[index].id in self._blocked
            for slots, most, groups in self._caps:
                if slot in slots and groups[index]:
                    same = sum(groups[other] == groups[index] for other in shown)
                    full = full or same >= most
            if not full:
                shown.append(index)
        return shown

    def _answer(self, shown: list[int], now: int) -> str:
        cards = [self._card(index) for index in shown]
        token = json.dumps({"items": shown, "minute": now // 60_000}).encode()
        return NaiveAnswer(
            kind="items",
            items=cards,
            html=self._html(cards),
            rung="model",
            scope="visitor",
            token=hmac.new(self._key, token, hashlib.sha256).hexdigest(),
        ).model_dump_json()

    def _card(self, index: int) -> NaiveCard:
        return NaiveCard(**self._shop.items[index].model_dump(), reason="")

    def _html(self, cards: list[NaiveCard]) -> str:
        parts = ["<ul>"]
        for card in cards:
            parts.append(f'<li data-item="{html.escape(card.id)}">')
            parts.append(f'<a href="{html.escape(card.url)}">')
            parts.append(f'<img src="{html.escape(card.image)}" alt="">')
            parts.append(f"<span>{html.escape(card.title)}</span>")
            parts.append(f"<data>€{card.price:,.2f}</data></a></li>")
        return "".join([*parts, "</ul>"])

    def _features(self, index: int, visitor: NaiveVisitor, now: int) -> dict[str, float]:
        shop, own = self._shop, visitor.interactions.get(index)
        row = dict(zip(STATS, shop.stats[index], strict=True))
        times = own.bought if own else 0
        row["own_bought"] = math.log1p(times)
        row["own_carted"] = math.log1p(own.carted if own else 0)
        row["own_quantity"] = math.log1p(own.quantity if own else 0)
        row["own_engaged"] = math.log1p(own.engaged if own else 0)
        row["own_shown"] = math.log1p(own.shown if own else 0)
        row["own_share"] = times / max(visitor.purchases, 1)
        since = {name: now - (own.last.get(name, 0) if own else 0) for name in visitor.LAST}
        for name in visitor.LAST:
            row[f"days_since_{name}"] = math.log1p(max(since[name], 0) / DAY)
        gap = own.gap() if own else 0.0
        row["overdue"] = min(since["bought"] / max(gap, DAY), 9.0) if gap > 0 else -1.0
        row["together"] = visitor.together.get(index, 0.0)
        row["page_together"], row["page_category"] = -1.0, -1.0
        row["page_price_gap"] = -32768.0
        lifts = [visitor.lift.get(term, 0.0) for term in shop.terms[index]]
        # A row of terms is padded to a fixed width, and padding has a lift of 0.
        padded = lifts + [0.0] * (shop.width - len(lifts))
        row["lift_mean"] = sum(lifts) / max(len(lifts), 1)
        row["lift_most"] = max(padded)
        row["category_share"] = visitor.category_share.get(shop.category[index], 0.0)
        self._prices(row, index, visitor, now)
        row |= visitor.totals()
        row["idle"] = math.log1p(max(now - visitor.seen, 0) / DAY)
        return row

    def _prices(self, row: dict[str, float], index: int, visitor: NaiveVisitor, now: int) -> None:
        item = self._shop.items[index]
        published = self._shop.published[index]
        price = None if item.price is None else math.log(max(item.price, 0.01))
        row["price"] = -1.0 if price is None else max(price, -0.99)
        known = price is not None and visitor.price is not None
        row["price_gap"] = price - visitor.price if known else -32768.0  # type: ignore[operator] # known says both
        row["age"] = math.log1p(max(now - published, 0) / DAY) if published else -1.0
        born = visitor.born
        row["age_gap"] = (published - born) / (365 * DAY) if published and born else -32768.0

    def _relate(self, found: list[NaiveCandidate]) -> None:
        for name in RELATIVE:
            values = [candidate.features[name] for candidate in found]
            mean = sum(values) / len(values)
            spread = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
            for candidate in found:
                candidate.features[f"{name}_in_list"] = (candidate.features[name] - mean) / (
                    spread + 1e-3
                )

"""Reads RankLens in Metarank's event format: films, ranked lists that people saw, and their clicks.

| in the file | becomes |
|---|---|
| item | `item` of kind film: categories = genres, published_at = release_date, other fields as attributes |
| ranking | `exposure` with its lines in shown order; the token is the ranking's id |
| interaction | `click` with the token of its ranking |

Ids and times are the file's own, so a second import changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from workbench.importers.wire import Placed, ReadEvent, Unreadable, Wire, encode, moment

SLOT = "ranklens"
_SECONDS = 1000
# An item's properties may hold 200 values; the longest tag lists would exceed that.
_MOST_TAGS, _MOST_GENRES = 60, 10
_NAMES = ("director", "writer")
_NUMBERS = ("popularity", "vote_avg", "vote_cnt", "budget", "runtime")


class _Field(msgspec.Struct, frozen=True):
    name: str
    value: str | float | bool | list[str]


class _Shown(msgspec.Struct, frozen=True):
    id: str


class RankLensLine(msgspec.Struct, frozen=True):
    """One line of the file, of any of its three kinds."""

    event: str
    id: str
    timestamp: str
    user: str = ""
    item: str = ""
    ranking: str = ""
    type: str = ""
    fields: list[_Field] = []
    items: list[_Shown] = []


_decoder = msgspec.json.Decoder(RankLensLine)


def events(lines: Iterable[bytes], *, who: str = "visitor") -> Iterator[ReadEvent]:
    """Every line as a wire event. `who`: people become a `visitor` or a `user`."""
    for number, raw in enumerate(lines, start=1):
        if raw.strip():
            yield _made(raw, number, who)


def _made(raw: bytes, number: int, who: str) -> ReadEvent:
    try:
        line = _decoder.decode(raw)
        make = _KINDS[line.event, line.type]
        made = encode({"id": line.id, "time": int(line.timestamp)} | make(line, who))
        return Placed(made, f"line {number}")
    except KeyError as error:
        return Unreadable(f"line {number}", f"is a kind of event that is not known: {error}")
    except (msgspec.DecodeError, ValueError) as error:
        return Unreadable(f"line {number}", f"is no RankLens event: {error}")


def _item(line: RankLensLine, _: str) -> Wire:
    fields = {field.name: field.value for field in line.fields}
    released = fields.get("release_date")
    attributes = {name: fields[name] for name in (*_NAMES, *_NUMBERS) if fields.get(name)}
    properties: Wire = {"kind": "film", "title": fields.get("title", ""), "attributes": attributes}
    properties["categories"] = _list(fields, "genres")[:_MOST_GENRES]
    properties["tags"] = _list(fields, "tags")[:_MOST_TAGS]
    if isinstance(released, float):
        properties["published_at"] = moment(int(released * _SECONDS))
    return {"type": "item", "item": line.item, "properties": properties}


def _list(fields: dict[str, str | float | bool | list[str]], name: str) -> list[str]:
    value = fields.get(name, [])
    return value if isinstance(value, list) else []


def _ranking(line: RankLensLine, who: str) -> Wire:
    shown = [{"item": shown.id} for shown in line.items]
    return {"type": "exposure", who: line.user, "slot": SLOT, "token": line.id, "lines": shown}


def _click(line: RankLensLine, who: str) -> Wire:
    about: Wire = {"item": line.item, "token": line.ranking, "slot": SLOT}
    return {"type": "click", who: line.user} | about


_KINDS: dict[tuple[str, str], Callable[[RankLensLine, str], Wire]] = {
    ("item", ""): _item,
    ("ranking", ""): _ranking,
    ("interaction", "click"): _click,
}

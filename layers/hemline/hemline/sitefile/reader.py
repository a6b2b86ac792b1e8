"""Reads a site file (one YAML file or several) and reports every mistake with its line and way out.

Needs no store and no catalogue. `schema` defines the fields. The readable part of a site is returned
even when other parts are wrong, so that one run also reviews its rules.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from hemline.model.site.kinds import DEFAULT_KIND
from hemline.model.site.site import Site
from hemline.sitefile.check import contradictions
from hemline.sitefile.check_rules import left_out
from hemline.sitefile.messages import in_words
from hemline.sitefile.nodes import (
    Path,
    Wrong,
    compose,
    file_of,
    in_person,
    line_of,
    node_at,
    plain,
    spell,
)
from hemline.sitefile.schema import SiteModel


class Finding(NamedTuple):
    """One mistake. `line` counts from 1; `field` is a path such as `slots[0].limit`.

    `place` is the field in words, such as `slot hero: limit`. `file` is the file's name, or "".
    """

    line: int
    field: str
    problem: str
    way_out: str = ""
    severity: str = "error"
    code: str = "schema"
    file: str = ""
    place: str = ""

    def text(self, file: str) -> str:
        """`site.yaml:12: slot hero: limit: … …`, as editors and CI parse it; errors need no prefix."""
        place = self.place or self.field
        where = f"{self.file or file}:{self.line}: " + (f"{place}: " if place else "")
        mark = "" if self.severity == "error" else f"{self.severity}: "
        return where + mark + self.problem + (f" {self.way_out}" if self.way_out else "")


class Readable:
    """The readable part of a site, and the place of each of its parts in the file.

    `kept`: list name → for each entry of `site`, its index in the file.
    """

    def __init__(self, model: SiteModel, root: yaml.Node, kept: dict[str, list[int]]) -> None:
        self.site, self._model, self._root, self._kept = model.struct(), model, root, kept

    def mistakes(self, broken: frozenset[str]) -> set["Finding"]:
        """Mistakes that only show when the whole file is read."""
        found = chain(contradictions(self.site, broken), left_out(self._model))
        return {self.finding(path, problem, way_out) for path, problem, way_out in found}

    def finding(self, path: Path, *words: str) -> Finding:
        """A finding at `path`, a place in `site`. `words`: problem, way out, severity, code."""
        head, *rest = path or ("",)
        if head in self._kept and rest and isinstance(rest[0], int):
            rest[0] = self._kept[str(head)][rest[0]]
        return _placed(self._root, (head, *rest) if path else (), *words)


class Checked(NamedTuple):
    """Either the site (then no findings), or None and the findings."""

    site: Site | None
    findings: list[Finding]


class ReadResult(NamedTuple):
    """The readable part of the site (None when nothing is readable), and every finding."""

    readable: Readable | None
    findings: list[Finding]


def check(text: str) -> Checked:
    """Parse and check one site file. Mistakes in the text become findings, never exceptions."""
    readable, findings = read([("", text)])
    return Checked(readable.site if readable and not findings else None, findings)


def read(files: Sequence[tuple[str, str]]) -> ReadResult:
    """Read the (name, text) of the files of one site. Lists are joined in the order of the files."""
    try:
        node = compose(files)
        data = plain(node)
    except Wrong as wrong:
        return ReadResult(None, [_placed(wrong.node, wrong.path, wrong.problem, wrong.way_out)])
    except yaml.MarkedYAMLError as error:
        return ReadResult(None, [_not_yaml(error)])
    except yaml.YAMLError as error:
        return ReadResult(None, [Finding(1, "", f"not YAML: {error}")])
    return _check_fields(node, data)


def _check_fields(node: yaml.Node, data: Any) -> ReadResult:  # noqa: ANN401 - any YAML value
    try:
        found = set[Finding]()
        readable: Readable | None = Readable(SiteModel.model_validate(data), node, {})
        broken: frozenset[str] = frozenset()
    except ValidationError as error:
        errors: list[dict[str, Any]] = [dict(one) for one in error.errors(include_url=False)]
        found = {_finding(node, data, one) for one in errors}
        readable, broken = _rest(node, data, [one["loc"] for one in errors])
    if readable:
        found |= readable.mistakes(broken)
    return ReadResult(readable, sorted(found, key=_order))


def _order(finding: Finding) -> tuple[str, Finding]:
    return finding.file, finding


def _rest(
    node: yaml.Node, data: dict[str, Any], wrong: Sequence[Path]
) -> tuple[Readable | None, frozenset[str]]:
    """The site without its wrong list entries, and the names of those entries."""
    bad = {(loc[0], loc[1]) for loc in wrong if len(loc) > 1}
    lists = {name: value for name, value in data.items() if isinstance(value, list)}
    kept = {
        name: [at for at in range(len(entries)) if (name, at) not in bad]
        for name, entries in lists.items()
    }
    broken = frozenset(
        str(entry.get("name"))
        for name, entries in lists.items()
        for at, entry in enumerate(entries)
        if (name, at) in bad and isinstance(entry, dict)
    )
    whole = {loc[0] for loc in wrong if len(loc) == 1} - set(_STAND_INS)
    known = {name: v for name, v in data.items() if name in SiteModel.model_fields}
    rest = known | {name: [lists[name][at] for at in places] for name, places in kept.items()}
    fields = _STAND_INS | {name: v for name, v in rest.items() if name not in whole}
    try:
        return Readable(_model(fields, wrong), node, kept), broken
    except ValidationError:
        return None, broken


def _model(fields: dict[str, Any], wrong: Sequence[Path]) -> SiteModel:
    stand_ins = {name: v for name, v in _STAND_INS.items() if any(loc[0] == name for loc in wrong)}
    known = {name: v for name, v in (fields | stand_ins).items() if name in SiteModel.model_fields}
    return SiteModel.model_validate(known)


_STAND_INS: dict[str, Any] = {"title": "-", "currency": "EUR", "consent_default": True}
"""Values used for these fields when they are wrong or missing, so that the rest can be checked."""


def _placed(root: yaml.Node, path: Path, *words: str) -> Finding:
    node = node_at(root, path)
    found = Finding(line_of(node, path), spell(path), *words)
    return found._replace(file=file_of(node), place=in_person(root, path))


def _finding(root: yaml.Node, data: object, error: dict[str, Any]) -> Finding:
    return _placed(root, _plain(error["loc"], data), *in_words(error))


def _plain(loc: Path, data: object) -> Path:
    """The path in the file: pydantic's `loc` without union tags, which are not fields."""
    path: list[str | int] = []
    for n, part in enumerate(loc):
        last = n == len(loc) - 1
        if isinstance(data, dict) and isinstance(part, str):
            kinds = (data.get("kind", DEFAULT_KIND), data.get("action"))
            tag = part.startswith("<") or (part not in data and part in kinds)
            if tag:
                continue
            path.append(part)
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            path.append(part)
            data = data[part]
        elif last and part != "[key]":
            break
    return tuple(path)


def _not_yaml(error: yaml.MarkedYAMLError) -> Finding:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = f"not YAML: {error.problem or error.context}."
    finding = Finding(line, "", problem, "Check the indentation and the quotes.")
    return finding._replace(file=str(mark.name) if mark else "")

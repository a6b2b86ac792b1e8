"""`hemline schemas`: writes the published schemas, generated from the structs that the code decodes with.

They are in `docs/`, for use in other languages; a test and `--check` detect stale files.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.contracts.event_schema import DIALECT, event_schema
from workbench.contracts.record_schema import record_schema
from workbench.laptop import ROOT

_EVENT = ROOT / "docs" / "schemas" / "event.schema.json"
_RECORD = ROOT / "docs" / "schemas" / "record.schema.json"
_SITE = ROOT / "docs" / "schemas" / "site.schema.json"


def event_text() -> str:
    """The text of docs/schemas/event.schema.json."""
    return json.dumps(event_schema(), indent=2, sort_keys=True) + "\n"


def site_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a site file, for editors; checks across several fields are not in it."""
    from hemline.sitefile.schema import SiteModel  # noqa: PLC0415 - imports pydantic

    schema = _plain(SiteModel.model_json_schema())
    return {"$schema": DIALECT, **schema, "title": "A site file"}


def _plain(node: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """The schema without pydantic's generated titles and without underscores in model names."""
    if isinstance(node, list):
        return [_plain(part) for part in node]
    if not isinstance(node, dict):
        return node.replace("#/$defs/_", "#/$defs/") if isinstance(node, str) else node
    kept = {key: _plain(value) for key, value in node.items() if not _is_title(key, value)}
    if "$defs" in kept:
        kept["$defs"] = {name.removeprefix("_"): model for name, model in kept["$defs"].items()}
    return kept


def _is_title(key: str, value: object) -> bool:
    # A property named "title" has a schema as its value, not a string.
    return key == "title" and isinstance(value, str)


def site_text() -> str:
    """The text of docs/schemas/site.schema.json."""
    return json.dumps(site_schema(), indent=2, sort_keys=True) + "\n"


def _record_text() -> str:
    return json.dumps(record_schema(), indent=2, sort_keys=True) + "\n"


def _openapi_text() -> str:
    from workbench.contracts import openapi  # noqa: PLC0415 - imports numpy; the command line stays light

    return openapi.text()


DOCUMENTS: dict[Path, Callable[[], str]] = {
    _EVENT: event_text,
    _RECORD: _record_text,
    _SITE: site_text,
    ROOT / "docs" / "openapi.json": _openapi_text,
}
"""File → the function that generates its text."""


def stale() -> list[Path]:
    """The files that differ from what the code generates."""
    return [
        path for path, text in DOCUMENTS.items() if not path.exists() or path.read_text() != text()
    ]


def register(app: typer.Typer) -> None:
    """Hang `schemas` on the command line."""
    app.command()(schemas)


def schemas(
    *,
    check: Annotated[
        bool, typer.Option(help="Write nothing; exit status 1 when a file is stale.")
    ] = False,
) -> None:
    """Write the JSON schemas and the OpenAPI document into docs/."""
    found = stale()
    for path in found:
        print(f"{'stale' if check else 'wrote'} {path.relative_to(ROOT)}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(DOCUMENTS[path]())
    if not found:
        print("the schemas in docs/ are up to date")
    raise typer.Exit(1 if check and found else 0)

"""The published contract is the one that the code decodes with, and its routes are template.yaml's."""

import json

from openapi_spec_validator import validate

from workbench.cloud.intrinsics import parse
from workbench.contracts import openapi
from workbench.laptop import ROOT


def test_the_published_document_is_what_the_code_says() -> None:
    assert openapi.PATH.read_text() == openapi.text(), "run: hemline schemas"


def test_it_is_openapi() -> None:
    validate(json.loads(openapi.text()))


def test_its_routes_are_those_of_the_stack() -> None:
    template = parse((ROOT / "template.yaml").read_text())
    events = [
        event["Properties"]
        for resource in template["Resources"].values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "HttpApi"
    ]
    routes = sorted((event.get("Method", ""), event.get("Path", "")) for event in events)
    published = [
        (method.upper(), path)
        for path, methods in openapi.document()["paths"].items()
        for method in methods
    ]
    # In addition: a HEAD for each GET, which HTTP implies, and the default route.
    heads = [("HEAD", path) for method, path in published if method == "GET"]
    assert routes == sorted([*published, *heads, ("", "")])

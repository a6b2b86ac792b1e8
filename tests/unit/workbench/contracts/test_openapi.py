"""The published contract is the one that the code decodes with, and its routes are template.yaml's."""

import json
import re

from openapi_spec_validator import validate

from workbench.contracts import openapi
from workbench.laptop import ROOT


def test_the_published_document_is_what_the_code_says() -> None:
    assert openapi.PATH.read_text() == openapi.text(), "run: hemline schemas"


def test_it_is_openapi() -> None:
    validate(json.loads(openapi.text()))


def test_its_routes_are_those_of_the_stack() -> None:
    template = (ROOT / "template.yaml").read_text()
    for path, methods in openapi.document()["paths"].items():
        for method in methods:
            quoted = f'"{path}"' if "{" in path else path
            assert f"Method: {method.upper()}, Path: {quoted}" in template
    # Beside them: a HEAD for each GET, which HTTP implies, and the route of what no other one names.
    methods = re.findall(r"Type: HttpApi, .*Method: (\w+)", template)
    published = [method.upper() for path in openapi.document()["paths"].values() for method in path]
    assert sorted(methods) == sorted(published + ["HEAD"] * published.count("GET"))
    assert len(re.findall(r"Type: HttpApi\b", template)) == len(methods) + 1

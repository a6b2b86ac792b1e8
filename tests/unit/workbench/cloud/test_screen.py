import io

import pytest

from workbench.cloud.screen import Screen, readable


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain words", "plain words"),
        (
            '{"level":"INFO","message":"decided","ms":1.1,"rungs":["a","b"]}',
            "decided ms=1.1 rungs=a,b",
        ),
        ('{"level":"WARN","message":"lost","reason":"slow"}', "WARN lost reason=slow"),
        ('{"message":"ingested","counts":{"applied":2,"late":0}}', "ingested counts=applied:2"),
        ('{"Fragments":1,"_aws":{"Timestamp":1}}', ""),
        ('{"no": "message"}', '{"no": "message"}'),
        ("{broken", "{broken"),
        ("{}", "{}"),
    ],
)
def test_structured_lines_are_shown_in_few_words(line: str, shown: str) -> None:
    assert readable(line) == shown


def test_every_line_has_its_functions_name() -> None:
    out = io.StringIO()
    Screen(out).say("fragments", "one\ntwo")
    assert out.getvalue() == "fragments │ one\nfragments │ two\n"


def test_raw_shows_what_cloudwatch_gets() -> None:
    out = io.StringIO()
    Screen(out, raw=True).say("collect", '{"_aws":{}}')
    assert out.getvalue() == '  collect │ {"_aws":{}}\n'

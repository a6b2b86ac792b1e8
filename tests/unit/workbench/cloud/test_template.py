"""The template reader: intrinsic functions, and template.yaml as the laptop plays it."""

from pathlib import Path

import pytest

from workbench.cloud.intrinsics import Names, parse, resolve
from workbench.cloud.local import LAPTOP_PARAMETERS
from workbench.cloud.template import Stack, load, rate_seconds

TEMPLATE = Path(__file__).resolve().parents[4] / "template.yaml"
NAMES = Names(
    values={"Site": "demo", "Table": "hemline-table", "AWS::Region": "us-east-1"},
    attributes={"Table.Arn": "arn:table"},
    conditions={"Always": {"Fn::Equals": [{"Ref": "Site"}, "demo"]}},
    secrets={"hemline-secret": "s3cret"},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!Ref Site", "demo"),
        ("!GetAtt Table.Arn", "arn:table"),
        ("!GetAtt [Table, Arn]", "arn:table"),
        ('!Sub "${Site}|${Table.Arn}|${AWS::Region}"', "demo|arn:table|us-east-1"),
        ('!Sub "{{resolve:secretsmanager:hemline-secret:SecretString}}"', "s3cret"),
        ("!If [Always, 1, 2]", 1),
        ("!If [Always, !Ref Site, 2]", "demo"),
        ("!Not [!Equals [a, a]]", False),
        ("{a: !Ref AWS::NoValue, b: 1}", {"b": 1}),
        ("[!Ref AWS::NoValue, x]", ["x"]),
        ("{Ref: Site}", "demo"),
    ],
)
def test_intrinsic_functions_become_values(text: str, value: object) -> None:
    assert resolve(parse(text), NAMES) == value


def test_an_unknown_name_is_an_error_and_no_empty_string() -> None:
    with pytest.raises(KeyError):
        resolve(parse("!Ref Tabel"), NAMES)


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(15 minutes)", 900),
        ("rate(2 hours)", 7200),
        ("rate(1 day)", 86400),
    ],
)
def test_rates_are_seconds(expression: str, seconds: float) -> None:
    assert rate_seconds(expression) == seconds


def test_a_cron_expression_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"cron\("):
        rate_seconds("cron(0 12 * * ? *)")


@pytest.fixture(scope="module")
def stack() -> Stack:
    return load(TEMPLATE, region="us-east-1", secret="k" * 32, parameters=LAPTOP_PARAMETERS)


def test_functions_have_their_code_layers_and_environment(stack: Stack) -> None:
    fragments = stack.functions["FragmentsFunction"]
    assert fragments.label == "fragments"
    assert fragments.code == "functions/fragments"
    assert fragments.layers == ("HemlineLayer", "InferenceLayer")
    assert fragments.environment["HEMLINE_KEYS"] == "k" * 32
    assert fragments.environment["HEMLINE_TABLE"] in stack.tables
    assert fragments.environment["HEMLINE_STREAM"] in stack.streams
    assert fragments.environment["HEMLINE_BUCKET"] in stack.buckets


def test_every_layer_and_every_caller_of_a_function_is_there(stack: Stack) -> None:
    for function in stack.functions.values():
        assert set(function.layers) <= set(stack.layers)
    callers = (stack.routes, stack.sources, stack.schedules)
    assert {caller.function for kind in callers for caller in kind} == set(stack.functions)


def test_the_event_source_mapping_has_the_templates_safety(stack: Stack) -> None:
    (source,) = stack.sources
    assert source.stream in stack.streams
    assert source.destination in stack.buckets
    assert (source.bisect, source.partial) == (True, True)
    assert source.retries > 0
    assert source.max_age > 0
    assert source.batch_size == 500


def test_the_laptops_stream_has_its_shards(stack: Stack) -> None:
    (stream,) = stack.streams.values()
    assert stream["ShardCount"] == LAPTOP_PARAMETERS["StreamShards"]


def changed(tmp_path: Path, right: str, wrong: str) -> Path:
    text = TEMPLATE.read_text()
    assert right in text
    path = tmp_path / "template.yaml"
    path.write_text(text.replace(right, wrong))
    return path


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("Type: Schedule", "Type: SQS", "SQS event"),
        ("StartingPosition: TRIM_HORIZON", "StartingPosition: LATEST", "TRIM_HORIZON only"),
    ],
)
def test_what_the_laptop_cannot_play_is_refused_by_name(
    tmp_path: Path, right: str, wrong: str, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        load(changed(tmp_path, right, wrong), region="r", secret="s", parameters={})


def test_a_parameter_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no parameter Shards"):
        load(TEMPLATE, region="r", secret="s", parameters={"Shards": "1"})

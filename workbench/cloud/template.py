"""Reads template.yaml for the laptop: functions, what calls them, and their environment.

Everything that the local cloud runs comes from here, so that the laptop and AWS cannot drift apart.
An event type that the laptop does not support is an error, never skipped. Starts nothing.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from workbench.cloud.intrinsics import Names, parse, resolve

ACCOUNT = "000000000000"
_PREFIX = "hemline"


class LambdaFunction(NamedTuple):
    """One Lambda function."""

    name: str
    """Its logical id."""
    label: str
    """The name of its folder, which labels its log lines."""
    handler: str
    code: str
    """Its folder in the checkout."""
    layers: tuple[str, ...]
    """Logical ids, in the template's order."""
    memory: int
    """MB."""
    timeout: int
    """Seconds."""
    environment: dict[str, str]


class Route(NamedTuple):
    """One route of the HTTP API."""

    method: str
    path: str
    """Empty, with an empty method, for the default route, which takes every other request."""
    function: str

    @property
    def key(self) -> str:
        """As API Gateway spells it: `GET /v1/fragments/{slot}`, `$default`."""
        return f"{self.method} {self.path}" if self.path else "$default"


class Cors(NamedTuple):
    """The CORS settings from which API Gateway answers preflights."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    exposed: tuple[str, ...]
    credentials: bool
    max_age: int
    """Seconds that a browser may cache a preflight."""


class EventSource(NamedTuple):
    """A Kinesis event source mapping."""

    name: str
    stream: str
    function: str
    batch_size: int
    """Most records of a batch."""
    window: float
    """Seconds that a batch may wait to fill."""
    retries: int
    """Repeats of a failed batch; -1: for ever."""
    max_age: float
    """Seconds; -1: for ever."""
    bisect: bool
    """Whether a batch that fails as a whole is halved."""
    partial: bool
    """The function reports the lowest failed sequence number (ReportBatchItemFailures)."""
    destination: str | None
    """Bucket for batches that used up their retries."""


class Schedule(NamedTuple):
    """A function called every so often."""

    name: str
    function: str
    seconds: float


class Stack(NamedTuple):
    """The template with every reference resolved."""

    functions: dict[str, LambdaFunction]
    layers: dict[str, str]
    """Logical id → folder in the checkout."""
    routes: tuple[Route, ...]
    cors: Cors | None
    sources: tuple[EventSource, ...]
    schedules: tuple[Schedule, ...]
    tables: dict[str, dict[str, Any]]
    """Name on this machine → properties; the next two have the same form."""
    streams: dict[str, dict[str, Any]]
    buckets: dict[str, dict[str, Any]]


def load(
    path: Path,
    *,
    region: str,
    secret: str,
    parameters: Mapping[str, str],
    secrets: Mapping[str, str] | None = None,
) -> Stack:
    """The stack of the template at `path`. Raises ValueError for what the laptop does not support.

    `secrets`: logical id → text, for secrets that differ from `secret`.
    """
    template = parse(path.read_text())
    names = _names(template, region=region, secret=secret, parameters=parameters)
    names.secrets.update({physical(name, ""): text for name, text in (secrets or {}).items()})
    shared = template.get("Globals", {}).get("Function", {})
    resources = {
        name: {**resource, "Properties": resolve(resource.get("Properties", {}), names)}
        for name, resource in template["Resources"].items()
    }
    common = resolve(shared, names)
    functions = {n: _function(n, p, common) for n, p in _of(resources, "Serverless::Function")}
    events = list(_events(resources))
    return Stack(
        functions=functions,
        layers={n: p["ContentUri"] for n, p in _of(resources, "Serverless::LayerVersion")},
        routes=tuple(_route(e, f) for f, _, e in events if e["Type"] == "HttpApi"),
        cors=next((_cors(p) for _, p in _of(resources, "Serverless::HttpApi")), None),
        sources=tuple(_source(n, p) for n, p in _of(resources, "Lambda::EventSourceMapping")),
        schedules=tuple(_schedule(n, e, f) for f, n, e in events if e["Type"] == "Schedule"),
        tables=_named(resources, "DynamoDB::Table"),
        streams=_named(resources, "Kinesis::Stream"),
        buckets=_named(resources, "S3::Bucket"),
    )


def physical(logical: str, kind: str) -> str:
    """The name of a resource on this machine: code keeps its logical id, data gets a prefixed name."""
    if kind.startswith("AWS::Serverless::"):
        return logical
    return f"{_PREFIX}-{logical.lower()}"


def rate_seconds(expression: str) -> float:
    """`rate(15 minutes)` → 900. Raises ValueError on any other expression."""
    match = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if not match:
        raise ValueError(f"the laptop plays rate(…) schedules, not {expression!r}")
    return int(match[1]) * {"minute": 60.0, "hour": 3600.0, "day": 86400.0}[match[2]]


def _names(
    template: dict[str, Any], *, region: str, secret: str, parameters: Mapping[str, str]
) -> Names:
    unknown = set(parameters) - set(template["Parameters"])
    if unknown:
        raise ValueError(f"template.yaml has no parameter {', '.join(sorted(unknown))}")
    chosen = {n: parameters.get(n, str(p["Default"])) for n, p in template["Parameters"].items()}
    values: dict[str, object] = {
        n: v.split(",") if template["Parameters"][n]["Type"] == "CommaDelimitedList" else v
        for n, v in chosen.items()
    }
    pseudo = {"AWS::Region": region, "AWS::AccountId": ACCOUNT, "AWS::Partition": "aws"}
    kinds = {name: resource["Type"] for name, resource in template["Resources"].items()}
    names = {name: physical(name, kind) for name, kind in kinds.items()}
    attributes = {f"{name}.Arn": _arn(kind, names[name], region) for name, kind in kinds.items()}
    secrets = {names[n]: secret for n, k in kinds.items() if k == "AWS::SecretsManager::Secret"}
    return Names({**values, **pseudo, **names}, attributes, template.get("Conditions", {}), secrets)


_ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::Kinesis::Stream": "arn:aws:kinesis:{region}:{account}:stream/{name}",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::Serverless::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
}


def _arn(kind: str, name: str, region: str) -> str:
    return _ARNS.get(kind, "arn:aws:::{name}").format(region=region, account=ACCOUNT, name=name)


def _of(resources: dict[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in resources.items():
        if resource["Type"] == f"AWS::{kind}":
            yield name, resource["Properties"]


def _named(resources: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {physical(name, kind): properties for name, properties in _of(resources, kind)}


def _events(resources: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for function, properties in _of(resources, "Serverless::Function"):
        for name, event in properties.get("Events", {}).items():
            if event["Type"] not in {"HttpApi", "Schedule"}:
                raise ValueError(
                    f"{function}.{name} is a {event['Type']} event; the laptop plays HttpApi and"
                    " Schedule events, and Kinesis as an AWS::Lambda::EventSourceMapping"
                )
            yield function, name, event["Properties"] | {"Type": event["Type"]}


def _function(name: str, properties: dict[str, Any], common: dict[str, Any]) -> LambdaFunction:
    variables = [part.get("Environment", {}).get("Variables", {}) for part in (common, properties)]
    merged = {**common, **properties}
    layers = tuple(merged.get("Layers", ()))
    return LambdaFunction(
        name=name,
        label=Path(merged["CodeUri"]).name,
        handler=merged["Handler"],
        code=merged["CodeUri"],
        layers=layers,
        memory=int(merged.get("MemorySize", 128)),
        timeout=int(merged.get("Timeout", 3)),
        environment={k: str(v) for k, v in {**variables[0], **variables[1]}.items()},
    )


def _route(event: dict[str, Any], function: str) -> Route:
    return Route(event.get("Method", "").upper(), event.get("Path", ""), function)


def _cors(properties: dict[str, Any]) -> Cors | None:
    given = properties.get("CorsConfiguration")
    if not given:
        return None
    return Cors(
        origins=tuple(given.get("AllowOrigins", ())),
        methods=tuple(given.get("AllowMethods", ())),
        headers=tuple(given.get("AllowHeaders", ())),
        exposed=tuple(given.get("ExposeHeaders", ())),
        credentials=bool(given.get("AllowCredentials", False)),
        max_age=int(given.get("MaxAge", 0)),
    )


def _schedule(name: str, event: dict[str, Any], function: str) -> Schedule:
    return Schedule(f"{function}{name}", function, rate_seconds(event["Schedule"]))


def _source(name: str, properties: dict[str, Any]) -> EventSource:
    failed = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if properties["StartingPosition"] != "TRIM_HORIZON":
        raise ValueError(f"{name}: the laptop plays TRIM_HORIZON only, so that no event is skipped")
    return EventSource(
        name=name,
        stream=properties["EventSourceArn"].rpartition("/")[2],
        function=properties["FunctionName"],
        batch_size=int(properties.get("BatchSize", 100)),
        window=float(properties.get("MaximumBatchingWindowInSeconds", 0)),
        retries=int(properties.get("MaximumRetryAttempts", -1)),
        max_age=float(properties.get("MaximumRecordAgeInSeconds", -1)),
        bisect=bool(properties.get("BisectBatchOnFunctionError", False)),
        partial="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ()),
        destination=failed.rpartition(":")[2] if failed else None,
    )

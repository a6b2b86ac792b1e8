"""How long things are kept is configuration: each figure is a parameter, and reaches where it counts."""

from typing import Any

import pytest

from tests.builders.template import TEMPLATE, resources
from workbench.cloud.intrinsics import parse
from workbench.cloud.template import load

KEPT = {
    "archive/": "ArchiveDays",
    "quarantine/": "QuarantineDays",
}


def rules(bucket: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = resources()[bucket]["Properties"]["LifecycleConfiguration"][
        "Rules"
    ]
    assert all(rule["Status"] == "Enabled" for rule in found)
    return found


@pytest.mark.parametrize("prefix", KEPT)
def test_objects_of_people_expire_by_a_parameter(prefix: str) -> None:
    (rule,) = [rule for rule in rules("DataBucket") if rule.get("Prefix") == prefix]
    assert rule["ExpirationInDays"] == KEPT[prefix]


def test_nothing_else_of_the_data_bucket_expires() -> None:
    """Editions, the brake's log and the register of the forgotten are not of people, and stay."""
    assert {rule["Prefix"] for rule in rules("DataBucket") if "ExpirationInDays" in rule} == set(
        KEPT
    )


def test_old_versions_and_failed_batches_expire_by_parameters() -> None:
    (old,) = [rule for rule in rules("DataBucket") if "NoncurrentVersionExpiration" in rule]
    assert old["NoncurrentVersionExpiration"] == {"NoncurrentDays": "OldVersionDays"}
    assert old["ExpiredObjectDeleteMarker"] is True
    assert [rule["ExpirationInDays"] for rule in rules("FailedBucket")] == ["FailedDays"]


def test_profiles_expire_by_the_attribute_that_is_written_and_the_stream_by_hours() -> None:
    table = resources()["Table"]["Properties"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert resources()["Stream"]["Properties"]["RetentionPeriodHours"] == "StreamHours"


def test_the_functions_are_told_and_every_figure_may_be_changed() -> None:
    chosen = {"ProfileDays": "7", "StreamHours": "72"}
    stack = load(TEMPLATE, region="us-east-1", secret="s" * 32, parameters=chosen)
    for function in stack.functions.values():
        assert function.environment["HEMLINE_PROFILE_DAYS"] == "7"
        assert function.environment["HEMLINE_STREAM_HOURS"] == "72"
    parameters = parse(TEMPLATE.read_text())["Parameters"]
    for name in (*KEPT.values(), "ProfileDays", "OldVersionDays", "FailedDays", "StreamHours"):
        assert parameters[name]["Type"] == "Number"
        assert parameters[name]["Description"]


def test_who_reads_the_archive_may_ask_the_register_first() -> None:
    """Without that right every publish would fail, rather than count who is forgotten."""
    statements = resources()["PublishFunction"]["Properties"]["Policies"][0]["Statement"]
    granted = [
        resource
        for one in statements
        if one["Action"] == "s3:GetObject"
        for resource in one["Resource"]
    ]
    assert "${DataBucket.Arn}/forgotten/${Site}/*" in granted
    (listing,) = [one for one in statements if one["Action"] == "s3:ListBucket"]
    assert "forgotten/${Site}/*" in listing["Condition"]["StringLike"]["s3:prefix"]

"""Our signatures are botocore's, byte for byte."""

import datetime as dt

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from hemline.adapters.aws.connections import AwsRequest
from hemline.adapters.aws.credentials import Credentials
from hemline.adapters.aws.signing import Signer, canonical_path, canonical_query

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
KEYS = st.builds(Credentials, PLAIN, PLAIN, st.none() | PLAIN)
# Up to the year 2100; botocore's own clock is the system's.
SECONDS = st.integers(0, 4_102_444_800)


def expected(service: str, keys: Credentials, request: AwsRequest, now: int) -> dict[str, str]:
    """What botocore makes of it."""
    theirs = AWSRequest(
        request.method, f"https://host.example{request.path}", dict(request.headers), request.body
    )
    kind = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    moment = dt.datetime.fromtimestamp(now, dt.UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: moment)
        kind(
            BotocoreCredentials(keys.access_key, keys.secret_key, keys.token), service, "eu-west-1"
        ).add_auth(theirs)
    return {name.lower(): value for name, value in theirs.headers.items()}


@given(KEYS, st.binary(max_size=64), PLAIN, SECONDS)
def test_a_json_call_is_signed_as_botocore_does(
    keys: Credentials, body: bytes, target: str, now: int
) -> None:
    headers = {"host": "host.example", "content-type": "application/json", "x-amz-target": target}
    request = AwsRequest("POST", "/", headers, body)
    ours = Signer("dynamodb", "eu-west-1").sign(keys, request, now)
    assert ours.headers == expected("dynamodb", keys, request, now)


@given(KEYS, ANY_TEXT, st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=4), st.binary(max_size=64))
def test_an_object_call_is_signed_as_botocore_does(
    keys: Credentials, key: str, query: dict[str, str], body: bytes
) -> None:
    path, asked = canonical_path(f"/bucket/{key}"), canonical_query(query)
    request = AwsRequest(
        "PUT", f"{path}?{asked}" if asked else path, {"host": "host.example"}, body
    )
    ours = Signer("s3", "eu-west-1").sign(keys, request, 1_700_000_000)
    assert ours.headers == expected("s3", keys, request, 1_700_000_000)


def test_a_changed_byte_changes_the_signature() -> None:
    keys = Credentials("AKID", "secret")
    signer = Signer("dynamodb", "eu-west-1")
    one = AwsRequest("POST", "/", {"host": "h"}, b"one")
    others = [
        one._replace(body=b"two"),
        one._replace(path="/x"),
        one._replace(headers={"host": "g"}),
    ]
    signature = signer.sign(keys, one, 0).headers["authorization"]
    assert all(signer.sign(keys, o, 0).headers["authorization"] != signature for o in others)

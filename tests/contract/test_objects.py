"""One suite for objects and their versions, run on memory, a folder, moto and ministack."""

from pathlib import Path

import pytest

from hemline.adapters.aws.client import connect
from hemline.adapters.aws.s3 import S3Objects
from hemline.adapters.memory import MemoryObjects
from hemline.model.errors import Conflict, Unavailable
from hemline.usecases.ports import VersionedStore
from tests.builders.folder_objects import FolderObjects
from tests.builders.versions import VersionedObjects
from tests.harness.clouds import REGION, Cloud


@pytest.fixture(
    params=["memory", "folder", "moto", pytest.param("ministack", marks=pytest.mark.cloud)]
)
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> VersionedStore:
    if request.param == "memory":
        return MemoryObjects()
    if request.param == "folder":
        return FolderObjects(tmp_path / "objects")
    name = "emulator" if request.param == "ministack" else request.param
    cloud: Cloud = request.getfixturevalue(name)
    client = connect("s3", region=REGION, endpoint=cloud.endpoint)
    return S3Objects(client, cloud.make_bucket())


def test_what_is_not_there_is_none(objects: VersionedStore) -> None:
    assert objects.get("editions/demo/x.hem") is None
    assert list(objects.keys("")) == []
    objects.delete("editions/demo/x.hem")


def test_an_object_is_read_as_it_was_put_and_put_again(objects: VersionedStore) -> None:
    for data in (b"", bytes(range(256)) * 4096, b"second"):
        objects.put("editions/demo/x.hem", data)
        assert objects.get("editions/demo/x.hem") == data
    assert list(objects.keys("")) == ["editions/demo/x.hem"]


def test_a_deleted_object_is_gone(objects: VersionedStore) -> None:
    objects.put("a/b", b"x")
    objects.put("a/c", b"x")
    objects.delete("a/b")
    assert objects.get("a/b") is None
    assert list(objects.keys("a/")) == ["a/c"]


def test_keys_come_in_the_order_of_their_bytes(objects: VersionedStore) -> None:
    names = ["a/b/1", "a/b-c/1", "a/b/10", "a/B", "a/é", "a/z", "b", "a.x"]
    for name in names:
        objects.put(name, b"")
    assert list(objects.keys("")) == sorted(names, key=str.encode)
    assert list(objects.keys("a/b")) == ["a/b-c/1", "a/b/1", "a/b/10"]
    assert list(objects.keys("a/b/1")) == ["a/b/1", "a/b/10"]
    assert list(objects.keys("nowhere/at/all")) == []


def test_keys_may_hold_what_must_be_escaped_on_the_wire(objects: VersionedStore) -> None:
    for name in ("a b/c+d", "a&b=c", "a%20b", "a'(b)*!~", 'a"<b>', "ü/🙂"):
        objects.put(name, name.encode())
        assert objects.get(name) == name.encode()
        assert list(objects.keys(name)) == [name]


def test_more_keys_than_a_page_holds_all_come(objects: VersionedStore) -> None:
    names = [f"archive/demo/{n:05}" for n in range(1_050)]
    for name in names:
        objects.put(name, b"")
    assert list(objects.keys("archive/demo/")) == names


@pytest.fixture(params=["support", "moto", pytest.param("ministack", marks=pytest.mark.cloud)])
def kept(request: pytest.FixtureRequest) -> VersionedStore:
    """A store that keeps what was overwritten or deleted."""
    if request.param == "support":
        return VersionedObjects()
    cloud: Cloud = request.getfixturevalue("emulator" if request.param == "ministack" else "moto")
    bucket = cloud.make_bucket()
    cloud.boto("s3").put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    return S3Objects(connect("s3", region=REGION, endpoint=cloud.endpoint), bucket)


def test_without_versions_an_object_is_its_only_one(objects: VersionedStore) -> None:
    for name, data in (("a/1", b"old"), ("a/1", b"new"), ("a/2", b"x"), ("b", b"y")):
        objects.put(name, data)
    one, two = objects.versions("a/")
    assert (one.key, one.version, one.latest, one.marker) == ("a/1", "null", True, False)
    assert objects.get_version(one) == b"new"
    assert list(objects.versions("a/", "a/1")) == [two]
    objects.replace(one, b"newer")
    assert objects.get("a/1") == b"newer"
    objects.delete_version(two)
    assert list(objects.keys("")) == ["a/1", "b"]


def test_versions_come_by_key_the_latest_first(kept: VersionedStore) -> None:
    for name in ("a/1", "a/2", "b"):
        for data in (b"1", b"2", b"3"):
            kept.put(name, data)
    kept.delete("a/2")
    found = list(kept.versions("a/"))
    assert [one.key for one in found] == ["a/1"] * 3 + ["a/2"] * 4
    assert [one.latest for one in found] == [True, False, False, True, False, False, False]
    assert [one.marker for one in found] == [False] * 3 + [True, False, False, False]
    assert [kept.get_version(one) for one in found[:3]] == [b"3", b"2", b"1"]
    assert [one.key for one in kept.versions("a/", "a/1")] == ["a/2"] * 4


def test_a_deleted_version_is_gone_for_good_and_the_others_stay(kept: VersionedStore) -> None:
    for data in (b"1", b"2", b"3"):
        kept.put("a", data)
    newest, middle, _ = kept.versions("a")
    kept.delete_version(middle)
    assert kept.get_version(middle) is None
    kept.delete_version(middle)
    assert [kept.get_version(one) for one in kept.versions("a")] == [b"3", b"1"]
    kept.delete_version(newest)
    assert kept.get("a") == b"1"


def test_a_version_is_replaced_only_while_it_is_the_latest(kept: VersionedStore) -> None:
    kept.put("a", b"1")
    (one,) = kept.versions("a")
    kept.put("a", b"2")
    with pytest.raises(Conflict):
        kept.replace(one, b"lost")
    (two, _) = kept.versions("a")
    kept.replace(two, b"won")
    assert kept.get("a") == b"won"
    kept.delete("a")
    with pytest.raises(Conflict):
        kept.replace(two, b"lost")


def test_more_versions_than_a_page_holds_all_come(kept: VersionedStore) -> None:
    for _ in range(520):
        kept.put("a/1", b"")
        kept.put("a/2", b"")
    found = [one.version for one in kept.versions("a/")]
    assert len(set(found)) == len(found) == 1_040


def test_a_bucket_that_is_not_there_is_unavailable(cloud: Cloud) -> None:
    objects = S3Objects(connect("s3", region=REGION, endpoint=cloud.endpoint), "no-such")
    for call in (
        lambda: objects.get("x"),
        lambda: objects.put("x", b""),
        lambda: list(objects.keys("")),
        lambda: list(objects.versions("")),
    ):
        with pytest.raises(Unavailable, match="NoSuchBucket"):
            call()

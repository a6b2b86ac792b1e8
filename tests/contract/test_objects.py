"""One suite for objects, run on memory, a folder, moto and ministack."""

from pathlib import Path

import pytest

from hemline.adapters.aws import connect
from hemline.adapters.files import FolderObjects
from hemline.adapters.memory import MemoryObjects
from hemline.adapters.s3 import S3Objects
from hemline.model.errors import Unavailable
from hemline.usecases.ports import ObjectStore
from tests.support.clouds import REGION, Cloud


@pytest.fixture(
    params=["memory", "folder", "moto", pytest.param("ministack", marks=pytest.mark.cloud)]
)
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "memory":
        return MemoryObjects()
    if request.param == "folder":
        return FolderObjects(tmp_path / "objects")
    name = "emulator" if request.param == "ministack" else request.param
    cloud: Cloud = request.getfixturevalue(name)
    client = connect("s3", region=REGION, endpoint=cloud.endpoint)
    return S3Objects(client, cloud.make_bucket())


def test_what_is_not_there_is_none(objects: ObjectStore) -> None:
    assert objects.get("editions/demo/x.hem") is None
    assert list(objects.keys("")) == []
    objects.delete("editions/demo/x.hem")


def test_an_object_is_read_as_it_was_put_and_put_again(objects: ObjectStore) -> None:
    for data in (b"", bytes(range(256)) * 4096, b"second"):
        objects.put("editions/demo/x.hem", data)
        assert objects.get("editions/demo/x.hem") == data
    assert list(objects.keys("")) == ["editions/demo/x.hem"]


def test_a_deleted_object_is_gone(objects: ObjectStore) -> None:
    objects.put("a/b", b"x")
    objects.put("a/c", b"x")
    objects.delete("a/b")
    assert objects.get("a/b") is None
    assert list(objects.keys("a/")) == ["a/c"]


def test_keys_come_in_the_order_of_their_bytes(objects: ObjectStore) -> None:
    names = ["a/b/1", "a/b-c/1", "a/b/10", "a/B", "a/é", "a/z", "b", "a.x"]
    for name in names:
        objects.put(name, b"")
    assert list(objects.keys("")) == sorted(names, key=str.encode)
    assert list(objects.keys("a/b")) == ["a/b-c/1", "a/b/1", "a/b/10"]
    assert list(objects.keys("a/b/1")) == ["a/b/1", "a/b/10"]
    assert list(objects.keys("nowhere/at/all")) == []


def test_keys_may_hold_what_must_be_escaped_on_the_wire(objects: ObjectStore) -> None:
    for name in ("a b/c+d", "a&b=c", "a%20b", "a'(b)*!~", 'a"<b>', "ü/🙂"):
        objects.put(name, name.encode())
        assert objects.get(name) == name.encode()
        assert list(objects.keys(name)) == [name]


def test_more_keys_than_a_page_holds_all_come(objects: ObjectStore) -> None:
    names = [f"archive/demo/{n:05}" for n in range(1_050)]
    for name in names:
        objects.put(name, b"")
    assert list(objects.keys("archive/demo/")) == names


def test_a_bucket_that_is_not_there_is_unavailable(cloud: Cloud) -> None:
    objects = S3Objects(connect("s3", region=REGION, endpoint=cloud.endpoint), "no-such")
    for call in (
        lambda: objects.get("x"),
        lambda: objects.put("x", b""),
        lambda: list(objects.keys("")),
    ):
        with pytest.raises(Unavailable, match="NoSuchBucket"):
            call()

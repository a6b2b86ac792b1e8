"""What only memory and folders promise: threads see whole writes, and no key leaves the folder."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hemline.adapters.memory import MemoryStream, MemoryTable
from hemline.model.errors import BadInput, Conflict, Unavailable
from hemline.usecases.ports import StreamEntry
from tests.builders.folder_objects import FolderObjects


def increment(table: MemoryTable) -> None:
    """One conditional addition, tried until it wins."""
    while True:
        stored = table.read_profiles("demo", ["v:a"]).get("v:a")
        value, version = (int(stored.blob), stored.version) if stored else (0, 0)
        try:
            table.write_profile("demo", "v:a", str(value + 1).encode(), expected=version)
        except Conflict:
            continue
        return


def test_no_increment_of_many_threads_is_lost() -> None:
    table = MemoryTable()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(increment, [table] * 400))
    assert table.read_profiles("demo", ["v:a"])["v:a"].blob == b"400"


def test_no_entry_of_many_threads_is_lost() -> None:
    stream = MemoryStream()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: stream.put([StreamEntry("v:a", b"%d" % n)] * 5), range(100)))
    assert len(stream.entries) == 500


OUTSIDE = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../x",
    "a/../../x",
    "a/..",
    "./a",
    "a//b",
    "a/",
    ".partial/x",
]


@pytest.mark.parametrize("key", [*OUTSIDE, "a\\..\\b", "a\0b", "a\nb", "x" * 1025])
def test_a_key_that_is_not_plain_is_refused(tmp_path: Path, key: str) -> None:
    objects = FolderObjects(tmp_path / "objects")
    with pytest.raises(BadInput):
        objects.put(key, b"x")
    with pytest.raises(BadInput):
        objects.get(key)
    with pytest.raises(BadInput):
        objects.delete(key)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from("ab./\\~%\0é"), max_size=12) | st.text(max_size=20))
def test_no_key_writes_outside_of_its_folder(tmp_path: Path, key: str) -> None:
    objects = FolderObjects(tmp_path / "in" / "objects")
    try:
        objects.put(key, b"x")
    except (BadInput, Unavailable, UnicodeEncodeError):
        pass
    else:
        assert objects.get(key) == b"x"
        assert key in list(objects.keys(key))
        objects.delete(key)
    assert {path.name for path in tmp_path.iterdir()} <= {"in"}
    assert {path.name for path in (tmp_path / "in").glob("*")} <= {"objects"}


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    root = tmp_path / "objects"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="leaves"):
        FolderObjects(root).get("link/secret")


def test_a_write_that_fails_leaves_the_old_bytes_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = FolderObjects(tmp_path)
    objects.put("a/b", b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(Unavailable, match="No space"):
        objects.put("a/b", b"new")
    assert objects.get("a/b") == b"old"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["b"]


def test_a_key_below_another_object_is_refused_not_lost(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    objects.put("a", b"x")
    with pytest.raises(Unavailable):
        objects.put("a/b", b"y")
    assert objects.get("a") == b"x"
    assert objects.get("a/b") is None

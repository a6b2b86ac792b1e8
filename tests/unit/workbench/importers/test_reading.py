"""A file to import may be a pipe: it is looked at without going back."""

import gzip
import os
from pathlib import Path
from threading import Thread

import pytest

from workbench.importers.reading import opened


@pytest.mark.parametrize("wrap", [bytes, gzip.compress])
def test_a_pipe_is_read_as_a_file_is(tmp_path: Path, wrap: type[bytes]) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    data = wrap(b'{"id":1}\n{"id":2}\n')
    file.write_bytes(data)
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=(data,), daemon=True)
    writer.start()
    for path in (pipe, file):
        with opened(path) as source:
            assert list(source.lines()) == [b'{"id":1}', b'{"id":2}']
            assert source.position == (0 if path is pipe else len(data))
    writer.join(10)
    assert not writer.is_alive()

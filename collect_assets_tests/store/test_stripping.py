"""What digital-land-python takes out of an answer: the same bytes, however they fall into windows."""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collect_assets.errors import StorageError
from collect_assets.store.stripping import IN_JSON_OR_XML, IN_WFS, WINDOW, Pass, strip
from collect_assets_tests.collecting.kit import sha256

# As digital-land-python's collector and its wfs plugin have them: each over the whole of what the last one left.
WHOLE_JSON_OR_XML = (
    (rb'"timeStamp"\s*:\s*"[^"]*"\s*,?', b""),
    (rb'timeStamp="[^"]*" ', b""),
    (rb'"timeStamp":"[^"]*",', b""),
    (rb",\s*}", b"}"),
)
WHOLE_WFS = (
    (rb' ?timeStamp="[^"]*"', b""),
    (rb' ?fid="[^"]*"', b""),
    (rb'(gml:id="[^."]+)[^"]*', rb"\1"),
)
PIECES = [
    *(b'"timeStamp"', b'timeStamp="', b'"timeStamp":"', b' timeStamp="', b'fid="', b' fid="', b'gml:id="'),
    *(b'"', b" ", b",", b"}", b":", b".", b"=", b"x", b'a.b"', b'"x" ', b'id="a'),
    *(b"timeS", b"tamp", b"gml:", b"\n\t ", b"\x0b\x0c\r", b"\x1c\x85\xa0", b"\xc2\xa0", b"t\0i\0", b"  ", b",\n}"),
]
documents = st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join)


def whole(content: bytes, expressions: Sequence[tuple[bytes, bytes]]) -> bytes:
    for expression, left in expressions:
        content = re.sub(expression, left, content)
    return content


def stripped(folder: Path, content: bytes, passes: Sequence[Pass], window: int = WINDOW) -> bytes:
    part, work = folder / "part", folder / "work"
    part.write_bytes(content)
    new = strip(part, passes, work, window=window)
    result = new.read_bytes()
    assert part.read_bytes() == content
    assert (new == part) == (result == content)
    assert list(work.iterdir() if work.is_dir() else []) == [new] * (new != part)
    if new != part:
        new.unlink()
    return result


@settings(max_examples=300, deadline=None)
@given(documents, st.integers(1, 50))
@example(b'"timeS"timeStamp":"a",tamp":"x",', 7)  # the third pass finds what the first one made
@example(b'timeStamp="timeStamp="a" ', 12)
@example(b'gml:id="gml:id="a.b"', 8)
@example(b'{"a":1,,  }', 4)
@example(b'"timeStamp"' + b" " * 100 + b':"' + b"x" * 100 + b'"' + b" " * 100 + b",}", 3)
@example(b'"timeStamp"' + b" " * 100 + b':"' + b"x" * 100, 3)
@example(b'gml:id="' + b"x" * 100 + b"." + b"y" * 100 + b'"', 3)
def test_windows_find_what_is_found_in_the_whole(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, window: int
) -> None:
    folder = tmp_path_factory.mktemp("strip")
    assert stripped(folder, content, IN_JSON_OR_XML, window) == whole(content, WHOLE_JSON_OR_XML)
    assert stripped(folder, content, IN_WFS, window) == whole(content, WHOLE_WFS)
    both = (*WHOLE_JSON_OR_XML, *WHOLE_WFS)
    assert stripped(folder, content, (*IN_JSON_OR_XML, *IN_WFS), window) == whole(content, both)


@pytest.mark.parametrize("shift", range(-12, 3))
def test_it_is_found_across_the_edge_of_a_real_window(tmp_path: Path, shift: int) -> None:
    content = b"x" * (WINDOW + shift) + b'{"timeStamp": "2024-03-07T00:00:00Z" , "a": 1 , }' + b"x" * WINDOW
    assert stripped(tmp_path, content, IN_JSON_OR_XML) == whole(content, WHOLE_JSON_OR_XML)


@pytest.mark.parametrize(
    "content",
    [
        b'{"timeStamp":"x","a":1,\n}' + b'{"b": 2}\n' * 2_000_000,
        b'{"timeStamp":"' + b"x" * 20_000_000,  # a value without an end
        b'{"a":1,' + b" " * 20_000_000 + b"}",
        b'<a gml:id="' + b"x" * 10_000_000 + b"." + b"y" * 10_000_000 + b'">',
    ],
    ids=["long", "no end", "spaces", "id"],
)
def test_memory_does_not_grow_with_the_file(tmp_path: Path, content: bytes) -> None:
    part = tmp_path / "part"
    part.write_bytes(content)
    size = len(content)
    del content
    tracemalloc.start()
    try:
        strip(part, (*IN_JSON_OR_XML, *IN_WFS), tmp_path / "work")
        assert tracemalloc.get_traced_memory()[1] < size / 4
    finally:
        tracemalloc.stop()


def test_nothing_is_left_when_the_disk_fails(tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(b'{"timeStamp":"x","a":1,}')
    work = tmp_path / "work"
    work.write_bytes(b"no folder")
    with pytest.raises(StorageError):
        strip(part, IN_JSON_OR_XML, work)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["part", "work"]
    assert sha256(part.read_bytes()) == sha256(b'{"timeStamp":"x","a":1,}')

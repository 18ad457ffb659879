"""The start of a long file, as far as it is whole."""

import json

import pytest

from collect_assets.checking.starts import whole_start
from collect_assets.errors import UnreadableError

RECORDS = [
    {"id": number, "of": {"deep": [{"a": "}]"}, {"b": [1, [2]]}]}, "note": 'a "quoted" \\ [{'} for number in range(9)
]


def start(tmp_path, content):
    path = tmp_path / "start"
    path.write_bytes(content)
    return whole_start(path)


@pytest.mark.parametrize("wrap", [lambda rows: rows, lambda rows: {"crs": {"p": [1]}, "rows": rows, "more": []}])
def test_json_cut_anywhere_is_whole_records_and_nothing_else(tmp_path, wrap):
    content = json.dumps(wrap(RECORDS)).encode()
    counts = set()
    for end in range(len(content)):
        try:
            read = json.loads(start(tmp_path, content[:end]))
        except UnreadableError:
            continue
        rows = read["rows"] if isinstance(read, dict) else read
        assert rows == RECORDS[: len(rows)]
        counts.add(len(rows))
    assert counts == set(range(1, 10))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_table_ends_with_its_last_whole_line(tmp_path, encoding):
    mark = {"utf-8": b"", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}[encoding]
    content = mark + "id,name\n1,Ċ\n2,as".encode(encoding)
    assert start(tmp_path, content) == mark + "id,name\n1,Ċ\n".encode(encoding)


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04...", b'{"one": {"object": [1, 2', b"no line end", b"<?xml version='1.0'?><a>"]
)
def test_what_cannot_be_read_without_its_end_is_said(tmp_path, content):
    with pytest.raises(UnreadableError):
        start(tmp_path, content)

"""Bodies that end where nobody said that they end (fault F15)."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from collect_assets.network.cut import cut_short
from collect_assets.network.gate import Request
from collect_assets_tests.servers import RawServer, http

FEATURES = json.dumps({"features": [{"id": n, "name": 'a "quoted" [name] \\'} for n in range(300)]}).encode()
XML = b"<?xml version='1.0'?>\n<!-- <not> --><a:all xmlns:a='x'>" + b"<one>text &lt;</one>\n" * 300 + b"</a:all>\n"
CSV = b'id,"a name, quoted"\r\n' + b'1,"two ""words"" and 5"\r\n2,5" pipe\r\n' * 200
PACKED = io.BytesIO()
with zipfile.ZipFile(PACKED, "w") as archive:
    archive.writestr("a.csv", CSV)
ZIP = PACKED.getvalue()
NDJSON = b'{"a": 1}\n{"b": [2]}\n'


def seen(folder: Path, content: bytes) -> str:
    (folder / "part").write_bytes(content)
    return cut_short(folder / "part", content[:2048])


@pytest.mark.parametrize(
    "content",
    [FEATURES, XML, CSV, ZIP, NDJSON, b"[]\n\n", b"\xef\xbb\xbf{}", b"<a/>", b"<a b='c'/>\n", XML + b"<!-- end -->\n",
     b"plain text with a \" in it", b'cb({"a": "b\\", c", "d": "\\","});\n', b"x", b"a,b\n1,2",
     '{"a":1}'.encode("utf-16")],
)  # fmt: skip
def test_what_may_be_whole_is_taken_for_whole(tmp_path, content):
    assert seen(tmp_path, content) == ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [(FEATURES[:-1], "brackets"), (FEATURES[:-2], "brackets"), (FEATURES[:-30], "bracket"), (FEATURES[:999], "bracket"),
     (b"[[1],[2]", "brackets"), (XML[:-3], "</a:all>"), (XML[:500], "</a:all>"), (XML[:-9], "</a:all>"),
     (ZIP[:-1], "zip"), (ZIP[:300], "zip"), (CSV[: CSV.rindex(b'""')], "quote"), (b'a,b\n1,"', "quote"),
     (NDJSON[:-4], "bracket")],
)  # fmt: skip
def test_what_cannot_be_whole_is_named(tmp_path, content, reason):
    assert reason in seen(tmp_path, content)


@pytest.mark.parametrize(
    ("answer", "delimited"),
    [(http(b"x"), True), (http(b"x", length=False), False),
     (http(b"1\r\nx\r\n0\r\n\r\n", "Transfer-Encoding: chunked", length=False), True)],
)  # fmt: skip
def test_an_answer_says_whether_its_end_was_marked(make_gate, answer, delimited):
    with RawServer([answer]) as server:
        assert make_gate().fetch(Request(server.url())).delimited is delimited

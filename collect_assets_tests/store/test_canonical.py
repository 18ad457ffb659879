"""The canonical hash: blind for noise, awake for everything else."""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect_assets.store.canonical import EDGE, canonical_hash, without_time_stamps
from collect_assets_tests.collecting.kit import sha256


def hash_of(folder: Path, content: bytes) -> str:
    path = folder / "resource"
    path.write_bytes(content)
    return canonical_hash(path, sha256(content))


def zipped(members: Mapping[str, bytes], *, year: int = 2020, how: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), content, compress_type=how)
    return file.getvalue()


def wfs(stamp: str, features: bytes = b"<gml:featureMember/>" * 2000) -> bytes:
    return b'<?xml version="1.0"?><wfs:FeatureCollection timeStamp="%s" n="2">' % stamp.encode() + features + b"</x>"


@given(st.binary(max_size=200).filter(lambda content: content[:1] not in (b"<", b"{") and content[:2] != b"PK"))
def test_a_resource_without_noise_has_its_own_hash(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    assert hash_of(tmp_path_factory.mktemp("c"), content.lstrip()) == sha256(content.lstrip())


def test_a_time_stamp_in_a_csv_counts_as_content(tmp_path: Path) -> None:
    content = b'name,note\na,timeStamp="1"\n'
    assert hash_of(tmp_path, content) == sha256(content)


def test_the_time_stamp_of_a_wfs_is_noise(tmp_path: Path) -> None:
    assert hash_of(tmp_path, wfs("2026-03-01T00:00:00Z")) == hash_of(tmp_path, wfs("2026-03-02T11:22:33Z"))


def test_another_feature_of_a_wfs_is_no_noise(tmp_path: Path) -> None:
    changed = b"<gml:featureMember/>" * 1000 + b"<gml:featureMembeR/>" + b"<gml:featureMember/>" * 999
    assert hash_of(tmp_path, wfs("1")) != hash_of(tmp_path, wfs("1", changed))


@pytest.mark.parametrize("where", ["start", "end"])
@pytest.mark.parametrize("count", [0, 1, 300, 3000])
def test_the_time_stamp_of_a_geojson_is_noise_at_its_start_and_end(tmp_path: Path, where: str, count: int) -> None:
    def geojson(stamp: str) -> bytes:
        features = b",".join([b'{"type":"Feature"}'] * count)
        mark = b'"timeStamp":"%s"' % stamp.encode()
        head = b'{"type":"FeatureCollection",' + (mark + b"," if where == "start" else b"") + b'"features":['
        return head + features + b"]" + (b"," + mark if where == "end" else b"") + b"}"

    assert hash_of(tmp_path, geojson("2026-03-01T00:00:00Z")) == hash_of(tmp_path, geojson("2026-03-02T01:01:01Z"))


def test_a_time_stamp_in_the_middle_is_content(tmp_path: Path) -> None:
    padding = b"<a/>" * EDGE
    first, second = (b"<x>" + padding + b'<y timeStamp="%d"/>' % n + padding + b"</x>" for n in (1, 2))
    assert hash_of(tmp_path, first) != hash_of(tmp_path, second)


def test_dates_order_and_compression_of_a_zip_are_noise(tmp_path: Path) -> None:
    members = {"a.csv": b"1,2\n" * 500, "b.csv": b"3,4\n"}
    turned = dict(reversed(members.items()))
    hashes = {
        hash_of(tmp_path, zipped(members)),
        hash_of(tmp_path, zipped(members, year=2026)),
        hash_of(tmp_path, zipped(turned)),
        hash_of(tmp_path, zipped(members, how=zipfile.ZIP_STORED)),
    }
    assert len(hashes) == 1


@pytest.mark.parametrize(
    "members", [{"a.csv": b"1,3\n"}, {"b.csv": b"1,2\n"}, {"a.csv": b"1,2\n", "b.csv": b""}, {}], ids=str
)
def test_names_and_contents_of_a_zip_are_no_noise(tmp_path: Path, members: dict[str, bytes]) -> None:
    assert hash_of(tmp_path, zipped({"a.csv": b"1,2\n"})) != hash_of(tmp_path, zipped(members))


def test_a_zip_that_cannot_be_read_has_its_own_hash(tmp_path: Path) -> None:
    whole = zipped({"a.csv": b"1,2\n" * 500})
    for content in (whole[:-30], whole[:38] + b"\0\0\0\0" + whole[42:], b"PK\x03\x04"):
        assert hash_of(tmp_path, content) == sha256(content)


def test_a_gzip_file_has_its_own_hash(tmp_path: Path) -> None:
    content = gzip.compress(wfs("1"))
    assert hash_of(tmp_path, content) == sha256(content)


BLANKS = """
from collect_assets.store.canonical import without_time_stamps
for noise in (b" ", b", ", b"\\n\\t", b" timeStamp", b'"', b"<?", b"<!--", b"="):
    for first in (b"<x", b"{", b"<", b""):
        content = first + noise * 400_000 + b"y>"
        assert without_time_stamps(content, content) == (content, content)
"""


def test_a_sea_of_blanks_is_looked_through_in_one_pass() -> None:
    done = subprocess.run([sys.executable, "-c", BLANKS], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


JSON = st.recursive(
    st.none() | st.integers() | st.sampled_from(["x", 'timeStamp":"', "]}", "{"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["timeStamp", "a", "b"]), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["timeStamp", "features", "a"]), JSON), st.sampled_from([None, 1]))
def test_of_json_only_a_text_under_the_key_at_the_top_is_left_out(content: dict[str, object], indent: int) -> None:
    written = json.dumps(content, indent=indent).encode()
    stamped = isinstance(content.get("timeStamp"), str) and '"' not in str(content["timeStamp"])
    left = {key: value for key, value in content.items() if key != "timeStamp" or not stamped}
    assert without_time_stamps(written)[1] == b""
    assert json.loads(re.sub(rb"^\{\s*,", b"{", without_time_stamps(written)[0])) == left
    behind = b"," + written[1:] if content else written[1:]
    assert json.loads(b'{"":0' + without_time_stamps(b"", behind)[1]) == {"": 0, **left}


@pytest.mark.parametrize(
    "form",
    [
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"timeStamp":"%s"}}]}',
        '{"type":"FeatureCollection","features":[{"properties":{"a":1,"timeStamp":"%s","b":2}}],"timeStamp":"1"}',
        '<x><y timeStamp="%s"/></x>',
        '<?xml version="1.0"?><!-- timeStamp="1" --><x a="1"><y timeStamp="%s"/></x>',
        '{"a":{"timeStamp":"%s"},"features":[]}',
    ],
)
def test_a_time_stamp_of_a_feature_is_content(tmp_path: Path, form: str) -> None:
    assert hash_of(tmp_path, (form % "1").encode()) != hash_of(tmp_path, (form % "2").encode())


@pytest.mark.parametrize("count", [0, 3000])
@pytest.mark.parametrize(
    "after", ['"timeStamp":"%s"', '"timeStamp":"%s","crs":{"properties":{"name":"x"}}', '"n":[{}], "timeStamp" : "%s"']
)
def test_what_stands_beside_a_time_stamp_behind_the_features_does_not_matter(
    tmp_path: Path, count: int, after: str
) -> None:
    features = ",".join(['{"properties":{"timeStamp":"x"}}'] * count)
    hashes = {hash_of(tmp_path, f'{{"features":[{features}],{after % n}}}'.encode()) for n in (1, 2)}
    assert len(hashes) == 1


def test_a_zip_packed_in_a_way_that_is_not_read_has_its_own_hash(tmp_path: Path) -> None:
    content = zipped({"a.csv": b"1,2\n" * 500}, how=zipfile.ZIP_BZIP2)
    assert hash_of(tmp_path, content) == sha256(content)


def test_a_zip_beyond_the_limits_of_its_reader_has_its_own_hash(tmp_path: Path) -> None:
    bomb = zipped({"a.csv": b"0" * (80 << 20)})
    assert hash_of(tmp_path, bomb) == sha256(bomb)


@pytest.mark.parametrize("how", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_zip_that_is_broken_anywhere_still_has_a_hash(tmp_path: Path, how: int) -> None:
    whole = zipped({"Gärten.csv": b"a,b\n" * 300, "meta.xml": b"<a/>" * 60}, how=how)
    chance = random.Random(8)
    for _ in range(1200):
        broken = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 5))):
            broken[chance.randrange(4, len(broken))] = chance.randrange(256)
        assert len(hash_of(tmp_path, bytes(broken))) == 64

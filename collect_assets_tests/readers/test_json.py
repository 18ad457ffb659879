"""JSON in its kinds: documents, lines, GeoJSON; cut off, too deep, not what it should be."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys

import pytest

from collect_assets.collection import Collection
from collect_assets.store.local import sha256_of

POINT = {"type": "Point", "coordinates": [4.35, 50.85]}


def features(*members: dict) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": list(members)}).encode()


def feature(properties: dict | None, geometry: dict | None = POINT, **more: object) -> dict:
    return {"type": "Feature", "properties": properties, "geometry": geometry, **more}


@pytest.mark.parametrize(
    "document",
    [
        [{"id": "1", "x": "a"}, {"id": "2"}],
        {"results": [{"id": "1", "x": "a"}, {"id": "2"}]},
        {"count": 2, "links": [{"href": "/"}], "tags": ["a", "b", "c"], "items": [{"id": "1", "x": "a"}, {"id": "2"}]},
    ],
)
def test_objects_in_a_list_are_records(read, document):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        found = read(json.dumps(document, indent=1).encode(encoding))
        assert found.records == [{"id": "1", "x": "a"}, {"id": "2"}]
        assert found.ids == ["1", "2"]
        assert found.report.columns == ("id", "x")
        assert found.report.format == "json"


def test_an_object_alone_is_one_record(read):
    found = read(b'{"reference": "A", "tags": ["x", " y "], "nested": {"b": 1.0, "a": null}}')
    assert found.ids == ["A"]
    assert found.records == [{"nested": {"b": 1}, "reference": "A", "tags": ["x", "y"]}]


def test_an_empty_list_is_no_records_and_proves_it(read):
    for content in (b"[]", b'{"results": []}', b'{"type":"FeatureCollection","features":[]}'):
        found = read(content)
        assert (found.report.records, found.report.problem) == (0, "")
        assert found.report.proves_absence


@pytest.mark.parametrize(
    "content",
    [
        b'[{"id": 1}, {"id": 2}',
        b'[{"id": 1}, {"id": "2',
        b'{"results": [{"id": 1}, {"id": 2}]',
        b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"id":1},"geometry":null},',
        b'[{"id": 1}] trailing',
        b'[{"id": NaN}]',
    ],
)
def test_what_is_cut_off_or_invalid_gives_no_records_at_all(read, content):
    found = read(content)
    assert "valid JSON" in found.report.problem
    assert not found.file.exists()
    assert not found.report.proves_absence


def test_an_error_message_is_not_a_record(read):
    found = read(b'{"error": {"code": 400, "message": "Invalid URL"}}')
    assert "error message" in found.report.problem
    assert "Invalid URL" in found.report.problem
    assert "without a list of features" in read(b'{"type":"FeatureCollection","timedOut":true}').report.problem


def test_deep_nesting_is_refused_before_it_takes_memory(read):
    for content in (b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000):
        assert "nested deeper" in read(content).report.problem
    brackets_in_text = json.dumps([{"id": "1", "x": "[{" * 5000 + '"\\'}]).encode()
    assert read(brackets_in_text).report.records == 1


def test_strings_across_pieces_of_reading_do_not_count_as_brackets(read):
    rows = [{"id": str(number), "x": '[[[{{{"\\' * 40} for number in range(10_000)]
    found = read(json.dumps(rows).encode())
    assert found.report.records == 10_000


def test_numbers_keep_their_value(read):
    content = b'[{"id":1,"whole":1.0,"tenth":0.10,"big":123456789012345678901234567890,"huge":1e400,"yes":true}]'
    found = read(content)
    assert found.ids == ["1"]
    assert found.rows[0][2] == (
        '{"big":123456789012345678901234567890,"huge":"1E+400","id":1,"tenth":0.1,"whole":1,"yes":true}'
    )


def test_halves_of_surrogate_pairs_do_not_stop_reading(read):
    found = read(b'[{"id":"1","x":"a\\ud800b"},{"id":"2"}]')
    assert found.ids == ["1", "2"]


def test_what_is_no_object_is_rejected_and_the_others_count(read):
    found = read(b'[{"id": "1"}, 5, {"id": "2"}, null]')
    assert found.ids == ["1", "2"]
    assert [(row[0], row[3]) for row in found.rejects] == [(2, "5"), (4, "null")]
    assert found.report.rejected == 2


def test_lines_are_records_and_bad_lines_rejected(read):
    found = read(
        b'{"id": "1", "x": "\xc3\xa9\xc3\xa8"}\n{"id": "2"}\n\n{"id": \n[1]\n{"id": "3", "x": "\xff"}\n{"id": "4"}'
    )
    assert found.report.format == "ndjson"
    assert found.ids == ["1", "2", "4"]
    assert [row[:2] for row in found.rejects] == [(3, 4), (4, 5), (5, 6)]
    assert "not JSON" in found.rejects[0][2]


def test_features_are_records_with_geometry(read):
    line = {"type": "LineString", "coordinates": [[0, 50], [2, 51]]}
    found = read(
        features(feature({"reference": "A", "name": " x "}), feature({"reference": "B"}, line), feature(None, None))
    )
    assert found.ids == ["A", "B", None]
    assert found.report.without_id == 1
    assert found.records[0] == {"reference": "A", "name": "x"}
    assert [row[4:8] for row in found.rows] == [(4.35, 50.85, 4.35, 50.85), (0, 50, 2, 51), (None,) * 4]
    assert found.rows[0][3].hex() == "0101000000666666666666114" + "0cdcccccccc6c4940"


def test_the_id_of_a_feature_goes_before_its_properties(read):
    found = read(features(feature({"reference": "A"}, id="layer.1"), feature({"reference": "B"}, id=2)))
    assert found.ids == ["layer.1", "2"]
    assert read(features(feature({"reference": "A"}, id="layer.1")), id="reference").ids == ["A"]


def test_ids_that_a_server_invents_each_time_are_no_ids(read):
    first = read(features(feature({"reference": "A"}, id="layer.fid-6f1a_18b-7ff0")))
    second = read(features(feature({"reference": "A"}, id="layer.fid-6f1a_18b-7ff1")))
    assert first.ids == second.ids == ["A"]
    assert first.rows == second.rows


def test_a_moved_geometry_is_another_hash(read):
    first = read(features(feature({"reference": "A"})))
    moved = read(features(feature({"reference": "A"}, {"type": "Point", "coordinates": [4.36, 50.85]})))
    assert first.rows[0][1] != moved.rows[0][1]
    assert first.rows[0][2] == moved.rows[0][2]


def test_a_geometry_that_cannot_be_read_is_told_and_the_record_stays(read):
    grid = {"type": "Point", "coordinates": [451000, 206000]}
    broken = {"type": "Polygon", "coordinates": "none"}
    found = read(features(feature({"id": 1}), feature({"id": 2}, grid), feature({"id": 3}, broken)))
    assert found.ids == ["1", "2", "3"]
    assert [row[3] is not None for row in found.rows] == [True, False, False]
    assert any(note.startswith("2 geometries") for note in found.report.notes)


def test_features_on_lines_are_records_with_geometry(read):
    lines = [json.dumps(feature({"reference": str(number)})) for number in range(3)]
    found = read("\n".join(lines).encode())
    assert found.ids == ["0", "1", "2"]
    assert all(row[3] for row in found.rows)


def test_one_feature_is_one_record(read):
    found = read(json.dumps(feature({"reference": "A"}), indent=2).encode())
    assert found.ids == ["A"]
    assert found.rows[0][4] == 4.35


def test_gzipped_json_is_read_and_a_cut_off_gzip_is_not(read):
    packed = gzip.compress(json.dumps([{"id": str(number)} for number in range(5000)]).encode())
    assert read(packed).report.records == 5000
    assert "gzip is damaged or cut off" in read(packed[:-20]).report.problem
    assert "gzip is damaged or cut off" in read(packed[:-8] + b"\0" * 8).report.problem
    assert "inside an archive" in read(gzip.compress(packed)).report.problem


def test_field_names_with_signs_of_paths_are_found(read):
    found = read(json.dumps([{"a/b~c": "1", "x.y": "2"}]).encode(), id=["a/b~c", "x.y"])
    assert found.ids == ["1|2"]


PEAK = """
import resource, sys
from pathlib import Path
from collect_assets.collection import Collection
from collect_assets.items.records import Reading, derive_records
folder = Path(sys.argv[1])
report = derive_records(Collection.at(folder), Path(sys.argv[2]), Reading(), "0" * 64)
assert report.records == int(sys.argv[3]), report
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_a_document(tmp_path):
    peaks = []
    for count in (2_000, 100_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        path = folder / "resource.json"
        with path.open("w") as file:
            file.write('{"type":"FeatureCollection","features":[')
            for number in range(count):
                file.write("," * (number > 0) + json.dumps(feature({"id": number, "text": "x" * 300})))
            file.write("]}")
        resource = Collection.at(folder).resources.path(sha256_of(path))
        resource.parent.mkdir()
        path.rename(resource)
        command = [sys.executable, "-c", PEAK, str(folder), str(resource), str(count)]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    # The larger document has 40 MB; DuckDB's own buffers make most of what both take.
    assert peaks[1] - peaks[0] < 150, peaks


@pytest.mark.parametrize(
    "content",
    [
        b'[{"id":%s}]' % (b"9" * 5000),
        b'[{"id":1,"x":"' + b"y" * ((1 << 20) - 2000) + b'"},{"id":' + b"9" * 5000 + b"}]",
        b'{"type":"FeatureCollection","features":[{"type":"Feature","id":-' + b"9" * 5000 + b"}]}",
        b'{"id":1.' + b"0" * 5000 + b"}",
    ],
    ids=["list", "across pieces of reading", "geojson", "fraction"],
)
def test_a_number_that_would_end_the_process_is_refused(read, content):
    assert "a number of 4,000 or more digits" in read(content).report.problem


def test_a_number_of_a_thousand_digits_is_read_and_a_longer_one_on_a_line_rejected(read):
    assert read(b'[{"id":1,"x":%s}]' % (b"9" * 1000)).records[0]["x"] == int("9" * 1000)
    found = read(b'{"id":1}\n{"id":%s}\n{"id":2}\n' % (b"9" * 5000))
    assert (found.ids, found.report.rejected) == (["1", "2"], 1)


@pytest.mark.parametrize(
    "content",
    [
        b'{"errors":[{"status":"500","title":"Internal"}]}',
        b'{"error":{"code":500},"items":[]}',
        b'{"items":[],"error":"Internal"}',
        b'{"items":[{"id":1}],"errors":["page 2 failed"]}',
        b'{"type":"FeatureCollection","error":{"code":500},"features":[]}',
        b'{"type":"FeatureCollection","features":[{"type":"Feature","id":1}],"error" : {"code":500}}',
    ],
)
def test_an_error_at_the_top_is_a_problem_and_proves_nothing(read, content):
    found = read(content)
    assert "error message" in found.report.problem
    assert not found.report.proves_absence


@pytest.mark.parametrize("nothing", ["null", "false", '""', "[]", "{}", "0"])
def test_an_error_that_says_nothing_is_none(read, nothing):
    found = read(f'{{"error":{nothing},"items":[{{"id":1,"error":"of a record"}}],"errors":{nothing}}}'.encode())
    assert (found.ids, found.report.problem) == (["1"], "")
    assert read(f'{{"features":[],"type":"FeatureCollection","error":{nothing}}}'.encode()).report.problem == ""


@pytest.mark.parametrize("key", ["warnings", "messages", "links", "facets", "Links"])
def test_lists_of_side_matters_are_never_the_records(read, key):
    found = read(json.dumps({"results": [], key: [{"id": "x"}]}).encode())
    assert (found.report.records, found.report.problem) == (0, "")


@pytest.mark.parametrize("feature_id", ["1", "1.0", '"1"'])
def test_a_whole_id_of_a_feature_is_one_id_however_it_is_written(read, feature_id):
    found = read(b'{"type":"FeatureCollection","features":[{"type":"Feature","id":%s}]}' % feature_id.encode())
    assert found.ids == ["1"]


def test_a_record_of_type_feature_without_its_members_is_a_plain_record(read):
    found = read(b'[{"type":"Feature","id":"1","name":"x"}]')
    assert found.records == [{"type": "Feature", "id": "1", "name": "x"}]


def test_rejected_lines_with_odd_characters_are_kept(read):
    found = read(b'{"id":1}\n{"id":2}\n["\\ud800"]\n["a\\u0000bc"]\n{"id":3}\n')
    assert (found.ids, found.report.problem) == (["1", "2", "3"], "")
    assert [row[3] for row in found.rejects] == ['["?"]', '["a\\u0000bc"]']


def test_an_entry_too_large_for_memory_is_refused(read):
    found = read(b'[{"id":1},{"id":2,"xs":[' + b"1.5," * 10_000_000 + b"1]}]")
    assert "one entry of more than" in found.report.problem
    lines = b'{"type":"FeatureCollection","features":[%s]}'
    flat = lines % b",".join([b'{"type":"Feature","id":1,"properties":{"x":"%s"}}' % (b"y" * 1000)] * 40_000)
    assert read(flat).report.problem == ""


def test_more_fields_than_a_table_may_have_are_a_problem(read):
    found = read(json.dumps([{f"k{number}": 1, "id": number} for number in range(6000)]).encode())
    assert "different fields" in found.report.problem

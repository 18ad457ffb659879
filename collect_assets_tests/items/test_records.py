"""From a resource to its records: ids, reports, reuse, interruption."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import duckdb
import pytest

from collect_assets.collection import Collection
from collect_assets.errors import DamagedFileError, SettingsError, StorageError
from collect_assets.items.records import (
    Reading,
    RecordReport,
    derive_records,
    read_report,
    reading_database,
    record_file,
    rejects_file,
    try_derive,
)

HASH = "c" * 64
TABLE = b"reference,name\nA,one\nB,two\nC,three\n"


@pytest.fixture
def collection(tmp_path: Path) -> Collection:
    folder = tmp_path / "collection"
    folder.mkdir()
    return Collection.at(folder)


def derive(collection: Collection, content: bytes, **parameters: object) -> tuple[RecordReport, list[tuple]]:
    resource = stored(collection, content)
    reading = Reading.of({key.replace("_", "-"): value for key, value in parameters.items()})
    report = derive_records(collection, resource, reading, HASH)
    file = record_file(collection, reading, HASH)
    return report, rows(file) if file.is_file() else []


def stored(collection: Collection, content: bytes) -> Path:
    path = collection.resources.path(hashlib.sha256(content).hexdigest())
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def rows(path: Path) -> list[tuple]:
    with duckdb.connect() as connection:
        return connection.execute("SELECT * FROM read_parquet($path)", {"path": str(path)}).fetchall()


def ids(found: list[tuple]) -> list[str | None]:
    return [row[0] for row in found]


def test_the_file_has_the_agreed_columns(collection):
    derive(collection, TABLE)
    with duckdb.connect() as connection:
        path = str(record_file(collection, Reading(), HASH))
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet($path)", {"path": path}).fetchall()
    assert [(row[0], row[1]) for row in described] == [
        ("item_id", "VARCHAR"),
        ("record_hash", "UUID"),
        ("record", "VARCHAR"),
        ("geometry", "BLOB"),
        *[(side, "DOUBLE") for side in ("xmin", "ymin", "xmax", "ymax")],
        ("member", "VARCHAR"),
        ("deleted", "BOOLEAN"),
    ]


def test_the_same_columns_come_from_streams_and_tables_and_placed_records(collection):
    contents = (b'[{"id":1}]', b"id,lon,lat\n1,4,50\n", b'{"type":"FeatureCollection","features":[]}')
    described = set()
    for number, content in enumerate(contents):
        derive_records(collection, stored(collection, content), Reading(), str(number))
        with duckdb.connect() as connection:
            file = record_file(collection, Reading(), str(number))
            names = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{file}')").fetchall()
        described.add(tuple(name[:2] for name in names))
    assert len(described) == 1


def test_one_record_has_one_hash_whichever_format_it_comes_in(collection):
    hashes = set()
    for name, content in {"a": b"name,id\n x ,1\n", "b": b'[{"id":"1","name":"x","note":null}]'}.items():
        derive_records(collection, stored(collection, content), Reading(), name)
        hashes.add(rows(record_file(collection, Reading(), name))[0][1])
    assert len(hashes) == 1


def test_usual_ids_are_found(collection):
    report, found = derive(collection, b"name,Reference\nx,A\ny, B \n")
    assert (report.id_rule, ids(found)) == (("Reference",), ["A", "B"])


def test_the_registers_rule_makes_the_id(collection):
    report, found = derive(collection, b"a,B,id\n1,x,7\n2,y,8\n3,,9\n", id=["a", "b"], id_separator="/")
    assert report.id_rule == ("a", "B")
    assert ids(found) == ["1/x", "2/y", None]
    assert (report.without_id, report.proves_absence) == (1, False)


def test_a_rule_for_a_field_that_is_not_there_gives_no_id_and_says_so(collection):
    report, found = derive(collection, TABLE, id="site")
    assert ids(found) == [None] * 3
    assert report.notes == ("no field site for the id; fields: reference, name",)
    assert not report.proves_absence


def test_without_an_id_the_hash_is_it(collection):
    report, found = derive(collection, b"x,y\n1,2\n3,4\n1,2\n")
    assert [row[0] for row in found] == [row[1].hex for row in found]
    assert (report.id_rule, report.duplicates, report.conflicts) == ((), 1, 0)
    assert "the hash of each record is its id" in report.notes[0]


def test_a_blank_id_is_no_id_and_proves_nothing_absent(collection):
    report, found = derive(collection, b"reference,name\nA,x\n  ,y\n\xc2\xa0,z\n")
    assert ids(found) == ["A", None, None]
    assert (report.records, report.without_id, report.duplicates, report.proves_absence) == (3, 2, 0, False)


def test_an_id_that_is_blank_everywhere_is_told(collection):
    report, _ = derive(collection, b"reference,name\n,x\n,y\n")
    assert report.without_id == 2
    assert report.notes == ("no record has reference; let `id` in the endpoint's parameters name other fields",)


def test_duplicates_and_conflicts_are_counted_and_none_is_lost(collection):
    report, found = derive(collection, b"id,x\n1,a\n2,b\n1,a\n1,c\n2,b\n1,a\n3,d\n")
    assert (report.records, report.duplicates, report.conflicts) == (7, 4, 1)
    assert len(found) == 7
    assert report.proves_absence


def test_rejects_are_counted_beside_a_found_id(collection):
    report, found = derive(collection, b"reference,name\nA,x\nB\nC,z\n")
    assert (ids(found), report.rejected) == (["A", "C"], 1)
    [(number, line, reason, raw)] = rows(rejects_file(record_file(collection, Reading(), HASH)))
    assert (number, line, raw) == (2, 3, "B")
    assert "missing columns" in reason


def test_coordinates_make_a_point_and_a_box(collection):
    _, found = derive(collection, b"id,decimalLongitude,decimalLatitude\n1,4.5,50.5\n2,400000,200000\n3,x,\n4,nan,1\n")
    assert [row[4:8] for row in found] == [(4.5, 50.5, 4.5, 50.5), *[(None,) * 4] * 3]
    assert found[0][3] is not None
    assert [row[3] for row in found[1:]] == [None] * 3


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u2003", "\ufeff"])
def test_blanks_around_a_coordinate_make_no_other_point(collection, blank):
    text = f'id,lon,lat\n1,"{blank}4.5{blank}","{blank}50.5"\n2,4.5,{blank}\n3,4.5,5 0\n'
    _, found = derive(collection, text.encode())
    assert [row[4:8] for row in found] == [(4.5, 50.5, 4.5, 50.5), *[(None,) * 4] * 2]


@pytest.mark.parametrize("name", ["geometry", "WKT", "footprintWKT", "point"])
def test_wkt_makes_a_geometry_and_invalid_wkt_none(collection, name):
    text = f'id,{name}\n1,"POLYGON((0 50,2 50,2 51,0 50))"\n2,POLYGON((0 50\n3,\n4,POINT(451000 206000)\n'
    report, found = derive(collection, text.replace("2,POLYGON((0 50\n", '2,"POLYGON((0 50"\n').encode())
    assert report.records == 4
    assert [row[4:8] for row in found] == [(0, 50, 2, 51), *[(None,) * 4] * 3]
    assert [row[3] is None for row in found] == [False, True, True, True]


def test_the_same_bytes_give_the_same_report_and_rows(tmp_path):
    results = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        one = Collection.at(tmp_path / name)
        report, found = derive(one, b"id,x\n" + b"".join(b"%d,\xe9\n" % n for n in range(50_000)) + b"bad\n")
        results.append((report.to_json(), found))
    assert results[0] == results[1]


def test_a_problem_names_no_place_of_this_machine(tmp_path):
    problems = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        report, _ = derive(Collection.at(tmp_path / name), b'[{"id": 1}')
        problems.add(report.problem)
    assert len(problems) == 1
    assert str(tmp_path) not in problems.pop()


def test_a_finished_reading_is_used_again(collection):
    first, _ = derive(collection, TABLE)
    file = record_file(collection, Reading(), HASH)
    written = file.stat().st_mtime_ns, file.stat().st_ino
    resource = stored(collection, TABLE)
    resource.unlink()
    assert derive_records(collection, resource, Reading(), HASH) == first
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == written


def test_a_reading_that_was_cut_short_is_done_again(collection):
    whole, found = derive(collection, TABLE)
    file = record_file(collection, Reading(), HASH)
    file.write_bytes(b"half a file")
    file.with_suffix(".json").unlink()
    assert read_report(file) is None
    assert derive(collection, TABLE) == (whole, found)
    file.unlink()
    assert read_report(file) is None
    assert derive(collection, TABLE) == (whole, found)
    file.with_suffix(".json").write_bytes(b'{"format": "cs')
    assert derive(collection, TABLE) == (whole, found)


def test_what_cannot_be_read_is_kept_as_such(collection):
    report, _ = derive(collection, b"%PDF-1.4 ...")
    assert "a PDF" in report.problem
    assert read_report(record_file(collection, Reading(), HASH)) == report


def test_a_missing_resource_and_a_full_disk_are_not_kept(collection):
    with pytest.raises(DamagedFileError, match="is missing"):
        derive_records(collection, collection.folder / "nothing", Reading(), HASH)
    collection.work.write_text("a file where a folder should be")
    with pytest.raises(StorageError):
        derive(collection, TABLE)
    assert not record_file(collection, Reading(), HASH).with_suffix(".json").exists()


def test_readings_differ_in_name_where_their_options_do(collection):
    names = [
        Reading.of(parameters).name
        for parameters in ({}, {"id": "a"}, {"id": ["a", "b"]}, {"id": "a", "id-separator": "-"}, {"encoding": "utf-8"})
    ]
    assert len(set(names)) == 5
    assert names[0].startswith("r")
    assert "-" not in names[0]
    assert Reading.of({"id": ["a"]}) == Reading.of({"id": "a"})


def test_keys_of_plugins_do_not_change_the_reading():
    assert Reading.of({"max_page_size": 10, "timeout": 5, "page_size": 7, "retries": 2}) == Reading()


@pytest.mark.parametrize("said", ["\\t", "tab", "\t"])
def test_a_tab_can_be_said_in_several_ways(said):
    assert Reading.of({"delimiter": said}).delimiter == "\t"


@pytest.mark.parametrize(
    "parameters",
    [
        {"id": 5},
        {"id": [1]},
        {"id": {"a": "b"}},
        {"encoding": 5},
        {"encoding": "klingon"},
        {"delimiter": "ab"},
        {"id-separator": None},
    ],
)
def test_parameters_of_a_wrong_kind_are_refused(parameters):
    with pytest.raises(SettingsError, match=f"parameters: .*{next(iter(parameters))}"):
        Reading.of(parameters)


def test_a_report_is_stored_as_canonical_json_and_comes_back(collection):
    report, _ = derive(collection, TABLE)
    stored = record_file(collection, Reading(), HASH).with_suffix(".json").read_bytes()
    assert stored == json.dumps(json.loads(stored), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert RecordReport.from_json(stored) == report
    with pytest.raises(ValueError, match="not a report"):
        RecordReport.from_json(b"[]")


def test_one_filled_cell_of_a_better_name_does_not_switch_the_id(collection):
    report, found = derive(collection, b"id,reference,name\n1,,x\n2,R2,y\n3,,z\n4,,bad,row\n")
    assert (report.id_rule, ids(found)) == (("id",), ["1", "2", "3"])
    assert (report.without_id, report.rejected) == (0, 1)


def test_one_blank_cell_of_a_better_name_does_not_switch_the_id(collection):
    report, found = derive(collection, b"id,reference,name\n1,R1,x\n2,R2,y\n3,,z\n")
    assert (report.id_rule, ids(found)) == (("reference",), ["R1", "R2", None])
    assert not report.proves_absence


def test_one_filled_field_of_streamed_records_does_not_switch_the_id(collection):
    report, found = derive(collection, b'[{"id":1},{"id":2,"reference":"R2"},{"id":3}]')
    assert (report.id_rule, ids(found)) == (("id",), ["1", "2", "3"])


def test_an_id_of_the_format_that_most_features_lack_gives_way(collection):
    features = [{"type": "Feature", "id": 7, "properties": {"reference": "A"}}]
    features += [{"type": "Feature", "properties": {"reference": name}} for name in "BC"]
    report, found = derive(collection, json.dumps({"type": "FeatureCollection", "features": features}).encode())
    assert (report.id_rule, ids(found)) == (("reference",), ["A", "B", "C"])


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"a": "x"},
        {"z": "x"},
        {"a": 1, "geometry ": "own"},
        {"geometra": 1, "geometrz": 2},
        {"b": "\U0001f333", "z": "é"},
    ],
)
def test_a_geometry_outside_the_degrees_stays_in_the_record(collection, properties):
    metres = {"type": "Point", "coordinates": [430000.5, 560000]}
    features = [{"type": "Feature", "properties": properties, "geometry": metres}]
    features.append(
        {"type": "Feature", "properties": properties, "geometry": {"type": "Point", "coordinates": [4, 50]}}
    )
    report, found = derive(collection, json.dumps({"type": "FeatureCollection", "features": features}).encode())
    plain = {key.strip(): value for key, value in properties.items()}
    assert json.loads(found[0][2]) == {"geometry": metres, **plain}
    assert found[0][2] == json.dumps(json.loads(found[0][2]), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert json.loads(found[1][2]) == plain
    assert [row[3] is None for row in found] == [True, False]
    assert "geometry" in report.columns
    assert any(note.startswith("1 geometries") for note in report.notes)


@pytest.mark.parametrize(
    "record",
    [{"longitude": 4.5, "latitude": 50.5}, {"lon": "4.5", "lat": "50.5"}, {"point": "POINT(4.5 50.5)"}],
    ids=str,
)
def test_coordinates_and_wkt_in_streamed_records_make_a_geometry(collection, record):
    _, found = derive(collection, "\n".join(map(json.dumps, [{"id": 1, **record}, {"id": 2}])).encode())
    assert [row[4:8] for row in found] == [(4.5, 50.5, 4.5, 50.5), (None,) * 4]


def test_a_table_of_many_columns_is_planned_in_seconds(collection):
    names = ["reference", *(f"c{number}" for number in range(800))]
    content = "\n".join([",".join(names), *(",".join([f"R{row}", *["v"] * 800]) for row in range(20)), "," * 800])
    began = time.perf_counter()
    report, _ = derive(collection, content.encode())
    assert (report.records, report.rejected) == (20, 0)
    assert time.perf_counter() - began < 20  # minutes, before


def test_many_rejects_are_kept_without_memory(collection):
    report, _ = derive(collection, b'{"id":1}\n{"id":2}\n' + (b"x" * 20_000 + b"\n") * 300)
    assert (report.records, report.rejected) == (2, 300)
    kept = rows(rejects_file(record_file(collection, Reading(), HASH)))
    assert {len(raw) for _, _, _, raw in kept} == {10_000}
    assert [number for number, _, _, _ in kept] == list(range(3, 303))


def test_an_error_that_nobody_expected_stops_nothing_and_is_not_kept(collection, monkeypatch):
    def fails(source):
        raise ArithmeticError("a surprise")

    resource = stored(collection, TABLE)
    with reading_database(collection) as memory:
        with monkeypatch.context() as patched:
            patched.setattr("collect_assets.readers.csv_table.open_source", fails)
            report, passing = try_derive(collection, resource, Reading(), HASH, memory)
        assert (report.problem, passing) == ("cannot be read: ArithmeticError: a surprise", True)
        assert read_report(record_file(collection, Reading(), HASH)) is None
        report, passing = try_derive(collection, resource, Reading(), HASH, memory)
        assert (report.records, report.problem, passing) == (3, "", False)
        resource.unlink()
        missing, passing = try_derive(collection, resource, Reading(), "d" * 64, memory)
        assert missing.problem.startswith(f"{resource.name} is missing")
        assert passing

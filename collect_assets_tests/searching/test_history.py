"""The life of an item, its bytes as they were served, and how two resources differ."""

import gzip
import hashlib
import io
import json
import zipfile

import pytest

from collect_assets.errors import QueryError
from collect_assets.folding.fold import fold
from collect_assets.searching.history import differences, history
from collect_assets.searching.raw import raw
from collect_assets.searching.resource_diff import diff_resources
from collect_assets_tests.index.kept import collection_at, day, keep, table

CSV = (
    b'reference;name;notes\r\na;"one; and\r\ntwo ""quoted""";x\r\n\r\nbad;row;with;five;cells\r\n'
    b'b;5" pipe;y\r\nc;\xe5rlig;z'
)


def packed(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return out.getvalue()


def test_f83_f84_an_item_that_flips_back_and_one_that_returns_keep_their_history_under_one_id(tmp_path):
    collection = collection_at(tmp_path / "c")
    logs = [
        keep(collection, day(number), "one", table(*(("a", value, "") for value in values), ("b", "x", "")))
        for number, values in enumerate([["A"], ["B"], ["A"], [], [], ["A"]])
    ]
    fold(collection, day(5))

    told = history(collection, "a").versions

    assert [(v.record["name"], v.change, v.first_date, v.last_date, v.ended, v.why) for v in told] == [
        ("A", "created", day(0), day(0), "updated", None),
        ("B", "updated", day(1), day(1), "updated", None),
        ("A", "updated", day(2), day(3), "deleted", "absent"),
        ("A", "restored", day(5), None, None, None),
    ]
    assert [v.resource for v in told] == [logs[number].resource for number in (0, 1, 2, 5)]
    assert [(each.field, each.before, each.after) for each in differences(told[0].record, told[1].record)] == [
        ("name", "A", "B")
    ]


def test_an_item_that_several_endpoints_have_needs_the_endpoint_named(tmp_path):
    collection = collection_at(tmp_path / "c")
    logs = [keep(collection, day(0), name, table(("a", name, ""))) for name in ("one", "two")]
    fold(collection, day(0))

    with pytest.raises(QueryError, match="several endpoints"):
        history(collection, "a")
    with pytest.raises(QueryError, match="no item"):
        history(collection, "z")
    assert history(collection, "a", logs[1].endpoint[:12]).versions[0].record["name"] == "two"


POINT = b'{"type": "Point", "coordinates": [1.50, 2]}'
FEATURES = (
    b'{"type": "Feature", "properties": {"reference": "a", "name": "b}]"}, "geometry": null}',
    b'{"type": "Feature", "properties": {"reference": "b", "name": "a"}, "geometry": %s}' % POINT,
)
GEOJSON = b'{"type": "FeatureCollection", "links": [{"href": "x"}], "features": [\n%s, %s]}' % FEATURES
RECORDS = (
    b"<record><header><identifier>a</identifier></header><metadata><d:name>x &amp; y</d:name></metadata></record>",
    b"<record ><header><identifier>b</identifier></header><metadata><d:name>a</d:name></metadata></record>",
)
NAMESPACES = b'xmlns="http://www.openarchives.org/OAI/2.0/" xmlns:d="urn:d"'
COMMENT = b"<!-- <record>a</record> -->"
OAI = b"<OAI-PMH %s>%s<ListRecords>%s\n%s</ListRecords></OAI-PMH>" % (NAMESPACES, COMMENT, *RECORDS)
TASKS = (
    b'{"plugin": "oai-pmh", "tasks": [{"page": "000001.xml", "request": "x"}, {"page": "000002.xml", "request": "y"}]}'
)
PAGE = b"<OAI-PMH %s><ListRecords>%s</ListRecords></OAI-PMH>"
PAGES = packed(
    tasks_json=TASKS,
    **{f"{number:06}_xml": PAGE % (NAMESPACES, record) for number, record in enumerate(RECORDS, 1)},
)
# Its characters have the bytes of line ends and quotes in them.
WIDE = 'reference;name\r\na;"Ж\U0001f33f; and\r\nĊ"\r\nb;"ඊ"\r\nc;\u0d0a\u0a0d\r\n'
WIDE_JSON = '[{"reference": "a", "name": "\U0001f33f"},\n {"reference": "b", "name": "\u2200}"}]'
WIDE_XML = f'<?xml version="1.0" encoding="utf-16"?>{OAI.decode()}'
QUOTED = b'a;"one; and\r\ntwo ""quoted""";x'


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (CSV, {"a": QUOTED, "b": b'b;5" pipe;y', "c": b"c;\xe5rlig;z"}),
        (gzip.compress(CSV, mtime=0), {"b": b'b;5" pipe;y'}),
        (packed(one_csv=CSV), {"a": QUOTED}),
        (GEOJSON, dict(zip("ab", FEATURES, strict=True))),
        (OAI, dict(zip("ab", RECORDS, strict=True))),
        (PAGES, dict(zip("ab", RECORDS, strict=True))),
    ],
    ids=["csv", "gzip", "zip", "geojson", "oai", "pages"],
)
def test_the_bytes_of_an_item_are_cut_out_as_they_were_served(tmp_path, content, wanted):
    collection = collection_at(tmp_path / "c")
    keep(collection, day(0), "one", content)
    fold(collection, day(0))

    for item, entry in wanted.items():
        assert raw(collection, item).content == entry


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (WIDE, {"a": 'a;"Ж\U0001f33f; and\r\nĊ"', "b": 'b;"ඊ"', "c": "c;\u0d0a\u0a0d"}),
        (WIDE_JSON, {"a": '{"reference": "a", "name": "\U0001f33f"}', "b": '{"reference": "b", "name": "\u2200}"}'}),
        (WIDE_XML, dict(zip("ab", map(bytes.decode, RECORDS), strict=True))),
    ],
    ids=["csv", "json", "oai"],
)
def test_of_utf_16_the_bytes_are_cut_out_as_they_were_served_too(tmp_path, encoding, text, wanted):
    collection, content = collection_at(tmp_path / "c"), f"\ufeff{text}".encode(encoding)
    keep(collection, day(0), "one", content)
    fold(collection, day(0))

    for item, entry in wanted.items():
        found = raw(collection, item)
        assert found.content.decode(encoding) == entry
        assert content[found.offset :].startswith(found.content)


def test_the_bytes_are_those_of_the_day_that_is_asked_for(tmp_path):
    collection = collection_at(tmp_path / "c")
    for number, value in enumerate("xyx"):
        keep(collection, day(number), "one", table(("a", value, "w"), ("b", str(number), "w")))
    fold(collection, day(2))

    assert [raw(collection, "a", day=day(number)).content for number in range(3)] == [b"a,x,w", b"a,y,w", b"a,x,w"]
    with pytest.raises(QueryError, match="there was no item"):
        raw(collection, "a", day=day(-1))


def test_two_resources_are_compared_record_by_record_and_field_by_field(tmp_path):
    collection = collection_at(tmp_path / "c")
    contents = [table(("a", "x", ""), ("b", "x", "")), table(("b", "y", "w"), ("c", "x", ""))]
    names = [hashlib.sha256(content).hexdigest() for content in contents]
    for number, content in enumerate(contents):
        keep(collection, day(number), "one", content)

    found = diff_resources(collection, names[0][:12], names[1])

    assert (found.added, found.removed, found.changed) == (1, 1, 1)
    assert [(each.item, each.change) for each in found.first] == [("a", "removed"), ("b", "changed"), ("c", "added")]
    assert [(f.field, f.before, f.after) for f in found.first[1].fields] == [("name", "x", "y"), ("notes", None, "w")]


def test_ids_that_differ_in_case_only_are_one_where_the_register_says_so(tmp_path):
    collection = collection_at(tmp_path / "c")
    log = keep(collection, day(0), "one", table(("Ab", "x", "w"), ("b", "y", "w")))
    keep(collection, day(1), "one", table(("aB", "x", "w"), ("b", "y", "w")))
    fold(collection, day(1))
    parameters = json.dumps({"id-case": "lower"}).replace('"', '""')
    register = f'endpoint,endpoint-url,parameters\n{log.endpoint},{log.endpoint_url},"{parameters}"\n'
    (tmp_path / "c" / "endpoint.csv").write_text(register)

    report = fold(collection, day(1))

    assert [v.item for v in history(collection, "ab").versions] == ["ab", "ab"]
    (again,) = report.refolded
    assert (again.before, again.after, again.kept) == (3, 2, 1)

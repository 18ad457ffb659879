"""Searching: text, fields, dates and boxes, today and as of a past day."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collect_assets.errors import QueryError
from collect_assets.folding.fold import fold
from collect_assets.registers import endpoint_id
from collect_assets.searching.query import Box, Condition, Near, Query
from collect_assets.searching.search import open_index, search
from collect_assets_tests.index.kept import collection_at, day, keep, table

HEADER = "reference,name,notes,hectares,entry-date,longitude,latitude"
ROWS = [
    ("a", "Old Dairy", "brick, slate", "2.5", "2024-01-31", "-1.5", "53.8"),
    ("b", "Café Royal", "O'Neill's \"yard\"", "10", "2023-12-01", "0.1", "51.5"),
    ("c", "Dairy Lane", "<b>100 %</b> new_build", "0.3", "2024-05-02", "179.9", "-16.5"),
    ("d", "Straße", "", "", "", "", ""),
]


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    made = collection_at(tmp_path_factory.mktemp("search") / "c")
    quoted = [tuple('"' + cell.replace('"', '""') + '"' for cell in row) for row in ROWS]
    keep(made, day(0), "one", table(*quoted, header=HEADER))
    later = [row if row[0] != "a" else ("a", "New Dairy", *row[2:]) for row in ROWS]
    quoted = [tuple('"' + cell.replace('"', '""') + '"' for cell in row) for row in later]
    keep(made, day(1), "one", table(*quoted, header=HEADER))
    fold(made, day(1))
    return made


def found(collection, text="", *where, **more) -> str:
    hits = search(collection, text, where=[Condition.parse(condition) for condition in where], **more)
    assert hits.total == len(hits.hits)
    return "".join(hit.item for hit in hits.hits)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", "abcd"),
        ("dairy", "ac"),
        ("DAIRY new", "ac"),
        ("café", "b"),
        ("o'neill's", "b"),
        ('"yard"', "b"),
        ("100 %", "c"),
        ("reference", ""),  # the names of fields are not text
        ("new_build", "c"),
        ("newxbuild", ""),  # no wildcards
        ("straße", "d"),
        ("'; DROP TABLE item_version; --", ""),
    ],
)
def test_all_words_must_occur_in_the_values_in_any_case(collection, text, items):
    assert found(collection, text) == items


@pytest.mark.parametrize(
    ("condition", "items"),
    [
        ("name=dairy lane", "c"),
        ("hectares>2", "ab"),
        ("hectares>=2.5", "ab"),
        ("hectares<1", "c"),
        ("hectares=10.0", "b"),
        ("hectares!=10", "acd"),
        ("hectares=*", "abc"),
        ("hectares!=*", "d"),
        ("entry-date>=2024-01-01", "ac"),
        ("entry-date<2024-01-31", "b"),
        ("notes=O'Neill's \"yard\"", "b"),
        ("no/such~field=x", ""),
        ("name=Straße", "d"),
    ],
)
def test_a_condition_compares_numbers_as_numbers_and_the_rest_as_text(collection, condition, items):
    assert found(collection, "", condition) == items


def test_several_conditions_must_all_hold(collection):
    assert found(collection, "dairy", "hectares<1", "entry-date=2024-05-02") == "c"


@pytest.mark.parametrize(
    ("box", "items"),
    [("-2,53,-1,54", "a"), ("-180,-90,180,90", "abc"), ("170,-20,-170,-10", "c"), ("1,1,2,2", "")],
)
def test_a_box_finds_what_lies_in_it_also_over_the_date_line(collection, box, items):
    assert found(collection, bbox=Box.parse(box)) == items


def test_a_past_day_is_answered_as_it_was(collection):
    assert found(collection, "old dairy", as_of=day(0)) == "a"
    assert found(collection, "old dairy", as_of=day(1)) == ""
    assert found(collection, "old dairy") == ""


def test_before_the_first_day_there_is_nothing(collection):
    assert found(collection, as_of=day(0) - dt.timedelta(days=1)) == ""


def test_a_day_that_is_not_indexed_yet_is_refused(collection):
    with pytest.raises(QueryError, match="up to"):
        search(collection, as_of=day(2))


def test_a_hit_leads_to_its_resource_and_its_place_in_it(collection):
    (hit,) = search(collection, "new dairy", where=[Condition.parse("reference=a")]).hits

    assert (hit.endpoint, hit.changed, hit.change) == (endpoint_id("https://example.org/one"), day(1), "updated")
    lines = collection.resources.path(hit.resource).read_text().splitlines()
    assert "New Dairy" in lines[hit.record_number]


def test_the_total_counts_all_and_the_limit_only_what_is_shown(collection):
    assert search(collection, limit=0).total == 4
    assert search(collection, limit=2).total == 4
    assert len(search(collection, limit=2).hits) == 2


@pytest.mark.parametrize("text", ["", "=x", "name", "name~x"])
def test_what_is_no_condition_is_refused_with_the_form_it_should_have(text):
    with pytest.raises(QueryError, match="FIELD=VALUE"):
        Condition.parse(text)


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "0,10,1,5", "0,0,200,1", "nan,0,1,1"])
def test_what_is_no_box_is_refused(text):
    with pytest.raises(QueryError, match="bounding box"):
        Box.parse(text)


@settings(max_examples=60, deadline=None)
@given(
    field=st.sampled_from(HEADER.split(",")),
    operator=st.sampled_from(["=", "!=", ">", ">=", "<", "<="]),
    value=st.sampled_from(["2.5", "10", "0", "a", "Dairy Lane", "2024-01-31", "-1.5", "ö", "'", "%"]),
)
def test_conditions_agree_with_a_filter_in_plain_python(collection, field, operator, value):
    names = HEADER.split(",")
    later = [row if row[0] != "a" else ("a", "New Dairy", *row[2:]) for row in ROWS]
    expected = "".join(row[0] for row in later if holds(row[names.index(field)], operator, value))

    assert found(collection, "", f"{field}{operator}{value}") == expected


def holds(cell: str, operator: str, value: str) -> bool:
    if not cell:
        return operator == "!="
    try:
        left, right = float(cell), float(value)
    except ValueError:
        left, right = cell.lower(), value.lower()
    return {
        "=": left == right,
        "!=": left != right,
        ">": left > right,
        ">=": left >= right,
        "<": left < right,
        "<=": left <= right,
    }[operator]


@pytest.mark.parametrize("longitude", [179.95, -179.95])
def test_a_shape_across_the_date_line_is_as_near_as_one_on_this_side(tmp_path, longitude):
    made = collection_at(tmp_path / "c")
    shapes = {
        "east": '"POLYGON((179.8 -16.1, 179.9 -16.1, 179.9 -15.9, 179.8 -15.9, 179.8 -16.1))"',
        "west": '"LINESTRING(-179.9 -16.1, -179.8 -15.9)"',
        "far": '"LINESTRING(-179 -16.1, -178.9 -15.9)"',
    }
    keep(made, day(0), "one", table(*shapes.items(), header="reference,geometry"))
    fold(made, day(0))
    with open_index(made) as index:
        hits = index.search(Query(near=Near(-16, longitude, 30))).hits
    assert [hit.item for hit in hits] == ["east", "west"]

"""Every way of asking, against a model that looks at each item in plain Python."""

import datetime as dt
import itertools
import math
import random
import re
import unicodedata
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collect_assets.folding.fold import fold
from collect_assets.registers import endpoint_id
from collect_assets.searching.query import Box, Condition, Near, Query, Sort, Span
from collect_assets.searching.search import open_index
from collect_assets_tests.index.kept import collection_at, day, keep, table

FIELDS = ("reference", "scientificName", "country", "individualCount", "eventDate", "remarks", "height")
HEADER = ",".join((*FIELDS, "decimalLongitude", "decimalLatitude"))
NUMBERS, DATES = {"individualCount", "decimalLongitude", "decimalLatitude"}, {"eventDate"}
WITHOUT_WORDS = NUMBERS | DATES
VALUES = {
    "scientificName": ["Quercus robur", "Quercus petraea", "Crataegus", "Éclair d'été", "quercus Robur", ""],
    "country": ["Norway", "NORWAY", "Sweden", "Côte d'Ivoire", ""],
    "individualCount": ["1", "2", "10", "2.5", "several", "Some", ""],
    "eventDate": ["1905", "1905-06", "1905-06-03", "2001-01-01T10:00:00Z", "1999-12-31/2000-01-02", ""],
    "remarks": ["old oak, by the road", "OAK; oaks", "a*b", "Lid, J.", "12", "", "the the the road"],
    "height": ["3", "12", "12.0", "tall", ""],
}
WORDS = [
    "quercus",
    "Robur",
    "oak",
    "oak*",
    "ro*",
    "été",
    "ete",
    "road",
    "the",
    "norway",
    "12",
    "d'ivoire",
    "x",
    "ivoire sweden",
]
PLACES = [
    ("-1.5", "53.8"),
    ("-1.4", "53.9"),
    ("179.95", "-16.5"),
    ("-179.95", "-16.4"),
    ("10", "89.9"),
    ("0", "0"),
    ("", ""),
]
SHAPES = ["-2 53, -1 53, -1 54, -2 54, -2 53", "-2 53, -2 54, -1 54, -1 53, -2 53", "-1 -1, 1 -1, 0 2, -1 -1"]


class World:
    """An index, and all versions that it should hold; no dataclass, since Hypothesis shows these in full."""

    def __init__(self, collection, versions):
        self.collection = collection
        self.versions = versions


@dataclass(frozen=True)
class Version:
    endpoint: str
    item: str
    first: dt.date
    last: dt.date | None
    record: dict


def rows(rng, day_number):
    for number in range(30):
        if rng.random() < 0.15 * day_number:
            continue
        cells = {name: rng.choice(values) for name, values in VALUES.items()}
        longitude, latitude = rng.choice(PLACES)
        yield {"reference": f"i{number}", **cells, "decimalLongitude": longitude, "decimalLatitude": latitude}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """An index of two endpoints over three days, and all versions that it should hold."""
    rng, made = (
        random.Random(7),
        collection_at(tmp_path_factory.mktemp("model") / "c", "[items]\nabsences-before-deletion = 1\n"),
    )
    versions, live = [], {}
    for number in range(3):
        for name in ("one", "two"):
            # Half of what was there before stays as it was.
            fresh = {row["reference"]: row for row in rows(rng, number)}
            now = {k: live[name, k].record if (name, k) in live and rng.random() < 0.5 else r for k, r in fresh.items()}
            keep(made, day(number), name, table(*map(cells_of, now.values()), header=HEADER))
            follow(live, versions, name, now, day(number))
        fold(made, day(number))
    versions += live.values()
    (made.registers / "source.csv").write_text(
        "endpoint,organisation,datasets\n"
        f"{endpoint_id('https://example.org/one')},org:1,trees;parks\n{endpoint_id('https://example.org/two')},org:2,trees\n"
    )
    return World(made, versions)


def cells_of(row):
    return tuple('"' + row[name].replace('"', '""') + '"' for name in HEADER.split(","))


def follow(live, versions, name, now, when):
    for key in [key for key in live if key[0] == name]:
        if key[1] not in now or now[key[1]] != live[key].record:
            old = live.pop(key)
            versions.append(Version(old.endpoint, old.item, old.first, when - dt.timedelta(1), old.record))
    for item, record in now.items():
        if (name, item) not in live:
            live[name, item] = Version(endpoint_id(f"https://example.org/{name}"), item, when, None, record)


def words_of(text):
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    return re.findall(r"[^\W_]+", plain)


def has_text(version, text):
    words = [w for name, value in version.record.items() if name not in WITHOUT_WORDS for w in words_of(value)]
    for part in text.split():
        asked = words_of(part)
        for number, word in enumerate(asked, 1):
            starts = part.endswith("*") and number == len(asked)
            if not any(w.startswith(word) if starts else w == word for w in words):
                return False
    return True


def number_of(text):
    try:
        return float(text)
    except ValueError:
        return None


def compared(field, value, operator, other):
    operators = {
        "=": lambda a, b: a == b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
    }
    compare = operators[operator]
    a, b = number_of(value), number_of(other)
    if field in NUMBERS and b is not None:
        return a is not None and compare(a, b)
    if field in DATES:
        return compare(value[: len(other)], other)
    return compare(a, b) if a is not None and b is not None else compare(value.lower(), other.lower())


def meets(version, condition):
    value = version.record.get(condition.field, "")
    negated, wanted = condition.operator == "!=", condition.value
    shown = value if condition.field not in NUMBERS or number_of(value) is not None else ""
    if wanted == "*" and condition.operator in {"=", "!="}:
        return bool(shown) != negated
    operator = "=" if negated else condition.operator
    if operator == "=" and wanted.endswith("*") and not wanted.endswith("\\*"):
        answer = bool(value) and value.lower().startswith(wanted[:-1].replace("\\*", "*").lower())
    elif operator == "=" and re.fullmatch(r"[\d.*-]+,[\d.*-]+", wanted):
        low, high = wanted.split(",")
        answer = bool(shown)
        answer = answer and (low == "*" or compared(condition.field, value, ">=", low))
        answer = answer and (high == "*" or compared(condition.field, value, "<=", high))
    else:
        answer = bool(value) and compared(condition.field, value, operator, wanted.replace("\\*", "*"))
    return answer != negated


def place_of(version):
    pair = version.record["decimalLongitude"], version.record["decimalLatitude"]
    return (float(pair[0]), float(pair[1])) if all(pair) else None


def in_box(place, box):
    if place is None or not box.south <= place[1] <= box.north:
        return False
    return box.west <= place[0] <= box.east if box.west <= box.east else place[0] >= box.west or place[0] <= box.east


def is_near(place, near):
    if place is None:
        return False
    lon1, lat1, lon2, lat2 = map(math.radians, (*place, near.longitude, near.latitude))
    h = math.sin((lat1 - lat2) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon1 - lon2) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(min(1, h))) <= near.kilometres


def in_shape(place, wkt):
    """Whether a point lies in a convex polygon, or on its border."""
    if place is None:
        return False
    corners = [tuple(map(float, pair.split())) for pair in re.search(r"\(\((.*)\)\)", wkt)[1].split(",")]
    sides = itertools.pairwise(corners)
    turns = [(x2 - x1) * (place[1] - y1) - (y2 - y1) * (place[0] - x1) for (x1, y1), (x2, y2) in sides]
    return all(turn >= 0 for turn in turns) or all(turn <= 0 for turn in turns)


def expected(versions, query, when):
    def holds(version):
        if not (version.first <= when and (version.last is None or version.last >= when)):
            return False
        alike = {}
        for number, condition in enumerate(query.where):
            alike.setdefault(condition.field if condition.operator == "=" else number, []).append(condition)
        source = {"one": ("org:1", {"trees", "parks"}), "two": ("org:2", {"trees"})}
        name = next(n for n in source if endpoint_id(f"https://example.org/{n}") == version.endpoint)
        return (
            has_text(version, query.text)
            and all(any(meets(version, condition) for condition in group) for group in alike.values())
            and (query.box is None or in_box(place_of(version), query.box))
            and (query.near is None or is_near(place_of(version), query.near))
            and (not query.polygon or in_shape(place_of(version), query.polygon))
            and (not query.items or version.item in query.items)
            and (not query.endpoints or version.endpoint in query.endpoints)
            and (not query.organisations or source[name][0] in query.organisations)
            and (not query.datasets or bool(source[name][1] & set(query.datasets)))
            and (
                query.changed is None
                or (query.changed.first or dt.date.min) <= version.first <= (query.changed.last or dt.date.max)
            )
        )

    return sorted((v.endpoint, v.item) for v in versions if holds(v))


OPERATORS = ("=", "!=", ">", ">=", "<", "<=")


def asked_values():
    values = {name: [v for v in found if v] for name, found in VALUES.items()}
    return {
        "scientificName": [*values["scientificName"], "quer*", "QUERCUS*", "*"],
        "country": [*values["country"], "nor*", "*", "nowhere"],
        "individualCount": [
            "1",
            "2",
            "2.0",
            "10",
            "several",
            "*",
            "2,10",
            "*,2",
            "3,*",
            "*,*",
            "1*",
            "SEV*",
            "abc",
            "2,2001-01-01",
        ],
        "eventDate": ["1905", "1905-06", "1905-06-03", "2001", "*", "1905,1999", "*,1905-06", "2000,*"],
        "remarks": [*values["remarks"], "a\\*b", "a*", "old*", "*", "1,20"],
        "height": [*values["height"], "12.00", "1,5", "*", "t*"],
        "decimalLatitude": ["53,54", "-20,0", "0", "*"],
        "nothing": ["x", "*"],
    }


def conditions():
    asked = asked_values()
    one = st.sampled_from(sorted(asked)).flatmap(
        lambda name: st.builds(
            Condition,
            st.just(name),
            st.sampled_from(["=", "=", "=", "!=", ">", ">=", "<", "<="]),
            st.sampled_from(asked[name]),
        )
    )
    return st.lists(one, max_size=3).map(tuple)


def sometimes(strategy, otherwise):
    return st.one_of(st.just(otherwise), st.just(otherwise), strategy)


spans = st.builds(Span, st.sampled_from([None, day(0), day(1)]), st.sampled_from([None, day(1), day(2)]))
circles = st.builds(
    Near, st.sampled_from([53.8, -16.5, 89.0]), st.sampled_from([-1.5, 180.0]), st.sampled_from([0, 20, 2000])
)
queries = st.builds(
    Query,
    text=sometimes(st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join), ""),
    where=conditions(),
    box=sometimes(st.sampled_from([Box(-2, 53, -1, 54), Box(179, -17, -179, -16), Box(-1.5, 53.8, -1.5, 53.8)]), None),
    polygon=sometimes(st.sampled_from([f"POLYGON(({shape}))" for shape in SHAPES]), ""),
    near=sometimes(circles, None),
    items=sometimes(st.sampled_from([("i1",), ("i1", "i2", "none"), ("I1",)]), ()),
    endpoints=sometimes(st.just((endpoint_id("https://example.org/two"),)), ()),
    organisations=sometimes(st.sampled_from([("org:1",), ("org:1", "org:2"), ("org:3",)]), ()),
    datasets=sometimes(st.sampled_from([("parks",), ("trees",), ("none", "parks")]), ()),
    changed=sometimes(spans, None),
)  # fmt: skip


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(queries, st.sampled_from([0, 1, 2]), st.integers(1, 9), st.sampled_from([None, "country", "-individualCount"]))
def test_whatever_is_asked_gives_what_a_look_at_each_item_gives(world, query, number, size, order):
    collection, versions = world.collection, world.versions
    wanted = expected(versions, query, day(number))
    sort = Sort.parse(order) if order else None
    with open_index(collection) as index:
        assert index.count(query, as_of=day(number)) == len(wanted)
        found = index.search(query, as_of=day(number), limit=100)
        assert found.total == len(wanted)
        seen = [(hit.endpoint, hit.item) for hit in found.hits]
        assert sorted(seen) == wanted
        assert seen == wanted or query.text
        paged = [hit for page in index.pages(query, as_of=day(number), sort=sort, size=size) for hit in page.hits]
        assert sorted((hit.endpoint, hit.item) for hit in paged) == wanted
        if not sort:
            assert [(hit.endpoint, hit.item) for hit in paged] == seen
        for field in ("country", "individualCount", "height"):
            facet = index.facet(field, query, as_of=day(number), limit=100)
            assert sum(count for _, count in facet.values) + facet.missing == len(wanted)


@pytest.mark.parametrize("field", ["individualCount", "height"])
def test_each_condition_by_itself_counts_what_a_look_at_each_item_counts(world, field):
    """Whether a number is asked for or a text, whether values are numbers or not, the field has a column or not."""
    asked = [Query(where=(Condition(field, op, value),)) for value in asked_values()[field] for op in OPERATORS]
    with open_index(world.collection) as index:
        counts = {query.where[0]: index.count(query) for query in asked}
    assert counts == {query.where[0]: len(expected(world.versions, query, day(2))) for query in asked}


def test_facets_count_values_as_they_are_written_the_most_frequent_first(world):
    collection, versions = world.collection, world.versions
    live = [v for v in versions if v.last is None]
    with open_index(collection) as index:
        found = index.facet("country", Query(), limit=2)
    counts = {c: sum(v.record["country"] == c for v in live) for c in {v.record["country"] for v in live}}
    best = sorted(((c, n) for c, n in counts.items() if c), key=lambda row: (-row[1], row[0]))
    assert found.values == tuple(best[:2])
    assert found.missing == counts[""]


def test_sorting_goes_by_the_kind_of_the_field_and_what_lacks_it_comes_last(world):
    collection = world.collection
    with open_index(collection) as index:
        down = index.search(Query(), sort=Sort.parse("-individualCount"), limit=100).hits
    values = [number_of(hit.record.get("individualCount", "")) for hit in down]
    there = [value for value in values if value is not None]
    assert there == sorted(there, reverse=True)
    assert values[: len(there)] == there
    assert len(set(there)) > 2


def test_a_rare_word_weighs_more_than_a_frequent_one_and_a_short_record_more_than_a_long_one(tmp_path):
    made = collection_at(tmp_path / "c")
    oaks = [(f"o{n}", "oak", "plain") for n in range(20)]
    keep(
        made,
        day(0),
        "one",
        table(*oaks, ("both", "oak elm", "x"), ("long", "elm " + "of many words " * 9, "x"), ("elm", "elm", "x")),
    )
    fold(made, day(0))
    with open_index(made) as index:
        assert [hit.item for hit in index.search(Query("elm")).hits] == ["elm", "both", "long"]
        assert index.search(Query("oak elm")).total == 1

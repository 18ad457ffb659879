"""Places of what is sensitive: no way of asking tells more of them than the register allows."""

import json
import zipfile

import pytest
from click.testing import CliRunner

from collect_assets.cli import main
from collect_assets.errors import IndexUnavailableError, RegisterError
from collect_assets.exporting.export import FORMATS, export
from collect_assets.folding.fold import fold
from collect_assets.items.sensitive import HIDDEN, generalised, read_sensitive
from collect_assets.searching.feed import changes
from collect_assets.searching.history import history
from collect_assets.searching.query import Box, Condition, Near, Query, Sort
from collect_assets.searching.raw import raw
from collect_assets.searching.search import open_index
from collect_assets.store.database import database
from collect_assets_tests.index.kept import collection_at, day, keep, table

HEADER = "occurrenceID,scientificName,decimalLatitude,decimalLongitude,locality,occurrenceRemarks,mapSheet,country"
EAGLE = (
    "eagle",
    '"Aquila chrysaetos (L., 1758)"',
    "60.12345",
    "5.98765",
    "Secretvalley",
    "nest at 60.12345",
    "sheet60.12345",
    "Norway",
)
OAK = ("oak", "Quercus robur", "60.12345", "5.98765", "Openvalley", "big", "sheet1", "Norway")
ORCHID = ("orchid", "Cypripedium calceolus", "59.54321", "6.11111", "Hiddenmeadow", "few", "x", "Norway")
RULES = """field,value,decimals,who,why
scientificName,AQUILA chrysaetos*,1,Ana,nests are robbed
scientificName,cypripedium calceolus,,Ana,
"""
TELLING = (
    "60.12345",
    "60.123",
    "5.98765",
    "Secretvalley",
    "59.54321",
    "59.5",
    "6.11111",
    "6.1",
    "Hiddenmeadow",
    "0.12345",
)


def rows(*records):
    return table(*records, header=HEADER)


def guarded(folder, register=RULES, **settings):
    made = collection_at(folder, **settings)
    (made.registers / "sensitive.csv").write_text(register)
    return made


@pytest.fixture(scope="module")
def birds(tmp_path_factory):
    """On the first day nobody knows yet what the eagle is."""
    made = guarded(tmp_path_factory.mktemp("birds") / "c")
    keep(made, day(0), "one", rows((EAGLE[0], "Aves sp.", *EAGLE[2:]), OAK))
    fold(made, day(0))
    keep(made, day(1), "one", rows(EAGLE, OAK, ORCHID))
    fold(made, day(1))
    return made


def told(collection):
    """All that is said of eagle and orchid, by every way of asking."""
    found = []
    only = Query(items=("eagle", "orchid"))
    with open_index(collection) as index:
        for when in (day(0), day(1)):
            found += [hit.record for hit in index.search(only, as_of=when).hits]
            found += [facet for name in HEADER.split(",") for facet in index.facet(name, only, as_of=when).values]
        found += [hit.record for name in HEADER.split(",") for hit in index.search(only, sort=Sort(name)).hits]
        found += [hit.record for page in index.pages(only, size=1) for hit in page.hits]
        found += [page.after for page in index.pages(only, size=1, sort=Sort("decimalLatitude"))]
        found += [change.record for change in changes(index, only).changes]
    for item in ("eagle", "orchid"):
        found += [version.record for version in history(collection, item).versions]
    return found


def test_no_answer_of_any_day_tells_the_place(birds):
    text = json.dumps(told(birds))
    assert "Aquila" in text
    assert [word for word in TELLING if word in text] == []


def test_what_is_not_sensitive_is_told_in_full(birds):
    with open_index(birds) as index:
        (hit,) = index.search(Query(items=("oak",))).hits
    assert (hit.record["decimalLatitude"], hit.record["locality"]) == ("60.12345", "Openvalley")
    assert "dataGeneralizations" not in hit.record


def test_the_record_says_what_was_done_and_keeps_the_rest(birds):
    with open_index(birds) as index:
        eagle, orchid = (index.search(Query(items=(item,))).hits[0].record for item in ("eagle", "orchid"))
    assert eagle == {
        "occurrenceID": "eagle",
        "scientificName": "Aquila chrysaetos (L., 1758)",
        "decimalLatitude": "60.1",
        "decimalLongitude": "6.0",
        "country": "Norway",
        "dataGeneralizations": "place rounded to 1 decimals of a degree, what tells it more finely left out: "
        "nests are robbed",
    }
    assert orchid["dataGeneralizations"] == "place left out"
    assert not {"decimalLatitude", "decimalLongitude", "locality"} & set(orchid)


def found(index, query, when):
    return {hit.item for hit in index.search(query, as_of=when, limit=100).hits}


@pytest.mark.parametrize("number", [0, 1])
def test_no_filter_finds_it_by_its_true_place_but_by_the_one_that_is_told(birds, number):
    when = day(number)
    true = [
        Query(box=Box(5.98, 60.12, 5.99, 60.13)),
        Query(near=Near(60.12345, 5.98765, 0.1)),
        Query(polygon="POLYGON((5.98 60.12, 5.99 60.12, 5.99 60.13, 5.98 60.13, 5.98 60.12))"),
        Query("secretvalley"),
        Query("secret*"),
        Query("hiddenmeadow"),
        Query(where=(Condition.parse("decimalLatitude=60.12,60.13"),)),
        Query(where=(Condition.parse("decimalLatitude>60.11"),)),
        Query(where=(Condition.parse("decimalLongitude<5.99"),)),
        Query(where=(Condition.parse("locality=secretvalley"),)),
        Query(where=(Condition.parse("locality=s*"),)),
        Query(where=(Condition.parse("mapSheet=sheet6*"),)),
        Query(box=Box(6.1, 59.5, 6.2, 59.6)),
    ]
    with open_index(birds) as index:
        assert [query for query in true if found(index, query, when) & {"eagle", "orchid"}] == []
        assert found(index, true[0], when) == {"oak"}
        assert "eagle" in found(index, Query(box=Box(5.999, 60.099, 6.001, 60.101)), when)
        assert "eagle" in found(index, Query(where=(Condition.parse("decimalLatitude=60.1"),)), when)
        assert "eagle" in found(index, Query(near=Near(60.1, 6, 0.1)), when)


@pytest.mark.parametrize("form", FORMATS)
def test_no_export_tells_the_place(birds, tmp_path, form):
    export(birds, Query(items=("eagle", "orchid")), tmp_path / "x", format=form)
    content = (tmp_path / "x").read_bytes()
    if form == "dwca":
        with zipfile.ZipFile(tmp_path / "x") as archive:
            content = b"".join(map(archive.read, archive.namelist()))
    if form == "parquet":
        with database(spatial=True) as connection:
            rows = connection.execute(f"SELECT *, ST_AsText(geometry) FROM read_parquet('{tmp_path}/x')").fetchall()
        content = str([cell for row in rows for cell in row if not isinstance(cell, bytes)]).encode()
    assert b"chrysaetos" in content
    assert [word for word in TELLING if word.encode() in content] == []


def test_the_index_follows_the_register_and_never_answers_by_an_older_one(tmp_path):
    made = guarded(tmp_path / "c", "field,value,decimals\n")
    keep(made, day(0), "one", rows(EAGLE, OAK))
    fold(made, day(0))
    with open_index(made) as index:
        assert found(index, Query("secretvalley"), None) == {"eagle"}

    (made.registers / "sensitive.csv").write_text(RULES)
    with pytest.raises(IndexUnavailableError, match=r"sensitive\.csv changed"), open_index(made):
        pass
    assert CliRunner().invoke(main, ["search", "--collection-dir", str(made.folder)]).exit_code == 1
    fold(made, day(0))
    with open_index(made) as index:
        assert found(index, Query("secretvalley"), None) == set()

    (made.registers / "sensitive.csv").unlink()
    fold(made, day(0))
    with open_index(made) as index:
        assert found(index, Query("secretvalley"), None) == {"eagle"}


def test_days_applied_one_by_one_tell_what_a_build_of_all_tells(birds, tmp_path):
    again = guarded(tmp_path / "again")
    keep(again, day(0), "one", rows((EAGLE[0], "Aves sp.", *EAGLE[2:]), OAK))
    keep(again, day(1), "one", rows(EAGLE, OAK, ORCHID))
    fold(again, day(1))
    assert [each for each in told(again) if isinstance(each, dict)] == [e for e in told(birds) if isinstance(e, dict)]


def test_a_sensitive_row_inside_of_a_record_hides_the_place_of_all_of_it(tmp_path):
    made = guarded(tmp_path / "c")
    record = {
        "eventID": "e1",
        "decimalLatitude": 60.12345,
        "decimalLongitude": 5.98765,
        "footprintWKT": "POINT (5.98765 60.12345)",
        "Occurrence": [{"scientificName": "Cypripedium calceolus", "decimalLatitude": "60.12345", "sex": "f"}],
    }
    keep(made, day(0), "one", json.dumps([record]).encode())
    fold(made, day(0))
    with open_index(made) as index:
        (hit,) = index.search(Query()).hits
        assert index.count(Query(box=Box(-180, -90, 180, 90))) == 0
    assert hit.record == {
        "Occurrence": [{"scientificName": "Cypripedium calceolus", "sex": "f"}],
        "dataGeneralizations": "place left out",
    }


def test_what_is_withheld_of_a_sensitive_item_is_told_roughly_too(tmp_path):
    made = guarded(tmp_path / "c")
    (made.registers / "manual-item.csv").write_text(
        f"item,endpoint,from\neagle,{keep(made, day(0), 'one', rows(EAGLE)).endpoint},{day(1)}\n"
    )
    keep(made, day(1), "one", rows((*EAGLE[:2], "60.77777", *EAGLE[3:])))
    fold(made, day(1))
    (withheld,) = history(made, "eagle").withheld
    assert withheld.record["decimalLatitude"] == "60.8"
    assert "locality" not in withheld.record


def test_rows_that_cannot_be_understood_hide_more_and_never_less(tmp_path):
    (tmp_path / "sensitive.csv").write_text(
        "field,value,decimals\nscientificName,x,one\nscientificName,y,9\n,z,1\nname,*,1\n"
    )
    rules = read_sensitive(tmp_path)
    assert [(row.value, row.decimals) for row in rules.rows] == [("x", HIDDEN), ("y", HIDDEN)]
    assert [problem.row for problem in rules.problems] == [2, 3, 4, 5]
    (tmp_path / "sensitive.csv").write_text("name,decimals\n")
    with pytest.raises(RegisterError):
        read_sensitive(tmp_path)


def test_a_field_that_the_settings_call_a_place_is_left_out_too():
    record = {"nestTree": "third oak", "note": "seen", "dataGeneralizations": "by the publisher"}
    left = generalised(record, 1, "", frozenset({"nestTree"}))
    assert set(left) == {"note", "dataGeneralizations"}
    assert left["dataGeneralizations"].startswith("by the publisher; place rounded")


def test_the_served_bytes_of_a_sensitive_item_are_found_too(birds):
    assert b"60.12345" in raw(birds, "eagle").content
    assert raw(birds, "eagle", day=day(0)).content.startswith(b"eagle,Aves sp.,60.12345")


SPELLINGS = (
    "scientificName",
    "scientificname",
    "SCIENTIFICNAME",
    "ScientificName",
    "dwc:scientificName",
    "http://rs.tdwg.org/dwc/terms/scientificName",
    "dwc:scientificname",
    "SCIENTIFICName",
)


@pytest.mark.parametrize("name", ["scientificname", "http://rs.tdwg.org/dwc/terms/scientificName"])
def test_a_field_is_known_in_any_case_and_by_its_term(tmp_path, name):
    made = guarded(tmp_path / "c", f"field,value,decimals\n{name},aquila*,1\nspecies,aquila*,1\n")
    eagles = [
        {"reference": f"e{n}", "A": {each: "Aquila x"}, "dwc:decimalLatitude": "60.12345", "dwc:locality": "here"}
        for n, each in enumerate(SPELLINGS)
    ]
    listed = {"reference": "listed", "scientificName": ["Aves", "Aquila x"], "locality": "here"}
    both = {"reference": "both", "scientificName": "Aves", "SCIENTIFICname": "Aquila x", "locality": "here"}
    other = {
        "reference": "other",
        "note": '{"scientificname":"Aquila',
        "myScientificName": "Aquila",
        "locality": "here",
    }
    keep(made, day(0), "one", json.dumps([*eagles, listed, both, other]).encode())
    report = fold(made, day(0))
    with open_index(made) as index:
        hits = index.search(Query(), limit=100).hits
    assert {hit.item for hit in hits if "here" in json.dumps(hit.record)} == {"other"}
    assert not [hit.item for hit in hits if "60.12345" in json.dumps(hit.record)]
    for again in (report, fold(made, day(0))):
        (problem,) = again.problems
        assert (problem.file, problem.row) == ("sensitive.csv", 3)
        assert "no record has a field 'species'" in problem.reason


def test_an_item_is_sensitive_by_what_is_withheld_of_it_alone(tmp_path):
    made = guarded(tmp_path / "c")
    first = keep(made, day(0), "one", rows(("eagle", "Aves sp.", *EAGLE[2:])))
    fold(made, day(0))
    (made.registers / "manual-item.csv").write_text(f"item,endpoint,from\neagle,{first.endpoint},{day(1)}\n")
    keep(made, day(1), "one", rows(EAGLE))
    fold(made, day(1))
    (version,), (withheld,) = (getattr(history(made, "eagle"), name) for name in ("versions", "withheld"))
    assert withheld.record["scientificName"].startswith("Aquila")
    for record in (version.record, withheld.record):
        assert record["decimalLatitude"] == "60.1"
        assert [word for word in TELLING if word in json.dumps(record)] == []

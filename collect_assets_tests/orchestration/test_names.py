"""Names of collections in Dagster."""

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect_assets.orchestration.build import build_definitions
from collect_assets.orchestration.names import Names, mapped_name
from collect_assets_tests.orchestration.runs import write_collection

ODD = {
    "brownfield-land": "brownfield_land",
    "été 2024": "ete_2024",
    "context": "context_",
    "import": "import_",
    "v1.2.csv": "v1_2_csv",
    "2024": "2024",
    "a__b": "a_b",
    "_trees_": "trees",
    "музей": "collection_9b2b1b3a",
}


@pytest.mark.parametrize(("name", "mapped"), list(ODD.items())[:-1])
def test_a_name_is_mapped_to_letters_digits_and_underscores(name, mapped):
    assert mapped_name(name) == mapped


def test_names_of_which_nothing_is_left_stay_apart():
    assert mapped_name("музей") != mapped_name("сад")
    assert mapped_name("музей").startswith("collection_")


@given(st.text(min_size=1, max_size=40))
def test_dagster_takes_the_names_of_any_collection(name):
    names = Names(name)
    dg.AssetSpec(names.key("log"), group_name=names.group)
    dg.define_asset_job(names.collect_job, selection="*")
    dg.AssetOut(key=names.key("log"))
    dg.OpDefinition(compute_fn=lambda: None, name=names.op("record"))


def test_no_name_of_a_collection_is_a_name_of_another():
    one, other = Names("x"), Names("x-item")
    mine = {one.collect_job, one.index_job, one.schedule, *map(one.op, ("endpoint", "record", "item_index"))}
    theirs = {other.collect_job, other.index_job, other.schedule, *map(other.op, ("endpoint", "record", "item_index"))}
    assert not mine & theirs


def test_collections_with_odd_names_load_together(tmp_path):
    for name in ODD:
        write_collection(tmp_path, name, ["https://example.org/a.csv"])
    defs = build_definitions(tmp_path)
    dg.Definitions.validate_loadable(defs)
    jobs = {job.name for job in defs.resolve_all_job_defs()}
    assert {Names(name).collect_job for name in ODD} <= jobs
    assert dg.AssetKey(["brownfield-land", "log"]) in defs.resolve_asset_graph().get_all_asset_keys()
    assert dg.AssetKey(["ete_2024", "log"]) in defs.resolve_asset_graph().get_all_asset_keys()

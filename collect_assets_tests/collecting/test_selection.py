"""Limiting a run to some endpoints."""

import csv

import pytest

from collect_assets.collecting.selection import select
from collect_assets.errors import RegisterError, SettingsError
from collect_assets.registers import endpoint_id
from collect_assets_tests.orchestration.runs import write_collection

A, B, C = (f"https://example.org/{name}.csv" for name in "abc")


@pytest.fixture
def trees(tmp_path):
    collection = write_collection(tmp_path, "trees", [A, B, C])
    with (collection.folder / "source.csv").open("w", newline="") as file:
        rows = [["endpoint", "organisation"], [endpoint_id(A), "one"], [endpoint_id(B), "one"], [endpoint_id(C), "two"]]
        csv.writer(file).writerows(rows)
    return collection


def test_without_a_limit_all_are_meant(trees):
    assert select(trees, [], "") is None


def test_endpoints_are_named_by_id_or_by_url(trees):
    assert select(trees, [A, endpoint_id(B)], "") == {endpoint_id(A), endpoint_id(B)}


def test_the_start_of_an_id_is_enough_when_it_is_long_and_of_one_endpoint_only(trees):
    assert select(trees, [endpoint_id(A)[:8]]) == {endpoint_id(A)}
    with pytest.raises(SettingsError, match="no endpoint"):
        select(trees, [endpoint_id(A)[:3]])


def test_both_limits_mean_what_meets_both(trees):
    assert select(trees, [A, C], "one") == {endpoint_id(A)}


@pytest.mark.parametrize(("only", "organisation"), [(["https://example.org/x"], ""), ([], "three"), ([C], "one")])
def test_a_limit_that_nothing_meets_is_refused(trees, only, organisation):
    with pytest.raises(SettingsError):
        select(trees, only, organisation)


def test_an_organisation_without_a_source_register_is_an_error_that_names_the_file(trees):
    (trees.folder / "source.csv").unlink()
    with pytest.raises(RegisterError, match=r"source\.csv"):
        select(trees, [], "one")

"""Which fields say who a record is."""

from __future__ import annotations

from collect_assets.items.identity import USUAL_IDS, enough_filled, find_field, usual_ids


def test_a_field_is_found_exactly_before_another_case_of_it():
    assert find_field("id", ["ID", "id"]) == "id"
    assert find_field("id", ["Id", "ID"]) == "Id"
    assert find_field("id", ["identity"]) is None


def test_key_terms_go_before_general_ids():
    assert usual_ids(["id", "name", "occurrenceID"]) == ("occurrenceID", "id")
    assert usual_ids(["ID", "Reference"]) == ("Reference", "ID")
    assert usual_ids(["name", "fid"]) == ()


def test_what_the_format_says_goes_before_the_usual_ids():
    assert usual_ids(["occurrenceID", "key"], ("key",)) == ("key",)
    assert usual_ids(["occurrenceID"], ("key",)) == ()


def test_the_best_field_that_is_filled_often_enough_is_the_id():
    assert enough_filled(["occurrenceID", "id"], [1, 5]) == "id"
    assert enough_filled(["occurrenceID", "id"], [4, 5]) == "occurrenceID"
    assert enough_filled(["occurrenceID", "id"], [0, 0]) == "occurrenceID"


def test_no_usual_id_is_named_twice():
    assert len({name.casefold() for name in USUAL_IDS}) == len(USUAL_IDS)

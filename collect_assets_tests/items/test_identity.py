"""Which fields say who a record is."""

from __future__ import annotations

from collect_assets.items.identity import USUAL_IDS, find_field, usual_id


def test_a_field_is_found_exactly_before_another_case_of_it():
    assert find_field("id", ["ID", "id"]) == "id"
    assert find_field("id", ["Id", "ID"]) == "Id"
    assert find_field("id", ["identity"]) is None


def test_key_terms_go_before_general_ids():
    assert usual_id(["id", "name", "occurrenceID"], lambda name: True) == "occurrenceID"
    assert usual_id(["ID", "Reference"], lambda name: True) == "Reference"
    assert usual_id(["name", "fid"], lambda name: True) is None


def test_a_field_that_is_blank_everywhere_gives_way():
    assert usual_id(["occurrenceID", "id"], lambda name: name == "id") == "id"
    assert usual_id(["occurrenceID", "id"], lambda name: False) == "occurrenceID"


def test_what_the_format_says_goes_before_the_usual_ids():
    assert usual_id(["occurrenceID", "key"], lambda name: True, ("key",)) == "key"
    assert usual_id(["occurrenceID"], lambda name: True, ("key",)) is None


def test_no_usual_id_is_named_twice():
    assert len({name.casefold() for name in USUAL_IDS}) == len(USUAL_IDS)

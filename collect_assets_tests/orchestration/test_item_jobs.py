"""The jobs `preview` and `decide`, and the check that shows what is held, run for real in this process."""

import dagster as dg
import pytest

from collect_assets.folding.holds import holds
from collect_assets_tests.index.kept import collection_at, day, keep, table
from collect_assets_tests.orchestration.runs import checked, definitions, run


def rows(first, last):
    return table(*((str(number), f"name {number}", "words") for number in range(first, last)))


@pytest.fixture
def lossy(tmp_path):
    """A collection that loses 50 of 100 items on its second day."""
    collection = collection_at(tmp_path / "lossy", "[items]\nabsences-before-deletion = 1\n")
    log = keep(collection, day(0), "one", rows(0, 100))
    keep(collection, day(1), "one", rows(50, 100))
    (tmp_path / "lossy" / "endpoint.csv").write_text(f"endpoint-url\n{log.endpoint_url}\n")
    return collection


def started(lossy, instance, name, op, **config):
    job = definitions(lossy.folder.parent).resolve_job_def(name)
    settings = {"ops": {op: {"config": config}}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return job.execute_in_process(instance=instance, run_config=settings, raise_on_error=False)


def index(lossy, instance):
    for number in range(2):
        run(definitions(lossy.folder.parent), instance, "lossy_index", day(number))


def test_a_held_loss_fails_its_check_and_stops_nothing_until_it_is_decided(lossy, instance):
    index(lossy, instance)
    key = ["lossy", "item_index"]
    assert checked(instance, key, "nothing_held") == {str(day(0)): "SUCCEEDED", str(day(1)): "FAILED"}
    assert str(day(1)) in instance.get_materialized_partitions(dg.AssetKey(key))

    decided = started(lossy, instance, "decide", "write_decision", collection="lossy", decision="approve",
                      everything=True, who="Ana", why="they closed")  # fmt: skip
    assert decided.success
    index(lossy, instance)

    assert checked(instance, key, "nothing_held")[str(day(1))] == "SUCCEEDED"
    assert holds(lossy) == []


def test_the_check_tells_places_of_sensitive_items_as_roughly_as_searches_do(tmp_path, instance):
    collection = collection_at(tmp_path / "lossy", "[items]\nabsences-before-deletion = 1\n")
    (collection.registers / "sensitive.csv").write_text("field,value,decimals\nname,eagle,1\n")

    def nests(*names):
        records = ((name, "eagle", "60.12345", "5.98765") for name in names)
        return table(*records, header="reference,name,decimalLatitude,decimalLongitude")

    log = keep(collection, day(0), "one", nests(*(f"old{number}" for number in range(100))))
    keep(collection, day(1), "one", nests(*(f"new{number}" for number in range(100))))
    (tmp_path / "lossy" / "endpoint.csv").write_text(f"endpoint-url\n{log.endpoint_url}\n")
    index(collection, instance)

    key = dg.AssetCheckKey(dg.AssetKey(["lossy", "item_index"]), "nothing_held")
    (newest, *_) = instance.event_log_storage.get_asset_check_execution_history(key, limit=9)
    shown = newest.event.dagster_event.event_specific_data.metadata["held"].value
    assert "| delete | old0 |" in shown
    assert "| create | new0 |" in shown
    assert "60.1" in shown
    assert [exact for exact in ("60.12", "5.98") if exact in shown] == []


def test_the_counts_of_each_day_and_the_age_of_the_index_are_numbers_that_plot(lossy, instance):
    index(lossy, instance)
    found = instance.fetch_materializations(dg.AssetKey(["lossy", "item_index"]), limit=10).records
    by_day = {record.partition_key: record.asset_materialization.metadata for record in found}
    names = ("created", "updated", "deleted", "held", "items")
    assert [[by_day[str(day(number))][name].value for name in names] for number in range(2)] == [
        [100, 0, 0, 0, 100],
        [0, 0, 0, 50, 100],
    ]
    assert by_day[str(day(1))]["bytes"].value == lossy.index.stat().st_size
    assert isinstance(by_day[str(day(1))]["hours_after_day_began"], dg.FloatMetadataValue)
    assert by_day[str(day(0))]["hours_after_day_began"].value - by_day[str(day(1))]["hours_after_day_began"].value > 20


def test_a_preview_is_the_output_of_its_job(lossy, instance):
    found = started(lossy, instance, "preview", "look", collection="lossy").output_for_node("look")
    assert found["days"][str(day(0))]["created"] == 100
    assert [held["deletions"] for held in found["held"]] == [50]
    assert not lossy.index.exists()


@pytest.mark.parametrize(
    ("name", "op", "config"),
    [
        ("preview", "look", {"collection": "other"}),
        ("preview", "look", {"collection": "lossy", "entry_date": "soon"}),
        ("decide", "write_decision", {"collection": "lossy", "decision": "maybe", "who": "Ana", "why": "so"}),
        ("decide", "write_decision", {"collection": "lossy", "decision": "approve", "who": "Ana", "why": "so"}),
    ],
)
def test_what_cannot_be_done_fails_with_a_reason(lossy, instance, name, op, config):
    index(lossy, instance)
    assert not started(lossy, instance, name, op, **config).success

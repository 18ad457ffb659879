"""The registers of a whole estate are as many sets of assets, and no register is read for that."""

import shutil
import time

import dagster as dg
import pytest

from collect_assets_tests.orchestration.runs import DAY, definitions, write_files

ASSETS = ("endpoint", "item_index", "log", "record", "resource")
LONGEST = 10.0  # seconds; measured at 0.6 on two cores, 1.2 where others work beside


@pytest.fixture(scope="module")
def estate(corpus, tmp_path_factory):
    """The 55 real collections."""
    root = tmp_path_factory.mktemp("estate") / "collections"
    for register in (corpus / "config-collection").glob("*/*.csv"):  # copied one by one: the corpus is read-only
        (root / register.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(register, root / register.parent.name / register.name)
    return root


def loaded(root):
    """The definitions with all jobs resolved, as a code server has them, and the seconds that it took."""
    began = time.perf_counter()
    defs = definitions(root)
    repository = defs.get_repository_def()
    jobs = [job.name for job in repository.get_all_jobs() if not job.name.startswith("__")]
    return repository, jobs, time.perf_counter() - began


def test_the_real_collections_load_as_as_many_sets_of_assets_in_little_time(estate):
    names = sorted(path.name for path in estate.iterdir())
    repository, jobs, seconds = loaded(estate)
    keys = {tuple(key.path) for key in repository.asset_graph.get_all_asset_keys()}
    assert len(names) == 55
    assert keys == {(name, asset) for name in names for asset in ASSETS}
    groups = {repository.asset_graph.get(dg.AssetKey([name, "log"])).group_name for name in names}
    assert groups == {name.replace("-", "_") for name in names}
    assert len(jobs) == 2 * 55 + 3
    assert len(repository.schedule_defs) == 55
    assert len(repository.sensor_defs) == 2
    assert seconds < LONGEST


def test_the_endpoints_of_a_real_collection_are_materialised_without_a_network(estate, tmp_path):
    repository, _, _ = loaded(estate)
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:
        job = repository.get_job("conservation_area_collect")
        done = job.execute_in_process(
            instance=instance,
            partition_key=str(DAY),
            op_selection=["conservation_area__endpoint"],
            raise_on_error=False,
        )
        assert done.success
        (event,) = done.get_asset_materialization_events()
        shown = event.materialization.metadata
    assert shown["active"].value + shown["ended"].value + shown["skipped"].value > 800


def test_no_register_is_read_and_no_day_is_looked_into_when_definitions_load(tmp_path):
    for number in range(20):
        folder = write_files(tmp_path, f"trees-{number}", [])
        (folder / "endpoint.csv").unlink()
        (folder / "endpoint.csv").mkdir()  # reading it would fail, and it is there all the same
        (folder / "log" / str(DAY) / "damaged.json").mkdir(parents=True)
    repository, jobs, _ = loaded(tmp_path)
    assert len(repository.asset_graph.get_all_asset_keys()) == 20 * 5
    assert len(jobs) == 43

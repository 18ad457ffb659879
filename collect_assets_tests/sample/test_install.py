"""Installing the sample among a person's own collections."""

import csv

import pytest

from collect_assets.collection import Collection, find_collections
from collect_assets.errors import StorageError
from collect_assets.registers import read_endpoints
from collect_assets.sample.catalogue import COLLECTIONS, FOLDER
from collect_assets.sample.install import install


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_both_collections_come_into_a_folder_that_is_made_for_them(tmp_path):
    root = tmp_path / "some" / "collections"
    assert install(root) == [root / name for name in COLLECTIONS]
    assert tree(root) == tree(FOLDER / "collections")
    assert {path.name for path in root.iterdir()} == set(COLLECTIONS)


def test_installing_again_does_nothing(tmp_path):
    install(tmp_path)
    before = tree(tmp_path)
    assert install(tmp_path) == []
    assert tree(tmp_path) == before


def test_a_collection_that_is_there_is_never_touched_and_the_other_still_comes(tmp_path):
    own = tmp_path / COLLECTIONS[0]
    own.mkdir()
    (own / "endpoint.csv").write_text("mine")
    assert install(tmp_path) == [tmp_path / COLLECTIONS[1]]
    assert tree(own) == {"endpoint.csv": b"mine"}


def test_an_empty_folder_a_file_or_a_dangling_link_of_the_name_counts_as_taken(tmp_path):
    (tmp_path / COLLECTIONS[0]).mkdir()
    (tmp_path / COLLECTIONS[1]).symlink_to(tmp_path / "nowhere")
    assert install(tmp_path) == []
    assert list((tmp_path / COLLECTIONS[0]).iterdir()) == []
    assert not (tmp_path / "nowhere").exists()


def test_what_is_deleted_in_an_installed_collection_is_not_put_back(tmp_path):
    install(tmp_path)
    (tmp_path / COLLECTIONS[0] / "source.csv").unlink()
    install(tmp_path)
    assert not (tmp_path / COLLECTIONS[0] / "source.csv").exists()


def test_what_is_installed_can_be_changed_even_where_the_package_is_read_only(tmp_path):
    install(tmp_path)
    for path in tmp_path.rglob("*"):
        assert path.stat().st_mode & 0o200, path


def test_a_root_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file"):
        install(tmp_path / "file" / "collections")


def test_the_installed_collections_are_found_and_their_settings_and_registers_are_good(tmp_path):
    install(tmp_path)
    found = find_collections(tmp_path)
    assert [collection.name for collection in found] == list(COLLECTIONS)
    for collection in found:
        assert isinstance(collection, Collection)
        assert collection.settings.title
        register = read_endpoints(collection.register)
        assert (register.skips, register.problems) == ((), ())


def test_the_register_of_sites_has_one_row_that_ended_before_the_first_day(tmp_path):
    install(tmp_path)
    collection = Collection.at(tmp_path / COLLECTIONS[0])
    register = read_endpoints(collection.register)
    first = collection.settings.start_date
    assert len(register.endpoints) - len(register.active(first)) == 1


def test_every_source_names_an_endpoint_of_the_register_or_none(tmp_path):
    install(tmp_path)
    for name in COLLECTIONS:
        register = read_endpoints(tmp_path / name / "endpoint.csv").by_id()
        with (tmp_path / name / "source.csv").open(newline="") as file:
            sources = list(csv.DictReader(file))
        assert {source["endpoint"] for source in sources} - {""} == set(register)
        assert all(source["organisation"] for source in sources)

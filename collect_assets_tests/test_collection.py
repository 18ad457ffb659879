"""A collection's settings and places, and finding many of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from collect_assets.collection import BrokenCollection, Collection, Settings, find_collections, read_settings
from collect_assets.errors import SettingsError


def settings(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "collection.toml").write_text(text)
    return read_settings(tmp_path / "collection.toml")


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).mkdir(parents=True)
        (root / name / "endpoint.csv").write_text("endpoint,endpoint-url\n")


def found(root: Path) -> dict[str, Collection | BrokenCollection]:
    return {collection.name: collection for collection in find_collections(root)}


def test_without_a_collection_toml_every_setting_has_its_default(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "collection.toml") == Settings()


def test_settings_are_read_by_their_names_with_hyphens(tmp_path: Path) -> None:
    read = settings(
        tmp_path, 'grace-hours = 2\nstart-date = 2026-01-01\nowners = ["a", "b"]\n[limits]\nread-timeout = 7.5\n'
    )
    assert (read.grace_hours, read.start_date, read.owners) == (2.0, dt.date(2026, 1, 1), ("a", "b"))
    assert read.limits.read_timeout == 7.5
    assert read.limits.connect_timeout == Settings().limits.connect_timeout


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        ("colour = 1", "colour", "no such setting"),
        ("[limits]\nread-timout = 1", "limits.read-timout", "no such setting"),
        ("[limits]\nread-timeout = -1", "limits.read-timeout", "greater than 0"),
        ("[limits]\nattempts = 0", "limits.attempts", "greater than or equal to 1"),
        ("[limits]\nconnect-timeout = nan", "limits.connect-timeout", "less than or equal to 86400"),
        ('grace-hours = "long"', "grace-hours", "number"),
        ("start-date = 2026-02-30", "collection.toml", "not a TOML file"),
        ('resource-rule = "cooked"', "resource-rule", "raw"),
        ("[politeness]\npause-share = -0.1", "politeness.pause-share", "greater than or equal to 0"),
        ("title = [", "collection.toml", "not a TOML file"),
        ('user-agent = "a\\nb"', "user-agent", "ASCII"),
        ('user-agent = "Bäume"', "user-agent", "ASCII"),
        ('user-agent = " trees"', "user-agent", "ASCII"),
        ('contact = "me@example.org\\r\\nX: y"', "contact", "ASCII"),
        ('contact = "植物"', "contact", "ASCII"),
        ("grace-hours = inf", "grace-hours", "less than or equal to 168"),
        ("grace-hours = nan", "grace-hours", "less than or equal to 168"),
        ("grace-hours = 169", "grace-hours", "less than or equal to 168"),
        ("[limits]\ntotal-timeout = inf", "limits.total-timeout", "less than or equal to 86400"),
        ("[limits]\nread-timeout = 1e10", "limits.read-timeout", "less than or equal to 86400"),
        ("[limits]\nconnect-timeout = 86401", "limits.connect-timeout", "less than or equal to 86400"),
        ("[limits]\nbackoff = inf", "limits.backoff", "less than or equal to"),
        ("[limits]\nmax-backoff = inf", "limits.max-backoff", "less than or equal to"),
        ("[limits]\nmax-bytes = 99999999999999999999", "limits.max-bytes", "less than or equal to"),
        ("[limits]\nmax-redirects = 1000", "limits.max-redirects", "less than or equal to"),
        ("[limits]\nattempts = 1000", "limits.attempts", "less than or equal to"),
        ("[politeness]\nmax-pause = inf", "politeness.max-pause", "less than or equal to"),
        ("[politeness]\nmin-pause = inf", "politeness.min-pause", "less than or equal to"),
        ("[politeness]\npause-share = inf", "politeness.pause-share", "less than or equal to"),
        ("[politeness]\nhosts-at-once = 100000", "politeness.hosts-at-once", "less than or equal to"),
        ("[schedule]\npriority = 99999999999999999999999", "schedule.priority", "less than or equal to"),
        ("start-date = 0001-01-01", "start-date", "greater than or equal to 1990-01-01"),
        ("start-date = 9999-12-31", "start-date", "less than or equal to"),
    ],
)
def test_an_unusable_setting_is_refused_with_file_key_and_reason(
    tmp_path: Path, text: str, key: str, reason: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'collection.toml'}: ")
    assert key in message
    assert reason in message


def test_all_unusable_settings_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        settings(tmp_path, "colour = 1\n[limits]\nattempts = 0\n")
    assert "colour" in str(caught.value)
    assert "limits.attempts" in str(caught.value)


def test_settings_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "collection.toml").write_bytes('title = "café"'.encode("latin-1"))
    with pytest.raises(SettingsError, match="not a TOML file"):
        read_settings(tmp_path / "collection.toml")


def test_every_folder_with_a_register_is_a_collection(tmp_path: Path) -> None:
    make(tmp_path, "ponds", "trees")
    (tmp_path / "notes").mkdir()
    (tmp_path / "endpoint.csv").write_text("not here\n")
    assert [(c.name, c.folder) for c in find_collections(tmp_path)] == [
        ("ponds", tmp_path / "ponds"),
        ("trees", tmp_path / "trees"),
    ]


def test_a_broken_collection_is_named_and_does_not_stop_the_others(tmp_path: Path) -> None:
    make(tmp_path, "ponds", "trees", "walls")
    (tmp_path / "trees" / "collection.toml").write_text("colour = 1")
    collections = found(tmp_path)
    assert sorted(collections) == ["ponds", "trees", "walls"]
    broken = collections["trees"]
    assert isinstance(broken, BrokenCollection)
    assert "colour" in broken.reason
    assert all(isinstance(collections[name], Collection) for name in ("ponds", "walls"))


def test_finding_collections_opens_no_register(tmp_path: Path) -> None:
    make(tmp_path, "trees")
    (tmp_path / "trees" / "endpoint.csv").write_bytes(b"\xff\xfe\0 not a register")
    assert [collection.name for collection in find_collections(tmp_path)] == ["trees"]


def test_collections_toml_lists_them_with_their_places(tmp_path: Path) -> None:
    make(tmp_path, "kept", "unlisted")
    (tmp_path / "collections.toml").write_text(
        '[ponds]\nfolder = "kept"\n[trees]\nfolder = "files/trees"\nregisters = "config/trees"\n'
    )
    collections = found(tmp_path)
    assert sorted(collections) == ["ponds", "trees"]
    trees = collections["trees"]
    assert isinstance(trees, Collection)
    assert trees.register == tmp_path / "config/trees/endpoint.csv"
    assert trees.log == tmp_path / "files/trees/log"


def test_the_settings_of_a_listed_collection_stand_beside_its_registers(tmp_path: Path) -> None:
    make(tmp_path, "config")
    (tmp_path / "config" / "collection.toml").write_text('title = "Trees"')
    (tmp_path / "collections.toml").write_text('[trees]\nfolder = "files"\nregisters = "config"\n')
    trees = found(tmp_path)["trees"]
    assert isinstance(trees, Collection)
    assert trees.settings.title == "Trees"


@pytest.mark.parametrize(
    "entry",
    ["trees = 3", "[trees]\ncolour = 1", '[trees]\nfolder = "a"\ncolour = 1', "[trees]\nfolder = 5", "[trees]",
     '[trees]\nfolder = "a"\nregisters = 5', '[trees]\nfolder = "a"\nregisters = ["b"]'],
)  # fmt: skip
def test_a_bad_entry_of_collections_toml_does_not_stop_the_others(tmp_path: Path, entry: str) -> None:
    (tmp_path / "collections.toml").write_text(f'{entry}\n[ponds]\nfolder = "ponds"\n')
    collections = found(tmp_path)
    assert isinstance(collections["ponds"], Collection)
    broken = collections["trees"]
    assert isinstance(broken, BrokenCollection)
    assert "collections.toml" in broken.reason
    assert "[trees]" in broken.reason


def test_a_collections_toml_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "collections.toml").write_text("[trees")
    with pytest.raises(SettingsError, match=r"collections\.toml: not a TOML file"):
        find_collections(tmp_path)


def test_a_root_that_is_missing_is_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="COLLECTIONS"):
        find_collections(tmp_path / "nowhere")


def test_only_folders_named_by_a_day_are_entry_dates(tmp_path: Path) -> None:
    for name in ("2026-03-02", "2026-03-01", "2026-02-30", "2026-3-4", "notes"):
        (tmp_path / "log" / name).mkdir(parents=True)
    (tmp_path / "log" / "2026-03-03").write_text("a file")
    assert Collection.at(tmp_path).entry_dates() == [dt.date(2026, 3, 1), dt.date(2026, 3, 2)]


def test_a_collection_without_logs_has_no_entry_dates(tmp_path: Path) -> None:
    assert Collection.at(tmp_path).entry_dates() == []


def unreadable(path: Path) -> None:
    """Makes it a file that is there and gives an I/O error, also to root."""
    path.unlink(missing_ok=True)
    path.symlink_to("/proc/self/mem")


def test_settings_that_the_disk_does_not_give_back_do_not_stop_the_others(tmp_path: Path) -> None:
    make(tmp_path, "ponds", "trees")
    unreadable(tmp_path / "trees" / "collection.toml")
    collections = found(tmp_path)
    assert isinstance(collections["ponds"], Collection)
    broken = collections["trees"]
    assert isinstance(broken, BrokenCollection)
    assert broken.reason == f"{tmp_path / 'trees' / 'collection.toml'}: cannot be read: Input/output error"


def test_a_collections_toml_that_the_disk_does_not_give_back_is_refused(tmp_path: Path) -> None:
    unreadable(tmp_path / "collections.toml")
    with pytest.raises(SettingsError, match=r"collections\.toml: cannot be read: Input/output error"):
        find_collections(tmp_path)


@pytest.mark.parametrize("name", ["trees[1]", "tre*es", "a?b"])
def test_a_folder_whose_name_is_a_pattern_for_duckdb_is_refused_alone(tmp_path: Path, name: str) -> None:
    for folder in (name, "trees"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "endpoint.csv").write_text("endpoint,endpoint-url\n")
    broken, good = sorted(find_collections(tmp_path), key=lambda found: isinstance(found, Collection))
    assert isinstance(good, Collection)
    assert isinstance(broken, BrokenCollection)
    assert "rename it" in broken.reason

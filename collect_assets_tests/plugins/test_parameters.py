"""The `parameters` of endpoints: what is known, what is wrong, and what plugins' parameters mean for the gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from collect_assets.errors import FailedError
from collect_assets.folding.rules import MAX_AGE
from collect_assets.items.records import Reading
from collect_assets.plugins.parameters import OF_READERS, check_parameters, known_parameters, options_of
from collect_assets.registers import read_endpoints
from collect_assets_tests.collecting.kit import Folder

PLUGINS = ("", "arcgis", "wfs", "sparql")


class Asked(Mapping[str, Any]):
    """Parameters that note which of them are looked at."""

    def __init__(self) -> None:
        self.keys_asked: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.keys_asked.add(key)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_the_keys_of_readers_are_those_that_readers_look_at() -> None:
    asked = Asked()
    Reading.of(asked)
    assert asked.keys_asked == OF_READERS


def test_what_the_fold_reads_of_an_endpoint_is_known_with_every_plugin() -> None:
    assert [plugin for plugin in PLUGINS if MAX_AGE not in known_parameters(plugin)] == []


def test_what_a_plugin_calls_retries_and_timeout_holds_for_the_gate() -> None:
    options = options_of("arcgis", {"retries": 0, "timeout": 7, "retry_backoff_seconds": 3, "max_page_size": 5})
    assert (options.attempts, options.connect_timeout, options.read_timeout, options.backoff) == (1, 7, 7, 3)


def test_an_option_of_the_endpoint_goes_before_what_the_plugin_means() -> None:
    options = options_of("arcgis", {"timeout": 7, "read-timeout": 50.0, "attempts": 9})
    assert (options.connect_timeout, options.read_timeout, options.attempts) == (7, 50, 9)


def test_parameters_of_another_plugin_mean_nothing() -> None:
    assert options_of("wfs", {"timeout": 7}).read_timeout is None


@pytest.mark.parametrize(
    "parameters",
    [
        {"page_size": 0},
        {"page_size": "ten"},
        {"page_size": "0"},
        {"page_size": ""},
        {"page_size": 1.5},
        {"page_size": "1.5"},
        {"page_size": True},
        {"page_size": None, "attempts": 0},
    ],
)
def test_a_page_size_has_to_be_a_number_above_nought(parameters: dict[str, Any]) -> None:
    with pytest.raises(FailedError, match="correct the row"):
        options_of("wfs", parameters)


@pytest.mark.parametrize("written", ["30", " 30 ", 30, 30.0, "30.0"])
def test_a_number_may_be_written_as_text_or_with_a_point(written: object) -> None:
    assert options_of("arcgis", {"timeout": written}).read_timeout == 30
    assert options_of("", {"attempts": written}).attempts == 30
    assert options_of("", {"backoff": written}).backoff == 30.0


@pytest.mark.parametrize("parameters", [{"ssl-verify": "false"}, {"conditional": 0}, {"credential": 7}])
def test_only_numbers_may_be_written_as_text(parameters: dict[str, Any]) -> None:
    with pytest.raises(FailedError, match="correct the row"):
        options_of("", parameters)


def test_of_a_register_only_the_wrong_rows_are_skipped(folder: Folder) -> None:
    rows = [
        {"endpoint-url": "http://a/1", "plugin": "wfs", "parameters": '{"page_size": 0}'},
        {"endpoint-url": "http://a/2", "plugin": "wfs", "parameters": '{"page_size": 5, "id": "x"}'},
        {"endpoint-url": "http://a/3", "parameters": '{"page_size": 5}'},
        {"endpoint-url": "http://a/4", "parameters": '{"attempts": 0}'},
    ]
    folder.register(*rows)
    register = check_parameters(read_endpoints(Path(folder.path / "endpoint.csv"), plugins=PLUGINS))
    assert [endpoint.url for endpoint in register.endpoints] == ["http://a/2", "http://a/3"]
    assert [(skip.url, skip.why) for skip in register.skips] == [
        ("http://a/1", "bad-parameters"),
        ("http://a/4", "bad-parameters"),
    ]
    assert [(problem.row, problem.skip) for problem in register.problems] == [
        (2, "bad-parameters"),
        (4, ""),
        (5, "bad-parameters"),
    ]
    assert "unknown key 'page_size'" in register.problems[1].reason

"""What Dagster's pages show of a day."""

from __future__ import annotations

from collect_assets.orchestration.shown import log_shown
from collect_assets_tests.collecting.kit import Folder
from collect_assets_tests.plugins.digir_provider import PATH, DigirProvider, plants
from collect_assets_tests.servers import WebServer


def test_a_harvest_whose_counts_do_not_agree_is_listed_though_no_task_failed(folder: Folder) -> None:
    with WebServer(DigirProvider(plants(4), declared=9)) as short, WebServer(DigirProvider(plants(4))) as whole:
        folder.register(
            {"endpoint-url": short.url(PATH), "plugin": "digir"}, {"endpoint-url": whole.url(PATH), "plugin": "digir"}
        )
        shown = log_shown(folder.collection, folder.collect())
    listed = str(shown["harvests"].value)  # type: ignore[union-attr]
    assert (shown["tasks_failed"], whole.url(PATH) in listed) == (0, False)
    assert any(short.url(PATH) in line and line.endswith("| 0 | 9 |") for line in listed.splitlines()), listed

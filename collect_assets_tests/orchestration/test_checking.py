"""The job that checks one URL, run as Dagster runs it."""

from pathlib import Path
from typing import Any

import dagster as dg

from collect_assets_tests.orchestration.runs import TREES, definitions
from collect_assets_tests.servers import Page, WebServer


def check(root: Path, instance: dg.DagsterInstance, **config: Any) -> dg.ExecuteInProcessResult:
    job = definitions(root).resolve_job_def("check_url")
    settings = {"ops": {"check": {"config": config}}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return job.execute_in_process(run_config=settings, instance=instance, raise_on_error=False)


def test_the_job_says_what_a_url_holds_and_fails_where_it_holds_nothing(tmp_path: Path) -> None:
    with WebServer({"/trees.csv": Page(TREES)}) as server, dg.instance_for_test() as instance:
        good = check(tmp_path, instance, url=server.url("/trees.csv"))
        bad = check(tmp_path, instance, url=server.url("/nothing"))

    assert good.success
    assert good.output_for_node("check")["records"] == 2
    [output] = [event for event in good.all_node_events if event.is_successful_output]
    assert output.step_output_data.metadata["columns"].value == "reference, name"
    assert not bad.success
    [failure] = [event for event in bad.all_node_events if event.is_step_failure]
    assert "nothing at this address" in failure.step_failure_data.user_failure_data.description

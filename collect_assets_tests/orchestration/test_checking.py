"""The job `check_url`, run for real in this process."""

import json

import pytest

from collect_assets_tests.checking.services import PATH, SERVICE, arcgis
from collect_assets_tests.orchestration.runs import definitions, failure
from collect_assets_tests.servers import Page, WebServer

CSV = b"reference,name,place\n1,oak,a|b\n2,<b>ash</b>,![x](http://evil)\n"


def run_check(root, instance, **config):
    job = definitions(root).resolve_job_def("check_url")
    settings = {"ops": {"check": {"config": config}}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return job.execute_in_process(instance=instance, run_config=settings, raise_on_error=False)


def metadata(result):
    (output,) = [event.step_output_data for event in result.all_events if event.event_type_value == "STEP_OUTPUT"]
    return {name: value.value for name, value in output.metadata.items()}


def log_lines(result, instance):
    return [entry.user_message for entry in instance.all_logs(result.run_id)]


def test_a_url_is_checked_without_any_collection(tmp_path, instance):
    with WebServer({"/a.csv": Page(CSV)}) as web:
        result = run_check(tmp_path, instance, url=web.url("/a.csv"))
    assert result.success
    report = result.output_for_node("check")
    assert (report["collectable"], report["records"], report["columns"]) == (True, 2, ["reference", "name", "place"])
    assert list(tmp_path.iterdir()) == []


def test_the_answer_stands_in_the_metadata_the_log_and_a_tag(tmp_path, instance):
    with WebServer({"/a.csv": Page(CSV)}) as web:
        result = run_check(tmp_path, instance, url=web.url("/a.csv"))
    shown = metadata(result)
    assert shown["can be collected"] is True
    assert shown["summary"] == "It can be collected with a plain GET: csv, 2 records looked at."
    assert shown["records"] == 2
    assert shown["report"] == result.output_for_node("check")
    lines = log_lines(result, instance)
    assert shown["summary"] in lines
    assert "id: reference: filled in 100%, no duplicates" in lines
    assert instance.get_run_by_id(result.run_id).tags["collect_assets/outcome"] == "first"


def test_what_strangers_write_is_no_markup_of_ours(tmp_path, instance):
    with WebServer({"/a.csv": Page(CSV)}) as web:
        result = run_check(tmp_path, instance, url=web.url("/a.csv"))
    rows = metadata(result)["first records"].splitlines()
    assert [row.count("|") for row in rows] == [4, 4, 4, 4]
    assert not {"<b>", "![x]"} & set(rows[3].split())


def test_a_url_that_cannot_be_collected_is_an_answer_and_no_failed_run(tmp_path, instance):
    with WebServer({}) as web:
        result = run_check(tmp_path, instance, url=web.url("/gone.csv"))
    assert result.success
    shown = metadata(result)
    assert shown["can be collected"] is False
    assert result.output_for_node("check")["error"]["errCode"] == "404"
    assert "status 404" in shown["summary"]
    assert instance.get_run_by_id(result.run_id).tags["collect_assets/outcome"] == "failed:status"


def test_plugin_parameters_and_limits_are_taken_from_the_launchpad(tmp_path, instance):
    with WebServer(arcgis()) as web:
        result = run_check(tmp_path, instance, url=web.url(PATH), plugin="arcgis", parameters={"max_page_size": 7},
                           max_bytes=50_000, seconds=10.0)  # fmt: skip
        choices = run_check(tmp_path, instance, url=web.url(SERVICE))
        assert web.url(PATH) in metadata(choices)["what there is to choose from"].replace("&#95;", "_")
    report = result.output_for_node("check")
    assert (report["records"], report["declared_count"], report["plugin"]) == (7, 1199, "arcgis")


@pytest.mark.parametrize(
    ("config", "said"),
    [({"plugin": "nothing"}, "unknown plugin"), ({"parameters": {"id": 7}}, "id is 7"), ({"seconds": 0.0}, "seconds")],
)
def test_what_cannot_be_used_fails_the_run_with_the_reason(tmp_path, instance, config, said):
    result = run_check(tmp_path, instance, url="https://example.org/", **config)
    assert not result.success
    assert said in failure(result)


def test_addresses_are_the_operators_word(tmp_path, instance, monkeypatch):
    from collect_assets.orchestration.build import build_definitions

    monkeypatch.delenv("COLLECT_ASSETS_ALLOW", raising=False)
    with WebServer({"/": Page(CSV)}) as web:
        job = build_definitions(tmp_path).resolve_job_def("check_url")
        config = {"ops": {"check": {"config": {"url": web.url()}}}}
        result = job.execute_in_process(instance=instance, run_config=config)
        assert web.asked == []
    assert result.output_for_node("check")["outcome"] == "refused:address"
    assert json.dumps(result.output_for_node("check"))

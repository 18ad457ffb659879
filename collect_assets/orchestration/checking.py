"""The job `check_url`: whether a URL can be collected. What it does stands in `collect_assets/checking/`."""

import json
from typing import Any

import dagster as dg
from pydantic import Field

from collect_assets.checking.check import check_url
from collect_assets.checking.report import UrlReport
from collect_assets.orchestration.resources import Clock, Network


class CheckUrlConfig(dg.Config):
    """What is checked."""

    url: str = Field(description="The URL, as it would stand in endpoint.csv.")
    plugin: str = Field(default="auto", description="arcgis, wfs, sparql, blank for a plain GET; auto finds it out.")
    parameters: dict[str, Any] = Field(default={}, description='As in endpoint.csv, such as {"id": ["reference"]}.')


@dg.op(
    name="check",
    description="Collects a URL into a scratch folder and says what was found; fails where it cannot be collected.",
    out=dg.Out(dict, description="What was found, as `collect-assets check-url --json` prints it."),
)
def check_url_op(
    context: dg.OpExecutionContext, config: CheckUrlConfig, clock: Clock, network: Network
) -> dg.Output[dict[str, Any]]:
    """One check."""
    plugin = None if config.plugin == "auto" else config.plugin
    report = check_url(config.url, plugin=plugin, parameters=config.parameters, rules=network.rules(), now=clock.now)
    context.log.info("%s", report.to_json())
    for problem in report.problems:
        context.log.warning("%s", problem)
    metadata = _shown(report)
    if not report.collectable:
        raise dg.Failure(description=" ".join(report.problems), metadata=metadata, allow_retries=False)
    return dg.Output(json.loads(report.to_json()), metadata=metadata)


def _shown(report: UrlReport) -> dict[str, Any]:
    return {
        "outcome": report.outcome,
        "plugin": report.plugin or "plain GET",
        "final_url": dg.MetadataValue.url(report.final_url or report.url),
        "size": report.size,
        "records": report.records,
        "columns": ", ".join(report.columns),
        "id": " + ".join(report.id_rule) or "the hash of the whole record",
        "report": dg.MetadataValue.md(f"```json\n{report.to_json()}\n```"),
    }


@dg.job(
    name="check_url",
    description="Says whether a URL can be collected, before it goes into a register.",
    executor_def=dg.in_process_executor,
)
def check_url_job() -> None:
    """Config: url, plugin, parameters."""
    check_url_op()

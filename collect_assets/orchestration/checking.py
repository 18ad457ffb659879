"""The job `check_url`: one URL, typed into the launchpad. It belongs to no collection and touches none.

A run succeeds when the check was made, whatever came out; that stands in its tags, its log, and the metadata of its
output, and the output itself is the report as the shell's `--json` prints it.
"""

from typing import Any

import dagster as dg
from pydantic import Field

from collect_assets.checking.asking import CheckLimits
from collect_assets.checking.check import check_url
from collect_assets.checking.report import UrlCheck
from collect_assets.checking.shown import MARKS, cell, facts, plain, sentences
from collect_assets.errors import SettingsError
from collect_assets.orchestration.resources import Clock, Network

JOB, OP = "check_url", "check"
OUTCOME_TAG = "collect_assets/outcome"
CELL = 60
_LIMITS = CheckLimits()


class CheckUrlConfig(dg.Config):
    """What to check."""

    url: str = Field(default="", description="The URL, as you would put it into a register.")
    plugin: str = Field(default="", description="As a register would have it; blank finds the one that fits, GET is "
                        "the plain one.")  # fmt: skip
    parameters: dict[str, Any] = Field(default={}, description="As a register would have them.")
    max_bytes: int = Field(default=_LIMITS.max_bytes, description="Of a longer file only the start is looked at.")
    seconds: float = Field(default=_LIMITS.seconds, description="For all requests together.")


@dg.op(name=OP, description="Asks the URL, reads what it serves, and says whether it can be collected.")
def check_op(
    context: dg.OpExecutionContext, config: CheckUrlConfig, clock: Clock, network: Network
) -> dg.Output[dict[str, Any]]:
    """Runs the check and reports it.

    Raises:
        dagster.Failure: there is no such plugin, or the parameters or limits cannot be used.
    """
    try:
        check = check_url(
            config.url,
            plugin=config.plugin or None,
            parameters=config.parameters,
            limits=CheckLimits(config.max_bytes, config.seconds),
            rules=network.rules(),
            now=clock.now,
        )
    except SettingsError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    _log(context, check)
    context.instance.add_run_tags(context.run_id, {OUTCOME_TAG: check.outcome})
    return dg.Output(check.as_dict(), metadata=_metadata(check))


@dg.job(
    name=JOB,
    executor_def=dg.in_process_executor,
    description="Whether one URL can be collected, and what would come. Type the URL in the launchpad; the answer is "
    "in the log of the run, and with the output of its step.",
)
def check_url_job() -> None:
    """The one step."""
    check_op()


def _log(context: dg.OpExecutionContext, check: UrlCheck) -> None:
    (context.log.info if check.collectable else context.log.warning)("%s", plain(check.summary))
    for word, said in facts(check):
        context.log.info("%s: %s", word, plain(said))
    for finding in check.findings:
        (context.log.info if finding.level == "note" else context.log.warning)(
            "%s %s", MARKS[finding.level], plain(sentences(finding))
        )


def _metadata(check: UrlCheck) -> dict[str, dg.MetadataValue]:
    shown: dict[str, dg.MetadataValue] = {
        "can be collected": dg.MetadataValue.bool(check.collectable),
        "summary": dg.MetadataValue.text(plain(check.summary)),
        "facts": dg.MetadataValue.md(_table(["", ""], [[word, said] for word, said in facts(check)])),
    }
    if check.findings:
        told = (f"- {MARKS[each.level]} {_escaped(sentences(each))}" for each in check.findings)
        shown["what to know"] = dg.MetadataValue.md("\n".join(told))
    if check.first_records:
        names = list(dict.fromkeys(name for record in check.first_records for name in record))
        rows = [[cell(record.get(name), CELL) for name in names] for record in check.first_records]
        shown["first records"] = dg.MetadataValue.md(_table(names, rows))
    if check.choices:
        rows = [[each.name, each.title, each.url] for each in check.choices]
        shown["what there is to choose from"] = dg.MetadataValue.md(_table(["name", "title", "url"], rows))
    return {**shown, "records": dg.MetadataValue.int(check.records), "report": dg.MetadataValue.json(check.as_dict())}


def _table(names: list[str], rows: list[list[str]]) -> str:
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(each if each == '---' else _escaped(each) for each in line)} |" for line in lines)


def _escaped(text: str) -> str:
    """Text of strangers for Markdown: it begins no link, picture, cell or tag."""
    return "".join(f"&#{ord(each)};" if each in "|[]<>&`*_\\!" else each for each in plain(text))

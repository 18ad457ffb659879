"""The jobs `preview` and `decide`: what indexing would do, and what somebody decides on losses that are held.

They are for all collections; which one is meant is typed into the launchpad.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg
from pydantic import Field

from collect_assets.collection import Collection
from collect_assets.errors import CollectAssetsError, DecisionError, SettingsError
from collect_assets.folding.holds import Choice, decide
from collect_assets.folding.preview import preview
from collect_assets.items.decisions import VERDICTS

PREVIEW_JOB, DECIDE_JOB = "preview", "decide"


class PreviewConfig(dg.Config):
    """What to look at."""

    collection: str = Field(description="The name of the collection.")
    entry_date: str = Field(default="", description="YYYY-MM-DD; blank is the newest day with logs.")


class DecideConfig(dg.Config):
    """What is decided, on what, by whom and why."""

    collection: str = Field(description="The name of the collection.")
    decision: str = Field(description="approve, reject or map.")
    held: str = Field(
        default="", description="The held set, by the beginning of its hash; see the check of item_index."
    )
    endpoint: str = Field(default="", description="All that is held of this endpoint, by the beginning of its id.")
    everything: bool = Field(default=False, description="All that is held.")
    who: str = Field(description="Who decides; kept for ever.")
    why: str = Field(description="Why; kept for ever.")
    entry_date: str = Field(default="", description="From when on it holds; blank is the newest day of the index.")
    ids: dict[str, str] = Field(default={}, description="For map: old id to new id; left out, those whose records "
                                "say the same.")  # fmt: skip


def item_jobs(collections: Iterable[Collection]) -> list[dg.JobDefinition]:
    """Both jobs, for the collections that there are."""
    by_name = {collection.name: collection for collection in collections}
    return [_preview_job(by_name), _decide_job(by_name)]


def _preview_job(by_name: Mapping[str, Collection]) -> dg.JobDefinition:
    @dg.op(name="look", description="Folds into a copy of the index, and throws it away.")
    def look(context: dg.OpExecutionContext, config: PreviewConfig) -> dg.Output[dict[str, Any]]:
        collection = _named(by_name, config.collection)
        try:
            days = collection.entry_dates()
            found = preview(collection, _day(config.entry_date) or (days[-1] if days else dt.date.min))
        except CollectAssetsError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        for day, change in found.changes.items():
            context.log.info("%s: %s", day, change)
        for held in found.held:
            context.log.warning("held: %s", held)
        return dg.Output(found.as_dict(), metadata={"preview": dg.MetadataValue.json(found.as_dict())})

    @dg.job(
        name=PREVIEW_JOB,
        executor_def=dg.in_process_executor,
        description="What indexing a collection would create, update, delete and hold. Leaves everything as it is.",
    )
    def preview_job() -> None:
        look()

    return preview_job


def _decide_job(by_name: Mapping[str, Collection]) -> dg.JobDefinition:
    @dg.op(name="write_decision", description="Writes the decisions; the next run of item_index applies them.")
    def write_decision(context: dg.OpExecutionContext, config: DecideConfig) -> dg.Output[list[str]]:
        collection = _named(by_name, config.collection)
        verdict = next((word for word in ("approve", "reject", "map") if word == config.decision), None)
        try:
            if verdict is None:
                raise DecisionError(f"decision is {config.decision!r}, expected one of {', '.join(VERDICTS)}")
            paths = decide(
                collection,
                verdict,
                Choice(config.held, config.endpoint, config.everything),
                who=config.who,
                why=config.why,
                entry_date=_day(config.entry_date),
                ids=config.ids or None,
            )
        except CollectAssetsError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        for path in paths:
            context.log.info("%s: written", path)
        return dg.Output([str(path) for path in paths], metadata={"decisions": len(paths)})

    @dg.job(
        name=DECIDE_JOB,
        executor_def=dg.in_process_executor,
        description="Decides on losses that are held: approve applies them, reject keeps the items, map gives them "
        "their new ids. Materialise item_index afterwards.",
    )
    def decide_job() -> None:
        write_decision()

    return decide_job


def _named(by_name: Mapping[str, Collection], name: str) -> Collection:
    if (found := by_name.get(name)) is None:
        raise dg.Failure(f"there is no collection {name!r}; there are: {', '.join(by_name)}", allow_retries=False)
    return found


def _day(text: str) -> dt.date | None:
    """The day that was typed in; None where none was.

    Raises:
        SettingsError: it is none.
    """
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise SettingsError(f"entry_date is {text!r}, expected YYYY-MM-DD") from None

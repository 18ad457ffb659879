"""The asset checks: what is looked at after each step, per day, and how bad it is. How to look stands in the domain."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dagster import AssetCheckSpec, PartitionsDefinition

from collect_assets.collecting.day import DayReport
from collect_assets.collecting.log import read_logs
from collect_assets.collecting.whole import check_resources
from collect_assets.collection import Collection
from collect_assets.errors import DamagedFileError
from collect_assets.folding.holds import load_holds, shown_sample
from collect_assets.index.days import folded_resources
from collect_assets.index.failure_share import failure_share
from collect_assets.index.publish import reading
from collect_assets.items.day import DayRecords
from collect_assets.items.rejects import sample_rejects
from collect_assets.orchestration.day_events import ERROR, WARN, Finding, Value, day_check
from collect_assets.orchestration.names import Names
from collect_assets.orchestration.shown import MOST_FAILURES, failures_shown, table

NEVER_ASKED = "Every active endpoint of the day has a log, or the run says why it was not asked."
USUAL_FAILURES = "The share of endpoints that failed is not far above that of the seven days before."
HONEST = "No server is known to say 304, not modified, to what has changed; who does is asked unconditionally."
READABLE = "Each resource of the day could be read, and each entry in it."
WHOLE = "Each resource in the logs is there with its size; what came today, and a thirtieth of the rest, has its hash."
NOTHING_HELD = "Nothing that an endpoint would lose on the day waits for a decision (`collect-assets decide`)."
AGREES = "The index holds the day, and of each day that it holds the resources that the logs name now."
MOST_SAMPLED = 5  # held sets, and whatever else only counts
MOST_REJECTED = 10


@dataclass(frozen=True)
class Checks:
    """The checks of one collection."""

    every_endpoint: AssetCheckSpec
    usual_failures: AssetCheckSpec
    honest_servers: AssetCheckSpec
    whole: AssetCheckSpec
    readable: AssetCheckSpec
    agrees: AssetCheckSpec
    nothing_held: AssetCheckSpec

    @classmethod
    def of(cls, names: Names, days: PartitionsDefinition) -> Checks:
        """The specs, all per day."""
        return cls(
            day_check(names.key("log"), "every_endpoint", days, NEVER_ASKED),
            day_check(names.key("log"), "usual_failures", days, USUAL_FAILURES),
            day_check(names.key("log"), "honest_servers", days, HONEST),
            day_check(names.key("resource"), "whole", days, WHOLE),
            day_check(names.key("record"), "readable", days, READABLE),
            day_check(names.key("item_index"), "agrees", days, AGREES),
            day_check(names.key("item_index"), "nothing_held", days, NOTHING_HELD),
        )

    @property
    def of_collecting(self) -> list[AssetCheckSpec]:
        """Those of `log` and `resource`."""
        return [self.every_endpoint, self.usual_failures, self.honest_servers, self.whole]

    def collected(self, collection: Collection, report: DayReport, *, limited: bool) -> list[Finding]:
        """What they find on a day that was collected; `limited` says that the run was not to ask all endpoints."""
        return [
            self._every_endpoint(report, limited=limited),
            self._usual_failures(collection, report),
            self._honest_servers(report),
            self._whole(collection, report),
        ]

    def _every_endpoint(self, report: DayReport, *, limited: bool) -> Finding:
        """A day that is over, or of which only a part was asked for, cannot be blamed on this run: a warning."""
        missing = len(report.never_asked)
        return Finding(
            self.every_endpoint,
            passed=not missing,
            description=f"{missing} active endpoints were never asked" if missing else "",
            severity=ERROR if report.open and not limited else WARN,
            metadata={
                "never_asked": missing,
                "endpoints": table(("endpoint",), ((e,) for e in report.never_asked), 20),
            },
        )

    def _usual_failures(self, collection: Collection, report: DayReport) -> Finding:
        share = failure_share(collection, report.entry_date)
        return Finding(
            self.usual_failures,
            passed=share.as_usual,
            description=f"{share.failed} of {share.asked} failed, in the week before {share.usual:.1%}",
            severity=WARN,
            metadata={
                "share": share.share,
                "share_before": share.usual,
                "expected_at_most": share.expected_at_most,
                "failures": failures_shown(report, MOST_SAMPLED),
            },
        )

    def _honest_servers(self, report: DayReport) -> Finding:
        lying = [(log.endpoint_url,) for log in report.lying]
        return Finding(
            self.honest_servers,
            passed=not lying,
            description=f"{len(lying)} endpoints have servers that say 304 to what has changed" if lying else "",
            severity=WARN,
            metadata={
                "lying": len(lying),
                "endpoints": table(("endpoint-url",), lying, 20),
            },
        )

    def _whole(self, collection: Collection, report: DayReport) -> Finding:
        found = check_resources(collection, report)
        return Finding(
            self.whole,
            passed=not found.damaged,
            description=f"{len(found.damaged)} files are missing or damaged" if found.damaged else "",
            metadata={"seen": found.seen, "read": found.read, "damaged": _damages(found.damaged)},
        )

    def read(self, records: DayRecords, urls: Mapping[str, str]) -> Finding:
        """What could not be read, with samples; a warning, since all else of the day is read."""
        unreadable = [(urls.get(e, e), "", reason, "") for e, reason in sorted(records.unreadable.items())]
        samples = [
            (urls.get(endpoint, endpoint), each.line or each.record_number, each.reason, each.raw)
            for endpoint, each in sample_rejects(records.rejects, MOST_REJECTED)
        ]
        told = [f"{len(unreadable)} resources"] * bool(unreadable) + [f"{records.rejected} entries"] * bool(samples)
        return Finding(
            self.readable,
            passed=not told,
            description=f"{' and '.join(told)} could not be read" if told else "",
            severity=WARN,
            metadata={
                "unreadable": len(unreadable),
                "rejected": records.rejected,
                "samples": table(
                    ("endpoint-url", "row", "reason", "text"),
                    [*unreadable[:MOST_REJECTED], *samples],
                    2 * MOST_REJECTED,
                ),
            },
        )

    def indexed(
        self, collection: Collection, day: dt.date, files: Mapping[dt.date, str], held: Mapping[dt.date, str]
    ) -> Finding:
        """Whether the index has the day, and agrees with the files on all days that it says it holds."""
        differing = sorted(other for other, digest in held.items() if files.get(other) != digest)
        lacks = "" if day in held else f"the index does not hold {day}"
        differs = (
            f"it holds other resources than the logs name on {', '.join(map(str, differing[:10]))}" if differing else ""
        )
        return Finding(
            self.agrees,
            passed=not lacks and not differs,
            description="; ".join(filter(None, (lacks, differs))),
            metadata={
                "days": len(held),
                "differing": len(differing),
                "samples": table(
                    ("day", "endpoint", "in the index", "in the logs"),
                    _differences(collection, differing[:MOST_SAMPLED]),
                    MOST_SAMPLED,
                ),
            },
        )

    def held(self, collection: Collection, day: dt.date) -> Finding:
        """What was held on the day and waits, with samples; it stops nothing: all else of the day is applied."""
        with reading(collection) as index:
            waiting = load_holds(index, day=day)
            samples = [(each, shown_sample(index, collection, each)) for each in waiting[:MOST_SAMPLED]]
        rows = [
            (each.endpoint[:12], each.held[:12], word, item, json.dumps(record, ensure_ascii=False))
            for each, found in samples
            for word, items in (("delete", found.deletions), ("create", found.creations))
            for item, record in items
        ]
        return Finding(
            self.nothing_held,
            passed=not waiting,
            description="; ".join(map(str, waiting[:MOST_SAMPLED])),
            metadata={
                "deletions": sum(each.open_deletions for each in waiting),
                "creations": sum(each.open_creations for each in waiting),
                "held": table(("endpoint", "held", "would", "item", "record"), rows, len(rows) or 1),
            },
        )


def _differences(collection: Collection, days: Sequence[dt.date]) -> list[tuple[object, ...]]:
    """The endpoints of which the index holds another resource than the logs name."""
    rows: list[tuple[object, ...]] = []
    for day in days:
        folded = folded_resources(collection, day)
        named = {log.endpoint: log.resource for log in read_logs(collection, day)[0] if log.resource}
        others = sorted(name for name in {*folded, *named} if folded.get(name) != named.get(name))
        rows += [(day, name[:12], (folded.get(name) or "")[:12], (named.get(name) or "")[:12]) for name in others]
    return rows


def _damages(damaged: tuple[DamagedFileError, ...]) -> Value:
    return table(("file", "reason"), ((error.path.name, error.reason) for error in damaged), MOST_FAILURES)

"""Taking over the tables of a collection that others have collected, before the first of its days is derived."""

from __future__ import annotations

import dagster as dg

from collect_assets.errors import RegisterError
from collect_assets.orchestration.kit import Kit
from collect_assets.tables.keeping import adopt_tables


def adopt_first(context: dg.AssetExecutionContext, kit: Kit) -> None:
    """Makes days that stand in such tables only days like any other; a table that cannot be read stops none."""
    try:
        if count := adopt_tables(kit.collection):
            context.log.info("adopted %d logs from the log.csv and resource.csv that were there", count)
    except RegisterError as error:
        context.log.warning("%s", error)

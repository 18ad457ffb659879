"""A collection that cannot be used shows as one asset that says why, while the others load."""

from __future__ import annotations

import dagster as dg

from collect_assets.collection import BrokenCollection
from collect_assets.errors import SettingsError
from collect_assets.orchestration.names import Names


def broken_asset(broken: BrokenCollection, names: Names) -> dg.AssetsDefinition:
    """Its `endpoint`, which fails with the reason when it is materialised."""
    spec = dg.AssetSpec(
        names.key("endpoint"),
        description=f"**This collection cannot be used.** {broken.reason}\n\nRepair it and reload the code location.",
        group_name=names.group,
        kinds={"csv"},
    )

    @dg.multi_asset(name=names.op("endpoint"), specs=[spec])
    def endpoint() -> None:
        raise SettingsError(f"{broken.name}: {broken.reason}; repair it and reload the code location")

    return endpoint

"""Which endpoints a run is limited to, in the words that people use: URLs or ids, and an organisation."""

from __future__ import annotations

from collections.abc import Collection as Those

from collect_assets.collection import Collection
from collect_assets.errors import SettingsError
from collect_assets.plugins import plugins
from collect_assets.registers import endpoint_id, endpoints_of, read_endpoints


def chosen_endpoints(collection: Collection, only: Those[str], organisation: str) -> set[str] | None:
    """The ids of the endpoints to ask; None for all. With both limits, those that meet both.

    Args:
        collection: whose registers count.
        only: endpoints by id or URL.
        organisation: as `source.csv` has it.

    Raises:
        SettingsError: an endpoint is not in the register, or the organisation has none; nobody is asked by mistake.
        RegisterError: a register cannot be read.
    """
    if not only and not organisation:
        return None
    register = read_endpoints(collection.register, plugins=plugins())
    known = {endpoint.endpoint for endpoint in register.endpoints} | {skip.endpoint for skip in register.skips}
    chosen = {text if text in known else endpoint_id(text) for text in only} if only else known
    if missing := [text for text in only if text not in known and endpoint_id(text) not in known]:
        raise SettingsError(
            f"{', '.join(missing)}: not in {collection.register}; give an endpoint or endpoint-url of it"
        )
    if organisation:
        chosen &= endpoints_of(collection.registers / "source.csv", organisation)
        if not chosen:
            raise SettingsError(
                f"{organisation}: {collection.registers / 'source.csv'} gives it none of these endpoints"
            )
    return chosen

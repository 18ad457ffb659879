"""Which endpoints a person means by ids, beginnings of ids, URLs, or an organisation."""

from __future__ import annotations

from collections.abc import Sequence

from collect_assets.collection import Collection
from collect_assets.errors import SettingsError
from collect_assets.plugins import plugins
from collect_assets.registers import EndpointRegister, endpoint_id, endpoints_of, read_endpoints

SHORTEST = 6


def select(collection: Collection, endpoints: Sequence[str] = (), organisation: str = "") -> frozenset[str] | None:
    """The ids of the endpoints that are meant; None when nothing is said and all are meant.

    Args:
        collection: whose register counts.
        endpoints: ids, their first six characters or more, or URLs.
        organisation: as `source.csv` names it; with `endpoints` too, those of them that are its own.

    Raises:
        SettingsError: a name fits no endpoint of the register, or more than one.
        RegisterError: a register cannot be read.
    """
    if not endpoints and not organisation:
        return None
    register = read_endpoints(collection.register, plugins=plugins())
    chosen = {_find(register, name) for name in endpoints} if endpoints else set(register.by_id())
    if organisation:
        chosen &= endpoints_of(collection.registers / "source.csv", organisation)
        if not chosen:
            raise SettingsError(f"{collection.registers / 'source.csv'}: gives no endpoint to {organisation!r}")
    return frozenset(chosen)


def _find(register: EndpointRegister, name: str) -> str:
    known = {endpoint.endpoint for endpoint in register.endpoints} | {skip.endpoint for skip in register.skips}
    if (by_url := endpoint_id(name)) in known:
        return by_url
    found = [endpoint for endpoint in known if len(name) >= SHORTEST and endpoint.startswith(name.lower())]
    if len(found) != 1:
        reason = "no endpoint of it" if not found else f"{len(found)} endpoints of it; write more characters"
        raise SettingsError(f"{register.path}: {name!r} is {reason}")
    return found[0]

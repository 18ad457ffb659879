"""The Dagster resources: the clock and the network's rules. What was collected is never meant here."""

from __future__ import annotations

import datetime as dt
import os

from dagster import ConfigurableResource

from collect_assets.collecting.window import utc_now
from collect_assets.errors import SettingsError
from collect_assets.network.addresses import AddressRules

ALLOW = "COLLECT_ASSETS_ALLOW"


class Clock(ConfigurableResource):  # type: ignore[type-arg]
    """Tells the time: the machine's, or for tests and rehearsals one that stands still."""

    stands_at: str = ""

    def now(self) -> dt.datetime:
        """The time in UTC.

        Raises:
            SettingsError: the time to stand at is none.
        """
        if not self.stands_at:
            return utc_now()
        try:
            moment = dt.datetime.fromisoformat(self.stands_at)
        except ValueError as error:
            raise SettingsError(f"clock: {error}; write a time such as 2026-11-04T12:00:00+00:00") from error
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)

    def today(self) -> dt.date:
        """The entry-date that is being collected."""
        return self.now().date()


class Network(ConfigurableResource):  # type: ignore[type-arg]
    """Which non-public addresses may be asked: networks with commas between them, `private` for all private ones."""

    allow: str = ""

    @classmethod
    def of_environment(cls) -> Network:
        """What the operator set in the environment."""
        return cls(allow=os.environ.get(ALLOW, ""))

    def rules(self) -> AddressRules:
        """The rules for the gate.

        Raises:
            SettingsError: a part is not a network.
        """
        return AddressRules.parse(self.allow)

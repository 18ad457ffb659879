"""What is wrong with the rows of `host.csv`: the rules that would not hold."""

from __future__ import annotations

from collect_assets.network.hosts import read_hosts
from collect_assets.tending.estate import Registers

FILE = "host.csv"


def check_hosts(registers: Registers) -> None:
    """Looks at how the hosts of one collection are to be treated."""
    for problem in read_hosts(registers.folder / FILE).problems:
        registers.find(FILE, problem.row, "bad-host" if problem.row else "unreadable", problem.reason)

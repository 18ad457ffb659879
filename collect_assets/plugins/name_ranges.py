"""Ranges of a text concept that together hold every record which has it, whatever order the provider's database has.

A range takes its lower bound in and leaves its upper bound out, and the first and last are open: so they leave nothing
out, as long as the provider puts the bounds themselves in our order. Bounds have three letters or more, since some
providers refuse shorter ones. A range whose names all begin alike is split by their next letter.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

DEEPEST = 4  # letters; a range of names that begin alike in so many is not split further
LEAST = 3


@dataclass(frozen=True)
class NameRange:
    """From `lower` on, and before `upper`; None where it is open.

    Attributes:
        prefix: how the names in it begin; None where nothing is known of that, and it cannot be split.
        absent: whether it is the range of records without a name, which has no bounds.
    """

    lower: str | None = None
    upper: str | None = None
    prefix: str | None = ""
    absent: bool = False
    least: int = LEAST
    letters: str = string.ascii_lowercase

    @property
    def key(self) -> str:
        """Its name in the key of a task."""
        return "absent" if self.absent else f"{self.lower or 'begin'}-{self.upper or 'end'}"

    def __str__(self) -> str:
        if self.absent:
            return "without a name"
        return f"{self.lower or 'the first'} to {self.upper or 'the last'}"

    @property
    def can_split(self) -> bool:
        """Whether it has smaller parts."""
        return self.prefix is not None and len(self.prefix) < DEEPEST and not self.absent

    def split(self) -> tuple[NameRange, ...]:
        """Its parts in order, by the next letter; of all names, also those before the first letter."""
        if self.prefix is None:
            return (self,)
        bounds = [self._bound(letter) for letter in self.letters]
        lowers = [self.lower, *bounds] if self.prefix == "" else [self.lower, *bounds[1:]]
        prefixes = [self.prefix + (letter if self.prefix else letter.upper()) for letter in self.letters]
        names: list[str | None] = [None, *prefixes] if self.prefix == "" else list(prefixes)
        uppers = [*lowers[1:], self.upper]
        return tuple(
            NameRange(lower, upper, prefix, least=self.least, letters=self.letters)
            for lower, upper, prefix in zip(lowers, uppers, names, strict=True)
        )

    def _bound(self, letter: str) -> str:
        start = (self.prefix or "") + (letter if self.prefix else letter.upper())
        return start.ljust(self.least, self.letters[0])


def all_names(least: int = LEAST) -> NameRange:
    """The range of all names."""
    return NameRange(least=max(least, LEAST))


def all_codes(least: int = LEAST) -> NameRange:
    """The range of all catalogue numbers and the like, which begin with digits as often as with letters."""
    return NameRange(least=max(least, LEAST), letters=string.digits + string.ascii_lowercase)

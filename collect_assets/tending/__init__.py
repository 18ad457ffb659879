"""Tending a collection by hand: checking and changing its registers, explaining a day, comparing two folders."""

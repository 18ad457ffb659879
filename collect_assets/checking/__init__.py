"""Checking one URL now: whether it can be collected, and what would come. Nothing of any collection is touched."""

"""One URL, now: whether it can be collected, and what would come of it. Nothing of a collection is touched."""

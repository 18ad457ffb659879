"""Questions to the published index: search, changes, the history of an item and its bytes."""

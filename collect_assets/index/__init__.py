"""The item index as a file: its tables, what searches look at, its digest, and publishing it."""

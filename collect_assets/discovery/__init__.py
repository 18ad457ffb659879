"""What feeds, providers and repositories offer, as rows for a register that people review."""

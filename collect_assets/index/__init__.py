"""The item index: days folded into versions of items, published as one DuckDB file, and searched."""

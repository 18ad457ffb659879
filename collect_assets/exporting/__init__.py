"""Subsets of items as files for others."""

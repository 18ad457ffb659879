"""Readers: the bytes of a resource become tables or streams of entries, one module for each format.

A reader knows bytes and formats. What makes a record an item (its id, canonical form and hash) stands in `items/`.
"""

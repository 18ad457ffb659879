"""One entry-date of one collection: which endpoints are asked, and what is written down of it."""

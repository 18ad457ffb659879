"""Everything that knows Dagster, one module per concept; nothing else in the package imports it.

Assets gather inputs, call one function of the domain and report metadata. Nothing is exported from here.
"""

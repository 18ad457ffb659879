"""Benchmarks: `python -m benchmarks`. Not part of the package that is installed.

Every figure stands beside what a plain program needs for the same in the same run: machines differ and are shared.
"""

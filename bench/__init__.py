"""Benchmarks: what the house must reach, measured from outside, as ratios and figures of one run."""

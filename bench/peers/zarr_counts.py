"""AC and called alleles per site over some samples of a zarr array of genotypes; prints both sums.

usage: zarr_counts.py ZARR SAMPLES [FIRST LAST]   (SAMPLES: a file of sample numbers, or "all"; sites FIRST to before LAST)
"""

import sys

import numpy
import zarr

genotypes = zarr.open(sys.argv[1], mode="r")
samples = None if sys.argv[2] == "all" else numpy.loadtxt(sys.argv[2], dtype=int)
first, last = (int(sys.argv[3]), int(sys.argv[4])) if len(sys.argv) > 3 else (0, genotypes.shape[0])
alts = called = 0
for start in range(first - first % 1000, last, 1000):
    rows = genotypes[max(start, first):min(start + 1000, last)]
    if samples is not None:
        rows = rows[:, samples]
    alts += int((rows > 0).sum(axis=(1, 2)).sum())
    called += int((rows >= 0).sum(axis=(1, 2)).sum())
print(alts, called)

"""AC and AN of every ALT over some samples of a zarr array of genotypes that convert.py made; prints the sums of both.

usage: zarr_counts.py ZARR SAMPLES   (SAMPLES: a file of sample numbers, or "all")
"""

import sys

import numpy
import zarr

group = zarr.open_group(sys.argv[1], mode="r")
genotypes, alleles = group["genotypes"], group["alleles"][:].astype(int)
samples = None if sys.argv[2] == "all" else numpy.loadtxt(sys.argv[2], dtype=int)
copies = called = 0
for start in range(0, genotypes.shape[0], 1000):
    rows = genotypes[start:start + 1000]
    if samples is not None:
        rows = rows[:, samples]
    kinds, stars = alleles[start:start + 1000].T
    with_star = numpy.flatnonzero(stars > 0)
    copies += numpy.count_nonzero(rows > 0) - numpy.count_nonzero(rows[with_star] == stars[with_star, None, None])
    called += int((numpy.count_nonzero(rows >= 0, axis=(1, 2)) * kinds).sum())
print(copies, called)

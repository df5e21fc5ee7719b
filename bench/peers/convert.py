"""A joint VCF with GT alone, unphased or phased diploid calls and alleles 0 to 9, as a long table (CSV) and as a zarr array.

usage: convert.py VCF.gz LONG.csv SITES.csv ZARR

LONG.csv: variant (one per ALT that is not *), sample, code (1 het, 2 hom-alt, 3 missing). SITES.csv: variant, contig, pos,
ref, alt, as written. ZARR: genotypes, sites x samples x 2, int8, -1 missing, in chunks of 1,000 x 1,000, Blosc zstd bitshuffle;
and alleles, sites x 2: how many ALTs are not *, and the number of the one that is, or -9.
"""

import subprocess
import sys

import numcodecs
import numpy
import zarr

CHUNK = 1000


def fixed_width(columns):
    """Columns of numbers as lines of a CSV, each number with leading zeros."""
    parts = []
    for values, width in columns:
        powers = 10 ** numpy.arange(width - 1, -1, -1, dtype=numpy.int64)
        parts.append((values[:, None] // powers % 10 + 48).astype(numpy.uint8))
        parts.append(numpy.full((len(values), 1), 44, numpy.uint8))
    parts[-1][:] = 10
    return numpy.hstack(parts).tobytes()


def convert(vcf, long_path, sites_path, zarr_path):
    reader = subprocess.Popen(["bgzip", "-dc", vcf], stdout=subprocess.PIPE, bufsize=1 << 22)
    array, pending, alleles, variant = None, [], [], 0
    with open(long_path, "wb") as long_table, open(sites_path, "w") as sites:
        for line in reader.stdout:
            if line.startswith(b"#"):
                continue
            cells = line.split(b"\t", 9)
            calls = numpy.frombuffer(cells[9], numpy.uint8)
            if len(calls) % 4:
                sys.exit("convert: a call is not of the form 0|0")
            calls = calls.reshape(-1, 4)
            first, second = (calls[:, i].astype(numpy.int8) - 48 for i in (0, 2))
            first[first < 0] = -1
            second[second < 0] = -1
            if array is None:
                group = zarr.open_group(zarr_path, mode="w")
                array = group.create_dataset("genotypes", shape=(0, len(first), 2), chunks=(CHUNK, CHUNK, 2), dtype="i1",
                                             compressor=numcodecs.Blosc("zstd", 7, numcodecs.Blosc.BITSHUFFLE))
            pending.append(numpy.stack((first, second), axis=1))
            missing = numpy.flatnonzero(first < 0)
            alts = cells[4].split(b",")
            alleles.append((len(alts) - (b"*" in alts), alts.index(b"*") + 1 if b"*" in alts else -9))
            for number, alt in enumerate(alts, 1):
                if alt == b"*":
                    continue
                doses = (first == number).astype(numpy.int64) + (second == number)
                carriers = numpy.flatnonzero(doses)
                samples = numpy.concatenate((carriers, missing))
                codes = numpy.concatenate((doses[carriers], numpy.full(len(missing), 3)))
                long_table.write(fixed_width(((numpy.full(len(samples), variant), 7), (samples, 5), (codes, 1))))
                sites.write(f"{variant},{cells[0].decode()},{cells[1].decode()},{cells[3].decode()},{alt.decode()}\n")
                variant += 1
            if len(pending) == CHUNK:
                array.append(numpy.stack(pending))
                pending.clear()
        if pending:
            array.append(numpy.stack(pending))
    group.array("alleles", numpy.array(alleles, dtype="i1"))
    if reader.wait():
        sys.exit("convert: bgzip failed")


if __name__ == "__main__":
    convert(*sys.argv[1:])

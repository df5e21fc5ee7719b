#!/usr/bin/env python3
"""Questions for look-ups and annotation: a VCF of sites, half of them alleles that a simulated cohort has, half that it has not.

usage: queries.py FOLDER COUNT OUT.vcf[.gz] [--seed N]

FOLDER is what `warehouse simulate` wrote (cohort.vcf.gz, reference.fa with its index). Stored alleles are the first ALT of records
drawn at random; the others are single bases at random places, with REF as the reference has it, that no record of the cohort has.
Sorted as the cohort is, one allele a line, nothing in INFO. The same arguments give the same bytes; OUT.gz needs bgzip.
"""
import argparse
import gzip
import random
import shutil
import subprocess
import sys


def records(path):
    """CHROM, POS, REF and ALT of every record, as bytes."""
    source = subprocess.Popen(["bgzip", "-dc", path], stdout=subprocess.PIPE) if shutil.which("bgzip") else None
    with source.stdout if source else gzip.open(path, "rb") as lines:
        for line in lines:
            if line[:1] != b"#":
                chrom, pos, _, ref, alt, _ = line.split(b"\t", 5)
                yield chrom, int(pos), ref, alt


def reference(folder):
    """Bases per contig; the windows of sites are all ACGT."""
    contigs, name = {}, None
    with open(f"{folder}/reference.fa", "rb") as lines:
        for line in lines:
            if line[:1] == b">":
                name = line[1:].split()[0]
                contigs[name] = []
            else:
                contigs[name].append(line.strip())
    return {name: b"".join(parts) for name, parts in contigs.items()}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("folder")
    options.add_argument("count", type=int)
    options.add_argument("out")
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    draw = random.Random(asked.seed)
    bases = reference(asked.folder)
    names = list(bases)
    cohort = f"{asked.folder}/cohort.vcf.gz"
    total = sum(1 for _ in records(cohort))
    if asked.count // 2 > total:
        sys.exit("queries: the cohort has fewer records than are asked for")
    wanted = set(draw.sample(range(total), asked.count // 2))
    strange = set()
    while len(strange) < asked.count - len(wanted):
        chrom = draw.choices(names, [len(bases[n]) for n in names])[0]
        at = draw.randrange(len(bases[chrom]))
        ref = bases[chrom][at:at + 1]
        if ref in b"ACGT":
            strange.add((names.index(chrom), at + 1, ref, draw.choice([b for b in (b"A", b"C", b"G", b"T") if b != ref])))
    stored = []
    for number, (chrom, pos, ref, alt) in enumerate(records(cohort)):
        index = names.index(chrom)
        for one in alt.split(b","):
            strange.discard((index, pos, ref, one))
        if number in wanted:
            stored.append((index, pos, ref, alt.split(b",")[0]))
    lines = sorted(stored + list(strange))
    text = ["##fileformat=VCFv4.2"] + [f"##contig=<ID={n.decode()},length={len(bases[n])}>" for n in names] + ["#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    text += [f"{names[c].decode()}\t{pos}\t.\t{ref.decode()}\t{alt.decode()}\t.\t.\t." for c, pos, ref, alt in lines]
    body = ("\n".join(text) + "\n").encode()
    with open(asked.out, "wb") as out:
        if asked.out.endswith(".gz"):
            subprocess.run(["bgzip", "-c"], input=body, stdout=out, check=True)
        else:
            out.write(body)


if __name__ == "__main__":
    main()

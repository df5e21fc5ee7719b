"""Sections of taking in: joint files, files of one sample, one more sample; memory; bytes on disk."""

import json
import os
import random
import shutil
import subprocess

from bench import acount_rows, freq_rows, same_rows, sums
from measure import Failed, Figures, Task, interleave, run, shell
from report import Peer, Row
from sets import SHAPE, cached, real_set, remove, remove_store, size_mb

REACH = {"A": {"vcf": 1.2, "bcf": 0.8}, "B": {"vcf": 4.0, "bcf": 2.5}}


def facts(bench, store):
    """What info says, by fact."""
    return {row["fact"]: row["value"] for row in json.loads(run(bench.warehouse, "info", store, "--format", "json"))}


def ingest_task(bench, store, files, *more, cores=1, runs=0):
    return Task([bench.warehouse, "ingest", store, *files, *more], before=lambda: bench.sets.init(store), cores=cores, runs=runs)


def same_number(what, ours, theirs):
    if int(ours) != int(theirs):
        raise Failed(f"{what}: ours {int(ours):,}, theirs {int(theirs):,}")
    return f"{int(ours):,} {what}"


def ingest(bench):
    """Joint files, sealed and synced, into an empty store."""
    bench.section("Taking in joint files", "CPU s on one core, sealed and synced; peers neither seal nor sync. `bcftools view -Ob` writes BCF again.")
    for name in ("A", "B"):
        for form, read in (("vcf", "--vcf"), ("bcf", "--bcf")):
            path, store = (bench.sets.vcf if form == "vcf" else bench.sets.bcf)(name), "in.store"
            ours = ingest_task(bench, store, [path])
            peers = {"plink2": Task(["plink2", read, path, "--make-pgen", "--threads", "1", "--out", "in.plink"], runs=9 if name == "A" else 3),
                     "bcftools": Task(["bcftools", "view", "-Ob", "-o", "in.bcf", path], runs=1)}
            if bench.quick:
                del peers["bcftools"]
            bench.compare(f"{name}: take in {form.upper()}", ours, peers, reach=REACH[name][form],
                          check=lambda: same_counts(bench, store, "in.plink"))
            if form == "vcf":
                two_cores(bench, name, path, store)
            memory(bench, f"{name}: peak memory of taking in {form.upper()}", ours, 600, peers["plink2"])
    remove_store("in.store")


def two_cores(bench, name, path, store):
    """How much faster two cores are than one, in wall time."""
    one, two = ingest_task(bench, store, [path]), ingest_task(bench, store, [path], cores=2)
    failures = interleave(min(5, bench.runs), {"one": one, "two": two})
    row = Row(f"{name}: two cores instead of one, wall", "x", reach=1.7, at_least=True)
    if failures:
        row.failed = str(next(iter(failures.values())))
    else:
        row.ours = Figures([a / b for a, b in zip(one.wall, two.wall)])
    bench.row(row)


def memory(bench, work, ours, reach, peer=None):
    """Peak resident memory of a task that was measured already."""
    row = Row(work, "MB", reach=reach)
    if ours.peak_mb:
        row.ours = Figures(ours.peak_mb)
        if peer and peer.peak_mb:
            row.peers.append(Peer(os.path.basename(peer.argv[0]), Figures(peer.peak_mb)))
    else:
        row.failed = "the command failed"
    bench.row(row)


def single(bench):
    """Files of one sample each, all in one command."""
    bench.section("Taking in files of one sample", "CPU s on one core, all files in one command. C: 200 VCF; Cg: 200 gVCF. DuckDB reads the lines as CSV and writes Parquet, nothing is understood of them.")
    sets = bench.sets
    few = min(3, bench.runs)
    files = sets.files("C")
    with open(cached("C.lines", lambda path: open(path, "w").write(str(count_lines(files))))) as file:
        lines = int(file.read())
    sets.notes.append(f"C: {len(files)} files of one sample, {lines:,} records")
    columns = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in ("chrom", "pos", "id", "ref", "alt", "qual", "filter", "info", "format", "call")) + "}"
    listed = "[" + ", ".join(f"'{path}'" for path in files) + "]"
    remove("c.parquet")
    duck = bench.node.task(":memory:", 1, [
        ("copy", f"copy (select * from read_csv({listed}, delim = '\\t', auto_detect = false, header = false, comment = '#', quote = '', escape = '', columns = {columns}, filename = true)) to 'c.parquet' (compression zstd)"),
        ("=copy", "select count(*) from 'c.parquet'")], limit=few)
    peers = {"DuckDB, CSV to Parquet": duck}
    if not bench.quick:
        peers["bcftools merge"] = Task(["bcftools", "merge", "-0", "-m", "none", "--threads", "0", "-Ob", "-o", "c.merged.bcf", *indexed(files)], runs=1)
    ours = ingest_task(bench, "c.store", files, runs=few)

    def check():
        # Files of one sample become one segment, whose records are the sites of all: what was read is on the receipt.
        read = sum(int(cells[2]) for cells in (line.split("\t") for line in ours.output.splitlines()) if cells[1:2] == ["records"])
        same = same_number("records", read, lines) + "; DuckDB: " + same_number("records", lines, duck.found("copy"))
        if bench.quick:
            return same
        run(bench.warehouse, "freq", "c.store", "--format", "tsv", "-o", "c.tsv")
        run("plink2", "--bcf", "c.merged.bcf", "--freq", "counts", "--out", "c.merged")
        with open("c.merged.acount") as table:
            next(table)
            theirs = sum(int(count) for line in table for alt, count in zip(*(cell.split(",") for cell in line.split()[3:5])) if alt != "*")
        return same + "; bcftools merge: " + same_number("copies of ALTs", sums(freq_rows("c.tsv"))[0], theirs)
    bench.compare("C: 200 files in one command", ours, peers, reach=4.0, check=check)
    memory(bench, "C: peak memory", ours, 600)
    remove("c.merged.bcf", "c.parquet", "c.tsv")
    gvcf(bench)


def count_lines(files):
    """Records of VCF files."""
    return int(run(*shell("for file in " + " ".join(files) + "; do bgzip -dc $file; done | grep -vc '^#'")))


def indexed(files):
    """The files, with an index beside each."""
    todo = [path for path in files if not os.path.exists(f"{path}.csi")]
    if todo:
        run(*shell("printf '%s\\n' " + " ".join(todo) + " | xargs -P 2 -n 1 bcftools index -f"))
    return files


def gvcf(bench):
    files = bench.sets.files("Cg")
    ours = ingest_task(bench, "cg.store", files, runs=1 if bench.quick else 3)
    peers = {}
    if not bench.quick:
        quarter = indexed(files[: len(files) // 4])
        peers["bcftools merge -g of a quarter of them"] = Task(["bcftools", "merge", "-g", f"{bench.sets.folder('Cg')}/reference.fa", "--threads", "0",
                                                                "-Ob", "-o", "cg.merged.bcf", *quarter], runs=1)

    def check():
        with open(cached("Cg.lines", lambda path: open(path, "w").write(str(count_lines(files))))) as file:
            lines = int(file.read())
        bench.sets.notes.append(f"Cg: {len(files)} gVCF files of one sample, {lines:,} records")
        info = facts(bench, "cg.store")
        return same_number("samples", info["samples"], len(files)) + f"; of {lines:,} lines {int(info['records']):,} are records with an ALT, the rest evidence"
    bench.compare("Cg: 200 gVCF files in one command", ours, peers, reach=20.0, check=check)
    memory(bench, "Cg: peak memory", ours, 600)
    remove("cg.merged.bcf")
    remove_store("cg.store")


def newcomer(bench, name):
    """A file of one sample that is nobody's relative: at each record of the set the call of one sample drawn at random."""
    def make(path):
        chance = random.Random(4)
        reader = subprocess.Popen(["bgzip", "-dc", bench.sets.vcf(name)], stdout=subprocess.PIPE)
        with open(f"{path}.txt", "wb") as out:
            for line in reader.stdout:
                if line.startswith(b"##"):
                    out.write(line)
                elif line.startswith(b"#"):
                    out.write(b"\t".join(line.split(b"\t")[:9]) + b"\tNEWCOMER\n")
                else:
                    call = 4 * chance.randrange(SHAPE[name][1])
                    *site, calls = line.rstrip(b"\n").split(b"\t", 9)
                    if calls[call:call + 3] not in (b"0|0", b".|."):
                        out.write(b"\t".join(site) + b"\t" + calls[call:call + 3] + b"\n")
        reader.wait()
        run(*shell(f"bgzip -c {path}.txt > {path}"))
        remove(f"{path}.txt")
    return cached(f"{name}.newcomer.vcf.gz", make)


def grow(bench):
    """One more sample into a store of many, and an answer that counts it."""
    bench.section("One more sample", "`ingest` of one file of one sample and then `seen` of one of its variants: CPU s of both processes together, each with its start, from the file to an answer that counts the new sample.")
    one = newcomer(bench, "A")
    words = run(*shell(f"bcftools query -f '%CHROM-%POS-%REF-%ALT\\n' {one} | grep -v , | sed -n 100p")).strip()
    medians = []
    for name, samples in (("A", 2504), ("A10", 25_000)):
        store = base_store(bench, name, samples)
        grown = f"{name}.grown"

        def restore():
            remove_store(grown)
            shutil.copytree(store, grown)
            shutil.copytree(f"{store}.keys", f"{grown}.keys")
        command = f"'{bench.warehouse}' ingest {grown} {one} --assume-reference >/dev/null && '{bench.warehouse}' seen {grown} {words} --format tsv"
        ours = Task(shell(command), before=restore)

        def check():
            info = facts(bench, grown)
            return same_number("samples", info["samples"], samples + 1)
        reach = 0.1 if not medians else 1.1 * medians[0]
        bench.compare(f"one more sample into {samples:,} (100,000 sites)", ours, {}, reach=reach, check=check,
                      quoted=[("GenomicsDB, TileDB-VCF", "linear in the new sample by design")] if not medians else ())
        medians.append(ours.figures().median if ours.cpu else 0)
        remove_store(grown)


def base_store(bench, name, samples):
    """A store of as many samples at the sites of A."""
    if name == "A":
        return bench.sets.store("A")
    if not os.path.exists(f"{name}/done"):
        remove(name)
        run(bench.warehouse, "simulate", name, "--preset", "A", "--samples", str(samples))
        open(f"{name}/done", "w").close()
    store = f"{name}.bench.store"
    bench.sets.init(store)
    run(bench.warehouse, "ingest", store, f"{name}/cohort.vcf.gz")
    return store


def disk(bench):
    """Bytes of genotypes with their index, as taken in and compacted."""
    bench.section("Bytes on disk", "Ours: all bytes of the segments but the column of sites, so genotypes with phase and their index, encrypted; beside them the whole store, with sites, "
                  "catalog, sketches and manifests. pgen: the .pgen alone; beside the whole store with .pvar and .psam. "
                  "XSI is in no registry: of A and B it is what its public source (55ad8c7, `--zstd --wah-encode-missing`, its smallest form), built by hand, made of these very sets; of R quoted.")
    xsi = {"A": "7.4 MB", "B": "16.4 MB", "R": "0.24 MB"}
    small = {"A": 3.6, "B": 9.5, "R": 0.22}
    for name in ("A", "B", "R"):
        path = real_set() if name == "R" else bench.sets.vcf(name)
        if not path:
            bench.sets.notes.append("R: the chr22 file of 1000 Genomes was not there, its rows are left out")
            continue
        if name == "R":
            bench.sets.notes.append("R: the first records of chr22 of 1000 Genomes phase 3, 2,504 samples, under WAREHOUSE_TEST_DATA")
        stored(bench, name, path, xsi[name], small[name])


def stored(bench, name, path, xsi, small):
    """Three rows of one set: genotypes as taken in, genotypes compacted, and the whole store."""
    store = "disk.store"
    loaded, packed, whole = (Row(f"{name}: {what}", "MB") for what in ("genotypes as taken in", "genotypes after `compact`, with phase", "the whole store, compacted"))
    packed.reach = small
    try:
        bench.sets.init(store)
        run(bench.warehouse, "ingest", store, path)
        run("plink2", "--vcf", path, "--make-pgen", "--out", "disk.plink")
        loaded.reach = size_mb("disk.plink.pgen")
        loaded.ours = Figures([genotypes_mb(bench, store)])
        loaded.same = same_counts(bench, store, "disk.plink")
        run(bench.warehouse, "compact", store)
        packed.ours, whole.ours = Figures([genotypes_mb(bench, store)]), Figures([size_mb(store)])
        packed.same = same_counts(bench, store, "disk.plink")
        for row in (loaded, packed):
            row.peers.append(Peer("pgen", Figures([size_mb("disk.plink.pgen")])))
        packed.peers.append(Peer("XSI", quoted=xsi))
        whole.peers.append(Peer("pgen, pvar, psam", Figures([size_mb(*(f"disk.plink.{suffix}" for suffix in ("pgen", "pvar", "psam")))])))
    except Failed as failure:
        for row in (loaded, packed, whole):
            row.failed = row.failed or ("" if row.same else str(failure))
    for row in (loaded, packed, whole):
        bench.row(row)
    remove_store(store)


def genotypes_mb(bench, store):
    """Bytes of the segments without the column of sites."""
    known = facts(bench, store)
    return (int(known["bytes on disk"]) - int(known["bytes of column sites"])) / 1e6


def same_counts(bench, store, pgen):
    """AC and AN of every base allele against plink2's of the same file."""
    run(bench.warehouse, "freq", store, "--format", "tsv", "-o", "same.tsv")
    run("plink2", "--pfile", pgen, "--freq", "counts", "cols=+pos", "--out", "same")
    theirs = {key: value for key, value in acount_rows("same.acount").items() if set(key[3]) <= set("ACGTN")}
    return same_rows(freq_rows("same.tsv"), theirs)

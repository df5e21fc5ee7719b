"""Sections of counts: cohort frequencies in process, a region, and freq as a whole process."""

import re
import sys

from bench import HERE, acount_rows, bcf_rows, freq_rows, same_rows, sums
from loading import memory
from measure import Failed, Task, run, shell
from sets import GROUPS, REGION

# Of pgenlib, plink2's engine in process, which is in no registry: a tenth, all.
PGENLIB = {"A": {"tenth": "17-23 ms", "all": "9-13 ms"}, "B": {"tenth": "36-46 ms", "all": "8-9 ms"}}
REACH = {"A": {"tenth": 1.2, "all": 1.2, "groups": 6.0, "region": 0.15}, "B": {"tenth": 4.0, "all": 4.0, "groups": 7.0}}
WORDS = {"tenth": "AC, AN, het, hom over a random 10 % of the samples", "all": "the same over all samples, from genotypes",
         "groups": "the same by ten groups in one pass", "region": "100 kb with that cohort"}


def freq_task(bench, store, out, *more):
    return Task([bench.warehouse, "freq", store, *more, "--format", "tsv", "-o", out])


def plink_task(bench, name, out, *more):
    return Task(["plink2", "--pfile", bench.sets.pgen(name), *more, "--freq", "counts", "--threads", "1", "--out", out])


def expected(bench, name):
    """AC and AN by plink2, of each variant with its position: of a tenth, of all, and of each group. Not measured."""
    jobs = [("tenth", ["--keep", bench.sets.tenth(name)], None), ("all", [], None)]
    jobs += [("groups", ["--keep", path], group) for group, path in zip(GROUPS, bench.sets.groups(name))]
    counts = {}
    for label, keep, group in jobs:
        run("plink2", "--pfile", bench.sets.pgen(name), *keep, "--freq", "counts", "cols=+pos", "--out", "expected")
        counts.setdefault(label, {}).update(acount_rows("expected.acount", group))
    contig, first, last = REGION
    counts["region"] = {key: value for key, value in counts["tenth"].items() if key[0] == contig and first <= key[1] <= last}
    return counts


def counts(bench):
    """Cohort counts warm and in process, beside what peers offer for the same."""
    bench.section("Cohort counts, warm, in process",
                  "Ours and DuckDB take their own time in process, CPU ms of one thread. plink2, bcftools (`view -S`, BCF in) and zarr are whole processes: they "
                  "offer no other way here. pgenlib is plink2's engine in process; it is in no registry, so its figures are quoted from the design's measurements.")
    for name in ("A", "B"):
        counted(bench, name)


def counted(bench, name):
    sets, whole = bench.sets, {}
    known, kinds = expected(bench, name), list(REACH[name])
    few = min(3, bench.runs)
    ours = Task(warm(bench, name), inside=True, runs=few)  # each process asks each question at least 21 times
    inside = bench.node.task(sets.duckdb(name, bench.node), bench.runs, statements(bench, name, kinds), limit=few)
    contig, first, last = REGION
    for kind, keep in {"tenth": ["--keep", sets.tenth(name)], "all": [], "region": ["--keep", sets.tenth(name), "--chr", contig, "--from-bp", first, "--to-bp", last]}.items():
        if kind in kinds:
            whole[f"plink2/{kind}"] = plink_task(bench, name, f"counts.{kind}", *keep)
    loop = " && ".join(f"plink2 --pfile {sets.pgen(name)} --keep {path} --freq counts --threads 1 --out counts.group" for path in sets.groups(name))
    whole["plink2/groups"] = Task(shell(loop))
    slow = 3 if name == "A" else 1
    for kind, more in {"tenth": ["-S", sets.tenth(name)], "region": ["-S", sets.tenth(name), "-r", f"{contig}:{first}-{last}"]}.items():
        if kind in kinds:
            whole[f"bcftools/{kind}"] = Task(["bcftools", "view", *more, "-Ou", "-o", f"counts.{kind}.bcf", sets.bcf(name)], runs=slow)
    for kind, chosen in {"tenth": sets.numbers(name), "all": "all"}.items():
        whole[f"zarr/{kind}"] = Task([sys.executable, f"{HERE}/zarr_counts.py", sets.zarr(name, bench.node), chosen], runs=slow)
    failures = bench.measure({"ours": ours, "DuckDB": inside, **whole})
    for kind in kinds:
        peers = {"DuckDB": lambda kind=kind: inside.measured(kind)}
        for label, task in whole.items():
            if label.endswith(f"/{kind}"):
                peers[label] = lambda task=task: task.figures().scaled(1e3)
        bench.compare_inside(f"{name}: {WORDS[kind]}", failures, lambda kind=kind: ours.measured(OURS[kind]), peers,
                             check=lambda kind=kind: same_sums(kind, known, ours, inside, whole), reach=REACH[name][kind],
                             quoted=[("pgenlib", PGENLIB[name][kind])] if kind in PGENLIB[name] else [])
    bench.compare_inside(f"{name}: the same over all samples, stored totals allowed", failures, lambda: ours.measured("all"), {})


def warm(bench, name):
    """The command that measures our own counts in process, and what it calls each kind."""
    return [*bench.benchmarks, "warm", bench.sets.store(name), "--tenth", bench.sets.tenth(name), "--by", "ancestry"]


OURS = {"tenth": "tenth", "all": "all --no-precomputed", "groups": "by ancestry", "region": "tenth, 100 kb"}


def same_sums(kind, known, ours, inside, whole):
    """What the programs found, against plink2: AC and AN summed over all variants, of bcftools each of them."""
    wanted = " ".join(map(str, sums(known[kind])))
    said = re.search(rf"^{re.escape(OURS[kind])}: \d+ rows, AC (\d+), AN (\d+)", ours.errors, re.M)
    found = {"ours": " ".join(said.groups()) if said else "not told", "DuckDB": inside.found(kind)}
    if f"zarr/{kind}" in whole:
        found["zarr"] = whole[f"zarr/{kind}"].output.strip()
    if f"bcftools/{kind}" in whole:
        same_rows(bcf_rows(f"counts.{kind}.bcf"), known[kind])
        found["bcftools"] = wanted
    for program, sum_of in found.items():
        if sum_of != wanted:
            raise Failed(f"sums of AC and AN, {program}: {sum_of}; plink2: {wanted}")
    return f"sums of AC and AN over {len(known[kind]):,} variants of {', '.join(found)} with plink2's"


def variants_of_region(bench, database):
    """First and last variant of the region in DuckDB."""
    contig, first, last = REGION
    asked = f"select min(variant) || ' ' || max(variant) from site where contig = '{contig}' and pos between {first} and {last}"
    return bench.node.statements(database, 1, [("=range", asked)]).found("range").split()


def statements(bench, name, kinds):
    """DuckDB's statements: what is measured and, with "=", what it found. gt has a row for each carrier and each missing call."""
    sets = bench.sets
    database, numbers, sheet = sets.duckdb(name, bench.node), sets.numbers(name), sets.sheet(name)
    low, high = variants_of_region(bench, database) if "region" in kinds else (0, 0)
    made = "count(*) filter (code = 1) as het, count(*) filter (code = 2) as hom, count(*) filter (code = 3) as missing"
    chosen, within = "sample in (select sample from cohort)", f"variant between {low} and {high}"
    queries = {
        "tenth": (f"select variant, {made} from gt where {chosen} group by variant", "(select count(*) from cohort) * (select count(*) from site)"),
        "all": (f"select variant, {made} from gt group by variant", "(select count(*) from member) * (select count(*) from site)"),
        "groups": (f"select variant, part, {made} from gt join member using (sample) group by variant, part", "(select count(*) from member) * (select count(*) from site)"),
        "region": (f"select variant, {made} from gt where {within} and {chosen} group by variant", f"(select count(*) from cohort) * (select count(*) from site where {within})"),
    }
    lines = [("-", f"create temp table cohort as select sample from read_csv('{numbers}', header = false, columns = {{'sample': 'INTEGER'}})"),
             ("-", f"create temp table member as select (row_number() over ()) - 1 as sample, ancestry as part from read_csv('{sheet}', header = true)")]
    for kind in kinds:
        query, calls = queries[kind]
        lines += [(f"={kind}", f"select sum(het + 2 * hom) || ' ' || (2 * {calls} - 2 * sum(missing)) from ({query})"), (kind, query)]
    return lines


def freq(bench):
    """freq as a whole process on a committed store."""
    bench.section("`freq` as a whole process", "CPU s on one core; TSV of all variants to a file. plink2 writes fewer columns (`--freq counts`).")
    for name in ("A", "B"):
        sets, known = bench.sets, expected(bench, name)
        store, keep = sets.store(name), ["--samples-file", sets.tenth(name)]
        for kind, mine, theirs, words in (
            ("tenth", keep, ["--keep", sets.tenth(name)], "a random 10 % of the samples"),
            ("all", ["--no-precomputed"], [], "all samples, `--no-precomputed`"),
            ("all", [], [], "all samples, stored totals allowed"),
        ):
            out = f"freq.{name}.tsv"
            ours, plink = freq_task(bench, store, out, *mine), plink_task(bench, name, "counts.freq", *theirs)
            # The target is to be no slower than plink2, so it is known only now.
            bench.compare(f"{name}: `freq`, {words}", ours, {"plink2": plink},
                          check=lambda kind=kind: same_rows(freq_rows(out), known[kind]), reach=lambda peers: peers[0].figures.median if name == "A" and kind == "tenth" else None)
            if kind == "tenth":
                memory(bench, f"{name}: peak memory of that, with all pages it touches", ours, 300, plink)
        by = freq_task(bench, store, f"freq.{name}.tsv", "--by", "ancestry")
        loop = " && ".join(f"plink2 --pfile {sets.pgen(name)} --keep {path} --freq counts --threads 1 --out counts.group" for path in sets.groups(name))
        bench.compare(f"{name}: `freq --by` ten groups", by, {"plink2, ten runs": Task(shell(loop))},
                      check=lambda: same_rows(freq_rows(f"freq.{name}.tsv", by=True), known["groups"]))
        if name == "A" and not bench.quick:
            vcftools = Task(["vcftools", "--gzvcf", sets.vcf(name), "--counts", "--keep", sets.tenth(name), "--out", "counts.vcftools"], runs=1)
            bench.compare("A: `freq`, a random 10 %, beside the tool that reads the VCF", freq_task(bench, store, "freq.A.tsv", *keep), {"vcftools": vcftools})

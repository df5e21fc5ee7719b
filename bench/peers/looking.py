"""Sections of look-ups among 5 million sites, annotation, one sample out, and the first answer of a new process."""

import csv
import os
import re
import sqlite3
import sys

from bench import HERE
from loading import same_number
from measure import Failed, Figures, Task, interleave, run, shell
from report import Peer, Row
from sets import cached, remove

FIELDS = ("ac", "an", "n_hom_alt", "carriers")
SEEN = {50_000: 0.15, 500_000: 0.4}


def queries(bench, count, name="D"):
    """A VCF of alleles, half of them in the set, with an index beside it (bcftools annotate asks for one)."""
    asked = cached(f"{name}.{count}.vcf.gz", lambda path: run(sys.executable, f"{HERE}/queries.py", bench.sets.folder(name), str(count), path))
    cached(f"{asked}.csi", lambda path: run("bcftools", "index", "-o", path, asked))
    return asked


def answers(bench):
    """What freq says of all of D, as a TSV: the annotation that peers are given."""
    return cached("D.tsv", lambda path: run(bench.warehouse, "freq", bench.sets.store("D"), "--format", "tsv", "-o", path))


def annotated(bench):
    """D's sites with four fields as VCF.gz with an index, and as BCF."""
    def make(path):
        names = run(*shell(f"head -1 {answers(bench)}")).split()
        at = [names.index(field) + 1 for field in FIELDS]
        info = "".join(f'"{";" if i else ""}{field.upper()}=" ${place} ' for i, (field, place) in enumerate(zip(FIELDS, at)))
        head = "##fileformat=VCFv4.2\\n" + "".join(f"##contig=<ID={name}>\\n" for name in contigs(bench)) + "".join(
            f'##INFO=<ID={field.upper()},Number=1,Type=Integer,Description="x">\\n' for field in FIELDS) + "#CHROM\\tPOS\\tID\\tREF\\tALT\\tQUAL\\tFILTER\\tINFO\\n"
        run(*shell(f"{{ printf '{head}'; tail -n +2 {answers(bench)} | awk -F '\\t' -v OFS='\\t' '{{ print $1, $2, \".\", $3, $4, \".\", \".\", {info} }}'; }} | bgzip -@ 2 > {path}"))
    cached("D.sites.vcf.gz", make)
    cached("D.sites.vcf.gz.tbi", lambda path: (run("tabix", "-f", "-p", "vcf", "D.sites.vcf.gz"), os.rename("D.sites.vcf.gz.tbi", path)))
    cached("D.sites.bcf", lambda path: run("bcftools", "view", "--threads", "2", "-Ob", "-o", path, "D.sites.vcf.gz"))
    cached("D.sites.bcf.csi", lambda path: run("bcftools", "index", "-o", path, "D.sites.bcf"))


def contigs(bench):
    return run(*shell(f"cut -f 1 {bench.sets.folder('D')}/reference.fa.fai")).split()


def duck_sites(bench):
    def make(path):
        bench.node.statements(path, 1, [("-", f"create table site as select contig::VARCHAR as contig, pos::INTEGER as pos, ref, alt, {', '.join(FIELDS)} "
                                              f"from read_csv('{answers(bench)}', delim = '\\t', header = true, types = {{'contig': 'VARCHAR'}}) order by contig, pos, ref, alt"), ("-", "checkpoint")])
    return cached("D.duckdb", make)


def sqlite_sites(bench):
    def make(path):
        database = sqlite3.connect(path)
        database.execute(f"create table site (contig, pos integer, ref, alt, {', '.join(f'{field} integer' for field in FIELDS)}, primary key (contig, pos, ref, alt)) without rowid")
        with open(answers(bench), newline="") as file:
            rows = csv.reader(file, delimiter="\t")
            names = next(rows)
            places = [names.index(name) for name in ("contig", "pos", "ref", "alt", *FIELDS)]
            database.executemany("insert into site values (?, ?, ?, ?, ?, ?, ?, ?)", ([row[place] for place in places] for row in rows))
        database.commit()
        database.close()
    return cached("D.sqlite", make)


def asked_table(vcf):
    """DuckDB's way to read a VCF of sites."""
    columns = "{'contig': 'VARCHAR', 'pos': 'INTEGER', 'id': 'VARCHAR', 'ref': 'VARCHAR', 'alt': 'VARCHAR', 'qual': 'VARCHAR', 'filter': 'VARCHAR', 'info': 'VARCHAR'}"
    return f"read_csv('{vcf}', delim = '\\t', auto_detect = false, header = false, comment = '#', quote = '', escape = '', columns = {columns})"


def look(bench):
    """Exact look-ups in process, and a whole VCF annotated."""
    bench.section("Look-ups among 5 M sites", "Set D. Look-ups: in process, warm, CPU us of one look-up with its counts. `seen --vcf`: whole processes, CPU s on one core, four fields or more; "
                  "DuckDB, in process, has the sites loaded, reads the VCF as CSV, joins, and keeps the result in memory.")
    points(bench)
    for count, reach in SEEN.items():
        seen(bench, count, reach)


def points(bench):
    asked = queries(bench, 50_000)
    few = min(3, bench.runs)  # each process asks everything at least as often as the row has runs
    ours = Task([*bench.benchmarks, "points", bench.sets.store("D"), asked], inside=True, runs=few)
    lite = Task([sys.executable, f"{HERE}/sqlite_points.py", sqlite_sites(bench), asked, str(bench.runs)], inside=True, runs=few)
    duck = bench.node.task(duck_sites(bench), bench.runs, limit=few, statements=[
        ("-", f"create temp table asked as select * from {asked_table(asked)}"),
        ("=points", f"select count(*) filter (ac > 0) || ' ' || sum(ac) from (select s.{', s.'.join(FIELDS)} from asked a join site s using (contig, pos, ref, alt))"),
        ("points", f"create or replace temp table answer as select s.{', s.'.join(FIELDS)} from asked a join site s using (contig, pos, ref, alt)")])
    peers = {"SQLite, by primary key": lite, "DuckDB, a join of 50,000": duck}
    failures = bench.measure({"ours": ours, **peers})

    def check():
        told = re.search(r"(\d+) seen, (\d+) copies", ours.errors)
        said = {lite.found("points"), duck.found("points"), " ".join(told.groups()) if told else "not told"}
        if len(said) != 1:
            raise Failed(f"hits and their copies differ: {' and '.join(sorted(map(str, said)))}")
        return f"hits and their copies: {said.pop()}"
    each = 1 / 50_000
    bench.compare_inside("D: exact look-up with its counts", failures, lambda: ours.measured("lookup_us").scaled(1e-3),
                         {name: lambda task=task: task.measured("points").scaled(each) for name, task in peers.items()},
                         check=check, unit="us", reach=0.3)


def hits(path, field):
    """Lines of a VCF on which a field is not 0, and its sum."""
    total = copies = 0
    with open(path) as lines:
        for line in lines:
            if not line.startswith("#"):
                for item in line.rstrip("\n").split("\t")[7].split(";"):
                    name, _, value = item.partition("=")
                    if name == field and value not in (".", "0"):
                        total += 1
                        copies += int(value)
    return total, copies


def seen(bench, count, reach):
    asked = queries(bench, count)
    annotated(bench)
    with open("vcfanno.toml", "w") as file:
        names = [field.upper() for field in FIELDS]
        file.write(f'[[annotation]]\nfile="D.sites.vcf.gz"\nfields={names}\nops={["self"] * 4}\nnames={names}\n'.replace("'", '"'))
    columns = ",".join(f"INFO/{field.upper()}" for field in FIELDS)
    few = min(3, bench.runs)
    ours = Task([bench.warehouse, "seen", bench.sets.store("D"), "--vcf", asked, "-o", "seen.vcf"], accept=(0, 1, 4))  # 4: some of the alleles lie where nobody was looked at
    duck = bench.node.task(duck_sites(bench), bench.runs, [
        ("seen", f"create or replace temp table answer as select a.*, s.{', s.'.join(FIELDS)} from {asked_table(asked)} a left join site s using (contig, pos, ref, alt)"),
        ("=seen", "select count(*) filter (ac > 0) || ' ' || sum(ac) from answer")], limit=few)
    peers = {
        "bcftools annotate": Task(["bcftools", "annotate", "-a", "D.sites.bcf", "-c", columns, "-Ov", "-o", "annotate.vcf", asked], runs=few),
        "vcfanno": Task(shell(f"vcfanno -p 1 vcfanno.toml {asked} > vcfanno.vcf"), runs=1),
        "DuckDB": duck,
    }
    if bench.quick:
        del peers["vcfanno"]
    work = f"D: `seen --vcf` of {count:,} variants"
    failures = bench.measure({"ours": ours, **peers})

    def check():
        mine = hits("seen.vcf", "WH_AC")
        others = {name: hits(path, "AC") for name, path in (("bcftools", "annotate.vcf"), ("vcfanno", "vcfanno.vcf")) if name != "vcfanno" or "vcfanno" in peers}
        others["DuckDB"] = tuple(map(int, duck.found("seen").split()))
        if any(other != mine for other in others.values()):
            raise Failed(f"hits and their copies: ours {mine}, {others}")
        return f"{mine[0]:,} hits with {mine[1]:,} copies, {', '.join(others)} too"
    bench.finish(Row(work, "s", reach=reach), failures, {
        "ours": lambda: (ours.figures(), Figures(ours.wall)),
        "DuckDB": lambda: (duck.measured("seen").scaled(1e-3), None),
        **{name: lambda task=task: (task.figures(), None) for name, task in peers.items() if name != "DuckDB"},
    }, check, ())


def export(bench):
    """One sample out of a joint set."""
    bench.section("One sample out", "CPU s on one core. First what the target speaks of: the carriers of one sample, in process and warm; bcftools is a whole process. "
                  "Then whole processes: ours writes BCF from the store, bcftools BCF from BCF.")
    for name, reach in (("A", 0.02), ("B", 0.03)):
        sample = bench.sets.samples(name)[1234]
        with open(f"{name}.one", "w") as file:
            file.write(sample + "\n")
        ours = Task([bench.warehouse, "export", bench.sets.store(name), "--format", "bcf", "--samples-file", f"{name}.one", "-o", "one.bcf"])
        theirs = Task(["bcftools", "view", "-s", sample, "-Ob", "-o", "one.peer.bcf", bench.sets.bcf(name)])

        def check():
            mine, other = (run(*shell(f"bcftools query -f '[%GT]\\n' {path} | sort | uniq -c | tr -s ' \\n' ' '")) for path in ("one.bcf", "one.peer.bcf"))
            if mine != other:
                raise Failed(f"genotypes differ: {mine} and {other}")
            return "how often each genotype occurs"
        bench.compare(f"{name}: one sample out, as BCF, whole process", ours, {"bcftools view -s": theirs}, check=check)
        inside = Task([*bench.benchmarks, "points", bench.sets.store(name), queries(bench, 1000, name)], inside=True, runs=min(3, bench.runs))
        failures = bench.measure({"ours": inside, "bcftools view -s": theirs})
        bench.compare_inside(f"{name}: one sample out, in process", failures, lambda: inside.measured("sample_ms"),
                             {"bcftools view -s": lambda theirs=theirs: theirs.figures().scaled(1e3)}, unit="s", reach=reach)


def forget(*folders):
    """Asks the kernel to drop a folder's pages."""
    os.sync()
    for folder in folders:
        for at, _, names in os.walk(folder):
            for name in names:
                file = os.open(os.path.join(at, name), os.O_RDONLY)
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(file)


def cold(bench):
    """The first answer of a new process."""
    bench.section("First answer", "Set D, `seen` of one variant: wall ms of the process less the median wall of `warehouse --version`, which is the start of the runtime and the program alone. Not held to one core.")
    store = bench.sets.store("D")
    words = run(*shell(f"bcftools query -f '%CHROM-%POS-%REF-%ALT\\n' {queries(bench, 50_000)} | sed -n 25000p")).strip()
    ask = [bench.warehouse, "seen", store, words, "--format", "tsv"]
    version = Task([bench.warehouse, "--version"], cores=2)
    tasks = {"version": version, "warm": Task(ask, cores=2, accept=(0, 1, 4)),
             "cold": Task(ask, cores=2, accept=(0, 1, 4), before=lambda: forget(store, f"{store}.keys"))}
    failures = interleave(bench.runs, tasks)
    for name, work in (("cold", "D: first answer, the store's pages dropped before"), ("warm", "D: first answer, page cache warm")):
        row = Row(work, "ms", reach=60.0 if name == "cold" else None)
        if failures:
            row.failed = str(next(iter(failures.values())))
        else:
            start = Figures(version.wall).median
            row.ours = Figures([max(0, wall - start) * 1e3 for wall in tasks[name].wall])
            row.peers = [Peer("`warehouse --version` itself", Figures(version.wall).scaled(1e3))]
        bench.row(row)
    row = Row("D: peak memory of `seen` of one variant", "MB", reach=300)
    row.ours = Figures(tasks["warm"].peak_mb) if tasks["warm"].peak_mb else None
    row.failed = "" if row.ours else "the command failed"
    bench.row(row)
    remove("last.out", "last.err")

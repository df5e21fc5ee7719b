"""What the sections share: the programs, the sets, and how a row is made of an interleaved run."""

import csv
import os
import zlib

from measure import Failed, Figures, Task, interleave, once, run
from report import FACTOR, Peer, Row

HERE = os.path.dirname(os.path.abspath(__file__))


class Node:
    """DuckDB in process, through duckdb.mjs."""

    def task(self, database, runs, statements, limit=0):
        """A task that runs statements (name, SQL) in one process and measures each `runs` times."""
        for _, sql in statements:
            if "\n" in sql:
                raise ValueError(sql)
        path = f"statements.{zlib.crc32(repr(statements).encode())}"
        with open(path, "w") as file:
            file.writelines(f"{name}\t{sql}\n" for name, sql in statements)
        return Task(["bash", "-c", f"exec node '{HERE}/duckdb.mjs' '{database}' {runs} < {path}"], inside=True, runs=limit)

    def statements(self, database, runs, statements):
        """Runs them, not measured, with both cores; returns the task for what was found."""
        task = self.task(database, runs, statements)
        task.cores = 2
        once(task)
        return task


class Bench:
    """State of one run of the bench."""

    def __init__(self, sets, warehouse, benchmarks, runs):
        self.sets, self.warehouse, self.benchmarks, self.runs = sets, warehouse, benchmarks, runs
        self.quick = runs < 9  # then peers that need more than ten seconds are left out
        self.node = Node()
        self.sections = []

    def section(self, title, about=""):
        self.sections.append((title, about, []))

    def row(self, row):
        self.sections[-1][2].append(row)
        print(f"{row.work}: {'FAILED ' + row.failed if row.failed else f'{row.ours.median:.4g} {row.unit}'}"
              + "".join(f"; {p.name} {p.figures.median:.4g}" for p in row.peers if p.figures) + f" {row.verdict}", flush=True)

    def measure(self, tasks):
        """Interleaved runs; returns the failures by name. Ours is the task "ours"."""
        return interleave(self.runs, tasks)

    def compare(self, work, ours, peers, check=None, unit="s", reach=None, quoted=()):
        """Whole processes: measures, checks and writes the row. `check` returns what was equal, or raises Failed."""
        failures = self.measure({"ours": ours, **peers})
        self.finish(Row(work, unit, reach=reach), failures, {
            "ours": lambda: (ours.figures().scaled(FACTOR[unit]), Figures(ours.wall).scaled(FACTOR[unit])),
            **{name: lambda task=task: (task.figures().scaled(FACTOR[unit]), None) for name, task in peers.items()},
        }, check, quoted)

    def compare_inside(self, work, failures, ours, peers, check=None, unit="ms", reach=None, quoted=()):
        """Figures that programs took themselves: `ours` and each peer give Figures in ms."""
        factor = FACTOR[unit] / 1e3
        self.finish(Row(work, unit, reach=reach), failures, {
            name: lambda take=take: (take().scaled(factor), None) for name, take in {"ours": ours, **peers}.items()
        }, check, quoted)

    def finish(self, row, failures, takes, check, quoted):
        """Fills a row: a peer that failed is named as failed, the row fails when ours did or when both sides differ."""
        try:
            if "ours" in failures:
                raise failures["ours"]
            row.ours, row.wall = takes.pop("ours")()
            for name, take in takes.items():
                base = name.split("/")[0]
                try:
                    if name in failures or base in failures:
                        raise failures.get(name) or failures[base]
                    row.peers.append(Peer(base, take()[0]))
                except Failed as failure:
                    row.peers.append(Peer(f"{base} failed: {failure}"))
            if callable(row.reach):
                row.reach = row.reach(row.peers)
            row.same = check() if check else ""
        except Failed as failure:
            row.failed = str(failure).replace("|", "/")
            row.reach = None if callable(row.reach) else row.reach
        row.peers += [Peer(name, quoted=text) for name, text in quoted]
        self.row(row)


def trimmed(contig, pos, ref, alt):
    """A variant as a key, without what REF and ALT share at their ends."""
    while len(ref) > 1 and len(alt) > 1 and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        ref, alt, pos = ref[1:], alt[1:], pos + 1
    return contig, pos, ref, alt


def freq_rows(path, by=False):
    """AC and AN of each variant of a TSV of freq; with `by`, of each group and variant."""
    rows = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            key = (row["contig"], int(row["pos"]), row["ref"], row["alt"])
            if by:
                key = (row.get("group") or row["ancestry"], *key)
            rows[key] = int(row["ac"]), int(row["an"])
    return rows


def acount_rows(path, group=None):
    """The same of plink2's .acount with positions."""
    rows = {}
    with open(path) as file:
        names = next(file).lstrip("#").split()
        for line in file:
            row = dict(zip(names, line.split()))
            for alt, count in zip(row["ALT"].split(","), row["ALT_CTS"].split(",")):
                if alt != "*":
                    key = trimmed(row["CHROM"], int(row["POS"]), row["REF"], alt)
                    rows[(group, *key) if group else key] = int(count), int(row["OBS_CT"])
    return rows


def bcf_rows(path):
    """The same of a BCF with AC and AN."""
    rows = {}
    for line in run("bcftools", "query", "-f", "%CHROM\t%POS\t%REF\t%ALT\t%AC\t%AN\n", path).splitlines():
        contig, pos, ref, alts, counts, number = line.split("\t")
        for alt, count in zip(alts.split(","), counts.split(",")):
            if alt != "*":
                rows[trimmed(contig, int(pos), ref, alt)] = int(count), int(number)
    return rows


def same_rows(ours, theirs, what="AC and AN"):
    if ours != theirs:
        differ = sum(1 for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key))
        raise Failed(f"{what} differ in {differ:,} of {len(theirs):,} rows")
    return f"{what} of {len(ours):,} rows"


def sums(rows):
    return sum(ac for ac, _ in rows.values()), sum(an for _, an in rows.values())

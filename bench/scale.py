"""Measures how costs grow and fits their exponents. See scale.sh."""

import gzip
import json
import math
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
from machine import ROOT, head_lines, results_folder  # noqa: E402
from measure import Failed, Task, interleave, once, run, shell  # noqa: E402
from report import number  # noqa: E402
from sets import cached, remove_store, size_mb  # noqa: E402

STEPS = (1, 2, 4, 8, 16)
RUNS = 3
WAREHOUSE = f"{ROOT}/artifacts/warehouse/warehouse"
BENCHMARKS = ["dotnet", f"{ROOT}/artifacts/bin/Warehouse.Benchmarks/release/Warehouse.Benchmarks.dll"]


def exponent(xs, ys):
    """Slope of a straight line through the logarithms, by least squares."""
    points = [(math.log(x), math.log(max(y, 1e-9))) for x, y in zip(xs, ys)]
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points))
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


class Page:
    """Rows of the page: what was varied, what it cost, and what it may cost."""

    def __init__(self):
        self.rows = []

    def add(self, what, unit, xs, ys, most, why):
        slope = exponent(xs, ys)
        cells = ", ".join(f"{number(x)}: {number(y)}" for x, y in zip(xs, ys))
        verdict = "held" if slope <= most else "**not held**"
        self.rows.append(f"| {what} | {cells} {unit} | {slope:+.2f} | {most:+.2f} | {verdict} | {why} |")
        print(f"{what}: {cells} {unit}; exponent {slope:+.2f}, at most {most:+.2f}: {verdict}", flush=True)


def simulated(name, samples, variants, seed=1):
    """A joint file; the same arguments give the same file."""
    def make(path):
        run(WAREHOUSE, "simulate", path, "--samples", str(samples), "--variants", str(variants), "--seed", str(seed), "--sfs", "1.25", "--no-sex-chromosomes")
    return cached(f"{name}.{samples}x{variants}.{seed}", make)


def filled(store, *files):
    """A new store with these files, in one commit; returns the CPU seconds of taking them in, least of the runs."""
    best = None
    for _ in range(RUNS if len(files) == 1 else 1):
        remove_store(store)
        run(WAREHOUSE, "init", store, "--assembly", "GRCh37")
        task = Task([WAREHOUSE, "ingest", store, *files])
        once(task)
        best = min(best or task.cpu[0], task.cpu[0])
    return best


def start_cost():
    """CPU seconds of a process that does nothing."""
    task = Task([WAREHOUSE, "--version"])
    interleave(5, {"version": task})
    return task.figures().median


def warm(store, folder, names=("tenth",)):
    """Milliseconds of frequency questions in process."""
    tenth = f"{folder}.tenth"
    with open(f"{folder}/samples.tsv") as sheet, open(tenth, "w") as out:
        out.writelines(line.split("\t")[0] + "\n" for at, line in enumerate(sheet) if at and at % 10 == 0)
    found = []
    for name in names:
        task = Task([*BENCHMARKS, "warm", store, "--tenth", tenth, "--only", name], inside=True)
        once(task)
        found.append(task.measured(name).median)
    return found


def facts(store):
    """What info says, by fact."""
    return {row["fact"]: row["value"] for row in json.loads(run(WAREHOUSE, "info", store, "--format", "json"))}


def samples_and_variants(page, start):
    """Cost of counts and of taking in, against samples and against variants."""
    base_samples, base_variants = 1000, 4000
    for axis, shapes in (("samples", [(base_samples * k, base_variants) for k in STEPS]), ("variants", [(base_samples, base_variants * k) for k in STEPS])):
        count, take, size = [], [], []
        for samples, variants in shapes:
            folder, store = simulated("joint", samples, variants), "scale.store"
            take.append((filled(store, f"{folder}/cohort.vcf.gz") - start) / (samples * variants) * 1e9)
            known = facts(store)
            # A store of several panels has rows of each.
            count.append(warm(store, folder)[0] * 1e6 / variants)
            size.append((int(known["bytes on disk"]) - int(known["bytes of column sites"])) / (samples * variants))
        xs = [shape[0 if axis == "samples" else 1] for shape in shapes]
        by_samples = axis == "samples"
        page.add(f"a tenth of the samples counted, per variant, against {axis}", "ns", xs, count, 1.1 if by_samples else 0.15,
                 "linear in carriers or planes at most" if by_samples else "flat")
        page.add(f"taking in, per genotype, against {axis}", "ns", xs, take, 0.1, "flat")
        page.add(f"bytes of genotypes on disk, of each, against {axis}", "bytes", xs, size, 0.1, "flat")


def renamed(folder, index):
    """The file of a folder with other names of samples."""
    def make(path):
        run(*shell(f"bgzip -dc {folder}/cohort.vcf.gz | sed '/^#CHROM/s/\\tS/\\tF{index}S/g' | bgzip -c > {path}"))
    return cached(f"{folder}.renamed.{index}.vcf.gz", make)


def store_size(page, start):
    """One more file into stores that hold 1 to 16 times as much: thousands of samples, so that the pages of the catalog (1,024 entries) are full."""
    files = [renamed(simulated("part", 1000, 400, seed), seed) for seed in range(1, 17)]
    one_more = renamed(simulated("part", 100, 4000, 17), 17)
    xs, cost, written = [], [], []
    for step in STEPS:
        spent = []
        for _ in range(RUNS):
            filled("grow.store", *files[:step])
            before = size_mb("grow.store")
            task = Task([WAREHOUSE, "ingest", "grow.store", one_more])
            once(task)
            spent.append(task.cpu[0] - start)
            grown = size_mb("grow.store") - before
        xs.append(step * 1000)
        cost.append(sorted(spent)[len(spent) // 2] * 1e3)
        written.append(grown * 1e3)
    page.add("one file of 100 samples x 4,000 sites into a store of so many samples", "ms", xs, cost, 0.15, "flat in store size")
    page.add("bytes that this adds", "KB", xs, written, 0.15, "flat in store size")


def split(folder, parts, samples):
    """The same samples in so many files."""
    width = samples // parts

    def make(path):
        os.mkdir(path)
        outs = [open(f"{path}/{part}.vcf", "wb") for part in range(parts)]
        with gzip.open(f"{folder}/cohort.vcf.gz", "rb") as lines:
            for line in lines:
                cells = line.rstrip(b"\n").split(b"\t")
                for part, out in enumerate(outs):
                    first = 9 + part * width
                    out.write(line if line.startswith(b"##") else b"\t".join(cells[:9] + cells[first:first + width]) + b"\n")
        for part, out in enumerate(outs):
            out.close()
            run("bgzip", f"{path}/{part}.vcf")
    made = cached(f"{folder}.split.{parts}", make)
    return [f"{made}/{part}.vcf.gz" for part in range(parts)]


def segments(page, start):
    """The same samples and sites in 1 to 16 segments: counts, the first answer, and the manifest."""
    folder, xs, count, whole = simulated("joint", 1600, 4000), [], [], []
    for parts in STEPS:
        filled("parts.store", *split(folder, parts, 1600))
        xs.append(parts)
        count.append(warm("parts.store", folder)[0])
        task = Task([WAREHOUSE, "freq", "parts.store", "--format", "tsv", "-o", "scale.tsv"])
        interleave(RUNS, {"freq": task})
        whole.append((task.figures().median - start) * 1e3)
    page.add("the same counts, warm, from so many segments", "ms", xs, count, 1.0, "linear at most: each is looked at")
    page.add("`freq` of them as a process, less its start", "ms", xs, whole, 1.0, "linear at most")


def opening(page, start, label, xs, make):
    """First answer of a process and bytes of the newest manifest."""
    spent, newest, written = [], [], []
    with open("one.name", "w") as file:
        file.write("S000001\n")
    for x in xs:
        store = make(x)
        ask = Task([WAREHOUSE, "cohorts", store])
        interleave(5, {"ask": ask})
        spent.append(max(0.1, (ask.figures().median - start) * 1e3))
        manifests = sorted(os.listdir(f"{store}/m"))
        newest.append(os.path.getsize(f"{store}/m/{manifests[-1]}") / 1e3)
        before = size_mb(store)
        run(WAREHOUSE, "cohort", "set", store, "small", "--samples-file", "one.name")
        written.append((size_mb(store) - before) * 1e3)
    page.add(f"open and one answer from the catalog, less the start, against {label}", "ms", xs, spent, 0.9, "sub-linear")
    page.add(f"newest manifest, against {label}", "KB", xs, newest, 0.9 if label == "commits" else 1.05, "sub-linear" if label == "commits" else "linear: one entry each")
    page.add(f"bytes that a commit of one small cohort adds, against {label}", "KB", xs, written, 0.9, "sub-linear")


def commits_and_segments(page, start):
    pairs = split(simulated("joint", 256, 500), 128, 256)  # files of one sample would be merged

    def by_segments(count):
        store = f"seg{count}.store"
        filled(store, *pairs[:count])
        if int(facts(store)["segments"]) != count:
            raise Failed(f"{count} files of two samples became {facts(store)['segments']} segments")
        return store
    opening(page, start, "segments", [8 * k for k in STEPS], by_segments)
    state = {"commits": 0}
    filled("commits.store", pairs[0])

    def by_commits(count):
        while state["commits"] < count:
            run(WAREHOUSE, "cohort", "set", "commits.store", "c", "--samples-file", "one.name")
            state["commits"] += 1
        return "commits.store"
    opening(page, start, "commits", [8 * k for k in STEPS], by_commits)


def look_ups(page, start):
    """Exact look-ups against stored sites."""
    xs, each, first = [], [], []
    for step in STEPS:
        folder = simulated("sites", 16, 80_000 * step)
        asked = cached(f"{folder}.asked.vcf.gz", lambda path: run(sys.executable, f"{ROOT}/bench/peers/queries.py", folder, "50000", path))
        filled("sites.store", f"{folder}/cohort.vcf.gz")
        task = Task([*BENCHMARKS, "points", "sites.store", asked], inside=True)
        once(task)
        xs.append(80_000 * step)
        each.append(task.measured("lookup_us").median)
        first.append(task.measured("first_answer_ms").median)
    page.add("exact look-up, warm, against stored sites", "us", xs, each, 0.3, "logarithmic or better")
    page.add("open, session and one look-up in a warm process, against stored sites", "ms", xs, first, 0.9, "sub-linear")


def main():
    begun = time.time()
    os.makedirs(f"{ROOT}/artifacts/bench/scale", exist_ok=True)
    os.chdir(f"{ROOT}/artifacts/bench/scale")
    page, start = Page(), start_cost()
    chosen = sys.argv[1:]
    kinds = (samples_and_variants, store_size, segments, commits_and_segments, look_ups)
    for kind in kinds:
        if chosen and kind.__name__ not in chosen:
            continue
        try:
            kind(page, start)
        except Failed as failure:
            page.rows.append(f"| {kind.__name__.replace('_', ' ')} | **failed**: {str(failure).replace('|', '/')} | | | failed | |")
            print(f"{kind.__name__}: FAILED {failure}", flush=True)
    text = "\n".join([
        "# How costs grow", "",
        *head_lines("bench/scale.sh", begun), "",
        f"Each line is the same work at 1, 2, 4, 8 and 16 times of one size; the exponent is the slope of log cost over log size, by least squares: 0 is flat, 1 is linear. "
        f"CPU time on one core, medians of {RUNS} or more. Whole processes less the {start * 1e3:.0f} ms that a process costs that does nothing. Sets are small, so that the whole takes minutes.", "",
        "| work | size: cost | exponent | at most | | promise |", "|---|---|---|---|---|---|", *page.rows, ""])
    if chosen:
        print(text)
        return
    with open(f"{results_folder()}/scale.md", "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()

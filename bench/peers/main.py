"""Runs the sections, and writes the page and the README's table. See run.sh."""

import os
import sys
import time

import report
from bench import Bench
from counting import counts, freq
from loading import disk, grow, ingest, single
from looking import cold, export, look
from machine import ROOT, head_lines, results_folder, versions
from sets import SHAPE, Sets

SECTIONS = {section.__name__: section for section in (counts, freq, look, ingest, single, grow, export, disk, cold)}


def head(bench, quick, started, described):
    return [
        *head_lines(f"bench/peers/run.sh{' --quick' if quick else ''}", started),
        f"Versions: {versions()}.",
        "",
        f"Runs are interleaved (ours, theirs, ours, theirs …), up to {bench.runs} of each; slow peers run less often: the number stands behind the spread (least-most, runs). "
        "Figures are medians. Unless said otherwise they are CPU seconds, user and system, of the whole process tree, held to one core, with a warm page cache. "
        "*theirs / ours* above 1: we are ahead. *quoted*: not run here; a figure of the design's page of measurements on a machine of this kind.",
        "GenomicsDB and TileDB-VCF are in no registry and were not run.",
        "",
        "Sets, simulated by `warehouse simulate --preset`:",
        *(f"- {line}" for line in described),
    ]


def main():
    started = time.time()
    quick = "--quick" in sys.argv[1:]
    chosen = [word for word in sys.argv[1:] if word != "--quick"]
    unknown = [word for word in chosen if word not in SECTIONS]
    if unknown:
        raise SystemExit(f"bench: no section {unknown[0]}; there are {' '.join(SECTIONS)}")
    work = f"{ROOT}/artifacts/bench"
    os.makedirs(work, exist_ok=True)
    os.chdir(work)
    warehouse = f"{ROOT}/artifacts/warehouse/warehouse"
    benchmarks = ["dotnet", f"{ROOT}/artifacts/bin/Warehouse.Benchmarks/release/Warehouse.Benchmarks.dll"]
    sets = Sets(warehouse)
    described = [sets.check(name) for name in SHAPE]
    print(*described, sep="\n", flush=True)
    bench = Bench(sets, warehouse, benchmarks, 3 if quick else 9)
    for name in chosen or SECTIONS:
        SECTIONS[name](bench)
        text = report.page(head(bench, quick, started, described + sets.notes), bench.sections)
        with open("peers.so-far.md", "w", encoding="utf-8") as file:  # for who must stop it
            file.write(text)
    if chosen:
        print(text)
        return
    with open(f"{results_folder()}/peers.md", "w", encoding="utf-8") as file:
        file.write(text)
    report.write_readme(f"{ROOT}/README.md", text)
    print(report.short_of(text))


if __name__ == "__main__":
    main()

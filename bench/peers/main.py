"""Runs the sections, and writes the page and the README's table. See run.sh."""

import os
import platform
import re
import subprocess
import sys
import time

import report
from bench import HERE, Bench
from counting import counts, freq
from loading import disk, grow, ingest, single
from looking import cold, export, look
from measure import run
from sets import SHAPE, Sets

ROOT = os.path.dirname(os.path.dirname(HERE))
SECTIONS = {section.__name__: section for section in (counts, freq, look, ingest, single, grow, export, disk, cold)}


def processor():
    """Of /proc/cpuinfo: what names the machine."""
    with open("/proc/cpuinfo") as lines:
        cells = dict(re.split(r"\s*: ?", line.rstrip("\n"), maxsplit=1) for line in lines if ":" in line)
    return cells["model name"], cells["cpu family"], cells["model"]


def results_folder():
    name, _, model = processor()
    folder = f"{ROOT}/bench/results/" + re.sub("[^a-z0-9-]", "", f"{name}-model-{model}".lower().replace(" ", "-"))
    os.makedirs(folder, exist_ok=True)
    return folder


def versions():
    """Programs and their versions, in one line."""
    asked = {
        ".NET": ["bash", "-c", "dotnet --list-runtimes | awk '/NETCore/ { v = $2 } END { print v }'"],
        "": ["bash", "-c", "plink2 --version | cut -d' ' -f1-3"],
        "bcftools": ["bash", "-c", "bcftools --version | awk 'NR == 1 { print $2 }'"],
        "vcftools": ["bash", "-c", "vcftools --version | tr -d '()' | awk '{ print $2 }'"],
        "vcfanno": ["bash", "-c", "dpkg-query -W -f '${Version}' vcfanno"],
        "DuckDB": ["node", "-p", f"JSON.parse(require('fs').readFileSync('{HERE}/package.json')).dependencies['@duckdb/node-api']"],
        "SQLite": ["bash", "-c", "sqlite3 --version | cut -d' ' -f1"],
        "zarr": [sys.executable, "-c", "import zarr; print(zarr.__version__)"],
    }
    return ", ".join(f"{name} {run(*argv).strip()}".strip() for name, argv in asked.items()) + f", Python {platform.python_version()}"


def head(bench, quick, started, described):
    name, family, model = processor()
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    return [
        f"Made by `bench/peers/run.sh{' --quick' if quick else ''}` at commit {commit or 'unknown'} in {(time.time() - started) / 60:.0f} minutes, without the time to simulate. "
        f"{os.cpu_count()} cores of {name} (family {family}, model {model}), {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB.",
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
    if chosen:
        print(text)
        return
    with open(f"{results_folder()}/peers.md", "w", encoding="utf-8") as file:
        file.write(text)
    report.write_readme(f"{ROOT}/README.md", text)
    print(report.short_of(text))


main()

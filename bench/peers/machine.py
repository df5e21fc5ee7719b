"""What names the machine, the programs and the commit of a page of results."""

import os
import platform
import re
import subprocess
import sys
import time

from bench import HERE
from measure import run

ROOT = os.path.dirname(os.path.dirname(HERE))


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


def head_lines(command, started):
    """The first lines of a page: how, when in the history, and where it was made."""
    name, family, model = processor()
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always"], capture_output=True, text=True).stdout.strip()
    # The pages themselves and the table of the README are written by the runs.
    changed = subprocess.run(["git", "-C", ROOT, "status", "--porcelain", "--", ".", ":!README.md", ":!bench/results"], capture_output=True, text=True).stdout
    commit += "-dirty" if changed else ""
    return [f"Made by `{command}` at commit {commit or 'unknown'} in {(time.time() - started) / 60:.0f} minutes. "
            f"{os.cpu_count()} cores of {name} (family {family}, model {model}), {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB."]

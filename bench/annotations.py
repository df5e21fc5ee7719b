"""Measures releases of annotations: CPU seconds (user + sys) on one core, medians of three, and the most memory."""
import os, pathlib, shutil, statistics, subprocess, sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / "artifacts" / "annotations"
WAREHOUSE = ROOT / "artifacts" / "warehouse" / "warehouse"
RECORDS = int(os.environ.get("RECORDS", 3_000_000))
RUNS = int(os.environ.get("RUNS", 3))


def measured(*line, accept=(0,), stdin=None):
    """CPU seconds and megabytes of one run on one core."""
    with open(WORK / "out.txt", "wb") as out, open(WORK / "err.txt", "wb") as err:
        child = subprocess.Popen(["taskset", "-c", "1", *map(str, line)], stdout=out, stderr=err, stdin=subprocess.PIPE if stdin else None, cwd=WORK)
        if stdin:
            child.stdin.write(stdin.encode())
            child.stdin.close()
        _, status, used = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) not in accept:
        sys.exit(f"{line}: {status}\n{(WORK / 'err.txt').read_text()}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def median(work, prepare=lambda: None):
    runs = []
    for _ in range(RUNS):
        prepare()
        runs.append(work())
    return statistics.median(r[0] for r in runs), max(r[1] for r in runs)


def make():
    """The release and the sites: alleles of set D, simulated once."""
    if (WORK / "release.vcf.gz").exists() and (WORK / "sites.vcf.gz").exists():
        return
    subprocess.run([WAREHOUSE, "simulate", WORK / "sim", "--preset", "D", "--samples", "1", "--clinvar", "2024"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(f"set -e; zcat sim/clinvar-2.vcf.gz | awk '/^#/ || n++ < {RECORDS}' | bgzip -@2 > release.tmp; mv release.tmp release.vcf.gz; zcat sim/cohort.vcf.gz | cut -f1-8 | bgzip -@2 > sites.tmp; mv sites.tmp sites.vcf.gz; rm -f sim/cohort.vcf.gz", shell=True, check=True, cwd=WORK, executable="/bin/bash")


def empty():
    for name in ("lab.wh", "lab.wh.keys", "lab.wh.audit"):
        shutil.rmtree(WORK / name, ignore_errors=True)
    subprocess.run([WAREHOUSE, "init", "lab.wh", "--assembly", "GRCh37", "--reference", "sim/reference.fa"], check=True, cwd=WORK)


FIELDS = ["CLNSIG", "CLNREVSTAT", "GENEINFO"]


def duckdb():
    """Load and join in DuckDB, each statement once after one that warms."""
    if not (ROOT / "bench" / "peers" / "node_modules").exists():
        return {}
    columns = "{" + ", ".join(f"'{c}': 'VARCHAR'" for c in ("chrom", "pos", "id", "ref", "alt", "qual", "filter", "info")) + "}"
    read = lambda file: f"read_csv('{file}', delim='\\t', header=false, comment='#', quote='', escape='', auto_detect=false, columns={columns})"
    pick = ", ".join(f"nullif(regexp_extract(info, '(?:^|;){f}=([^;]*)', 1), '') AS {f}" for f in FIELDS)
    every = ["CLNDISDB", "CLNDN", "CLNHGVS", "CLNREVSTAT", "CLNSIG", "CLNSIGCONF", "CLNVC", "CLNVCSO", "GENEINFO", "MC", "ORIGIN", "RS"]
    all_fields = ", ".join(f"nullif(regexp_extract(info, '(?:^|;){f}=([^;]*)', 1), '') AS {f}" for f in every)
    lines = [
        f"load the release, {len(every)} fields\tCREATE OR REPLACE TABLE c AS SELECT chrom, pos::INTEGER AS pos, ref, alt, id, {all_fields} FROM {read('release.vcf.gz')}",
        f"join 5 M sites, {len(FIELDS)} fields, to a file\tCOPY (SELECT s.*, {', '.join('c.' + f for f in FIELDS)} FROM (SELECT chrom, pos::INTEGER AS pos, id, ref, unnest(string_split(alt, ',')) AS alt, qual, filter, info FROM {read('sites.vcf.gz')}) s LEFT JOIN c USING (chrom, pos, ref, alt)) TO 'duckdb.tsv' (DELIMITER '\\t', HEADER false)",
        "=found\tSELECT count(*) FROM c",
    ]
    (WORK / "duck.db").unlink(missing_ok=True)
    run = subprocess.run(["taskset", "-c", "1", "node", ROOT / "bench/peers/duckdb.mjs", WORK / "duck.db", "1"], input="\n".join(lines) + "\n", capture_output=True, text=True, cwd=WORK)
    if run.returncode:
        return {"failed": run.stderr[-300:]}
    return {l.split("\t")[0]: l.split("\t")[1:] for l in run.stdout.splitlines()}


make()
load = median(lambda: measured(WAREHOUSE, "annotations", "load", "lab.wh", "clinvar", "release.vcf.gz", "--release", "2024-02-04"), empty)
print(f"load, {RECORDS:,} records: {load[0]:.2f} s CPU, {load[1]:.0f} MB", flush=True)
print((WORK / "out.txt").read_text())
join = median(lambda: measured(WAREHOUSE, "seen", "lab.wh", "--vcf", "sites.vcf.gz", "--annotate", ",".join("clinvar." + f for f in FIELDS), "-o", "out.vcf", accept=(0, 1, 4)))
print(f"seen --vcf --annotate, 5 M sites, 3 fields: {join[0]:.2f} s CPU, {join[1]:.0f} MB", flush=True)
plain = median(lambda: measured(WAREHOUSE, "seen", "lab.wh", "--vcf", "sites.vcf.gz", "-o", "out0.vcf", accept=(0, 1, 4)))
print(f"  of which without --annotate: {plain[0]:.2f} s CPU, {plain[1]:.0f} MB", flush=True)
file = max((WORK / "lab.wh" / "f").iterdir(), key=lambda f: f.stat().st_size).stat().st_size
print(f"on disk: {file / 1e6:.0f} MB; the release as BGZF {(WORK / 'release.vcf.gz').stat().st_size / 1e6:.0f} MB", flush=True)
for name, found in duckdb().items():
    print("DuckDB", name, found, flush=True)

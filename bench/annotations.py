"""Releases of annotations: CPU seconds (user + sys) on one core, medians, and the most memory, beside DuckDB."""
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SETS = pathlib.Path(os.environ.get("BENCH_SETS", ROOT / "artifacts" / "bench"))
MODULES = pathlib.Path(os.environ.get("BENCH_PEERS", ROOT / "bench" / "peers"))
WORK = ROOT / "artifacts" / "annotations"
WAREHOUSE = shlex.split(os.environ.get("BENCH_WAREHOUSE", str(ROOT / "artifacts" / "warehouse" / "warehouse")))
RECORDS = int(os.environ.get("RECORDS", 3_000_000))
RUNS = int(os.environ.get("RUNS", 3))
FIELDS = ["CLNSIG", "CLNREVSTAT", "GENEINFO"]
EVERY = ["ALLELEID", "CLNDISDB", "CLNDN", "CLNHGVS", "CLNREVSTAT", "CLNSIG", "CLNVC", "CLNVCSO", "GENEINFO", "MC", "ORIGIN", "RS"]

# The alleles of set D with INFO as ClinVar's files have it: as many keys, as long, as often the same from line to line.
RELEASE = r"""
BEGIN { OFS = "\t"; split("Uncertain_significance Likely_benign Uncertain_significance Benign Pathogenic Uncertain_significance Likely_pathogenic Likely_benign", c, " ")
  split("criteria_provided,_single_submitter criteria_provided,_multiple_submitters,_no_conflicts no_assertion_criteria_provided criteria_provided,_single_submitter reviewed_by_expert_panel", r, " ")
  print "##fileformat=VCFv4.1\n##source=ClinVar (simulated)\n##reference=GRCh37"
  n = split("ALLELEID CLNDISDB CLNDN CLNHGVS CLNREVSTAT CLNSIG CLNVC CLNVCSO GENEINFO MC ORIGIN RS", k, " ")
  for (i = 1; i <= n; i++) print "##INFO=<ID=" k[i] ",Number=" (k[i] == "ALLELEID" ? "1,Type=Integer" : ".,Type=String") ",Description=\"As ClinVar has it\">"
  print "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"; n = 0 }
/^#/ { next }
n++ == RECORDS { exit }
{ g = int($2 / 20000); h = (g * 31 + n % 5) % 9973; print $1, $2, n, $4, $5, ".", ".", "ALLELEID=" n + 15000 ";CLNDISDB=MONDO:MONDO:000" h ",MedGen:C00" h ",OMIM:" h ";CLNDN=Simulated_condition_" h "|not_provided;CLNHGVS=NC_00000" $1 ".10:g." $2 $4 ">" $5 ";CLNREVSTAT=" r[(n * 7919) % 101 % 5 + 1] ";CLNSIG=" c[(n * 7907) % 103 % 8 + 1] ";CLNVC=single_nucleotide_variant;CLNVCSO=SO:0001483;GENEINFO=SIM" g ":" g ";MC=SO:0001583|missense_variant;ORIGIN=1;RS=" 900000000 + n }
"""


def measured(*line, accept=(0,), given=None):
    """CPU seconds and megabytes of one run on one core."""
    (WORK / "in.txt").write_text(given or "")
    with open(WORK / "out.txt", "wb") as out, open(WORK / "err.txt", "wb") as err, open(WORK / "in.txt", "rb") as asked:
        child = subprocess.Popen(["taskset", "-c", "1", *map(str, line)], stdin=asked, stdout=out, stderr=err, cwd=WORK)
        _, status, used = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) not in accept:
        sys.exit(f"{line}: {status}\n{(WORK / 'err.txt').read_text()}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def median(name, work, prepare=lambda: None):
    runs = []
    for _ in range(RUNS):
        prepare()
        runs.append(work())
    print(f"{name}: {statistics.median(r[0] for r in runs):.2f} s CPU, {max(r[1] for r in runs):.0f} MB", flush=True)


def make():
    WORK.mkdir(parents=True, exist_ok=True)
    if not (WORK / "release.vcf.gz").exists():
        (WORK / "release.awk").write_text(RELEASE)
        subprocess.run(f"set -e -o pipefail; (zcat {SETS}/D.sites.vcf.gz || true) | awk -F '\\t' -v RECORDS={RECORDS} -f release.awk | bgzip -l 1 > release.tmp; mv release.tmp release.vcf.gz", shell=True, check=True, cwd=WORK, executable="/bin/bash")


def empty():
    for name in ("lab.wh", "lab.wh.keys", "lab.wh.audit"):
        shutil.rmtree(WORK / name, ignore_errors=True)
    subprocess.run([*WAREHOUSE, "init", "lab.wh", "--assembly", "GRCh37", "--reference", SETS / "D" / "reference.fa"], check=True, cwd=WORK)


def read(file):
    """The lines of a VCF of sites in DuckDB."""
    columns = "{" + ", ".join(f"'{c}': 'VARCHAR'" for c in ("chrom", "pos", "id", "ref", "alt", "qual", "filter", "info")) + "}"
    return f"read_csv('{file}', delim='\\t', header=false, comment='#', quote='', escape='', auto_detect=false, columns={columns})"


def duckdb():
    """The same load and join in DuckDB, on one thread: a process each, once."""
    pick = ", ".join(f"nullif(regexp_extract(info, '(?:^|;){f}=([^;]*)', 1), '') AS {f}" for f in EVERY)

    def statement(name, sql):
        cost, memory = measured("node", MODULES / "duckdb.mjs", WORK / "duck.db", 1, given=f"-\t{sql}\n")
        print(f"DuckDB, {name}: {cost:.2f} s CPU, {memory:.0f} MB", flush=True)

    (WORK / "duck.db").unlink(missing_ok=True)
    statement("load", f"CREATE TABLE c AS SELECT chrom, pos::INTEGER AS pos, ref, alt, id, {pick} FROM {read('release.vcf.gz')}")
    statement("join to a file", f"COPY (SELECT s.*, {', '.join('c.' + f for f in FIELDS)} FROM (SELECT chrom, pos::INTEGER AS pos, id, ref, alt, qual, filter, info FROM {read(SETS / 'D.sites.vcf.gz')}) s LEFT JOIN c USING (chrom, pos, ref, alt)) TO 'duckdb.tsv' (DELIMITER '\\t', HEADER false)")


def main():
    make()
    what = sys.argv[1:] or ["ours", "duckdb"]
    if "ours" in what:
        notes = ",".join("clinvar." + f for f in FIELDS)
        sites = SETS / "D.sites.vcf.gz"
        median(f"load, {RECORDS:,} records, {len(EVERY) + 1} fields", lambda: measured(*WAREHOUSE, "annotations", "load", "lab.wh", "clinvar", "release.vcf.gz", "--release", "2024-02-04"), empty)
        median(f"seen --vcf --annotate, 5 M sites, {len(FIELDS)} fields", lambda: measured(*WAREHOUSE, "seen", "lab.wh", "--vcf", sites, "--annotate", notes, "-o", "out.vcf", accept=(0, 1, 4)))
        median("  the same without --annotate", lambda: measured(*WAREHOUSE, "seen", "lab.wh", "--vcf", sites, "-o", "plain.vcf", accept=(0, 1, 4)))
        stored = max((WORK / "lab.wh" / "f").iterdir(), key=lambda f: f.stat().st_size).stat().st_size
        print(f"on disk: {stored / 1e6:.0f} MB; the release as BGZF: {(WORK / 'release.vcf.gz').stat().st_size / 1e6:.0f} MB", flush=True)
    if "duckdb" in what:
        duckdb()


if __name__ == "__main__":
    main()

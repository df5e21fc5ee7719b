"""What changed between two releases, who carries it, and the alerts of it: CPU seconds (user + sys) on one core, medians, and the most memory, beside DuckDB."""
import os
import shutil
import subprocess
import sys

from annotations import MODULES, RECORDS, ROOT, RUNS, WAREHOUSE, WORK, measured, median, read

BENCHMARKS = ROOT / "artifacts" / "bin" / "Warehouse.Benchmarks" / "release" / "Warehouse.Benchmarks.dll"
SAMPLES, VARIANTS, ALERTS = (int(os.environ.get(name, default)) for name, default in (("SAMPLES", 2504), ("VARIANTS", 1_000_000), ("ALERTS", 100_000)))
BEFORE, AFTER = "2024-01-07", "2024-02-04"

# The changes of class between two releases and their grades, as the table of grades of a new store has them, and who carries them.
ALERTS_IN_SQL = """
CREATE OR REPLACE MACRO net(s) AS CASE WHEN s IS NULL THEN 'absent' WHEN s LIKE 'Conflicting%' THEN 'conflicting' WHEN s LIKE 'Probably%' THEN 'unrecognised'
  WHEN s ILIKE '%pathogenic%' OR s = 'Oncogenic' OR s LIKE 'Tier_I_-%' THEN 'pathogenic' WHEN s ILIKE '%benign%' THEN 'benign' WHEN s LIKE '%risk%' THEN 'risk' WHEN s LIKE 'Uncertain%' THEN 'uncertain' ELSE 'other' END;
CREATE OR REPLACE MACRO grade(f, t) AS CASE WHEN f = 'absent' THEN CASE t WHEN 'pathogenic' THEN 'critical' WHEN 'risk' THEN 'major' WHEN 'unrecognised' THEN 'major' ELSE 'minor' END
  WHEN t = 'absent' THEN CASE f WHEN 'pathogenic' THEN 'major' ELSE 'minor' END WHEN t = 'pathogenic' OR (f = 'pathogenic' AND t = 'benign') THEN 'critical'
  WHEN f = 'pathogenic' OR t IN ('unrecognised', 'risk') OR (f = 'benign' AND t = 'conflicting') THEN 'major' ELSE 'minor' END;
WITH c AS MATERIALIZED (SELECT chrom, pos, ref, alt, a.sig AS s0, b.sig AS s1, a.onc AS o0, b.onc AS o1, a.sci AS i0, b.sci AS i1 FROM old a FULL JOIN new b USING (chrom, pos, ref, alt)
    WHERE a.sig IS DISTINCT FROM b.sig OR a.onc IS DISTINCT FROM b.onc OR a.sci IS DISTINCT FROM b.sci),
  x AS (SELECT chrom, pos, ref, alt, net(s0) AS f, net(s1) AS t FROM c UNION ALL SELECT chrom, pos, ref, alt, net(o0), net(o1) FROM c UNION ALL SELECT chrom, pos, ref, alt, net(i0), net(i1) FROM c)
  SELECT string_agg(g || ' ' || n || ' ' || p, ', ' ORDER BY g) FROM
    (SELECT grade(f, t) AS g, count(*) AS n, count(DISTINCT sample) AS p FROM x JOIN site USING (chrom, pos, ref, alt) JOIN gt USING (variant) WHERE f <> t GROUP BY ALL)
"""


def run(*line):
    subprocess.run([*map(str, line)], check=True, cwd=WORK, stdout=subprocess.DEVNULL)


def make_clinic():
    """A store with the cohort, a release that holds and one that does not yet. A third of the records are the cohort's alleles; the others are a simulation of their own, moved to contigs that the cohort does not have."""
    if (WORK / "clinic.done").exists():
        return
    run(*WAREHOUSE, "simulate", "cohort", "--samples", SAMPLES, "--variants", VARIANTS, "--no-sex-chromosomes", "--clinvar", 2024, "--seed", 1)
    run(*WAREHOUSE, "simulate", "rest", "--samples", 1, "--variants", max(1, RECORDS - VARIANTS), "--no-sex-chromosomes", "--clinvar", 2024, "--seed", 2)
    moved = "$1 = $1 == 1 ? 3 : $1 == 2 ? 4 : 5; $3 += 20000000; print"
    (WORK / "clinic.sh").write_text(f"""set -e -o pipefail
awk '/^>1$/ {{ $0 = ">3" }} /^>2$/ {{ $0 = ">4" }} /^>22$/ {{ $0 = ">5" }} 1' rest/reference.fa | cat cohort/reference.fa - >clinic.fa
for n in 1 2; do {{ zcat cohort/clinvar-$n.vcf.gz; zcat rest/clinvar-$n.vcf.gz | awk -F '\t' -v OFS='\t' '/^#/ {{ next }} {{ {moved} }}'; }} | bgzip -l 1 >clinic-$n.vcf.gz; done
""")
    run("/bin/bash", "clinic.sh")
    for name in ("clinic.wh", "clinic.wh.keys", "clinic.wh.audit"):
        shutil.rmtree(WORK / name, ignore_errors=True)
    run(*WAREHOUSE, "init", "clinic.wh", "--assembly", "GRCh37", "--reference", "clinic.fa")
    run(*WAREHOUSE, "ingest", "clinic.wh", "cohort/cohort.vcf.gz", "--samples", "cohort/samples.tsv")
    run(*WAREHOUSE, "clinvar", "load", "clinic.wh", "clinic-1.vcf.gz", "--release", BEFORE)
    run(*WAREHOUSE, "clinvar", "load", "clinic.wh", "clinic-2.vcf.gz", "--release", AFTER, "--hold")
    run(*WAREHOUSE, "watch", "add", "clinic.wh", "everybody")
    (WORK / "clinic.done").touch()


def clinic():
    """What a release would raise, and the alerts of a part of it."""
    make_clinic()
    median(f"two releases of {RECORDS:,} records compared", lambda: measured(*WAREHOUSE, "clinvar", "compare", "clinic.wh", BEFORE, AFTER, "--format", "tsv"))
    median(f"  and the carriers among {SAMPLES:,} x {VARIANTS:,}: clinvar preview", lambda: measured(*WAREHOUSE, "clinvar", "preview", "clinic.wh", AFTER, "--format", "tsv"))
    rows = [line.split("\t") for line in (WORK / "out.txt").read_text().splitlines()]
    found = ", ".join(sorted(f"{row[4]} {row[5]} {row[6]}" for row in rows if row[0] == "alerts"))
    print(f"  alerts and persons: {found}", flush=True)
    for suffix in (".wh", ".wh.keys"):
        shutil.rmtree(WORK / f"alerts{suffix}", ignore_errors=True)
        shutil.copytree(WORK / f"clinic{suffix}", WORK / f"alerts{suffix}")
    subprocess.run(["taskset", "-c", "1", "dotnet", BENCHMARKS, "alerts", "alerts.wh", AFTER, str(ALERTS)], check=True, cwd=WORK)
    return found


def long_table():
    """The cohort as a table of variant and carrier for DuckDB, and its alleles as bcftools normalises them: a deletion in a repeat is one allele however it is written."""
    import numpy

    def lines(values, widths):
        digits = [(column[:, None] // 10 ** numpy.arange(width - 1, -1, -1) % 10 + 48).astype(numpy.uint8) for column, width in zip(values, widths)]
        comma, end = (numpy.full((len(values[0]), 1), one, numpy.uint8) for one in (44, 10))
        return numpy.hstack([digits[0], comma, digits[1], end]).tobytes()

    reader = subprocess.Popen(["bgzip", "-dc", "cohort/cohort.vcf.gz"], stdout=subprocess.PIPE, bufsize=1 << 22, cwd=WORK)
    variant, pending = 0, []
    with open(WORK / "gt.csv", "wb") as table, open(WORK / "sites.vcf", "w") as sites:
        sites.write("##fileformat=VCFv4.2\n" + "".join(f"##contig=<ID={line.split()[0][1:]}>\n" for line in open(WORK / "clinic.fa") if line[0] == ">") + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
        def flush():
            table.write(lines([numpy.repeat([v for v, _ in pending], [len(c) for _, c in pending]), numpy.concatenate([c for _, c in pending])], (8, 6)))
            pending.clear()

        for line in reader.stdout:
            if line.startswith(b"#"):
                continue
            chrom, pos, _, ref, alts, _, _, _, _, calls = line.split(b"\t", 9)
            calls = numpy.frombuffer(calls, numpy.uint8).reshape(-1, 4)
            for number, alt in enumerate(alts.split(b","), 1):
                if alt == b"*":
                    continue
                pending.append((variant, numpy.flatnonzero((calls[:, 0] == 48 + number) | (calls[:, 2] == 48 + number))))
                sites.write(f"{chrom.decode()}\t{int(pos)}\t{variant}\t{ref.decode()}\t{alt.decode()}\t.\t.\t.\n")
                variant += 1
            if len(pending) > 1000:
                flush()
        flush()
    run("/bin/bash", "-c", "set -o pipefail; samtools faidx clinic.fa; bcftools norm -f clinic.fa sites.vcf | bcftools query -f '%ID,%CHROM,%POS,%REF,%ALT\\n' >site.csv")


def load():
    """The releases and the cohort as tables of DuckDB."""
    if not (WORK / "clinic.db").exists():
        long_table()
        (WORK / "new.db").unlink(missing_ok=True)
        fields = ", ".join(f"nullif(regexp_extract(info, '(?:^|;){field}=([^;]*)', 1), '') AS {name}" for field, name in (("CLNSIG", "sig"), ("ONC", "onc"), ("SCI", "sci")))
        load = [f"CREATE TABLE {table} AS SELECT chrom, pos::INTEGER AS pos, ref, alt, {fields} FROM {read(file)}" for table, file in (("old", "clinic-1.vcf.gz"), ("new", "clinic-2.vcf.gz"))]
        load.append("CREATE TABLE site AS SELECT * FROM read_csv('site.csv', header=false, columns={'variant': 'INTEGER', 'chrom': 'VARCHAR', 'pos': 'INTEGER', 'ref': 'VARCHAR', 'alt': 'VARCHAR'})")
        load.append("CREATE TABLE gt AS SELECT * FROM read_csv('gt.csv', header=false, columns={'variant': 'INTEGER', 'sample': 'USMALLINT'})")
        measured("node", MODULES / "duckdb.mjs", WORK / "new.db", 1, given="".join(f"-\t{sql}\n" for sql in [*load, "CHECKPOINT"]))
        (WORK / "new.db").rename(WORK / "clinic.db")
        (WORK / "gt.csv").unlink()


def duckdb(found):
    """The same comparison and join in DuckDB on one thread, from tables that are there; what it finds must be what was found."""
    *macros, query = (" ".join(sql.split()) for sql in ALERTS_IN_SQL.split(";"))
    _, memory = measured("node", MODULES / "duckdb.mjs", WORK / "clinic.db", RUNS, given="".join(f"-\t{sql}\n" for sql in macros) + f"=alerts\t{query}\nalerts\t{query}\n")
    _, spent, _, _, theirs = (WORK / "out.txt").read_text().strip().split("\t")
    print(f"DuckDB, both: {float(spent) / 1000:.2f} s CPU, {memory:.0f} MB", flush=True)
    if found != theirs:
        sys.exit(f"the two do not say the same: {found}; {theirs}")


if __name__ == "__main__":
    WORK.mkdir(parents=True, exist_ok=True)
    answer = clinic()
    load()
    duckdb(answer)

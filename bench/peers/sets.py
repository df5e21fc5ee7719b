"""The sets: simulated once into artifacts/bench, with the forms that peers need of them."""

import glob
import os
import random
import shutil

from measure import Failed, run, shell

GROUPS = ["AFR", "AMR", "ASJ", "CSA", "EAS", "FIN", "MID", "NFE", "OTH", "SAS"]
REGION = ("1", 1_001_001, 1_101_000)  # what Warehouse.Benchmarks warm asks: 100 kb, a million bases behind the first site
SHAPE = {"A": (100_000, 2504), "B": (20_000, 50_000)}
# Non-reference genotypes in millions within 3 %, plink2's .pgen in MB within 10 %: else a set is not the one meant.
REACH = {"A": (15.2, 12.4), "B": (19.2, 21.5)}


def cached(path, make):
    """Makes a file or folder once. `make` gets the name to write to; an unfinished one is never taken for finished."""
    if not os.path.exists(path):
        unfinished = f"new.{path}"
        remove(unfinished)
        make(unfinished)
        os.rename(unfinished, path)
    return path


def remove(*paths):
    for path in paths:
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.remove(path)


def remove_store(store):
    remove(store, f"{store}.keys")


def size_mb(*paths):
    """Bytes of files and of all files in folders, in MB of 10^6."""
    total = 0
    for path in paths:
        if os.path.isdir(path):
            total += sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(path) for name in names)
        else:
            total += os.path.getsize(path)
    return total / 1e6


class Sets:
    """Names of the sets' files, made when first asked for."""

    def __init__(self, warehouse):
        self.warehouse = warehouse
        self.fresh = set()
        self.notes = []

    def folder(self, name):
        """Folder of a simulated set."""
        if not os.path.exists(f"{name}/done"):  # as the bench before this one marked it
            remove(name)
            run(self.warehouse, "simulate", name, "--preset", name)
            open(f"{name}/done", "w").close()
        return name

    def vcf(self, name):
        return f"{self.folder(name)}/cohort.vcf.gz"

    def files(self, name):
        """The files of a set of one sample each, in order."""
        paths = sorted(path for path in glob.glob(f"{self.folder(name)}/**/*.vcf.gz", recursive=True))
        if len(paths) < 2:
            raise Failed(f"set {name} has no files of one sample")
        return paths

    def bcf(self, name):
        def make(path):
            run("bcftools", "view", "-Ob", "-o", path, self.vcf(name))
        cached(f"{name}.bcf", make)
        cached(f"{name}.bcf.csi", lambda path: run("bcftools", "index", "-o", path, f"{name}.bcf"))
        return f"{name}.bcf"

    def samples(self, name):
        """Names of the samples, in the order of the file."""
        return run("bcftools", "query", "-l", self.vcf(name)).split()

    def sheet(self, name):
        """A sample sheet with ten groups, at random."""
        def make(path):
            chance = random.Random(10)
            with open(path, "w") as sheet:
                sheet.write("sample\tsex\tancestry\n")
                sheet.writelines(f"{sample}\t{chance.choice(['XX', 'XY'])}\t{chance.choice(GROUPS)}\n" for sample in self.samples(name))
        return cached(f"{name}.sheet.tsv", make)

    def tenth(self, name):
        """A random tenth of the samples: a file of names. Beside it .numbers: their places in the file."""
        def make(path):
            samples = self.samples(name)
            chosen = sorted(random.Random(1).sample(range(len(samples)), len(samples) // 10))
            with open(f"{name}.random.tenth.numbers", "w") as numbers:
                numbers.writelines(f"{at}\n" for at in chosen)
            with open(path, "w") as names:
                names.writelines(f"{samples[at]}\n" for at in chosen)
        return cached(f"{name}.random.tenth", make)

    def numbers(self, name):
        """The places of that tenth in the file, one a line."""
        self.tenth(name)
        return f"{name}.random.tenth.numbers"

    def groups(self, name):
        """Files of the names of each group."""
        def make(path):
            os.mkdir(path)
            with open(self.sheet(name)) as sheet:
                next(sheet)
                for line in sheet:
                    sample, _, group = line.split()
                    with open(f"{path}/{group}", "a") as names:
                        names.write(f"{sample}\n")
        folder = cached(f"{name}.groups", make)
        return [f"{folder}/{group}" for group in GROUPS]

    def pgen(self, name):
        """Stem of plink2's files."""
        if not os.path.exists(f"{name}.plink.pgen"):
            run("plink2", "--vcf", self.vcf(name), "--make-pgen", "--threads", "2", "--out", f"new.{name}")
            for suffix in ("psam", "pvar", "pgen"):
                os.rename(f"new.{name}.{suffix}", f"{name}.plink.{suffix}")
        return f"{name}.plink"

    def duckdb(self, name, node):
        """The set in DuckDB: gt (variant, sample, code) sorted by variant, and site; and as zarr beside."""
        def make(path):
            remove(f"{name}.csv", f"{name}.sites.csv", f"{name}.zarr")
            run("/usr/bin/python3", f"{os.path.dirname(__file__)}/convert.py", self.vcf(name), f"{name}.csv", f"{name}.sites.csv", f"{name}.zarr")
            node.statements(path, 1, [
                ("-", f"create table gt as select * from read_csv('{name}.csv', header = false, columns = {{'variant': 'INTEGER', 'sample': 'INTEGER', 'code': 'UTINYINT'}})"),
                ("-", f"create table site as select * from read_csv('{name}.sites.csv', header = false, columns = {{'variant': 'INTEGER', 'contig': 'VARCHAR', 'pos': 'INTEGER', 'ref': 'VARCHAR', 'alt': 'VARCHAR'}})"),
                ("-", "checkpoint"),
            ])
            remove(f"{name}.csv", f"{name}.sites.csv")
        return cached(f"{name}.duckdb", make)

    def zarr(self, name, node):
        self.duckdb(name, node)
        return f"{name}.zarr"

    def init(self, store):
        remove_store(store)
        run(self.warehouse, "init", store, "--assembly", "GRCh37")

    def store(self, name):
        """A store of a joint set by the program as it is now, with the sheet of ten groups; made once a run."""
        store = f"{name}.bench.store"
        if store not in self.fresh:
            self.init(store)
            more = ["--samples", self.sheet(name)] if name in SHAPE else []
            run(self.warehouse, "ingest", store, self.vcf(name), *more)
            self.fresh.add(store)
        return store

    def check(self, name):
        """Refuses a set that is not the one of the targets; returns a line that describes it."""
        genotypes, pgen = REACH[name]
        def count(path):
            run(*shell(f"bcftools view -H {self.vcf(name)} | cut -f 10- | tr '\\t' '\\n' | LC_ALL=C grep -c '[1-9]' > {path}"))
        with open(cached(f"{name}.carried", count)) as file:
            found = int(file.read()) / 1e6
        written = size_mb(f"{self.pgen(name)}.pgen")
        sites, samples = SHAPE[name]
        if abs(found - genotypes) > 0.03 * genotypes or abs(written - pgen) > 0.10 * pgen:
            raise SystemExit(f"bench: set {name} is not the one of the targets: {found:.2f} M non-reference genotypes "
                             f"(meant {genotypes}), .pgen {written:.1f} MB (meant {pgen})")
        return (f"{name}: {sites:,} sites x {samples:,} samples, {found:.2f} M non-reference genotypes (meant {genotypes}), "
                f".pgen {written:.1f} MB (meant {pgen}), VCF.gz {size_mb(self.vcf(name)):.1f} MB")


def real_set():
    """The chr22 file of 1000 Genomes among the data that are no part of this repository; None when it is not there."""
    data = os.environ.get("WAREHOUSE_TEST_DATA", "")
    found = glob.glob(f"{data}/genotypes/**/10k.chr22.phase3*.vcf.gz", recursive=True) if data else []
    return found[0] if found else None

#!/usr/bin/env bash
# The product beside plink2 and bcftools on the same simulated data, in one run; writes bench/results/<cpu>/peers.md.
# usage: bench/peers/run.sh [--quick]   (--quick: 3 runs a row instead of 9)
# Data are simulated once into artifacts/bench. Whole processes, warm page cache; medians; both sides must give the same AC.
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=9
[[ "${1:-}" == --quick ]] && runs=3
for tool in plink2 bcftools python3; do command -v "$tool" >/dev/null || { echo "bench: $tool is missing; ./setup.sh test installs it" >&2; exit 5; }; done
./warehouse --version >/dev/null
wh=$PWD/artifacts/warehouse/warehouse
work=$PWD/artifacts/bench
mkdir -p "$work"
cd "$work"

simulate() { [[ -e $1/done ]] || { rm -rf "$1"; "$wh" simulate "$1" --preset "$1" >/dev/null; touch "$1/done"; }; }

# measure NAME COMMAND: median wall and CPU seconds of the command into $name.time
measure() {
  local name=$1; shift
  : > "$name.runs"
  for ((i = 0; i < runs; i++)); do
    local TIMEFORMAT='%R %U %S'
    { time bash -c "$*" >/dev/null 2>"$name.err" || { cat "$name.err" >&2; exit 1; }; } 2>> "$name.runs"
  done
  python3 - "$name.runs" <<'PY' > "$name.time"
import statistics, sys
rows = [tuple(map(float, line.split())) for line in open(sys.argv[1])]
wall = statistics.median(r[0] for r in rows); cpu = statistics.median(r[1] + r[2] for r in rows)
print(f"{cpu:.2f} | {wall:.2f}")
PY
}

row() { printf '| %s | %s | %s |\n' "$1" "$(cat "$2.time")" "$(cat "$3.time")"; }

table() {
  local set=$1
  simulate "$set"
  awk 'NR > 1 && NR % 10 == 0 { print $1 }' "$set/samples.tsv" > "$set.tenth"
  measure "$set.in" "rm -rf $set.store $set.store.keys; $wh init $set.store --assembly GRCh37 && $wh ingest $set.store $set/cohort.vcf.gz"
  measure "$set.in.peer" "plink2 --vcf $set/cohort.vcf.gz --make-pgen --threads 1 --out $set.plink"
  measure "$set.tenth" "$wh freq $set.store --samples-file $set.tenth --format tsv -o $set.freq"
  measure "$set.tenth.peer" "plink2 --pfile $set.plink --keep $set.tenth --freq counts --threads 1 --out $set.counts"
  python3 - "$set.freq" "$set.counts.acount" <<'PY'
import sys
ours, theirs = {}, {}
for line in open(sys.argv[1]):
    f = line.split('\t')
    if f[0] != 'contig': ours[f[0], f[1], f[2], f[3]] = f[4]
lines = open(sys.argv[2]).read().splitlines()
head = lines[0].lstrip('#').split('\t')
for line in lines[1:]:
    r = dict(zip(head, line.split('\t')))
    for alt, n in zip(r['ALT'].split(','), r['ALT_CTS'].split(',')):
        if alt != '*': theirs[r['CHROM'], n] = theirs.get((r['CHROM'], n), 0) + 1
# plink2 names no position here, so what is compared is how often each AC occurs on each contig.
mine = {}
for (contig, _, _, _), n in ours.items(): mine[contig, n] = mine.get((contig, n), 0) + 1
if mine != theirs: sys.exit('bench: the AC of both sides differ')
PY
  measure "$set.all" "$wh freq $set.store --format tsv -o $set.freq"
  measure "$set.all.peer" "plink2 --pfile $set.plink --freq counts --threads 1 --out $set.counts"
  row "$set: take in the VCF.gz, sealed and synced (plink2: .pgen, not synced)" "$set.in" "$set.in.peer"
  row "$set: AC, AN, het, hom of a tenth of the samples, as text" "$set.tenth" "$set.tenth.peer"
  row "$set: the same over all samples" "$set.all" "$set.all.peer"
  printf '| %s | %.1f MB | | %.1f MB | |\n' "$set: bytes on disk (plink2: .pgen + .pvar + .psam)" \
    "$(du -sb "$set.store" | awk '{ print $1 / 1e6 }')" "$(cat "$set.plink.pgen" "$set.plink.pvar" "$set.plink.psam" | wc -c | awk '{ print $1 / 1e6 }')"
}

cpu=$(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo)
model=$(awk -F': ' '/^model\t/ { print $2; exit }' /proc/cpuinfo)
folder=../../bench/results/$(echo "$cpu-model-$model" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9-')
mkdir -p "$folder"
{
  echo "# Beside peers"
  echo
  echo "Made by \`bench/peers/run.sh${1:+ $1}\`: medians of $runs runs of whole processes, warm, on $(nproc) cores of $cpu (family $(awk -F': ' '/cpu family/ { print $2; exit }' /proc/cpuinfo), model $model), .NET $(dotnet --list-runtimes | awk '/NETCore/ { v = $2 } END { print v }'), $(plink2 --version | head -c 40). plink2 has one thread; \`ingest\` inflates with as many as there are cores."
  echo "Sets: A = 100,000 sites x 2,504 samples, B = 20,000 x 50,000, simulated (\`warehouse simulate --preset A|B\`). Both sides gave the same AC."
  echo
  echo "| work | ours, CPU s | wall s | plink2, CPU s | wall s |"
  echo "|---|---|---|---|---|"
  table A
  table B
} > "$folder/peers.md.new"
mv "$folder/peers.md.new" "$folder/peers.md"
cat "$folder/peers.md"

#!/usr/bin/env bash
# Instructions of six key paths (Warehouse.Benchmarks guard), counted by callgrind and compared with bench/guard.tsv within 3 %.
# usage: bench/guard.sh [--write]   --write: put what was counted into bench/guard.tsv
# valgrind knows no AVX-512: what is counted are the 256-bit paths, on every machine, and the runtime is told so. It also compiles
# everything at once and well, and has room enough to collect no garbage meanwhile. Only the paths themselves are counted
# (Warehouse.Benchmarks/Callgrind.cs switches it on and off), each after a first run: start and compilation are not in the figures.
# Exit 0: all within 3 %, or valgrind is missing (which is said). Exit 1: some path is not.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "guard: valgrind is missing, nothing was counted; ./setup.sh bench installs it"; exit 0; }
program=artifacts/bin/Warehouse.Benchmarks/release/Warehouse.Benchmarks.dll
work=artifacts/guard
rm -rf "$work"
mkdir -p "$work"
dotnet build bench/Warehouse.Benchmarks -c Release -p:RestoreLockedMode=true -nologo -v quiet --tl:off </dev/null >"$work/build.log" 2>&1 ||
  { cat "$work/build.log" >&2; exit 5; }
dotnet "$program" guard "$work" >/dev/null # makes the store
env DOTNET_EnableAVX512=0 DOTNET_TieredCompilation=0 DOTNET_gcServer=0 DOTNET_gcConcurrent=0 DOTNET_GCgen0size=8000000 DOTNET_PROCESSOR_COUNT=1 \
  valgrind --tool=callgrind --instr-atstart=no --smc-check=all-non-file --callgrind-out-file="$work/out" \
  dotnet "$program" guard "$work" >"$work/paths.tsv" 2>"$work/valgrind.log" || { tail -5 "$work/valgrind.log" >&2; exit 5; }

number=0
while IFS=$'\t' read -r name runs; do
  number=$((number + 1))
  printf '%s\t%s\n' "$name" "$(awk -v runs="$runs" '$1 == "totals:" { printf "%d", $2 / runs }' "$work/out.$number")"
done <"$work/paths.tsv" >"$work/found.tsv"
if [ "${1:-}" = --write ]; then
  {
    printf '# path\tinstructions of one run: .NET %s, 256-bit vectors, %s; written by bench/guard.sh --write\n' \
      "$(dotnet --list-runtimes | awk '/NETCore/ { v = $2 } END { print v }')" "$(valgrind --version)"
    cat "$work/found.tsv"
  } >bench/guard.tsv
fi
awk -F '\t' 'NR == FNR { known[$1] = $2; next }
  {
    change = known[$1] ? 100 * ($2 / known[$1] - 1) : 0
    outside = !known[$1] || change > 3 || change < -3
    failed += outside
    printf "guard: %-8s %12d instructions, committed %12d, %+.1f %%%s\n", $1, $2, known[$1], change, outside ? ": OUTSIDE 3 %" : ""
  }
  END { exit failed > 0 }' bench/guard.tsv "$work/found.tsv"

#!/usr/bin/env bash
# Asks of the tests what they would notice: changes the code that counts, normalises, encodes and commits, one small change at a time, and runs the
# units (tests/Warehouse.Units) that reach the changed line. A change that no test fails on is a survivor.
#   tests/mutation.sh                 the parts that are judged, in turn: count, states, normalise, codec, manifest (an hour and more; one processor, nice 10)
#   tests/mutation.sh PART ...        these parts, and these are judged; further ones than the five: see tests/mutation/*.json
#   tests/mutation.sh --page [PART ...]   writes the page of the results that lie in artifacts/mutation
# Writes tests/mutation-results.md of the newest result of every part. Why a survivor may live stands in tests/mutation/reasons.tsv; one that has no
# line there is listed as not looked at. Exit 1 when the share of changes that were noticed, over the parts that are judged, is not above 85 %, or one of them has no result.
set -eu -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
parts=() page_only=no
for one in "$@"; do if [ "$one" = --page ]; then page_only=yes; else parts+=("$one"); fi; done
[ ${#parts[@]} -gt 0 ] || parts=(count states normalise codec manifest)
if [ $page_only = no ]; then
  ./setup.sh mutation
  export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 TZ=UTC DOTNET_TieredPGO=0
  # The changed assemblies are built and run in a copy of the tree, so that an interrupted run leaves none here.
  tree=$PWD/artifacts/mutation/tree
  mkdir -p "$tree"
  rm -rf "$tree/engine" "$tree/tests"
  git ls-files -z -co --exclude-standard | tar -c --null --ignore-failed-read -T - 2>/dev/null | tar -x -C "$tree"
  for part in "${parts[@]}"; do
    [ -f "tests/mutation/$part.json" ] || { echo "no part of that name: $part" >&2; exit 2; }
    began=$(date +%s) commit=$(git rev-parse --short HEAD 2>/dev/null || echo none)
    (cd "$tree/tests/Warehouse.Units" && nice -n 10 dotnet stryker -f "../mutation/$part.json" -O "$tree/../out/$part" --skip-version-check) </dev/null >"artifacts/mutation/$part.log" 2>&1 ||
      { tail -n 20 "artifacts/mutation/$part.log" >&2; exit 1; }
    cp "artifacts/mutation/out/$part/reports/mutation-report.json" "artifacts/mutation/$part.json"
    printf '%s\t%s\t%s\n' "$commit" "$(date -u +%F)" "$((($(date +%s) - began + 59) / 60))" >"artifacts/mutation/$part.run"
  done
fi
machine=$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)
exec python3 tests/mutation/page.py "$machine, $(nproc)" "${parts[@]}"

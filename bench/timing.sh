#!/usr/bin/env bash
# Measures whether the time of an answer tells of hidden data (F67): tests/Warehouse.Server.Tests/Pairs/PairTiming.cs, which says how. Rewrites bench/results/timing.md.
#   bench/timing.sh [--count N] [--seed S]
set -eu -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
./setup.sh test
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 TZ=UTC
mkdir -p artifacts
dotnet build tests/Warehouse.Server.Tests -c Release -p:RestoreLockedMode=true -nologo -v quiet --tl:off </dev/null >artifacts/build.log 2>&1 || { cat artifacts/build.log >&2; exit 1; }
page=bench/results/timing.md
table=$(dotnet artifacts/bin/Warehouse.Server.Tests/release/Warehouse.Server.Tests.dll timing "$@")
{
  printf '%s\n\n' '# Times of answers on stores that a caller cannot tell apart'
  printf '%s\n\n' "Written by bench/timing.sh, as dudect asks: each question goes to the two stores in random order; Welch's t over all times, and over the fastest 90 %. Two stores lie at other places in memory, which can show beside microseconds: the row of another store of the same data says how much, and the row of one store what a caller learns who asks a hidden name. In memory, on one thread, without a network; the server's times contain its audit log on a simulated disk. Commit $(git rev-parse --short HEAD), $(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo), $(nproc) cores, .NET $(dotnet --version), $(date -u +%F)."
  printf '%s\n' "$table"
} | tee "$page"

#!/usr/bin/env bash
# Runs the harnesses of tests/Warehouse.Simulation in full; ./test.sh runs a part of each.
#   tests/soak.sh --minutes N [--seed S] [HARNESS [more options of it]]
# Without a harness, each in turn for N minutes. Exit 0 when nothing was found, 1 when something was: each finding says how to run it alone.
set -eu -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
./setup.sh test
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 TZ=UTC DOTNET_TieredPGO=0
export WAREHOUSE_TEST_DATA="${WAREHOUSE_TEST_DATA:-$PWD/../shared/data}"
minutes=1 seed=1 harness=
while [ $# -gt 0 ]; do
  case "$1" in
    --minutes) minutes=$2; shift 2 ;;
    --seed) seed=$2; shift 2 ;;
    --*) break ;;
    *) harness=$1; shift; break ;;
  esac
done
mkdir -p artifacts
exec 9>artifacts/build.lock && flock 9
dotnet build tests/Warehouse.Simulation -c Release -p:RestoreLockedMode=true -nologo -v quiet --tl:off </dev/null >artifacts/build.log 2>&1 9>&- || { cat artifacts/build.log >&2; exit 1; }
exec 9>&-
program=artifacts/bin/Warehouse.Simulation/release/Warehouse.Simulation.dll
harnesses=${harness:-$(dotnet "$program" soak)}
outcome=0
for one in $harnesses; do
  echo "# $one: $minutes min, seed $seed, commit $(git rev-parse --short HEAD 2>/dev/null || echo none), $(uname -m), $(nproc) cores"
  dotnet "$program" soak "$one" --minutes "$minutes" --seed "$seed" "$@" || outcome=1
done
exit $outcome

#!/usr/bin/env bash
# Runs the harnesses of tests/Warehouse.Simulation, the pairs of tests/Warehouse.Server.Tests and the metamorphic test in full; ./test.sh runs a part of each.
#   tests/soak.sh --minutes N [--seed S] [--results PAGE] [HARNESS [more options of it]]
#   tests/soak.sh mutation [PART ...]   what the units notice of changed code: tests/mutation.sh, to its end
# Harnesses: fuzz, crash, fault, kill, alerts (its runs are kills of the released program), history, pairs, metamorphic. Without one, each in turn for N minutes. Every harness adds its line to the page (default tests/soak-results.md). Exit 0 when nothing
# was found, 1 when something was: each finding says how to run it alone, and is kept in artifacts/soak-findings.log.
set -eu -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ "${1:-}" = mutation ]; then exec tests/mutation.sh "${@:2}"; fi
./setup.sh test
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 TZ=UTC
export WAREHOUSE_TEST_DATA="${WAREHOUSE_TEST_DATA:-$PWD/../shared/data}"
minutes=1 seed=1 harness='' page=tests/soak-results.md
while [ $# -gt 0 ]; do
  case "$1" in
    --minutes) minutes=$2; shift 2 ;;
    --seed) seed=$2; shift 2 ;;
    --results) page=$2; shift 2 ;;
    --*) break ;;
    *) harness=$1; shift; break ;;
  esac
done
mkdir -p artifacts
project=Warehouse.sln
[ "$harness" != pairs ] || project=tests/Warehouse.Server.Tests
[ "$harness" != alerts ] || project=tests/Warehouse.Simulation
exec 9>artifacts/build.lock && flock 9
dotnet build "$project" -c Release -p:RestoreLockedMode=true -nologo -v quiet --tl:off </dev/null >artifacts/build.log 2>&1 9>&- || { cat artifacts/build.log >&2; exit 1; }
exec 9>&-
if [ -z "$harness" ] || [ "$harness" = alerts ]; then ./warehouse --version >artifacts/soak-program.log; fi
folder=artifacts/bin/Warehouse.Units/release
[ "$harness" != alerts ] || folder=artifacts/bin/Warehouse.Simulation/release
machine=$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)
commit=$(git rev-parse --short HEAD 2>/dev/null || echo none)
# What the metamorphic one draws and compares with is the tests' own, so it is a test that goes on for so long.
run() {
  local program=$folder/Warehouse.Simulation.dll
  [ "$1" != pairs ] || program=artifacts/bin/Warehouse.Server.Tests/release/Warehouse.Server.Tests.dll
  # Pairs are short-lived stores by the thousand: what they leave is collected seldom, and their code is worth a profile.
  if [ "$1" = pairs ]; then export DOTNET_TieredPGO=1 DOTNET_GCgen0size=0x8000000 DOTNET_ThreadPool_UnfairSemaphoreSpinLimit=0; else export DOTNET_TieredPGO=0; fi
  if [ "$1" != metamorphic ]; then dotnet "$program" soak "$1" --minutes "$minutes" --seed "$seed" "${@:2}"; return; fi
  rm -f artifacts/soak.tsv
  local ended=0
  WAREHOUSE_METAMORPHIC_SOAK="$minutes $seed $PWD/artifacts/soak.tsv" dotnet test tests/Warehouse.Tests -c Release --no-build --nologo \
    --filter FullyQualifiedName~However_the_same_calls_are_cut </dev/null >artifacts/soak-test.log 2>&1 || { ended=1; cat artifacts/soak-test.log >&2; }
  cat artifacts/soak.tsv
  return $ended
}
outcome=0
for one in ${harness:-$(dotnet "$folder/Warehouse.Simulation.dll" soak) pairs metamorphic}; do
  begun=$SECONDS
  run "$one" "$@" 2> >(tee -a artifacts/soak-findings.log >&2) | tee artifacts/soak.log || outcome=1
  took=$(awk -v s=$((SECONDS - begun)) 'BEGIN { printf "%.3g", s / 60 }')
  IFS=$'\t' read -r name runs failures first bound < <(tail -n 1 artifacts/soak.log) || true
  [ -n "${bound:-}" ] || { echo "$one ended without a result" >&2; outcome=1; continue; }
  [ -s "$page" ] || printf '%s\n\n%s\n\n%s\n%s\n' '# Results of the soak' \
    'Written by tests/soak.sh, a line for each run of a harness. The bound is 3 / runs: no failure in so many runs says with 95 % that the share of failures is smaller, and no more.' \
    '| harness | minutes | runs | failures | first seed | bound | commit | machine, cores | day |' '|---|---|---|---|---|---|---|---|---|' >"$page"
  echo "| $name | $took | $runs | $failures | $first | $bound | $commit | $machine, $(nproc) | $(date -u +%F) |" | tee -a "$page"
  unset bound
done
exit $outcome

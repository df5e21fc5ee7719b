#!/usr/bin/env bash
# Runs the tests where there is no network: in a namespace of its own that has a loopback interface and no route out (C28).
#   tests/offline.sh                     all tests
#   tests/offline.sh 'FILTER' [more]     as ./test.sh takes it
# What is missing is installed and restored before, outside; inside nothing can be. Needs root, since it makes a namespace: says so elsewhere, and
# then runs nothing. The last line and the exit code are those of ./test.sh.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 5
export PATH="$PATH:/usr/sbin:/sbin"
skip() { printf 'offline: skipped: %s\n0 passed, 0 failed, 1 skipped\n' "$1"; exit 0; }
[ "$(id -u)" = 0 ] || skip "only root makes a network namespace"
for program in unshare ip; do command -v "$program" >/dev/null || skip "$program is not here"; done
unshare --net true 2>/dev/null || skip "this machine makes no network namespaces"

./setup.sh test || exit
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
mkdir -p artifacts
dotnet restore Warehouse.sln --locked-mode --nologo -v quiet >artifacts/offline-restore.log 2>&1 </dev/null || { cat artifacts/offline-restore.log >&2; exit 1; }

# Servers of earlier builds listen on files, which namespaces do not part: with them a test would run outside.
export MSBUILDDISABLENODEREUSE=1 WAREHOUSE_OFFLINE=1
exec unshare --net -- bash -c '
  ip link set lo up || exit 5
  others=$(ip -o link | grep -v "^[0-9]*: lo:"); routes=$(ip route show; ip -6 route show | grep -v " dev lo")
  if [ -n "$others$routes" ]; then echo "offline: there is a way out: $others $routes" >&2; exit 5; fi
  exec ./test.sh "$@"' offline "$@"

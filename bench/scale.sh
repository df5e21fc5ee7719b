#!/usr/bin/env bash
# The same work at 1, 2, 4, 8 and 16 times the samples, variants, segments, sites and commits: what grows how fast.
# usage: bench/scale.sh   writes bench/results/<cpu>/scale.md; about five minutes
set -euo pipefail
cd "$(dirname "$0")/.."
./setup.sh bench
./warehouse --version >/dev/null
mkdir -p artifacts/bench/scale
if ! dotnet build bench/Warehouse.Benchmarks -c Release -p:RestoreLockedMode=true -nologo -v quiet --tl:off </dev/null >artifacts/bench/build.log 2>&1; then
  cat artifacts/bench/build.log >&2
  exit 5
fi
DOTNET_ROOT=${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}
export DOTNET_ROOT PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 bench/scale.py "$@"

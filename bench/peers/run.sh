#!/usr/bin/env bash
# The product beside its peers on the same data, in one run: bench/results/<cpu>/peers.md, and the table of README.md from it.
# usage: bench/peers/run.sh [--quick] [SECTION…]   sections: counts freq look ingest single grow export disk cold
#   --quick   3 runs a row instead of 9, and without the peers that need more than ten seconds. With sections named, only these run, and the page is printed, not written.
# About 20 minutes, --quick 6, once the sets are there: they are simulated into artifacts/bench the first time (minutes, 5 GB).
# R is the file of 1000 Genomes under WAREHOUSE_TEST_DATA, if that is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
./setup.sh bench
./warehouse --version >/dev/null
mkdir -p artifacts/bench
if ! dotnet build bench/Warehouse.Benchmarks -c Release -p:RestoreLockedMode=true -nologo -v quiet --tl:off </dev/null >artifacts/bench/build.log 2>&1; then
  cat artifacts/bench/build.log >&2
  exit 5
fi
DOTNET_ROOT=${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}
WAREHOUSE_TEST_DATA=$(readlink -f "${WAREHOUSE_TEST_DATA:-../shared/data}" || true)
export DOTNET_ROOT WAREHOUSE_TEST_DATA PYTHONDONTWRITEBYTECODE=1
# Debian's python3: it is the one that sees python3-zarr.
exec /usr/bin/python3 bench/peers/main.py "$@"

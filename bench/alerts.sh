#!/usr/bin/env bash
# Two releases of 3 million records are compared and the carriers of what changed found among 2,504 samples x 1 million variants, DuckDB doing the same beside it; then 100,000 alerts are raised, shown and acknowledged.
# usage: bench/alerts.sh   prints the figures of bench/results/<cpu>/alerts.md; its data, 8 GB with DuckDB's, it simulates itself
set -euo pipefail
cd "$(dirname "$0")/.."
./setup.sh bench
./warehouse --version >/dev/null
dotnet build bench/Warehouse.Benchmarks -c Release -p:RestoreLockedMode=true -nologo -v quiet --tl:off </dev/null >/dev/null
DOTNET_ROOT=${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}
export DOTNET_ROOT PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 bench/alerts.py

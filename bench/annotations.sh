#!/usr/bin/env bash
# A release of annotations of 3 million records is loaded and joined to the 5 million sites of set D, DuckDB doing the same beside it.
# usage: bench/annotations.sh   after bench/peers/run.sh look, which makes the set; prints the figures of bench/results/<cpu>/annotations.md
set -euo pipefail
cd "$(dirname "$0")/.."
./setup.sh bench
./warehouse --version >/dev/null
DOTNET_ROOT=${DOTNET_ROOT:-$(dirname "$(readlink -f "$(command -v dotnet)")")}
export DOTNET_ROOT PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 bench/annotations.py "$@"

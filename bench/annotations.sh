#!/usr/bin/env bash
# A release of annotations of 3 million records is loaded and joined to 5 million sites, DuckDB doing the same beside it.
# usage: bench/annotations.sh   prints the table of bench/results/<cpu>/annotations.md; about five minutes, the first time eight
set -euo pipefail
cd "$(dirname "$0")/.."
./setup.sh bench
./warehouse --version >/dev/null
mkdir -p artifacts/annotations
exec /usr/bin/python3 bench/annotations.py "$@"

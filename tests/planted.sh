#!/usr/bin/env bash
# Proves that the tests find bugs: plants those of tests/planted.tsv, one line at a time, by a build constant that only the engine and the
# command line are compiled with, and runs ./test.sh as it is, in a clone of the last commit, up to the first failure. A bug is caught when
# the harness that its line names fails too; if something else failed first, that harness is run by itself.
#   tests/planted.sh [--results PAGE] [--harness] [NAME ...]
# With --harness only the named harness is run. Without names all lines, before them the suite without a bug, which must pass; that alone by
# the name '(none)'. Every line adds a row to the page (default tests/planted-results.md). Exit 0 when all were caught.
set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 5
page=$PWD/tests/planted-results.md whole=1
while [ $# -gt 0 ]; do
  case "$1" in
    --results) page=$(realpath "$2"); shift 2 ;;
    --harness) whole=0; shift ;;
    *) break ;;
  esac
done
export WAREHOUSE_TEST_DATA="${WAREHOUSE_TEST_DATA:-$PWD/../shared/data}" MSBUILDDISABLENODEREUSE=1
tree=artifacts/planted
if [ ! -d "$tree/.git" ]; then rm -rf "$tree"; git clone -q . "$tree" || exit 5; fi
git -C "$tree" fetch -q origin HEAD && git -C "$tree" reset -q --hard FETCH_HEAD || exit 5
commit=$(git -C "$tree" rev-parse --short HEAD)
machine=$(awk -F': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)
most=1200 # seconds that a run may take: some bugs make tests wait

# Runs tests of the clone and prints the classes of those that failed, the build or the time for want of them, or nothing.
failed() {
  local constants=$1 filter=$2 outcome=0 classes
  rm -rf "$tree/artifacts/test-results"
  : >artifacts/planted.log
  # A session of its own, so that all of it can be stopped at the first failure: xUnit stops that assembly, not the other ones.
  WAREHOUSE_PLANTED=$constants setsid timeout -k 10 "$most" bash -c 'cd "$0" && exec ./test.sh "$1" -- xUnit.StopOnFail=true' "$tree" "$filter" >artifacts/planted.log 2>&1 &
  local run=$!
  while kill -0 "$run" 2>/dev/null; do
    if grep -q '^\[xUnit.*\[FAIL\]$' artifacts/planted.log; then
      sleep 2
      kill -TERM -- "-$run" 2>/dev/null
      break
    fi
    sleep 1
  done
  wait "$run" || outcome=$?
  [ "$outcome" != 0 ] || return 0
  # From what is printed: a run that is stopped may end before its last failure is in the result file.
  classes=$(sed -nE 's/^(\[xUnit\.net [0-9:.]+\])? +(Failed )?Warehouse\.(Server\.Tests|Tests|Units)\.([A-Za-z0-9_.]+)\.[A-Za-z0-9_]+(\(.*\))? \[(FAIL|[0-9<].*)\]$/\4/p' artifacts/planted.log | sort -u | paste -sd ' ')
  if [ -n "$classes" ]; then echo "$classes"
  elif grep -q 'the build failed' artifacts/planted.log; then echo 'build'
  elif [ "$outcome" = 124 ]; then echo "none in $most s"
  else
    echo "exit $outcome"
    tail -n 5 artifacts/planted.log >&2
  fi
}

row() { printf '%s\n' "$1" | tee -a "$page"; }
if [ ! -s "$page" ]; then
  row '# Planted bugs'
  row ''
  row 'Written by tests/planted.sh, which says how. "First" is what failed before the run of the whole suite was stopped, "named" the harness that has to fail.'
  row ''
  row '| bug | what it does | first | named | caught | commit | machine | day |'
  row '|---|---|---|---|---|---|---|---|'
fi
outcome=0
if [ "${1:-(none)}" = '(none)' ] && [ "$whole" = 1 ]; then
  first=$(failed '' 'FullyQualifiedName~Warehouse')
  row "| (none) | the suite as it is | ${first:-nothing} | | $([ -z "$first" ] && echo 'nothing, as it must' || echo '**fails without a bug**') | $commit | $machine | $(date -u +%F) |"
  [ -z "$first" ] || exit 1
fi
while IFS=$'\t' read -r name harness words; do
  [ -n "$name" ] && [ "$name" != bug ] || continue
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
  constants=PLANTED_${name//+/;PLANTED_} first='' caught=no
  if [ "$whole" = 1 ]; then first=$(failed "$constants" 'FullyQualifiedName~Warehouse'); fi
  if [[ " $first " == *"$harness "* ]]; then caught=yes
  elif [ "$whole" = 0 ] || [ -n "$first" ]; then
    named=$(failed "$constants" "FullyQualifiedName~$harness")
    [[ " $named " == *"$harness "* ]] && caught=yes || caught="no (${named:-passed})"
  fi
  [ "$caught" = yes ] || outcome=1
  [ "$whole" = 1 ] || first='not run'
  row "| $name | $words | ${first:-nothing} | $harness | $caught | $commit | $machine | $(date -u +%F) |"
done <tests/planted.tsv
exit $outcome

#!/usr/bin/env bash
# Builds everything and runs every test. The last line is "N passed, N failed, N skipped".
#   ./test.sh                      all tests
#   ./test.sh 'FullyQualifiedName~Tests.House' [more arguments of dotnet test]
# Where root can make one, the tests run in a network namespace that has a loopback interface and no way out (C28); elsewhere with this
# machine's network, and it says so. Exit 0 only when at least one test ran and none failed. WAREHOUSE_TEST_DATA names the data folder (default
# ../shared/data); with WAREHOUSE_REQUIRE_DATA=1 a test whose data or foreign program is missing fails instead of skipping.
set -u -o pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 5
./setup.sh test || exit
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 TZ=UTC
export WAREHOUSE_TEST_DATA="${WAREHOUSE_TEST_DATA:-$PWD/../shared/data}"

mkdir -p artifacts
# The lock is shared with ./warehouse. The compiler server outlives the build, so it must not inherit it (9>&-).
exec 9>artifacts/build.lock && flock 9
if ! dotnet build Warehouse.sln -c Release -p:RestoreLockedMode=true -nologo -v quiet --tl:off </dev/null >artifacts/build.log 2>&1 9>&-; then
  cat artifacts/build.log >&2
  echo "the build failed: no test ran" >&2
  echo "0 passed, 1 failed, 0 skipped"
  exit 1
fi
exec 9>&-

results=artifacts/test-results
rm -rf "$results"
arguments=()
if [ $# -gt 0 ]; then arguments=(--filter "$1" "${@:2}"); fi

# Nothing is installed or restored from here on. A server of an earlier build listens on a file, which namespaces do not part: a test that it began would run outside.
apart=()
export PATH="$PATH:/usr/sbin:/sbin" MSBUILDDISABLENODEREUSE=1
if [ "$(id -u)" = 0 ] && unshare --net ip link set lo up 2>/dev/null; then
  export WAREHOUSE_OFFLINE=1
  apart=(unshare --net bash -c 'ip link set lo up && exec "$@"' offline)
  echo "the tests run without a network (C28)"
else
  echo "the tests run with this machine's network: a namespace without one needs root, unshare and ip" >&2
fi
"${apart[@]}" dotnet test Warehouse.sln -c Release --no-build --nologo --logger trx --logger 'console;verbosity=minimal' \
  --results-directory "$results" "${arguments[@]}" </dev/null
outcome=$?

# Counted from the result files, one per test project. A test of the log is one <UnitTestResult> element.
shopt -s nullglob
files=("$results"/*.trx)
passed=0 failed=0 skipped=0
if [ ${#files[@]} -gt 0 ]; then
  read -r passed failed skipped < <(awk '
    /<UnitTestResult / {
      if (/ outcome="Passed"/) passed++; else if (/ outcome="NotExecuted"/) skipped++; else failed++
    }
    END { print passed + 0, failed + 0, skipped + 0 }' "${files[@]}")
fi
if [ "$skipped" -gt 0 ]; then
  echo "skipped because:"
  awk '/<UnitTestResult / { inside = / outcome="NotExecuted"/ } /<\/UnitTestResult>/ { inside = 0 }
    inside && match($0, /<Message>[^<]*/) {
      text = substr($0, RSTART + 9, RLENGTH - 9); gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&amp;/, "\\&", text); reasons[text]++ }
    END { for (text in reasons) printf "%6d  %s\n", reasons[text], text }' "${files[@]}" | sort -rn
fi
# A test host that dies leaves no result for what it was running: the exit code tells, so it counts as a failure.
if [ "$outcome" != 0 ] && [ "$failed" = 0 ]; then
  echo "dotnet test ended with exit code $outcome although no test is recorded as failed" >&2
  failed=1
fi
if [ $((passed + failed)) = 0 ]; then echo "no test ran" >&2; fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

#!/usr/bin/env bash
# Checks for what this project needs on a Debian machine and installs what is missing.
#   ./setup.sh run     what ./warehouse needs: the .NET 10 SDK, the libraries of it and of the program, certificates
#   ./setup.sh test    the same and the foreign programs that ./test.sh compares with
#   ./setup.sh bench   the same as test and the further peers of bench/peers/run.sh
#   ./setup.sh mutation  the same as run, python3, and the tool of tests/mutation.sh (pinned in .config/dotnet-tools.json)
# Silent when nothing is missing. Exit 0: all there. Exit 5: something is missing and could not be installed;
# the line to run by hand is on standard error. Nothing is downloaded when nothing is missing.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
log="$root/artifacts/setup.log"
shopt -s nullglob

say() { printf 'setup: %s\n' "$*" >&2; }

# A shared library is looked for by file, which costs microseconds; dpkg-query costs 20 ms each.
has_library() {
  # shellcheck disable=SC2206  # the argument may hold a wildcard
  local found=(/usr/lib/*/$1 /lib/*/$1 /usr/lib64/$1 /usr/lib/$1)
  [ ${#found[@]} -gt 0 ]
}
has_program() { command -v "$1" >/dev/null 2>&1; }

check_sdk() {
  if ! has_program dotnet; then
    say "the .NET 10 SDK is missing: 'dotnet' is not on PATH."
    say "get it from https://dotnet.microsoft.com/download/dotnet/10.0 and put its folder on PATH, then run this again."
    exit 5
  fi
  local sdks version
  version=$(cd "$root" && dotnet --version 2>/dev/null) || version=""
  case $version in
    10.*) ;;
    *)
      sdks=$(dotnet --list-sdks 2>/dev/null | cut -d' ' -f1 | paste -sd' ')
      say "this project needs a .NET 10 SDK; dotnet on PATH has: ${sdks:-none}."
      say "get it from https://dotnet.microsoft.com/download/dotnet/10.0 and put its folder on PATH, then run this again."
      exit 5
      ;;
  esac
}

# Fills the array "missing" with Debian packages.
find_missing_for_run() {
  has_library 'libicuuc.so.*' || missing+=(libicu72) # the SDK itself does not start without it
  has_library libssl.so.3 || missing+=(libssl3) # its encryption; a minimal Debian has none
  # Packages come over https: without authorities a first build trusts no server.
  [ -n "${SSL_CERT_FILE:-}${SSL_CERT_DIR:-}" ] || [ -s /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
  has_library libz.so.1 || missing+=(zlib1g)
  has_library libzstd.so.1 || missing+=(libzstd1)
  has_library libsodium.so.23 || missing+=(libsodium23)
  has_library libsqlite3.so.0 || missing+=(libsqlite3-0)
}

find_missing_for_test() {
  local program
  for program in bcftools plink2 samtools tabix python3 strace openssl; do
    has_program "$program" || missing+=("$program")
  done
  PATH="$PATH:/usr/sbin:/sbin" has_program ip || missing+=(iproute2) # the loopback interface of a network namespace
  has_program node || missing+=(nodejs)
  has_program npm || missing+=(npm)
  # Other implementations of gRPC; of Debian's own python3, whatever comes first on PATH.
  [ -d /usr/lib/python3/dist-packages/grpc ] || missing+=(python3-grpcio)
  [ -d /usr/lib/python3/dist-packages/google/protobuf ] || missing+=(python3-protobuf)
  [ -d /usr/lib/python3/dist-packages/cryptography ] || missing+=(python3-cryptography) # its proofs of possession
  [ -d /usr/lib/python3/dist-packages/aiosmtpd ] || missing+=(python3-aiosmtpd) # a mail relay
  [ -d /usr/lib/python3/dist-packages/prometheus_client ] || missing+=(python3-prometheus-client) # its reader of a page of figures
  has_program go || missing+=(golang-go)
  [ -d /usr/share/gocode/src/google.golang.org/grpc ] || missing+=(golang-google-grpc-dev)
  has_program mypy || missing+=(mypy) # the types of the client for Python
  # A directory of people and groups; with it comes the library that the server asks directories by. Debian's path of root does not always hold it.
  [ -x /usr/sbin/slapd ] || missing+=(slapd)
  # The reference implementation of signed notes and logs, for the audit log. Go is 450 MB installed, the library half a megabyte.
  [ -d /usr/share/gocode/src/golang.org/x/mod/sumdb ] || missing+=(golang-golang-x-mod-dev)
}

find_missing_for_bench() {
  local program module
  for program in vcftools vcfanno sqlite3 valgrind; do
    has_program "$program" || missing+=("$program")
  done
  # Debian's own python3, whatever comes first on PATH.
  for module in zarr numcodecs numpy; do
    [ -d "/usr/lib/python3/dist-packages/$module" ] || missing+=("python3-$module")
  done
}

install_missing() {
  [ ${#missing[@]} -gt 0 ] || return 0
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    if has_program sudo && sudo -n true 2>/dev/null; then as_root=(sudo -n); else refuse "no right to install"; fi
  fi
  has_program apt-get || refuse "apt-get is not here"
  mkdir -p "$root/artifacts"
  say "installing ${missing[*]} (log: artifacts/setup.log)"
  local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}")
  # A fresh machine has no package lists: the first try fails there, and only then are they fetched.
  "${install[@]}" >>"$log" 2>&1 </dev/null ||
    { "${as_root[@]}" apt-get update >>"$log" 2>&1 </dev/null && "${install[@]}" >>"$log" 2>&1 </dev/null; } ||
    refuse "apt-get failed, see artifacts/setup.log"
}

refuse() {
  say "missing: ${missing[*]} ($1). Run this line, then try again:"
  printf 'sudo apt-get update && sudo apt-get install -y --no-install-recommends %s\n' "${missing[*]}" >&2
  exit 5
}

# JavaScript peers, pinned by hash in the lock file; installed again only when that file changed.
install_node_packages() {
  local folder="$root/$1" how=${2:-ci}
  [ -f "$folder/package-lock.json" ] || return 0
  cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed-lock.json" && return 0
  mkdir -p "$root/artifacts"
  say "installing the JavaScript peers of $1 (log: artifacts/setup.log)"
  if ! (cd "$folder" && npm $how --no-audit --no-fund >>"$log" 2>&1 </dev/null); then
    say "npm $how failed in $1, see artifacts/setup.log. Run this line, then try again:"
    printf '(cd %s && npm %s)\n' "$1" "$how" >&2
    exit 5
  fi
  mkdir -p "$folder/node_modules"
  cp "$folder/package-lock.json" "$folder/node_modules/.installed-lock.json"
}

# Its restore is a second's look when the tool is there.
restore_mutation_tool() {
  mkdir -p "$root/artifacts"
  (cd "$root" && dotnet tool restore >>"$log" 2>&1 </dev/null) && return 0
  say "the tool of tests/mutation.sh could not be restored, see artifacts/setup.log. Run this line, then try again:"
  printf '(cd %s && dotnet tool restore)\n' "$root" >&2
  exit 5
}

# The peer in Go, from Debian's sources; built again only when it changed.
build_go_peer() {
  local source=tests/interop/rpc/go program="$root/artifacts/interop/grpc-go"
  [ "$program" -nt "$root/$source/main.go" ] && return 0
  mkdir -p "$root/artifacts/interop"
  say "building the Go peer of $source (log: artifacts/setup.log)"
  local build=(env GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS= GOCACHE="$root/artifacts/interop/go-cache" go build -o "$program" "./$source")
  if ! (cd "$root" && "${build[@]}" >>"$log" 2>&1 </dev/null); then
    say "go build failed in $source, see artifacts/setup.log. Run this line, then try again:"
    printf '(cd %s && %s)\n' "$root" "${build[*]}" >&2
    exit 5
  fi
}

missing=()
case "${1:-}" in
  run) find_missing_for_run; install_missing; check_sdk ;;
  test) find_missing_for_run; find_missing_for_test; install_missing; check_sdk; install_node_packages tests/interop; build_go_peer ;;
  mutation)
    find_missing_for_run; has_program python3 || missing+=(python3)
    install_missing; check_sdk; restore_mutation_tool
    ;;
  bench)
    find_missing_for_run; find_missing_for_test; find_missing_for_bench; install_missing; check_sdk
    # "ci" wants builds for all other systems in the lock file, and not every registry has those; hashes are checked here too.
    install_node_packages tests/interop; install_node_packages bench/peers "install --no-save"; build_go_peer
    ;;
  *) say "usage: setup.sh run|test|bench|mutation"; exit 2 ;;
esac

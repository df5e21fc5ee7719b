#!/usr/bin/env bash
# A walk through the program on a simulated cohort; started by "./warehouse demo". Each command is printed before its
# output and can be repeated by hand. Ends with a failure as soon as one command does not do what it should.
#   ./warehouse demo [FOLDER]    keeps the files in FOLDER; without it they go to a temporary folder that is removed
set -u -o pipefail
program=${WAREHOUSE:?run this as: ./warehouse demo}
rows=10

if [ $# -gt 0 ]; then
  mkdir -p "$1" && cd "$1" || exit 5
  if [ -n "$(ls -A)" ]; then echo "demo: $1 is not empty" >&2; exit 2; fi
else
  folder=$(mktemp -d) || exit 5
  trap 'rm -rf "$folder"' EXIT
  cd "$folder" || exit 5
fi

explain() { printf '\n# %s\n' "$*"; }

# run EXIT COMMAND...: prints a command, its output (the first rows of it) and checks its exit code.
run() {
  local expected=$1 status
  shift
  local argument line='$ warehouse'
  for argument in "$@"; do
    case $argument in *[!A-Za-z0-9_./:=,@+-]*) line+=" '$argument'" ;; *) line+=" $argument" ;; esac
  done
  printf '%s\n' "$line"
  "$program" "$@" >.output
  status=$?
  head -n $((rows + 1)) .output
  local more=$(($(wc -l <.output) - rows - 1))
  rm -f .output
  if [ "$more" -gt 0 ]; then echo "... $more more lines"; fi
  if [ "$status" != "$expected" ]; then
    echo "demo: exit $status where $expected was expected" >&2
    exit "$((status == 0 ? 1 : status))"
  fi
}

explain "A cohort of 200 people: no file of a real person is shipped, so one is made (same seed, same bytes)."
run 0 simulate data --samples 200 --variants 5000 --seed 7 --clinvar 2024

explain "A store is a folder; its keys lie beside it, never in it."
run 0 init store --assembly GRCh37 --reference data/reference.fa

explain "One ingest is one commit: all of it is there, or nothing."
run 0 ingest store data/cohort.vcf.gz --samples data/samples.tsv

explain "How frequent is each variant?"
run 0 freq store --min-ac 1 --format tsv

# The first single-base variant carried by someone, spelled as a lab report would, and the same position with a base
# that nobody has there: its row is called in the cohort, so the answer is a "no" with a number of people behind it.
read -r seen unseen < <("$program" freq store --min-ac 1 --format tsv | awk -F'\t' '
  NR > 1 && length($3) == 1 && length($4) == 1 {
    place = $1 "-" $2 "-" $3 "-"; alleles[place] = alleles[place] $4; if (first == "") { first = place; alt = $4 } }
  END { n = split("A C G T", base, " ")
    for (i = 1; i <= n; i++) if (index(substr(first, length(first) - 1) alleles[first], base[i]) == 0) other = base[i]
    if (first != "") print first alt, first other }')
if [ -z "$seen" ]; then echo "demo: freq listed no single-base variant" >&2; exit 1; fi
explain "Have we seen this variant? (exit code 0: yes)"
run 0 seen store "$seen"
explain "And one that nobody carries: was it absent, or did nobody look? (exit code 1: not seen, and everybody was looked at)"
run 1 seen store "$unseen"

explain "A named cohort, chosen by the sample sheet, and figures per ancestry."
run 0 cohort set store women --where 'sex == "XX"'
run 0 freq store --cohort women --by ancestry --region "${seen%%-*}" --min-ac 1 --format tsv

explain "What is in the store, and is every byte of it as it was written?"
run 0 info store
run 0 verify store

explain "ClinVar changes its mind, and whoever cares for a patient must hear of it. Who cares for whom: here, you for everybody."
awk -F'\t' -v me="local:$(id -un)" '
  NR == 1 { for (i = 1; i <= NF; i++) if ($i == "person" || ($i == "sample" && !column)) column = i; print "person\tresponsible\tdeputies"; next }
  !seen[$column]++ { print $column "\t" me "\t" }' data/samples.tsv >care.tsv
run 0 care import store care.tsv
run 0 watch add store everybody --least critical
run 0 clinvar load store data/clinvar-1.vcf.gz --release 2024-01-07
run 0 alerts run store

explain "The next release is kept without letting it hold yet: how many alerts would it raise?"
run 0 clinvar load store data/clinvar-2.vcf.gz --release 2024-02-04 --hold
run 0 clinvar preview store 2024-02-04
run 0 clinvar accept store 2024-02-04 --accept-unrecognised 10
run 0 alerts run store

explain "Your inbox. An alert stays open, and goes further, until somebody to whom it was shown acknowledges it."
run 0 alerts list store --format tsv
run 0 alerts ack store "$("$program" alerts list store --format tsv | awk 'NR == 2 { print $1 }')" --reason "recontacted"

explain "That is all. Try: ./warehouse --help"

"""Writes tests/mutation-results.md from the results of tests/mutation.sh; called by it, in the root of the project."""
import collections
import glob
import json
import os
import sys

LEAST_SCORE = 85.0
RESULTS, REASONS, PAGE = "artifacts/mutation", "tests/mutation/reasons.tsv", "tests/mutation-results.md"
NOTICED, MISSED = ("Killed", "Timeout"), ("Survived", "NoCoverage")


def plain(text):
    """On one line, spaces as one, short enough for a table."""
    return " ".join(text.split())[:160]


def reasons():
    """Lines: file, source line or *, kind of change or *, replacement or *, reason. The first that fits holds."""
    with open(REASONS, encoding="utf-8") as lines:
        return [line.rstrip("\n").split("\t") for line in lines if line.strip() and not line.startswith("#")]


def mutants_of(part):
    """File, status, source line, kind and replacement of each change that counts."""
    with open(f"{RESULTS}/{part}.json", encoding="utf-8") as report:
        files = json.load(report)["files"]
    for path, file in sorted(files.items()):
        name, source = path[path.rindex("engine/"):], file["source"].split("\n")
        for mutant in file["mutants"]:
            line = source[mutant["location"]["start"]["line"] - 1]
            # A planted fault is a constant false outside of the runs that plant it.
            if mutant["status"] in NOTICED + MISSED and "Planted." not in line:
                yield name, mutant["status"], plain(line), mutant["mutatorName"].replace(" mutation", ""), plain(mutant["replacement"])


def score(count):
    noticed, missed = sum(count[s] for s in NOTICED), sum(count[s] for s in MISSED)
    return 100.0 * noticed / max(1, noticed + missed)


def row(name, count):
    total = sum(count[s] for s in NOTICED + MISSED)
    return f"| {name} | {total} | {count['Killed']} | {count['Timeout']} | {count['Survived']} | {count['NoCoverage']} | {score(count):.1f} % |"


def main(machine, judged):
    known, missing, unjudged = reasons(), [], []
    total, survivors, lines, summary, further = collections.Counter(), collections.defaultdict(list), [], [], []
    for part in sorted(os.path.basename(p)[:-5] for p in glob.glob("tests/mutation/*.json")):
        if not os.path.exists(f"{RESULTS}/{part}.json"):
            (missing if part in judged else unjudged).append(part)
            continue
        with open(f"{RESULTS}/{part}.run", encoding="utf-8") as run:
            commit, day, minutes = run.read().split()
        counts, whole = {}, collections.Counter()
        for name, status, line, kind, replacement in mutants_of(part):
            counts.setdefault(name, collections.Counter())[status] += 1
            if status in MISSED:
                fits = (r[4] for r in known if r[0] == name and r[1] in ("*", line) and r[2] in ("*", kind) and r[3] in ("*", replacement))
                survivors[(name, next(fits, "NOT LOOKED AT"))].append((line, kind, replacement, status))
        for count in counts.values():
            whole.update(count)
        if part in judged:
            total.update(whole)
        (summary if part in judged else further).append(row(part if part in judged else part + ", not judged", whole))
        lines += [f"## {part}", "", f"Commit {commit}, {day}, {minutes} minutes.", "", "| file | changes | killed | timed out | survived | not reached | score |", "|---|---|---|---|---|---|---|"]
        lines += [row(name, count) for name, count in sorted(counts.items())] + [row("all", whole), ""]
    head = ["# What the units notice", "",
            "Written by tests/mutation.sh, which says what this is. A change counts as noticed when a test fails or no longer ends; changes that do not compile, changes of texts and those inside assertions do not count.", "",
            f"Machine: {machine}. The score of all has to be above {LEAST_SCORE:.0f} %. Not run: {', '.join(missing) or 'nothing'}; of the parts that are not judged: {', '.join(unjudged) or 'nothing'}.", "",
            "| part | changes | killed | timed out | survived | not reached | score |", "|---|---|---|---|---|---|---|", *summary, row("all", total), *further, ""]
    tail = ["## Survivors", ""]
    for (name, reason), found in sorted(survivors.items(), key=lambda s: (s[0][1] != "NOT LOOKED AT", s[0])):
        tail += [f"{name}: {reason} ({len(found)})", ""] + [f"- `{line}`: {kind.lower()}, `{replacement}`{' (not reached)' if status == 'NoCoverage' else ''}" for line, kind, replacement, status in found] + [""]
    with open(PAGE, "w", encoding="utf-8") as page:
        page.write("\n".join(head + lines + tail).rstrip("\n") + "\n")
    unseen = sum(len(found) for (_, reason), found in survivors.items() if reason == "NOT LOOKED AT")
    print(f"{sum(total.values())} changes, {score(total):.1f} % noticed, {unseen} survivors not looked at; not run: {', '.join(missing) or 'nothing'}")
    return 0 if score(total) > LEAST_SCORE and not missing else 1


sys.exit(main(sys.argv[1], sys.argv[2:]))

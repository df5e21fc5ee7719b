"""Rows of the page of results, the page, and the README's table that is made from it."""

import dataclasses
import re

from measure import Figures

BEGIN, END = "<!-- bench/peers/run.sh writes from here -->", "<!-- to here -->"
FACTOR = {"s": 1, "ms": 1e3, "us": 1e6}


@dataclasses.dataclass
class Peer:
    """Another program's figures of a row, or a quotation."""

    name: str
    figures: Figures = None
    wall: Figures = None
    quoted: str = ""


@dataclasses.dataclass
class Row:
    """One piece of work: ours, and what others need for it. Values are in `unit` already."""

    work: str
    unit: str
    ours: Figures = None
    wall: Figures = None
    reach: float = None
    at_least: bool = False
    peers: list = dataclasses.field(default_factory=list)
    same: str = ""
    failed: str = ""

    @property
    def met(self):
        if self.failed or self.ours is None or self.reach is None:
            return None
        return self.ours.median >= self.reach if self.at_least else self.ours.median <= self.reach

    @property
    def verdict(self):
        if self.failed:
            return "failed"
        return {None: "", True: "met", False: "missed"}[self.met]

    @property
    def strongest(self):
        measured = [peer for peer in self.peers if peer.figures]
        return min(measured, key=lambda peer: peer.figures.median) if measured else None


def number(value):
    """Three significant digits, no exponent."""
    if value == 0:
        return "0"
    magnitude = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:,.{max(0, 3 - magnitude)}f}" if magnitude else f"{value:.3g}" if value >= 1e-4 else f"{value:.1e}"


def spread(figures):
    return f"{number(min(figures.values))}-{number(max(figures.values))}, {len(figures.values)}x"


def reach(row):
    return "" if row.reach is None else f"{'at least ' if row.at_least else ''}{number(row.reach)} {row.unit}"


def lines_of(row):
    """The lines of a row in the page: one for each peer."""
    if row.failed:
        return [f"| {row.work} | **failed**: {row.failed} | | | {reach(row)} | failed | | | | |"]
    ours = f"{row.work} | {number(row.ours.median)} {row.unit} | {spread(row.ours)} | {number(row.wall.median) if row.wall else ''} | {reach(row)} | {row.verdict}"
    result = []
    for peer in row.peers or [Peer("")]:
        if peer.quoted:
            theirs = f"{peer.name} (quoted) | {peer.quoted} | | "
        elif peer.figures:
            ratio = peer.figures.median / row.ours.median if row.ours.median else 0
            theirs = f"{peer.name} | {number(peer.figures.median)} {row.unit} | {spread(peer.figures)} | {number(ratio)}"
        else:
            theirs = f"{peer.name} | | | "
        result.append(f"| {ours} | {theirs} |")
        ours = " | | | | | "
    return result


def page(head, sections):
    """The whole page: what was run where, then a table for each section, then what was equal."""
    text = ["# Beside peers", "", *head, ""]
    for title, about, rows in sections:
        text += [f"## {title}", *([about] if about else []), "",
                 "| work | ours | spread | wall | reach | | peer | theirs | spread | theirs / ours |", "|---|---|---|---|---|---|---|---|---|---|"]
        for row in rows:
            text += lines_of(row)
        same = [row for row in rows if row.same]
        if same:
            text += ["", "Compared before the rows were written:", *(f"- {row.work}: {row.same}" for row in same)]
        text.append("")
    every = [row for _, _, rows in sections for row in rows]
    text += ["## In short", "", *short_table(every), "", tally(every)]
    return "\n".join(text) + "\n"


def short_table(rows):
    """What the README shows: ours, the strongest peer that ran, the target."""
    text = ["| work | ours | reach | | strongest peer that ran | theirs / ours |", "|---|---|---|---|---|---|"]
    for row in rows:
        if row.failed:
            text.append(f"| {row.work} | failed | {reach(row)} | failed | | |")
            continue
        best = row.strongest
        theirs = f"{best.name} {number(best.figures.median)} {row.unit} | {number(best.figures.median / row.ours.median) if row.ours.median else ''}" if best else "| "
        quoted = "".join(f"; {peer.name} {peer.quoted} (quoted)" for peer in row.peers if peer.quoted)
        theirs = theirs.replace(" |", f"{quoted} |", 1) if best else f"{quoted[2:]} | "
        text.append(f"| {row.work} | {number(row.ours.median)} {row.unit} | {reach(row)} | {row.verdict} | {theirs} |")
    return text


def tally(rows):
    counts = {word: sum(1 for row in rows if row.verdict == word) for word in ("met", "missed", "failed")}
    return f"Targets: {counts['met']} met, {counts['missed']} missed; {counts['failed']} rows failed."


def short_of(text):
    """The part of the page that the README repeats."""
    return text.split("## In short\n\n", 1)[1].rstrip("\n")


def write_readme(path, text):
    """Puts the short table between the two markers of the README."""
    with open(path, encoding="utf-8") as file:
        readme = file.read()
    block = f"{BEGIN}\n{short_of(text)}\n{END}"
    changed, times = re.subn(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: block, readme, flags=re.S)
    if times != 1:
        raise SystemExit("bench: README.md does not have the two markers once")
    with open(path, "w", encoding="utf-8") as file:
        file.write(changed)

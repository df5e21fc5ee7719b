"""Exact look-ups by primary key in SQLite: every allele of a VCF of sites, one statement each, in process.

usage: sqlite_points.py DATABASE QUERIES.vcf.gz RUNS   prints: points, median, least and most CPU ms of all, "hits copies"
"""

import gzip
import sqlite3
import statistics
import sys
import time

with gzip.open(sys.argv[2], "rt") as lines:
    asked = [(cells[0], int(cells[1]), cells[3], cells[4]) for cells in (line.split("\t") for line in lines if line[0] != "#")]
cursor = sqlite3.connect(sys.argv[1]).cursor()
spent, hits, copies = [], 0, 0
for turn in range(int(sys.argv[3]) + 1):
    hits = copies = 0
    start = time.process_time()
    for key in asked:
        row = cursor.execute("select ac, an, n_hom_alt, carriers from site where contig = ? and pos = ? and ref = ? and alt = ?", key).fetchone()
        if row and row[0]:
            hits += 1
            copies += row[0]
    if turn:  # the first warms
        spent.append((time.process_time() - start) * 1e3)
print("points", statistics.median(spent), min(spent), max(spent), f"{hits} {copies}", sep="\t")

"""Reads a page of figures as the client library of Prometheus reads it, and prints what is on it.

    prometheus.py FILE        prints a JSON line for each family: [name, type, help, [[sample, labels, value], ...]]
"""
import json
import sys

from prometheus_client.parser import text_string_to_metric_families

with open(sys.argv[1], encoding="utf-8") as file:
    page = file.read()
for family in text_string_to_metric_families(page):
    print(json.dumps([family.name, family.type, family.documentation, [[s.name, s.labels, s.value] for s in family.samples]]))

"""Against a server: WAREHOUSE_SERVER, WAREHOUSE_CREDENTIALS, and in WAREHOUSE_EXPECTED a folder with what the store itself answers, as JSON."""
import datetime
import io
import json
import os
import random
import tempfile
import threading
import unittest

import grpc

import warehouse
from warehouse.v1 import ingest_pb2

BED = "format bed\nfield GENE text from 4 terms gene\n"


def expected(name):
    with open(os.path.join(os.environ["WAREHOUSE_EXPECTED"], name + ".json"), encoding="utf-8") as stream:
        return json.load(stream)


class ServerTests(unittest.TestCase):
    def setUp(self):
        self.lab = warehouse.connect(purpose="treatment")
        self.addCleanup(self.lab.close)

    def test_frequencies_are_those_of_the_store(self):
        answer = self.lab.freq()
        rows = answer.rows()
        wanted = expected("freq")
        self.assertTrue(answer.end.completeness.is_whole)
        self.assertEqual(answer.end.rows, len(rows))
        self.assertEqual(len(wanted), len(rows))
        for row, want in zip(rows, wanted):
            self.assertEqual({k: v for k, v in want.items() if k not in ("af", "faf95")}, {k: v for k, v in row.items() if k not in ("af", "faf95")})
            self.assertEqual(want["af"] is None, row["af"] is None)
            self.assertAlmostEqual(want["af"] or 0, row["af"] or 0, places=5)

    def test_alerts_are_shown_and_then_acknowledged(self):
        (alert,) = self.lab.inbox()
        self.assertEqual((os.environ["WAREHOUSE_ALERT"], 1), (alert.allele, len(alert.samples)))
        with self.assertRaises(warehouse.WarehouseError) as refused:
            self.lab.acknowledge(["0" * 20], "nothing")
        self.assertEqual("alert-unknown", refused.exception.rule)
        (course,) = self.lab.acknowledge([alert.id], "recontacted")
        self.assertTrue(course.HasField("closed"))
        self.assertEqual([], self.lab.inbox())
        self.assertEqual(["recontacted"], [a.reason for a in self.lab.inbox(closed=True)])

    def test_seen_has_three_answers(self):
        wanted = expected("seen")
        answers = list(self.lab.seen(w["query"] for w in wanted))
        kinds = {"seen": warehouse.Seen, "not seen": warehouse.NotSeen, "not assessable": warehouse.NotAssessable}
        self.assertEqual([(w["query"], kinds[w["answer"]]) for w in wanted], [(a.query, type(a)) for a in answers])
        self.assertEqual([w["ac"] for w in wanted if w["ac"] is not None], [a.message.figures.ac for a in answers if a.message.contig])
        self.assertTrue(answers[-1].reason)

    def test_carriers_are_those_of_the_store(self):
        wanted = expected("carriers")
        queries = list(dict.fromkeys(w["query"] for w in wanted))
        found = [(a.seen.query, c.sample, c.zygosity, c.genotype) for a in self.lab.carriers(queries) for c in a.carriers]
        self.assertEqual([(w["query"], w["sample"], w["zygosity"], w["gt"]) for w in wanted], found)

    def test_annotations_and_assessments_are_those_of_the_store(self):
        self.assertIn("panel", [r.source for r in self.lab.releases()])
        wanted = expected("annotated")
        answers = list(self.lab.seen([w["query"] for w in wanted], annotate=["panel"]))
        self.assertEqual([w["panel.NOTE"] for w in wanted], [a.annotations["panel.NOTE"] for a in answers])
        self.assertEqual([w["panel.N"] for w in wanted], [a.annotations["panel.N"] for a in answers])
        self.assertEqual([w["panel.NOTE"] for w in expected("annotated-freq")], [r["panel.NOTE"] for r in self.lab.freq(annotate=["panel.NOTE"]).rows()])
        said = self.lab.assessments(others=True)
        self.assertEqual([(w["assessment"], w["version"]) for w in expected("assessments")], [(a.id, a.version) for a in said.own])
        self.assertEqual(said.own, self.lab.assessment(said.own[0].id, history=True)[-1:])
        with self.assertRaises(TypeError):
            next(self.lab.seen(["22-1-A-C"], annotate="panel"))
        with self.assertRaises(warehouse.WarehouseError) as refused:
            self.lab.assessment(999)
        self.assertEqual("assess-unknown", refused.exception.rule)

    def test_a_release_is_loaded_once_or_refused_with_its_words(self):
        with self.steward() as lab:
            path, progress = self.written("".join(f"22\t{i}\t{i + 5}\tGENE{i}\n" for i in range(1000, 1500))), []
            loaded = lab.load_release(path, "genes", "2024-01-07", mapping=BED, progress=lambda *told: progress.append(told))
            self.assertEqual((True, True, "genes", "2024-01-07", 500), (loaded.is_new, loaded.is_newest, loaded.release.source, loaded.release.date, loaded.release.rows))
            self.assertEqual((False, 0, os.path.getsize(path)), progress[0])
            again = lab.load_release(path, "genes", datetime.date(2024, 1, 7), mapping=BED)
            self.assertEqual((False, loaded.release), (again.is_new, again.release))
            with self.assertRaises(warehouse.WarehouseError) as refused:
                lab.load_release(self.written("22\t1000\t1200\tLEFT\n22\tfar\t4000\tRIGHT\n"), "genes", "2024-01-08", mapping=BED)
            self.assertEqual((grpc.StatusCode.INVALID_ARGUMENT, 2, refused.exception.fault.rule), (refused.exception.code, refused.exception.fault.line, refused.exception.rule))
            self.assertIn(refused.exception.fault.text, str(refused.exception))
        self.assertEqual(["2024-01-07"], [r.date for r in self.lab.releases() if r.source == "genes"])
        with self.assertRaises(warehouse.WarehouseError) as denied:
            self.lab.load_release(path, "genes", "2024-01-09", mapping=BED)
        self.assertEqual((grpc.StatusCode.PERMISSION_DENIED, None), (denied.exception.code, denied.exception.fault))

    def test_a_release_goes_on_where_a_program_was_stopped(self):
        path, progress = self.written("".join(f"22\t{i // 100}\t{i // 100 + 5}\tGENE{i}\n" for i in range(40_000))), []
        with self.steward() as lab, open(path, "rb") as file, io.BytesIO(BED.encode()) as mapping:
            batch = warehouse._batch([file, mapping], "places", "2024-01-07", False)
            batch.asking.CopyFrom(lab._ask(None))
            file.seek(0)
            first = file.read(200_000)
            goes_on = threading.Event()

            def half():
                yield ingest_pb2.UploadRequest(batch=batch)
                yield ingest_pb2.UploadRequest(bytes=ingest_pb2.FileBytes(data=first))
                goes_on.wait(60)

            stopped = lab._upload_release(half())
            self.addCleanup(goes_on.set)
            while next(stopped).status.received[0] < len(first):
                pass
            stopped.cancel()
            loaded = lab.load_release(path, "places", "2024-01-07", mapping=BED, progress=lambda *told: progress.append(told))
        self.assertEqual((True, 40_000), (loaded.is_new, loaded.release.rows))
        self.assertEqual((False, len(first), os.path.getsize(path)), progress[0])

    def steward(self):
        return warehouse.connect(credentials=os.environ["WAREHOUSE_STEWARD"])

    def written(self, text):
        """A file with a text."""
        with tempfile.NamedTemporaryFile("w", suffix=".bed", delete=False) as file:
            file.write(text)
        self.addCleanup(os.unlink, file.name)
        return file.name

    def test_whoever_is_refused_is_told_why(self):
        reasons = self.lab.explain()
        self.assertEqual(("answer", True), (reasons[-1].about, reasons[-1].holds))
        with warehouse.connect(purpose="research") as lab:
            verdict = lab.explain()[-1]
        self.assertEqual(("answer", False), (verdict.about, verdict.holds))
        self.assertIn("project", verdict.text)

    def test_a_refusal_names_its_rule(self):
        with self.assertRaises(warehouse.WarehouseError) as refused:
            self.lab.freq(cohort="nobody")
        self.assertEqual((grpc.StatusCode.NOT_FOUND, "unknown-cohort"), (refused.exception.code, refused.exception.rule))
        with self.assertRaises(warehouse.WarehouseError) as unknown:
            warehouse.connect(purpose="curiosity")
        self.assertEqual(grpc.StatusCode.INVALID_ARGUMENT, unknown.exception.code)
        with warehouse.connect(server="https://localhost:1") as nobody, self.assertRaises(warehouse.WarehouseError) as failed:
            list(nobody.seen(["22-1-A-C"]))
        self.assertEqual(grpc.StatusCode.UNAVAILABLE, failed.exception.code)

    def test_cut_streams_are_refused_and_damaged_ones_end_in_nothing_else(self):
        data = self.lab.freq(regions=[("22", 1000, 1400)]).arrow
        self.assertGreater(len(warehouse.arrow.rows(data)), 3)
        for length in range(0, len(data), 7):
            with self.assertRaises(ValueError):
                warehouse.arrow.rows(data[:length])
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        for _ in range(2000):
            changed = bytearray(data)
            for _ in range(chance.randrange(1, 4)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            try:
                warehouse.arrow.rows(bytes(changed))
            except ValueError:
                pass
            except Exception as other:  # what a reader of bytes from elsewhere must not do
                self.fail(f"seed {seed}: {other!r}")


if __name__ == "__main__":
    unittest.main()

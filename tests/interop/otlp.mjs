// Reads what was sent to a collector by the messages of OpenTelemetry's own JavaScript exporter.
//   node otlp.mjs KIND FILE [KIND FILE ...]       KIND is traces or metrics, FILE holds one request as it was sent
// Prints a JSON line for each span, ["span", resource, trace, id, parent, name, kind, status, attributes], and for each point of a metric,
// ["point", resource, metric, unit, type, attributes, value]; a value is a number, or count, sum and counts of the buckets. Exit 1: it is no such request.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

// The exporter does not show its messages to whoever imports it.
const require = createRequire(import.meta.url);
const { collector } = require('./node_modules/@opentelemetry/otlp-transformer/build/src/generated/root.js').opentelemetry.proto;
const requests = { traces: collector.trace.v1.ExportTraceServiceRequest, metrics: collector.metrics.v1.ExportMetricsServiceRequest };

const print = fields => console.log(JSON.stringify(fields));
const hex = bytes => Buffer.from(bytes).toString('hex');
const nanoseconds = time => BigInt(time.toString());

/** A value of an attribute; no other kinds are sent. */
function value({ stringValue, intValue, boolValue, doubleValue }) {
  const given = [stringValue, intValue, boolValue, doubleValue].filter(v => v !== null && v !== undefined);
  assert.equal(given.length, 1, 'a value is one of text, whole number, yes or no, and number');
  return String(given[0]);
}

function attributes(list) {
  const keys = list.map(a => a.key);
  assert.equal(new Set(keys).size, keys.length, 'a key stands once');
  assert.ok(keys.every(k => k.length > 0));
  return Object.fromEntries(list.map(a => [a.key, value(a.value)]));
}

function printSpan(resource, span) {
  assert.deepEqual([span.traceId.length, span.spanId.length], [16, 8]);
  assert.ok([0, 8].includes(span.parentSpanId?.length ?? 0));
  assert.ok(nanoseconds(span.startTimeUnixNano) > 0n && nanoseconds(span.endTimeUnixNano) >= nanoseconds(span.startTimeUnixNano), 'it ends after it began');
  assert.deepEqual([span.events.length, span.links.length, span.droppedAttributesCount ?? 0], [0, 0, 0]);
  print(['span', resource, hex(span.traceId), hex(span.spanId), hex(span.parentSpanId ?? []), span.name, span.kind, span.status?.code ?? 0, attributes(span.attributes)]);
}

function printMetric(resource, metric) {
  const types = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'].filter(t => metric[t]);
  assert.equal(types.length, 1, 'a metric is of one type');
  const [type] = types;
  if (type !== 'gauge') assert.equal(metric[type].aggregationTemporality, 2, 'it counts from the beginning');
  for (const point of metric[type].dataPoints) {
    assert.ok(nanoseconds(point.timeUnixNano) > 0n);
    if (type === 'histogram') {
      const counts = point.bucketCounts.map(Number);
      assert.equal(counts.length, point.explicitBounds.length + 1, 'there is a bucket more than bounds');
      assert.ok(point.explicitBounds.every((bound, i) => i === 0 || bound > point.explicitBounds[i - 1]), 'bounds ascend');
      assert.equal(counts.reduce((a, b) => a + b, 0), Number(point.count), 'each is in one bucket');
    }
    const number = type === 'histogram' ? [Number(point.count), point.sum, point.bucketCounts.map(Number)] : Number(point.asInt ?? point.asDouble);
    print(['point', resource, metric.name, metric.unit, type, attributes(point.attributes), number]);
  }
}

const files = process.argv.slice(2);
assert.ok(files.length > 0 && files.length % 2 === 0, 'name a kind and a file');
for (let i = 0; i < files.length; i += 2) {
  const [kind, bytes] = [files[i], readFileSync(files[i + 1])];
  const request = requests[kind].decode(bytes);
  for (const part of kind === 'traces' ? request.resourceSpans : request.resourceMetrics) {
    const resource = attributes(part.resource.attributes);
    if (kind === 'traces') for (const span of part.scopeSpans.flatMap(s => s.spans)) printSpan(resource, span);
    else for (const metric of part.scopeMetrics.flatMap(s => s.metrics)) printMetric(resource, metric);
  }
}

using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Running;
using Warehouse.Benchmarks;

// "quick [samples] [rows]" reads a stopwatch in seconds; "kernels FILE [STORE…]" writes the page of the kernels in minutes; the modes below say what
// they do; everything else goes to BenchmarkDotNet.
if (args is ["quick", .. var sizes])
{
    var benchmarks = new SampleSetsBenchmarks();
    if (sizes.Length > 0) benchmarks.SampleCount = int.Parse(sizes[0], System.Globalization.CultureInfo.InvariantCulture);
    if (sizes.Length > 1) benchmarks.RowCount = int.Parse(sizes[1], System.Globalization.CultureInfo.InvariantCulture);
    foreach (var line in benchmarks.Quick()) Console.WriteLine(line);
    return 0;
}
// "guard FOLDER" runs the paths whose instructions bench/guard.sh counts.
if (args is ["guard", var guarded])
{
    GuardPaths.Run(guarded);
    return 0;
}
// "points STORE QUERIES.vcf" looks single alleles up and takes one sample out.
if (args is ["points", var store, var queries]) return Points.Run(store, queries);
// "warm STORE [--tenth FILE] [--by COLUMN]" asks frequency questions of a store in one process.
if (args is ["warm", _, ..]) return Warm.Run(args[1..]);
if (args is ["kernels", var file, .. var stores])
{
    KernelReport.Write(file, stores);
    return 0;
}
// "sets STORE" times the plain form of the genotypes of a store.
if (args is ["sets", var plain])
{
    foreach (var line in SetsReading.Of(plain)) Console.WriteLine(line);
    return 0;
}
// "haplotypes STORE" times the packed form of the genotypes of a store.
if (args is ["haplotypes", var packed])
{
    foreach (var line in HaplotypeReading.Of(packed)) Console.WriteLine(line);
    return 0;
}
// "rpc FOLDER" makes calls over the loopback, to servers of ours and of the foreign programs in tests/interop/rpc; "rpc server" is ours.
if (args is ["rpc", _]) return await RpcCalls.RunAsync(args[1..]);
// "serve STORE TENTH FOLDER" asks servers of a store, each in a process of its own, over TLS; "serve server ..." is one.
if (args is ["serve", _, ..]) return await Served.RunAsync(args[1..]);
// "audit FOLDER KEYS [ENTRIES]" writes an audit log, a million entries unless told otherwise, and verifies it.
if (args is ["audit", var folder, var keys, .. var entries]) return AuditFigures.Run(folder, keys, entries.Length > 0 ? int.Parse(entries[0], System.Globalization.CultureInfo.InvariantCulture) : 1_000_000);
// "release FOLDER KEYS" judges and charges figures of cohorts, and reads the ledger again.
if (args is ["release", var ledger, var ledgerKeys]) return ReleaseFigures.Run(ledger, ledgerKeys);
// "events FOLDER [EVENTS]" writes an event log of assessments, a million events unless told otherwise, and reads it.
if (args is ["events", var eventFolder, .. var eventCount]) return EventFigures.Run(eventFolder, eventCount.Length > 0 ? int.Parse(eventCount[0], System.Globalization.CultureInfo.InvariantCulture) : 1_000_000);
// "alerts STORE RELEASE ALERTS" raises, shows and acknowledges alerts of a release that the store has; bench/alerts.sh makes the store.
if (args is ["alerts", var watched, var release, var alertCount]) return AlertFigures.Run(watched, release, int.Parse(alertCount, System.Globalization.CultureInfo.InvariantCulture));
BenchmarkSwitcher.FromAssembly(typeof(SampleSetsBenchmarks).Assembly).Run(args, DefaultConfig.Instance.AddColumn(new RateColumn()).AddFilter(new SimpleFilter(KernelReport.IsRunnable)));
return 0;

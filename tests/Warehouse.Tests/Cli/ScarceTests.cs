using System.Text.RegularExpressions;
using Warehouse.Engine.Manifests;
using Warehouse.Primitives;
using Warehouse.Tests.Export;
using Warehouse.Tests.Manifests;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>
/// F9: real processes that may open few files, get no memory from the kernel, or have a small heap. However one ends: what it said is right, a
/// file that it did not finish is not there, an exit code of 0 means done, and the store is whole. It says what it lacks and takes nothing for
/// damage. The runtime itself may end it by a signal where it cannot start or cannot grow; such an end is no answer.
/// </summary>
public sealed partial class ScarceTests : IClassFixture<ScarceTests.Stores>
{
    private const string Out = "OUT";

    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "warehouse.dll");

    private static readonly string[] Lines =
        ["ingest STORE b.vcf", "freq STORE -o OUT", "seen STORE 22-100-A-C 22-100-A-G", "export STORE --format vcf -o OUT", "compact STORE", "verify STORE"];

    private readonly Stores _stores;
    private int _cases, _died, _refused;

    public ScarceTests(Stores stores) => _stores = stores;

    [PeerFact("prlimit")]
    public void A_process_that_may_open_few_files_says_so()
    {
        foreach (var limit in (int[])[10, 36, 100, ProcessLimits.LeastOpenFiles - 1, ProcessLimits.LeastOpenFiles])
            foreach (var line in Lines)
            {
                var (exit, error) = Case(line, "prlimit", FormattableString.Invariant($"--nofile={limit}:{limit}"));
                if (limit >= 36) Assert.True(limit >= ProcessLimits.LeastOpenFiles ? exit == _stores.Healthy[line].Exit : exit == 5 && error.Contains("files may be open at once", StringComparison.Ordinal), $"{limit}, {line}: exit {exit}: {error}");
            }
        Assert.True(_refused >= 18, $"{_cases} cases, {_refused} refused, {_died} ended by the runtime");
    }

    /// <summary>The first file of the store, or a later one, cannot be opened, for a reason that lies in the process or the machine.</summary>
    [PeerFact("strace")]
    public void A_file_that_the_system_does_not_open_for_want_of_resources_is_not_damaged()
    {
        var chance = new Random(109);
        foreach (var line in Lines)
        {
            _stores.Fresh();
            Peer.Run("strace", ["-f", "--seccomp-bpf", "-qq", "-e", "trace=openat", "-o", _stores["trace"], "dotnet", Program, .. _stores.Words(line)]);
            var opens = File.ReadAllLines(_stores["trace"]).Where(l => l.Contains("openat(", StringComparison.Ordinal)).ToList();
            var first = opens.FindIndex(l => l.Contains(_stores["now"], StringComparison.Ordinal)) + 1;
            Assert.True(first > 1 && opens.Count - first > 10, $"{line}: {first} of {opens.Count}");
            foreach (var errno in (string[])["EMFILE", "ENFILE", "ENOMEM", "EMFILE"])
            {
                var at = chance.Next(first, opens.Count);
                Case(line, "strace", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=openat", "-e", FormattableString.Invariant($"inject=openat:error={errno}:when={at}{(chance.Next(2) == 0 ? "+" : "")}"));
            }
        }
        Assert.True(_refused >= 6, $"{_cases} cases, {_refused} refused, {_died} ended by the runtime");
    }

    /// <summary>Verify once called a file damaged, and ended with 3, when the process could not open it for want of a descriptor or of the right.</summary>
    [Theory]
    [InlineData(DurableException.TooManyFiles)]
    [InlineData(DurableException.TooManyFilesOfMachine)]
    [InlineData(DurableException.NoMemory)]
    [InlineData(DurableException.Denied)]
    public void Verify_that_lacks_a_resource_at_any_operation_calls_nothing_damaged(int errno)
    {
        var sim = SimStore.WithVersions(2);
        var first = sim.Machine.Operations;
        Assert.All(sim.Verify(), f => Assert.Equal(FindingKind.Surplus, f.Kind));
        var count = sim.Machine.Operations - first;
        Assert.InRange(count, 50, 1000);
        for (var at = 0L; at < count; at++)
        {
            sim.Machine.FailAt(sim.Machine.Operations + at, errno);
            Assert.Equal(errno, Assert.Throws<DurableException>(sim.Verify).Errno);
        }
        Assert.All(sim.Verify(), f => Assert.Equal(FindingKind.Surplus, f.Kind));
    }

    [PeerFact("env", "prlimit")]
    public void A_process_whose_memory_is_small_answers_right_or_not_at_all()
    {
        foreach (var kilobytes in (int[])[1000, 4200, 4800, 5500, 6500, 8000, 64000])
            foreach (var line in Lines)
            {
                var (exit, error) = Case(line, "env", FormattableString.Invariant($"DOTNET_GCHeapHardLimit={kilobytes * 1024L:x}"));
                if (kilobytes >= 64000) Assert.True(exit == _stores.Healthy[line].Exit, $"{kilobytes} KB, {line}: exit {exit}: {error}");
            }
        foreach (var megabytes in (int[])[300, 1000]) Case(Lines[0], "prlimit", FormattableString.Invariant($"--as={megabytes * 1048576L}"), "env", "DOTNET_GCHeapHardLimit=4000000");
        Assert.True(_died < _cases, $"{_cases} cases, {_refused} refused, {_died} ended by the runtime");
    }

    private (int Exit, string Error) Case(string line, params string[] under)
    {
        var (exit, output, error) = _stores.Run(line, under);
        var what = $"{string.Join(' ', under)} {line}: exit {exit}: {error}{output}";
        _cases++;
        if (exit == _stores.Healthy[line].Exit)
        {
            if (line[0] is not ('i' or 'c')) Assert.True(output == _stores.Healthy[line].Output, what); // receipts of changes name versions and files
        }
        else if (exit == 5)
        {
            _refused++;
            Assert.True(error.StartsWith("warehouse: ", StringComparison.Ordinal) && !error.Contains("internal error", StringComparison.Ordinal) && !error.Contains("   at ", StringComparison.Ordinal), what);
            Assert.False(error.Contains("damage", StringComparison.Ordinal) || error.Contains(Path.GetDirectoryName(_stores[Out])!, StringComparison.Ordinal), what);
        }
        else
        {
            _died++;
            Assert.True(exit > 128, what); // by a signal: never as damage, never as another answer
        }
        if (exit != 0) Assert.False(File.Exists(_stores[Out]), what);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(_stores[Out])!, "core*"));
        ExportStore.Must("verify", _stores["now"]);
        var now = ExportStore.Must("freq", _stores["now"]);
        Assert.True(now == _stores.After ? line[0] == 'i' : now == _stores.Before && !(line[0] == 'i' && exit == 0), what);
        return (exit, error);
    }

    [GeneratedRegex("sha256.*")]
    private static partial Regex Sha();

    /// <summary>A small store, what every line says of it in a healthy process, and the copy that a case is run on.</summary>
    public sealed class Stores : IDisposable
    {
        private readonly TempFolder _temp = new();

        public Stores()
        {
            var random = new Random(9);
            string Vcf(string prefix, int samples) => ExportStore.Vcf(string.Join(' ', Enumerable.Range(0, samples).Select(i => $"{prefix}{i}")),
                [.. Enumerable.Range(1, 600).Select(i => $"22 {i * 100} . A C . PASS . GT " + string.Join(' ', Enumerable.Range(0, samples).Select(_ => $"{random.Next(2)}/{random.Next(2)}")))]);
            foreach (var (name, samples) in ((string, int)[])[("a.vcf", 40), ("a2.vcf", 3), ("b.vcf", 20)]) File.WriteAllText(_temp[name], Vcf(name, samples));
            ExportStore.Must("init", _temp["store"], "--assembly", "GRCh38");
            ExportStore.Must("ingest", _temp["store"], _temp["a.vcf"]);
            ExportStore.Must("ingest", _temp["store"], _temp["a2.vcf"]);
            Before = ExportStore.Must("freq", _temp["store"]);
            foreach (var line in Lines) Healthy[line] = Run(line, []) is var (exit, output, error) && error.Length == 0 ? (exit, output) : throw new InvalidOperationException(error);
            Fresh();
            ExportStore.Must("ingest", _temp["now"], _temp["b.vcf"]);
            After = ExportStore.Must("freq", _temp["now"]);
        }

        /// <summary>Exit code and output of each line.</summary>
        public Dictionary<string, (int Exit, string Output)> Healthy { get; } = [];

        /// <summary>What freq says before the ingest of the lines.</summary>
        public string Before { get; }

        /// <summary>What it says afterwards.</summary>
        public string After { get; }

        /// <summary>A path beside the stores.</summary>
        public string this[string name] => _temp[name];

        public void Dispose() => _temp.Dispose();

        /// <summary>Makes the copy anew.</summary>
        public void Fresh()
        {
            foreach (var name in (string[])["now", "now.keys"])
                if (Directory.Exists(_temp[name])) Directory.Delete(_temp[name], recursive: true);
            Peer.Output("cp", "-a", _temp["store"], _temp["now"]);
            Peer.Output("cp", "-a", _temp["store.keys"], _temp["now.keys"]);
            File.Delete(_temp[Out]);
        }

        /// <summary>A line with its paths.</summary>
        public string[] Words(string line) => [.. line.Split(' ').Select(w => w switch { "STORE" => _temp["now"], Out => _temp[Out], "b.vcf" => _temp["b.vcf"], _ => w })];

        /// <summary>Runs a line in a process of its own, on a fresh copy.</summary>
        public (int Exit, string Output, string Error) Run(string line, string[] under)
        {
            Fresh();
            string[] command = [.. under, "dotnet", Program, .. Words(line)];
            var (exit, output, error) = Peer.Run(command[0], command[1..]);
            if (File.Exists(_temp[Out])) output += File.ReadAllText(_temp[Out]);
            return (exit, Sha().Replace(output, ""), error);
        }
    }
}

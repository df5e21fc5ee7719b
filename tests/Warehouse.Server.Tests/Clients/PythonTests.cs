using System.Diagnostics;
using Google.Protobuf;
using Warehouse.Engine.Access;
using Warehouse.Server.Tests.Services;
using Warehouse.Tests;
using Xunit;
using CliRun = Warehouse.Tests.Cli.Cli;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Clients;

/// <summary>The client for Python, with Debian's grpcio, against a server.</summary>
public sealed class PythonTests
{
    private const string Python = "/usr/bin/python3";
    private static readonly string Folder = Path.Combine(TestData.ProjectRoot, "clients", "python");

    [PeerFact("python3")]
    public async Task Its_own_tests_pass_against_a_server()
    {
        await using var house = await AlertHouse.StartAsync(samples: 30, variants: 500);
        var served = house.Served;
        var (_, id) = house.Client("python", Role.Analyst, Role.Clinician);
        await house.BeginAsync("Pathogenic", AlertHouse.Care("NEW1", id));
        house.Ingest("NEW1");
        house.Settle();
        Directory.CreateDirectory(served["expected"]);
        var variants = Answer(served, "tsv", "freq").Split('\n')[1..].Where(l => l.Length > 0).Select(l => l.Split('\t')).Select(c => $"{c[0]}-{c[1]}-{c[2]}-{c[3]}").Take(60).ToArray();
        File.WriteAllText(served["expected/freq.json"], Answer(served, "json", "freq"));
        File.WriteAllText(served["expected/seen.json"], Answer(served, "json", ["seen", .. variants, "22-1-A-C", "nonsense"]));
        File.WriteAllText(served["expected/carriers.json"], Answer(served, "json", ["carriers", .. variants]));
        File.WriteAllText(served["panel.tsv"], "c\tp\tr\ta\tNOTE\tN\n" + string.Concat(variants.Where((_, i) => i % 2 == 0).Select(v => v.Split('-')).Select((c, i) => $"{c[0]}\t{c[1]}\t{c[2]}\t{c[3]}\tnote {i}\t{i}\n")));
        File.WriteAllText(served["panel.map"], "format tsv\ncontig c\npos p\nref r\nalt a\nfield NOTE text\nfield N integer\n");
        Answer(served, "tsv", "annotations", "load", "panel", served["panel.tsv"], "--release", "2024-01-07", "--mapping", served["panel.map"]);
        Answer(served, "tsv", "assess", "draft", variants[0], "--condition", "MONDO:0000001", "--criterion", "PVS1");
        served.Server.Store.LookNow();
        File.WriteAllText(served["expected/annotated.json"], Answer(served, "json", ["seen", .. variants, "--annotate", "panel"]));
        File.WriteAllText(served["expected/annotated-freq.json"], Answer(served, "json", "freq", "--annotate", "panel.NOTE"));
        File.WriteAllText(served["expected/assessments.json"], Answer(served, "json", "assess", "list", "--all"));
        var start = new ProcessStartInfo("timeout", ["100", Python, "-m", "unittest", "discover", "-s", "tests"]) { WorkingDirectory = Folder, RedirectStandardError = true };
        start.Environment["PYTHONPATH"] = Folder;
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        start.Environment["WAREHOUSE_SERVER"] = $"https://localhost:{served.Server.Port}";
        start.Environment["WAREHOUSE_CREDENTIALS"] = served["python.pem"];
        start.Environment["WAREHOUSE_STEWARD"] = ServedCommands.Credentials(served, "steward", Role.DataSteward);
        start.Environment["WAREHOUSE_ALERT"] = house.Allele;
        start.Environment["WAREHOUSE_EXPECTED"] = served["expected"];
        using var process = Process.Start(start)!;
        var said = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0 && said.Contains("Ran 16 tests", StringComparison.Ordinal), said);
    }

    [PeerFact("python3")]
    public void Its_messages_are_those_of_the_protocol()
    {
        using var folder = new Units.TempFolder();
        (string Name, ByteString Data)[] files =
        [
            ("common", V1.CommonReflection.Descriptor.SerializedData), ("variants", V1.VariantsReflection.Descriptor.SerializedData),
            ("alerts", V1.AlertsReflection.Descriptor.SerializedData), ("annotations", V1.AnnotationsReflection.Descriptor.SerializedData), ("assessments", V1.AssessmentsReflection.Descriptor.SerializedData),
            ("access", V1.AccessReflection.Descriptor.SerializedData), ("store", V1.StoreReflection.Descriptor.SerializedData), ("cohorts", V1.CohortsReflection.Descriptor.SerializedData), ("data_class", V1.DataClassReflection.Descriptor.SerializedData), ("ingest", V1.IngestReflection.Descriptor.SerializedData),
        ];
        foreach (var (name, data) in files) File.WriteAllBytes(folder[name], data.ToByteArray());
        const string Script = """
            import sys
            sys.path.insert(0, sys.argv[1])
            from importlib import import_module
            from google.protobuf.descriptor_pb2 import FileDescriptorProto
            for name in ("common", "variants", "alerts", "annotations", "assessments", "access", "store", "cohorts", "data_class", "ingest"):
                ours = FileDescriptorProto.FromString(import_module(f"warehouse.v1.{name}_pb2").DESCRIPTOR.serialized_pb)
                with open(f"{sys.argv[2]}/{name}", "rb") as stream:
                    theirs = FileDescriptorProto.FromString(stream.read())
                print(name, "same" if ours == theirs else "other: make it again with protoc of Debian, --python_out")
            """;
        Assert.Equal("common same\nvariants same\nalerts same\nannotations same\nassessments same\naccess same\nstore same\ncohorts same\ndata_class same\ningest same\n", Peer.Output(Python, "-B", "-c", Script, Folder, folder.Path));
    }

    [PeerFact("mypy")]
    public void Its_type_hints_hold()
    {
        var (exit, output, error) = Peer.RunIn(Folder, "mypy", "--config-file", "mypy.ini", "--cache-dir", "/dev/null", "warehouse/__init__.py", "warehouse/arrow.py", "warehouse/login.py");
        Assert.True(exit == 0, output + error);
    }

    private static string Answer(ServedStore served, string format, params string[] words)
    {
        var cli = new CliRun();
        var verbs = words[0] is "annotations" or "assess" ? 2 : 1;
        cli.Run([.. words[..verbs], served.StorePath, .. words[verbs..], "--format", format]);
        return cli.Output;
    }
}

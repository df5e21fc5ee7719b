using Google.Protobuf;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Export;
using Warehouse.Engine.Query;
using Warehouse.Protocol.Flight;
using Warehouse.Rpc.Client;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>C4, C36: who saw patient X has every answer about X alone, or about X among few: of each method that counts, however X came to be among few.</summary>
public sealed class AuditSubjectsTests
{
    private static readonly V1.Samples One = new() { Cohort = "one" };

    private static readonly Dictionary<string, Func<Asked, Task>> Methods = new()
    {
        ["Seen"] = a => a.Variants.SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { a.Query }, Samples = a.Samples }).ResponseAsync,
        ["SeenStream"] = a => a.StreamAsync(new V1.SeenStreamRequest { Request = new V1.SeenRequest { Asking = ServedStore.Treatment, Samples = a.Samples }, Queries = { a.Query } }),
        ["SeenStream brief"] = a => a.StreamAsync(new V1.SeenStreamRequest { Brief = true, Request = new V1.SeenRequest { Asking = ServedStore.Treatment, Samples = a.Samples }, Queries = { a.Query } }),
        ["SeenStream of a VCF"] = a => a.StreamAsync(new V1.SeenStreamRequest { Request = new V1.SeenRequest { Asking = ServedStore.Treatment, Samples = a.Samples }, Vcf = a.Vcf }),
        ["Frequencies"] = a => ReadAsync(a.Variants.Frequencies(new V1.FrequenciesRequest { Asking = ServedStore.Treatment, Samples = a.Samples })),
        ["FrequenciesOf"] = a => a.Variants.FrequenciesOfAsync(new V1.FrequenciesOfRequest { Asking = ServedStore.Treatment, Queries = { a.Query }, Samples = a.Samples }).ResponseAsync,
        ["CaseControl"] = a => ReadAsync(a.Variants.CaseControl(new V1.CaseControlRequest { Asking = ServedStore.Treatment, Cases = a.Samples is null ? "all" : "one", Controls = a.Samples is null ? "control" : "others" })),
        ["Suggest"] = a => new V1.Assessments.AssessmentsClient(a.Channel).SuggestAsync(new V1.SuggestRequest { Asking = ServedStore.Treatment, Variant = a.Query, Samples = a.Samples }).ResponseAsync,
        ["frequencies by Flight"] = a => a.FlightAsync(new V1.FlightQuery { Frequencies = new V1.FrequenciesRequest { Asking = ServedStore.Treatment, Samples = a.Samples } }),
        ["sites by Flight"] = a => a.FlightAsync(new V1.FlightQuery { Sites = new V1.FrequenciesRequest { Asking = ServedStore.Treatment, Samples = a.Samples } }),
        // Of whom he sees alone.
        ["Carriers"] = a => ReadAsync(a.Variants.Carriers(new V1.CarriersRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } })),
        ["carriers by Flight"] = a => a.FlightAsync(new V1.FlightQuery { Carriers = new V1.CarriersRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } } }),
        ["Frequencies by groups of one"] = a => ReadAsync(a.Variants.Frequencies(new V1.FrequenciesRequest { Asking = ServedStore.Treatment, By = "fastq_sha256" })),
    };

    [Fact]
    public async Task Every_method_that_counts_names_those_who_are_counted_among_few()
    {
        await using var served = await ServedStore.StartAsync(samples: 40, variants: 60);
        var names = Names(served);
        served.Owner((store, _) =>
        {
            store.SetCohort("one", [names[3]], null);
            store.SetCohort("others", [.. names.Skip(4)], null);
            return 0;
        });
        var (channel, id) = served.Client("analyst", Role.Analyst, Role.LabDirector);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        foreach (var (method, ask) in Methods)
        {
            if (method.StartsWith("Carriers", StringComparison.OrdinalIgnoreCase)) continue;
            var isGrouped = method == "Frequencies by groups of one";
            await CheckAsync(served, method, () => ask(new Asked(served, channel, One)), isGrouped ? names : [names[3]]);
            if (isGrouped || method == "CaseControl") continue;
            await CheckAsync(served, method, () => ask(new Asked(served, channel, new() { Cohort = "others" })), []);
            await CheckAsync(served, method, () => ask(new Asked(served, channel, null)), []);
        }
    }

    /// <summary>Whoever sees one patient alone, as after breaking the glass: every answer is about that one, whether or not it names anybody.</summary>
    [Fact]
    public async Task Under_a_scope_of_one_patient_every_answer_is_about_that_one()
    {
        await using var served = await ServedStore.StartAsync(samples: 40, variants: 60);
        var names = Names(served);
        served.Owner((store, _) =>
        {
            store.SetCohort("all", names, null);
            return store.SetCohort("control", [names[7]], null);
        });
        var (channel, id) = served.Client("clinician", Role.Analyst, Role.LabDirector);
        served.Grant(new GrantRequest { Subject = new Subject(SubjectKind.Principal, id), Samples = [names[3]], Details = [Detail.Record], Purposes = [Purpose.Treatment] });
        foreach (var (method, ask) in Methods)
            if (method != "CaseControl") await CheckAsync(served, method, () => ask(new Asked(served, channel, null)), [names[3]]);
        served.Grant(new GrantRequest { Subject = new Subject(SubjectKind.Principal, id), Samples = [names[7]], Details = [Detail.Record], Purposes = [Purpose.Treatment] });
        served.Owner((store, _) => store.SetCohort("all", [names[3], names[5]], null));
        await CheckAsync(served, "CaseControl", () => Methods["CaseControl"](new Asked(served, channel, null)), [names[3], names[7]]);
    }

    private static async Task CheckAsync(ServedStore served, string method, Func<Task> ask, IReadOnlyList<string> expected)
    {
        var before = served.Entries().Count;
        await ask();
        var shown = served.Entries().Skip(before).SelectMany(e => e.Subjects).Distinct().Order(StringComparer.Ordinal).ToList();
        using var audit = StoreAudit.Open(served.StorePath, null, null);
        Assert.True(expected.Select(n => audit.Keys.Hide("sample", n)).Order(StringComparer.Ordinal).SequenceEqual(shown), $"{method}: {shown.Count} subjects, {expected.Count} expected");
    }

    private static string[] Names(ServedStore served) => served.Owner((store, _) =>
    {
        using var session = store.OpenSession();
        return session.Rows(new GenotypeRequest()).Select(r => r.Sample).Distinct().Order(StringComparer.Ordinal).ToArray();
    });

    private static async Task ReadAsync<T>(AsyncServerStreamingCall<T> call)
    {
        using (call)
            while (await call.ResponseStream.MoveNext(default)) { }
    }

    private sealed record Asked(ServedStore Served, RpcChannel Channel, V1.Samples? Samples)
    {
        public V1.Variants.VariantsClient Variants => new(Channel);

        public string Query => Served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Frequencies(new FrequencyRequest()).Select(r => FormattableString.Invariant($"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}")).First();
        });

        public ByteString Vcf => ByteString.CopyFromUtf8($"##fileformat=VCFv4.2\n##contig=<ID=22>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{string.Join('\t', Query.Split('-') is var p ? [p[0], p[1], ".", p[2], p[3], ".", ".", "."] : Array.Empty<string>())}\n");

        public async Task StreamAsync(V1.SeenStreamRequest request)
        {
            using var call = Variants.SeenStream();
            await call.RequestStream.WriteAsync(request);
            await call.RequestStream.CompleteAsync();
            while (await call.ResponseStream.MoveNext(default)) { }
        }

        public async Task FlightAsync(V1.FlightQuery query)
        {
            var flight = new FlightService.FlightServiceClient(Channel);
            var info = await flight.GetFlightInfoAsync(new FlightDescriptor { Type = FlightDescriptor.Types.DescriptorType.Cmd, Cmd = query.ToByteString() });
            await ReadAsync(flight.DoGet(info.Endpoint.Single().Ticket));
        }
    }
}

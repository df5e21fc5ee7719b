using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Arrow;
using Warehouse.Engine.Query;
using Warehouse.Protocol.Flight;
using Warehouse.Protocol.V1;
using Warehouse.Server.Identity;
using Warehouse.Server.Tests.Identity;
using Warehouse.Tests;
using Xunit;
using Role = Warehouse.Engine.Access.Role;
using Detail = Warehouse.Engine.Access.Detail;

namespace Warehouse.Server.Tests.Services;

/// <summary>Tables by Arrow Flight, against the same asked of the store, and by a foreign client.</summary>
public sealed class FlightTests
{
    [Fact]
    public async Task Frequencies_sites_and_carriers_have_the_rows_of_the_store()
    {
        await using var served = await ServedStore.StartAsync(variants: 1200);
        var flight = Granted(served);
        var (listed, carriers, queries) = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            var rows = session.Frequencies(new FrequencyRequest()).Select(r => (string[])[r.Contig, N(r.Start + 1), r.Ref, r.Alt, N(r.Figures.Ac), N(r.Figures.An)]).ToList();
            string[] asked = [.. rows.Take(30).Select(r => string.Join('-', r.Take(4))), "22-1-A-C", "nonsense"];
            return (rows, session.Carriers(asked).SelectMany(a => a.Carriers.Select(c => (string[])[a.Seen.Query, a.Seen.Contig!, N(a.Seen.Start + 1), a.Seen.Ref, a.Seen.Alt, c.Sample, c.Zygosity, c.Genotype])).ToList(), asked);
        });
        var frequencies = new FrequenciesRequest { Asking = ServedStore.Treatment };
        Assert.Equal(listed, await ReadAsync(flight, Cmd(new FlightQuery { Frequencies = frequencies }), 6));
        Assert.Equal(listed, await ReadAsync(flight, new FlightDescriptor { Type = FlightDescriptor.Types.DescriptorType.Path, Path = { "frequencies", "treatment" } }, 6));
        Assert.Equal(listed.Select(r => r[..4]), await ReadAsync(flight, Cmd(new FlightQuery { Sites = frequencies }), 4));
        Assert.Equal(carriers, await ReadAsync(flight, Cmd(new FlightQuery { Carriers = new CarriersRequest { Asking = ServedStore.Treatment, Queries = { queries } } }), 8));
        Assert.NotEmpty(carriers);
        using var audit = Engine.StoreAudit.Open(served.StorePath, null, null);
        Assert.Empty(audit.Verify(null).Findings);
        Assert.NotEmpty(audit.Reader().Entries().Select(e => e.Entry).Last(e => e.Verb.EndsWith("DoGet", StringComparison.Ordinal) && e.Subjects.Count > 0).Subjects);
    }

    [Fact]
    public async Task A_ticket_is_of_its_caller_its_snapshot_and_its_time_and_every_other_is_refused_with_one_text()
    {
        var clock = new FakeClock();
        await using var served = await ServedStore.StartAsync(samples: 6, variants: 50, clock: clock);
        var flight = Granted(served);
        var other = Granted(served, "other");
        var info = await flight.GetFlightInfoAsync(Cmd(new FlightQuery { Sites = new FrequenciesRequest { Asking = ServedStore.Treatment } }));
        var good = info.Endpoint.Single().Ticket.Ticket_.ToByteArray();
        Assert.NotEmpty(await RowsAsync(flight, good, 4));

        // Another snapshot is another question: the bytes that name it are sealed.
        var unsealed = FlightQuery.Parser.ParseFrom(Calls.Tickets.Unchecked(good));
        var snapshot = unsealed.Sites.Asking.Snapshot;
        Assert.Equal(served.Owner((store, _) => store.Version), snapshot);
        unsealed.Sites.Asking.Snapshot = snapshot - 1;
        var refusals = new List<string> { await RefusalAsync(other, good), await RefusalAsync(flight, [.. good[..40], .. unsealed.ToByteArray()]), await RefusalAsync(flight, []), await RefusalAsync(flight, good[..39]), await RefusalAsync(flight, [.. good, 0]) };
        var random = new Random(7);
        for (var i = 0; i < 60; i++)
        {
            var bent = good.ToArray();
            bent[random.Next(bent.Length)] ^= (byte)(1 << random.Next(8));
            refusals.Add(await RefusalAsync(flight, bent));
        }
        clock.Advance(TimeSpan.FromMinutes(59));
        Assert.NotEmpty(await RowsAsync(flight, good, 4));
        clock.Advance(TimeSpan.FromMinutes(2));
        refusals.Add(await RefusalAsync(flight, good));
        Assert.Single(refusals.Distinct());
    }

    [Fact]
    public async Task What_is_not_granted_not_understood_or_not_here_is_refused()
    {
        await using var served = await ServedStore.StartAsync(samples: 4, variants: 20);
        var flight = Granted(served);
        var stranger = new FlightService.FlightServiceClient(served.Client("stranger", Role.Analyst).Channel);
        var asked = Cmd(new FlightQuery { Frequencies = new FrequenciesRequest { Asking = ServedStore.Treatment } });
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(async () => await stranger.GetFlightInfoAsync(asked))).StatusCode);
        foreach (var wrong in (FlightDescriptor[])[new(), new() { Type = FlightDescriptor.Types.DescriptorType.Cmd, Cmd = ByteString.CopyFromUtf8("{\"nothing\":{}}") },
            new() { Type = FlightDescriptor.Types.DescriptorType.Cmd, Cmd = ByteString.CopyFromUtf8(new string('{', 100_000)) },
            new() { Type = FlightDescriptor.Types.DescriptorType.Path, Path = { "frequencies" } }, new() { Type = FlightDescriptor.Types.DescriptorType.Path, Path = { "carriers", "treatment" } }])
            Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(async () => await flight.GetFlightInfoAsync(wrong))).StatusCode);
        Assert.Equal(StatusCode.Unimplemented, (await Assert.ThrowsAsync<RpcException>(async () => await flight.PollFlightInfoAsync(asked))).StatusCode);
        var without = new FlightService.FlightServiceClient(served.Channel(null));
        Assert.Equal(StatusCode.Unauthenticated, (await Assert.ThrowsAsync<RpcException>(async () => await without.GetSchemaAsync(asked))).StatusCode);
    }

    [NodeFact("apache-arrow")]
    public async Task Apache_arrow_for_JavaScript_reads_the_tables()
    {
        await using var served = await ServedStore.StartAsync(variants: 1200);
        var (pem, issued) = served.Server.Identity.Issue("foreign", 1, isService: true, roles: [Role.Analyst]);
        served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, Detail.Record);
        File.WriteAllText(served["client.pem"], pem);
        var listed = served.Owner((store, _) =>
        {
            using var session = store.OpenSession();
            return session.Frequencies(new FrequencyRequest()).Select(r => (r.Contig, r.Start + 1, r.Ref, r.Alt, r.Figures.Ac, r.Figures.An, r.Figures.An == 0 ? (double?)null : (double)r.Figures.Ac / r.Figures.An)).ToList();
        });
        var lines = Node(served, "cmd", """{"frequencies":{"asking":{"purpose":"PURPOSE_TREATMENT"}}}""");
        Assert.Equal(lines[0], lines[1]);
        Assert.StartsWith("""["contig:Utf8","pos:Int64","ref:Utf8","alt:Utf8","ac:Int64","an:Int64","af:Float64",""", lines[0], StringComparison.Ordinal);
        Assert.Equal(listed, lines[2..^1].Select(line =>
        {
            var row = JsonDocument.Parse(line).RootElement;
            return (row[0].GetString()!, row[1].GetInt32(), row[2].GetString()!, row[3].GetString()!, row[4].GetInt64(), row[5].GetInt64(), row[6].ValueKind == JsonValueKind.Null ? null : (double?)row[6].GetDouble());
        }));
        Assert.Equal("""["frequencies","sites"]""", lines[^1]);
        lines = Node(served, "path", "sites", "treatment");
        Assert.Equal(listed.Select(r => JsonSerializer.Serialize(new object[] { r.Contig, r.Item2, r.Ref, r.Alt })), lines[2..^1]);
        lines = Node(served, "cmd", JsonSerializer.Serialize(new { carriers = new { asking = new { purpose = "PURPOSE_TREATMENT" }, queries = new[] { $"{listed[0].Contig}-{listed[0].Item2}-{listed[0].Ref}-{listed[0].Alt}" } } }));
        Assert.True(lines.Length > 3);
    }

    private static string[] Node(ServedStore served, params string[] words)
    {
        var folder = Path.Combine(TestData.ProjectRoot, "tests", "interop");
        var proto = Path.Combine(TestData.ProjectRoot, "server", "Warehouse.Protocol", "Protos", "arrow", "flight", "flight.proto");
        var (exit, output, error) = Peer.RunIn(folder, "node",
            ["flight.mjs", served.Server.Port.ToString(CultureInfo.InvariantCulture), proto, Path.Combine(served.StorePath + ".server", ServerIdentity.AuthorityFile), served["client.pem"], .. words]);
        Assert.True(exit == 0, error);
        return output.TrimEnd('\n').Split('\n');
    }

    private static FlightService.FlightServiceClient Granted(ServedStore served, string name = "lab")
    {
        var (channel, id) = served.Service(name, Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        return new(channel);
    }

    private static string N(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static FlightDescriptor Cmd(FlightQuery query) => new() { Type = FlightDescriptor.Types.DescriptorType.Cmd, Cmd = query.ToByteString() };

    private static async Task<List<string[]>> ReadAsync(FlightService.FlightServiceClient flight, FlightDescriptor descriptor, int columns)
    {
        var info = await flight.GetFlightInfoAsync(descriptor);
        return await RowsAsync(flight, info.Endpoint.Single().Ticket.Ticket_.ToByteArray(), columns);
    }

    private static async Task<List<string[]>> RowsAsync(FlightService.FlightServiceClient flight, byte[] ticket, int columns)
    {
        using var call = flight.DoGet(new Ticket { Ticket_ = ByteString.CopyFrom(ticket) });
        using var bytes = new MemoryStream();
        AnswerEnd? end = null;
        await foreach (var data in call.ResponseStream.ReadAllAsync())
        {
            Assert.Null(end);
            if (!data.AppMetadata.IsEmpty)
            {
                end = AnswerEnd.Parser.ParseFrom(data.AppMetadata);
                continue;
            }
            bytes.Write([0xFF, 0xFF, 0xFF, 0xFF, .. BitConverter.GetBytes(data.DataHeader.Length)]);
            bytes.Write(data.DataHeader.Span);
            bytes.Write(data.DataBody.Span);
        }
        bytes.Position = 0;
        var (reader, rows) = (new ArrowStreamReader(bytes), new List<string[]>());
        while (reader.Read() is { } batch)
            for (var row = 0; row < batch.RowCount; row++)
                rows.Add([.. Enumerable.Range(0, columns).Select(c => reader.Schema.Fields[c].Type == ArrowType.Utf8 ? batch.Columns[c].Text(row)! : N(batch.Columns[c].Int64(row)))]);
        Assert.True(end!.Completeness.IsWhole);
        Assert.Equal(rows.Count, end.Rows);
        Assert.NotEqual(0, end.Context.Snapshot);
        return rows;
    }

    private static async Task<string> RefusalAsync(FlightService.FlightServiceClient flight, byte[] ticket)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(() => RowsAsync(flight, ticket, 4));
        return $"{refused.Status} {refused.GetRpcStatus()}";
    }
}

using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Ingest;
using Warehouse.Engine.Vcf;
using Warehouse.Protocol.V1;
using Xunit;
using IngestClient = Warehouse.Protocol.V1.Ingest.IngestClient;
using Detail = Warehouse.Engine.Access.Detail;
using GrantRequest = Warehouse.Engine.Access.GrantRequest;
using Purpose = Warehouse.Engine.Access.Purpose;
using Role = Warehouse.Engine.Access.Role;

namespace Warehouse.Server.Tests.Services;

/// <summary>
/// What an upload may change, and what its sender learns by trying: the store has a sample that he sees, one that is hidden from him and one that was
/// withdrawn, with rows of the sheet.
/// </summary>
public sealed class UploadBoundsTests
{
    private const string Header = "sample\tperson\tsex\tduo\tsite\n", SeenRow = "seen\tPS\tXX\tDUO:0000042\teast\n";

    /// <summary>Consent, person and sex of a sample that is not sent are not changed, whoever it is, and nothing is told of it.</summary>
    [Theory]
    [InlineData(Role.Analyst, "duo", "DUO:0000042")]
    [InlineData(Role.Spoke, "duo", "DUO:0000042")]
    [InlineData(Role.LabDirector, "person", "PX")]
    [InlineData(Role.Analyst, "sex", "XY")]
    public async Task A_row_of_a_sample_that_the_batch_does_not_bring_is_refused_alike_whether_it_is_seen_hidden_withdrawn_or_absent(Role role, string column, string value)
    {
        await using var served = await StartAsync();
        var (ingest, _) = Sender(served, "sender", role);
        var (before, told) = (Rows(served), new List<string>());
        foreach (var name in (string[])["seen", "hidden", "gone", "nobody"])
        {
            var status = await RefusedAsync(ingest, name, Vcf(served, 10, "new"), $"sample\t{column}\nnew\t{value}\n{name}\t{value}\n");
            Assert.Equal("sheet-row, sheet, line 3", status.Refusal);
            Assert.Contains("`warehouse ingest STORE FILE --samples SHEET.tsv`", status.Fault.Text, StringComparison.Ordinal);
            status.Id = "";
            told.Add(status.ToString());
        }
        Assert.Single(told.Distinct());
        Assert.Equal(before, Rows(served));
    }

    [Fact]
    public async Task Data_of_a_sample_that_the_sender_does_not_see_is_refused_alike_whether_it_is_hidden_or_withdrawn()
    {
        await using var served = await StartAsync();
        var (ingest, _) = Sender(served, "sender", Role.Analyst);
        var (before, told) = (Rows(served), new List<string>());
        foreach (var name in (string[])["hidden", "gone"])
            foreach (var sheet in (string[])["", $"sample\tduo\n{name}\tDUO:0000042\n", $"{Header}hidden\tP7\tXX\tDUO:0000011\teast\n"])
            {
                var status = await RefusedAsync(ingest, $"{name}-{sheet.Length}", Vcf(served, 10, "new", name), sheet);
                status.Id = "";
                told.Add(status.ToString());
            }
        Assert.Single(told.Distinct());
        Assert.Contains("sample-taken, file 1", told[0], StringComparison.Ordinal);
        Assert.Equal(before, Rows(served));
    }

    [Fact]
    public async Task Of_a_sample_that_the_sender_sees_data_is_added_and_the_row_is_left_as_it_is()
    {
        await using var served = await StartAsync();
        var (ingest, _) = Sender(served, "sender", Role.Analyst);
        Assert.Equal(BatchState.Committed, (await SendAsync(ingest, "same", Vcf(served, 10, "seen"), Header + SeenRow)).State);
        Assert.Equal(BatchState.Committed, (await SendAsync(ingest, "none", Vcf(served, 20, "seen"), "")).State);
        Assert.Equal("person=PS sex=XX duo=DUO:0000042 site=east, 3 parts", Row(served, "seen"));
        foreach (var row in (string[])["seen\tP7\tXX\tDUO:0000042\teast", "seen\tPS\tXY\tDUO:0000042\teast", "seen\tPS\tXX\tDUO:0000004\teast", "seen\tPS\tXX\tDUO:0000042\t", "seen\t\t\t\t"])
        {
            var status = await RefusedAsync(ingest, "other", Vcf(served, 30, "new", "seen"), $"{Header}new\tPN\t\t\t\n{row}\n");
            Assert.Equal("sheet-row-differs, sheet, line 3", status.Refusal);
            Assert.Contains("`warehouse ingest STORE FILE --samples SHEET.tsv`", status.Fault.Text, StringComparison.Ordinal);
        }
        Assert.Equal("person=PS sex=XX duo=DUO:0000042 site=east, 3 parts", Row(served, "seen"));

        // The owner can, in the way that the refusal names.
        File.WriteAllText(served["change.tsv"], Header + "seen\tPS\tXX\tDUO:0000004\teast\n");
        File.WriteAllBytes(served["same.vcf"], Vcf(served, 10, "seen"));
        served.Owner((store, _) => store.Ingest(new IngestRequest { Files = [served["same.vcf"]], SheetPath = served["change.tsv"] }));
        Assert.Equal("person=PS sex=XX duo=DUO:0000004 site=east, 3 parts", Row(served, "seen"));
    }

    /// <summary>Break-glass and linkage go by the person: a sample of one's own is not made one of somebody whom one does not see.</summary>
    [Fact]
    public async Task A_new_sample_is_not_of_a_person_whose_samples_the_sender_does_not_see()
    {
        await using var served = await StartAsync();
        var (ingest, _) = Sender(served, "sender", Role.Analyst);
        foreach (var person in (string[])["P7", "PG", "bare"])
        {
            var status = await RefusedAsync(ingest, person, Vcf(served, 10, "new"), $"sample\tperson\nnew\t{person}\n");
            Assert.Equal("person-taken, sheet, line 2", status.Refusal);
        }
        // A sample without a person is its own, under its name.
        Assert.Equal("sample-taken, file 1", (await RefusedAsync(ingest, "name", Vcf(served, 10, "P7"), "")).Refusal);
        Assert.Equal(BatchState.Committed, (await SendAsync(ingest, "seen", Vcf(served, 10, "new1", "P7"), "sample\tperson\nnew1\tPS\nP7\tPN\n")).State);
        Assert.Equal("person=PS, 1 parts", Row(served, "new1"));
        Assert.Equal("person=PN, 1 parts", Row(served, "P7"));
    }

    [Fact]
    public async Task The_class_of_a_column_is_not_changed()
    {
        await using var served = await StartAsync();
        var (ingest, _) = Sender(served, "sender", Role.Analyst);
        Assert.Equal("column-taken, sheet, line 1", (await RefusedAsync(ingest, "a", Vcf(served, 10, "new"), "sample\tsite:aggregate\nnew\twest\n")).Refusal);
        Assert.Equal(BatchState.Committed, (await SendAsync(ingest, "b", Vcf(served, 10, "new"), "sample\tsite\town:aggregate\nnew\twest\tx\n")).State);
        Assert.Equal("own=x site=west, 1 parts", Row(served, "new"));
    }

    /// <summary>A site sends one chromosome after the other, and sees nothing of the store.</summary>
    [Fact]
    public async Task A_sender_adds_to_what_he_alone_has_sent_and_nobody_else_does()
    {
        await using var served = await StartAsync();
        var (ingest, _) = Sender(served, "spoke", Role.Spoke, sees: false);
        const string Sheet = "sample\tperson\tsex\nown\tPO\tXX\n";
        var first = await SendAsync(ingest, "chr1", Vcf(served, 10, "own"), Sheet);
        var second = await SendAsync(ingest, "chr2", Vcf(served, 20, "own"), Sheet);
        Assert.Equal((BatchState.Committed, BatchState.Committed), (first.State, second.State));
        Assert.Equal("person=PO sex=XX, 2 parts", Row(served, "own"));
        Assert.Equal("sheet-row-differs, sheet, line 2", (await RefusedAsync(ingest, "other", Vcf(served, 30, "own"), "sample\tperson\tsex\nown\tPO\tXY\n")).Refusal);

        // What was sent before is sent again: under its id, and under another one.
        Assert.Equal(second, await SendAsync(ingest, "chr2", Vcf(served, 20, "own"), Sheet));
        Assert.Contains((await SendAsync(ingest, "again", Vcf(served, 20, "own"), Sheet)).Receipt.Facts, f => f is { Name: "files unchanged", Value: "1" });
        // Another sample of a person whom he sent.
        Assert.Equal(BatchState.Committed, (await SendAsync(ingest, "tumour", Vcf(served, 20, "own2"), "sample\tperson\nown2\tPO\n")).State);

        // What the owner corrects is not told and stays: the sender's own row is the one that he knows.
        File.WriteAllBytes(served["own.vcf"], Vcf(served, 20, "own"));
        File.WriteAllText(served["own.tsv"], "sample\tperson\tsex\nown\tPO\tXY\n");
        served.Owner((store, _) => store.Ingest(new IngestRequest { Files = [served["own.vcf"]], SheetPath = served["own.tsv"] }));
        Assert.Equal("sheet-row-differs, sheet, line 2", (await RefusedAsync(ingest, "guess", Vcf(served, 30, "own"), "sample\tperson\tsex\nown\tPO\tXY\n")).Refusal);
        Assert.Equal(BatchState.Committed, (await SendAsync(ingest, "chr3", Vcf(served, 30, "own"), Sheet)).State);
        Assert.Equal("person=PO sex=XY, 3 parts", Row(served, "own"));

        // Another sender, whatever he calls his batches.
        var (stranger, _) = Sender(served, "stranger", Role.Spoke, sees: false);
        Assert.Equal("sample-taken, file 1", (await RefusedAsync(stranger, "chr1", Vcf(served, 40, "own"), "")).Refusal);
        Assert.Equal("person-taken, sheet, line 2", (await RefusedAsync(stranger, "person", Vcf(served, 40, "strange"), "sample\tperson\nstrange\tPO\n")).Refusal);

        // Once there is data of somebody else it is not his alone.
        File.WriteAllBytes(served["own.vcf"], Vcf(served, 40, "own"));
        served.Owner((store, _) => store.Ingest(new IngestRequest { Files = [served["own.vcf"]] }));
        Assert.Equal("sample-taken, file 1", (await RefusedAsync(ingest, "chr5", Vcf(served, 50, "own"), "")).Refusal);
        served.Owner((store, _) => store.Withdraw(["own2"]));
        Assert.Equal("sample-taken, file 1", (await RefusedAsync(ingest, "late", Vcf(served, 50, "own2"), "")).Refusal);
    }

    [Fact]
    public async Task What_was_granted_when_the_upload_began_and_was_revoked_before_its_commit_does_not_count()
    {
        await using var served = await StartAsync();
        var (ingest, grant) = Sender(served, "sender", Role.Analyst);
        byte[][] files = [Vcf(served, 10, "seen")];
        using var call = ingest.Upload();
        await call.RequestStream.WriteAsync(new UploadRequest { Batch = IngestServiceTests.BatchOf("b", files) });
        await call.RequestStream.WriteAsync(IngestServiceTests.Bytes(files, 0, 0, files[0].Length));
        await IngestServiceTests.ReceivedAsync(call, files[0].Length);
        served.Owner((store, owner) =>
        {
            store.Revoke(owner, grant);
            return 0;
        });
        await call.RequestStream.WriteAsync(new UploadRequest { Commit = true });
        await call.RequestStream.CompleteAsync();
        var replies = new List<BatchStatus>();
        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(() => IngestServiceTests.LastAsync(call, replies))).StatusCode);
        Assert.Equal("sample-taken, file 1", replies[^1].Refusal);
        Assert.Equal("person=PS sex=XX duo=DUO:0000042 site=east, 1 parts", Row(served, "seen"));
    }

    private static async Task<ServedStore> StartAsync()
    {
        var served = await ServedStore.StartAsync(samples: 6, variants: 80);
        File.WriteAllBytes(served["there.vcf"], Vcf(served, 0, "seen", "hidden", "gone", "bare"));
        File.WriteAllText(served["there.tsv"], $"{Header}{SeenRow}hidden\tP7\tXX\tDUO:0000011\teast\ngone\tPG\t\t\twest\n");
        served.Owner((store, _) =>
        {
            store.Ingest(new IngestRequest { Files = [served["there.vcf"]], SheetPath = served["there.tsv"] });
            return store.Withdraw(["gone"]);
        });
        return served;
    }

    /// <summary>A client in a role, who sees one sample or none; and the number of his grant.</summary>
    private static (IngestClient Ingest, int Grant) Sender(ServedStore served, string name, Role role, bool sees = true)
    {
        var (channel, id) = served.Client(name, role);
        var grant = !sees ? 0 : served.Grant(new GrantRequest { Subject = new Subject(SubjectKind.Principal, id), Samples = ["seen"], Details = [Detail.Record], Purposes = [Purpose.Treatment] });
        return (new IngestClient(channel), grant);
    }

    /// <summary>A file with one record of the simulated cohort, which all its samples carry.</summary>
    private static byte[] Vcf(ServedStore served, int record, params string[] samples)
    {
        using var reader = VariantFile.Open(served["sim/cohort.vcf.gz"], new VcfReadOptions());
        var (text, line) = (new StringBuilder(), new VcfRecord());
        foreach (var meta in reader.Header.MetaLines) text.Append(meta).Append('\n');
        for (var i = 0; i <= record; i++) Assert.True(reader.Read(line));
        text.Append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t").AppendJoin('\t', samples).Append('\n');
        text.AppendJoin('\t', Encoding.UTF8.GetString(line.LineText.Span).Split('\t')[..8]).Append("\tGT\t").AppendJoin('\t', samples.Select(_ => "0/1")).Append('\n');
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static async Task<BatchStatus> SendAsync(IngestClient ingest, string id, byte[] file, string sheet, List<BatchStatus>? replies = null)
    {
        var batch = IngestServiceTests.BatchOf(id, [file]);
        batch.Sheet = ByteString.CopyFromUtf8(sheet);
        return await IngestServiceTests.SendAsync(ingest, batch, [file], replies);
    }

    private static async Task<BatchStatus> RefusedAsync(IngestClient ingest, string id, byte[] file, string sheet)
    {
        var replies = new List<BatchStatus>();
        var refused = await Assert.ThrowsAsync<RpcException>(() => SendAsync(ingest, id, file, sheet, replies));
        Assert.Equal(StatusCode.InvalidArgument, refused.StatusCode);
        Assert.Equal(BatchState.Refused, replies[^1].State);
        return replies[^1];
    }

    /// <summary>All that the sheets and the loaded parts say.</summary>
    private static string Rows(ServedStore served) => served.Owner((store, _) =>
    {
        using var session = store.OpenSession();
        var catalog = session.View.Catalog;
        return string.Join('\n', catalog.Samples.Select((s, i) => s.Name + ": " + RowOf(catalog, i)).Concat(catalog.Columns.Select(c => c.ToString()).Order(StringComparer.Ordinal)));
    });

    private static string Row(ServedStore served, string name) => Rows(served).Split('\n').Single(l => l.StartsWith(name + ": ", StringComparison.Ordinal))[(name.Length + 2)..];

    private static string RowOf(Engine.Catalog.StoreCatalog catalog, int sample)
    {
        string[] columns = ["person", "sex", "duo", "own", "site"];
        var row = catalog.SheetAt(long.MaxValue).GetValueOrDefault(sample);
        return $"{string.Join(' ', columns.Where(c => row?.ContainsKey(c) == true).Select(c => $"{c}={row![c]}"))}, {catalog.Ordinals.Count(o => o.Sample == sample)} parts";
    }
}

using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Engine.Export;
using Warehouse.Server.Configuration;
using Warehouse.Server.Notify;
using Warehouse.Server.Tests.Identity;
using Xunit;
using CommandLines = Warehouse.Tests.Cli.Cli;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Notify;

/// <summary>C4, F87: who breaks the glass is reported at once, again when it is over, and again when nobody looks into it.</summary>
public sealed class GlassPagerTests
{
    private static V1.Asking Operations => new() { Purpose = V1.Purpose.Operations };

    [Fact]
    public async Task Whoever_reviews_is_paged_at_once_gets_the_report_and_is_told_when_the_review_is_overdue()
    {
        var clock = new FakeClock();
        await using var served = await ServedStore.StartAsync(samples: 30, variants: 50, clock: clock, configure: Drop);
        clock.Advance(60); // the store was made meanwhile, and nothing in it is later than now
        var (channel, _) = served.Client("clinician", Role.Clinician);
        var (sample, query) = Carried(served);
        var glass = await new V1.Access.AccessClient(channel).BreakGlassAsync(new V1.BreakGlassRequest { Asking = ServedStore.Treatment, Samples = { sample }, Minutes = 10, Reason = "emergency" });
        await served.Server.Pager.SendDueAsync(default);
        var page = Assert.Single(Notes(served));
        Assert.Equal((NoteTopic.BreakGlass, glass.Entry.Id), (page.Topic, page.Entry));
        Assert.Equal(page.MadeUtc.AddHours(72), page.DueUtc);

        var auditor = new V1.Access.AccessClient(served.Client("auditor", Role.Auditor).Channel);
        var finding = Assert.Single((await auditor.ReviewAsync(new V1.ReviewAccessRequest { Asking = Operations })).Findings, f => f.Finding == "review-break-glass");
        Assert.True(finding.IsPageDelivered);
        Assert.Contains("\tdelivered\n", Review(served), StringComparison.Ordinal);

        // What is asked meanwhile is in the report: by numbers of the audit log.
        using (var call = new V1.Variants.VariantsClient(channel).Carriers(new V1.CarriersRequest { Asking = ServedStore.Treatment, Queries = { query } }))
            while (await call.ResponseStream.MoveNext(default)) { }
        clock.Advance(TimeSpan.FromMinutes(10));
        served.Server.Pager.Look();
        await served.Server.Pager.SendDueAsync(default);
        var report = Assert.Single(Notes(served), n => n.Topic == NoteTopic.BreakGlassReport);
        Assert.Equal((1L, true), (report.Calls, report.Rows > 0));
        using (var audit = StoreAudit.Open(served.StorePath, null, null))
        {
            var entries = audit.Reader().Entries().Select(e => e.Entry).ToList();
            Assert.All(report.AuditEntries!, e => Assert.Equal("warehouse.v1.Variants/Carriers", entries[(int)e].Verb));
            Assert.NotEmpty(report.AuditEntries!);
            Assert.Equal(["page 1 taken queued", "page 1 taken delivered", "page 1 report queued", "page 1 report delivered"], entries.Where(e => e.Verb == GlassPager.Verb).Select(e => e.Note));
        }
        Assert.False(served.Server.Pager.IsReviewOverdue);

        clock.Advance(TimeSpan.FromHours(72));
        served.Server.Pager.Look();
        served.Server.Pager.Look();
        await served.Server.Pager.SendDueAsync(default);
        Assert.Equal([NoteTopic.BreakGlass, NoteTopic.BreakGlassReport, NoteTopic.BreakGlassOverdue], Notes(served).OrderBy(n => n.Topic).Select(n => n.Topic));
        Assert.True(served.Server.Pager.IsReviewOverdue);
        served.Owner((store, owner) =>
        {
            store.ReviewBreakGlass(owner, glass.Entry.Id);
            return 0;
        });
        served.Server.Pager.Look();
        Assert.False(served.Server.Pager.IsReviewOverdue);
        Assert.All(Directory.GetFiles(served["drop"]), f => Assert.DoesNotContain(sample, File.ReadAllText(f), StringComparison.Ordinal));
    }

    /// <summary>C12: nobody has looked through the audit log for as long as is configured; and somebody does.</summary>
    [Fact]
    public async Task A_log_that_nobody_looks_through_is_told_until_somebody_signs_it_off()
    {
        var clock = new FakeClock();
        await using var served = await ServedStore.StartAsync(samples: 6, variants: 20, clock: clock, configure: _ => new() { Audit = new() { ReviewDays = 7 } });
        clock.Advance(TimeSpan.FromDays(7) - TimeSpan.FromMinutes(2));
        served.Server.Pager.Look();
        Assert.False(served.Server.Pager.IsReviewOverdue);
        clock.Advance(TimeSpan.FromMinutes(3));
        served.Server.Pager.Look();
        Assert.True(served.Server.Pager.IsReviewOverdue);
        using (var audit = StoreAudit.Open(served.StorePath, null, null, clock))
            audit.Log.Append([new AuditEntry { Kind = AuditKind.Review, Call = "c", Who = "local:auditor", Role = "owner", Verb = "audit review", Purpose = "operations", Note = "looked through" }]);
        clock.Advance(TimeSpan.FromMinutes(1));
        served.Server.Pager.Look();
        Assert.False(served.Server.Pager.IsReviewOverdue);
        clock.Advance(TimeSpan.FromDays(8));
        served.Server.Pager.Look();
        Assert.True(served.Server.Pager.IsReviewOverdue);
    }

    /// <summary>C4: the report has every call that told of the patient, also where the answer is figures and names nobody.</summary>
    [Fact]
    public async Task Figures_of_the_patient_alone_are_in_the_report()
    {
        var clock = new FakeClock();
        await using var served = await ServedStore.StartAsync(samples: 30, variants: 50, clock: clock, configure: Drop);
        clock.Advance(60);
        var (channel, _) = served.Client("clinician", Role.Clinician);
        var (sample, query) = Carried(served);
        await new V1.Access.AccessClient(channel).BreakGlassAsync(new V1.BreakGlassRequest { Asking = ServedStore.Treatment, Samples = { sample }, Minutes = 10, Reason = "emergency" });
        await served.Server.Pager.SendDueAsync(default);
        var variants = new V1.Variants.VariantsClient(channel);
        await variants.SeenAsync(new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { query } });
        using (var call = variants.Frequencies(new V1.FrequenciesRequest { Asking = ServedStore.Treatment }))
            while (await call.ResponseStream.MoveNext(default)) { }
        clock.Advance(TimeSpan.FromMinutes(10));
        served.Server.Pager.Look();
        await served.Server.Pager.SendDueAsync(default);
        var report = Assert.Single(Notes(served), n => n.Topic == NoteTopic.BreakGlassReport);
        using var audit = StoreAudit.Open(served.StorePath, null, null);
        var entries = audit.Reader().Entries().Select(e => e.Entry).ToList();
        Assert.Equal(["warehouse.v1.Variants/Seen", "warehouse.v1.Variants/Frequencies"], report.AuditEntries!.Select(e => entries[(int)e].Verb));
        Assert.All(report.AuditEntries!, e => Assert.Equal([audit.Keys.Hide("sample", sample)], entries[(int)e].Subjects));
    }

    /// <summary>The glass is broken while no server runs, or by another process; and the page has nowhere to go at first.</summary>
    [Fact]
    public async Task A_page_that_was_missed_is_sent_after_the_next_start_and_one_without_a_way_waits()
    {
        await using var served = await ServedStore.StartAsync(samples: 30, variants: 50);
        var (sample, _) = Carried(served);
        await served.Server.DisposeAsync();
        using (var store = VariantStore.Open(served.StorePath))
            store.BreakGlass(AccessActor.Owner("somebody"), new BreakGlassRequest { Samples = [sample], Reason = "emergency" });
        Assert.Contains("\tnot paged\n", Review(served), StringComparison.Ordinal);

        await served.ServeAsync();
        served.Server.Pager.Look();
        Assert.True(served.Server.Pager.IsStuck);
        Assert.Contains("\tundelivered\n", Review(served), StringComparison.Ordinal);
        await served.Server.DisposeAsync();

        await served.ServeAsync(change: (made, options) => options with { Configuration = Drop(made) });
        await served.Server.Pager.SendDueAsync(default);
        Assert.False(served.Server.Pager.IsStuck);
        Assert.Single(Notes(served));
        Assert.Contains("\tdelivered\n", Review(served), StringComparison.Ordinal);
    }

    private static ServerConfiguration Drop(ServedStore served)
    {
        Directory.CreateDirectory(served["drop"]);
        return new ServerConfiguration { Notify = new() { Drop = served["drop"] } };
    }

    private static List<Note> Notes(ServedStore served) => [.. Directory.GetFiles(served["drop"], "*.json").Select(f => Note.FromJson(File.ReadAllBytes(f)))];

    private static string Review(ServedStore served)
    {
        var cli = new CommandLines();
        Assert.Equal(Warehouse.Cli.ExitCode.Done, cli.Run("access", "review", served.StorePath));
        return cli.Output;
    }

    private static (string Sample, string Query) Carried(ServedStore served) => served.Owner((store, _) =>
    {
        using var session = store.OpenSession();
        var row = session.Rows(new GenotypeRequest()).First();
        return (row.Sample, $"{row.Contig}-{row.Start + 1}-{row.Ref}-{row.Alt}");
    });
}

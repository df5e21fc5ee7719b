using System.Diagnostics;
using System.Net;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Units;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>F74: the disk of the audit log hangs for ten seconds. Nobody is answered meanwhile, everybody learns why before his deadline, and it goes on with the disk.</summary>
public sealed class HangingAuditTests
{
    private const int Calls = 40;

    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task While_its_disk_hangs_nobody_is_answered_all_are_told_why_and_it_goes_on_with_the_disk()
    {
        using var disk = new HangingDisk();
        await using var served = await ServedStore.StartAsync((_, options) => options with { AuditDisk = disk.Over, OperatorEndPoint = new(IPAddress.Loopback, 0) });
        using var answers = disk.AnswersAtLast(); // or a failure of the test would wait for the server, and that for the disk
        var (channel, id) = served.Service("machine", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var variants = new V1.Variants.VariantsClient(channel);
        var question = new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } };
        await variants.SeenAsync(question);
        Assert.Equal((HttpStatusCode.OK, "Ready\n"), await served.PageAsync("readyz"));
        var before = served.Entries().Count;

        var clock = Stopwatch.StartNew();
        disk.Hang();
        var waiting = Enumerable.Range(0, Calls).Select(_ => EndAsync(async () => await variants.SeenAsync(question), clock)).ToList();
        var hurried = EndAsync(async () => await variants.SeenAsync(question, deadline: DateTime.UtcNow.AddSeconds(2)), clock);
        var listing = EndAsync(async () =>
        {
            using var call = variants.Frequencies(new V1.FrequenciesRequest { Asking = ServedStore.Treatment }, deadline: DateTime.UtcNow.AddSeconds(8));
            while (await call.ResponseStream.MoveNext(default)) { }
        }, clock);
        var stranger = EndAsync(async () => await new V1.Variants.VariantsClient(served.Channel(null)).SeenAsync(question), clock);
        Assert.Equal(StatusCode.DeadlineExceeded, (await hurried).Code);
        foreach (var end in await Task.WhenAll(waiting))
        {
            Assert.Equal((StatusCode.Unavailable, "the audit log cannot be written, so nothing is shown"), (end.Code, end.Text));
            Assert.True(end.After > AuditLog.MostWait - TimeSpan.FromSeconds(0.5), $"after {end.After}");
        }
        Assert.Equal(StatusCode.DeadlineExceeded, (await stranger).Code); // whom nobody knows has less time than that
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "NoAudit\n"), await served.PageAsync("readyz"));
        Assert.True((await listing).Code is StatusCode.DeadlineExceeded or StatusCode.Unavailable, $"{await listing}");
        Assert.True(disk.IsHanging, "the disk answered before all were told");

        // What is asked while it hangs is taken up to the bound and not kept for ever.
        var late = Enumerable.Range(0, 400).Select(_ => EndAsync(async () => await variants.SeenAsync(question), clock)).ToList();
        await foreach (var told in Task.WhenEach(late))
            if ((await told).Code == StatusCode.Unavailable) break;
        Assert.True(disk.IsHanging && clock.Elapsed >= Hang, $"the disk has not hung for as long as it was to: {clock.Elapsed}");
        Assert.Equal(before, served.Entries().Count);
        disk.Answer();
        var ends = await Task.WhenAll(late);
        Assert.All(ends, e => Assert.True(e.Code is StatusCode.OK or StatusCode.ResourceExhausted or StatusCode.Unavailable, $"{e}"));

        // It goes on by itself, says so, and has each call once.
        Assert.Single((await variants.SeenAsync(question)).Answers);
        Assert.Equal((HttpStatusCode.OK, "Ready\n"), await served.PageAsync("readyz"));
        using (var audit = StoreAudit.Open(served.StorePath, null, null)) Assert.Empty(audit.Verify(null).Findings);
        var entries = served.Entries();
        Assert.All(entries.Where(e => e.Kind is AuditKind.Call or AuditKind.End).GroupBy(e => e.Call), call => Assert.Single(call));
        // An entry may say more than was shown, never less: each call that was answered has its own.
        Assert.True(entries.Skip(before).Count(e => e is { Kind: AuditKind.Call, Outcome: "done" }) >= ends.Count(e => e.Code == StatusCode.OK) + 1);
    }

    private static async Task<(StatusCode Code, string Text, TimeSpan After)> EndAsync(Func<Task> call, Stopwatch clock)
    {
        try
        {
            await Task.Yield();
            await call();
            return (StatusCode.OK, "", clock.Elapsed);
        }
        catch (RpcException e)
        {
            return (e.StatusCode, e.Status.Detail, clock.Elapsed);
        }
    }
}

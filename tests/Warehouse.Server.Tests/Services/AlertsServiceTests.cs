using Grpc.Core;
using Warehouse.Client;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Server.Host;
using Warehouse.Server.Tests.Identity;
using Warehouse.Units;
using Xunit;
using CliRun = Warehouse.Tests.Cli.Cli;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>I10 over the wire: who hears of what, when, and that nobody else does.</summary>
public sealed class AlertsServiceTests
{
    [Fact]
    public async Task An_alert_raised_by_an_upload_comes_to_the_clinician_who_follows_and_to_nobody_else()
    {
        await using var house = await AlertHouse.StartAsync();
        var ((ann, annId), (ben, _), (cid, _)) = (house.Client("ann", Role.Clinician), house.Client("ben", Role.Clinician), house.Client("cid", false, Role.Clinician));
        await house.BeginAsync("Pathogenic", AlertHouse.Care("NEW1", annId));
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await using var follows = ann.FollowAsync(stop.Token).GetAsyncEnumerator(stop.Token);
        using var away = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
        var current = new TaskCompletionSource();
        var heard = HeardAsync(ben, current, away.Token);
        Assert.True(await follows.MoveNextAsync() && follows.Current.IsCurrent);
        await current.Task;

        await house.UploadAsync("NEW1");
        V1.Alert? alert = null;
        while (alert is null && await follows.MoveNextAsync()) alert = follows.Current.Alert;
        Assert.Equal(("NEW1", house.Allele, V1.Grade.Critical), (Assert.Single(alert!.Samples), alert.Allele, alert.Grade));
        Assert.Equal(alert.Id, Assert.Single((await ann.InboxAsync()).Alerts).Id);
        Assert.Empty((await ben.InboxAsync()).Alerts);
        Assert.Empty((await cid.InboxAsync()).Alerts);
        await away.CancelAsync();
        Assert.Empty(await heard);

        // What there is not and what is another's are the same refusal.
        var (notHis, unknown) = (await RefusedAsync(() => ben.AlertAsync(alert.Id)), await RefusedAsync(() => ben.AlertAsync(new string('0', 20))));
        Assert.Equal((StatusCode.NotFound, "alert-unknown", notHis.Message), (unknown.Code, unknown.Rule, unknown.Message));
        Assert.Equal("alert-unknown", (await RefusedAsync(() => ben.AcknowledgeAsync([alert.Id], "mine"))).Rule);
        var done = Assert.Single(await ann.AcknowledgeAsync([alert.Id], "recontacted"));
        Assert.Equal((V1.AlertState.Acknowledged, annId), (done.State, Assert.Single(done.Recipients)));
        Assert.Empty((await ann.InboxAsync()).Alerts);
        Assert.Equal((annId, "recontacted"), ((await ann.AlertAsync(alert.Id)).ClosedBy, (await ann.AlertAsync(alert.Id)).Reason));

        // The audit log says whose data she was shown, and that the run looked at it.
        using var audit = StoreAudit.Open(house.Served.StorePath, null, null);
        var (hidden, entries) = (audit.Keys.Hide("sample", "NEW1"), audit.Reader().Entries().Select(e => e.Entry).ToList());
        Assert.Contains(entries, e => e.Verb == "warehouse.v1.Alerts/Follow" && e.Who == annId && e.Subjects.Contains(hidden));
        Assert.Contains(entries, e => e.Verb == AlertRounds.Verb && e.Subjects.Contains(hidden));
        Assert.DoesNotContain(entries, e => e.Who != annId && e.Verb.StartsWith("warehouse.v1.Alerts/", StringComparison.Ordinal) && e.Subjects.Count > 0);
    }

    [Fact]
    public async Task What_is_committed_while_no_server_runs_is_raised_and_delivered_once_after_the_next_start()
    {
        await using var house = await AlertHouse.StartAsync();
        var (_, annId) = house.Client("ann", Role.Clinician);
        await house.BeginAsync("Pathogenic", AlertHouse.Care("NEW1", annId));
        await house.Served.Server.DisposeAsync();
        house.Ingest("NEW1");
        await ServeAsync();
        house.Settle();
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var id = "";
        await foreach (var reply in house.Connect("ann").FollowAsync(stop.Token))
        {
            if (reply.Alert is not { } alert) continue;
            Assert.Equal("NEW1", Assert.Single(alert.Samples));
            id = alert.Id;
            break;
        }
        // Stopped and started again, it is still one, and was told of once, without a word of whom.
        await house.Served.Server.DisposeAsync();
        await ServeAsync();
        house.Settle();
        Assert.Equal(id, Assert.Single((await house.Connect("ann").InboxAsync()).Alerts).Id);
        var task = Assert.Single(Directory.GetFiles(house.Served["tasks"], "*.json").Select(File.ReadAllText), text => text.Contains(id, StringComparison.Ordinal));
        Assert.Contains(annId, task, StringComparison.Ordinal);
        Assert.DoesNotContain("NEW1", task, StringComparison.Ordinal);

        Task ServeAsync()
        {
            Directory.CreateDirectory(house.Served["tasks"]);
            return house.Served.ServeAsync(change: (made, options) => options with { Configuration = new() { Alerts = new() { FhirTasks = made["tasks"] } } });
        }
    }

    [Fact]
    public async Task A_withdrawn_patient_is_told_of_no_more_and_a_lost_grant_hides_at_once()
    {
        await using var house = await AlertHouse.StartAsync();
        var (ann, annId) = house.Client("ann", Role.Clinician);
        var director = await house.BeginAsync("Pathogenic", AlertHouse.Care("NEW1", annId), AlertHouse.Care("NEW2", annId));
        await house.UploadAsync("NEW1");
        await house.UploadAsync("NEW2");
        house.Settle();
        var alerts = (await ann.InboxAsync()).Alerts;
        Assert.Equal(2, alerts.Count);
        house.Served.Owner((store, _) => store.Withdraw(["NEW1"]));
        Assert.Equal("NEW2", Assert.Single(Assert.Single((await ann.InboxAsync()).Alerts).Samples));
        Assert.True(house.Settle().Alarms.Count == 0);
        var withdrawn = alerts.Single(a => a.Samples[0] == "NEW1");
        Assert.Equal(V1.AlertState.Suppressed, (await director.AlertCourseAsync(closed: true)).Single(a => a.Id == withdrawn.Id).State);
        Assert.Equal("alert-unknown", (await RefusedAsync(() => ann.AcknowledgeAsync([withdrawn.Id], "late"))).Rule);
        house.Served.Owner((store, owner) =>
        {
            foreach (var grant in store.Policy().Grants.Where(g => g.Subject.Name == annId).ToList()) store.Revoke(owner, grant.Id);
            return 0;
        });
        Assert.Empty((await ann.InboxAsync()).Alerts);
    }

    [Fact]
    public async Task An_alert_is_put_off_and_goes_on_to_the_deputy_by_the_clock()
    {
        var clock = new FakeClock();
        await using var house = await AlertHouse.StartAsync(clock);
        clock.Advance(60);
        var ((ann, annId), (ben, benId)) = (house.Client("ann", Role.Clinician), house.Client("ben", Role.Clinician));
        var director = await house.BeginAsync("Pathogenic", AlertHouse.Care("NEW1", annId, benId));
        house.Ingest("NEW1");
        house.Settle();
        var id = Assert.Single((await ann.InboxAsync()).Alerts).Id;
        Assert.Equal("alert-snooze", (await RefusedAsync(() => ann.SnoozeAsync(id, 25, "holiday"))).Rule);
        Assert.NotNull(Assert.Single(await ann.SnoozeAsync(id, 2, "in theatre")).SnoozedUntil);
        clock.Advance(TimeSpan.FromHours(5));
        house.Settle();
        Assert.Empty((await ben.InboxAsync()).Alerts); // four hours from the end of the snooze
        clock.Advance(TimeSpan.FromHours(1.5));
        house.Settle();
        Assert.Equal(id, Assert.Single((await ben.InboxAsync()).Alerts).Id);
        var course = Assert.Single(await house.Connect("director").AlertCourseAsync()); // a session of its own: the one before was idle for hours
        Assert.Equal((1, 2), (course.Level, course.Recipients.Count));
        Assert.Equal("alert-delegate", (await RefusedAsync(() => ben.DelegateAsync(id, "cert:" + new string('a', 64), "on leave"))).Rule);
        Assert.Single(await ben.DelegateAsync(id, annId, "hers"));
        Assert.Equal(2, Assert.Single(await ben.EscalateAsync(id, "nobody is there")).Level);
    }

    /// <summary>C5: who only follows uses nothing, so his session ends as that of somebody who went away.</summary>
    [Fact]
    public async Task Following_ends_with_the_session_which_it_does_not_use()
    {
        var clock = new FakeClock();
        await using var house = await AlertHouse.StartAsync(clock);
        File.WriteAllText(house.Served["person.pem"], house.Served.Server.Identity.Issue("person", 1, roles: [Role.Clinician]).Pem);
        await using var follows = house.Connect("person").FollowAsync().GetAsyncEnumerator();
        Assert.True(await follows.MoveNextAsync() && follows.Current.IsCurrent);
        var next = follows.MoveNextAsync();
        clock.Advance(TimeSpan.FromMinutes(29));
        house.Served.Server.Alerts.Tell();
        clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(StatusCode.Unauthenticated, (await RefusedAsync(async () =>
        {
            for (var there = await next; there; there = await follows.MoveNextAsync()) { }
        })).Code);
    }

    [Fact]
    public async Task Roles_hear_when_a_watch_names_them_and_what_is_asked_for_another_purpose_is_refused()
    {
        await using var house = await AlertHouse.StartAsync();
        var ((ann, _), (rev, revId)) = (house.Client("ann", Role.Clinician), house.Client("rev", Role.Reviewer));
        var director = await house.BeginAsync("Pathogenic");
        await director.SetWatchAsync(new V1.Watch { Name = "everybody", Scope = V1.WatchScope.Everybody, Hears = { "role:reviewer" } });
        await house.UploadAsync("NEW1");
        house.Settle();
        Assert.Equal("NEW1", Assert.Single(Assert.Single((await rev.InboxAsync()).Alerts).Samples));
        Assert.Equal(revId, Assert.Single(Assert.Single(await director.AlertCourseAsync()).Recipients));
        Assert.Empty((await ann.InboxAsync()).Alerts);
        Assert.Equal("watch-hears", (await RefusedAsync(() => director.SetWatchAsync(new V1.Watch { Name = "x", Scope = V1.WatchScope.Everybody, Hears = { "group:heart" } }))).Rule);
        Assert.Equal("access-role", (await RefusedAsync(() => director.SetWatchAsync(new V1.Watch { Name = "x", Scope = V1.WatchScope.Everybody, Hears = { "role:king" } }))).Rule);
        Assert.Equal("watch-unknown", (await RefusedAsync(() => director.RemoveWatchAsync("x"))).Rule);
        var raw = new V1.Alerts.AlertsClient(house.Served.Client("raw", Role.Clinician).Channel);
        Assert.Equal(StatusCode.InvalidArgument, (await Assert.ThrowsAsync<RpcException>(async () => await raw.InboxAsync(new V1.InboxRequest { Asking = new V1.Asking { Purpose = V1.Purpose.Operations } }))).StatusCode);
    }

    [Fact]
    public async Task Verbs_print_of_a_server_what_they_print_of_the_store()
    {
        await using var house = await AlertHouse.StartAsync();
        var served = house.Served;
        var (_, id) = house.Client("lab", Role.LabDirector, Role.Clinician);
        var own = $"local:{Environment.UserName}";
        File.WriteAllText(served["care.tsv"], $"person\tresponsible\tdeputies\n{house.Carrier.Person}\t{own}\t{id}\nsomebody\t{id}\t\n");
        File.WriteAllText(served["genes"], "GENE1\n");
        File.WriteAllText(served["alleles"], house.Allele + "\n");
        var wrong = new List<string>();
        Compare(house, wrong, "alerts settings", "--critical-hours", "2", "--director", id, own);
        Compare(house, wrong, "care import", served["care.tsv"]);
        Compare(house, wrong, "care show");
        Compare(house, wrong, "watch add", "everybody", "--hear", id, own);
        Compare(house, wrong, "watch add", "genes", "--genes", served["genes"], "--on", "class", "review", "--least", "major");
        Compare(house, wrong, "watch add", "alleles", "--variants", served["alleles"], "--on", "frequency", "--frequency-line", "0.9");
        Compare(house, wrong, "watch list");
        Run(house, ["clinvar", "load", served.StorePath, house.Write("january", "Uncertain_significance"), "--release", AlertHouse.January]);
        Run(house, ["clinvar", "load", served.StorePath, house.Write("february", "Pathogenic"), "--release", AlertHouse.February, "--hold"]);
        Compare(house, wrong, "clinvar releases");
        Compare(house, wrong, "clinvar compare", AlertHouse.January, AlertHouse.February);
        Compare(house, wrong, "clinvar compare", AlertHouse.January, AlertHouse.February, "--all");
        Compare(house, wrong, "clinvar preview", AlertHouse.February);
        Compare(house, wrong, "clinvar grades");
        Assert.Contains("state\tholds\n", Remote(house, "clinvar", "accept", AlertHouse.February).Output);
        Compare(house, wrong, "clinvar accept", AlertHouse.February);
        Compare(house, wrong, "clinvar history", house.Allele);
        house.Settle();
        Compare(house, wrong, "alerts list");
        var alert = Remote(house, "alerts", "list").Output.Split('\n')[1].Split('\t')[0];
        Compare(house, wrong, "alerts show", alert);
        Compare(house, wrong, "alerts list", "--everybody");
        Compare(house, wrong, "alerts status");
        Compare(house, wrong, "alerts settings");
        Compare(house, wrong, "alerts run");
        var elsewhere = Remote(house, "alerts", "run", "--fhir-tasks", served["tasks"]);
        Assert.Equal((Cli.ExitCode.BadInput, false), (elsewhere.Exit, Directory.Exists(served["tasks"])));
        Assert.Contains("are for a store that lies here: a server's ways are in its configuration", elsewhere.Error, StringComparison.Ordinal);
        var listed = Remote(house, "alerts", "list").Output;
        Assert.Equal(listed, Remote(house, "alerts", "follow", "--count", (listed.Count(c => c == '\n') - 1).ToString(System.Globalization.CultureInfo.InvariantCulture)).Output);
        Assert.Contains("\tacknowledged\t", Remote(house, "alerts", "ack", alert, "--reason", "recontacted").Output);
        Compare(house, wrong, "alerts list", "--closed");
        Compare(house, wrong, "alerts list", "--everybody", "--closed");
        Compare(house, wrong, "watch remove", "alleles");
        Assert.True(wrong.Count is 1 && wrong[0].StartsWith("watch remove", StringComparison.Ordinal), string.Join('\n', wrong)); // the second to remove it finds none
        Assert.Contains("alerts follow asks a server", new Func<string>(() => { var cli = new CliRun(); cli.Run("alerts", "follow", served.StorePath); return cli.Error; })());
    }

    /// <summary>A server knows whom its certificates make a clinician; who has the role by a token or a group it does not.</summary>
    [Fact]
    public async Task Who_names_a_role_that_nobody_is_known_to_hold_is_told_so()
    {
        await using var house = await AlertHouse.StartAsync(samples: 3, variants: 10);
        var (director, _) = house.Client("director", Role.LabDirector);
        house.Client("ann", Role.Clinician);
        var kept = await director.SetWatchAsync(new V1.Watch { Name = "w", Scope = V1.WatchScope.Everybody, Hears = { "role:clinician", "role:reviewer" } });
        Assert.Equal(["role:reviewer"], kept.Unheld);
        Assert.Equal(["role:reviewer"], (await director.ImportCareAsync([AlertHouse.Care("P1", "role:reviewer", "role:clinician", "role:reviewer")])).Unheld);
        Assert.Empty((await director.WatchesAsync()).Single().Unheld);
        Assert.Equal(("care-row", StatusCode.InvalidArgument), await RefusedRuleAsync(() => director.ImportCareAsync([AlertHouse.Care("P1", "group:ward")])));
        static async Task<(string, StatusCode)> RefusedRuleAsync(Func<Task> act)
        {
            var refused = await Assert.ThrowsAsync<Warehouse.Client.WarehouseException>(act);
            return (refused.Rule, refused.Code);
        }
    }

    [Fact]
    public async Task A_run_that_fails_is_told_and_the_next_one_makes_it_good()
    {
        await using var house = await AlertHouse.StartAsync();
        var (ann, annId) = house.Client("ann", Role.Clinician);
        var director = await house.BeginAsync("Pathogenic", AlertHouse.Care("NEW1", annId));
        house.Settle();
        await house.UploadAsync("NEW0");
        house.Settle();
        // The release that alerts follow from is taken away.
        house.Served.Owner((store, _) => store.RetireAnnotations("clinvar"));
        house.Served.Owner((store, _) => store.Compact(store.Version, null, default));
        house.Ingest("NEW1");
        house.Served.Server.Store.LookNow();
        var failed = !house.Served.Server.Rounds.RunWhenDue();
        Assert.True(failed || house.Served.Server.Rounds.IsFailing);
        Assert.True(house.Served.Server.Rounds.HasAlarm);
        Assert.Contains((await director.AlertStatusAsync()).Alarms, a => a.Kind == V1.AlertAlarmKind.RunFailed);
        await house.Served.Log.WaitAsync("AlertsFailed");
        house.Load("2024-01-07", "Pathogenic");
        Assert.True(house.Served.Server.Rounds.RunWhenDue() || house.Served.Server.Rounds.RunWhenDue());
        Assert.False(house.Served.Server.Rounds.IsFailing);
        Assert.Equal("NEW1", Assert.Single(Assert.Single((await ann.InboxAsync()).Alerts).Samples));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_ends_no_rounds_and_is_an_alarm()
    {
        var clock = new FakeClock();
        await using var house = await AlertHouse.StartAsync(clock, samples: 3, variants: 10);
        var (_, annId) = house.Client("ann", Role.Clinician);
        await house.BeginAsync("Pathogenic", AlertHouse.Care("NEW1", annId));
        house.Settle();
        Assert.True(house.Served.Server.Rounds.RunWhenDue());
        Assert.False(house.Served.Server.Rounds.HasAlarm);
        clock.SetBack(TimeSpan.FromDays(3));
        clock.Advance(AlertRounds.RunEvery + TimeSpan.FromSeconds(1));
        var alerts = house.Served.Server.Alerts;
        await Changes.UntilAsync(() => alerts.Changed, () => house.Served.Server.Rounds.HasAlarm);
        await house.Served.Log.WaitAsync("ClockBehind");
        // It goes on as it was set: the self-test of the next day begins.
        var head = alerts.Ask((_, book) => book.Head);
        clock.Advance(TimeSpan.FromHours(25));
        await Changes.UntilAsync(() => alerts.Changed, () => alerts.Ask((_, book) => book.Head) > head);
    }

    /// <summary>Members of sets are mapped by their numbers: both sides must mean the same by each.</summary>
    [Fact]
    public void Sets_of_the_wire_have_the_members_of_the_engine_in_their_order()
    {
        Same<Grade, V1.Grade>();
        Same<AlertState, V1.AlertState>();
        Same<WatchScope, V1.WatchScope>();
        Same<ClinVarAxis, V1.ClinVarAxis>();
        Same<NetClass, V1.NetClass>();
        Assert.Equal(Enum.GetNames<ChangeKinds>().Skip(1), Enum.GetNames<V1.ChangeKind>().Skip(1));
        Assert.Equal(Enum.GetValues<WatchTriggers>().Where(t => t != 0 && (t & (t - 1)) == 0).Select(t => t.ToString()), Enum.GetNames<V1.WatchTrigger>().Skip(1));
        Same<AlertAlarmKind, V1.AlertAlarmKind>();

        static void Same<TOurs, TWire>() where TOurs : struct, Enum where TWire : struct, Enum => Assert.Equal(Enum.GetNames<TOurs>(), Enum.GetNames<TWire>().Skip(1));
    }

    /// <summary>What somebody who follows is told until he goes away.</summary>
    private static async Task<List<V1.Alert>> HeardAsync(WarehouseClient client, TaskCompletionSource current, CancellationToken stop)
    {
        var heard = new List<V1.Alert>();
        try
        {
            await foreach (var reply in client.FollowAsync(stop))
            {
                if (reply.Alert is { } alert) heard.Add(alert);
                if (reply.IsCurrent) current.TrySetResult();
            }
        }
        catch (OperationCanceledException)
        {
            // He is gone.
        }
        return heard;
    }

    private static void Compare(AlertHouse house, List<string> wrong, string verb, params string[] rest)
    {
        var local = Run(house, [.. verb.Split(' '), house.Served.StorePath, .. rest]);
        var remote = Remote(house, [.. verb.Split(' '), .. rest]);
        if (local.Exit != remote.Exit) wrong.Add($"{verb}: exit {local.Exit}, with a server {remote.Exit}: {local.Error}{remote.Error}");
        else if (local.Bytes.Length < 10) wrong.Add($"{verb}: says nothing: {local.Error}");
        else if (!local.Bytes.AsSpan().SequenceEqual(remote.Bytes)) wrong.Add($"{verb}: other bytes\n{local.Output}\n---\n{remote.Output}");
        else if (local.Error != remote.Error) wrong.Add($"{verb}: says\n{local.Error}\nand\n{remote.Error}");
    }

    private static (Cli.ExitCode Exit, string Output, byte[] Bytes, string Error) Remote(AlertHouse house, params string[] words) =>
        Run(house, [.. words[..2], "--server", house.Served.Url, "--credentials", house.Served["lab.pem"], .. words[2..]]);

    private static (Cli.ExitCode Exit, string Output, byte[] Bytes, string Error) Run(AlertHouse house, string[] words)
    {
        var cli = new CliRun();
        var exit = cli.Run(words);
        house.Served.Server.Store.LookNow();
        return (exit, cli.Output, cli.OutputBytes, cli.Error);
    }

    private static async Task<WarehouseException> RefusedAsync(Func<Task> call) => await Assert.ThrowsAsync<WarehouseException>(call);
}

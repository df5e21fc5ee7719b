using System.Diagnostics;
using System.Globalization;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Variants;

namespace Warehouse.Benchmarks;

/// <summary>
/// Alerts from a release's arrival to the last acknowledgement, in a store that has the release and the one before. The store is changed. A watch looks at as many changed alleles as make so many
/// alerts; each of 25 clinicians cares for every 25th sample and may see these alone. Alerts about no person (terms that are not known) wait for the owner. As in a server all desks
/// share one reading of the log, and the runs another.
/// </summary>
internal static class AlertFigures
{
    private const int Clinicians = 25;
    private const string Owner = "local:bench";

    internal static int Run(string path, string release, int alerts)
    {
        using var store = VariantStore.Open(path);
        var sources = new AlertSources { Store = store, Release = (date, digest) => ClinVarShelf.Find(store, date, digest) };
        var book = new AlertBook(store.Events, TimeProvider.System);
        Prepare(sources, book, release, alerts);
        var (watch, cpu) = (Stopwatch.StartNew(), Process.GetCurrentProcess().TotalProcessorTime);
        Tell("the release holds", () => ReleaseIntake.Accept(sources, book, Owner, (release, ReleaseIntake.Look(sources, book, release)), new AcceptOptions { Unrecognised = long.MaxValue }) ? 1 : 0);
        var runs = new AlertBook(store.Events, TimeProvider.System);
        var raised = Tell("alerts raised, with those who hear", () => new AlertRun(sources, TimeProvider.System, Owner, [], runs).Run().Raised);
        var inboxes = new List<string>[Clinicians + 1];
        var shown = Tell("shown in 26 inboxes", () => Enumerable.Range(0, inboxes.Length).Sum(i =>
        {
            using var desk = new AlertDesk(sources, book, new Caller { Id = Who(i) }, Owner);
            inboxes[i] = [.. desk.Inbox().Where(a => !a.Draft.IsSelfTest).Select(a => a.Id)];
            return inboxes[i].Count;
        }));
        Tell("acknowledged", () => Enumerable.Range(0, inboxes.Length).Sum(i =>
        {
            using var desk = new AlertDesk(sources, book, new Caller { Id = Who(i) }, Owner);
            desk.Acknowledge(inboxes[i], "recontacted");
            return inboxes[i].Count;
        }));
        var spent = (Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"from arrival to the last acknowledgement: {spent:F2} s CPU, {watch.Elapsed.TotalSeconds:F2} s, peak {Process.GetCurrentProcess().PeakWorkingSet64 / 1_000_000} MB"));
        Tell("the next run, which has nothing to do, by a reading of its own", () => new AlertRun(sources, TimeProvider.System, Owner, []).Run().Raised);
        Tell("the same by a reading that goes on", () => new AlertRun(sources, TimeProvider.System, Owner, [], runs.TryGoOn(store.Events) ? runs : null).Run().Raised);
        book.Refresh();
        var closed = book.Alerts.Count(a => a.State == AlertState.Acknowledged);
        return raised >= alerts && (raised, raised) == (shown, closed) ? 0 : 1;
    }

    /// <summary>Who cares, who may see, and what is watched.</summary>
    private static void Prepare(AlertSources sources, AlertBook book, string release, int alerts)
    {
        using var session = sources.Store.OpenSession();
        var samples = session.LoadedSamples();
        for (var i = 0; i < Clinicians; i++)
        {
            var own = samples.Where((_, at) => at % Clinicians == i).Select(s => s.Name).ToArray();
            var grant = new GrantRequest { Subject = Subject.Parse(Who(i)), Samples = own, Details = [Detail.Record], Purposes = [Purpose.Treatment], Reason = "care" };
            sources.Store.Approve(AccessActor.Owner(Owner), sources.Store.Grant(AccessActor.Owner(Owner), grant));
        }
        var changes = ReleaseComparison.Run(sources.Release(book.Releases[^1].Release.Release, null)!, sources.Release(release, null)!, book.Grades);
        using var carriers = session.PrepareCarriers();
        var (alleles, expected) = (new List<Variant>(), 0);
        foreach (var change in changes)
        {
            if (expected >= alerts) break;
            if (change.Grade != Grade.Critical || carriers.Find(change.Allele).Length is not (> 0 and var carried)) continue;
            alleles.Add(change.Allele);
            expected += carried;
        }
        book.Append(Owner, sources.Store.Version,
        [
            .. book.Watches.Keys.Select(name => new WatchRemoved(name)), new WatchSet(new Watch { Name = "bench", Scope = WatchScope.Alleles, Items = [.. alleles.Select(a => a.ToString())], Least = Grade.Critical }),
            new CareSet([.. samples.Select((s, at) => new CareRow(s.Person, Who(at % Clinicians), []))]),
        ]);
    }

    private static string Who(int clinician) => clinician == Clinicians ? Owner : string.Create(CultureInfo.InvariantCulture, $"oidc:https://id.example|c{clinician}");

    private static int Tell(string what, Func<int> work)
    {
        var (cpu, watch) = (Process.GetCurrentProcess().TotalProcessorTime, Stopwatch.StartNew());
        var count = work();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {count}, {(Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds:F2} s CPU, {watch.Elapsed.TotalSeconds:F2} s"));
        return count;
    }
}

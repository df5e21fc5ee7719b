using System.Diagnostics;
using System.Globalization;
using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Events;

namespace Warehouse.Benchmarks;

/// <summary>Writes an event log of signed assessments into a new store, and reads it: whole, and by its index.</summary>
internal static class EventFigures
{
    private const int AssessmentsPerBatch = 500;

    internal static int Run(string folder, int events)
    {
        var path = Path.Combine(folder, "events.wh");
        if (!Directory.Exists(path)) Fill(path, events);
        Tell("open and look for the newest", () => Opened(path, store => store.Events.Refresh()));
        Tell("read all events", () => Opened(path, store => store.Events.Read().LongCount()));
        var allele = AssessedAllele.Parse("7-4000-A-G");
        Tell("one allele, reading all", () => Opened(path, store => new AssessmentDesk(store) { IndexFrom = long.MaxValue }.SignedOf(AccessActor.Owner("a"), allele).Count));
        Tell("make the index", () => Opened(path, store =>
        {
            store.Events.SaveIndex(AssessmentEvent.Index);
            return 0;
        }));
        Tell("one allele, by the index", () => Opened(path, store => new AssessmentDesk(store) { IndexFrom = 0 }.SignedOf(AccessActor.Owner("a"), allele).Count));
        Tell("100 appends of one event", () => Opened(path, store =>
        {
            for (var i = 0; i < 100; i++) store.Events.Append(new EventBatch { Actor = "a", ManifestVersion = 1, Events = [new NewEvent("bench", 1, new byte[200])] });
            return 100;
        }));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"files {Directory.GetFiles(Path.Combine(path, "e")).Length}, bytes {Directory.GetFiles(Path.Combine(path, "e")).Sum(f => new FileInfo(f).Length)}, peak {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MB"));
        return 0;
    }

    private static void Fill(string path, int events) => Tell("write", () =>
    {
        using var store = VariantStore.Create(new CreateOptions { Path = path, Assembly = "GRCh38" });
        var head = 0L;
        while (head < events)
        {
            var batch = new List<NewEvent>();
            for (var i = 0; i < AssessmentsPerBatch; i++)
            {
                var (id, number) = (head + batch.Count + 1, head / 3 + i);
                var content = new AssessmentContent
                {
                    Allele = new AssessedAllele((1 + number % 22).ToString(CultureInfo.InvariantCulture), (int)(number / 22), "A", "G"), ConditionId = "MONDO:0005267", ConditionName = "heart disease", Class = Tier.LikelyPathogenic,
                    Criteria = [new CriterionUse("PVS1", Strength.VeryStrong, "a stop codon in an exon of the main transcript")], References = ["PMID:25741868"], Text = "two families, one of them with an early onset",
                }.Checked();
                batch.Add(new AssessmentEvent.Drafted(null, 0, null, content).Encode());
                batch.Add(new AssessmentEvent.Submitted(id, 1).Encode());
                batch.Add(new AssessmentEvent.Signed(id, 2, SignatureMeaning.Approved, "looked through", AssessmentBook.DigestOf(content)).Encode());
            }
            head = store.Events.Append(new EventBatch { Actor = "oidc:https://id.example|reviewer", ManifestVersion = 1, Events = batch });
        }
        return head;
    });

    private static long Opened(string path, Func<VariantStore, long> ask)
    {
        using var store = VariantStore.Open(path);
        return ask(store);
    }

    private static void Tell(string what, Func<long> work)
    {
        var (cpu, watch) = (Process.GetCurrentProcess().TotalProcessorTime, Stopwatch.StartNew());
        var found = work();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {found}, {watch.Elapsed.TotalSeconds:F3} s, {(Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds:F3} s CPU"));
    }
}

using System.Security.Cryptography;
using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;
using Warehouse.Engine.Events;
using Warehouse.Engine.Export;
using Warehouse.Units.Access;

namespace Warehouse.Server.Tests.Pairs;

/// <summary>
/// Alerts in the logs of a pair, the same ones in each: of samples that the caller sees, and of some that only one of the stores has. All are routed to him, as if he
/// had seen all of them once: which of them he is told of goes by what he sees now.
/// </summary>
internal static class PairAlerts
{
    private const int OfEach = 4;

    private static readonly byte[] Salt = new byte[16];

    /// <summary>Writes them; returns their ids.</summary>
    public static IReadOnlyList<string> Seed(StorePairs pairs)
    {
        var drafts = pairs.Stores.SelectMany(s => DraftsOf(s.Store, pairs)).DistinctBy(d => d.Key).ToList();
        var at = new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
        using var salted = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Salt);
        List<string> ids = [.. drafts.Select(d => AlertDraft.IdOf(d.Key, salted))];
        AlertEvent[] events = [new Salted(Salt), new AlertsRaised(drafts), new AlertsRouted([.. ids.Select(id => (id, (IReadOnlyList<string>)[pairs.Caller.Id]))])];
        foreach (var store in pairs.Stores.Select(s => s.Store))
            store.Events.Append(new EventBatch { Actor = "local:lab", ManifestVersion = store.Version, Events = [.. events.Select(e => AlertCodec.Encode(e, at))] });
        return ids;
    }

    private static IEnumerable<AlertDraft> DraftsOf(VariantStore store, StorePairs pairs)
    {
        using var session = store.OpenSession();
        var persons = session.LoadedSamples().ToDictionary(s => s.Name, s => s.Person, StringComparer.Ordinal);
        var (seen, hidden, drafts) = (0, 0, new List<AlertDraft>());
        foreach (var row in session.Rows(new GenotypeRequest()))
        {
            if (!row.Alt.All(char.IsAsciiLetterUpper) || (pairs.Visible.Contains(row.Sample) ? seen++ : hidden++) >= OfEach) continue;
            drafts.Add(new AlertDraft
            {
                Trigger = WatchTriggers.Class, Person = persons.GetValueOrDefault(row.Sample, row.Sample), Allele = FormattableString.Invariant($"{row.Contig}-{row.Start + 1}-{row.Ref}-{row.Alt}"), Change = "clinvar 2024-02-04 germline uncertain>pathogenic",
                Grade = Grade.Critical, Samples = [row.Sample, pairs.Names[0]], Genes = "GENE", Kinds = ChangeKinds.Upgrade,
            });
        }
        return drafts;
    }
}

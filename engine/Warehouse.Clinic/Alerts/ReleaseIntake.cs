using System.Globalization;
using Warehouse.Clinic.ClinVar;
using Warehouse.Engine;

namespace Warehouse.Clinic.Alerts;

/// <summary>What of a release has to be accepted by somebody before it holds.</summary>
public sealed record AcceptOptions
{
    /// <summary>So many alleles may have something that no table has.</summary>
    public long Unrecognised { get; init; }

    /// <summary>So many alleles of the release before may be gone; null = one in fifty.</summary>
    public long? Retracted { get; init; }
}

/// <summary>What a release is, before it holds.</summary>
/// <param name="Alleles">Entries.</param>
/// <param name="Retracted">Alleles that the release in force has and this one does not.</param>
/// <param name="Unrecognised">Alleles with something that no table has.</param>
/// <param name="First">The first of these: allele, line and what it is.</param>
public sealed record ReleaseFacts(long Alleles, long Retracted, long Unrecognised, IReadOnlyList<(string Allele, long Line, string Text)> First);

/// <summary>Lets a release hold: from its event on alerts follow from it. A release that is older, the same again, another under the same date or cut off is not taken.</summary>
public static class ReleaseIntake
{
    /// <summary>Unrecognised entries that are listed.</summary>
    public const int MostListed = 1000;

    private const int OneIn = 50;

    /// <summary>Looks at a release.</summary>
    public static ReleaseFacts Look(AlertSources sources, AlertBook book, string release)
    {
        var found = Shelved(sources, release);
        var before = book.Releases.Count == 0 ? null : sources.Release(book.Releases[^1].Release.Release, book.Releases[^1].Release.Digest);
        var looked = found.Rows is { } rows && (before is null || before.Rows is not null)
            ? ClinVarShelf.Looked(before?.Rows, rows)
            : ReleaseComparison.Pairs(before is null ? [] : before.Alleles(), found.Alleles()).Select(p => (p.Now is not null, p.Now is { IsUnrecognised: true } ? p.Now : null));
        var (alleles, unknown, retracted, first) = (0L, 0L, 0L, new List<(string, long, string)>());
        foreach (var (isThere, unrecognised) in looked)
        {
            if (isThere) alleles++;
            else retracted++;
            if (unrecognised is null) continue;
            unknown++;
            if (first.Count < MostListed) first.Add((unrecognised.Allele.ToString(), unrecognised.Line, string.Join("; ", unrecognised.Germline.Unrecognised.Concat(unrecognised.Oncogenicity.Unrecognised).Concat(unrecognised.SomaticImpact.Unrecognised))));
        }
        return new ReleaseFacts(alleles, retracted, unknown, first);
    }

    /// <summary>Lets a release hold.</summary>
    /// <returns>False when it holds already: nothing was written.</returns>
    /// <exception cref="InputException">It is not taken; the rule's name says why.</exception>
    public static bool Accept(AlertSources sources, AlertBook book, string who, (string Release, ReleaseFacts Facts) what, AcceptOptions options)
    {
        var (release, facts) = what;
        var found = Shelved(sources, release);
        var isNew = false;
        book.AppendDecided(who, sources.Store.Version, () =>
        {
            isNew = Check(book, release, found.Digest, facts, options);
            return isNew ? [new ReleaseAccepted(release, found.Digest, facts.Alleles, facts.Unrecognised)] : [];
        });
        return isNew;
    }

    /// <summary>Why a release is not taken, in words that follow from the rule and from what it is; null when the rule is none of these.</summary>
    public static InputException? Refusal(string rule, ReleaseFacts facts)
    {
        var text = rule switch
        {
            "clinvar-release" => "a release of ClinVar is named by its date, 2027-01-31",
            "clinvar-replaced" => "another release of the same date holds: one that was corrected gets the date of its correction",
            "clinvar-older" => "a newer release holds: an older one would undo it",
            "clinvar-unrecognised" => string.Create(CultureInfo.InvariantCulture, $"{facts.Unrecognised} alleles have terms that are not known; they are kept, and the release holds once somebody accepts them (--accept-unrecognised {facts.Unrecognised})"),
            "clinvar-truncated" => string.Create(CultureInfo.InvariantCulture, $"{facts.Retracted} alleles of the release before are gone: it may be cut off; if it is not, accept that (--accept-retracted {facts.Retracted})"),
            _ => null,
        };
        return text is null ? null : new InputException(rule, text, InputPlace.None);
    }

    private static bool Check(AlertBook book, string release, string digest, ReleaseFacts facts, AcceptOptions options)
    {
        if (!DateOnly.TryParseExact(release, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _)) throw Refusal("clinvar-release", facts)!;
        if (book.Releases.Select(r => r.Release).FirstOrDefault(r => r.Release == release) is { } known) return known.Digest == digest ? false : throw Refusal("clinvar-replaced", facts)!;
        if (book.Releases.Count > 0 && string.CompareOrdinal(release, book.Releases[^1].Release.Release) < 0) throw Refusal("clinvar-older", facts)!;
        if (facts.Unrecognised > options.Unrecognised) throw Refusal("clinvar-unrecognised", facts)!;
        var most = options.Retracted ?? (book.Releases.Count == 0 ? 0 : book.Releases[^1].Release.Alleles / OneIn);
        if (facts.Retracted > most || facts.Alleles == 0) throw Refusal("clinvar-truncated", facts)!;
        return true;
    }

    /// <summary>A release that the store has.</summary>
    /// <param name="sources">The store and its releases.</param>
    /// <param name="release">Its date.</param>
    /// <param name="digest">Of its content, as it was accepted; null = whatever has that date.</param>
    /// <exception cref="InputException">It has none of that date.</exception>
    public static ShelvedRelease Shelved(AlertSources sources, string release, string? digest = null) =>
        sources.Release(release, digest) ?? throw new InputException("clinvar-unknown", "the store has no release of ClinVar of that date", InputPlace.None);
}

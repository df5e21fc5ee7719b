using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;

namespace Warehouse.Clinic.Assessments;

/// <summary>What the store's own figures say to the criteria of frequency, with the figures.</summary>
/// <param name="Figures">AC, AN and the rest, over the samples that were counted.</param>
/// <param name="Snapshot">The manifest version that they are of.</param>
/// <param name="Criterion">BA1, BS1 or PM2 with the figures as evidence; null = none is suggested.</param>
/// <param name="Note">Why.</param>
public sealed record FrequencyEvidence(CountFigures Figures, long Snapshot, CriterionUse? Criterion, string Note)
{
    /// <summary>Counts an allele and says which criterion its frequency meets. A suggestion: a store of patients is no sample of the population.</summary>
    /// <param name="session">Asks at the level record, where figures are exact.</param>
    /// <param name="allele">The allele.</param>
    /// <param name="samples">Over whom.</param>
    /// <param name="settings">The laboratory's thresholds.</param>
    /// <param name="stop">Cancels.</param>
    /// <exception cref="InputException">The session answers at another level, or the store cannot interpret the allele.</exception>
    /// <exception cref="InvalidDataException">Its figures need a part of the store that is damaged.</exception>
    public static FrequencyEvidence Of(Session session, AssessedAllele allele, SampleChoice samples, AssessmentSettings settings, CancellationToken stop = default)
    {
        if (session.Detail != Detail.Record) throw new InputException("assess-level", "criteria of frequency are suggested from exact figures, at the level record", InputPlace.None);
        foreach (var row in session.Frequencies(new FrequencyRequest { Variants = [allele.ToString()], Samples = samples }, stop))
            return row.Damage is { } damage ? throw new InvalidDataException(damage) : Judge(row.Figures, session.Snapshot, settings); // what is not assessable would be a figure of zero
        throw new InputException("assess-variant", "the store did not answer for this variant", InputPlace.None);
    }

    /// <summary>What released figures say: rounded ones of many samples, as they are shown. Nobody is told more by the suggestion than by them.</summary>
    /// <param name="alleles">Called alleles equal to the variant, and all of them, as released.</param>
    /// <param name="homozygotes">Homozygotes, as released.</param>
    /// <param name="epoch">The release epoch.</param>
    /// <param name="settings">The laboratory's thresholds.</param>
    public static FrequencyEvidence OfReleased((long Ac, long An) alleles, int homozygotes, long epoch, AssessmentSettings settings) =>
        Judge(new CountFigures { Ac = alleles.Ac, An = alleles.An, NHomAlt = homozygotes }, 0, settings, FormattableString.Invariant($"as released in epoch {epoch}"));

    internal static FrequencyEvidence Judge(in CountFigures figures, long snapshot, AssessmentSettings settings) =>
        Judge(figures, snapshot, settings, FormattableString.Invariant($"in {figures.NSamples} samples of snapshot {snapshot}"));

    private static FrequencyEvidence Judge(in CountFigures figures, long snapshot, AssessmentSettings settings, string where)
    {
        var counted = FormattableString.Invariant($"AC {figures.Ac}, AN {figures.An}");
        if (figures.An < settings.LeastAlleles) return new FrequencyEvidence(figures, snapshot, null, FormattableString.Invariant($"{counted}: fewer alleles were assessed than {settings.LeastAlleles}"));
        var (frequency, bound) = ((double)figures.Ac / figures.An, Faf95.Of(figures.Ac, figures.An));
        var text = FormattableString.Invariant($"{counted}, AF {frequency:G6}, FAF95 {bound:G5}, {figures.NHomAlt} homozygotes, {where}");
        var (code, strength, rule) = bound >= settings.Ba1 ? ("BA1", Strength.StandAlone, FormattableString.Invariant($"FAF95 is at least {settings.Ba1}"))
            : bound >= settings.Bs1 ? ("BS1", Strength.Strong, FormattableString.Invariant($"FAF95 is at least {settings.Bs1}"))
            : frequency <= settings.Pm2 ? ("PM2", Strength.Supporting, FormattableString.Invariant($"AF is at most {settings.Pm2}"))
            : ("", default, "");
        return code.Length == 0
            ? new FrequencyEvidence(figures, snapshot, null, $"{text}: neither rare nor frequent enough for a criterion")
            : new FrequencyEvidence(figures, snapshot, new CriterionUse(code, strength, $"{rule}: {text}"), $"{code} is suggested: {rule}");
    }
}

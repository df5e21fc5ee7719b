using Warehouse.Client;
using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Cli.Remote;

/// <summary>Assessments of a server, in the name of whom it takes the caller for. What an author writes is checked here as it is there, so that he is told where it is wrong. One thread.</summary>
internal sealed class RemoteAssessments(WarehouseClient client, CancellationToken cancellation) : IAssessments
{
    /// <summary>Stands for evidence that the server does not show; sent back, the server keeps what stands there.</summary>
    public const string Withheld = "(figures over samples that you may not all see: not shown)";

    /// <summary>Statements in one question.</summary>
    private const int MostStatements = 1000;

    public AssessmentSettings Settings => Of(client.AssessmentSettingsAsync(null, cancellation).GetAwaiter().GetResult());

    public IReadOnlyList<AssessedAllele> Alleles(IReadOnlyList<string> spellings)
    {
        var alleles = new List<AssessedAllele>();
        foreach (var part in spellings.Chunk(WarehouseClient.MaxQueries))
            foreach (var found in client.ResolveAsync(part, null, cancellation).GetAwaiter().GetResult()) alleles.Add(AlleleOf(found));
        return alleles;
    }

    public Assessment? Get(long id) => Versions(id, false) is [.., var newest] ? newest : null;

    public IReadOnlyList<Assessment> History(long id) => Versions(id, true);

    public (IReadOnlyList<Assessment>, IReadOnlyList<OtherAssessment>) List(long? asOf, AssessedAllele? allele, bool others)
    {
        var (own, theirs, _) = Listed(asOf, allele, others);
        return ([.. own.Select(Of)], [.. theirs.Select(Of)]);
    }

    /// <summary>The list as the server sends it.</summary>
    public (IReadOnlyList<V1.Assessment> Own, IReadOnlyList<V1.OtherAssessment> Others, V1.ListAssessmentsEnd End) Listed(long? asOf, AssessedAllele? allele, bool others)
    {
        var ask = client.Ask with { Snapshot = asOf };
        return client.AssessmentsAsync(new V1.ListAssessmentsRequest { Variant = allele?.ToString() ?? "", Others = others }, ask, cancellation).GetAwaiter().GetResult();
    }

    public Assessment Begin(AssessmentContent content, long? supersedes)
    {
        var request = new V1.DraftAssessmentRequest { Content = Of(content.Checked()) };
        if (supersedes is { } old) request.Supersedes = old;
        return Of(client.DraftAsync(request, null, cancellation).GetAwaiter().GetResult());
    }

    public Assessment Edit(long id, int version, AssessmentContent content) =>
        Of(client.DraftAsync(new V1.DraftAssessmentRequest { Content = Of(content.Checked()), Edit = id, Version = version }, null, cancellation).GetAwaiter().GetResult());

    public Assessment Submit(long id, int version) => Of(client.SubmitAsync(id, version, null, cancellation).GetAwaiter().GetResult());

    public Assessment Return(long id, int version, string reason) => Of(client.ReturnAsync(id, version, reason, null, cancellation).GetAwaiter().GetResult());

    public Assessment Sign(long id, int version, SignatureMeaning meaning, string reason) =>
        Of(client.SignAsync(new V1.SignAssessmentRequest { Id = id, Version = version, Meaning = (V1.SignatureMeaning)((int)meaning + 1), Reason = reason }, null, cancellation).GetAwaiter().GetResult());

    public Assessment Retire(long id, int version, string reason) => Of(client.RetireAsync(id, version, reason, null, cancellation).GetAwaiter().GetResult());

    public void Set(AssessmentSettings settings) => client.ChangeAssessmentSettingsAsync(
        new V1.AssessmentSettings { Laboratory = settings.Laboratory, Ba1 = settings.Ba1, Bs1 = settings.Bs1, Pm2 = settings.Pm2, LeastAlleles = settings.LeastAlleles }, null, cancellation).GetAwaiter().GetResult();

    public ImportReceipt Import(IReadOnlyList<OtherAssessment> statements)
    {
        var receipt = client.ImportAssessmentsAsync(statements.Select(s => new ReadOnlyMemory<byte>(s.ToLine())), null, cancellation).GetAwaiter().GetResult();
        return new ImportReceipt(receipt.Taken, receipt.Known, receipt.Older);
    }

    public IReadOnlyList<DiscordantPair> Discordance(IReadOnlyList<ClassStatement> with)
    {
        if (with.Count > MostStatements) throw new InputException("assess-statements", FormattableString.Invariant($"a server compares with at most {MostStatements} statements at once"), InputPlace.None);
        var reply = client.DiscordanceAsync(with.Select(w => new V1.ClassStatement { Variant = w.Allele.ToString(), Source = w.Source, Condition = w.ConditionId ?? "", Tier = Of(w.Class) }), null, cancellation).GetAwaiter().GetResult();
        if (reply.Count > reply.Pairs.Count) throw new IOException(FormattableString.Invariant($"there are {reply.Count} pairs, and the server lists the first {reply.Pairs.Count} alone"));
        return [.. reply.Pairs.Select(p => new DiscordantPair(Of(p.First), Of(p.Second), (DiscordanceGrade)((int)p.Grade - 1), p.IsOfOneCondition))];
    }

    public long Export(bool isVcf, bool all, Stream output) =>
        client.ExportAssessments(isVcf ? V1.AssessmentExportForm.Vcf : V1.AssessmentExportForm.Jsonl, all).CopyToAsync(output, cancellation).GetAwaiter().GetResult().Rows;

    /// <summary>Figures and what is suggested from them; released figures where the answer has those.</summary>
    public static FrequencyEvidence Of(V1.SuggestReply reply)
    {
        var figures = reply.Released is { } released
            ? new Warehouse.Engine.Query.CountFigures { Ac = released.Ac, An = released.An, NHomAlt = (int)released.NHomAlt } : RemoteRows.Of(reply.Figures);
        return new FrequencyEvidence(figures, reply.Context?.Snapshot ?? 0, reply.Criterion is { } use ? Of(use) : null, reply.Note);
    }

    /// <summary>An assessment as the server sends it.</summary>
    public static Assessment Of(V1.Assessment wire) => new()
    {
        Id = wire.Id, Version = wire.Version, State = Of(wire.State), Content = Of(wire.Content), Authors = wire.Authors, By = wire.MadeBy, TimeUtc = wire.Made.ToDateTimeOffset(), ManifestVersion = wire.ManifestVersion,
        Reason = wire.Reason, Supersedes = wire.HasSupersedes ? wire.Supersedes : null, SupersededBy = wire.HasSupersededBy ? wire.SupersededBy : null,
        Signature = wire.Signature is { } signature
            ? new Signature(signature.Principal, signature.Time.ToDateTimeOffset(), Of(signature.Meaning), signature.Reason, signature.ContentSha256) { IsAlone = signature.IsAlone } : null,
    };

    private IReadOnlyList<Assessment> Versions(long id, bool history)
    {
        try
        {
            return [.. client.AssessmentAsync(id, history, null, cancellation).GetAwaiter().GetResult().Select(Of)];
        }
        catch (WarehouseException none) when (none.Rule == "assess-unknown")
        {
            return [];
        }
    }

    private static AssessedAllele AlleleOf(V1.Resolution found)
    {
        if (found.CanonicalContig.Length == 0 || found.HasEnd) throw new InputException("assess-variant", found.Fault.Length > 0 ? found.Fault : "an assessment is of a base allele, not of a symbolic one", InputPlace.None);
        return AssessedAllele.Parse(FormattableString.Invariant($"{found.CanonicalContig}-{found.Pos}-{found.Ref}-{found.Alt}"));
    }

    private static OtherAssessment Of(V1.OtherAssessment wire) => new()
    {
        Laboratory = wire.Laboratory, Id = wire.Id, Version = wire.Version, State = Of(wire.State), Assembly = wire.Assembly, Content = Of(wire.Content), SignedBy = wire.HasSignedBy ? wire.SignedBy : null,
        SignedUtc = wire.Signed?.ToDateTimeOffset() ?? default, Meaning = Of(wire.Meaning), SignedReason = wire.SignedReason,
    };

    private static AssessmentContent Of(V1.AssessmentContent wire) => new()
    {
        Allele = AssessedAllele.Parse(wire.Variant), ConditionId = wire.Condition, ConditionName = wire.ConditionName, Class = Of(wire.Tier),
        Uncertain = wire.Uncertain == V1.UncertainTier.Unspecified ? null : (UncertainTier)((int)wire.Uncertain - 1), Criteria = [.. wire.Criteria.Select(Of)], DifferenceReason = wire.DifferenceReason,
        Inheritance = (Inheritance)wire.Inheritance, References = [.. wire.References], Text = wire.Text,
    };

    private static CriterionUse Of(V1.CriterionUse wire) => new(wire.Code, (Strength)((int)wire.Strength - 1), wire.IsEvidenceWithheld ? Withheld : wire.Evidence) { References = [.. wire.References] };

    private static V1.AssessmentContent Of(AssessmentContent content) => new()
    {
        Variant = content.Allele.ToString(), Condition = content.ConditionId, ConditionName = content.ConditionName, Tier = Of(content.Class),
        Uncertain = content.Uncertain is { } third ? (V1.UncertainTier)((int)third + 1) : V1.UncertainTier.Unspecified, DifferenceReason = content.DifferenceReason,
        Inheritance = (V1.Inheritance)content.Inheritance, Text = content.Text, References = { content.References }, Criteria = { content.Criteria.Select(Of) },
    };

    private static V1.CriterionUse Of(CriterionUse use)
    {
        var isWithheld = use.Evidence == Withheld;
        return new V1.CriterionUse { Code = use.Code, Strength = (V1.Strength)((int)use.Strength + 1), Evidence = isWithheld ? "" : use.Evidence, IsEvidenceWithheld = isWithheld, References = { use.References } };
    }

    private static ClassStatement Of(V1.ClassStatement wire) => new(wire.Source, AssessedAllele.Parse(wire.Variant), wire.Condition.Length == 0 ? null : wire.Condition, Of(wire.Tier));

    private static AssessmentSettings Of(V1.AssessmentSettings wire) => new() { Laboratory = wire.Laboratory, Ba1 = wire.Ba1, Bs1 = wire.Bs1, Pm2 = wire.Pm2, LeastAlleles = wire.LeastAlleles };

    private static AssessmentState Of(V1.AssessmentState state) => (AssessmentState)((int)state - 1);

    private static SignatureMeaning Of(V1.SignatureMeaning meaning) => meaning == V1.SignatureMeaning.Responsible ? SignatureMeaning.Responsible : SignatureMeaning.Approved;

    private static Tier Of(V1.Tier tier) => (Tier)((int)tier - 1);

    private static V1.Tier Of(Tier tier) => (V1.Tier)((int)tier + 1);
}

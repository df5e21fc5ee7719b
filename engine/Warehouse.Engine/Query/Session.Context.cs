using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

public sealed partial class Session
{
    private readonly SortedDictionary<string, string> _touched = new(StringComparer.Ordinal);
    private string? _snapshotDigest;
    private string? _scopeDigest;
    private string? _withdrawnDigest;

    /// <summary>What the last question asked of this session was answered from; its contigs are complete when all its rows were taken. Null before the first. Its digests are computed here: ask before the session is disposed of.</summary>
    public AnswerContext? AnsweredFrom => _asked is null ? null : AskedContext with { RefgetAccessions = new SortedDictionary<string, string>(_touched, StringComparer.Ordinal) };

    /// <summary>Makes the digest of the samples that the last question counts.</summary>
    private Func<string>? _asked;
    private AnswerContext? _answerContext;

    /// <summary>
    /// Begins a question: from here on <see cref="AnsweredFrom"/> speaks of it. Every question that counts begins here, so here it is said of whom its answer
    /// is data: of each sample that is counted among fewer than k. Follows from what is seen alone, as the selection does (I4), and no answer depends on it.
    /// </summary>
    /// <param name="selection">Who is counted.</param>
    /// <param name="beside">Who is looked at beside: further samples of the same people.</param>
    internal void Begin(Selection selection, Selection? beside = null) => Begin(() => selection.Digest, beside is null || beside == selection ? [selection] : [selection, beside]);

    /// <summary>Begins a question that counts nobody: its context has no digest of samples.</summary>
    public void BeginUncounted() => Begin(() => "", []);

    private void Begin(Func<string> samples, ReadOnlySpan<Selection> counted)
    {
        _touched.Clear();
        (_asked, _answerContext) = (samples, null);
        if ((Shown ?? _options.Shown) is null) return;
        foreach (var selection in counted)
            foreach (var sample in selection.SamplesOfFew(_scope.K)) Shows(_view.Catalog.Samples[sample].Name);
    }

    /// <summary>The context of the question begun. Made when it is asked for: its digests go over every sample, and few answers print them.</summary>
    private AnswerContext AskedContext => _answerContext ??= ContextOf(_asked!());

    private AnswerContext ContextOf(string samples)
    {
        return new AnswerContext
        {
            Assembly = _view.Assembly.Name, NormalizerVersion = Normalizer.Version, TrimmedOnly = !_facts.HasReference, Snapshot = Snapshot,
#if PLANTED_DIGEST_OVER_ALL
            SnapshotDigest = _snapshotDigest ??= _view.Catalog.DigestAt(Snapshot),
#else
            SnapshotDigest = _snapshotDigest ??= _scope.HidesNothing ? _view.Catalog.DigestAt(Snapshot) : CallerCatalog.DigestAt(_view.Catalog, _scope, Snapshot),
#endif
            ScopeDigest = _scopeDigest ??= AnswerContext.DigestOf("scope:" + _scope.Rule, []),
            WithdrawnDigest = _withdrawnDigest ??= AnswerContext.DigestOf("withdrawn", _scope.HidesNothing ? Enumerable.Range(0, _view.Catalog.Samples.Count).Where(s => _view.Catalog.Samples[s].WithdrawnVersion != 0) : []),
            SamplesDigest = samples,
            RefgetAccessions = _touched,
        };
    }

    /// <summary>Notes that an answer speaks of a contig; returns its refget accession, or null.</summary>
    internal string? Touch(string canonical)
    {
        if (!_facts.RefgetAccessions.TryGetValue(canonical, out var accession)) return null;
        _touched[canonical] = accession;
        return accession;
    }
}

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

    private Selection? _asked;
    private AnswerContext? _answerContext;

    /// <summary>Begins a question: from here on <see cref="AnsweredFrom"/> speaks of it.</summary>
    internal void Begin(Selection selection)
    {
        _touched.Clear();
        (_asked, _answerContext) = (selection, null);
    }

    /// <summary>The context of the question begun. Made when it is asked for: its digests go over every sample, and few answers print them.</summary>
    private AnswerContext AskedContext => _answerContext ??= ContextOf(_asked!);

    private AnswerContext ContextOf(Selection selection)
    {
        return new AnswerContext
        {
            Assembly = _view.Assembly.Name, NormalizerVersion = Normalizer.Version, TrimmedOnly = !_facts.HasReference, Snapshot = Snapshot,
#if PLANTED_DIGEST_OVER_ALL
            SnapshotDigest = _snapshotDigest ??= _view.Catalog.DigestAt(Snapshot),
#else
            SnapshotDigest = _snapshotDigest ??= _scope.IsOwner ? _view.Catalog.DigestAt(Snapshot) : CallerCatalog.DigestAt(_view.Catalog, _scope, Snapshot),
#endif
            ScopeDigest = _scopeDigest ??= AnswerContext.DigestOf("scope:" + _scope.Rule, []),
            WithdrawnDigest = _withdrawnDigest ??= AnswerContext.DigestOf("withdrawn", _scope.IsOwner ? Enumerable.Range(0, _view.Catalog.Samples.Count).Where(s => _view.Catalog.Samples[s].WithdrawnVersion != 0) : []),
            SamplesDigest = selection.Digest,
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

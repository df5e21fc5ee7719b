using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

public sealed partial class Session
{
    private readonly SortedDictionary<string, string> _touched = new(StringComparer.Ordinal);
    private string? _snapshotDigest;
    private string? _scopeDigest;
    private string? _withdrawnDigest;

    /// <summary>What the last question asked of this session was answered from; its contigs are complete when all its rows were taken. Null before the first.</summary>
    public AnswerContext? AnsweredFrom => _answered is null ? null : _answered with { RefgetAccessions = new SortedDictionary<string, string>(_touched, StringComparer.Ordinal) };

    private AnswerContext? _answered;

    /// <summary>Begins a question: from here on <see cref="AnsweredFrom"/> speaks of it.</summary>
    private AnswerContext Begin(Selection selection)
    {
        _touched.Clear();
        return _answered = new AnswerContext
        {
            Assembly = _view.Assembly.Name, NormalizerVersion = Normalizer.Version, TrimmedOnly = !_facts.HasReference, Snapshot = Snapshot,
            SnapshotDigest = _snapshotDigest ??= _view.Catalog.DigestAt(Snapshot),
            ScopeDigest = _scopeDigest ??= AnswerContext.DigestOf("scope:" + _scope.Rule, []),
            WithdrawnDigest = _withdrawnDigest ??= AnswerContext.DigestOf("withdrawn", Enumerable.Range(0, _view.Catalog.Samples.Count).Where(s => _view.Catalog.Samples[s].WithdrawnVersion != 0)),
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

using Warehouse.Engine.Query;

namespace Warehouse.Engine.Export;

/// <summary>
/// Answers single alleles of one contig. Questions ascend by start within a run of <see cref="Restart"/>; a step back starts a fresh
/// walk, which costs the blocks around the place. "Seen" asks every visible sample, the figures keep one sample a person. One thread.
/// </summary>
internal sealed class AlleleAnswers(StoreView view, string contig, Selection figures, Selection everyone)
{
    private readonly CountFigures[] _counted = new CountFigures[1];
    private readonly CountFigures[] _all = new CountFigures[1];
    private ContigScan _figures = Scan(view, contig, figures, new CountRules());
    private ContigScan? _everyone = everyone.SlotCount == figures.SlotCount ? null : Scan(view, contig, everyone, new CountRules { PerSample = true });
    private int _last = int.MinValue;

    /// <summary>Tells where the next ascending questions begin.</summary>
    public void Restart(int start)
    {
        if (start < _last)
        {
            _figures = Scan(view, contig, figures, new CountRules());
            if (_everyone is not null) _everyone = Scan(view, contig, everyone, new CountRules { PerSample = true });
        }
        _last = start;
    }

    /// <summary>The answer for one allele, and its figures.</summary>
    public (SeenState State, CountFigures Figures) Ask(int start, byte[] reference, byte[] alternate)
    {
        System.Diagnostics.Debug.Assert(start >= _last, "questions ascend");
        _last = start;
        _figures.Count(_figures.Find(start, reference, alternate), _counted);
        if (_everyone is null) return (SeenContig.StateOf(_counted[0]), _counted[0]);
        _everyone.Count(_everyone.Find(start, reference, alternate), _all);
        return (SeenContig.StateOf(_all[0]), _counted[0]);
    }

    private static ContigScan Scan(StoreView view, string contig, Selection selection, CountRules rules) =>
        new(view, view.Catalog.ContigIndex(contig), selection, rules, contig);
}

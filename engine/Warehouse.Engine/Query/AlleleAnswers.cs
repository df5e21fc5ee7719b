namespace Warehouse.Engine.Query;

/// <summary>
/// Answers single alleles of one contig the general way, by <see cref="ContigScan"/>; a question that steps back starts a fresh walk, which
/// costs the blocks around the place. "Seen" asks every visible sample, the figures keep one sample a person. One thread.
/// </summary>
internal sealed class AlleleAnswers(StoreView view, string contig, Selection figures, Selection everyone)
{
    private readonly CountFigures[] _counted = new CountFigures[1];
    private readonly CountFigures[] _all = new CountFigures[1];
    private ContigScan? _figures;
    private ContigScan? _everyone;
    private int _last = int.MaxValue;

    /// <summary>The answer for one allele, and its figures.</summary>
    public (SeenState State, CountFigures Figures) Ask(int start, byte[] reference, byte[] alternate)
    {
        if (start < _last) Restart();
        _last = start;
        _figures!.Count(_figures.Find(start, reference, alternate), _counted);
        if (_everyone is null) return (SeenContig.StateOf(_counted[0]), _counted[0]);
        _everyone.Count(_everyone.Find(start, reference, alternate), _all);
        return (SeenContig.StateOf(_all[0]), _counted[0]);
    }

    /// <summary>After an exception: what it stopped in is left as it is, and the next question begins anew.</summary>
    public void Forget() => _last = int.MaxValue;

    private void Restart()
    {
        var index = view.Catalog.ContigIndex(contig);
        _figures = new ContigScan(view, index, figures, new CountRules(), contig);
        if (everyone.SlotCount != figures.SlotCount) _everyone = new ContigScan(view, index, everyone, new CountRules { PerSample = true }, contig);
    }
}

namespace Warehouse.Engine.Query;

public sealed partial class Session
{
    /// <summary>Selections kept prepared, with their masks of the segments they met.</summary>
    private const int MostPrepared = 8;

    private readonly List<(SampleChoice Choice, (bool PerSample, string? By) Key, Selection Selection)> _prepared = [];
    private readonly Dictionary<int, ContigPlan> _plans = [];
    private readonly ColumnCounter _counter;

    /// <summary>
    /// Bytes of decoded genotype columns that the last question for frequencies, taken to its end, read by columns; with
    /// <see cref="CountRules.NoPrecomputed"/> also those of the blocks it went through row by row. Totals that columns carry with their rows are not among them. 0 for a caller: columns have samples that he does not see.
    /// </summary>
    public long GenotypeBytesRead { get; private set; }

    /// <summary>
    /// Figures of every listed variant, as columns: the fast way to ask. Batches are of one contig each, in the order of COUNTS.md; the batch is
    /// reused: copy what you keep. Variants x groups is at most 16,384 in one batch unless the groups alone are more.
    /// </summary>
    /// <param name="request">What is asked; it names no alleles (<see cref="FrequencyRequest.Variants"/> is null).</param>
    /// <param name="stop">Cancels between batches.</param>
    /// <exception cref="ArgumentException">The request names alleles: those are answered by <see cref="Frequencies"/>.</exception>
    /// <exception cref="InputException">An unknown contig, cohort, sample or column.</exception>
    public IEnumerable<FrequencyBatch> FrequencyBatches(FrequencyRequest request, CancellationToken stop = default)
    {
        if (request.Variants is not null) throw new ArgumentException("alleles that were asked for are answered row by row", nameof(request));
        var selection = Prepare(request.Samples, request.Rules, request.By);
        Begin(selection);
        if (selection.Groups.Count == 0)
        {
            Report("frequencies", 0); // nobody is in any group, so there is no row
            yield break;
        }
        var care = CareOf(RowNeeds.Counts, request.Symbolic, request.Rules.Adj);
        var rows = 0L;
        GenotypeBytesRead = 0;
        using var batch = new FrequencyBatch(selection.Groups, selection.GroupSizes);
        foreach (var (contig, regions) in RegionsByContig(request.Regions))
        {
            Touch(_view.Catalog.Contigs[contig].Canonical);
            batch.Contig = _view.Catalog.Contigs[contig].Spelling;
            var scan = new FrequencyScan(_view, contig, selection, (request.Rules, PlanOf(contig, selection, care), care), (batch, _counter));
            var around = request.Symbolic && care is not null ? Symbolic(contig, selection, request.Rules, care) : null;
            foreach (var region in regions)
            {
                care?.Around.Ask(contig, region.Start, region.End);
                var symbolic = around ?? (request.Symbolic ? Symbolic(contig, selection, request.Rules) : null);
                foreach (var filled in scan.List(region, symbolic))
                {
                    stop.ThrowIfCancellationRequested();
                    // Where blocks end depends on samples that a caller may not see, and so do batches: a listing ends at a row.
                    var isCut = ChargeRows(filled.Count, selection.SlotCount) is var paid && paid < filled.Count;
                    if (isCut) filled.KeepFirst(paid);
                    if (request.MinAc > 0) filled.KeepFrom(request.MinAc);
                    if (filled.Count > 0)
                    {
                        rows += (long)filled.Count * filled.GroupCount;
                        yield return filled;
                    }
                    if (isCut) ThrowOver();
                }
            }
            if (_scope.HidesNothing) GenotypeBytesRead += scan.BytesRead;
        }
        Report("frequencies", rows);
    }

    /// <summary>Figures per variant and group, in the order of COUNTS.md. The row is reused: copy what you keep.</summary>
    /// <exception cref="InputException">An unknown contig, cohort, sample or column.</exception>
    public IEnumerable<FrequencyRow> Frequencies(FrequencyRequest request, CancellationToken stop = default)
    {
        if (request.Variants is { } asked)
        {
            var selection = Prepare(request.Samples, request.Rules, request.By);
            Begin(selection);
            var rows = 0L;
            foreach (var row in Asked(asked, selection, request, stop))
            {
                rows++;
                yield return row;
            }
            Report("frequencies", rows);
            yield break;
        }
        var output = new FrequencyRow();
        foreach (var batch in FrequencyBatches(request, stop))
        {
            foreach (var row in batch.Rows(output))
            {
                stop.ThrowIfCancellationRequested();
                yield return row;
            }
        }
    }

    /// <summary>The samples of a choice that the scope sees at the snapshot; built once for equal choices.</summary>
    internal Selection Prepare(SampleChoice choice, CountRules rules, string? by)
    {
        var index = _prepared.FindIndex(p => p.Key == (rules.PerSample, by) && IsSame(p.Choice, choice));
        var selection = index >= 0 ? _prepared[index].Selection : Selection.Build(_view.Catalog, _scope, Snapshot, choice, rules, by);
        if (index == 0) return selection;
        if (index >= 0) _prepared.RemoveAt(index);
        else if (_prepared.Count == MostPrepared) _prepared.RemoveAt(MostPrepared - 1);
        string[]? names = choice.Names is { } given ? [.. given] : null;
        _prepared.Insert(0, (choice with { Names = names }, (rules.PerSample, by), selection));
        return selection;
    }

    private static bool IsSame(SampleChoice a, SampleChoice b) =>
        a.Cohort == b.Cohort && (ReferenceEquals(a.Names, b.Names) || (a.Names is not null && b.Names is not null && a.Names.SequenceEqual(b.Names)));

    private ContigPlan PlanOf(int contig, Selection selection, Care? care)
    {
        if (_plans.TryGetValue(contig, out var plan)) return plan;
        var before = care?.Around.Count;
        plan = ContigPlan.Build(_view, contig, selection, care);
        if (before == care?.Around.Count) _plans.Add(contig, plan); // one that lacks a segment is for this question alone
        return plan;
    }
}

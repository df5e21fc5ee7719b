namespace Warehouse.Engine.Query;

public sealed partial class Session
{
    /// <summary>
    /// Compares two cohorts allele by allele: figures of both, odds ratio, and the two-sided p of Fisher's exact test on AC and AN - AC.
    /// The row is reused. A sample may be in both only if it is the same question twice: that is refused.
    /// </summary>
    /// <exception cref="InputException">An unknown cohort, or a sample in both.</exception>
    public IEnumerable<CaseControlRow> CaseControl(string cases, string controls, CancellationToken stop = default)
    {
        var rules = new CountRules();
        var first = Selection.Build(_view.Catalog, _scope, Snapshot, new SampleChoice { Cohort = cases }, rules, null);
        var second = Selection.Build(_view.Catalog, _scope, Snapshot, new SampleChoice { Cohort = controls }, rules, null);
        var shared = first.SampleOf.Intersect(second.SampleOf).Count();
        if (shared > 0) throw new InputException("cohorts-overlap", FormattableString.Invariant($"{shared} samples are in both cohorts; cases and controls must be disjoint"), InputPlace.None);
        Begin(() => AnswerContext.DigestOf($"cases:{first.Digest}\ncontrols:{second.Digest}", []), [first, second]);
        var care = CareOf(RowNeeds.Counts);
        var (figuresCases, figuresControls) = (new CountFigures[1], new CountFigures[1]);
        var (output, place, rows) = (new CaseControlRow(), new FrequencyRow(), 0L);
        foreach (var contig in _view.ContigsInOrder())
        {
            Touch(_view.Catalog.Contigs[contig].Canonical);
            care?.Around.Ask(contig, int.MinValue, int.MaxValue);
            var scanCases = ContigScan.Listing(_view, contig, first, rules, (false, care));
            var scanControls = ContigScan.Listing(_view, contig, second, rules, (false, care));
            var everyone = ContigScan.Listing(_view, contig, Selection.Build(_view.Catalog, _scope, Snapshot, SampleChoice.All, rules, null), rules, (false, care is null ? null : care with { Needs = RowNeeds.Listed }));
            foreach (var row in everyone.List(-1, int.MaxValue))
            {
                stop.ThrowIfCancellationRequested();
                // All three look before any counts, and the last knows what the others found: what one finds damaged, none answers.
                if (!(scanCases.CanAnswer(row) & scanControls.CanAnswer(row) & everyone.CanAnswer(row))) continue;
                ChargeRow(first.SlotCount + second.SlotCount);
                scanCases.Count(scanCases.Find(row.Start, row.Ref, row.Alt), figuresCases);
                scanControls.Count(scanControls.Find(row.Start, row.Ref, row.Alt), figuresControls);
                if (figuresCases[0].Ac + figuresControls[0].Ac == 0) continue;
                Fill(place, _view.Catalog.Contigs[contig].Spelling, row);
                (output.Contig, output.Start, output.Ref, output.Alt) = (place.Contig, place.Start, place.Ref, place.Alt);
                (output.Cases, output.Controls) = (figuresCases[0], figuresControls[0]);
#if PLANTED_CASES_AS_CONTROLS
                (output.OddsRatio, output.PValue) = FisherExact.Test(figuresCases[0].Ac, figuresCases[0].An, figuresControls[0].Ac, figuresControls[0].An - figuresControls[0].Ac);
#else
                (output.OddsRatio, output.PValue) = FisherExact.Test(figuresCases[0].Ac, figuresCases[0].An - figuresCases[0].Ac, figuresControls[0].Ac, figuresControls[0].An - figuresControls[0].Ac);
#endif
                rows++;
                yield return output;
            }
        }
        Report("case-control", rows);
    }
}

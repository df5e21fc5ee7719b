namespace Warehouse.Engine.Release;

/// <summary>Figures of some variants as they are released.</summary>
/// <param name="Answered">How many of the variants asked for, from the first on, are answered.</param>
/// <param name="Rows">Answered times (1 + groups): of each variant the cohort, then the groups in their order.</param>
/// <param name="Stopped">The rule at which it stopped before the next variant; None when all are answered.</param>
public sealed record ReleasedBatch(int Answered, ReleasedRow[] Rows, ReleaseRule Stopped);

/// <summary>
/// Figures of one cohort and its groups under the rules, made by <see cref="Releaser.Open"/>. Any thread; a batch is one record of the ledger.
/// Which variants are asked for must not depend on the genotypes of the cohort: a listing takes the sites of the epoch.
/// </summary>
public sealed partial class ReleaseCall
{
    /// <summary>Variants of one batch, at most.</summary>
    public const int MaxVariants = 4096;

    private readonly Releaser _releaser;
    private readonly ReleaseRequest _request;
    private readonly LedgerState _state;
    private readonly int[] _sets, _people, _setOfGroup;
    private readonly bool _hasRest;
    private readonly Suppression _suppression;
    private readonly Dictionary<string, IReadOnlyList<sbyte[]>> _derivations = new(StringComparer.Ordinal);

    internal ReleaseCall(Releaser releaser, ReleaseRequest request, int[] sets, bool hasRest)
    {
        (_releaser, _request, _sets, _hasRest) = (releaser, request, sets, hasRest);
        _state = releaser.Ledger.State;
        _suppression = new Suppression(request.Policy);
        _people = [.. sets.Select(s => _state.SetOf(s).People)];
        _setOfGroup = [.. request.Groups.Select(g => Array.IndexOf(sets, _state.NumberOf(g)))];
    }

    private int Width => 1 + _request.Groups.Count;

    /// <summary>Judges figures, charges for them, and returns what may be shown; the charge is durable by then (I8).</summary>
    /// <param name="variants">Keys of normalised variants, one spelling for each.</param>
    /// <param name="cells">Figures, as many times (1 + groups): of each variant the cohort, then the groups in their order.</param>
    /// <exception cref="ArgumentException">Too many variants, or figures that are not of these sets.</exception>
    /// <exception cref="LedgerRefusedException">The ledger cannot be written: nothing is released.</exception>
    public ReleasedBatch Release(IReadOnlyList<string> variants, ReadOnlySpan<BaseCells> cells)
    {
        var (batch, done, mustWrite) = DecideFigures(variants, cells);
        if (mustWrite) _releaser.Ledger.Write();
#if !PLANTED_RELEASED_UNCHARGED
        ReleaseLedger.Finish(done);
#endif
        return batch;
    }

    /// <summary>The same, waiting for the disk without a thread; <paramref name="cells"/> is read before it returns.</summary>
    /// <exception cref="ArgumentException">Too many variants, or figures that are not of these sets.</exception>
    /// <exception cref="LedgerRefusedException">The ledger cannot be written: nothing is released.</exception>
    public Task<ReleasedBatch> ReleaseAsync(IReadOnlyList<string> variants, ReadOnlySpan<BaseCells> cells)
    {
        var (batch, done, mustWrite) = DecideFigures(variants, cells);
        if (mustWrite) _ = Task.Run(_releaser.Ledger.Write);
        return WaitFor(batch, done);
    }

    private static async Task<T> WaitFor<T>(T batch, Task done)
    {
        await done.ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
        ReleaseLedger.Finish(done);
        return batch;
    }

    private (ReleasedBatch Batch, Task Done, bool MustWrite) DecideFigures(IReadOnlyList<string> variants, ReadOnlySpan<BaseCells> cells)
    {
        Check(variants, cells);
        var (figures, charged) = (cells.ToArray(), new List<ChargedVariant>());
        return Decide(
            variants, static rule => new ReleasedBatch(0, [], rule), (hashes, project) => Answer(hashes, figures, project, charged), static batch => batch.Stopped,
            () => charged.Count > 0 ? new ChargeRecord(_request.Project, _sets, charged) : null);
    }

    /// <summary>Answers variants under the gate, records what that charged, and a refusal where it stopped.</summary>
    /// <param name="variants">Keys of normalised variants.</param>
    /// <param name="nothing">The answer where a rule stops it before the first.</param>
    /// <param name="answer">Answers and charges.</param>
    /// <param name="stopOf">Where an answer stopped.</param>
    /// <param name="charge">What was charged so far, to be recorded; null = nothing.</param>
    private (T Batch, Task Done, bool MustWrite) Decide<T>(IReadOnlyList<string> variants, Func<ReleaseRule, T> nothing, Func<VariantHash[], ProjectState, T> answer, Func<T, ReleaseRule> stopOf, Func<LedgerRecord?> charge)
    {
        var hashes = new VariantHash[variants.Count];
        for (var i = 0; i < hashes.Length; i++) hashes[i] = VariantHash.Of(variants[i]);
        var ledger = _releaser.Ledger;
        lock (ledger.Gate)
        {
            if (ledger.State != _state) return (nothing(ReleaseRule.OtherEpoch), Task.CompletedTask, false);
            var project = _state.ProjectOf(_request.Project);
            if (project.Record.IsLocked) return (nothing(ReleaseRule.ProjectLocked), Task.CompletedTask, false);
            try
            {
                var newest = ledger.Newest();
                var batch = answer(hashes, project);
                var stopped = stopOf(batch);
                var (done, mustWrite) = charge() is { } record ? ledger.Record(record, isApplied: true) : (newest, false);
                if (stopped == ReleaseRule.None) return (batch, done, mustWrite);
                var refused = _releaser.Refuse(_request, stopped);
                return (batch, Task.WhenAll(done, refused.Done), mustWrite | refused.MustWrite);
            }
            catch (Exception e)
            {
                if (charge() is not null) ledger.Fail(e); // what was applied here may never be written
                throw;
            }
        }
    }

    private ReleasedBatch Answer(VariantHash[] hashes, ReadOnlySpan<BaseCells> cells, ProjectState project, List<ChargedVariant> charged)
    {
        var rows = new ReleasedRow[hashes.Length * Width];
        var figures = new BaseCells[_sets.Length];
        Span<bool> isHidden = stackalloc bool[_sets.Length];
        for (var v = 0; v < hashes.Length; v++)
        {
            var asked = cells.Slice(v * Width, Width);
            FiguresOf(asked, figures);
            var answers = project.AnswersOf(hashes[v]);
            var rule = RuleOf(hashes[v], answers, figures, project);
            if (rule != ReleaseRule.None) return new ReleasedBatch(v, rows[..(v * Width)], rule);
            Judge(figures, new Told(answers, project.PresencesOf(hashes[v])), isHidden);
            Charge(hashes[v], (project, charged), figures, isHidden);
            rows[v * Width] = isHidden[0] ? Suppression.Banded : _suppression.Show(figures[0]);
            for (var g = 0; g < _setOfGroup.Length; g++)
                rows[(v * Width) + 1 + g] = isHidden[_setOfGroup[g]] ? Suppression.Banded : _suppression.Show(figures[_setOfGroup[g]]);
        }
        return new ReleasedBatch(hashes.Length, rows, ReleaseRule.None);
    }

    /// <summary>Whether a variant may be answered: its figures must not have changed, and each new set needs as much left as the dearest answer costs, since what this one costs depends on it.</summary>
    private ReleaseRule RuleOf(VariantHash variant, ReadOnlySpan<AnsweredSet> answers, ReadOnlySpan<BaseCells> figures, ProjectState project)
    {
        for (var s = 0; s < _sets.Length; s++)
        {
            if (Find(answers, _sets[s]) is { } answered)
            {
                if (answered.IsExact && answered.Cells != figures[s]) return ReleaseRule.FiguresChanged;
                continue;
            }
            if (!HasLeft(project, s, variant)) return ReleaseRule.OverBudget;
        }
        return ReleaseRule.None;
    }

    /// <summary>Whether a set has as much left as the dearest answer costs, or the variant was paid for.</summary>
    private bool HasLeft(ProjectState project, int s, VariantHash variant)
    {
        var policy = _request.Policy;
        var (budget, dearest) = (policy.BudgetOf(_people[s]), policy.UnitsOf(_people[s], carriers: null));
        return (project.Budget.Has(_sets[s], variant) || budget - project.Budget.UsedOf(_sets[s]) >= dearest)
            && (_state.Shared.Has(_sets[s], variant) || (budget * policy.SharedFactor) - _state.Shared.UsedOf(_sets[s]) >= dearest);
    }

    /// <summary>Which sets are not shown: small ones, their stand-ins, and those from which together with earlier answers something small could be derived. What was answered stays as it was.</summary>
    private void Judge(ReadOnlySpan<BaseCells> figures, Told told, Span<bool> isHidden)
    {
        var answers = told.Answers;
        if (_sets.Length == 1) isHidden[0] = _suppression.IsSmall(figures[0]);
        else isHidden[0] = _suppression.Judge(figures[1..], isHidden[1..]);
        for (var s = 0; s < _sets.Length; s++) isHidden[s] |= IsBesidePresence(_sets[s], told);
        if (answers.IsEmpty) return;
        var mustCompare = false;
        foreach (var answer in answers)
        {
            var place = Array.IndexOf(_sets, answer.Set);
            mustCompare |= answer.IsExact && (place < 0 || isHidden[place]);
        }
        for (var s = 0; s < _sets.Length; s++)
            if (Find(answers, _sets[s]) is { } answer) isHidden[s] = !answer.IsExact;
#if !PLANTED_DERIVED_SHOWN
        if (mustCompare) Compare(figures, answers, isHidden);
#endif
    }

    private void Compare(ReadOnlySpan<BaseCells> figures, ReadOnlySpan<AnsweredSet> answers, Span<bool> isHidden)
    {
        var (sets, cells) = (new List<int>(), new List<BaseCells>());
        foreach (var answer in answers)
        {
            if (!answer.IsExact) continue;
            sets.Add(answer.Set);
            cells.Add(answer.Cells);
        }
        for (var s = 0; s < _sets.Length; s++)
        {
            if (isHidden[s] || Find(answers, _sets[s]) is not null) continue;
            sets.Add(_sets[s]);
            cells.Add(figures[s]);
            isHidden[s] = sets.Count > _request.Policy.MaxSetsOfVariant || IsTelling(sets, cells);
            if (!isHidden[s]) continue;
            sets.RemoveAt(sets.Count - 1);
            cells.RemoveAt(cells.Count - 1);
        }
    }

    private bool IsTelling(List<int> sets, List<BaseCells> cells)
    {
        var key = string.Join(',', sets);
        if (!_derivations.TryGetValue(key, out var sums)) _derivations[key] = sums = DerivedCells.Of([.. sets.Select(_state.SetOf)]);
        foreach (var sum in sums)
            if (_suppression.IsSmall(DerivedCells.Sum(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(cells), sum))) return true;
        return false;
    }

    private void Charge(VariantHash variant, (ProjectState State, List<ChargedVariant> Charged) project, ReadOnlySpan<BaseCells> figures, ReadOnlySpan<bool> isHidden)
    {
        var answers = project.State.AnswersOf(variant);
        var policy = _request.Policy;
        var added = new List<AnsweredSet>();
        for (var s = 0; s < _sets.Length; s++)
        {
            if (Find(answers, _sets[s]) is not null) continue;
            // By what is shown, not by what was counted: what is left of a budget is no secret.
            var units = policy.UnitsOf(_people[s], isHidden[s] ? null : _suppression.Show(figures[s]).Carriers);
            added.Add(new AnsweredSet(_sets[s], !isHidden[s], units, isHidden[s] ? default : figures[s]));
        }
        if (added.Count == 0) return;
        var charge = new ChargedVariant(variant, added);
        project.Charged.Add(charge);
        ChargeRecord.Apply(charge, project.State, _state.Shared);
    }

    private static AnsweredSet? Find(ReadOnlySpan<AnsweredSet> answers, int set)
    {
        foreach (var answer in answers)
            if (answer.Set == set) return answer;
        return null;
    }

    private void FiguresOf(ReadOnlySpan<BaseCells> asked, Span<BaseCells> figures)
    {
        var rest = figures[0] = asked[0];
        for (var g = 0; g < _setOfGroup.Length; g++)
        {
            figures[_setOfGroup[g]] = asked[1 + g];
            rest -= asked[1 + g];
        }
        if (_hasRest) figures[^1] = rest;
    }

    private void Check(IReadOnlyList<string> variants, ReadOnlySpan<BaseCells> cells)
    {
        if (variants.Count > MaxVariants) throw new ArgumentException("too many variants in one batch", nameof(variants));
        if (cells.Length != variants.Count * Width) throw new ArgumentException("there are not as many figures as variants, cohort and groups need", nameof(cells));
        for (var v = 0; v < variants.Count; v++)
        {
            var asked = cells.Slice(v * Width, Width);
            var rest = asked[0];
            if (rest.People != _people[0]) throw new ArgumentException("figures are not of the cohort", nameof(cells));
            for (var g = 0; g < _setOfGroup.Length; g++)
            {
                if (asked[1 + g].People != _people[_setOfGroup[g]]) throw new ArgumentException("figures are not of the group", nameof(cells));
                rest -= asked[1 + g];
            }
            var isWhole = _setOfGroup.Length == 0 || (_hasRest ? rest is { Ref: >= 0, One: >= 0, Hom: >= 0, Missing: >= 0, Ac: >= 0, An: >= 0 } : rest == default);
            if (!isWhole) throw new ArgumentException("the groups do not add up to the cohort", nameof(cells));
        }
    }
}

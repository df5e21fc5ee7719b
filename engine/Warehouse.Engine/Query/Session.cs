using Warehouse.Engine.Access;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

/// <summary>
/// One principal asking one snapshot for one purpose. Every answer is computed inside its scope and reported to its sink. One thread;
/// dispose to close the segments.
/// </summary>
public sealed partial class Session : IDisposable
{
    /// <summary>Figures held at once while alleles that were asked for are counted: a list may be long and the groups many.</summary>
    private const int MostFigures = 1 << 20;

    private readonly StoreView _view;
    private readonly Scope _scope;
    private readonly SessionOptions _options;
    private readonly Func<ReferenceGenome?> _openReference;
    private readonly StoreFacts _facts;
    private ReferenceGenome? _reference;
    private bool _referenceOpened;

    internal Session(StoreView view, Scope scope, (SessionOptions Options, long Snapshot) asked, Func<ReferenceGenome?> openReference, StoreFacts facts)
    {
        (_view, _scope, _options, Snapshot, _openReference, _facts) = (view, scope, asked.Options, asked.Snapshot, openReference, facts);
        _counter = new ColumnCounter(asked.Options.OneQuestion);
    }

    /// <summary>The manifest version whose data is answered.</summary>
    public long Snapshot { get; }

    /// <summary>The level of detail at which it answers.</summary>
    public Detail Detail => _scope.Level;

    /// <summary>Version of the policy by which the scope was compiled; null for the owner.</summary>
    public long? PolicyVersion => _scope.PolicyVersion;

    /// <summary>First moment at which the clock alone may end what the session may see: a grant is over then, or nobody attested it.</summary>
    public DateTimeOffset ValidUntilUtc => _scope.ValidUntilUtc;

    /// <summary>What was asked for, and what the session may see.</summary>
    internal (SessionOptions Options, Scope Scope) Granted => (_options, _scope);

    /// <summary>
    /// What the last listing (frequencies, case-control, export) could not judge, in the order of answers, complete when all its rows were
    /// taken; empty when it is whole. Only with <see cref="SessionOptions.AroundDamage"/>; without, damage ends a listing with an exception.
    /// </summary>
    public IReadOnlyList<UnavailableRange> Unavailable => _damaged?.InOrder() ?? [];

    private DamagedRanges? _damaged;

    /// <summary>Begins a listing: from here on <see cref="Unavailable"/> speaks of it. Null when damage is to throw.</summary>
    internal Care? CareOf(RowNeeds needs, bool symbolic = false, bool adj = false)
    {
        _damaged = _options.AroundDamage ? new DamagedRanges(_view, symbolic) : null;
        return _damaged is null ? null : new Care(_damaged, needs, adj);
    }

    internal StoreView View => _view;

    /// <summary>The samples of a choice that the scope sees at the snapshot.</summary>
    internal Selection Select(SampleChoice choice, CountRules rules) => Prepare(choice, rules, null);

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.Dispose();
        _reference?.Dispose();
    }

    internal void Report(string operation, long rows)
    {
        if (_options.Sink is not { } sink) return;
        var scope = _scopeDigest ??= AnswerContext.DigestOf("scope:" + _scope.Rule, []);
        sink(new AccessEvent(_options.Principal, _options.Purpose, Snapshot, operation, rows) { Scope = scope, Policy = _scope.PolicyVersion, Samples = _asked?.Invoke() });
    }

    /// <summary>Says that an answer is about to give data of a sample itself.</summary>
    internal void Shows(string sample) => (Shown ?? _options.Shown)?.Invoke(sample);

    private IEnumerable<FrequencyRow> Asked(IReadOnlyList<string> queries, Selection selection, FrequencyRequest request, CancellationToken stop)
    {
        var questions = Interpret(queries, stop);
        if (Array.Find(questions, q => q.Fault is not null) is { } bad) throw bad.Fault!;
        // A row names its variant, and what this one is cannot be found.
        if (Array.Find(questions, q => q.Damage is not null) is { } unknown) throw new InvalidDataException(unknown.Damage!.Damage);
        ChargeAlleles(questions.Length, selection.SlotCount);
        foreach (var some in questions.Chunk(Math.Clamp(MostFigures / Math.Max(1, selection.GroupSizes.Length), 1, SeenBatch)))
            foreach (var row in Asked(some, selection, request, stop)) yield return row;
    }

    private IEnumerable<FrequencyRow> Asked(Question[] questions, Selection selection, FrequencyRequest request, CancellationToken stop)
    {
        var (figures, damage) = (questions.Select(_ => new CountFigures[selection.GroupSizes.Length]).ToArray(), new string?[questions.Length]);
        foreach (var contig in Enumerable.Range(0, questions.Length).GroupBy(i => questions[i].Contig!))
        {
            var index = _view.Catalog.ContigIndex(contig.Key);
            Touch(contig.Key);
            ContigScan? scan = null;
            SymbolicScan? symbolic = null;
            foreach (var at in contig.OrderBy(i => questions[i].Start))
            {
                stop.ThrowIfCancellationRequested();
                try
                {
                    if (questions[at].Symbolic is { } allele && index >= 0)
                    {
                        symbolic ??= Symbolic(index, selection, request.Rules);
                        symbolic.Count((allele.Start, allele.End), symbolic.Matching(allele), figures[at]);
                        continue;
                    }
                    scan ??= new ContigScan(_view, index, selection, request.Rules, contig.Key);
                    if (index < 0) scan.Count(new ScanRow { Start = questions[at].Start }, figures[at]);
                    else Count(scan, questions[at].Variant!, figures[at]);
                }
                catch (Exception met) when (_options.AroundDamage && Damage.TextOf(met) is not null)
                {
                    // What it stopped in is left as it is; the next question begins anew, and meets damage only where it needs what is damaged.
                    (scan, symbolic, damage[at]) = (null, null, Damage.TextOf(met));
                    Array.Clear(figures[at]);
                }
            }
        }
        var output = new FrequencyRow();
        for (var i = 0; i < questions.Length; i++)
        {
            Fill(output, questions[i]);
            output.Damage = damage[i];
            foreach (var one in Groups(output, selection, figures[i])) yield return one;
        }
    }

    private static void Count(ContigScan scan, Variant variant, CountFigures[] figures) =>
        scan.Count(scan.Find(variant.Start, System.Text.Encoding.ASCII.GetBytes(variant.Ref), System.Text.Encoding.ASCII.GetBytes(variant.Alt)), figures);

    private void Fill(FrequencyRow output, Question question)
    {
        output.Contig = SpellingOf(question.Contig!);
        (output.Start, output.End) = (question.Start, question.Symbolic?.End ?? -1);
        (output.Ref, output.Alt) = question.Variant is { } variant ? (variant.Ref, variant.Alt) : (PaddingOf(question.Symbolic!), question.Symbolic!.Type);
    }

    /// <summary>The contig's spelling in answers.</summary>
    private string SpellingOf(string canonical) => _view.Catalog.ContigIndex(canonical) is >= 0 and var index ? _view.Catalog.Contigs[index].Spelling : Reference()?.WrittenName(canonical) ?? canonical;

    /// <summary>The reference base at the start of a symbolic allele that was asked for; N without a reference.</summary>
    private string PaddingOf(SymbolicAllele allele) =>
        allele.Start >= 0 && Reference() is { } reference && reference.Has(allele.Contig) ? ((char)ReferenceGenome.Reduce(reference.Bases(allele.Contig, allele.Start, allele.Start + 1)[0])).ToString() : "N";

    private static IEnumerable<FrequencyRow> Groups(FrequencyRow output, Selection selection, CountFigures[] figures)
    {
        for (var group = 0; group < figures.Length; group++)
        {
            output.Group = selection.Groups[group];
            output.Figures = figures[group];
            yield return output;
        }
    }

    private static void Fill(FrequencyRow output, string contig, ScanRow row)
    {
        (output.Contig, output.Start, output.End) = (contig, row.Start, -1);
        output.Ref = System.Text.Encoding.ASCII.GetString(row.Ref);
        output.Alt = System.Text.Encoding.ASCII.GetString(row.Alt);
    }

    /// <summary>Regions by contig in answer order, merged where they overlap; everything when none is named.</summary>
    internal List<(int Contig, List<(int Start, int End)> Regions)> RegionsByContig(IReadOnlyList<Region> regions)
    {
        if (regions.Count == 0)
        {
            var all = new List<(int, List<(int, int)>)>();
            foreach (var contig in _view.ContigsInOrder()) all.Add((contig, [(-1, int.MaxValue)]));
            return all;
        }
        var byContig = new Dictionary<int, List<(int Start, int End)>>();
        foreach (var region in regions)
        {
            var canonical = CanonicalOf(region.Contig);
            var contig = _view.Catalog.ContigIndex(canonical);
            if (contig < 0)
            {
                if (_view.Assembly.Length(canonical) is not null) continue;
                throw new InputException("unknown-contig", $"the store has no contig {region.Contig}; it has: {string.Join(", ", _view.ContigsInOrder().Take(40).Select(c => _view.Catalog.Contigs[c].Spelling))}", InputPlace.None);
            }
            if (!byContig.TryGetValue(contig, out var list)) byContig.Add(contig, list = []);
            list.Add((region.Start, region.End));
        }
        return [.. _view.ContigsInOrder().Where(byContig.ContainsKey).Select(c => (c, Merge(byContig[c])))];
    }

    /// <summary>The canonical name of a contig that was asked for; MT asks the mitochondrion of hg19 where the store has no other.</summary>
    internal string CanonicalOf(string contig)
    {
        var canonical = _view.Assembly.CanonicalContig(contig);
        return canonical == "MT" && _view.Catalog.ContigIndex(canonical) < 0 && _view.Catalog.ContigIndex(Assembly.OldMitochondrion) >= 0 ? Assembly.OldMitochondrion : canonical;
    }

    private static List<(int Start, int End)> Merge(List<(int Start, int End)> regions)
    {
        var merged = new List<(int Start, int End)>();
        foreach (var (start, end) in regions.Order())
        {
            if (merged.Count > 0 && start <= merged[^1].End) merged[^1] = (merged[^1].Start, Math.Max(merged[^1].End, end));
            else merged.Add((start, end));
        }
        return merged;
    }

    /// <summary>The reference sequence; null when the store has none.</summary>
    internal ReferenceGenome? Reference()
    {
        if (!_referenceOpened) (_reference, _referenceOpened) = (_openReference(), true);
        return _reference;
    }
}

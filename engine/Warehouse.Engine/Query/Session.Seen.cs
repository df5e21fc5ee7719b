using System.Globalization;
using System.Text;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

public sealed partial class Session
{
    /// <summary>Queries answered from one pass over the contigs they name.</summary>
    private const int SeenBatch = 65_536;

    /// <summary>Carriers held at once: every sample may carry every variant of a batch.</summary>
    private const int MostCarriers = 1 << 20;

    /// <summary>
    /// Answers queries in their order. "Seen" asks every visible sample, counting or not; the figures keep one sample a person. A query that
    /// needs a damaged part of the store is not assessable and says so (<see cref="SeenAnswer.Damage"/>); the others are answered.
    /// </summary>
    public IEnumerable<SeenAnswer> Seen(IEnumerable<string> queries, SampleChoice samples, CancellationToken stop = default) => SeenPaid(queries, samples, isPaid: false, stop);

    /// <summary>The same, for who may have charged for it.</summary>
    internal IEnumerable<SeenAnswer> SeenPaid(IEnumerable<string> queries, SampleChoice samples, bool isPaid, CancellationToken stop)
    {
        var rows = 0L;
        foreach (var batch in queries.Chunk(SeenBatch))
        {
            foreach (var answer in Answer(batch, samples, (null, isPaid), stop))
            {
                rows++;
                yield return answer;
            }
        }
        Report("seen", rows);
    }

    /// <summary>Prepares to look up single alleles by place and bases, many and in any order; see <see cref="AlleleLookup"/>.</summary>
    /// <param name="samples">Over which samples, as for <see cref="Seen"/>.</param>
    /// <exception cref="InputException">An unknown cohort or sample.</exception>
    public AlleleLookup PrepareLookup(SampleChoice samples) => PrepareLookup(samples, new LookupMemory(AlleleLookup.DefaultMaxBytes, inOrder: false));

    /// <summary>Prepares to answer many spellings with states and figures alone; see <see cref="BriefLookup"/>.</summary>
    /// <param name="samples">Over which samples, as for <see cref="Seen"/>.</param>
    /// <exception cref="InputException">An unknown cohort or sample.</exception>
    public BriefLookup PrepareBrief(SampleChoice samples) => new(this, samples);

    /// <summary>The canonical contig of a spelling that a query uses, and its length as far as it is known.</summary>
    /// <exception cref="InputException">There is no such contig.</exception>
    internal (string Canonical, int LengthBases) ContigOf(string name)
    {
        var canonical = Context.Contig(name);
        return (canonical, Reference()?.Length(canonical) ?? _view.Assembly.Length(canonical) ?? int.MaxValue);
    }

    internal AlleleLookup PrepareLookup(SampleChoice samples, LookupMemory memory)
    {
        var (figures, everyone) = (Select(samples, new CountRules()), Select(samples, new CountRules { PerSample = true }));
        Begin(figures, everyone);
        return new AlleleLookup(this, figures, everyone, memory);
    }

    /// <summary>Answers queries in their order, each with every visible sample that carries the variant; damage as for <see cref="Seen"/>.</summary>
    public IEnumerable<CarrierAnswer> Carriers(IEnumerable<string> queries, CancellationToken stop = default)
    {
        var rows = 0L;
        if (Allowance is not null)
        {
            // How many are answered at once depends on samples that a caller may not see.
            string[] all = [.. queries];
            ChargeAlleles(all.Length, Prepare(SampleChoice.All, new CountRules { PerSample = true }, null).SlotCount);
            queries = all;
        }
        foreach (var batch in queries.Chunk(Math.Clamp(MostCarriers / Math.Max(1, _view.Catalog.Samples.Count), 1, SeenBatch)))
        {
            var carriers = new List<CarrierRow>[batch.Length];
            var answers = Answer(batch, SampleChoice.All, (carriers, IsPaid: true), stop);
            for (var i = 0; i < answers.Length; i++)
            {
                rows += carriers[i]?.Count ?? 0;
                foreach (var carrier in carriers[i] ?? []) Shows(carrier.Sample);
                yield return new CarrierAnswer(answers[i], carriers[i] is { } list ? list : []);
            }
        }
        Report("carriers", rows);
    }

    /// <summary>Prepares to ask who carries single alleles, many of them; see <see cref="CarrierLookup"/>.</summary>
    public CarrierLookup PrepareCarriers()
    {
        var everyone = Select(SampleChoice.All, new CountRules { PerSample = true });
        Begin(Select(SampleChoice.All, new CountRules()), everyone);
        return new CarrierLookup(this, everyone);
    }

    /// <summary>The names of an answer's variant in other systems; null for a symbolic allele, and when the query could not be interpreted.</summary>
    public VariantIdentifiers? Identify(SeenAnswer answer)
    {
        if (answer.Contig is null || answer.MatchedAlleles is not null) return null;
        var variant = Variant.FromNormalized(_view.Catalog.Contigs.FirstOrDefault(c => c.Spelling == answer.Contig)?.Canonical ?? _view.Assembly.CanonicalContig(answer.Contig), answer.Start, answer.Ref, answer.Alt);
        var reference = Reference();
        string? vrs = null;
        if (reference is not null && reference.Has(variant.Contig))
            vrs = Vrs.AllelePrefix + Vrs.AlleleDigest(_facts.RefgetAccessions.GetValueOrDefault(variant.Contig) ?? reference.RefgetAccession(variant.Contig), JustifiedAllele.Of(variant, reference));
        return new VariantIdentifiers(vrs, Spdi.Format(variant, _view.Assembly, reference), Hgvs.Format(variant, _view.Assembly, reference), VariantKey.Of(variant)?.ToString());
    }

    private bool NamesPersons => _namesPersons ??= _view.Catalog.SheetAt(Snapshot).Values.Any(sheet => sheet.ContainsKey("person"));

    private bool? _namesPersons;

    private SeenAnswer[] Answer(string[] queries, SampleChoice samples, (List<CarrierRow>[]? Carriers, bool IsPaid) how, CancellationToken stop)
    {
        var carriers = how.Carriers;
        var rules = new CountRules();
        var everyone = Prepare(samples, rules with { PerSample = true }, null);
        // Persons alone tell the two apart, and where no sheet names one, what grows with the samples is built once.
        var figures = NamesPersons ? Prepare(samples, rules, null) : everyone;
        Begin(figures, everyone);
        if (!how.IsPaid) ChargeLookUps(queries.Length, everyone.SlotCount);
        var context = AskedContext;
        var questions = Interpret(queries, stop);
        var answers = new SeenAnswer[queries.Length];
        for (var i = 0; i < queries.Length; i++)
            if (questions[i].Damage is { } damage) answers[i] = Unanswered(damage.Damage) with { Query = queries[i] };
            else if (questions[i].Fault is { } fault) answers[i] = new SeenAnswer { Query = queries[i], State = SeenState.NotAssessable, Reason = fault.Expected };
        foreach (var group in Enumerable.Range(0, queries.Length).Where(i => answers[i] is null).GroupBy(i => questions[i].Contig!))
        {
            var accession = Touch(group.Key);
            ContigAsker? asker = null;
            var kept = _options.AnyOrder ? KeptFor(figures, everyone) : null;
            foreach (var i in group.OrderBy(i => questions[i].Start))
            {
                stop.ThrowIfCancellationRequested();
                var list = carriers is null ? null : carriers[i] = [];
                SeenAnswer answer;
                try
                {
                    asker ??= kept?.Askers.GetValueOrDefault(group.Key) ?? new ContigAsker(this, group.Key, figures, everyone, kept);
                    if (kept is not null) kept.Askers[group.Key] = asker;
                    answer = asker.Ask(questions[i], list);
                }
                catch (Exception met) when (Damage.TextOf(met) is not null)
                {
                    // What it stopped in is left as it is; the next question begins anew, and meets damage only where it needs what is damaged.
                    asker = null;
                    if (kept is not null) _kept.Remove(kept);
                    kept = null;
                    list?.Clear();
                    answer = Unanswered(questions[i], Damage.TextOf(met)!);
                }
                answers[i] = answer with { Query = queries[i], TrimmedOnly = questions[i].TrimmedOnly, Context = context, RefgetAccession = accession };
            }
        }
        return answers;
    }

    /// <summary>The answer where the store is damaged: not assessable, never "not seen".</summary>
    private SeenAnswer Unanswered(Question question, string damage)
    {
        var row = new FrequencyRow();
        Fill(row, question);
        return Unanswered(damage) with { Contig = row.Contig, Start = row.Start, Ref = row.Ref, Alt = row.Alt, End = row.End, MatchedAlleles = question.Symbolic is null ? null : 0 };
    }

    private static SeenAnswer Unanswered(string damage) => new() { Query = "", State = SeenState.NotAssessable, Reason = "a part of the store did not answer: " + damage, Damage = damage };

    /// <summary>What questions in any order have opened, for the next over the same samples.</summary>
    private sealed class KeptAskers(Selection figures, Selection everyone)
    {
        /// <summary>Blocks kept for each of the two selections.</summary>
        private const int MostBlocks = 48;

        public (Selection Figures, Selection Everyone) Of => (figures, everyone);

        public KeptBlocks Counted { get; } = new(MostBlocks);

        public KeptBlocks All { get; } = new(MostBlocks);

        public Dictionary<string, ContigAsker> Askers { get; } = new(StringComparer.Ordinal);
    }

    /// <summary>Choices of samples for which things are kept.</summary>
    private const int MostKept = 4;

    private readonly List<KeptAskers> _kept = [];

    private KeptAskers KeptFor(Selection figures, Selection everyone)
    {
        if (_kept.Find(k => k.Of == (figures, everyone)) is { } known) return known;
        if (_kept.Count == MostKept) _kept.RemoveAt(0);
        _kept.Add(new KeptAskers(figures, everyone));
        return _kept[^1];
    }

    /// <summary>What asks one contig, in ascending order of start unless things are kept. After an exception it is of no use.</summary>
    private sealed class ContigAsker(Session session, string canonical, Selection figures, Selection everyone, KeptAskers? kept)
    {
        private readonly CountRules _rules = new();
        private readonly int _contig = session._view.Catalog.ContigIndex(canonical);
        private (ContigScan Counted, ContigScan All)? _nowhere;
        private SeenContig? _bases;
        private SeenSymbolic? _symbolic;

        public SeenAnswer Ask(Question question, List<CarrierRow>? carriers)
        {
            if (_contig < 0)
            {
                var (counted, all) = _nowhere ??= (new ContigScan(session._view, _contig, figures, _rules, canonical), new ContigScan(session._view, _contig, everyone, _rules with { PerSample = true }, canonical));
                return session.Nowhere(question, counted, all);
            }
            if (question.Symbolic is not { } allele) return (_bases ??= Bases()).Ask(question.Variant!, carriers);
            // A walk over symbolic alleles goes forward alone; one after the other they begin anew, over the session's index.
            if (kept is not null || _symbolic is null) _symbolic = new SeenSymbolic(session._view, _contig, session.Symbolic(_contig, figures, _rules), session.Symbolic(_contig, everyone, _rules with { PerSample = true }));
            return _symbolic.Ask(allele, session.PaddingOf(allele), carriers);
        }

        private SeenContig Bases()
        {
            var all = _rules with { PerSample = true };
            if (kept is null) return new SeenContig(session._view, _contig, new ContigScan(session._view, _contig, figures, _rules), new ContigScan(session._view, _contig, everyone, all));
            var scan = ContigScan.InAnyOrder(session._view, _contig, everyone, all, kept.All);
            return new SeenContig(session._view, _contig, figures == everyone ? scan : ContigScan.InAnyOrder(session._view, _contig, figures, _rules, kept.Counted), scan);
        }
    }

    /// <summary>The answer on a contig that no file of the store has a record of: only assumption can speak there.</summary>
    private SeenAnswer Nowhere(Question question, ContigScan counted, ContigScan all)
    {
        var (row, figures, everyone) = (new FrequencyRow(), new CountFigures[1], new CountFigures[1]);
        Fill(row, question);
        counted.Count(new ScanRow { Start = question.Start }, figures);
        all.Count(new ScanRow { Start = question.Start }, everyone);
        var state = SeenContig.StateOf(everyone[0]);
        return new SeenAnswer
        {
            Query = "", State = state, Reason = state == SeenState.NotAssessable ? SeenContig.NobodyAssessed : null, Contig = row.Contig, Start = row.Start, Ref = row.Ref, Alt = row.Alt, End = row.End,
            MatchedAlleles = question.Symbolic is null ? null : 0, Figures = figures[0],
        };
    }
}

/// <summary>Asks one contig about single base alleles, in the order that its scans allow. One thread.</summary>
/// <param name="view">The store.</param>
/// <param name="contig">Index of the contig.</param>
/// <param name="counted">Counts one sample a person.</param>
/// <param name="all">Counts every visible sample; the same scan where that is the same.</param>
internal sealed class SeenContig(StoreView view, int contig, ContigScan counted, ContigScan all)
{
    public const string NobodyAssessed = "no sample was assessed there";

    private readonly CountFigures[] _figures = new CountFigures[1];
    private readonly List<string> _overlapping = [];

    public SeenAnswer Ask(Variant variant, List<CarrierRow>? carriers)
    {
        var (reference, alternate) = (Encoding.ASCII.GetBytes(variant.Ref), Encoding.ASCII.GetBytes(variant.Alt));
        var found = counted.Find(variant.Start, reference, alternate);
        counted.Count(found, _figures);
        var result = _figures[0];
        if (all != counted)
        {
            found = all.Find(variant.Start, reference, alternate);
            all.Count(found, _figures);
        }
        var state = StateOf(_figures[0]);
        var seen = new CarrierList(view);
        if (state == SeenState.Seen && carriers is null) all.NoteLoaded(found, seen);
        else if (state == SeenState.Seen)
            foreach (var carrier in all.Carriers(found)) seen.Add(carrier, carriers);
        carriers?.Sort((a, b) => string.CompareOrdinal(a.Sample, b.Sample));
        _overlapping.Clear();
        var spelling = view.Catalog.Contigs[contig].Spelling;
        var overlapping = all.Overlapping(found, SeenAnswer.MaxOverlapping, row => _overlapping.Add(string.Create(CultureInfo.InvariantCulture, $"{spelling}-{row.Start + 1L}-{Text(row.Ref)}-{Text(row.Alt)}")));
        return new SeenAnswer
        {
            Query = "", State = state, Reason = state == SeenState.NotAssessable ? NobodyAssessed : null,
            Contig = spelling, Start = variant.Start, Ref = variant.Ref, Alt = variant.Alt,
            Figures = result, FirstSeen = seen.First, LastSeen = seen.Last, Overlapping = _overlapping.Count == 0 ? [] : [.. _overlapping], OverlappingCount = overlapping,
        };
    }

    /// <summary>Bases of a neighbour; of a long allele their number, in parentheses.</summary>
    private static string Text(byte[] bases) => bases.Length <= 50 ? Encoding.ASCII.GetString(bases) : string.Create(CultureInfo.InvariantCulture, $"({bases.Length})");

    /// <summary>The answer that figures over every visible sample, counting or not, give.</summary>
    public static SeenState StateOf(in CountFigures all) =>
        all.Carriers > 0 ? SeenState.Seen : all.NSamples - all.NNoCall - all.NNotAssessed > 0 ? SeenState.NotSeen : SeenState.NotAssessable;
}

/// <summary>Asks one contig about symbolic alleles, by interval, in ascending order of start. One thread.</summary>
internal sealed class SeenSymbolic(StoreView view, int contig, SymbolicScan counted, SymbolicScan all)
{
    private readonly CountFigures[] _figures = new CountFigures[1];

    public SeenAnswer Ask(SymbolicAllele allele, string padding, List<CarrierRow>? carriers)
    {
        var (span, rows) = ((allele.Start, allele.End), counted.Matching(allele));
        counted.Count(span, rows, _figures);
        var result = _figures[0];
        all.Count(span, rows, _figures);
        var state = SeenContig.StateOf(_figures[0]);
        var seen = new CarrierList(view);
        if (state == SeenState.Seen)
            foreach (var (call, decides) in all.Carriers(span, rows)) seen.Add(call, decides ? carriers : null);
        carriers?.Sort((a, b) => string.CompareOrdinal(a.Sample, b.Sample));
        return new SeenAnswer
        {
            Query = "", State = state, Reason = state == SeenState.NotAssessable ? SeenContig.NobodyAssessed : null,
            Contig = view.Catalog.Contigs[contig].Spelling, Start = allele.Start, Ref = padding, Alt = allele.Type, End = allele.End,
            MatchedAlleles = rows.Where(all.IsListed).Select(r => (r.Allele.Start, r.Allele.Type, r.Allele.End)).Distinct().Count(),
            Figures = result, FirstSeen = seen.First, LastSeen = seen.Last,
        };
    }
}

/// <summary>Collects the carriers of one answer, and when the first and the last of them were loaded.</summary>
internal sealed class CarrierList(StoreView view)
{
    private BatchEntry? _first, _last;

    public DateTimeOffset? First => TimeOf(_first);

    public DateTimeOffset? Last => TimeOf(_last);

    /// <summary>Notes a carrier; its row goes to a list, if any.</summary>
    public void Add(CarrierCall carrier, List<CarrierRow>? rows)
    {
        Note(view.Catalog.Batches[view.Catalog.Ordinals[carrier.Ordinal].Batch]);
        rows?.Add(RowOf(carrier));
    }

    /// <summary>Notes that a carrier was loaded with a file.</summary>
    public void Note(BatchEntry batch)
    {
        // In the order of versions: the clock of an older program may have gone back between two of them.
        if (_first is null || batch.Version < _first.Version) _first = batch;
        if (_last is null || batch.Version > _last.Version) _last = batch;
    }

    private static DateTimeOffset? TimeOf(BatchEntry? batch) => batch is null ? null : DateTimeOffset.FromUnixTimeMilliseconds(batch.LoadedUnixMs);

    private CarrierRow RowOf(CarrierCall carrier)
    {
        var known = carrier.Detail;
        return new CarrierRow
        {
            Sample = view.Catalog.Samples[view.Catalog.Ordinals[carrier.Ordinal].Sample].Name,
            Zygosity = carrier.Zygosity switch { Zygosity.Het => "het", Zygosity.Hom => "hom_alt", Zygosity.Hemi => "hemi", _ => "half" },
            Genotype = carrier.Genotype,
            Gq = known is { Gq: >= 0 } ? known.Value.Gq : null,
            Dp = known is { Dp: >= 0 } ? known.Value.Dp : null,
            DepthRef = known is { Ad.Length: > 0 } && known.Value.Ad[0] >= 0 ? known.Value.Ad[0] : null,
            DepthAlt = known is { } d && d.Ad.Length > carrier.Alt && d.Ad[carrier.Alt] >= 0 ? d.Ad[carrier.Alt] : null,
        };
    }
}

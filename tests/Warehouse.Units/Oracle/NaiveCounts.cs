namespace Warehouse.Units.Oracle;

/// <summary>A sample and what its sheet says. The first sheet that names it counts.</summary>
internal sealed class NaiveSample
{
    public required string Name { get; init; }
    public Dictionary<string, string> Sheet { get; init; } = [];
    public bool AssumeReference { get; set; }
    public List<(string Contig, int Start, int End)> Callable { get; } = [];
    public List<(NaiveFile File, int Column)> Files { get; } = [];
    public bool Withdrawn { get; set; }
    public string Sex => Sheet.GetValueOrDefault("sex", "");
    public string Person => Sheet.GetValueOrDefault("person", "") is { Length: > 0 } p ? "person " + p : "sample " + Name;
}

/// <summary>What <c>freq</c> is asked.</summary>
internal sealed record NaiveQuery
{
    /// <summary>Null = all samples.</summary>
    public IReadOnlyCollection<string>? Samples { get; init; }
    public bool Adj { get; init; }
    public bool Pass { get; init; }
    public bool AsCalled { get; init; }
    public bool PerSample { get; init; }
    public string? By { get; init; }
    public long MinAc { get; init; }

    /// <summary>1-based, inclusive; null = everything.</summary>
    public (string Contig, int From, int To)? Region { get; init; }

    public override string ToString() =>
        $"samples={(Samples is null ? "all" : string.Join(',', Samples))} adj={Adj} pass={Pass} as-called={AsCalled} per-sample={PerSample} by={By} min-ac={MinAc} region={Region}";
}

/// <summary>
/// COUNTS.md over VCF text, read from the page, in memory, one sample at one variant at a time. It is the dull twin of the whole product and
/// shares no code with it. Where the page leaves a choice, the comment says which was taken.
/// </summary>
internal sealed class NaiveCounts
{
    private const int BucketBases = 1024;
    private readonly string _assembly;
    private readonly IReadOnlyDictionary<string, string>? _reference;
    private readonly Dictionary<string, NaiveSample> _byName = [];
    private readonly Dictionary<NaiveVariant, List<NaiveRow>> _rowsOf = [];
    private readonly Dictionary<(string, int), List<NaiveRow>> _touching = [];
    private readonly Dictionary<string, string> _spelling = [];

    /// <summary>The reference maps contigs as spelled there to upper-case bases; null = trim only.</summary>
    public NaiveCounts(string assembly, IReadOnlyDictionary<string, string>? reference = null)
    {
        _assembly = assembly switch { "hg19" or "b37" or "hs37d5" => "GRCh37", "hg38" => "GRCh38", _ => assembly };
        _reference = reference?.ToDictionary(r => NaiveVcf.Plain(r.Key), r => r.Value);
        foreach (var contig in reference?.Keys ?? []) _spelling[NaiveVcf.Plain(contig)] = contig;
    }

    /// <summary>Read the page as counts_oracle.py does where that differs from it (see <see cref="NaiveState"/>); only for comparing with that program.</summary>
    public bool AsThePythonReadsIt { get; init; }

    /// <summary>In the order they were first loaded.</summary>
    public List<NaiveSample> Samples { get; } = [];

    /// <summary>Every stored base allele, withdrawn ones included.</summary>
    public IEnumerable<NaiveVariant> Variants => _rowsOf.Keys;

    public NaiveVariant Normalise(NaiveVariant v) => NaiveVcf.Normalise(v, _reference?.GetValueOrDefault(v.Contig));

    public void Ingest(string path, NaiveIngest how) => Ingest(NaiveVcf.Lines(path), how);

    public void Ingest(IEnumerable<string> lines, NaiveIngest how)
    {
        var file = NaiveVcf.Read(lines, how, Normalise);
        for (var column = 0; column < file.Samples.Length; column++) AddSample(file, column);
        foreach (var row in file.Rows) AddRow(row);
    }

    public void Withdraw(string sample) => _byName[sample].Withdrawn = true;

    private void AddSample(NaiveFile file, int column)
    {
        var name = file.Samples[column];
        if (!_byName.TryGetValue(name, out var sample))
            Samples.Add(_byName[name] = sample = new NaiveSample { Name = name, Sheet = SheetOf(file.Ingest.Sheet, name) });
        sample.Files.Add((file, column));
        sample.AssumeReference |= file.Ingest.AssumeReference;
        foreach (var line in file.Ingest.Callable?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [])
        {
            var f = line.Split('\t');
            sample.Callable.Add((NaiveVcf.Plain(f[0]), int.Parse(f[1]), int.Parse(f[2])));
        }
    }

    private static Dictionary<string, string> SheetOf(string? sheet, string name)
    {
        var rows = sheet?.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split('\t')).ToList() ?? [];
        if (rows.Count == 0) return [];
        var columns = rows[0].Select(c => c.Split(':')[0]).ToArray();
        var at = Array.IndexOf(columns, "sample");
        var row = rows.Skip(1).FirstOrDefault(r => r[at] == name);
        return row is null ? [] : columns.Zip(row).ToDictionary(c => c.First, c => c.Second);
    }

    private void AddRow(NaiveRow row)
    {
        _spelling.TryAdd(row.Contig, row.ContigWritten);
        var end = row.End;
        if (row.Kind == NaiveRowKind.Block)
            for (var c = 0; c < row.Cells.Length; c++) end = Math.Max(end, NaiveVcf.BlockEnd(row, row.Call(c)));
        for (var b = row.Start / BucketBases; b <= (end - 1) / BucketBases; b++) ListOf(_touching, (row.Contig, b)).Add(row);
        foreach (var (_, variant) in row.Variants)
            if (ListOf(_rowsOf, variant) is var rows && !rows.Contains(row)) rows.Add(row);
    }

    private static List<NaiveRow> ListOf<TKey>(Dictionary<TKey, List<NaiveRow>> map, TKey key) where TKey : notnull =>
        map.TryGetValue(key, out var list) ? list : map[key] = [];

    // ---- listing ----

    /// <summary>The rows of <c>freq</c>, in its order.</summary>
    public List<CountRow> Frequencies(NaiveQuery query)
    {
        var visible = Samples.Where(s => !s.Withdrawn).ToHashSet();
        var rows = new List<CountRow>();
        foreach (var v in _rowsOf.Keys.Where(v => IsListed(v, visible) && InRegion(v, query.Region)).OrderBy(v => v, InFreqOrder.Instance))
        {
            var answers = Answers(v, query).ToList();
            if (NaiveFigures.Sum(answers.Select(a => a.Answer))[0] < query.MinAc) continue;
            if (query.By is null) rows.Add(Row(v, null, answers));
            else rows.AddRange(answers.GroupBy(a => a.Sample.Sheet.GetValueOrDefault(query.By, "")).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g => Row(v, g.Key, g)));
        }
        return rows;
    }

    /// <summary>The row of any allele, stored or not; it is normalised first.</summary>
    public CountRow Frequency(NaiveVariant v, NaiveQuery query) => Row(Normalise(v), null, Answers(Normalise(v), query));

    private CountRow Row(NaiveVariant v, string? group, IEnumerable<(NaiveSample, NaiveAnswer Answer)> answers) => new()
    {
        Contig = _spelling.GetValueOrDefault(v.Contig, v.Contig), Position = v.Start + 1, Ref = v.Ref, Alt = v.Alt, Group = group, Figures = NaiveFigures.Sum(answers.Select(a => a.Answer)),
    };

    private IEnumerable<(NaiveSample Sample, NaiveAnswer Answer)> Answers(NaiveVariant v, NaiveQuery query)
    {
        var near = Near(v);
        return Counted(query).Select(s => (s, Answer(s, v, near, query)));
    }

    /// <summary>
    /// Listed: some file has it of which a visible sample is in the store, and unless nobody in that file ever carried it, somebody visible
    /// does. File by file, so that what a withdrawn sample of one file carried says nothing about the site list of another. A carrier is
    /// whoever's GT names the allele, whatever the filters and the sex say.
    /// </summary>
    private bool IsListed(NaiveVariant v, HashSet<NaiveSample> visible)
    {
        foreach (var rows in _rowsOf[v].GroupBy(r => r.File))
        {
            if (!rows.Key.Samples.Any(n => visible.Contains(_byName[n]))) continue;
            var carriers = rows.SelectMany(r => r.File.Samples.Where((_, c) => Carries(r, c, v))).Select(n => _byName[n]).ToList();
            if (carriers.Count == 0 || carriers.Any(visible.Contains)) return true;
        }
        return false;
    }

    private static bool Carries(NaiveRow row, int column, NaiveVariant v) =>
        row.Variants.Any(x => x.Variant == v && row.Call(column).Alleles.Contains(x.Number.ToString()));

    private static bool InRegion(NaiveVariant v, (string Contig, int From, int To)? region) =>
        region is not { } r || NaiveVcf.Plain(r.Contig) == v.Contig && v.Start + 1 >= r.From && v.Start + 1 <= r.To;

    /// <summary>
    /// The samples that enter the figures: of a person only the counting one. A cohort that names only another sample of the person holds
    /// nothing of the person: the counting sample belongs to the person, not to the cohort.
    /// </summary>
    private IEnumerable<NaiveSample> Counted(NaiveQuery query)
    {
        var visible = Samples.Where(s => !s.Withdrawn);
        var counting = query.PerSample ? visible : visible.GroupBy(s => s.Person).Select(g => g.FirstOrDefault(s => s.Sheet.GetValueOrDefault("counts", "") == "yes") ?? g.First());
        return counting.Where(s => query.Samples is null || query.Samples.Contains(s.Name));
    }

    // ---- the state of one sample at one variant ----

    private List<NaiveRow> Near(NaiveVariant v)
    {
        var rows = new HashSet<NaiveRow>(_rowsOf.GetValueOrDefault(v, []));
        for (var b = v.Start / BucketBases; b <= (v.End - 1) / BucketBases; b++) rows.UnionWith(_touching.GetValueOrDefault((v.Contig, b), []));
        return [.. rows];
    }

    private NaiveAnswer Answer(NaiveSample s, NaiveVariant v, List<NaiveRow> near, NaiveQuery query)
    {
        var ploidy = NaivePloidy.Of(v.Contig, v.Start, query.AsCalled ? "" : s.Sex, _assembly);
        if (ploidy.Never) return NaiveAnswer.NotAssessed;
        var judge = new NaiveJudge(query, AsThePythonReadsIt);
        var cells = near.SelectMany(r => s.Files.Where(f => f.File == r.File).Select(f => (Row: r, Call: r.Call(f.Column)))).ToList();
        var records = cells.Where(c => judge.KindOf(c.Row) == NaiveRowKind.Record).ToList();

        // Rules 1 and 2.
        var own = records.Where(c => c.Row.Variants.Any(x => x.Variant == v)).ToList();
        var deciding = own.Count > 0 ? own : [.. records.Where(c => c.Row.Start <= v.Start && c.Row.End >= v.End)];
        if (deciding.Count > 0)
        {
            var (row, call) = deciding.OrderBy(c => c.Call.Called.Length == 0).ThenBy(c => c.Row.Start != v.Start).ThenBy(c => c.Row.Ref.Length)
                .ThenBy(c => c.Row.Ref, StringComparer.Ordinal).ThenBy(c => string.Join(',', c.Row.Alts), StringComparer.Ordinal).ThenBy(c => c.Call.Text, StringComparer.Ordinal).First();
            return judge.Gives(row, call) ? Called(row, call, v, ploidy) : NaiveAnswer.NoCall;
        }

        // Rule 3.
        var given = new List<(int Start, int End, int Ploidy)>();
        foreach (var (row, call) in cells.Where(c => judge.KindOf(c.Row) == NaiveRowKind.Block && judge.BlockPasses(c.Row, c.Call))) given.Add((row.Start, NaiveVcf.BlockEnd(row, call), call.Alleles.Length));
        foreach (var (row, call) in records.Where(c => judge.Gives(c.Row, c.Call))) given.Add((row.Start, row.End, call.Alleles.Length));
        if (ploidy.OfAssumption is { } intervalPloidy) given.AddRange(s.Callable.Where(c => c.Contig == v.Contig).Select(c => (c.Start, c.End, intervalPloidy)));
        var covered = Enumerable.Range(v.Start, v.Ref.Length).All(at => given.Any(g => g.Start <= at && at < g.End));
        if (covered && !ploidy.NoReference)
        {
            // The page does not say whose ploidy holds where several pieces of evidence cover the first base: the first to start, then to end.
            var first = given.Where(g => g.Start <= v.Start && v.Start < g.End).Min();
            return new NaiveAnswer(NaiveState.Reference, 0, ploidy.Expected ?? first.Ploidy, NaiveZygosity.None);
        }

        // Rules 4 to 6.
        var touching = records.Where(c => c.Row.Start < v.End && c.Row.End > v.Start).ToList();
        if (touching.Count > 0 && (AsThePythonReadsIt ? !touching.All(c => judge.Gives(c.Row, c.Call)) : !touching.Any(c => judge.Gives(c.Row, c.Call)))) return NaiveAnswer.NoCall;
        if (s.AssumeReference && !ploidy.NoReference && ploidy.OfAssumption is { } assumed) return new NaiveAnswer(NaiveState.Assumed, 0, assumed, NaiveZygosity.None);
        return NaiveAnswer.NotAssessed;
    }

    private static NaiveAnswer Called(NaiveRow row, NaiveCall call, NaiveVariant v, NaivePloidy ploidy)
    {
        // A row may spell v by two of its ALTs; the smaller number is v, the other an allele other than v.
        var number = row.Variants.Where(x => x.Variant == v).Select(x => x.Number.ToString()).FirstOrDefault();
        var ac = call.Called.Count(a => a == number);
        if (ploidy.OneCopy && call.Alleles.Length == 2)
        {
            if (call.Called.Length < 2 || call.Called[0] != call.Called[1]) return NaiveAnswer.NoCall;
            return new NaiveAnswer(NaiveState.Called, ac / 2, 1, ac > 0 ? NaiveZygosity.Hemi : NaiveZygosity.None);
        }
        var zygosity = ac == 0 ? NaiveZygosity.None
            : call.Alleles.Length == 1 ? NaiveZygosity.Hemi
            : call.Called.Length < call.Alleles.Length ? NaiveZygosity.Half
            : ac == call.Called.Length ? NaiveZygosity.HomAlt : NaiveZygosity.Het;
        return new NaiveAnswer(NaiveState.Called, ac, call.Called.Length, zygosity);
    }
}

/// <summary>The order of <c>freq</c>: 1 to 22, X, Y, MT, then by name; position; REF; ALT bytewise.</summary>
internal sealed class InFreqOrder : IComparer<NaiveVariant>
{
    public static InFreqOrder Instance { get; } = new();

    private static readonly List<string> Named = [.. Enumerable.Range(1, 22).Select(i => i.ToString()), "X", "Y", "MT"];

    public int Compare(NaiveVariant x, NaiveVariant y)
    {
        var order = Rank(x.Contig).CompareTo(Rank(y.Contig));
        if (order == 0) order = string.CompareOrdinal(x.Contig, y.Contig);
        if (order == 0) order = x.Start.CompareTo(y.Start);
        if (order == 0) order = string.CompareOrdinal(x.Ref, y.Ref);
        return order != 0 ? order : string.CompareOrdinal(x.Alt, y.Alt);
    }

    private static int Rank(string contig) => Named.IndexOf(contig) is >= 0 and var i ? i : Named.Count;
}

using System.Globalization;
using System.Text;
using Warehouse.Engine.Query;

namespace Warehouse.Units.Query;

/// <summary>A record of a test file. Start is 0-based; of a reference block End is its end.</summary>
internal sealed record SymbolicRecord(string Contig, int Start, string Ref, string[] Alts, string Filter, int? End, int? SvLen, string[] Calls)
{
    public bool IsBlock => Alts is ["<NON_REF>"];

    public static bool IsSymbolic(string alt) => alt != "<NON_REF>" && alt.AsSpan().ContainsAny("<[]");

    /// <summary>A base or * allele: the record speaks for its REF span.</summary>
    public bool Speaks => Alts.Any(a => !a.AsSpan().ContainsAny("<[]"));

    /// <summary>End of a symbolic ALT by the rules of VCF 4.3.</summary>
    public int EndOf(string alt)
    {
        var refEnd = Start + Ref.Length;
        if (alt.StartsWith("<INS", StringComparison.Ordinal) || !alt.StartsWith('<')) return refEnd;
        if (End is { } end && end > refEnd) return end;
        return SvLen is { } length ? Math.Max(refEnd, Start + 1 + length) : refEnd;
    }

    public string Line()
    {
        var info = new List<string>();
        if (End is { } end) info.Add(FormattableString.Invariant($"END={end}"));
        if (SvLen is { } length) info.Add("SVLEN=" + string.Join(',', Alts.Select(_ => (-length).ToString(CultureInfo.InvariantCulture))));
        var format = IsBlock ? "GT:GQ" : "GT";
        return string.Join('\t', [Contig, (Start + 1).ToString(CultureInfo.InvariantCulture), ".", Ref, string.Join(',', Alts), ".", Filter, info.Count == 0 ? "." : string.Join(';', info), format, .. Calls]);
    }
}

/// <summary>A file of a random store.</summary>
internal sealed record SymbolicFile(string[] Samples, bool Assume, (string Contig, int Start, int End)[] Callable, List<SymbolicRecord> Records)
{
    public string Text()
    {
        var text = new StringBuilder("##fileformat=VCFv4.3\n##contig=<ID=1,length=248956422>\n##contig=<ID=X,length=156040895>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"g\">\n##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"q\">\n");
        text.Append("##INFO=<ID=END,Number=1,Type=Integer,Description=\"e\">\n##INFO=<ID=SVLEN,Number=A,Type=Integer,Description=\"l\">\n##FILTER=<ID=q10,Description=\"f\">\n");
        text.Append("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t").AppendJoin('\t', Samples).Append('\n');
        foreach (var record in Records) text.Append(record.Line()).Append('\n');
        return text.ToString();
    }
}

/// <summary>
/// Small random call sets with symbolic alleles, breakends, base alleles, reference blocks and callable regions; and, computed base by
/// base without a line of the engine, what COUNTS.md and ARCHITECTURE.md ("Symbolic alleles") say of each symbolic allele.
/// </summary>
internal sealed class SymbolicStore
{
    private const int Bases = 160;
    private static readonly string[] Types = ["<DEL>", "<DUP>", "<INS>", "<CN0>", "<DEL:ME>", "N]X:77]", "[1:900[N"];
    private readonly Random _random;
    private readonly List<(int Start, string Type, int? End, int? SvLen)> _events = [];

    public SymbolicStore(int seed)
    {
        _random = new Random(seed);
        for (var i = 0; i < 8; i++)
            _events.Add((_random.Next(Bases), Types[_random.Next(Types.Length)], _random.Next(3) == 0 ? null : _random.Next(Bases) + 1, _random.Next(2) == 0 ? null : _random.Next(1, 60)));
        // Neighbours of the same type, so that questions by interval match several.
        foreach (var e in _events.ToList().Where(_ => _random.Next(2) == 0)) _events.Add((e.Start + _random.Next(1, 4), e.Type, e.End, e.SvLen));
        Files = [Make(["a", "b", "c"], assume: false), Make(["d", "e"], assume: _random.Next(2) == 0), Make(["f"], assume: false)];
    }

    public SymbolicFile[] Files { get; }

    public Dictionary<string, string> Sex { get; } = new() { ["a"] = "XX", ["b"] = "XY", ["c"] = "", ["d"] = "XY", ["e"] = "", ["f"] = "XX" };

    private SymbolicFile Make(string[] samples, bool assume)
    {
        var records = new List<SymbolicRecord>();
        foreach (var contig in new[] { "1", "X" })
        {
            var here = new List<SymbolicRecord>();
            foreach (var e in _events.Where(_ => _random.Next(2) == 0)) here.Add(Event(contig, e, samples.Length, !here.Exists(r => r.Start == e.Start)));
            foreach (var start in Enumerable.Range(0, Bases).OrderBy(_ => _random.Next()).Take(_random.Next(12))) here.Add(BaseRecord(contig, start, samples.Length));
            if (!assume && _random.Next(3) > 0) here.AddRange(Blocks(contig, samples.Length));
            records.AddRange(here.OrderBy(r => r.Start));
        }
        var callable = _random.Next(3) == 0 ? Enumerable.Range(0, 3).Select(i => (Contig: i == 2 ? "X" : "1", Start: (i % 2 * 80) + _random.Next(20), End: (i % 2 * 80) + _random.Next(40, 80))).ToArray() : [];
        return new SymbolicFile(samples, assume, callable, records);
    }

    private SymbolicRecord Event(string contig, (int Start, string Type, int? End, int? SvLen) e, int samples, bool first)
    {
        string[] alts = _random.Next(4) switch { 0 => [e.Type, e.Type == "<DUP>" ? "<INV>" : "<DUP>"], 1 when first && e.Type.StartsWith('<') => ["ACGTA"[(e.Start % 4) + 1].ToString(), e.Type], _ => [e.Type] };
        var reference = alts.Length == 2 && SymbolicRecord.IsSymbolic(alts[0]) && _random.Next(3) == 0 ? "N" : "ACGT"[e.Start % 4].ToString();
        var end = alts.Length > 0 && e.End > e.Start ? e.End : null;
        return new SymbolicRecord(contig, e.Start, reference, alts, Filter(), end, e.SvLen, Calls(samples, alts.Length));
    }

    private SymbolicRecord BaseRecord(string contig, int start, int samples)
    {
        var reference = new string([.. Enumerable.Range(start, _random.Next(1, 5)).Select(p => "ACGT"[p % 4])]);
        string[] alts = reference.Length == 1 ? _random.Next(4) == 0 ? ["ACGT"[(start + 2) % 4].ToString(), "*"] : ["ACGT"[(start + 2) % 4].ToString()] : [reference[..1]];
        return new SymbolicRecord(contig, start, reference, alts, Filter(), null, null, Calls(samples, alts.Length));
    }

    private IEnumerable<SymbolicRecord> Blocks(string contig, int samples)
    {
        for (var at = _random.Next(30); at < Bases;)
        {
            var end = at + _random.Next(5, 70);
            yield return new SymbolicRecord(contig, at, "ACGT"[at % 4].ToString(), ["<NON_REF>"], _random.Next(8) == 0 ? "q10" : "PASS", end, null,
                [.. Enumerable.Range(0, samples).Select(_ => (_random.Next(6) == 0 ? "./." : "0/0") + ":" + (_random.Next(6) == 0 ? "5" : "60"))]);
            at = end + (_random.Next(3) == 0 ? _random.Next(10) : 0);
        }
    }

    private string Filter() => _random.Next(4) switch { 0 => "q10", 1 => ".", _ => "PASS" };

    private string[] Calls(int samples, int alts) => [.. Enumerable.Range(0, samples).Select(_ => _random.Next(7) switch
    {
        0 => "./.",
        1 => "0/0",
        2 => "./" + _random.Next(1, alts + 1),
        3 => _random.Next(alts + 1).ToString(CultureInfo.InvariantCulture),
        _ => _random.Next(alts + 1) + "/" + _random.Next(alts + 1),
    })];

    /// <summary>Intervals near the events.</summary>
    public IEnumerable<(int Start, int End, string Type)> Questions()
    {
        foreach (var e in _events.Concat(_events))
        {
            var start = Math.Max(0, e.Start + _random.Next(-6, 7));
            if (e.Type is "<DEL>" or "<DUP>" or "<CN0>") yield return (start, Math.Max(start + 2, (e.End > e.Start ? e.End.Value : e.Start + 1 + (e.SvLen ?? 5)) + _random.Next(-6, 7)), e.Type);
        }
    }

    /// <summary>Every symbolic allele of a contig in the order of answers, with its figures.</summary>
    public List<(int Start, string Ref, string Alt, int End, CountFigures Figures)> Expected(string contig, bool passOnly)
    {
        var all = Files.SelectMany(f => f.Records).Where(r => r.Contig == contig).SelectMany(r => r.Alts.Where(SymbolicRecord.IsSymbolic).Select(a => (r.Start, r.Ref, Alt: a, End: r.EndOf(a))));
        return [.. all.GroupBy(a => (a.Start, a.Alt, a.End)).Select(g => (g.Key.Start, Ref: g.Min(a => a.Ref)!, g.Key.Alt, g.Key.End, Figures: Count(contig, (g.Key.Start, g.Key.End), (r, a) => r.Start == g.Key.Start && a == g.Key.Alt && r.EndOf(a) == g.Key.End, passOnly)))
            .OrderBy(a => a.Start).ThenBy(a => a.Ref, StringComparer.Ordinal).ThenBy(a => a.Alt, StringComparer.Ordinal).ThenBy(a => a.End)];
    }

    /// <summary>Figures of the symbolic alleles that a condition picks, as one, over a span.</summary>
    public CountFigures Count(string contig, (int Start, int End) span, Func<SymbolicRecord, string, bool> isAsked, bool passOnly)
    {
        var figures = new CountFigures();
        foreach (var file in Files)
        {
            for (var s = 0; s < file.Samples.Length; s++)
            {
                figures.NSamples++;
                Add(ref figures, file, s, contig, span, isAsked, passOnly);
            }
        }
        return figures;
    }

    private void Add(ref CountFigures figures, SymbolicFile file, int s, string contig, (int Start, int End) span, Func<SymbolicRecord, string, bool> isAsked, bool passOnly)
    {
        var records = file.Records.Where(r => r.Contig == contig && !r.IsBlock).ToList();
        var oneCopy = contig == "X" && Sex[file.Samples[s]] == "XY";
        var own = records.Where(r => r.Alts.Any(a => isAsked(r, a))).Select(r => (Record: r, Call: Read(r, s, a => isAsked(r, a), oneCopy, passOnly)))
            .OrderBy(r => r.Call.Ac == 0).ThenBy(r => r.Call.Called == 0).ThenBy(r => Math.Abs(r.Record.Start - span.Start) + Math.Abs(r.Record.EndOf(r.Record.Alts.First(a => isAsked(r.Record, a))) - span.End))
            .ThenBy(r => r.Record.Ref, StringComparer.Ordinal).ThenBy(r => string.Join(',', r.Record.Alts), StringComparer.Ordinal).ThenBy(r => Text(r.Record.Calls[s]), StringComparer.Ordinal).ToList();
        if (own.Count > 0)
        {
            var call = own[0].Call;
            if (call.An == 0) figures.NNoCall++;
            figures.Ac += call.Ac;
            figures.An += call.An;
            if (call.Ac == 0) return;
            if (call.Ploidy == 1) figures.NHemi++;
            else if (call.Called < call.Ploidy) figures.NHalf++;
            else if (call.Ac == call.Called) figures.NHomAlt++;
            else figures.NHet++;
            return;
        }
        var written = Covered(file, s, records, contig, span, passOnly);
        var copies = oneCopy ? 1 : contig == "X" && Sex[file.Samples[s]].Length == 0 ? written : 2;
        if (written > 0)
        {
            figures.An += copies;
            return;
        }
        var touching = records.Where(r => (r.Speaks && r.Start < span.End && r.Start + r.Ref.Length > span.Start) || r.Alts.Any(a => SymbolicRecord.IsSymbolic(a) && r.Start < span.End && r.EndOf(a) > span.Start)).ToList();
        if (touching.Count > 0 && !touching.Any(r => Passes(r, s, passOnly))) figures.NNoCall++;
        else if (file.Assume)
        {
            var assumed = oneCopy ? 1 : 2;
            figures.An += assumed;
            figures.AnAssumed += assumed;
        }
        else figures.NNotAssessed++;
    }

    private static string Text(string call) => string.Join('/', call.Split('/').Select(a => a == "." ? "-1" : a));

    private static bool Passes(SymbolicRecord record, int s, bool passOnly) => (!passOnly || record.Filter != "q10") && record.Calls[s].Any(char.IsAsciiDigit);

    private static (int Ac, int An, int Ploidy, int Called) Read(SymbolicRecord record, int s, Func<string, bool> isAsked, bool oneCopy, bool passOnly)
    {
        var alleles = record.Calls[s].Split('/');
        var called = alleles.Count(a => a != ".");
        var ac = alleles.Count(a => a is not ("." or "0") && isAsked(record.Alts[int.Parse(a, CultureInfo.InvariantCulture) - 1]));
        if (called == 0 || (passOnly && record.Filter == "q10")) return (0, 0, alleles.Length, called);
        if (!oneCopy || alleles.Length == 1) return (ac, called, alleles.Length, called);
        // Two alleles that are both asked for are one allele here.
        var same = called == 2 && (alleles[0] == alleles[1] || ac == 2);
        return same ? (ac / 2, 1, 1, called) : (0, 0, 2, called);
    }

    /// <summary>Ploidy of what covers the first base when every base of the span is covered, else 0.</summary>
    private int Covered(SymbolicFile file, int s, List<SymbolicRecord> records, string contig, (int Start, int End) span, bool passOnly)
    {
        var (blocks, pieces, callable) = (new bool[span.End], new bool[span.End], new bool[span.End]);
        static void Fill(bool[] bases, int start, int end) => bases.AsSpan(Math.Min(start, bases.Length)..Math.Min(end, bases.Length)).Fill(true);
        foreach (var block in file.Records.Where(r => r.Contig == contig && r.IsBlock && r.Filter == "PASS" && r.Calls[s] == "0/0:60")) Fill(blocks, block.Start, block.End!.Value);
        var passing = records.Where(r => r.Speaks && Passes(r, s, passOnly)).ToList();
        foreach (var piece in passing) Fill(pieces, piece.Start, piece.Start + piece.Ref.Length);
        foreach (var (where, start, end) in file.Callable)
            if (where == contig) Fill(callable, start, end);
        for (var at = span.Start; at < span.End; at++)
            if (!blocks[at] && !pieces[at] && !callable[at]) return 0;
        if (blocks[span.Start] || !pieces[span.Start]) return 2;
        return passing.Where(r => r.Start <= span.Start && r.Start + r.Ref.Length > span.Start).OrderBy(r => r.Start).ThenBy(r => r.Ref.Length).First().Calls[s].Split('/').Length;
    }
}

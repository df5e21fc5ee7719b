using System.Globalization;
using System.Text;
using Warehouse.Engine.Vcf;

namespace Warehouse.Tests.Vcf;

/// <summary>Random records with every shape of call and value that the writer takes, in order, with the INFO that they state.</summary>
internal sealed class RandomRecords(int seed, int sampleCount)
{
    private const string Bases = "ACGT";
    private readonly Random _random = new(seed);
    private int _start = -1;

    /// <summary>Two copies, one-digit alleles and plain values alone: what every program reads.</summary>
    public bool IsPlain { get; init; }

    /// <summary>Sample names.</summary>
    public string[] Samples { get; } = [.. Enumerable.Range(0, sampleCount).Select(i => $"sample {i}".Replace(' ', '_'))];

    /// <summary>Meta lines that declare all that the records use.</summary>
    public static string[] MetaLines { get; } =
    [
        "##fileformat=VCFv4.3",
        "##FILTER=<ID=q10,Description=\"Quality below 10\">",
        "##FILTER=<ID=s50,Description=\"Fewer than half\">",
        "##contig=<ID=1,length=100000>",
        "##contig=<ID=X>",
        .. "END,1,Integer SVLEN,A,Integer SVTYPE,1,String CIPOS,2,Integer CIEND,2,Integer AF,A,Float XI,.,Integer DB,0,Flag NOTE,1,String".Split(' ').Select(d => Definition("INFO", d)),
        .. "GT,1,String AD,R,Integer DP,1,Integer GQ,1,Integer LEN,1,Integer MIN_DP,1,Integer RGQ,1,Integer".Split(' ').Select(d => Definition("FORMAT", d)),
    ];

    /// <summary>Makes that many records, two thirds on the first contig.</summary>
    public List<(VcfRecord Record, VcfInfoEntry[] Info)> Make(int count)
    {
        var made = new List<(VcfRecord, VcfInfoEntry[])>();
        for (var i = 0; i < count; i++)
        {
            if (i == count * 2 / 3) _start = -1;
            made.Add(One(i < count * 2 / 3 ? 0 : 1));
        }
        return made;
    }

    private static string Definition(string kind, string text)
    {
        var parts = text.Split(',');
        return $"##{kind}=<ID={parts[0]},Number={parts[1]},Type={parts[2]},Description=\"{parts[0]}\">";
    }

    private (VcfRecord Record, VcfInfoEntry[] Info) One(int contig)
    {
        _start += _random.Next(IsPlain || _start >= 0 ? 1 : 0, 300);
        var record = new VcfRecord { ContigIndex = contig, Start = _start, Qual = _random.Next(4) == 0 ? float.NaN : _random.NextSingle() * MathF.Pow(10, _random.Next(-3, 6)) };
        record.Id = Bytes(_random.Next(3) == 0 ? $"rs{_random.Next()};x{_random.Next()}" : ".");
        record.Ref = Bytes(RandomBases(_random.Next(1, 6)));
        record.Filter = Bytes(new[] { ".", "PASS", "q10", "q10;s50" }[_random.Next(4)]);
        record.Passes = record.Filter.Length is 1 or 4;
        AddAlts(record);
        var info = Info(record);
        record.SampleCount = sampleCount;
        record.HasGt = sampleCount > 0 && (IsPlain || _random.Next(8) != 0);
        var padded = (sampleCount + 63) / 64 * 64;
        (record.First, record.Second, record.Phased) = (new byte[padded], new byte[padded], new byte[padded]);
        if (record.HasGt) AddGenotypes(record);
        AddColumns(record);
        return (record, info);
    }

    private void AddAlts(VcfRecord record)
    {
        var count = IsPlain ? _random.Next(1, 4) : _random.Next(20) switch { 0 => 0, 1 => 70, 2 => 260, 3 => 12, _ => _random.Next(1, 4) };
        var taken = new HashSet<string>(StringComparer.Ordinal) { Encoding.ASCII.GetString(record.Ref.Span) };
        while (record.Alts.Count < count)
        {
            var alt = _random.Next(IsPlain ? 1 : 12) switch { 1 => "<DEL>", 2 => "*", 3 => $"G]X:{_random.Next(1, 99)}]", _ => RandomBases(_random.Next(1, 9)) };
            if (alt == "<DEL>" || taken.Add(alt)) record.Alts.Add(Bytes(alt));
        }
    }

    private VcfInfoEntry[] Info(VcfRecord record)
    {
        var info = new List<VcfInfoEntry>();
        record.InfoEnd = VcfRecord.MissingInt;
        if (_random.Next(3) == 0)
        {
            record.InfoEnd = record.Start + 1 + _random.Next(1, 50_000);
            info.Add(VcfInfoEntry.OfIntegers("END", new[] { record.InfoEnd }));
        }
        if (_random.Next(3) == 0 && record.Alts.Count > 0)
        {
            foreach (var _ in record.Alts) record.SvLen.Add(_random.Next(0, 200_000));
            info.Add(VcfInfoEntry.OfIntegers("SVLEN", record.SvLen.Select((l, i) => i % 2 == 0 ? l : -l).ToArray()));
        }
        if (_random.Next(3) == 0) info.Add(VcfInfoEntry.OfText("SVTYPE", record.SvType = Bytes("DEL")));
        if (_random.Next(3) == 0)
        {
            (record.CiPos, record.CiEnd) = ((-_random.Next(300), _random.Next(300)), (-_random.Next(70_000), 5));
            info.Add(VcfInfoEntry.OfText("CIPOS", Bytes($"{record.CiPos.Low},{record.CiPos.High}")));
            info.Add(VcfInfoEntry.OfIntegers("CIEND", new[] { record.CiEnd.Low, record.CiEnd.High }));
        }
        if (_random.Next(2) == 0 && record.Alts.Count > 0) info.Add(VcfInfoEntry.OfText("AF", Bytes(string.Join(',', record.Alts.Select(_ => _random.Next(5) == 0 ? "." : _random.NextSingle().ToString(CultureInfo.InvariantCulture))))));
        if (_random.Next(2) == 0) info.Add(VcfInfoEntry.OfIntegers("XI", Enumerable.Range(0, _random.Next(1, 40)).Select(_ => _random.Next(6) == 0 ? int.MinValue : _random.Next(-200, 200) << _random.Next(22)).ToArray()));
        if (_random.Next(2) == 0) info.Add(VcfInfoEntry.Flag("DB"));
        if (_random.Next(2) == 0) info.Add(VcfInfoEntry.OfText("NOTE", Bytes(IsPlain ? "a%3Bc" : "a b%3Bc")));
        return [.. info];
    }

    private void AddGenotypes(VcfRecord record)
    {
        var shape = IsPlain ? 0 : _random.Next(6);
        for (var s = 0; s < sampleCount; s++)
        {
            var ploidy = shape switch { 0 or 1 => 2, 2 => 1, 3 => _random.Next(1, 3), 4 => 3, _ => _random.Next(10) == 0 ? _random.Next(3, 17) : _random.Next(1, 3) };
            var alleles = Enumerable.Range(0, ploidy).Select(_ => !IsPlain && _random.Next(6) == 0 ? -1 : _random.Next(record.Alts.Count + 1)).ToArray();
            var text = string.Concat(alleles.Select((a, i) => (i == 0 ? "" : _random.Next(2) == 0 ? "/" : "|") + (a < 0 ? "." : a.ToString(CultureInfo.InvariantCulture))));
            if (VcfSampleColumns.TryStore(record, s, alleles, text.Contains('|', StringComparison.Ordinal))) continue;
            VcfSampleColumns.StoreIrregular(record, s, alleles, Encoding.ASCII.GetBytes(text));
        }
    }

    private void AddColumns(VcfRecord record)
    {
        if (sampleCount == 0 || _random.Next(3) == 0) return;
        record.Fields = (FormatFields)_random.Next(64);
        record.Gq = Column(sampleCount);
        record.Dp = Column(sampleCount);
        record.MinDp = Column(sampleCount);
        record.Rgq = Column(sampleCount);
        record.Len = Column(sampleCount);
        record.Ad = Column(sampleCount * (1 + record.Alts.Count));
    }

    private int[] Column(int count)
    {
        var most = new[] { 1, 100, 128, 40_000, int.MaxValue }[_random.Next(5)];
        var missing = _random.Next(1, 4);
        return [.. Enumerable.Range(0, count).Select(_ => _random.Next(4) < missing ? VcfRecord.MissingInt : _random.Next(most))];
    }

    private string RandomBases(int count) => string.Concat(Enumerable.Range(0, count).Select(_ => Bases[_random.Next(4)]));

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}

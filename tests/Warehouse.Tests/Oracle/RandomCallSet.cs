namespace Warehouse.Tests.Oracle;

/// <summary>A sample of a random store: what its sheet says and what it is. Unknown sex is an empty field; the truth decides how calls are written.</summary>
internal sealed record RandomSample(string Name, string Person, string Counts, string SheetSex, bool IsXy, int WrittenOnX, string Ancestry);

/// <summary>Draws the records of one call set: a joint file of several samples or the gVCF of one. Lines keep their island, by which files are split.</summary>
internal sealed class RandomCallSet
{
    private static readonly int[] Qualities = [0, 5, 10, 19, 20, 21, 30, 60, 99];
    private static readonly int[] Depths = [4, 5, 9, 10, 11, 15, 30, 50];
    private readonly Random _random;
    private readonly RandomGenome _genome;
    private readonly NaiveCounts _normaliser;
    private readonly HashSet<NaiveVariant> _stored = [];

    // How this caller writes: fixed for the file, as callers do.
    private readonly string _blockAlt;
    private readonly bool _blockLengthInFormat;
    private readonly string _prefix;
    private readonly string[] _keys;

    public RandomCallSet(Random random, RandomGenome genome, IReadOnlyList<RandomSample> samples, RandomCallSetKind kind)
    {
        (_random, _genome, Samples, Kind) = (random, genome, samples, kind);
        _normaliser = new NaiveCounts(genome.Assembly, genome.Reference);
        _blockAlt = kind == RandomCallSetKind.Gvcf ? new[] { "<NON_REF>", "<*>", "." }[random.Next(3)] : ".";
        _blockLengthInFormat = kind == RandomCallSetKind.Gvcf && random.Next(4) == 0;
        _prefix = genome.HasReference && random.Next(3) == 0 ? "chr" : "";
        _keys = new[] { ["GT"], ["GT", "GQ", "DP", "AD"], new[] { "GT", "AD", "DP", "GQ" } }[random.Next(3)];
    }

    public IReadOnlyList<RandomSample> Samples { get; }
    public RandomCallSetKind Kind { get; }
    public List<(Island Island, int Start, string Fixed, string[] Cells)> Lines { get; } = [];

    public string Header(IEnumerable<string> samples)
    {
        var contigs = _genome.Contigs.Select(c => $"##contig=<ID={Spelled(c)}{(_genome.HasReference ? ",length=2000" : "")}>\n");
        return $"##fileformat=VCFv4.{(_blockLengthInFormat ? 5 : 2)}\n" + string.Concat(contigs) +
            "##FILTER=<ID=LowQ,Description=\"low\">\n##ALT=<ID=NON_REF,Description=\"any\">\n##ALT=<ID=*,Description=\"any\">\n##ALT=<ID=DEL,Description=\"deletion\">\n##ALT=<ID=DUP,Description=\"duplication\">\n" +
            "##INFO=<ID=END,Number=1,Type=Integer,Description=\"end\">\n##INFO=<ID=SVTYPE,Number=1,Type=String,Description=\"type\">\n##INFO=<ID=SVLEN,Number=A,Type=Integer,Description=\"length\">\n##INFO=<ID=SVCLAIM,Number=A,Type=String,Description=\"claim\">\n" +
            "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"genotype\">\n##FORMAT=<ID=GQ,Number=1,Type=Integer,Description=\"quality\">\n##FORMAT=<ID=RGQ,Number=1,Type=Integer,Description=\"quality\">\n" +
            "##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"depth\">\n##FORMAT=<ID=MIN_DP,Number=1,Type=Integer,Description=\"depth\">\n##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"depths\">\n" +
            "##FORMAT=<ID=LEN,Number=1,Type=Integer,Description=\"length\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + string.Join('\t', samples) + "\n";
    }

    /// <summary>Draws the lines of every island from the sites that all call sets of the store share.</summary>
    public void Draw(IReadOnlyDictionary<Island, List<RandomSite>> sites)
    {
        foreach (var island in _genome.Islands)
        {
            var cursor = island.From;
            foreach (var site in sites[island].Where(_ => _random.Next(10) < 6).OrderBy(s => s.Start))
            {
                if (site.Alts.Length == 0 && Kind != RandomCallSetKind.Joint) continue;
                var own = site.Alts.Where(NaiveVcf.IsBases).Select(a => _normaliser.Normalise(new NaiveVariant(site.Contig, site.Start, site.Ref, a))).ToList();
                if (own.Distinct().Count() < own.Count || own.Any(_stored.Contains)) continue; // one allele twice in a file is another test
                _stored.UnionWith(own);
                if (Kind == RandomCallSetKind.Gvcf) DrawBlocks(island, cursor, site.Start);
                DrawRecord(island, site);
                cursor = Math.Max(cursor, site.Start + (_random.Next(3) == 0 ? 1 : site.Ref.Length));
            }
            if (Kind == RandomCallSetKind.Gvcf) DrawBlocks(island, cursor, island.From + island.Length);
        }
    }

    private string Spelled(string contig) => _prefix.Length == 0 || contig.Length > 2 ? contig : contig == "MT" ? "chrM" : _prefix + contig;

    private T Pick<T>(params T[] choices) => choices[_random.Next(choices.Length)];

    private string Filter() => _random.Next(8) switch { 0 => "LowQ", < 4 => ".", _ => "PASS" };

    private void DrawBlocks(Island island, int from, int to)
    {
        while (from < to)
        {
            var end = Math.Min(to, from + (_random.Next(3) == 0 ? 1 : _random.Next(1, 25)));
            if (_random.Next(7) > 0) DrawBlock(island, from, end);
            from = end + (_random.Next(5) == 0 ? 1 : 0); // a single base that nobody speaks of, between two that somebody does
        }
    }

    private void DrawBlock(Island island, int from, int end)
    {
        var n = PloidyWritten(Samples[0], island.Contig);
        var gt = string.Join('/', Enumerable.Repeat("0", n));
        if (_random.Next(20) == 0) gt = string.Join('/', Enumerable.Repeat(".", n));
        else if (n == 2 && _random.Next(40) == 0) gt = "0/.";
        var info = _blockLengthInFormat ? "." : $"END={end}";
        string[] keys = _blockAlt == "." ? ["GT", "DP", "RGQ"] : ["GT", "GQ", "DP", "MIN_DP"];
        var cell = keys.Select(k => k == "GT" ? gt : _random.Next(12) == 0 ? "." : Pick(k is "GQ" or "RGQ" ? Qualities : Depths).ToString()).ToList();
        if (_blockLengthInFormat) (keys, cell) = ([.. keys, "LEN"], [.. cell, (end - from).ToString()]);
        Lines.Add((island, from, $"{Spelled(island.Contig)}\t{from + 1}\t.\t{_genome.Base(island.Contig, from)}\t{_blockAlt}\t.\t{Filter()}\t{info}\t{string.Join(':', keys)}", [string.Join(':', cell)]));
    }

    private void DrawRecord(Island island, RandomSite site)
    {
        // A gVCF's records carry its "any other" allele; symbolic alleles stay alone, where the page is plain about their class.
        string[] alts = Kind == RandomCallSetKind.Gvcf && _blockAlt != "." && !site.Alts.Contains("<DEL>") && _random.Next(5) > 0 ? [.. site.Alts, _blockAlt] : site.Alts;
        string[] keys = _random.Next(40) == 0 ? ["DP", "GQ"] : _keys;
        var info = site.Info;
        if (alts.Contains("<DUP>")) info = $"SVTYPE=DUP;SVLEN={string.Join(',', alts.Select(a => a == "<DUP>" ? "12" : "."))};END={site.Start + 13}";
        if (_blockLengthInFormat && info != ".") info = info.Replace("SVLEN=-", "SVLEN=") + $";SVCLAIM={string.Join(',', alts.Select(a => a is "<DEL>" or "<DUP>" ? "D" : "."))}"; // as 4.5 wants it
        var cells = Samples.Select(s => Cell(s, site.Contig, alts.Length, keys)).ToArray();
        Lines.Add((island, site.Start, $"{Spelled(site.Contig)}\t{site.Start + 1}\t.\t{site.Ref}\t{(alts.Length == 0 ? "." : string.Join(',', alts))}\t.\t{Filter()}\t{info}\t{string.Join(':', keys)}", cells));
    }

    private string Cell(RandomSample sample, string contig, int altCount, string[] keys)
    {
        var gt = Genotype(sample, contig, altCount);
        if (keys[0] == "GT" && gt.All(c => c is '.' or '/' or '|') && _random.Next(2) == 0) return gt;
        var depth = Pick(Depths);
        var called = gt.Split('/', '|');
        var fields = keys.Select(k => k switch
        {
            "GT" => gt,
            _ when _random.Next(25) == 0 => ".",
            "GQ" => Pick(Qualities).ToString(),
            "DP" => depth.ToString(),
            _ => string.Join(',', Enumerable.Range(0, altCount + 1).Select(a => !called.Contains(a.ToString()) && _random.Next(12) == 0 ? "." : Pick(0, Math.Max(0, (depth / 5) - 1), depth / 5, (depth / 5) + 1, depth / 2, depth).ToString())),
        }).ToList();
        while (fields.Count > 1 && _random.Next(25) == 0) fields.RemoveAt(fields.Count - 1);
        return string.Join(':', fields);
    }

    private string Genotype(RandomSample sample, string contig, int altCount)
    {
        var n = PloidyWritten(sample, contig);
        if (contig is not ("X" or "Y") && _random.Next(25) == 0) n = Pick(1, 3);
        if (contig == "Y" && !sample.IsXy && _random.Next(3) > 0 || _random.Next(10) == 0) return _random.Next(2) == 0 ? "." : string.Join('/', Enumerable.Repeat(".", n));
        var same = _random.Next(3) == 0 ? _random.Next(altCount + 1).ToString() : null;
        var alleles = Enumerable.Range(0, n).Select(_ => _random.Next(14) == 0 ? "." : same ?? (_random.Next(2) == 0 ? "0" : _random.Next(altCount + 1).ToString()));
        return string.Join(_random.Next(3) == 0 ? '|' : '/', alleles);
    }

    /// <summary>
    /// On X and Y one sample is written with one ploidy throughout: where sex is unknown the evidence's own ploidy counts, and the page does not
    /// say whose holds when two pieces of it differ.
    /// </summary>
    private int PloidyWritten(RandomSample sample, string contig) => contig switch { "X" or "Y" => sample.WrittenOnX, "MT" => Pick(1, 2), _ => 2 };
}

/// <summary>Joint: several samples, no blocks. VariantsOnly: the same without reference sites, fit for --assume-reference. Gvcf: one sample with blocks.</summary>
internal enum RandomCallSetKind { Joint, VariantsOnly, Gvcf }

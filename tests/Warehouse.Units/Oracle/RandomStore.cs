namespace Warehouse.Units.Oracle;

/// <summary>One VCF file to ingest.</summary>
internal sealed record RandomFile(string Name, string Text);

/// <summary>One ingest command: its files and what it says of them.</summary>
internal sealed record RandomCommand(List<RandomFile> Files, NaiveIngest How);

/// <summary>
/// A small random store as the operator would build it: samples with sexes and persons, call sets, files, commands. Everything follows from the
/// seed. It stays where COUNTS.md is plain; what it leaves out is said where it is left out.
/// </summary>
internal sealed class RandomStore
{
    private readonly List<RandomSample> _samples = [];
    private readonly Random _random;

    /// <param name="seed">All there is to know.</param>
    /// <param name="uniform">One block threshold and one BED for all samples, as counts_oracle.py has them.</param>
    public RandomStore(int seed, bool uniform = false)
    {
        Seed = seed;
        _random = new Random(seed);
        Genome = new RandomGenome(_random, withReference: _random.Next(3) == 0);
        Sites = Genome.Islands.ToDictionary(i => i, i => Enumerable.Range(0, _random.Next(5, 14)).Select(_ => RandomSite.Draw(_random, Genome, i)).OfType<RandomSite>().ToList());
        var commandCount = _random.Next(1, 4);
        var bed = uniform && _random.Next(2) == 0 ? Bed() : null;
        for (var c = 0; c < commandCount; c++)
            Commands.Add(new RandomCommand([], new NaiveIngest { BlockGq = uniform ? 20 : new[] { 10, 20, 20, 30 }[_random.Next(4)], Callable = uniform ? bed : _random.Next(3) == 0 ? Bed() : null, AssumeReference = _random.Next(3) == 0 }));
        var callSetCount = _random.Next(1, 5);
        for (var s = 0; s < callSetCount; s++) AddCallSet(s, _random.Next(commandCount));
        Commands.RemoveAll(c => c.Files.Count == 0);
        for (var c = 0; c < Commands.Count; c++) Commands[c] = Commands[c] with { How = Commands[c].How with { Sheet = Sheet(c) } };
    }

    public int Seed { get; }
    public RandomGenome Genome { get; }
    public List<RandomCommand> Commands { get; } = [];
    public IReadOnlyList<RandomSample> Samples => _samples;
    private Dictionary<Island, List<RandomSite>> Sites { get; }

    /// <summary>The naive evaluator with every command ingested.</summary>
    public NaiveCounts Evaluate(bool asThePythonReadsIt = false)
    {
        var counts = new NaiveCounts(Genome.Assembly, Genome.Reference) { AsThePythonReadsIt = asThePythonReadsIt };
        foreach (var command in Commands)
            foreach (var file in command.Files) counts.Ingest(file.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries), command.How);
        return counts;
    }

    public NaiveQuery RandomQuery(Random random) => new()
    {
        Samples = random.Next(2) == 0 ? null : [.. _samples.Select(s => s.Name).Where((_, i) => i == 0 || random.Next(2) == 0)],
        Adj = random.Next(3) == 0, Pass = random.Next(3) == 0, AsCalled = random.Next(4) == 0, PerSample = random.Next(3) == 0,
        MinAc = random.Next(6) == 0 ? 1 : 0,
    };

    /// <summary>Alleles to ask for by name: most of them not stored, at every base of an island.</summary>
    public List<NaiveVariant> AllelesToAsk(Random random)
    {
        var island = Genome.Islands[random.Next(Genome.Islands.Count)];
        var asked = new List<NaiveVariant>();
        for (var at = island.From; at < island.From + island.Length; at++)
        {
            var length = random.Next(3) == 0 ? random.Next(2, 6) : 1;
            var r = Genome.Bases(island.Contig, at, length);
            var alt = length > 1 ? r[..1] : "ACGT".Replace(r, "")[random.Next(3)].ToString();
            asked.Add(new NaiveVariant(island.Contig, at, r, alt));
        }
        return asked;
    }

    private void AddCallSet(int number, int command)
    {
        var assume = Commands[command].How.AssumeReference;
        var kind = assume ? RandomCallSetKind.VariantsOnly : _random.Next(2) == 0 ? RandomCallSetKind.Joint : RandomCallSetKind.Gvcf;
        var samples = Enumerable.Range(0, kind == RandomCallSetKind.Gvcf ? 1 : _random.Next(1, 4)).Select(i => NewSample($"s{number}_{i}")).ToList();
        var callSet = new RandomCallSet(_random, Genome, samples, kind);
        callSet.Draw(Sites);
        if (callSet.Lines.Count == 0) callSet = DrawSomething(samples, kind);
        Split(callSet, number, command);
    }

    private RandomCallSet DrawSomething(List<RandomSample> samples, RandomCallSetKind kind)
    {
        while (true)
        {
            var callSet = new RandomCallSet(_random, Genome, samples, kind);
            foreach (var island in Genome.Islands) Sites[island].AddRange(Enumerable.Range(0, 4).Select(_ => RandomSite.Draw(_random, Genome, island)).OfType<RandomSite>());
            callSet.Draw(Sites);
            if (callSet.Lines.Count > 0) return callSet;
        }
    }

    /// <summary>As one file, one by sample, one by contig, or one by island; later parts may come with the next command if neither says anything of its samples.</summary>
    private void Split(RandomCallSet callSet, int number, int command)
    {
        var how = _random.Next(4);
        var groups = how switch
        {
            1 => callSet.Samples.Select((_, i) => (Columns: new[] { i }, Part: callSet.Lines)).ToList(),
            2 => [.. callSet.Lines.GroupBy(l => l.Island.Contig).Select(g => (AllColumns(callSet), g.ToList()))],
            3 => [.. callSet.Lines.GroupBy(l => l.Island).Select(g => (AllColumns(callSet), g.ToList()))],
            _ => [(AllColumns(callSet), callSet.Lines)],
        };
        for (var g = 0; g < groups.Count; g++)
        {
            var (columns, lines) = groups[g];
            var text = callSet.Header(columns.Select(c => callSet.Samples[c].Name)) + string.Concat(lines.Select(l => $"{l.Fixed}\t{string.Join('\t', columns.Select(c => l.Cells[c]))}\n"));
            var later = g > 0 && command + 1 < Commands.Count && SaysNothing(Commands[command]) && SaysNothing(Commands[command + 1]) && _random.Next(2) == 0;
            Commands[command + (later ? 1 : 0)].Files.Add(new RandomFile($"set{number}_{g}.vcf", text));
        }
    }

    private static int[] AllColumns(RandomCallSet callSet) => [.. Enumerable.Range(0, callSet.Samples.Count)];

    /// <summary>Whether assumption and callable regions of one command hold for parts that came with another is not in COUNTS.md: left out.</summary>
    private static bool SaysNothing(RandomCommand c) => !c.How.AssumeReference && c.How.Callable is null;

    /// <summary>Where persons share samples one is marked, because which of the files of one command is loaded first is not in COUNTS.md.</summary>
    private RandomSample NewSample(string name)
    {
        var xy = _random.Next(2) == 0;
        var sibling = _samples.LastOrDefault(s => s.Counts == "yes");
        var joins = sibling is not null && _random.Next(3) == 0;
        var sample = new RandomSample(name, joins ? sibling!.Person : "p_" + name, joins ? "" : _random.Next(2) == 0 ? "yes" : "",
            _random.Next(4) == 0 ? "" : xy ? "XY" : "XX", xy, xy && _random.Next(3) > 0 ? 1 : 2, new[] { "AFR", "EUR", "SAS" }[_random.Next(3)]);
        _samples.Add(sample);
        return sample;
    }

    private string Sheet(int command)
    {
        var names = Commands[command].Files.SelectMany(f => f.Text.Split('\n').First(l => l.StartsWith("#CHROM", StringComparison.Ordinal)).Split('\t')[9..]).ToHashSet();
        return "sample\tperson\tcounts\tsex\tancestry\tassay\n" +
            string.Concat(_samples.Where(s => names.Contains(s.Name)).Select(s => $"{s.Name}\t{s.Person}\t{s.Counts}\t{s.SheetSex}\t{s.Ancestry}\t{(SaysNothing(Commands[command]) ? "wgs" : $"assay{command}")}\n"));
    }

    /// <summary>
    /// Some stretches of some islands. Not on X where a sample is written haploid: an interval gives 2 there while its records give 1, and the
    /// page does not say which holds where both cover a base and the sex is unknown.
    /// </summary>
    private string Bed()
    {
        var lines = Genome.Islands.Where(i => i.Contig != "X" && _random.Next(3) > 0).Select(i => (i.Contig, From: i.From + _random.Next(i.Length), Length: _random.Next(1, 30)));
        return string.Concat(lines.OrderBy(l => Genome.Contigs.ToList().IndexOf(l.Contig)).ThenBy(l => l.From).Select(l => $"{l.Contig}\t{l.From}\t{l.From + l.Length}\n"));
    }
}

using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Units.Oracle;
using Warehouse.Units.Query;

namespace Warehouse.Units.Access;

/// <summary>How the caller of a pair comes to see what he sees.</summary>
internal enum PairGrant { List, Cohort, Research, All, Whole }

/// <summary>
/// Stores that are equal in what one caller sees, the first of which makes a pair with each other one: the genotypes of his samples, their files' sites, their rows of the sheet, the cohorts they
/// are in, and the moments of all commits. All else differs: genotypes, sheet values, persons and membership of other samples, how many there
/// are and what they are called, whole call sets of theirs with their sites, filters, IDs and contigs, where in the order these were loaded, and
/// who was withdrawn. A caller may be granted all samples: then withdrawn ones alone are hidden; or nobody was withdrawn either, and he gets what the
/// owner gets (<see cref="IsWhole"/>). Everything follows from the seed.
/// </summary>
internal sealed class StorePairs : IDisposable
{
    private readonly RandomStore _random;
    private readonly HashSet<string> _visible;
    private readonly PairGrant _grant;
    private readonly int _compacts;
    private readonly bool _isWide;
    private readonly List<MemoryStore> _stores = [];
    private Dictionary<string, Dictionary<string, string>>? _rows;

    /// <param name="seed">All there is to know.</param>
    /// <param name="others">How many pairs they make.</param>
    /// <param name="caller">Who sees some of it.</param>
    public StorePairs(int seed, int others, Caller? caller = null)
    {
        (_random, Caller) = (new RandomStore(seed), caller ?? PolicyStore.Person("user"));
        var dice = new Random(seed ^ 0x5eed);
        // Who is granted everything does not see what was withdrawn, but nor does the owner: few such pairs, since they are equal for him too.
        _grant = dice.Next(40) switch { 0 => PairGrant.All, 1 => PairGrant.Whole, _ => (PairGrant)dice.Next(3) };
        var names = _random.Samples.Select(s => s.Name).ToList();
        _visible = _grant >= PairGrant.All ? [.. names] : [.. names.Where(_ => dice.Next(2) == 0)];
        if (_visible.Count == 0) _visible.Add(names[dice.Next(names.Count)]);
        // Figures are released of cohorts of a hundred people and more: few such pairs, since they are large.
        _isWide = dice.Next(40) == 0;
        if (_isWide && !IsWhole) _visible.UnionWith(PairFile.WideSamples);
        Cases = [.. _visible.Where(_ => dice.Next(2) == 0)];
        if (Cases.Count == 0) Cases.Add(_visible.First());
        _compacts = dice.Next(4);
        for (var side = 0; side <= others; side++) _stores.Add(Build(side, seed));
    }

    /// <summary>The stores.</summary>
    public IReadOnlyList<MemoryStore> Stores => _stores;

    /// <summary>The one that all others are compared with.</summary>
    public MemoryStore First => _stores[0];

    /// <summary>Nothing is hidden from the caller: the stores are one.</summary>
    public bool IsWhole => _grant == PairGrant.Whole;

    /// <summary>Visible samples, some of them.</summary>
    private List<string> Cases { get; }

    /// <summary>What the samples of the stores are called, seen and not.</summary>
    public List<string> Names { get; } = [];

    public IReadOnlySet<string> Visible => _visible;

    /// <summary>Samples that all stores have and the caller does not see, withdrawn or not.</summary>
    public IReadOnlyList<string> Taken => field ??= [.. Common(s => s.View.Catalog.Samples.Select(e => e.Name)).Where(n => !_visible.Contains(n))];

    /// <summary>Samples that all stores have, and that are withdrawn in none.</summary>
    public IReadOnlyList<string> Loaded => field ??= Common(s => s.LoadedSamples().Select(l => l.Name));

    /// <summary>Where the files' records lie.</summary>
    public RandomGenome Genome => _random.Genome;

    /// <summary>A visible file, or null.</summary>
    public string? VisibleFile => _random.Commands.SelectMany(c => c.Files).Select(f => f.Text).FirstOrDefault(t => PairFile.Samples(t).All(_visible.Contains));

    public Caller Caller { get; }

    public SessionOptions Options => new()
    {
        Caller = Caller, Purpose = _grant == PairGrant.Research ? Purpose.Research : Purpose.Operations, Project = _grant == PairGrant.Research ? "project" : null,
    };

    /// <summary>What the sheet says of a visible sample, in each store.</summary>
    public IReadOnlyDictionary<string, string> RowOf(string visible) => (_rows ??= Read(First, session =>
    {
        var catalog = session.View.Catalog;
        var sheets = catalog.SheetAt(long.MaxValue);
        return catalog.Samples.Select((s, i) => (s.Name, Row: sheets.GetValueOrDefault(i))).Where(s => _visible.Contains(s.Name) && s.Row is not null).ToDictionary(s => s.Name, s => s.Row!.ToDictionary());
    })).GetValueOrDefault(visible) ?? [];

    public void Dispose()
    {
        foreach (var store in _stores) store.Dispose();
    }

    /// <summary>Names that each store has.</summary>
    private List<string> Common(Func<Session, IEnumerable<string>> names) => _stores.Select(store => Read(store, s => names(s).ToList())).Aggregate((one, other) => [.. one.Intersect(other)]);

    private static T Read<T>(MemoryStore memory, Func<Session, T> read)
    {
        using var session = memory.Store.OpenSession();
        return read(session);
    }

    private MemoryStore Build(int side, int seed)
    {
        if (IsWhole) side = 0;
        var (dice, clock) = (new Random(side < 2 ? (seed * 2) + side : (seed * 2) ^ (side << 28)), new SetClock());
        var store = new MemoryStore(_random.Genome.Assembly, _random.Genome.HasReference ? _random.Genome.Fasta() : null, clock);
        foreach (var command in _random.Commands)
        {
            clock.Now += TimeSpan.FromHours(1);
            var files = new List<string>();
            foreach (var file in command.Files)
                if (PairFile.Hide(file, _visible, side == 0 ? null : dice) is { } text) files.Add(text);
            var number = _random.Commands.IndexOf(command);
            // Call sets of which the caller sees nothing, before, between and behind those of which he sees something.
            var others = IsWhole ? Enumerable.Empty<string>() : PairFile.Hidden(command, _random.Genome, ($"hidden{side}_{number}", $"rs{side}"), dice);
            foreach (var hidden in others) files.Insert(dice.Next(files.Count + 1), hidden);
            var samples = files.SelectMany(PairFile.Samples).Distinct().ToList();
            Names.AddRange(samples.Except(Names));
            store.Ingest(command.How with { Sheet = PairFile.Sheet(command.How.Sheet!, samples, (_visible, side), dice) }, [.. files]);
        }
        if (_isWide && !IsWhole)
        {
            clock.Now += TimeSpan.FromHours(1);
            var (text, sheet) = PairFile.Wide(_random.Genome, new Random(seed), (dice, side));
            store.Ingest(new NaiveIngest { Sheet = sheet }, text);
            Names.AddRange(PairFile.Samples(text).Except(Names));
        }
        Change(store, clock, (dice, side));
        return store;
    }

    /// <summary>Cohorts, withdrawals, policy and compaction: as many commits in each.</summary>
    private void Change(MemoryStore memory, SetClock clock, (Random Dice, int Side) of)
    {
        var (store, dice) = (memory.Store, of.Dice);
        using var session = store.OpenSession();
        var all = Enumerable.Range(0, session.View.Catalog.Samples.Count).Select(i => session.View.Catalog.Samples[i].Name).ToList();
        var hidden = all.Where(n => !_visible.Contains(n)).ToList();
        List<string> Some() => [.. hidden.Where(_ => dice.Next(2) == 0)];
        void Do(Action change)
        {
            clock.Now += TimeSpan.FromMinutes(10);
            change();
        }
        // One hidden sample stays where there are two: with all of them withdrawn the two stores were often one to the owner as well.
        List<string> gone = _grant >= PairGrant.All ? hidden : [hidden[dice.Next(hidden.Count)], .. Some().Take(2)];
        if (_grant < PairGrant.All && hidden.Count > 1) gone = [.. gone.Distinct().Take(hidden.Count - 1)];
        Do(() => store.SetCohort("cases", [.. Cases, .. Some()], null));
        Do(() => store.SetCohort("controls", [.. _visible.Except(Cases).DefaultIfEmpty(Cases[0]), .. Some()], null));
        Do(() => store.SetCohort("afr", null, "ancestry == 'AFR'"));
        if (!IsWhole) Do(() => store.SetCohort("others" + of.Side, hidden, null));
        if (!IsWhole) Do(() => store.Withdraw([.. gone.Distinct()]));
        Do(() => store.SetCohort("granted", [.. all.Where(_visible.Contains)], null));
        if (_compacts == 0) Do(() => store.Compact());
        var (owner, second, user) = (PolicyStore.Owner, AccessActor.Owner("second"), new Subject(SubjectKind.Principal, Caller.Id));
        var request = new GrantRequest { Subject = user, Details = Enum.GetValues<Detail>(), Purposes = [Purpose.Operations, Purpose.Research], Reason = "work" };
        // Consent binds research alone: granted for treatment too, all samples would be seen.
        if (_grant != PairGrant.Research) request = request with { Purposes = [.. request.Purposes, Purpose.Treatment] };
        Do(() => store.Grant(owner, _grant switch
        {
            PairGrant.List => request with { Samples = [.. all.Where(_visible.Contains)] }, PairGrant.Cohort => request with { Cohort = "granted" }, _ => request with { AllSamples = true },
        }));
        Do(() => store.Approve(second, 1));
        if (_grant == PairGrant.Research)
        {
            Do(() => store.Register(owner, new ProjectRequest { Name = "project", Members = [user], Use = new RegisteredUse { Kind = ResearchKind.Biomedical } }));
            Do(() => store.Approve(second, 2));
        }
        if (_compacts == 1) Do(() => store.Compact());
        if (_isWide) Do(() => store.OpenEpoch(owner, store.Version));
    }

    /// <summary>Lets somebody see everything in each store.</summary>
    public void GrantAll(Caller caller)
    {
        foreach (var store in _stores.Select(s => s.Store))
        {
            var entry = store.Grant(PolicyStore.Owner, new GrantRequest { Subject = new Subject(SubjectKind.Principal, caller.Id), AllSamples = true, Details = [Detail.Record], Purposes = [Purpose.Operations], Reason = "work" });
            store.Approve(AccessActor.Owner("second"), entry);
        }
    }
}

using Warehouse.Clinic.Alerts;
using Warehouse.Clinic.ClinVar;
using Xunit;
using static Warehouse.Units.Clinic.AlertWorld;

namespace Warehouse.Units.Clinic;

/// <summary>
/// Random histories of releases, samples, watches, withdrawals and acknowledgements against a small model that decides everything at once, when it happens, where the product
/// decides later and from the log.
/// </summary>
public sealed class AlertModelTests
{
    private const int Sites = 6;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(20261129)]
    public void Random_histories_raise_what_the_model_raises(int seed)
    {
        foreach (var keepsReading in (bool[])[false, true]) Play(seed, steps: 60, keepsReading);
    }

    [Fact]
    public void A_reading_does_not_go_on_with_a_log_that_ends_before_it()
    {
        using var world = new AlertWorld();
        using var shorter = new AlertWorld();
        foreach (var one in (AlertWorld[])[world, shorter]) one.Append(new WatchSet(new Watch { Name = "a" }));
        world.Append(new WatchSet(new Watch { Name = "b" }));
        var book = world.Book();
        Assert.False(book.TryGoOn(shorter.Store.Events));
        world.Append(new WatchRemoved("a"));
        world.Reopen();
        Assert.True(book.TryGoOn(world.Store.Events));
        Assert.Equal("b", Assert.Single(book.Watches).Key);
    }

    /// <summary>One history.</summary>
    /// <param name="seed">Of chance.</param>
    /// <param name="steps">How long.</param>
    /// <param name="keepsReading">Whether runs go on with what the one before has read.</param>
    internal static void Play(int seed, int steps, bool keepsReading = false)
    {
        var chance = new Random(seed);
        using var world = new AlertWorld { KeepsReading = keepsReading };
        var model = new Model();
        world.Load("sample\tperson\nS0\tP0\n", ("S0", Doses(chance)));
        world.Store.Withdraw(["S0"]); // there is a store before there is anybody to watch
        world.Append(new SettingsSet(new AlertSettings { Directors = [Director] }), new WatchSet(new Watch { Name = "w0" }));
        model.Watches["w0"] = new Watch { Name = "w0" };
        world.Grant(Ann);
        world.Append(new CareSet([.. Enumerable.Range(1, 9).Select(p => new CareRow($"P{p}", Ann, []))]));
        for (var (step, samples, month) = (0, 1, 1); step < steps; step++)
        {
            switch (chance.Next(9))
            {
                case 0 or 1:
                    var release = $"20{month / 12 + 10}-{(month++ % 12) + 1:d2}-01";
                    var entries = Enumerable.Range(1, Sites).Where(_ => chance.Next(8) > 0).Select(site => Entry(site, Model.Words[chance.Next(Model.Words.Length)])).ToList();
                    if (entries.Count == 0) break;
                    world.Accept(release, entries);
                    model.Accept(release, entries);
                    break;
                case 2 or 3:
                    var (sample, person, doses) = ($"S{samples++}", $"P{chance.Next(1, 10)}", Doses(chance));
                    world.Load($"sample\tperson\n{sample}\t{person}\n", (sample, doses));
                    model.Load(sample, person, doses);
                    break;
                case 4:
                    var watch = new Watch
                    {
                        Name = $"w{chance.Next(3)}", Scope = (WatchScope)(chance.Next(3) switch { 0 => WatchScope.Everybody, 1 => WatchScope.Person, _ => WatchScope.Genes }), Least = (Grade)chance.Next(1, 4),
                        Triggers = chance.Next(4) switch { 0 => WatchTriggers.Class, 1 => WatchTriggers.NewlySeen, _ => WatchTriggers.Default }, Items = [],
                    };
                    watch = watch with { Items = watch.Scope switch { WatchScope.Person => [$"P{chance.Next(1, 10)}"], WatchScope.Genes => [$"GENE{chance.Next(1, Sites + 1)}", $"GENE{chance.Next(1, Sites + 1)}"], _ => [] } };
                    world.Append(new WatchSet(watch));
                    model.Watches[watch.Name] = watch;
                    break;
                case 5:
                    if (model.Samples.Count == 0) break;
                    var gone = model.Samples[chance.Next(model.Samples.Count)].Sample;
                    world.Run(); // what is not derived yet would not be raised at all: another test
                    world.Store.Withdraw([gone]);
                    model.Withdraw(gone);
                    world.Run();
                    break;
                case 6:
                    world.Run();
                    using (var ann = world.Desk(Ann))
                        if (ann.Inbox() is [var first, ..])
                        {
                            ann.Acknowledge(first.Id, "done");
                            model.Closed.Add($"{first.Draft.Person} {first.Draft.Allele} {first.Draft.Change}");
                        }
                    break;
                default:
                    if (chance.Next(2) == 0) world.Reopen();
                    world.Run();
                    Assert.True(model.Open().SequenceEqual(world.Open()), $"seed {seed}, step {step}:\nmodel\n{string.Join('\n', model.Open())}\nfound\n{string.Join('\n', world.Open())}");
                    break;
            }
        }
        world.Run();
        Assert.True(model.Open().SequenceEqual(world.Open()), $"seed {seed}, at the end:\nmodel\n{string.Join('\n', model.Open())}\nfound\n{string.Join('\n', world.Open())}");
    }

    private static string Doses(Random chance) => string.Concat(Enumerable.Range(0, Sites).Select(_ => "0012"[chance.Next(4)]));

    /// <summary>The same rules, written again, over lists.</summary>
    private sealed class Model
    {
        public static readonly string[] Words = ["Pathogenic", "Likely_pathogenic", "Benign", "Uncertain_significance", "Conflicting_classifications_of_pathogenicity"];

        private readonly Dictionary<int, string> _class = [];
        private readonly Dictionary<int, (string From, string To)> _changed = [];
        private readonly SortedSet<string> _raised = new(StringComparer.Ordinal);
        private string? _release;

        public Dictionary<string, Watch> Watches { get; } = [];

        public List<(string Sample, string Person, string Doses)> Samples { get; } = [];

        public HashSet<string> Closed { get; } = [];

        public List<string> Open() => [.. _raised.Where(r => !Closed.Contains(r))];

        /// <summary>An alert ends with the last sample of the person that carries; a later sample may raise it again.</summary>
        public void Withdraw(string sample)
        {
            Samples.RemoveAll(s => s.Sample == sample);
            _raised.RemoveWhere(r => !Closed.Contains(r) && !Samples.Any(s => r.StartsWith($"{s.Person} ", StringComparison.Ordinal) && s.Doses[(r.Split('-')[1][0] - '1')] != '0'));
        }

        public void Accept(string release, List<ClinVarAllele> entries)
        {
            _changed.Clear();
            for (var site = 1; site <= Sites; site++)
            {
                var now = entries.Find(e => e.Allele.Start == (100 * site) - 1)?.Germline.Net.ToString().ToLowerInvariant() ?? "absent";
                var was = _class.GetValueOrDefault(site, "absent");
                if (_release is not null && was != now) _changed[site] = (was, now);
                _class[site] = now;
            }
            _release = release;
            foreach (var (_, person, doses) in Samples) RaiseChanges(person, doses);
        }

        public void Load(string sample, string person, string doses)
        {
            Samples.Add((sample, person, doses));
            RaiseChanges(person, doses);
            for (var site = 1; site <= Sites; site++)
                if (doses[site - 1] != '0' && _class.GetValueOrDefault(site) == "pathogenic" && Watches.Values.Any(w => w.Triggers != WatchTriggers.Class && Wants(w, person, site, 3) && !WantsChange(w, person, site)))
                    _raised.Add($"{person} 1-{100 * site}-A-G newly-seen germline pathogenic");
        }

        private void RaiseChanges(string person, string doses)
        {
            foreach (var (site, (from, to)) in _changed)
                if (doses[site - 1] != '0' && Watches.Values.Any(w => WantsChange(w, person, site)))
                    _raised.Add($"{person} 1-{100 * site}-A-G clinvar {_release} germline {from}>{to}");
        }

        private bool WantsChange(Watch watch, string person, int site) =>
            watch.Triggers != WatchTriggers.NewlySeen && _changed.TryGetValue(site, out var change) && Wants(watch, person, site, GradeOf(change.From, change.To));

        private static bool Wants(Watch watch, string person, int site, int grade) =>
            grade >= (int)watch.Least && (watch.Scope != WatchScope.Person || watch.Items.Contains(person)) && (watch.Scope != WatchScope.Genes || watch.Items.Contains($"GENE{site}"));

        private static int GradeOf(string from, string to) => (from, to) switch
        {
            (_, "pathogenic") => 3,
            ("pathogenic", "benign") => 3,
            ("pathogenic", _) => 2,
            ("benign", "conflicting") => 2,
            _ => 1,
        };
    }
}

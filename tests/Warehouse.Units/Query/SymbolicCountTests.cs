using Warehouse.Engine.Query;
using Warehouse.Units.Oracle;
using Xunit;

namespace Warehouse.Units.Query;

/// <summary>Symbolic alleles of small random stores in memory against the naive computation of <see cref="SymbolicStore"/>.</summary>
public sealed class SymbolicCountTests
{
    [Fact]
    public void Listed_and_asked_symbolic_alleles_count_as_the_naive_computation_does()
    {
        for (var seed = 1; seed <= 14; seed++)
        {
            var random = new SymbolicStore(seed);
            using var store = Loaded(random);
            foreach (var passOnly in new[] { false, true })
            {
                var rows = List(store, new FrequencyRequest { Symbolic = true, Rules = new CountRules { PassOnly = passOnly } }).Where(r => r.End >= 0).Select(Show).ToList();
                var expected = new[] { "1", "X" }.SelectMany(c => random.Expected(c, passOnly).Select(e => Show((c, e.Start, e.Ref, e.Alt, e.End, e.Figures)))).ToList();
                Assert.True(expected.SequenceEqual(rows), $"seed {seed}, pass {passOnly}: {expected.Zip(rows).Where(p => p.First != p.Second).Select(p => $"expected {p.First}, found {p.Second}").FirstOrDefault()}");
            }
            foreach (var (start, end, type) in random.Questions().Take(4))
            {
                var text = FormattableString.Invariant($"1:{start + 1}-{end} {type}");
                var figures = random.Count("1", (start, end), (r, a) => Matches(r, a, start, end, type), passOnly: false);
                var row = Assert.Single(List(store, new FrequencyRequest { Variants = [text] }));
                Assert.True(Show(row with { Figures = figures }) == Show(row), $"seed {seed}, {text}: expected {Show(row with { Figures = figures })}, found {Show(row)}");
            }
        }
    }

    private static bool Matches(SymbolicRecord r, string a, int start, int end, string type) =>
        a.StartsWith(type.TrimEnd('>'), StringComparison.Ordinal) && SymbolicRecord.IsSymbolic(a)
        && ((r.Start == start && r.EndOf(a) == end) || 2.0 * (Math.Min(end, r.EndOf(a)) - Math.Max(start, r.Start) - 1) is > 0 and var shared && shared >= Math.Max(end - start - 1, r.EndOf(a) - r.Start - 1));

    private static MemoryStore Loaded(SymbolicStore random)
    {
        var store = new MemoryStore("GRCh38");
        foreach (var file in random.Files)
            store.Ingest(new NaiveIngest
            {
                AssumeReference = file.Assume, Sheet = "sample\tsex\n" + string.Concat(file.Samples.Select(s => $"{s}\t{random.Sex[s]}\n")),
                Callable = file.Callable.Length == 0 ? null : string.Concat(file.Callable.Select(c => FormattableString.Invariant($"{c.Contig}\t{c.Start}\t{c.End}\n"))),
            }, file.Text());
        return store;
    }

    private static List<(string Contig, int Start, string Ref, string Alt, int End, CountFigures Figures)> List(MemoryStore store, FrequencyRequest request)
    {
        using var session = store.Store.OpenSession();
        return [.. session.Frequencies(request).Select(r => (r.Contig, r.Start, r.Ref, r.Alt, r.End, r.Figures))];
    }

    private static string Show((string Contig, int Start, string Ref, string Alt, int End, CountFigures F) row) => FormattableString.Invariant(
        $"{row.Contig}:{row.Start} {row.Ref} {row.Alt} {row.End} ac {row.F.Ac} an {row.F.An} het {row.F.NHet} hom {row.F.NHomAlt} hemi {row.F.NHemi} half {row.F.NHalf} nocall {row.F.NNoCall} not {row.F.NNotAssessed} n {row.F.NSamples} assumed {row.F.AnAssumed}");
}

using System.Text.RegularExpressions;
using Warehouse.Primitives;
using Warehouse.Server.Telemetry;
using Xunit;

namespace Warehouse.Server.Tests.Telemetry;

public sealed class ScrubberTests
{
    [Theory]
    [InlineData("no such file: /data/NA12878.vcf.gz", "no such file: /data/***.vcf.gz")]
    [InlineData("xna12878y", "x***y")]
    [InlineData("NA12878NA12878,NA12879", "***,NA12879")]
    [InlineData("S1, S11, (s1) 'S1'", "***, S11, (***) '***'")]
    [InlineData("12 of 120", "*** of 120")]
    [InlineData("Ω-Müller-1 came", "*** came")]
    [InlineData("nothing", "nothing")]
    [InlineData("", "")]
    public void Names_are_blanked_wherever_they_stand(string text, string clean)
    {
        var scrubber = Knowing("NA12878", "S1", "12", "Ω-Müller-1", "");
        Assert.Equal(clean, scrubber.Clean(text));
    }

    [Fact]
    public void A_long_name_is_found_by_its_beginning()
    {
        var name = new string('a', 60) + "-and-more";
        Assert.Equal("x ***-more", Knowing(name).Clean($"x {name}"));
    }

    [Fact]
    public void What_the_store_gains_is_known_from_then_on_and_nothing_is_forgotten()
    {
        var scrubber = Knowing("first-one");
        Assert.Equal("second-one", scrubber.Clean("second-one"));
        scrubber.Learn(Names("second-one", "first-one"));
        Assert.Equal(2, scrubber.Count);
        Assert.Equal("*** ***", scrubber.Clean("first-one second-one"));
        Assert.Same(scrubber.Clean("x"), scrubber.Clean("x"));
    }

    [Fact]
    public void A_name_that_does_not_fit_is_an_error_not_a_gap()
    {
        var scrubber = new Scrubber();
        Assert.Throws<InvalidOperationException>(() => scrubber.Learn(Enumerable.Range(0, Scrubber.MostNames + 1).Select(i => Phi.Of($"{i}"))));
    }

    /// <summary>The dull twin replaces by one regular expression.</summary>
    [Fact]
    public void Random_texts_are_blanked_as_the_dull_twin_blanks_them()
    {
        var seed = Random.Shared.Next();
        var chance = new Random(seed);
        for (var round = 0; round < 400; round++)
        {
            var names = Enumerable.Range(0, chance.Next(1, 30)).Select(_ => Text(1, 9)).Distinct(StringComparer.OrdinalIgnoreCase).ToArray();
            var scrubber = Knowing(names);
            for (var i = 0; i < 20; i++)
            {
                var text = Text(0, 60);
                var hidden = new bool[text.Length];
                foreach (var name in names)
                {
                    var pattern = Regex.Escape(name);
                    foreach (var at in Enumerable.Range(0, text.Length))
                        if (Regex.Match(text[at..], "^" + pattern, RegexOptions.IgnoreCase) is { Success: true } && (name.Length >= 5 || IsWord(text, at, name.Length))) Array.Fill(hidden, true, at, name.Length);
                }
                var expected = Regex.Replace(string.Concat(text.Select((c, at) => hidden[at] ? '\0' : c)), "\0+", "***");
                Assert.True(expected == scrubber.Clean(text), $"seed {seed}: '{text}' with {string.Join(' ', names)}: '{scrubber.Clean(text)}', not '{expected}'");
            }
        }
        string Text(int least, int most) => string.Concat(Enumerable.Range(0, chance.Next(least, most)).Select(_ => "abAB1-."[chance.Next(7)]));
    }

    [Fact]
    public async Task Readers_go_on_while_it_learns()
    {
        var scrubber = Knowing("name-00000");
        using var stop = new CancellationTokenSource();
        var reading = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested) Assert.Equal("[***]", scrubber.Clean("[name-00000]"));
        });
        for (var i = 1; i < 2000; i++) scrubber.Learn(Names($"name-{i:D5}"));
        await stop.CancelAsync();
        await reading;
        Assert.Equal(2000, scrubber.Count);
        Assert.Equal("***", scrubber.Clean("name-01999"));
    }

    private static bool IsWord(string text, int at, int length) => (at == 0 || !char.IsLetterOrDigit(text[at - 1])) && (at + length == text.Length || !char.IsLetterOrDigit(text[at + length]));

    private static Scrubber Knowing(params string[] names)
    {
        var scrubber = new Scrubber();
        scrubber.Learn(Names(names));
        return scrubber;
    }

    private static IEnumerable<Phi<string>> Names(params string[] names) => names.Select(Phi.Of);
}

using Warehouse.Engine;
using Warehouse.Engine.Samples;
using Xunit;

namespace Warehouse.Tests.Samples;

public sealed class SampleFilterTests
{
    private static readonly Dictionary<string, string> Row = new() { ["ancestry"] = "EUR", ["sex"] = "XX", ["age"] = "40", ["note"] = "a \"b\" \\c", ["score-2"] = "1e-3" };

    [Theory]
    [InlineData("ancestry == \"EUR\"", true)]
    [InlineData("ancestry == 'EUR' && sex == \"XX\"", true)]
    [InlineData("ancestry==\"EUR\"and sex!=\"XX\"", false)]
    [InlineData("ancestry == \"eur\"", false)]
    [InlineData("ancestry in (\"AFR\", \"EUR\")", true)]
    [InlineData("ancestry in(\"AFR\")", false)]
    [InlineData("not ancestry in (\"AFR\")", true)]
    [InlineData("!(ancestry == \"AFR\" || ancestry == \"EAS\")", true)]
    [InlineData("ancestry == \"AFR\" AND sex == \"XX\" OR age >= 40", true)]
    [InlineData("ancestry == \"AFR\" and (sex == \"XX\" or age >= 40)", false)]
    [InlineData("age < 40", false)]
    [InlineData("age <= 40.0", true)]
    [InlineData("age > 9", true)]
    [InlineData("age == 40.0", true)]
    [InlineData("age == \"40.0\"", false)]
    [InlineData("age in (1, 4e1)", true)]
    [InlineData("score-2 < 0.01", true)]
    [InlineData("note == \"a \\\"b\\\" \\\\c\"", true)]
    [InlineData("note == 'a \"b\" \\\\c'", true)]
    [InlineData("assay is missing", true)]
    [InlineData("assay is not missing", false)]
    [InlineData("sex is missing or sex is not missing", true)]
    [InlineData("  sex\t==\n\"XX\"  ", true)]
    public void Filter_gives_the_verdict(string text, bool expected) => Assert.Equal(expected, SampleFilter.Parse(text).Matches(Row));

    [Theory]
    [InlineData("assay == \"WGS\"", false)]
    [InlineData("assay != \"WGS\"", false)]
    [InlineData("not assay == \"WGS\"", false)]
    [InlineData("not assay in (\"WGS\")", false)]
    [InlineData("not assay < 3", false)]
    [InlineData("ancestry > 3 or not ancestry > 3", false)]
    [InlineData("not ancestry != 3", false)]
    [InlineData("assay == \"WGS\" or sex == \"XX\"", true)]
    [InlineData("not (assay == \"WGS\" and sex == \"XY\")", true)]
    public void What_is_unknown_is_never_chosen_by_being_denied(string text, bool expected) => Assert.Equal(expected, SampleFilter.Parse(text).Matches(Row));

    [Theory]
    [InlineData("", 1)]
    [InlineData("sex", 4)]
    [InlineData("sex = \"XX\"", 5)]
    [InlineData("sex == XX", 8)]
    [InlineData("sex == SECRET", 8)]
    [InlineData("sex == \"SECRET", 8)]
    [InlineData("sex == \"SEC\\nRET\"", 13)]
    [InlineData("sex == \"XX\" sex == \"SECRET\"", 13)]
    [InlineData("(sex == \"XX\"", 13)]
    [InlineData("sex == \"XX\")", 12)]
    [InlineData("sex in (\"XX\"", 13)]
    [InlineData("sex in ()", 9)]
    [InlineData("age < \"40\"", 7)]
    [InlineData("age < 4O", 7)]
    [InlineData("age < NaN", 7)]
    [InlineData("in == 3", 1)]
    [InlineData("sex is gone", 8)]
    [InlineData("sex == \"XX\"\0 or", 12)]
    public void Bad_expression_is_refused_with_the_character_where_reading_stopped(string text, int at)
    {
        var error = Assert.Throws<InputException>(() => SampleFilter.Parse(text));
        Assert.Equal($"at character {at}", error.Place.Field);
        Assert.DoesNotContain("SECRET", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Depth_and_length_have_limits_and_long_chains_do_not_count_as_depth()
    {
        string Nested(int depth) => new string('(', depth) + "age == 40" + new string(')', depth);
        Assert.True(SampleFilter.Parse(Nested(SampleFilter.MaxDepth - 1)).Matches(Row));
        Assert.Equal("where-depth", Assert.Throws<InputException>(() => SampleFilter.Parse(Nested(SampleFilter.MaxDepth))).Code);
        Assert.Equal("where-depth", Assert.Throws<InputException>(() => SampleFilter.Parse(new string('(', 99_000))).Code);
        Assert.Equal("where-depth", Assert.Throws<InputException>(() => SampleFilter.Parse(new string('!', 99_000))).Code);
        Assert.Equal("where-length", Assert.Throws<InputException>(() => SampleFilter.Parse(new string(' ', SampleFilter.MaxLength + 1))).Code);
        Assert.True(SampleFilter.Parse(string.Join("||", Enumerable.Repeat("age==1", 9_000)) + "||age==40").Matches(Row));
    }

    [Fact]
    public void Column_that_does_not_exist_is_refused_with_the_ones_that_do()
    {
        var filter = SampleFilter.Parse("sex == \"XX\" and ward is missing and sex != \"XY\"");
        Assert.Equal(["sex", "ward"], filter.Columns);
        filter.CheckColumns(["sex", "ward"]);
        var error = Assert.Throws<InputException>(() => filter.CheckColumns(["sex", "ancestry"]));
        Assert.Equal("where-column", error.Code);
        Assert.Equal("column 2 of the expression is in no sheet; the known columns of the sheets are ancestry, sex", error.Expected);
        error = Assert.Throws<InputException>(() => filter.CheckColumns(["sex", "bed of the patient", "nurse"]));
        Assert.Equal("column 2 of the expression is in no sheet; the known columns of the sheets are sex; 2 further columns are there, not named here", error.Expected);
    }

    [Fact]
    public void Filters_in_the_README_are_understood()
    {
        var readme = File.ReadAllText(Path.Combine(TestData.ProjectRoot, "README.md"));
        var block = readme[readme.IndexOf("### The filter", StringComparison.Ordinal)..].Split("```")[1];
        var filters = block.Trim().Split('\n').Select(SampleFilter.Parse).ToList();
        Assert.Equal(3, filters.Count);
        Assert.Equal(["age", "consent_until"], filters[2].Columns);
    }

    [Fact]
    public void Random_expressions_equal_a_three_valued_truth_table()
    {
        const int seed = 72;
        var random = new Random(seed);
        string[] values = ["t", "f"];
        for (var round = 0; round < 2_000; round++)
        {
            var row = new Dictionary<string, string>();
            foreach (var column in "abc")
                if (random.Next(3) > 0) row[column.ToString()] = values[random.Next(2)];
            var (text, expected) = Expression(random, row, 4);
            Assert.True(SampleFilter.Parse(text).Matches(row) == (expected == 1), $"seed {seed}, round {round}: {text}");
        }
    }

    /// <summary>The dull twin: 0 is false, 0.5 unknown, 1 true; and = min, or = max, not = 1 - x.</summary>
    private static (string Text, double Truth) Expression(Random random, Dictionary<string, string> row, int depth)
    {
        if (depth == 0 || random.Next(4) == 0)
        {
            var column = "abc"[random.Next(3)].ToString();
            return ($"{column} == \"t\"", row.TryGetValue(column, out var value) ? (value == "t" ? 1 : 0) : 0.5);
        }
        var left = Expression(random, row, depth - 1);
        if (random.Next(3) == 0) return ($"not ({left.Text})", 1 - left.Truth);
        var right = Expression(random, row, depth - 1);
        return random.Next(2) == 0
            ? ($"({left.Text}) && ({right.Text})", Math.Min(left.Truth, right.Truth))
            : ($"({left.Text}) || ({right.Text})", Math.Max(left.Truth, right.Truth));
    }
}

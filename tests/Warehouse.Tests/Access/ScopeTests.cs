using Warehouse.Engine.Access;
using Xunit;
using Xunit.Abstractions;

namespace Warehouse.Tests.Access;

/// <summary>What a policy lets a caller see: the compiled sets beside the rules read sample by sample.</summary>
public sealed class ScopeTests(ITestOutputHelper output)
{
    private const int Policies = 5_000, Questions = 20;

    [Fact]
    public void Compiled_scopes_are_what_the_naive_evaluator_says_on_100_000_random_cases()
    {
        const int firstSeed = 20_260_301;
        output.WriteLine($"seeds {firstSeed} to {firstSeed + Policies - 1}, {Questions} questions each");
        var (visible, partly, research) = (0, 0, 0);
        for (var seed = firstSeed; seed < firstSeed + Policies; seed++)
        {
            var random = new RandomPolicy(seed);
            var catalog = random.Catalog();
            var rules = new Dictionary<(Detail, string), string>();
            for (var number = 0; number < Questions; number++)
            {
                var asks = random.Question();
                var scope = Scope.Of(random.Policy, new AccessQuestion(asks.Caller, asks.Purpose, asks.Project, asks.Now), catalog).At(asks.Level);
                var expected = string.Concat(Enumerable.Range(0, random.Samples.Count).Select(s => NaivePolicy.Sees(random.Policy, asks, random.Samples, s) ? '1' : '0'));
                var actual = string.Concat(Enumerable.Range(0, random.Samples.Count).Select(s => scope.Sees(s) ? '1' : '0'));
                Assert.True(expected == actual, $"seed {seed}, question {number}: {asks}: expected {expected}, compiled {actual}");
                Assert.Equal(!expected.Contains('1'), scope.IsEmpty);
                // Of one level, who sees different samples has another rule.
                Assert.True(rules.TryAdd((asks.Level, scope.Rule), actual) || rules[(asks.Level, scope.Rule)] == actual, $"seed {seed}, question {number}: {scope.Rule}");
                if (expected.Contains('1')) (visible, partly, research) = (visible + 1, partly + (expected.Contains('0') ? 1 : 0), research + (asks.Purpose == Purpose.Research ? 1 : 0));
            }
        }
        // The cases are worth something: many see something, many of them not all, and research too.
        output.WriteLine($"{visible} of {Policies * Questions} saw something, {partly} of them not all, {research} for research");
        Assert.True(visible > 10_000 && partly > 5_000 && research > 500, $"{visible} {partly} {research}");
    }

    [Fact]
    public void Consent_is_judged_as_the_naive_evaluator_judges_it()
    {
        var (permitted, denied) = (0, 0);
        for (var seed = 1; seed <= 3_000; seed++)
        {
            var random = new RandomPolicy(seed);
            foreach (var project in random.Policy.Entries.OfType<Project>())
                foreach (var sample in random.Samples)
                {
                    var (caller, _, _, _, now) = random.Question();
                    var expected = NaivePolicy.Consents(sample, project, caller.Id, now);
                    Assert.True(expected == Consent.Permits(sample.Duo, sample.Until, project, caller, DateOnly.FromDateTime(now.UtcDateTime)), $"seed {seed}: {sample} {now}: expected {expected}");
                    (permitted, denied) = (permitted + (expected ? 1 : 0), denied + (expected ? 0 : 1));
                }
        }
        output.WriteLine($"{permitted} permitted, {denied} denied");
        Assert.True(permitted > 5_000 && denied > 5_000, $"{permitted} {denied}");
    }

    [Theory]
    [InlineData("DUO:0000042", true)]
    [InlineData("DUO:0000006", true)]
    [InlineData("DUO:0000007=MONDO:0000001", true)]
    [InlineData("DUO:0000007=MONDO:0000009 DUO:0000007=MONDO:0000002", true)]
    [InlineData("DUO:0000007=MONDO:0000009", false)]
    [InlineData("DUO:0000011", false)]
    [InlineData("DUO:0000042;DUO:0000045", true)]
    [InlineData("DUO:0000042;DUO:0000021", false)]
    [InlineData("DUO:0000042;DUO:0000025=2026-03-01", true)]
    [InlineData("DUO:0000042;DUO:0000025=2026-02-28", false)]
    [InlineData("DUO:0000042, DUO:0000022=DE", true)]
    [InlineData("DUO:0000042, DUO:0000022=FR", false)]
    [InlineData("DUO:0000042 DUO:0000006", false)]
    [InlineData("DUO:0000042 what", false)]
    [InlineData(null, false)]
    public void Consent_examples(string? duo, bool permits)
    {
        var use = new RegisteredUse { Kind = ResearchKind.Disease, Diseases = [new Disease("MONDO:0000002", ["MONDO:0000001"])], Modifiers = ["DUO:0000018", "DUO:0000022=DE"] };
        var project = new Project { Made = new Stamp(DateTimeOffset.UnixEpoch, "s"), Name = "p", Members = [], Use = use, CollusionGroup = "p" };
        Assert.Equal(permits, Consent.Permits(duo, null, project, new Caller { Id = "cert:a" }, new DateOnly(2026, 3, 1)));
        Assert.Equal(permits, Consent.Permits(duo, "2026-03-01", project, new Caller { Id = "cert:a" }, new DateOnly(2026, 3, 1)));
        Assert.False(Consent.Permits(duo, "2026-02-28", project, new Caller { Id = "cert:a" }, new DateOnly(2026, 3, 1)));
    }

    [Fact]
    public void Policies_come_back_entry_by_entry_and_one_that_is_cut_longer_or_of_a_later_format_is_refused()
    {
        for (var seed = 1; seed <= 200; seed++)
        {
            var policy = new RandomPolicy(seed).Policy with { Epochs = [new ReleaseEpoch(1, 4, new Stamp(DateTimeOffset.UnixEpoch, "x"))] };
            policy = policy with { Entries = [.. policy.Entries, new PolicySettings { Id = policy.Entries.Count + 1, Made = new Stamp(DateTimeOffset.UnixEpoch, "s"), K = 20, MinCohort = 200 }] };
            var bytes = PolicyCodec.Encode(policy);
            var decoded = PolicyCodec.Decode(bytes);
            Assert.Equal(bytes, PolicyCodec.Encode(decoded));
            Assert.Equal((policy.Entries.Count, 3L, 20, 4L), (decoded.Entries.Count, decoded.Version, ((PolicySettings)decoded.Entries[^1]).K, decoded.Epochs[0].Snapshot));
            for (var i = 0; i < policy.Entries.Count; i++) Assert.Equal(Text(policy.Entries[i]), Text(decoded.Entries[i]));
            if (seed > 10) continue;
            for (var length = 0; length < bytes.Length; length++) Refused(bytes[..length]);
            Refused([.. bytes, 0]);
            Refused([2, .. bytes[1..]]);
        }
        Assert.Equal(Policy.Empty, PolicyCodec.Decode(null));
    }

    private static void Refused(byte[] bytes) => Assert.Throws<InvalidDataException>(() => PolicyCodec.Decode(bytes));

    private static string Text(PolicyEntry entry) => System.Text.Json.JsonSerializer.Serialize(entry, entry.GetType());
}

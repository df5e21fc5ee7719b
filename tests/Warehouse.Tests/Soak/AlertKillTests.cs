using Warehouse.Simulation.Faults;
using Xunit;

namespace Warehouse.Tests.Soak;

/// <summary>The everyday share of <c>tests/soak.sh alerts</c>, and the proof that it sees what it must see. Here it is the program as the tests are built; the soak takes the released one.</summary>
public sealed class AlertKillTests
{
    private const int Kills = 12, KillsOfALie = 3, MostSeeds = 20;

    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "warehouse");

    [Fact]
    public void Alerts_of_a_program_that_is_killed_are_all_there_once_and_none_is_acknowledged_unseen()
    {
        var outcome = AlertKills.Run(Program, 1, runs => runs >= Kills);
        Assert.True(outcome.Failures.Count == 0, string.Join('\n', outcome.Failures));
        Assert.True(outcome.Runs >= Kills, $"only {outcome.Runs} kills");
    }

    /// <summary>When a kill comes depends on the machine's load, so more seeds are tried.</summary>
    [Theory]
    [InlineData(AlertLie.ForgetfulReceiver, "never got a message")]
    [InlineData(AlertLie.EarlyAcknowledgement, "an acknowledgement was lost")]
    public void A_message_or_an_acknowledgement_that_was_lost_is_seen(AlertLie lie, string says)
    {
        for (var seed = 1; seed <= MostSeeds; seed++)
            if (AlertKills.Run(Program, seed, runs => runs >= KillsOfALie, lie).Failures is [var first, ..])
            {
                Assert.Contains(says, first, StringComparison.Ordinal);
                return;
            }
        Assert.Fail($"the lie was not seen with {MostSeeds} seeds");
    }
}

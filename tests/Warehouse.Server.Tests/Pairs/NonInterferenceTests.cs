using Grpc.Core;
using Warehouse.Server.Calls;
using Xunit;
using Xunit.Abstractions;

namespace Warehouse.Server.Tests.Pairs;

/// <summary>
/// I4: what a caller may not see does not change what he gets. Pairs of stores that are equal in what he sees give him the same text, whatever he
/// asks of a session and whichever method of the server he calls; to the owner, and to whoever may see everything, nearly all of them are different.
/// tests/soak.sh pairs goes on for as long as wanted.
/// </summary>
public sealed class NonInterferenceTests(ITestOutputHelper output)
{
    private const int FirstSeed = 40_000, Pairs = 2_001;

    /// <summary>The soak asks the pairs of every seed everything; here those of a share are, and of the others every other method.</summary>
    private const int WholeEvery = 4;

    [Fact]
    public void Stores_that_are_equal_in_what_a_caller_sees_are_equal_for_him()
    {
        using var house = new PairHouse();
        var (owner, all, asked, answered, end) = (0, 0, 0, new Dictionary<string, HashSet<StatusCode>>(), FirstSeed + (Pairs / PairRun.Pairs));
        for (var seed = FirstSeed; seed < end; seed++)
        {
            var outcome = PairRun.Compare(seed, house, whole: seed % WholeEvery == 0);
            Assert.True(outcome.Difference is null, outcome.Difference);
            owner += outcome.DifferForOwner;
            if (outcome.DifferForAll is { } differ) (asked, all) = (asked + PairRun.Pairs, all + differ);
            foreach (var (method, status) in outcome.Answered)
            {
                if (!answered.TryGetValue(method, out var known)) answered.Add(method, known = []);
                known.Add(status);
            }
        }
        output.WriteLine($"seeds {FirstSeed} to {end - 1}: {owner} of {Pairs} pairs differ for the owner, {all} of {asked} for somebody who may see everything");
        Assert.True(owner >= Pairs * 9 / 10, $"{owner} of {Pairs} pairs differ for the owner");
        Assert.True(all >= asked * 9 / 10, $"{all} of {asked} pairs differ for somebody who may see everything");
        // A method that was refused every time has shown nothing: those alone that nobody is answered, that tell of everybody (PairRun), or that the pairs have nothing for.
        Assert.Equal(MethodTable.Methods.Order(StringComparer.Ordinal), answered.Keys.Order(StringComparer.Ordinal));
        Assert.DoesNotContain(answered.Values, s => s.Contains(StatusCode.Internal) || s.Contains(StatusCode.Unknown) || s.Contains(StatusCode.DataLoss) || s.Contains(StatusCode.DeadlineExceeded));
        Assert.Equal(Refused.Order(StringComparer.Ordinal), answered.Where(a => !a.Value.Contains(StatusCode.OK)).Select(a => a.Key).Order(StringComparer.Ordinal));
    }

    private static string[] Refused { get; } =
    [
        "/arrow.flight.protocol.FlightService/DoAction", "/arrow.flight.protocol.FlightService/DoExchange", "/arrow.flight.protocol.FlightService/DoPut", "/arrow.flight.protocol.FlightService/Handshake",
        "/arrow.flight.protocol.FlightService/ListActions", "/arrow.flight.protocol.FlightService/PollFlightInfo", "/grpc.health.v1.Health/Watch",
        "/warehouse.v1.Access/Approve", "/warehouse.v1.Access/Attest", "/warehouse.v1.Access/BreakGlass", "/warehouse.v1.Access/ReviewBreakGlass",
        "/warehouse.v1.Alerts/Follow", "/warehouse.v1.Alerts/Run", "/warehouse.v1.Alerts/Status", "/warehouse.v1.Annotations/Retire", "/warehouse.v1.Audit/Checkpoint", "/warehouse.v1.Audit/Prove",
        "/warehouse.v1.ClinVar/Accept", "/warehouse.v1.ClinVar/Compare", "/warehouse.v1.ClinVar/Look", "/warehouse.v1.ClinVar/Preview", "/warehouse.v1.Ingest/UploadRelease",
        "/warehouse.v1.Store/Info", "/warehouse.v1.Store/Verify", "/warehouse.v1.Watches/Remove",
    ];
}

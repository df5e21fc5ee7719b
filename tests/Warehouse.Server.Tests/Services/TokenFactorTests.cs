using System.Text.Json.Nodes;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Server.Tests.Identity;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>
/// C16 over the wire, by access tokens: whoever has the role and a token that states no second factor, or another than the configuration takes for one, is refused by every method that
/// needs one (<see cref="RoleMatrixTests"/> has which these are), and with one by none for that.
/// </summary>
public sealed class TokenFactorTests
{
    /// <summary>What a token says of how its person logged in, and whether that is a second factor where acr mfa and amr otp or hwk are.</summary>
    private static readonly (string Name, bool IsOne, Action<JsonObject> Claims)[] Ways =
    [
        ("nothing", false, _ => { }),
        ("amr of a password", false, c => c["amr"] = new JsonArray("pwd")),
        ("amr of two that are none", false, c => c["amr"] = new JsonArray("pwd", "sms")),
        ("empty amr", false, c => c["amr"] = new JsonArray()),
        ("amr in another case", false, c => c["amr"] = new JsonArray("OTP")),
        ("amr that is longer", false, c => c["amr"] = new JsonArray("otp2", " hwk")),
        ("amr with a value of acr", false, c => c["amr"] = new JsonArray("mfa")),
        ("acr of a password", false, c => c["acr"] = "pwd"),
        ("acr in another case", false, c => c["acr"] = "MFA"),
        ("acr with a value of amr", false, c => c["acr"] = "otp"),
        ("amr", true, c => c["amr"] = new JsonArray("pwd", "otp")),
        ("another amr", true, c => c["amr"] = new JsonArray("hwk")),
        ("acr", true, c => c["acr"] = "mfa"),
    ];

    [Fact]
    public async Task A_token_without_a_second_factor_is_refused_by_every_method_that_needs_one_and_with_one_by_none_for_that()
    {
        using var mint = new TokenMint(TimeProvider.System);
        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10, configure: made =>
        {
            File.WriteAllText(made["keys"], mint.Keys());
            return new ServerConfiguration { Issuers = [TokenMint.Rules(made["keys"]) with { SecondFactorAcr = ["mfa"], SecondFactorAmr = ["otp", "hwk"], Roles = Enum.GetValues<Role>().ToDictionary(r => r.ToString()) }] };
        });
        var methods = MethodTableTests.Services().SelectMany(s => s.Methods).Where(m => RoleMatrixTests.NeedSecondFactor.Contains(m.FullName)).DistinctBy(m => m.FullName).ToList();
        Assert.Equal(RoleMatrixTests.NeedSecondFactor.Count, methods.Count);
        var (channel, wrong, denied) = (served.Channel(null), new List<string>(), 0);
        foreach (var (name, isOne, claims) in Ways)
        {
            // Of each way another person: one may ask only so fast.
            string TokenOf(Role role) => mint.Make(c =>
            {
                (c["sub"], c["roles"]) = (name, new JsonArray(role.ToString()));
                claims(c);
            });
            CallOptions Shown(Role role) => new(new Metadata { { "authorization", "Bearer " + TokenOf(role) } }, DateTime.UtcNow.AddSeconds(20));
            foreach (var method in methods)
            {
                // Without a purpose: so nothing is changed by those who are let in, and what they are told is that.
                var (status, rule) = await ToldAsync(() => new MethodCall(method, [[]]).RunAsync(channel, Shown(RoleMatrixTests.RolesOf[method.FullName][0])));
                var isRight = isOne ? status.StatusCode is not (StatusCode.Unauthenticated or StatusCode.Unavailable) && rule is not ("second-factor" or "not-granted") : (status.StatusCode, status.Detail, rule) == (StatusCode.PermissionDenied, "not granted", "second-factor");
                if (!isRight) wrong.Add($"{name}: {method.FullName}: {status} {rule}");
                denied += rule == "second-factor" ? 1 : 0;
            }
            // Of a cohort on which others rely the service itself wants one.
            var set = await ToldAsync(() => new V1.Cohorts.CohortsClient(channel).SetAsync(new V1.SetCohortRequest { Asking = ServedStore.Treatment, Name = "shared", Where = "sample is not missing" }, Shown(Role.LabDirector)).ResponseAsync);
            if (set.Rule != (isOne ? "not-granted" : "second-factor")) wrong.Add($"{name}: a shared cohort: {set}");
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(methods.Count * Ways.Count(w => !w.IsOne), denied);
        // Each is in the log as what it is.
        var entries = served.Entries().FindAll(e => e.Who.StartsWith("oidc:", StringComparison.Ordinal) && Ways.Any(w => !w.IsOne && e.Who.EndsWith("|" + w.Name, StringComparison.Ordinal)));
        Assert.Equal(denied + Ways.Count(w => !w.IsOne), entries.Count);
        Assert.All(entries, e => Assert.Equal("denied", e.Outcome));
    }

    private static async Task<(Status Status, string? Rule)> ToldAsync(Func<Task> call)
    {
        try
        {
            await call();
            return (Status.DefaultSuccess, null);
        }
        catch (RpcException refused)
        {
            return (refused.Status, Refusals.RuleOf(refused));
        }
    }
}

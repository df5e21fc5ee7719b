using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Rpc.Client;
using Warehouse.Server.Calls;
using Xunit;

namespace Warehouse.Server.Tests.Services;

/// <summary>
/// Who may call what, and what needs a second factor (C16), written down a second time by whoever answers for it, and asked over the wire: every role, every method.
/// A method that is not here fails the test, and so does a row of <see cref="MethodTable"/> that says something else.
/// </summary>
public sealed class RoleMatrixTests
{
    private static readonly Role[] All = Enum.GetValues<Role>(), Readers = [Role.LabDirector, Role.Reviewer, Role.Analyst, Role.Researcher, Role.Clinician, Role.Spoke];

    /// <summary>Roles, a service, and its methods that are theirs and nobody else's. The operator runs the machine, the steward grants, the auditor reads the log: none of the three has a line with samples in it.</summary>
    private static readonly (Role[] Roles, string Service, string Methods)[] Matrix =
    [
        (All, "grpc.health.v1.Health", "Check List Watch"), (All, "grpc.reflection.v1.ServerReflection", "ServerReflectionInfo"), (All, "grpc.reflection.v1alpha.ServerReflection", "ServerReflectionInfo"), (All, "warehouse.v1.Issuers", "List"),
        (All, "arrow.flight.protocol.FlightService", "Handshake PollFlightInfo DoPut DoExchange DoAction ListActions"), // nobody is answered
        (Readers, "arrow.flight.protocol.FlightService", "ListFlights GetSchema GetFlightInfo DoGet"),
        (Readers, "warehouse.v1.Variants", "Seen SeenStream Frequencies FrequenciesOf CaseControl Carriers Resolve Export"),
        (Readers, "warehouse.v1.Cohorts", "List Show"),
        ([Role.LabDirector, Role.Analyst, Role.Spoke], "warehouse.v1.Cohorts", "Set Refresh"),
        ([Role.LabDirector, Role.Analyst, Role.Spoke], "warehouse.v1.Ingest", "Upload Status Cancel"),
        ([Role.DataSteward, Role.LabDirector], "warehouse.v1.Ingest", "UploadRelease"),
        ([Role.LabDirector, Role.Reviewer, Role.Clinician], "warehouse.v1.Linkage", "Resolve"),
        ([Role.Operator, Role.LabDirector], "warehouse.v1.Store", "Info Verify"),
        ([.. Readers, Role.Operator], "warehouse.v1.Store", "Snapshots"),
        ([.. Readers, Role.Operator], "warehouse.v1.Annotations", "List Describe"), (Readers, "warehouse.v1.Annotations", "Lookup Search"), ([Role.LabDirector], "warehouse.v1.Annotations", "Retire"),
        ([Role.LabDirector, Role.Reviewer, Role.Analyst, Role.Researcher, Role.Clinician], "warehouse.v1.Assessments", "List Show Settings Suggest Discordance Export"),
        ([Role.LabDirector, Role.Reviewer, Role.Analyst], "warehouse.v1.Assessments", "Draft Submit Retire Import"),
        ([Role.LabDirector, Role.Reviewer], "warehouse.v1.Assessments", "Return Sign"), ([Role.LabDirector], "warehouse.v1.Assessments", "ChangeSettings"),
        (All, "warehouse.v1.Access", "WhoAmI Explain List Revoke Elevate"), // of his own, as the policy has it
        ([Role.DataSteward, Role.LabDirector], "warehouse.v1.Access", "Grant Assign Unassign RegisterProject ChangeSettings Approve Attest OpenEpoch"),
        ([Role.Clinician, Role.LabDirector], "warehouse.v1.Access", "BreakGlass"),
        ([Role.DataSteward, Role.LabDirector, Role.Auditor], "warehouse.v1.Access", "ReviewBreakGlass Review"),
        ([Role.LabDirector, Role.Reviewer, Role.Clinician], "warehouse.v1.Alerts", "Inbox Follow Show Acknowledge Delegate Snooze Escalate"),
        ([Role.DataSteward, Role.LabDirector], "warehouse.v1.Alerts", "Course Settings ChangeSettings"),
        ([Role.DataSteward, Role.LabDirector, Role.Operator], "warehouse.v1.Alerts", "Status Run"),
        ([Role.DataSteward, Role.LabDirector], "warehouse.v1.Watches", "List Set Remove"),
        ([Role.DataSteward, Role.LabDirector], "warehouse.v1.Care", "List Import"), // who answers for whom is the steward's own table
        ([.. Readers, Role.DataSteward], "warehouse.v1.ClinVar", "Releases Look Compare Grades"), (Readers, "warehouse.v1.ClinVar", "History"), ([Role.DataSteward, Role.LabDirector], "warehouse.v1.ClinVar", "Preview Accept SetGrades"),
        ([Role.Auditor], "warehouse.v1.Audit", "Search Prove Review"), ([Role.Auditor, Role.Operator, Role.LabDirector], "warehouse.v1.Audit", "Checkpoint"),
    ];

    private static readonly (string Service, string Methods)[] SecondFactor =
    [
        ("warehouse.v1.Variants", "Export"), ("warehouse.v1.Linkage", "Resolve"), ("warehouse.v1.Assessments", "Sign ChangeSettings"),
        ("warehouse.v1.Access", "Grant Assign Unassign RegisterProject ChangeSettings Approve Revoke Attest Elevate BreakGlass ReviewBreakGlass OpenEpoch"),
        ("warehouse.v1.Alerts", "ChangeSettings"), ("warehouse.v1.Watches", "Set Remove"), ("warehouse.v1.Care", "Import"), ("warehouse.v1.ClinVar", "Accept SetGrades"), ("warehouse.v1.Audit", "Search Review"),
    ];

    /// <summary>Who may call a method, by its full name.</summary>
    internal static Dictionary<string, Role[]> RolesOf { get; } = Matrix.SelectMany(m => m.Methods.Split(' '), (m, method) => (Path: $"{m.Service}.{method}", m.Roles)).ToDictionary(r => r.Path, r => r.Roles, StringComparer.Ordinal);

    /// <summary>Full names of the methods that need a second factor.</summary>
    internal static HashSet<string> NeedSecondFactor { get; } = SecondFactor.SelectMany(m => m.Methods.Split(' '), (m, method) => $"{m.Service}.{method}").ToHashSet(StringComparer.Ordinal);

    /// <summary>
    /// By somebody without a second factor, and without a purpose: so a method refuses the role first, then the missing factor, then that nobody says what it is for, and nothing is
    /// shown or changed by any.
    /// </summary>
    [Fact]
    public async Task Each_role_may_call_its_methods_and_no_other_and_what_needs_a_second_factor_is_refused_without_one()
    {
        var (rows, factors) = (RolesOf, NeedSecondFactor);
        var methods = MethodTableTests.Services().SelectMany(s => s.Methods).DistinctBy(m => m.FullName).ToList();
        Assert.Equal(methods.Select(m => m.FullName).Order(StringComparer.Ordinal), rows.Keys.Order(StringComparer.Ordinal));
        Assert.Empty(factors.Except(rows.Keys));

        await using var served = await ServedStore.StartAsync(samples: 3, variants: 10);
        var wrong = new List<string>();
        foreach (var role in All)
        {
            var (channel, id) = served.Service(role.ToString().ToLowerInvariant(), role);
            if (Readers.Contains(role)) served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Aggregate, Detail.Record);
            foreach (var method in methods.Where(m => m.Name != "Watch"))
            {
                var expected = !rows[method.FullName].Contains(role) ? "not-granted" : factors.Contains(method.FullName) ? "second-factor" : "";
                var told = await RefusalAsync(channel, method);
                if (expected.Length > 0 ? told != expected : told is "not-granted" or "second-factor") wrong.Add($"{role} {method.FullName}: '{told}', not '{expected}'");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static async Task<string> RefusalAsync(RpcChannel channel, Google.Protobuf.Reflection.MethodDescriptor method)
    {
        try
        {
            await MethodTableTests.CallAsync(channel, method, request: []);
            return "";
        }
        catch (RpcException refused)
        {
            return Refusals.RuleOf(refused) ?? "";
        }
    }
}

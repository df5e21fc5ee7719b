using System.Collections.Frozen;
using Warehouse.Engine.Access;

namespace Warehouse.Server.Calls;

/// <summary>What a method gives away, at the most.</summary>
internal enum Reach
{
    /// <summary>Nothing of the store.</summary>
    Nothing,

    /// <summary>Facts of the store as a whole: its size, its files, whether it is damaged.</summary>
    Operation,

    /// <summary>Data of samples, as far as the scope of the call goes, at the level that it asks for.</summary>
    Samples,

    /// <summary>Data of samples, at the level record alone.</summary>
    Records,

    /// <summary>Changes of the store's data.</summary>
    Writing,

    /// <summary>Who may see what.</summary>
    Policy,

    /// <summary>The audit log.</summary>
    Log,
}

/// <summary>The rule of one method.</summary>
/// <param name="Reach">What it gives away.</param>
/// <param name="Roles">Who may call it: any of these roles; null = every caller, and the scope alone decides.</param>
/// <param name="NeedsSecondFactor">Whether a second factor must have been shown (C16).</param>
internal sealed record MethodRule(Reach Reach, IReadOnlyList<Role>? Roles = null, bool NeedsSecondFactor = false);

/// <summary>
/// Who may call which method: one row for each, and what has no row is refused. A test holds the table against the services, so that a new
/// method without a row fails the build. Rows for methods that are not of ours (health, reflection, Flight) are here too.
/// </summary>
internal static class MethodTable
{
    private static readonly Role[] Readers = [Role.LabDirector, Role.Reviewer, Role.Analyst, Role.Researcher, Role.Clinician, Role.Spoke];
    private static readonly Role[] Loaders = [Role.LabDirector, Role.Analyst, Role.Spoke];

    /// <summary>Who runs the machine, and who answers for it.</summary>
    public static readonly Role[] Operators = [Role.Operator, Role.LabDirector];
    private static readonly Role[] Stewards = [Role.DataSteward, Role.LabDirector];
    private static readonly Role[] Auditors = [Role.Auditor];

    private static readonly FrozenDictionary<string, MethodRule> Rules = new Dictionary<string, MethodRule>(StringComparer.Ordinal)
    {
        ["/grpc.health.v1.Health/Check"] = new(Reach.Nothing),
        ["/grpc.health.v1.Health/List"] = new(Reach.Nothing),
        ["/grpc.health.v1.Health/Watch"] = new(Reach.Nothing),
        ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = new(Reach.Nothing),
        ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] = new(Reach.Nothing),
        ["/warehouse.v1.Variants/Seen"] = new(Reach.Samples, Readers),
        ["/warehouse.v1.Variants/SeenStream"] = new(Reach.Samples, Readers),
        ["/warehouse.v1.Variants/Frequencies"] = new(Reach.Samples, Readers),
        ["/warehouse.v1.Variants/FrequenciesOf"] = new(Reach.Samples, Readers),
        ["/warehouse.v1.Variants/CaseControl"] = new(Reach.Records, Readers),
        ["/warehouse.v1.Variants/Carriers"] = new(Reach.Records, Readers),
        ["/warehouse.v1.Variants/Resolve"] = new(Reach.Nothing, Readers),
        ["/warehouse.v1.Variants/Export"] = new(Reach.Records, Readers, NeedsSecondFactor: true),
        ["/warehouse.v1.Store/Info"] = new(Reach.Operation, Operators),
        ["/warehouse.v1.Store/Snapshots"] = new(Reach.Operation, [.. Readers, .. Operators]),
        ["/warehouse.v1.Store/Verify"] = new(Reach.Operation, Operators),
        ["/warehouse.v1.Cohorts/List"] = new(Reach.Samples, Readers),
        ["/warehouse.v1.Cohorts/Show"] = new(Reach.Records, Readers),
        ["/warehouse.v1.Cohorts/Set"] = new(Reach.Writing, Loaders),
        ["/warehouse.v1.Cohorts/Refresh"] = new(Reach.Writing, Loaders),
        ["/warehouse.v1.Ingest/Upload"] = new(Reach.Writing, Loaders),
        ["/warehouse.v1.Ingest/Status"] = new(Reach.Writing, Loaders),
        ["/warehouse.v1.Ingest/Cancel"] = new(Reach.Writing, Loaders),
        ["/warehouse.v1.Audit/Search"] = new(Reach.Log, Auditors, NeedsSecondFactor: true),
        ["/warehouse.v1.Audit/Prove"] = new(Reach.Log, Auditors),
        ["/warehouse.v1.Audit/Checkpoint"] = new(Reach.Log, [.. Auditors, .. Operators]),
        ["/warehouse.v1.Audit/Review"] = new(Reach.Log, Auditors, NeedsSecondFactor: true),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Every method with a rule.</summary>
    public static IReadOnlyCollection<string> Methods => Rules.Keys;

    /// <summary>The rule of a method; null when it has none, and may not be called.</summary>
    public static MethodRule? Of(string method) => Rules.GetValueOrDefault(method);
}

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

    /// <summary>What the laboratory says of alleles, and changes of it; what of the evidence is figures of samples, as far as the scope of the call goes.</summary>
    Statements,

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
/// <param name="IsForEverybody">Whether it is answered without a credential.</param>
internal sealed record MethodRule(Reach Reach, IReadOnlyList<Role>? Roles = null, bool NeedsSecondFactor = false, bool IsForEverybody = false);

/// <summary>
/// Who may call which method: one row for each, and what has no row is refused. A test holds the table against the services, so that a new
/// method without a row fails the build. Rows for methods that are not of ours (health, reflection, Flight) are here too.
/// </summary>
internal static class MethodTable
{
    private static readonly Role[] Readers = [Role.LabDirector, Role.Reviewer, Role.Analyst, Role.Researcher, Role.Clinician, Role.Spoke];
    private static readonly Role[] Assessors = [Role.LabDirector, Role.Reviewer, Role.Analyst];
    private static readonly Role[] Signers = [Role.LabDirector, Role.Reviewer];

    /// <summary>Who reads what is signed: as <c>AssessmentRules</c> says, which decides what of it.</summary>
    private static readonly Role[] AssessmentReaders = [Role.LabDirector, Role.Reviewer, Role.Analyst, Role.Researcher, Role.Clinician];
    private static readonly Role[] Loaders = [Role.LabDirector, Role.Analyst, Role.Spoke];

    /// <summary>Who runs the machine, and who answers for it.</summary>
    public static readonly Role[] Operators = [Role.Operator, Role.LabDirector];
    private static readonly Role[] Stewards = [Role.DataSteward, Role.LabDirector];
    private static readonly Role[] Auditors = [Role.Auditor];

    /// <summary>Who is told of patients.</summary>
    private static readonly Role[] Hearers = [Role.Clinician, Role.LabDirector, Role.Reviewer];

    private static readonly FrozenDictionary<string, MethodRule> Rules = new Dictionary<string, MethodRule>(StringComparer.Ordinal)
    {
        ["/grpc.health.v1.Health/Check"] = new(Reach.Nothing),
        ["/grpc.health.v1.Health/List"] = new(Reach.Nothing),
        ["/grpc.health.v1.Health/Watch"] = new(Reach.Nothing),
        ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] = new(Reach.Nothing),
        ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"] = new(Reach.Nothing),
        // Who asks has no token yet.
        ["/warehouse.v1.Issuers/List"] = new(Reach.Nothing, IsForEverybody: true),
        ["/arrow.flight.protocol.FlightService/ListFlights"] = new(Reach.Nothing, Readers),
        ["/arrow.flight.protocol.FlightService/GetSchema"] = new(Reach.Nothing, Readers),
        ["/arrow.flight.protocol.FlightService/GetFlightInfo"] = new(Reach.Records, Readers),
        ["/arrow.flight.protocol.FlightService/DoGet"] = new(Reach.Records, Readers),
        // Not answered at all.
        ["/arrow.flight.protocol.FlightService/Handshake"] = new(Reach.Nothing),
        ["/arrow.flight.protocol.FlightService/PollFlightInfo"] = new(Reach.Nothing),
        ["/arrow.flight.protocol.FlightService/DoPut"] = new(Reach.Nothing),
        ["/arrow.flight.protocol.FlightService/DoExchange"] = new(Reach.Nothing),
        ["/arrow.flight.protocol.FlightService/DoAction"] = new(Reach.Nothing),
        ["/arrow.flight.protocol.FlightService/ListActions"] = new(Reach.Nothing),
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
        // Of another's cohort it needs a second factor as well: CohortsService.
        ["/warehouse.v1.Cohorts/Set"] = new(Reach.Writing, Loaders),
        ["/warehouse.v1.Cohorts/Refresh"] = new(Reach.Writing, Loaders),
        ["/warehouse.v1.Linkage/Resolve"] = new(Reach.Records, [Role.LabDirector, Role.Reviewer, Role.Clinician], NeedsSecondFactor: true),
        ["/warehouse.v1.Ingest/Upload"] = new(Reach.Writing, Loaders),
        // A release is of nobody; alerts follow once somebody accepts it, with a second factor.
        ["/warehouse.v1.Ingest/UploadRelease"] = new(Reach.Policy, Stewards),
        ["/warehouse.v1.Ingest/Status"] = new(Reach.Writing, Loaders),
        ["/warehouse.v1.Ingest/Cancel"] = new(Reach.Writing, Loaders),
        ["/warehouse.v1.Annotations/List"] = new(Reach.Operation, [.. Readers, .. Operators]),
        ["/warehouse.v1.Annotations/Describe"] = new(Reach.Operation, [.. Readers, .. Operators]),
        ["/warehouse.v1.Annotations/Lookup"] = new(Reach.Operation, Readers),
        ["/warehouse.v1.Annotations/Search"] = new(Reach.Operation, Readers),
        ["/warehouse.v1.Annotations/Retire"] = new(Reach.Writing, [Role.LabDirector]),
        ["/warehouse.v1.Assessments/List"] = new(Reach.Statements, AssessmentReaders),
        ["/warehouse.v1.Assessments/Show"] = new(Reach.Statements, AssessmentReaders),
        ["/warehouse.v1.Assessments/Draft"] = new(Reach.Statements, Assessors),
        ["/warehouse.v1.Assessments/Submit"] = new(Reach.Statements, Assessors),
        ["/warehouse.v1.Assessments/Return"] = new(Reach.Statements, Signers),
        ["/warehouse.v1.Assessments/Sign"] = new(Reach.Statements, Signers, NeedsSecondFactor: true),
        ["/warehouse.v1.Assessments/Retire"] = new(Reach.Statements, Assessors),
        ["/warehouse.v1.Assessments/Settings"] = new(Reach.Statements, AssessmentReaders),
        ["/warehouse.v1.Assessments/ChangeSettings"] = new(Reach.Statements, [Role.LabDirector], NeedsSecondFactor: true),
        ["/warehouse.v1.Assessments/Suggest"] = new(Reach.Samples, AssessmentReaders),
        ["/warehouse.v1.Assessments/Discordance"] = new(Reach.Statements, AssessmentReaders),
        ["/warehouse.v1.Assessments/Import"] = new(Reach.Statements, Assessors),
        ["/warehouse.v1.Assessments/Export"] = new(Reach.Statements, AssessmentReaders),
        ["/warehouse.v1.Access/WhoAmI"] = new(Reach.Policy),
        ["/warehouse.v1.Access/Explain"] = new(Reach.Policy),
        ["/warehouse.v1.Access/List"] = new(Reach.Policy),
        ["/warehouse.v1.Access/Grant"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        ["/warehouse.v1.Access/Assign"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        ["/warehouse.v1.Access/Unassign"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        ["/warehouse.v1.Access/RegisterProject"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        ["/warehouse.v1.Access/ChangeSettings"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        ["/warehouse.v1.Access/Approve"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        ["/warehouse.v1.Access/Revoke"] = new(Reach.Policy, NeedsSecondFactor: true),
        ["/warehouse.v1.Access/Attest"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        ["/warehouse.v1.Access/Elevate"] = new(Reach.Policy, NeedsSecondFactor: true),
        ["/warehouse.v1.Access/BreakGlass"] = new(Reach.Policy, [Role.Clinician, Role.LabDirector], NeedsSecondFactor: true),
        ["/warehouse.v1.Access/ReviewBreakGlass"] = new(Reach.Policy, [.. Stewards, .. Auditors], NeedsSecondFactor: true),
        ["/warehouse.v1.Access/Review"] = new(Reach.Policy, [.. Stewards, .. Auditors]),
        ["/warehouse.v1.Access/OpenEpoch"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        ["/warehouse.v1.Alerts/Inbox"] = new(Reach.Records, Hearers),
        ["/warehouse.v1.Alerts/Follow"] = new(Reach.Records, Hearers),
        ["/warehouse.v1.Alerts/Show"] = new(Reach.Records, Hearers),
        ["/warehouse.v1.Alerts/Acknowledge"] = new(Reach.Records, Hearers),
        ["/warehouse.v1.Alerts/Delegate"] = new(Reach.Records, Hearers),
        ["/warehouse.v1.Alerts/Snooze"] = new(Reach.Records, Hearers),
        ["/warehouse.v1.Alerts/Escalate"] = new(Reach.Records, Hearers),
        // Without what they are about.
        ["/warehouse.v1.Alerts/Course"] = new(Reach.Operation, Stewards),
        ["/warehouse.v1.Alerts/Status"] = new(Reach.Operation, [.. Stewards, Role.Operator]),
        ["/warehouse.v1.Alerts/Run"] = new(Reach.Operation, [.. Stewards, Role.Operator]),
        ["/warehouse.v1.Alerts/Settings"] = new(Reach.Policy, Stewards),
        ["/warehouse.v1.Alerts/ChangeSettings"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        // Who hears of whom.
        ["/warehouse.v1.Watches/List"] = new(Reach.Policy, Stewards),
        ["/warehouse.v1.Watches/Set"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        ["/warehouse.v1.Watches/Remove"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        ["/warehouse.v1.Care/List"] = new(Reach.Policy, Stewards),
        ["/warehouse.v1.Care/Import"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        ["/warehouse.v1.ClinVar/Releases"] = new(Reach.Operation, [.. Readers, Role.DataSteward]),
        ["/warehouse.v1.ClinVar/Look"] = new(Reach.Operation, [.. Readers, Role.DataSteward]),
        ["/warehouse.v1.ClinVar/Compare"] = new(Reach.Operation, [.. Readers, Role.DataSteward]),
        ["/warehouse.v1.ClinVar/History"] = new(Reach.Operation, Readers),
        ["/warehouse.v1.ClinVar/Grades"] = new(Reach.Operation, [.. Readers, Role.DataSteward]),
        // Over everybody who is in the store.
        ["/warehouse.v1.ClinVar/Preview"] = new(Reach.Operation, Stewards),
        ["/warehouse.v1.ClinVar/Accept"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
        ["/warehouse.v1.ClinVar/SetGrades"] = new(Reach.Policy, Stewards, NeedsSecondFactor: true),
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

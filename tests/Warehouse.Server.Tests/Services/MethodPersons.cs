using Google.Protobuf.Reflection;
using Warehouse.Engine.Access;
using Warehouse.Server.Calls;

namespace Warehouse.Server.Tests.Services;

/// <summary>Four persons of whom one may call each method: for tests that ask every method by somebody who may.</summary>
internal static class MethodPersons
{
    /// <summary>So many calls of one of them are not yet too fast.</summary>
    public const int MostCalls = 60;

    /// <summary>Their roles. The first reads; the others see no sample.</summary>
    public static Role[][] Roles { get; } = [[Role.LabDirector, Role.Reviewer, Role.Analyst, Role.Clinician], [Role.DataSteward], [Role.Auditor], [Role.Operator]];

    /// <summary>Who may call a method: the first of them where everybody may.</summary>
    public static int Of(MethodDescriptor method) => MethodTable.Of(MethodCall.PathOf(method))?.Roles is { } roles ? Array.FindIndex(Roles, p => p.Intersect(roles).Any()) : 0;
}

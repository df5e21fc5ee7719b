using Google.Protobuf.Reflection;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Server.Calls;
using Xunit;

namespace Warehouse.Server.Tests.Services;

/// <summary>
/// C9 over every method of the server: while the audit log cannot be written nothing is shown, changed or even refused for another reason. Methods come from the
/// descriptors; those that are answered all the same show nothing of the store, and are the ones that have no entry (<see cref="AuditTableTests"/>).
/// </summary>
public sealed class UnwritableAuditTests
{
    [Fact]
    public async Task No_method_shows_or_changes_anything_while_the_audit_log_cannot_be_written()
    {
        await using var served = await ServedStore.StartAsync(samples: 12, variants: 60);
        var methods = MethodTableTests.Services().SelectMany(s => s.Methods).DistinctBy(MethodCall.PathOf).Where(m => MethodTable.Of(MethodCall.PathOf(m)) is { IsForEverybody: false }).ToList();
        var groups = methods.GroupBy(MethodPersons.Of).SelectMany(g => g.Chunk(MethodPersons.MostCalls), (g, some) => (Person: g.Key, Methods: some)).ToList();
        // Certificates first: to issue one is in the audit log too.
        var callers = groups.ConvertAll(g => (Well: New(served, g.Person), Broken: New(served, g.Person), g.Methods));
        var well = new Dictionary<string, RawAnswer>(StringComparer.Ordinal);
        foreach (var (caller, _, some) in callers)
            foreach (var method in some) well.Add(MethodCall.PathOf(method), await CallAsync(caller, method));
        Assert.True(well.Values.Count(a => a is { Code: StatusCode.OK, Bytes: > 0 }) > 30, $"{well.Values.Count(a => a.Code == StatusCode.OK)} methods are answered when all is well");

        Directory.Move(served.AuditPath, served.AuditPath + ".away");
        File.WriteAllText(served.AuditPath, ""); // no folder can be made there
        var version = served.Server.Store.Ask(s => s.Version);
        var answered = new List<string>();
        foreach (var (_, caller, some) in callers)
        {
            foreach (var method in some)
            {
                var answer = await CallAsync(caller, method);
                if (answer is { Code: StatusCode.Unavailable, Text: "the audit log cannot be written, so nothing is shown", Bytes: 0 }) continue;
                answered.Add(MethodCall.PathOf(method));
                Assert.True(MethodTable.Of(MethodCall.PathOf(method))!.Reach == Reach.Nothing, $"{method.FullName} came to {answer}");
            }
        }
        // Served still is what says nothing of the store: health, what methods there are, and calls of Flight that are not answered at all.
        Assert.Equal(AuditTableTests.WithoutEntry.Where(m => MethodTable.Of(m) is { IsForEverybody: false }).Order(StringComparer.Ordinal), answered.Order(StringComparer.Ordinal));
        served.Server.Store.LookNow();
        Assert.Equal(version, served.Server.Store.Ask(s => s.Version));

        File.Delete(served.AuditPath);
        Directory.Move(served.AuditPath + ".away", served.AuditPath);
        foreach (var (caller, _, _) in callers) caller.Dispose();
        foreach (var (_, caller, _) in callers) caller.Dispose();
    }

    private static RawCaller New(ServedStore served, int person)
    {
        var (pem, issued) = served.Server.Identity.Issue("p" + Guid.NewGuid().ToString("n"), 1, roles: MethodPersons.Roles[person], hasSecondFactor: true);
        if (person == 0) served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, Detail.Aggregate, Detail.Record);
        return new RawCaller(served, pem);
    }

    private static Task<RawAnswer> CallAsync(RawCaller caller, MethodDescriptor method) =>
        caller.CallAsync(MethodCall.PathOf(method), RawCaller.Framed(MethodCall.Asked(method)), MethodCall.PathOf(method) is "/grpc.health.v1.Health/Watch" or "/warehouse.v1.Alerts/Follow" ? "300m" : null);
}

using System.Security.Cryptography.X509Certificates;
using Warehouse.Engine.Access;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Units;

namespace Warehouse.Server.Tests.Pairs;

/// <summary>A clock that stands still behind every commit of a pair: what a call takes is no part of what is compared.</summary>
internal sealed class PairClock : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => new(2026, 3, 1, 23, 0, 0, TimeSpan.Zero);

    public override long GetTimestamp() => 0;
}

/// <summary>
/// What the servers of all pairs have in common: the authority of the clients, the clock, and the key of tickets, without which two tickets of
/// one question were two texts.
/// </summary>
internal sealed class PairHouse : IDisposable
{
    private static readonly Role[][] Roles = [[Role.Analyst], [Role.Clinician], [Role.Researcher], [Role.Reviewer], [Role.Spoke], [Role.Analyst, Role.Clinician], []];

    private readonly TempFolder _folder = new();
    private readonly List<Client> _clients = [];
    public PairHouse()
    {
        Clock = new PairClock();
        Tickets = new Tickets(Clock);
        foreach (var name in (string[])["store", "side0", "side1"]) Primitives.Durable.CreateFolder(_folder[name]);
        Checks = CallerChecks.Open(new ServerConfiguration { State = _folder["state"], Audit = new() { Folder = _folder["audit"] } }, _folder["store"], Clock);
        foreach (var roles in Roles) _clients.Add(Issue("user" + _clients.Count, roles));
        (Auditor, Everything) = (Issue("auditor", [Role.Auditor]), Issue("everything", [Role.Reviewer]));
    }

    public PairClock Clock { get; }

    public Tickets Tickets { get; }

    public CallerChecks Checks { get; }

    /// <summary>Whoever sees the log.</summary>
    public Client Auditor { get; }

    /// <summary>Whoever may be granted everything.</summary>
    public Client Everything { get; }

    /// <summary>The caller of a pair, in one of the roles that read, or in none.</summary>
    public Client Of(int seed) => _clients[(seed % 20) == 0 ? ^1 : seed % (_clients.Count - 1)];

    /// <summary>The folder of a side's servers, one after the other.</summary>
    public string FolderOf(int side) => _folder["side" + side];

    public void Dispose()
    {
        Checks.Dispose();
        _folder.Dispose();
    }

    private Client Issue(string name, Role[] roles)
    {
        var (pem, issued) = Checks.Identity.Issue(name, 30, roles: roles, hasSecondFactor: !roles.Contains(Role.Spoke));
        return new Client(X509Certificate2.CreateFromPem(pem, pem), new Caller { Id = issued.Id, Roles = roles.ToHashSet(), HasSecondFactor = !roles.Contains(Role.Spoke) });
    }

    /// <summary>Who shows which certificate.</summary>
    internal sealed record Client(X509Certificate2 Certificate, Caller Caller);
}

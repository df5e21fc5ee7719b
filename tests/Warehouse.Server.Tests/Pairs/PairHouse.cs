using System.Security.Cryptography.X509Certificates;
using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine.Access;
using Warehouse.Engine.Annotations;
using Warehouse.Server.Calls;
using Warehouse.Server.Configuration;
using Warehouse.Server.Identity;
using Warehouse.Units;
using Warehouse.Units.Query;

namespace Warehouse.Server.Tests.Pairs;

/// <summary>A clock that stands still behind every commit of a pair, and whose timers never go off: what a call takes is no part of what is compared.</summary>
internal sealed class PairClock : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

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

    /// <summary>Who administers, and meets every 24th seed, of those that are asked everything.</summary>
    private static readonly Role[][] Administrating = [[Role.DataSteward], [Role.Auditor], [Role.Operator], [Role.LabDirector]];

    private const int AdministeredEvery = 24, AdministeredAt = 8;

    private readonly TempFolder _folder = new();
    private readonly List<Client> _clients = [], _administrators = [];
    public PairHouse()
    {
        Clock = new PairClock();
        Tickets = new Tickets(Clock);
        foreach (var name in Enumerable.Range(0, 1 + PairRun.Pairs).Select(i => "side" + i).Append("store")) Primitives.Durable.CreateFolder(_folder[name]);
        Checks = CallerChecks.Open(new ServerConfiguration { State = _folder["state"], Audit = new() { Folder = _folder["audit"] } }, _folder["store"], Clock);
        File.WriteAllText(_folder["panel.bed"], "1\t1000\t1025\tleft\n1\t1020\t1030\tright\n");
        foreach (var roles in Roles) _clients.Add(Issue("user" + _clients.Count, roles));
        foreach (var roles in Administrating) _administrators.Add(Issue("administrator" + _administrators.Count, roles) with { IsAdministrator = true });
        (Auditor, Everything) = (Issue("auditor", [Role.Auditor]), Issue("everything", [Role.Reviewer]));
    }

    public PairClock Clock { get; }

    public Tickets Tickets { get; }

    public CallerChecks Checks { get; }

    /// <summary>Whoever sees the log.</summary>
    public Client Auditor { get; }

    /// <summary>Whoever may be granted everything.</summary>
    public Client Everything { get; }

    /// <summary>The caller of a seed: in one of the roles that read, or in none, of which every fourth seed, which is asked everything, meets each too; or in one that administers.</summary>
    public Client Of(int seed) => seed % AdministeredEvery == AdministeredAt ? _administrators[seed / AdministeredEvery % _administrators.Count] : _clients[(seed % 20) == 0 ? ^1 : (seed + (seed / 4)) % (_clients.Count - 1)];

    /// <summary>The folder of a side's servers, one after the other.</summary>
    public string FolderOf(int side) => _folder["side" + side];

    /// <summary>What a laboratory knows: the same on all sides, of alleles that may be carried or not. Every state has an assessment; some pairs have annotations.</summary>
    public void Furnish(MemoryStore memory, bool annotates)
    {
        using var store = memory.Reopen(Clock);
        if (annotates) store.LoadAnnotations(new AnnotationRequest { Source = "panel", Date = new DateOnly(2024, 1, 7), File = _folder["panel.bed"], Mapping = AnnotationMapping.Parse("format bed\nfield GENE text from 4 terms gene\n", "panel") });
        var (desk, author, signer) = (new AssessmentDesk(store), AccessActor.Owner("author"), AccessActor.Owner("signer"));
        for (var i = 0; i < 4; i++)
        {
            var begun = desk.Begin(author, new AssessmentContent { Allele = new AssessedAllele("1", 1009 + i, "A", "G"), ConditionId = "MONDO:0000001", Class = Tier.Uncertain, Criteria = [new CriterionUse("PM2", Strength.Supporting, i == 1 ? "" : "AC 1, AN 8")] });
            Numbers[i] = begun.Id;
            if (i > 0) desk.Submit(author, begun.Id, 1);
            if (i > 2) desk.Sign(signer, begun.Id, 2, SignatureMeaning.Approved, "read");
        }
    }

    /// <summary>Numbers of the assessments of <see cref="Furnish"/>: a draft, two in review, one that is signed.</summary>
    public long[] Numbers { get; } = new long[4];

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
    internal sealed record Client(X509Certificate2 Certificate, Caller Caller)
    {
        /// <summary>He administers: what he does is about all samples, and what of that he is told, <see cref="PairRun"/> says.</summary>
        public bool IsAdministrator { get; init; }
    }
}

using Warehouse.Engine.Access;
using Warehouse.Engine.Catalog;

namespace Warehouse.Units.Oracle;

/// <summary>
/// A made-up policy over made-up samples, and made-up questions to it: everything follows from the seed. Names and moments come from few, and
/// moments lie within a second of each bound, so that what should meet does.
/// </summary>
internal sealed class RandomPolicy
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly string[] Ids = ["oidc:https://idp|a", "oidc:https://idp|b", "cert:cc", "local:d"], Groups = ["g1", "g2"], Cohorts = ["c1", "c2", "gone"], Names = ["p1", "p2"], Diseases = ["MONDO:0000001", "MONDO:0000002", "MONDO:0000003"];
    private static readonly string[] Modifiers = ["15", "16", "18", "19", "21", "29", "44", "45", "46", "12", "20=x", "22=DE", "22", "24", "28=i"];
    private static readonly Role[] SeeingRoles = [Role.LabDirector, Role.Reviewer, Role.Analyst, Role.Researcher, Role.Clinician, Role.Spoke];

    private readonly Random _dice;
    private readonly List<DateTimeOffset> _moments = [Start];

    public RandomPolicy(int seed)
    {
        _dice = new Random(seed);
        var entries = new List<PolicyEntry>();
        for (var left = _dice.Next(6, 26); left > 0; left--) entries.Add(Entry() with { Id = entries.Count + 1 });
        Policy = new Policy { Version = 3, Entries = entries };
        Samples = [.. Enumerable.Range(0, _dice.Next(1, 9)).Select(_ => new PolicySample(_dice.Next(8) == 0, [.. Cohorts[..2].Where(_ => _dice.Next(2) == 0)], Duo(), _dice.Next(6) == 0 ? Date() : null))];
    }

    public Policy Policy { get; }

    public IReadOnlyList<PolicySample> Samples { get; }

    /// <summary>The samples as a catalog holds them: of the cohorts an older version too, with everybody, and one that has ended.</summary>
    public StoreCatalog Catalog() => StoreCatalog.Empty with
    {
        Samples = [.. Samples.Select((s, i) => new SampleEntry("S" + i, s.Withdrawn ? 2 : 0))],
        Sheets = [.. Samples.SelectMany((s, i) => (SheetEntry[])[new(i, 1, new Dictionary<string, string> { ["duo"] = "DUO:0000042" }), new(i, 2, Sheet(s))])],
        Cohorts =
        [
            .. Cohorts.Select(c => new CohortEntry { Name = c, FromVersion = 1, UntilVersion = 2, Where = null, Samples = [.. Enumerable.Range(0, Samples.Count)] }),
            .. Cohorts[..2].Select(c => new CohortEntry { Name = c, FromVersion = 2, UntilVersion = 0, Where = null, Samples = [.. Enumerable.Range(0, Samples.Count).Where(i => Samples[i].Cohorts.Contains(c))] }),
        ],
    };

    public (Caller Caller, Purpose Purpose, string? Project, Detail Level, DateTimeOffset Now) Question()
    {
        var caller = new Caller
        {
            Id = One(Ids), Roles = _dice.Next(20) == 0 ? new HashSet<Role> { One(Enum.GetValues<Role>()) } : [.. SeeingRoles.Where(_ => _dice.Next(3) == 0)],
            Groups = new HashSet<string>(Groups.Where(_ => _dice.Next(3) == 0)), Attributes = _dice.Next(2) == 0 ? new Dictionary<string, string> { ["site"] = One(["x", "y"]) } : new Dictionary<string, string>(),
            HasSecondFactor = _dice.Next(2) == 0,
        };
        var purpose = One(Enum.GetValues<Purpose>());
        var isOnBehalf = purpose == Purpose.Research ? _dice.Next(8) > 0 : _dice.Next(5) == 0;
        return (caller, purpose, isOnBehalf ? One(Names) : null, One(Enum.GetValues<Detail>()), One(_moments) + TimeSpan.FromSeconds(_dice.Next(-1, 2)));
    }

    private static Dictionary<string, string> Sheet(PolicySample sample)
    {
        var values = new Dictionary<string, string>();
        if (sample.Duo is { } duo) values.Add("duo", duo);
        if (sample.Until is { } until) values.Add("consent_until", until);
        return values;
    }

    private T One<T>(IReadOnlyList<T> of) => of[_dice.Next(of.Count)];

    private List<T> Some<T>(IReadOnlyList<T> of) => [One(of), .. of.Where(_ => _dice.Next(3) > 0)];

    private PolicyEntry Entry()
    {
        var made = new Stamp(Moment(TimeSpan.FromDays(_dice.Next(60))), One(Ids));
        PolicyEntry entry = _dice.Next(10) switch
        {
            0 => new RoleAssignment { Made = made, Subject = Subject(), Role = _dice.Next(6) == 0 ? One(Enum.GetValues<Role>()) : One(SeeingRoles) },
            < 4 => new Project { Made = made, Name = One(Names), Members = [.. Enumerable.Range(0, 3).Select(_ => Subject())], CollusionGroup = "g", Use = Use() },
            _ => Grant(made),
        };
        return entry with
        {
            Approved = _dice.Next(10) == 0 ? null : new Stamp(Moment(made.Utc - Start + TimeSpan.FromMinutes(_dice.Next(500))), _dice.Next(10) == 0 ? made.By : One(Ids)),
            IsBootstrap = _dice.Next(6) == 0, Ended = _dice.Next(10) == 0 ? new Stamp(made.Utc.AddDays(1), "x") : null,
        };
    }

    private Grant Grant(Stamp made)
    {
        var kind = One([GrantKind.Standing, GrantKind.Standing, GrantKind.Elevation, GrantKind.BreakGlass]);
        var from = kind == GrantKind.Standing ? Moment(TimeSpan.FromDays(_dice.Next(60))) : made.Utc;
        var attested = Enumerable.Range(0, kind == GrantKind.Standing ? _dice.Next(3) : 0).Select(_ => new Stamp(Moment(TimeSpan.FromDays(_dice.Next(200))), "x")).ToList();
        foreach (var stamp in attested.Append(made)) _moments.Add(stamp.Utc.AddDays(90));
        _moments.AddRange([made.Utc.AddHours(8), made.Utc.AddMinutes(60), made.Utc.AddDays(91)]);
        return new Grant
        {
            Made = made, Kind = kind, Subject = Subject(), FromUtc = from, UntilUtc = Moment(from - Start + (kind == GrantKind.Standing ? TimeSpan.FromDays(_dice.Next(40, 300)) : TimeSpan.FromMinutes(_dice.Next(1, 600)))),
            Target = _dice.Next(3) switch { 0 => Target.All, 1 => new Target { Cohort = One(Cohorts) }, _ => new Target { Samples = [.. Enumerable.Range(0, 9).Where(_ => _dice.Next(2) == 0)] } },
            Details = [.. Some(Enum.GetValues<Detail>()).Distinct().Order()], Purposes = [.. Some(Enum.GetValues<Purpose>()).Distinct().Order()], Attested = attested,
        };
    }

    private Subject Subject() => _dice.Next(5) switch
    {
        0 or 1 => new Subject(SubjectKind.Principal, One(Ids)),
        2 => new Subject(SubjectKind.Role, Warehouse.Engine.Access.Subject.WordOf(One(SeeingRoles))),
        3 => new Subject(SubjectKind.Group, One(Groups)),
        _ => new Subject(SubjectKind.Attribute, "site", One(["x", "y"])),
    };

    private RegisteredUse Use()
    {
        var kind = One(Enum.GetValues<ResearchKind>());
        return new RegisteredUse
        {
            Kind = kind, Diseases = kind == ResearchKind.Disease ? [.. Enumerable.Range(0, _dice.Next(1, 3)).Select(_ => new Disease(One(Diseases), _dice.Next(2) == 0 ? [] : [One(Diseases)]))] : [],
            Modifiers = [.. Modifiers.Where(_ => _dice.Next(2) == 0).Select(m => "DUO:00000" + m)],
        };
    }

    private string? Duo()
    {
        if (_dice.Next(8) == 0) return null;
        if (_dice.Next(12) == 0) return One(["", "GRU", "DUO:0000042=x", "DUO:0000042 DUO:0000006", "DUO:0000007", "DUO:0000042 DUO:9999999", "DUO:0000042 DUO:0000042", "DUO:0000043", "DUO:0000042 DUO:0000022=", "DUO:0000007=OMIM:1"]);
        List<string> terms = [One(["DUO:0000004", "DUO:0000042", "DUO:0000006", "DUO:0000011", "DUO:0000007=" + One(Diseases), "DUO:0000007=" + One(Diseases) + " DUO:0000007=" + One(Diseases)])];
        for (var left = Math.Max(0, _dice.Next(5) - 2); left > 0; left--)
            terms.Add("DUO:00000" + One([One(Modifiers), "43", "24=" + Date(), "25=" + Date(), "26=" + One(Ids), "27=" + One(Names), "12=r", "18=x", "22=FR", "25"]));
        return string.Join(One([";", " ", ",", "; "]), terms.OrderBy(_ => _dice.Next()));
    }

    private string Date() => One(_moments).UtcDateTime.AddDays(_dice.Next(-1, 2)).ToString(_dice.Next(9) == 0 ? "dd.MM.yyyy" : "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);

    private DateTimeOffset Moment(TimeSpan after)
    {
        var moment = Start + after;
        _moments.Add(moment);
        return moment;
    }
}

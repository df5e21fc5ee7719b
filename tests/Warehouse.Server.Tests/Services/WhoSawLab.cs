using System.Text;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Linkage;
using Warehouse.Protocol.Flight;
using Warehouse.Rpc.Client;
using Warehouse.Server.Configuration;
using Warehouse.Server.Host;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>Somebody who asks, and what earlier answers told him.</summary>
/// <param name="name">As the test calls him.</param>
/// <param name="of">His connection and id.</param>
/// <param name="roles">His roles.</param>
/// <param name="sees">The samples that he is granted.</param>
internal sealed class Asker(string name, (RpcChannel Channel, string Id) of, Role[] roles, IEnumerable<string> sees)
{
    public string Name => name;

    public RpcChannel Channel => of.Channel;

    public string Id => of.Id;

    public Role[] Roles => roles;

    public IReadOnlyList<string> Sees { get; } = [.. sees];

    /// <summary>Of them he is told released figures alone, which count nobody among few.</summary>
    public bool IsOfFigures { get; init; }

    /// <summary>His alerts, as his inbox had them.</summary>
    public List<V1.Alert> Alerts { get; } = [];

    /// <summary>The ticket of his last <c>GetFlightInfo</c>.</summary>
    public Ticket? Ticket { get; set; }

    /// <summary>His calls in their order, with the samples that each of them spoke of.</summary>
    public List<(string Method, string Question, StatusCode Code, HashSet<string> Told)> Calls { get; } = [];
}

/// <summary>A served store of 24 people, of whom everybody who asks sees some: all of them, one patient, thirteen, figures alone, or nobody; with cohorts, alerts, a vault and a laboratory.</summary>
internal sealed class WhoSawLab : IAsyncDisposable
{
    /// <summary>Who is counted among fewer is told of: k of a store in which nobody has set another.</summary>
    public const int K = 11;

    private static readonly Role[] Readers = [Role.Reviewer, Role.Analyst, Role.Clinician];

    private static readonly Detail[] All = [Detail.Record, Detail.Linkage];

    private WhoSawLab(AlertHouse house) => House = house;

    public AlertHouse House { get; }

    public ServedStore Served => House.Served;

    /// <summary>The samples, by name, with the columns of the sheet that they came with.</summary>
    public SortedDictionary<string, Dictionary<string, string>> Sheet { get; } = new(StringComparer.Ordinal);

    public string[] Names => [.. Sheet.Keys];

    /// <summary>Cohorts of the store with their members.</summary>
    public Dictionary<string, string[]> Cohorts { get; } = [];

    public IReadOnlyList<Asker> Askers { get; private set; } = [];

    /// <summary>An assessment of the laboratory, as the last answer about it had it.</summary>
    public V1.Assessment Assessment { get; set; } = new();

    /// <summary>The last entry of the policy that a call made.</summary>
    public int Entry { get; set; }

    /// <summary>The grades that were told last.</summary>
    public string Grades { get; set; } = "";

    public static async Task<WhoSawLab> StartAsync()
    {
        var limits = new LimitConfiguration { Person = new() { CallsPerSecond = 10_000, Burst = 10_000 } };
        var lab = new WhoSawLab(await AlertHouse.StartAsync(samples: 24, variants: 60, configure: _ => new ServerConfiguration { Limits = limits }));
        lab.ReadSheet();
        var (served, names) = (lab.Served, lab.Names);
        lab.Set("one", names[3]);
        lab.Set("few", names[3], names[6]);
        lab.Set("half", names[..13]);
        lab.Set("rest", names[7..]);
        lab.Askers =
        [
            lab.Ask("all", MethodPersons.Roles[0], All, names), lab.Ask("one", Readers, All, lab.House.Carrier.Sample), lab.Ask("half", Readers, All, names[..13]),
            lab.Ask("figures", Readers, [Detail.Exists, Detail.Aggregate], names), lab.Ask("steward", MethodPersons.Roles[1], []), lab.Ask("auditor", MethodPersons.Roles[2], []), lab.Ask("operator", MethodPersons.Roles[3], []),
        ];
        served.Owner((store, _) =>
        {
            using var vault = LinkageVault.OpenOrCreate(store, served.StorePath, new());
            return vault.Set(IdentityTable.Parse(["person\tname", .. names.Select(n => $"{lab.PersonOf(n)}\tJane Roe")], "table"));
        });
        var director = await lab.House.BeginAsync("Uncertain_significance", AlertHouse.Care(lab.House.Carrier.Person, lab.Askers[0].Id), AlertHouse.Care(lab.PersonOf(names[20]), lab.Askers[0].Id));
        await director.SetWatchAsync(new V1.Watch { Name = "everybody", Scope = V1.WatchScope.Everybody, Hears = { lab.Askers.Take(3).Select(a => a.Id), AlertHost.Owner } });
        await director.SetWatchAsync(new V1.Watch { Name = "person", Scope = V1.WatchScope.Person, Items = { lab.PersonOf(names[19]) } });
        lab.House.Load(AlertHouse.February, "Pathogenic");
        await director.AcceptReleaseAsync(AlertHouse.February);
        lab.House.Settle();
        lab.House.Load("2024-03-03", "Benign");
        return lab;
    }

    public string PersonOf(string sample) => Sheet[sample]["person"];

    /// <summary>The samples of which some bytes speak: by their names, and by those of their persons where none of a person's samples is named.</summary>
    public HashSet<string> NamedIn(ReadOnlySpan<byte> bytes)
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var sample in Sheet.Keys)
            if (bytes.IndexOf(Encoding.ASCII.GetBytes(sample)) >= 0) named.Add(sample);
        foreach (var person in Sheet.Keys.GroupBy(PersonOf))
            if (!person.Any(named.Contains) && bytes.IndexOf(Encoding.ASCII.GetBytes(person.Key)) >= 0) named.UnionWith(person);
        return named;
    }

    /// <summary>Those of sets who are among few.</summary>
    public static IEnumerable<string> Few(IEnumerable<IReadOnlyCollection<string>> sets) => sets.Where(s => s.Count < K).SelectMany(s => s);

    public ValueTask DisposeAsync() => House.DisposeAsync();

    private void ReadSheet()
    {
        var lines = File.ReadAllLines(Served["sim/samples.tsv"]);
        var columns = lines[0].Split('\t');
        foreach (var cells in lines.Skip(1).Select(l => l.Split('\t'))) Sheet.Add(cells[0], columns.Zip(cells).ToDictionary(c => c.First, c => c.Second));
    }

    private void Set(string cohort, params string[] members)
    {
        Served.Owner((store, _) => store.SetCohort(cohort, members, null));
        Cohorts.Add(cohort, members);
    }

    private Asker Ask(string name, Role[] roles, Detail[] details, params string[] sees)
    {
        var of = Served.Client(name, roles);
        if (sees.Length > 0) Served.Grant(new GrantRequest { Subject = new Subject(SubjectKind.Principal, of.Id), AllSamples = sees.Length == Sheet.Count, Samples = sees.Length == Sheet.Count ? null : sees, Details = details, Purposes = [Purpose.Treatment] });
        return new(name, of, roles, sees) { IsOfFigures = details.Length > 0 && !details.Contains(Detail.Record) };
    }
}

using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Units.Oracle;
using Warehouse.Units.Query;

namespace Warehouse.Units.Access;

/// <summary>
/// A store in memory with a clock that is set: six samples of five persons, S1 and S2 of one; S1 alone carries 1-100-A-G, S6 was withdrawn.
/// The policy names two stewards, a director and an auditor.
/// </summary>
internal sealed class PolicyStore : IDisposable
{
    public static readonly AccessActor Owner = AccessActor.Owner("root");

    public static readonly AccessActor Steward = AccessActor.Of(Person("steward")), OtherSteward = AccessActor.Of(Person("steward2")), Director = AccessActor.Of(Person("director")), Auditor = AccessActor.Of(Person("auditor"));

    private const string Header = "##fileformat=VCFv4.2\n##contig=<ID=1,length=248956422>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t";

    private readonly MemoryStore _memory;

    public PolicyStore()
    {
        _memory = new MemoryStore("GRCh38", clock: Clock);
        string[] duo = ["DUO:0000042", "DUO:0000042", "DUO:0000006", "DUO:0000011", ".", "DUO:0000042"];
        var sheet = "sample\tperson\tduo\n" + string.Concat(Enumerable.Range(1, 6).Select(i => $"S{i}\tP{Math.Max(2, i)}\t{duo[i - 1]}\n"));
        _memory.Ingest(new NaiveIngest { Sheet = sheet },
            Header + "S1\tS2\tS3\tS4\tS5\tS6\n1\t100\t.\tA\tG\t50\tPASS\t.\tGT\t0/1\t0/0\t0/0\t0/0\t0/0\t1/1\n");
        Store.Withdraw(["S6"]);
        foreach (var (name, role) in ((string, Role)[])[("steward", Role.DataSteward), ("steward2", Role.DataSteward), ("director", Role.LabDirector), ("auditor", Role.Auditor)])
        {
            var id = Store.Assign(Owner, Of(name), role);
            Store.Approve(name == "steward" ? Owner : Steward, id);
        }
    }

    public SetClock Clock { get; } = new();

    public VariantStore Store => _memory.Store;

    public static Caller Person(string name, bool secondFactor = true) => new() { Id = "oidc:https://idp|" + name, HasSecondFactor = secondFactor };

    public static Subject Of(string name) => Subject.Parse("oidc:https://idp|" + name);

    public static GrantRequest For(string name) => new() { Subject = Of(name), AllSamples = true, Details = [Detail.Record], Purposes = [Purpose.Operations], Reason = "work" };

    /// <summary>Loads one more sample, which does not carry.</summary>
    public void Load(string name) => _memory.Ingest(new NaiveIngest(), $"{Header}{name}\n1\t100\t.\tA\tG\t50\tPASS\t.\tGT\t0/0\n");

    public VariantStore Reopen() => _memory.Reopen(Clock);

    /// <summary>Damages the policy; who opens the store again finds it.</summary>
    public void Damage() => _memory.Damage(PolicyCodec.Part, Clock);

    /// <summary>Grants, by a steward, approved by the director.</summary>
    public int Grant(GrantRequest request)
    {
        var id = Store.Grant(Steward, request);
        Store.Approve(Director, id);
        return id;
    }

    /// <summary>Grants, by a steward, approved by the other one.</summary>
    public int GrantByStewards(GrantRequest request)
    {
        var id = Store.Grant(Steward, request);
        Store.Approve(OtherSteward, id);
        return id;
    }

    public Session Ask(Caller caller, Purpose purpose = Purpose.Operations, Detail detail = Detail.Record, string? project = null, long? snapshot = null) =>
        Store.OpenSession(new SessionOptions { Caller = caller, Purpose = purpose, Detail = detail, Project = project, Snapshot = snapshot });

    /// <summary>Samples that somebody sees, by their numbers; a refusal's rule in their place.</summary>
    public string Sees(Caller caller, Purpose purpose = Purpose.Operations, Detail detail = Detail.Record, string? project = null, long? snapshot = null)
    {
        try
        {
            using var session = Ask(caller, purpose, detail, project, snapshot);
            var seen = string.Concat(Enumerable.Range(0, 7).Where(session.Granted.Scope.Sees).Select(s => s + 1));
            var figures = session.Frequencies(new FrequencyRequest { Rules = new CountRules { PerSample = true }, Variants = ["1-100-A-G"] }).First().Figures;
            Xunit.Assert.Equal((seen.Length, seen.Contains('1') ? 1 : 0), (figures.NSamples, figures.Carriers));
            return seen;
        }
        catch (AccessRefusedException refused)
        {
            return refused.Rule;
        }
    }

    public static string RuleOf(Action change)
    {
        try
        {
            change();
            return "done";
        }
        catch (AccessRefusedException refused)
        {
            return refused.Rule;
        }
        catch (InputException bad)
        {
            return bad.Code;
        }
    }

    public void Dispose() => _memory.Dispose();
}

/// <summary>A clock that shows what it is set to.</summary>
internal sealed class SetClock : TimeProvider
{
    public DateTimeOffset Now { get; set; } = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Time that goes by beyond what really does, which no setting of <see cref="Now"/> changes.</summary>
    public TimeSpan Passed { get; set; }

    public override DateTimeOffset GetUtcNow() => Now;

    public override long GetTimestamp() => base.GetTimestamp() + (long)(Passed.TotalSeconds * TimestampFrequency);
}

using System.Text;
using Grpc.Core;
using Warehouse.Cli;
using Warehouse.Client;
using Warehouse.Engine.Access;
using Warehouse.Tests;
using Xunit;
using static Warehouse.Server.Tests.Clients.ServedCommands;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Clients;

/// <summary>
/// The level exists by every client: yes at k carriers or more, whatever else of the row is small; else fewer than k; and what is withheld is told as that. 500 people
/// whose figures are written down here.
/// </summary>
public sealed class ExistsTests
{
    private const int People = 500;

    /// <summary>Carriers of one copy, homozygous ones, people without a call; and what is said.</summary>
    private static readonly (int One, int Hom, int Missing, V1.SeenState Exists, V1.SeenState Aggregate)[] Variants =
    [
        (85, 5, 0, V1.SeenState.Seen, V1.SeenState.Withheld), (90, 0, 3, V1.SeenState.Seen, V1.SeenState.Withheld), (495, 0, 0, V1.SeenState.Seen, V1.SeenState.Withheld),
        (90, 0, 0, V1.SeenState.Seen, V1.SeenState.Seen), (10, 0, 0, V1.SeenState.FewerThanK, V1.SeenState.Withheld), (0, 0, 0, V1.SeenState.FewerThanK, V1.SeenState.Withheld),
    ];

    private static readonly string[] Queries = [.. Variants.Select((_, v) => $"22-{1000 + (10 * v)}-A-C")];

    [PeerFact("python3")]
    public async Task Every_client_tells_the_cases_apart()
    {
        await using var served = await ServedStore.StartOfAsync(Vcf());
        var (pem, issued) = served.Server.Identity.Issue("researcher", 1, roles: [Role.Researcher]);
        File.WriteAllText(served["researcher.pem"], pem);
        served.Grant(new Subject(SubjectKind.Principal, issued.Id), null, Detail.Exists, Detail.Aggregate);
        served.Owner((store, owner) =>
        {
            store.SetCohort("half", [.. Enumerable.Range(0, People / 2).Select(NameOf)], null);
            return store.OpenEpoch(owner, store.Version);
        });

        using var lab = new WarehouseClient(new ConnectOptions { Server = new Uri(served.Url), Credentials = Warehouse.Client.Credentials.FromPem(pem) });
        var exists = new AskOptions { Detail = V1.Detail.Exists };
        var answers = await lab.SeenAsync(Queries, exists);
        Assert.Equal(Variants.Select(v => v.Exists), answers.Select(a => a.Message.State));
        Assert.Equal([typeof(SeenAnswer.Seen), typeof(SeenAnswer.FewerThanK)], answers.Select(a => a.GetType()).Distinct());
        Assert.Equal(11, Assert.IsType<SeenAnswer.FewerThanK>(answers[4]).K);
        Assert.Equal("fewer than 11 carry it, which may be nobody", answers[4].Message.Reason);
        Assert.All(answers, a => Assert.True(a.Message.Released is null && a.Message.Figures is null));
        Assert.Equal(answers[4].Message.State, answers[5].Message.State);

        // A part of these people: that fewer carry it follows; of the others it is withheld, and that is what is said.
        var part = await lab.SeenAsync([Queries[0], Queries[4]], exists with { Cohort = "half" });
        Assert.NotEmpty(Assert.IsType<SeenAnswer.Withheld>(part[0]).Reason);
        Assert.IsType<SeenAnswer.FewerThanK>(part[1]);

        // Figures, or that they are banded: never that few carry it.
        var shown = await lab.SeenAsync(Queries, new AskOptions { Detail = V1.Detail.Aggregate });
        Assert.Equal(Variants.Select(v => v.Aggregate), shown.Select(a => a.Message.State));
        Assert.Equal(90, Assert.IsType<SeenAnswer.Seen>(shown[3]).Released!.Carriers);
        Assert.Single(shown.Where((_, v) => v != 3).Select(a => a.Message.Reason).Distinct());
        Assert.Equal(Variants.Select(v => v.Exists), (await lab.SeenAsync(Queries, exists)).Select(a => a.Message.State));

        AssertLines(served, ["exists"], Variants.Select(v => v.Exists), ExitCode.Done);
        AssertLines(served, ["exists", "--cohort", "half"], [V1.SeenState.Withheld], ExitCode.Incomplete, Queries[0]);
        AssertLines(served, ["exists"], [V1.SeenState.FewerThanK], ExitCode.NothingMatched, Queries[4]);
        AssertLines(served, ["aggregate"], Variants.Select(v => v.Aggregate), ExitCode.Incomplete);
        File.WriteAllText(served["asked"], Queries[0]);
        Assert.Equal(ExitCode.Incomplete, Remote(served, served["researcher.pem"], "freq", "--detail", "aggregate", "--variants", served["asked"]).Exit);

        Assert.Equal(string.Concat(Variants.Select(v => v.Exists.ToString() + "\n")) + "Withheld\n11\n", Python(served));
    }

    /// <summary>Ten of 300 others carry it, whom the asker knows, and the one by whom two cohorts differ may be the eleventh: he gets one of the two answers.</summary>
    [Fact]
    public async Task Cohorts_that_differ_by_one_person_are_refused()
    {
        await using var served = await ServedStore.StartOfAsync(Vcf());
        var (channel, id) = served.Client("researcher", Role.Researcher);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Exists);
        served.Owner((store, owner) =>
        {
            store.SetCohort("without", [.. Enumerable.Range(0, 300).Select(NameOf)], null);
            store.SetCohort("with", [.. Enumerable.Range(0, 301).Select(NameOf)], null);
            return store.OpenEpoch(owner, store.Version);
        });
        var variants = new V1.Variants.VariantsClient(channel);
        Assert.Equal(V1.SeenState.FewerThanK, (await AskAsync("without")).Answers[0].State);
        var refused = await Assert.ThrowsAsync<RpcException>(() => AskAsync("with"));
        Assert.Equal("isolates-few", V1.Refusal.Parser.ParseFrom(refused.GetRpcStatus()!.Details[0].Value).Rule);

        Task<V1.SeenReply> AskAsync(string cohort) =>
            variants.SeenAsync(new V1.SeenRequest { Asking = new() { Purpose = V1.Purpose.Operations, Detail = V1.Detail.Exists }, Queries = { Queries[4] }, Samples = new() { Cohort = cohort } }).ResponseAsync;
    }

    private static void AssertLines(ServedStore served, string[] level, IEnumerable<V1.SeenState> states, ExitCode exit, params string[] queries)
    {
        var run = Remote(served, served["researcher.pem"], "seen", [.. queries.Length > 0 ? queries : Queries, "--detail", .. level, "--format", "tsv"]);
        var words = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[1..].Select(l => l.Split('\t')[1]);
        Assert.Equal(states.Select(s => s switch { V1.SeenState.Seen => "seen", V1.SeenState.FewerThanK => "fewer than k", _ => "withheld" }), words);
        Assert.DoesNotContain("not seen", run.Output, StringComparison.Ordinal);
        Assert.True(run.Exit == exit, $"{run.Exit}: {run.Error}");
    }

    private static string Python(ServedStore served)
    {
        const string Script = """
            import sys
            sys.path.insert(0, sys.argv[1])
            import warehouse
            with warehouse.connect(sys.argv[2], sys.argv[3], detail="exists") as lab:
                for answer in lab.seen(sys.argv[4:]):
                    print(type(answer).__name__)
                (part,) = lab.seen(sys.argv[4:5], cohort="half")
                print(type(part).__name__ if part.reason else "")
                print(part.k)
            """;
        return Peer.Output("/usr/bin/python3", ["-B", "-c", Script, Path.Combine(TestData.ProjectRoot, "clients", "python"), served.Url, served["researcher.pem"], .. Queries]);
    }

    private static string NameOf(int person) => FormattableString.Invariant($"P{person:d3}");

    private static string Vcf()
    {
        var text = new StringBuilder("##fileformat=VCFv4.2\n##contig=<ID=22>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT");
        for (var person = 0; person < People; person++) text.Append('\t').Append(NameOf(person));
        for (var v = 0; v < Variants.Length; v++)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\n22\t{1000 + (10 * v)}\t.\tA\tC\t.\tPASS\t.\tGT");
            var (one, hom, missing, _, _) = Variants[v];
            for (var person = 0; person < People; person++) text.Append(person < one ? "\t0/1" : person < one + hom ? "\t1/1" : person < one + hom + missing ? "\t./." : "\t0/0");
        }
        return text.Append('\n').ToString();
    }
}

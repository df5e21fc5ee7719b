using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Linkage;
using Warehouse.Server.Tests.Clients;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>Whom samples are of is told at the level linkage alone, of samples that are seen at it, and the audit log names each of them.</summary>
public sealed class LinkageServiceTests
{
    [Fact]
    public async Task Whom_a_sample_is_of_is_told_to_whom_linkage_is_granted_and_to_nobody_else()
    {
        await using var served = await ServedStore.StartAsync(samples: 6, variants: 20);
        var names = served.Owner((store, _) => store.OpenSession().LoadedSamples());
        served.Owner((store, owner) => store.SetCohort("his", [names[0].Name, names[1].Name], null));
        var (pem, issued) = served.Server.Identity.Issue("rev", 1, roles: [Role.Reviewer], hasSecondFactor: true);
        File.WriteAllText(served["rev.pem"], pem);
        var (reviewer, id) = (served.Channel(X509Certificate2.CreateFromPem(pem, pem)), issued.Id);
        var (analyst, other) = served.Client("ana", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), "his", Detail.Linkage, Detail.Record);
        served.Grant(new Subject(SubjectKind.Principal, other), null, Detail.Linkage, Detail.Record);
        V1.ResolvePersonsRequest Of(params string[] samples) => new() { Asking = ServedStore.Treatment, Samples = { samples }, Persons = { names[1].Person, "nobody" } };

        // Without a vault, by name; who may not is refused before that.
        Assert.Equal(StatusCode.Unimplemented, Assert.Throws<RpcException>(() => Client(reviewer).Resolve(Of(names[0].Name))).StatusCode);
        served.Owner((store, _) =>
        {
            using var vault = LinkageVault.OpenOrCreate(store, served.StorePath, new());
            return vault.Set(IdentityTable.Parse(["person\tname\tmrn", $"{names[0].Person}\tJane Roe\t1", $"{names[2].Person}\tRichard Roe\t2"], "t"));
        });
        Assert.Equal(StatusCode.PermissionDenied, Assert.Throws<RpcException>(() => Client(analyst).Resolve(Of(names[0].Name))).StatusCode);
        Assert.Equal(StatusCode.InvalidArgument, Assert.Throws<RpcException>(() => Client(reviewer).Resolve(new V1.ResolvePersonsRequest { Asking = ServedStore.Treatment })).StatusCode);
        var record = Of(names[0].Name);
        record.Asking.Detail = V1.Detail.Record;
        Assert.Equal(StatusCode.InvalidArgument, Assert.Throws<RpcException>(() => Client(reviewer).Resolve(record)).StatusCode);

        var reply = Client(reviewer).Resolve(Of(names[0].Name, names[2].Name, "unknown"));
        Assert.Equal(["name", "mrn"], reply.Columns);
        Assert.Equal(
            [$"{names[0].Name} {names[0].Person} True Jane Roe,1", $"{names[2].Name}  False ", "unknown  False ", $"{names[1].Name} {names[1].Person} False ", " nobody False "],
            reply.Samples.Select(s => $"{s.Sample} {s.Person} {s.IsKnown} {string.Join(',', s.Cells)}"));
        // The log names whom it was told of, and not whom it was not.
        File.WriteAllText(served["samples"], names[0].Name + "\n");
        string[] asked = ["--samples-file", served["samples"], "--format", "tsv"];
        var (local, remote) = (ServedCommands.Local(served, "linkage show", asked), ServedCommands.Remote(served, served["rev.pem"], "linkage show", [.. asked, "--purpose", "treatment"]));
        Assert.Equal($"sample\tperson\tname\tmrn\n{names[0].Name}\t{names[0].Person}\tJane Roe\t1\n", local.Output);
        Assert.Equal(local, remote with { Bytes = local.Bytes });
        Assert.Equal(Warehouse.Cli.ExitCode.BadInput, ServedCommands.Remote(served, served["rev.pem"], "linkage remove", "--persons-file", served["samples"]).Exit);
        var entry = served.Entries().First(e => e is { Verb: "warehouse.v1.Linkage/Resolve", Outcome: "done" });
        Assert.Equal((2, 5L, "treatment"), (entry.Subjects.Count, entry.Rows, entry.Purpose));
    }

    private static V1.Linkage.LinkageClient Client(Warehouse.Rpc.Client.RpcChannel channel) => new(channel);
}

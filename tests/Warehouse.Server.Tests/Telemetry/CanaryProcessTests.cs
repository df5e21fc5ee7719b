using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Rpc.Client;
using Warehouse.Server.Identity;
using Warehouse.Server.Tests.Host;
using Warehouse.Server.Tests.Services;
using Warehouse.Units;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// C20, C22, F78 of the program itself: every method with tokens in its requests, then killed while it lists, answers a stream and receives files, and started again. Nothing
/// of it in what it writes to its terminal, in its folder for temporary files, where it was started, in what others see of the process, or beside the store.
/// </summary>
public sealed class CanaryProcessTests
{
    [Fact]
    public async Task A_killed_server_leaves_nothing_of_persons_behind()
    {
        var tokens = new CanaryTokens(20261201);
        using var folder = new TempFolder();
        var lab = new CanaryLab(folder, tokens);
        foreach (var name in (string[])["tmp", "cwd"]) Directory.CreateDirectory(folder[name]);
        Task<ServerProcess> StartAsync() => ServerProcess.StartAsync(lab.Store, start =>
        {
            start.Environment["TMPDIR"] = folder["tmp"];
            start.WorkingDirectory = folder["cwd"];
        });
        using var server = await StartAsync();
        lab.GrantAll(new Subject(SubjectKind.Role, "lab-director"));
        using var director = Connect(folder, server, "director", "lab-director", "analyst", "reviewer", "clinician");
        using var second = Connect(folder, server, "second", "lab-director", "analyst");
        var (requests, methods, answered, trailers) = (new CanaryRequests(tokens), new CanaryMethods(tokens, lab), 0, new List<Metadata>());
        foreach (var method in MethodTableTests.Services().SelectMany(s => s.Methods))
        {
            // Two of them, since a person has so many calls a second.
            foreach (var (channel, sent) in (IEnumerable<(RpcChannel, IEnumerable<IMessage>)>)[.. methods.SoundOf($"/{method.Service.FullName}/{method.Name}").Take(1).Select(s => (director, (IEnumerable<IMessage>)s)), .. requests.Filled(method.InputType).Take(1).Select(f => (second, (IEnumerable<IMessage>)[f]))])
            {
                try
                {
                    await new CanaryCall(method, [.. sent.Select(m => m.ToByteArray())]) { Hear = methods.Heard }.RunAsync(channel, new(new Metadata { { "x-note", tokens.Next(CanaryKind.Metadata) } }, DateTime.UtcNow.AddSeconds(method.Name is "Follow" or "Watch" ? 0.3 : 20)));
                    answered++;
                }
                catch (RpcException refused)
                {
                    trailers.Add([.. refused.Trailers, new Metadata.Entry("text", refused.Status.Detail)]);
                }
                catch (InvalidOperationException)
                {
                    // Over before all of it was sent.
                }
            }
        }
        Assert.True(answered > 50, $"{answered} answered");
        new CanaryRun(tokens, CanarySink.OfProcesses("cmdline", () => [server.Id]), CanarySink.OfProcesses("environ", () => [server.Id]), CanarySink.OfTrailers("ends of calls", trailers)).AssertNoLeak();

        var variants = new V1.Variants.VariantsClient(second);
        V1.Asking asking = new() { Purpose = V1.Purpose.Treatment };
        using var listing = variants.Export(new() { Asking = asking, Format = V1.ExportFormat.Vcf });
        Assert.True(await listing.ResponseStream.MoveNext(default));
        using var stream = variants.SeenStream();
        await stream.RequestStream.WriteAsync(new() { Request = new() { Asking = asking } });
        await stream.RequestStream.WriteAsync(new() { Queries = { "1-100-A-G", tokens.Next(CanaryKind.CliInput) } });
        Assert.True(await stream.ResponseStream.MoveNext(default));
        using var upload = new V1.Ingest.IngestClient(second).Upload();
        var file = lab.Vcf([tokens.Next(CanaryKind.SampleId) + "x"]);
        await upload.RequestStream.WriteAsync(new() { Batch = new() { Asking = asking, Id = tokens.Next(CanaryKind.OrderId), Files = { new V1.BatchFile { Length = file.Length, Sha256 = Convert.ToHexStringLower(SHA256.HashData(file.Span)) } } } });
        await upload.RequestStream.WriteAsync(new() { Bytes = new() { Data = ByteString.CopyFrom(file.Span[..200]) } });
        do Assert.True(await upload.ResponseStream.MoveNext(default));
        while (upload.ResponseStream.Current.Status.Received is not [200]);
        server.Kill();
        Assert.NotEqual(0, await server.ExitAsync());

        using var after = await StartAsync();
        after.Terminate();
        Assert.Equal(0, await after.ExitAsync());
        using (var audit = StoreAudit.Open(lab.Store, null, null)) Assert.Empty(audit.Verify(null).Findings);
        var output = new MemoryStream();
        output.Write([.. server.Output, .. after.Output]);
        var run = new CanaryRun(tokens, CanarySink.Of("standard error", () => server.Errors + after.Errors), CanarySink.Of("standard output", output), CanarySink.OfFiles("temporary files", folder["tmp"]),
            CanarySink.OfFiles("where it was started", folder["cwd"]), CanarySink.OfFiles("store", folder["lab/store"]), CanarySink.OfFiles("keys", folder["lab/store.keys"]), CanarySink.OfFiles("audit log", folder["lab/store.audit"]),
            CanarySink.OfFiles("server", folder["lab/store.server"]), CanarySink.OfFileNames("names of files", folder["lab"], folder["tmp"], folder["cwd"]));
        run.Allow("audit log", CanaryKind.Remark, "who signs a review off says so in his own words");
        run.AssertNoLeak();
    }

    private static RpcChannel Connect(TempFolder folder, ServerProcess server, string name, params string[] roles)
    {
        string[] words = ["issue", "--state", folder["lab/store.server"], "--store", folder["lab/store"], "--name", name, "--out", folder[name + ".pem"], "--second-factor", .. roles.SelectMany(r => (string[])["--role", r])];
        var said = new StringWriter();
        Assert.True(CertificateCommand.Run(words, said, said, TimeProvider.System) == 0, said.ToString());
        using var certificate = X509Certificate2.CreateFromPemFile(folder[name + ".pem"]);
        return new RpcChannel(new Uri($"https://localhost:{server.Port}"), new() { ClientCertificate = X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null), IsServerCertificateTaken = (_, _, _) => true });
    }
}

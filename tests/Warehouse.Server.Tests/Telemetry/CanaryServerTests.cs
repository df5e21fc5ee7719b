using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Rpc.Client;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;
using Warehouse.Server.Telemetry;
using Warehouse.Server.Tests.Services;
using Warehouse.Units;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// C20 over the wire: calls that follow from each other, by somebody who may and by somebody who may not, cancelled and with a damaged store, and a trace of every method;
/// then the server's log, its figures, what is sent to a collector, the ends of calls, the audit log and the files of store and server hold no name, query or metadata of those calls. The same search finds what is planted.
/// Every field of every method is <see cref="CanaryMethodTests"/>'.
/// </summary>
public sealed class CanaryServerTests
{
    [Fact]
    public async Task Nothing_of_persons_is_left_behind_by_any_call()
    {
        var tokens = new CanaryTokens(20261129);
        using var folder = new TempFolder();
        var (log, trailers) = (new MemoryStream(), new List<Metadata>());
        var lab = new CanaryLab(folder, tokens);
        WarehouseServer? server = null;
        string Figures()
        {
            using var http = new System.Net.Http.HttpClient();
            return http.GetStringAsync(new Uri($"http://127.0.0.1:{server!.OperatorPort}/metrics")).GetAwaiter().GetResult();
        }
        await using var receiver = await OtlpReceiver.StartAsync();
        var run = new CanaryRun(tokens, CanarySink.Of("log", log), CanarySink.Of("figures and traces sent", () => receiver.Received), CanarySink.Of("figures", Figures), CanarySink.OfTrailers("ends of calls", trailers), CanarySink.OfFiles("audit log", folder["lab/store.audit"]),
            CanarySink.OfFiles("store", folder["lab/store"]), CanarySink.OfFiles("server", folder["lab/store.server"]), CanarySink.OfFileNames("names of files", folder["lab"]));
        using var provider = new LineLog(log, LogLevel.Trace, new Scrubber(), TimeProvider.System);
        server = await WarehouseServer.StartAsync(new ServeOptions
        {
            StorePath = lab.Store, EndPoint = new(IPAddress.Loopback, 0), OperatorEndPoint = new(IPAddress.Loopback, 0),
            Configuration = new() { Collector = new() { Address = receiver.Address, TracedPart = 1 } },
        }, provider);
        await using (server)
        {
            var (reader, nobody) = (Issue(lab, server, "reader", Role.Analyst, Role.LabDirector), Issue(lab, server, "nobody"));
            foreach (var pem in (string[])[reader, nobody])
            {
                using var channel = Connect(server, pem);
                foreach (var method in MethodTableTests.Services().SelectMany(s => s.Methods))
                    await run.DriveAsync([(method.FullName, () => Told(trailers, () => MethodTableTests.CallAsync(channel, method, seconds: method.Name is "Follow" or "Watch" ? 0.2 : 20)))]);
                await run.DriveAsync(Calls(channel, tokens, lab.Samples, lab.Cohort).Select(c => (c.Name, (Func<Task>)(() => Told(trailers, c.Act)))));
            }
            foreach (var file in Directory.GetFiles(folder["lab/store"], "*", SearchOption.AllDirectories).OrderByDescending(f => new FileInfo(f).Length).Take(3)) Damage(file);
            using (var channel = Connect(server, reader)) await run.DriveAsync(Calls(channel, tokens, lab.Samples, lab.Cohort).Select(c => (c.Name, (Func<Task>)(() => Told(trailers, c.Act)))));
            Assert.True(run.Driven > 150, $"{run.Driven} calls");
            await server.Gate.Refused.WriteAsync();
            using (var written = StoreAudit.Open(folder["lab/store"], null, null)) Assert.Contains(written.Reader().Entries(), e => e.Entry.Kind == Engine.Audit.AuditKind.Refused);
            provider.Flush(Timeout.InfiniteTimeSpan);
            Assert.Contains("CallRefused", System.Text.Encoding.UTF8.GetString(log.ToArray()), StringComparison.Ordinal);
            Assert.NotEmpty(trailers);
            server.Collector!.Flush();
            Assert.True(MethodTableTests.Services().SelectMany(s => s.Methods).Where(m => MethodTable.Of(MethodCall.PathOf(m)) is not { IsForEverybody: true }).All(m => receiver.Spans.Any(s => s.Name == MethodCall.PathOf(m)[1..])), "a method without a trace");
            Assert.Contains(receiver.Received, r => r.Path == "/v1/metrics");
            run.AssertNoLeak();
        }
    }

    private static IEnumerable<(string Name, Func<Task> Act)> Calls(RpcChannel channel, CanaryTokens tokens, string[] samples, string cohort)
    {
        var (variants, cohorts, access, audit) = (new V1.Variants.VariantsClient(channel), new V1.Cohorts.CohortsClient(channel), new V1.Access.AccessClient(channel), new V1.Audit.AuditClient(channel));
        var (assessments, annotations) = (new V1.Assessments.AssessmentsClient(channel), new V1.Annotations.AnnotationsClient(channel));
        V1.Asking Asking() => new() { Purpose = V1.Purpose.Treatment };
        Metadata Headers() => new() { { "x-note", tokens.Next(CanaryKind.Metadata) } };
        yield return ("seen", async () => await variants.SeenAsync(new() { Asking = Asking(), Queries = { "1-100-A-G", tokens.Next(CanaryKind.CliInput) }, Samples = new() { Names = { samples[0] } } }, Headers()));
        yield return ("seen of a stranger", async () => await variants.SeenAsync(new() { Asking = Asking(), Queries = { "1-100-A-G" }, Samples = new() { Names = { tokens.Next(CanaryKind.SampleId) } } }, Headers()));
        yield return ("seen of a cohort", async () => await variants.SeenAsync(new() { Asking = Asking(), Queries = { "1-100-A-G" }, Samples = new() { Cohort = cohort } }, Headers()));
        yield return ("seen for a project", async () => await variants.SeenAsync(new() { Asking = new(Asking()) { Project = tokens.Next(CanaryKind.OrderId) }, Queries = { "1-100-A-G" } }, Headers()));
        yield return ("frequencies of a column", () => Read(variants.Frequencies(new() { Asking = Asking(), By = tokens.Next(CanaryKind.InfoValue) }, Headers())));
        yield return ("frequencies", () => Read(variants.Frequencies(new() { Asking = Asking(), Samples = new() { Cohort = cohort } }, Headers())));
        yield return ("carriers", () => Read(variants.Carriers(new() { Asking = Asking(), Queries = { "1-100-A-G", tokens.Next(CanaryKind.Mrn) } }, Headers())));
        yield return ("export", () => Read(variants.Export(new() { Asking = Asking(), Format = V1.ExportFormat.Vcf, Samples = new() { Names = { samples } } }, Headers())));
        yield return ("given up", async () =>
        {
            using var stop = new CancellationTokenSource();
            using var call = variants.Export(new() { Asking = Asking(), Format = V1.ExportFormat.Vcf, Samples = new() { Names = { samples } } }, Headers(), cancellationToken: stop.Token);
            stop.Cancel();
            await call.ResponseStream.MoveNext(default);
        });
        yield return ("resolve", async () => await variants.ResolveAsync(new() { Asking = Asking(), Queries = { tokens.Next(CanaryKind.PatientName) } }, Headers()));
        yield return ("cohort", async () => await cohorts.ShowAsync(new() { Asking = Asking(), Name = cohort }, Headers()));
        yield return ("no cohort", async () => await cohorts.ShowAsync(new() { Asking = Asking(), Name = tokens.Next(CanaryKind.CohortName) }, Headers()));
        var linkage = new V1.Linkage.LinkageClient(channel);
        yield return ("linkage", async () => await linkage.ResolveAsync(new() { Asking = Asking(), Samples = { samples[0], tokens.Next(CanaryKind.SampleId) }, Persons = { tokens.Next(CanaryKind.PatientName) } }, Headers()));
        yield return ("grant", async () => await access.GrantAsync(new() { Asking = Asking(), Subject = tokens.Next(CanaryKind.PatientName), Samples = { samples[1] }, Details = { V1.Detail.Record }, Purposes = { V1.Purpose.Treatment } }, Headers()));
        yield return ("break-glass", async () => await access.BreakGlassAsync(new() { Asking = Asking(), Samples = { samples[2] }, Reason = "emergency" }, Headers()));
        foreach (var call in ClinicCalls(channel, tokens)) yield return call;
        yield return ("audit", () => Read(audit.Search(new() { Asking = Asking(), Sample = samples[0] }, Headers())));
        V1.AssessmentContent Content() => new()
        {
            Variant = "1-100-A-G", Condition = "MONDO:0000001", ConditionName = tokens.Next(CanaryKind.PatientName), Tier = V1.Tier.Benign, Text = tokens.Next(CanaryKind.Mrn), DifferenceReason = "",
            Criteria = { new V1.CriterionUse { Code = "BA1", Strength = V1.Strength.StandAlone, Evidence = tokens.Next(CanaryKind.InfoValue) } },
        };
        yield return ("draft", async () =>
        {
            var made = (await assessments.DraftAsync(new() { Asking = Asking(), Content = Content() }, Headers())).Assessment;
            var submitted = (await assessments.SubmitAsync(new() { Asking = Asking(), Id = made.Id, Version = made.Version }, Headers())).Assessment;
            await assessments.ReturnAsync(new() { Asking = Asking(), Id = made.Id, Version = submitted.Version, Reason = tokens.Next(CanaryKind.PatientName) }, Headers());
        });
        yield return ("draft of nonsense", async () => await assessments.DraftAsync(new() { Asking = Asking(), Content = new(Content()) { Variant = tokens.Next(CanaryKind.CliInput) } }, Headers()));
        yield return ("sign", async () => await assessments.SignAsync(new() { Asking = Asking(), Id = 1, Version = 1, Reason = tokens.Next(CanaryKind.PatientName) }, Headers()));
        yield return ("list of assessments", () => Read(assessments.List(new() { Asking = Asking(), Variant = tokens.Next(CanaryKind.CliInput), Others = true }, Headers())));
        yield return ("export of assessments", () => Read(assessments.Export(new() { Asking = Asking(), Form = V1.AssessmentExportForm.Jsonl, All = true }, Headers())));
        yield return ("suggest", async () => await assessments.SuggestAsync(new() { Asking = Asking(), Variant = "1-100-A-G", Samples = new() { Names = { samples[0] } } }, Headers()));
        yield return ("import", async () =>
        {
            using var call = assessments.Import(Headers());
            await call.RequestStream.WriteAsync(new() { Asking = Asking(), Lines = { ByteString.CopyFromUtf8($"{{\"{tokens.Next(CanaryKind.BundleNote)}\":1}}") } });
            await call.RequestStream.CompleteAsync();
            await call;
        });
        yield return ("annotations of a name", async () => await annotations.DescribeAsync(new() { Asking = Asking(), Annotate = { tokens.Next(CanaryKind.CliInput) } }, Headers()));
        yield return ("annotations by a name", () => Read(annotations.Search(new() { Asking = Asking(), Queries = { tokens.Next(CanaryKind.PatientName) } }, Headers())));
        yield return ("release", async () =>
        {
            var text = ByteString.CopyFromUtf8($"##fileformat=VCFv4.2\n##INFO=<ID=NOTE,Number=1,Type=String,Description=\"{tokens.Next(CanaryKind.BundleNote)}\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n1\t{tokens.Next(CanaryKind.CliInput)}\t.\tA\tG\t.\t.\tNOTE={tokens.Next(CanaryKind.InfoValue)}\n");
            using var call = new V1.Ingest.IngestClient(channel).UploadRelease(Headers());
            var file = new V1.BatchFile { Length = text.Length, Sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(text.Span)) };
            await call.RequestStream.WriteAsync(new() { Batch = new() { Asking = Asking(), Id = tokens.Next(CanaryKind.OrderId), Files = { file }, Release = new() { Source = "notes", Date = "2024-01-07" } } });
            await call.RequestStream.WriteAsync(new() { Bytes = new() { Data = text } });
            await call.RequestStream.WriteAsync(new() { Commit = true });
            await call.RequestStream.CompleteAsync();
            while (await call.ResponseStream.MoveNext(default)) { }
        });
        foreach (var call in NoCalls(channel, tokens)) yield return call;
        yield return ("no message", async () => await variants.SeenAsync(V1.SeenRequest.Parser.ParseFrom(new V1.SeenRequest { Asking = Asking() }.ToByteArray()), Headers()));
    }

    /// <summary>What comes to no method.</summary>
    private static IEnumerable<(string Name, Func<Task> Act)> NoCalls(RpcChannel channel, CanaryTokens tokens)
    {
        Metadata Headers() => new() { { "x-note", tokens.Next(CanaryKind.Metadata) } };
        var unknown = new Method<V1.SeenRequest, V1.SeenReply>(MethodType.Unary, "warehouse.v1.Variants", tokens.Next(CanaryKind.SampleId), Marshallers.Create(r => r.ToByteArray(), V1.SeenRequest.Parser.ParseFrom), Marshallers.Create(r => r.ToByteArray(), V1.SeenReply.Parser.ParseFrom));
        yield return ("no method", async () => await channel.CreateCallInvoker().AsyncUnaryCall(unknown, null, new CallOptions(Headers()), new V1.SeenRequest()));
        yield return ("too much", async () => await new V1.Variants.VariantsClient(channel).SeenAsync(new()
        {
            Asking = new() { Purpose = V1.Purpose.Treatment }, Queries = { Enumerable.Repeat(tokens.Next(CanaryKind.CliInput), 200_000) },
        }, Headers()));
    }

    private static IEnumerable<(string Name, Func<Task> Act)> ClinicCalls(RpcChannel channel, CanaryTokens tokens)
    {
        V1.Asking Asking() => new() { Purpose = V1.Purpose.Treatment };
        Metadata Headers() => new() { { "x-note", tokens.Next(CanaryKind.Metadata) } };
        var (alerts, watches, care, clinVar) = (new V1.Alerts.AlertsClient(channel), new V1.Watches.WatchesClient(channel), new V1.Care.CareClient(channel), new V1.ClinVar.ClinVarClient(channel));
        yield return ("care", async () =>
        {
            using var call = care.Import(Headers());
            await call.RequestStream.WriteAsync(new() { Asking = Asking(), Rows = { new V1.CareRow { Person = tokens.Next(CanaryKind.PatientName), Responsible = "local:somebody" }, new V1.CareRow { Person = tokens.Next(CanaryKind.Mrn), Responsible = "local:somebody", Deputies = { "local:another" } } }, Commit = true });
            await call.RequestStream.CompleteAsync();
            await call;
        });
        yield return ("care that is not understood", async () =>
        {
            using var call = care.Import(Headers());
            await call.RequestStream.WriteAsync(new() { Asking = Asking(), Rows = { new V1.CareRow { Person = tokens.Next(CanaryKind.PatientName), Responsible = tokens.Next(CanaryKind.PatientName) } }, Commit = true });
            await call.RequestStream.CompleteAsync();
            await call;
        });
        yield return ("care, all", () => Read(care.List(new() { Asking = Asking() }, Headers())));
        yield return ("watch", async () => await watches.SetAsync(new() { Asking = Asking(), Watch = new() { Name = tokens.Next(CanaryKind.OrderId), Scope = V1.WatchScope.Person, Items = { tokens.Next(CanaryKind.PatientName) } } }, Headers()));
        yield return ("watch over no cohort", async () => await watches.SetAsync(new() { Asking = Asking(), Watch = new() { Name = "w", Scope = V1.WatchScope.Cohort, Items = { tokens.Next(CanaryKind.CohortName) } } }, Headers()));
        yield return ("watch that is not there", async () => await watches.RemoveAsync(new() { Asking = Asking(), Name = tokens.Next(CanaryKind.OrderId) }, Headers()));
        yield return ("acknowledge", async () => await alerts.AcknowledgeAsync(new() { Asking = Asking(), Ids = { tokens.Next(CanaryKind.CliInput) }, Reason = tokens.Next(CanaryKind.BundleNote) }, Headers()));
        yield return ("inbox", async () => await alerts.InboxAsync(new() { Asking = Asking(), Closed = true }, Headers()));
        yield return ("alerts, a run", async () => await alerts.RunAsync(new() { Asking = Asking() }, Headers()));
        yield return ("history", async () => await clinVar.HistoryAsync(new() { Asking = Asking(), Allele = tokens.Next(CanaryKind.CliInput) }, Headers()));
        yield return ("grades", async () => await clinVar.SetGradesAsync(new() { Asking = Asking(), Text = tokens.Next(CanaryKind.CliInput) }, Headers()));
    }

    private static async Task Read<T>(AsyncServerStreamingCall<T> call)
    {
        using (call)
            while (await call.ResponseStream.MoveNext(default))
            {
            }
    }

    /// <summary>A call may be refused; what it is told then is a sink.</summary>
    private static async Task Told(List<Metadata> trailers, Func<Task> call)
    {
        try
        {
            await call();
        }
        catch (RpcException refused)
        {
            trailers.Add([.. refused.Trailers, new Metadata.Entry("text", refused.Status.Detail)]);
        }
        catch (OperationCanceledException)
        {
            // Given up by this side.
        }
    }

    /// <summary>The certificate of somebody new, who may see everything if he has a role.</summary>
    private static string Issue(CanaryLab lab, WarehouseServer server, string name, params Role[] roles)
    {
        var (pem, issued) = server.Identity.Issue(name, 1, roles: roles, hasSecondFactor: true);
        if (roles.Length > 0) lab.GrantAll(issued.Id);
        server.Store.LookNow();
        return pem;
    }

    private static RpcChannel Connect(WarehouseServer server, string pem) => new(new Uri($"https://localhost:{server.Port}"), new() { ClientCertificate = ServedStore.Shown(pem), IsServerCertificateTaken = (_, _, _) => true });

    private static void Damage(string path)
    {
        var bytes = File.ReadAllBytes(path);
        if (bytes.Length == 0) return;
        bytes[bytes.Length / 2] ^= 0x55;
        File.WriteAllBytes(path, bytes);
    }
}

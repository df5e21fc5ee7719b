using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Engine.Audit;
using Warehouse.Protocol.Flight;
using Warehouse.Server.Calls;
using Xunit;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Services;

/// <summary>
/// C4, C9, C36, over every method of the server and every verb of a store: who saw patient X, and what did user Y see, as an auditor finds it, is what the bytes of the answers say
/// that everybody saw. Of whom an answer speaks is read from the answer, and whom it counts among few from the sheet: nothing of the server is asked for it.
/// </summary>
public sealed class WhoSawTests
{
    /// <summary>Of a store that lies here: not in the log, or of no store.</summary>
    private static readonly string[] NotAudited = ["alerts follow", "audit prove", "audit verify", "doctor", "init", "login", "logout", "serve", "simulate"];

    [Fact]
    public async Task Who_saw_whom_is_answered_from_the_log_for_every_method_and_every_verb()
    {
        await using var lab = await WhoSawLab.StartAsync();
        var wrong = new List<string>();
        await AskEverythingAsync(lab, wrong);
        await CompareAsync(lab, wrong);
        new WhoSawVerbs(lab).Run(NotAudited, wrong);
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static async Task AskEverythingAsync(WhoSawLab lab, List<string> wrong)
    {
        var methods = MethodTableTests.Services().SelectMany(s => s.Methods).DistinctBy(MethodCall.PathOf).ToDictionary(MethodCall.PathOf, StringComparer.Ordinal);
        var answered = new HashSet<string>(StringComparer.Ordinal);
        foreach (var call in new WhoSawCalls(lab).All())
        {
            var rule = MethodTable.Of(call.Method)!;
            foreach (var asker in lab.Askers)
            {
                if (rule.Roles is { } roles && !roles.Intersect(asker.Roles).Any()) continue;
                if (call.Requests(asker) is not { } requests) continue;
                var (code, bytes, why) = await SayAsync(lab, asker, methods[call.Method], requests, call.Cut?.Invoke(asker));
                var isAnswered = code == StatusCode.OK || (call.Cut is not null && bytes.Length > 0);
                var told = new HashSet<string>(StringComparer.Ordinal);
                if (isAnswered)
                {
                    answered.Add(call.Method);
                    // Of samples that he does not see a reader is told no more than what he asked.
                    if (!call.IsEcho) told.UnionWith(rule.Reach is Reach.Samples or Reach.Records ? lab.NamedIn(bytes).Intersect(asker.Sees) : lab.NamedIn(bytes));
                    if (!asker.IsOfFigures) told.UnionWith(call.Packed(asker).Concat(WhoSawLab.Few(call.Counts(asker))));
                    if (call.IsAbout) told.UnionWith(requests.SelectMany(r => lab.NamedIn(r.ToByteArray())));
                }
                asker.Calls.Add((call.Method, $"{asker.Name}: {call.Method} {call.Name} ({code} {why})", code, told));
            }
        }
        // A method is here because it is in the server: each was answered to somebody, and so looked at.
        Assert.Equal(MethodTable.Methods.Except(AuditTableTests.WithoutEntry).Order(StringComparer.Ordinal), answered.Order(StringComparer.Ordinal));
        // And the test is not one of nothing: of every kind of answer some speak of somebody, and some of nobody.
        foreach (var group in lab.Askers.SelectMany(a => a.Calls).GroupBy(c => MethodTable.Of(c.Method)!.Reach).Where(g => g.Key is Reach.Samples or Reach.Records))
            if (!group.Any(c => c.Told.Count > 0) || !group.Any(c => c.Told.Count == 0)) wrong.Add($"{group.Key} tells of everybody or of nobody");
        await lab.Served.RunningAsync(running => running == 0);
    }

    private static async Task<(StatusCode Code, byte[] Bytes, string Why)> SayAsync(WhoSawLab lab, Asker asker, MethodDescriptor method, IMessage[] requests, int? most)
    {
        using var stop = new CancellationTokenSource();
        using var bytes = new MemoryStream();
        var call = new MethodCall(method, [.. requests.Select(r => r.ToByteArray())])
        {
            MostReplies = most ?? int.MaxValue, Stop = stop,
            Hear = reply =>
            {
                bytes.Write(reply is V1.Chunk { End: null } chunk ? chunk.Data.Span : reply.ToByteArray());
                Remember(lab, asker, reply);
            },
        };
        try
        {
            await call.RunAsync(asker.Channel, new CallOptions(deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: stop.Token));
            return (StatusCode.OK, bytes.ToArray(), "");
        }
        catch (RpcException refused)
        {
            return (refused.StatusCode, bytes.ToArray(), Refusals.RuleOf(refused) ?? "");
        }
    }

    /// <summary>What later questions are about.</summary>
    private static void Remember(WhoSawLab lab, Asker asker, IMessage reply)
    {
        switch (reply)
        {
            case FlightInfo { Endpoint: [{ } end] }: asker.Ticket = end.Ticket; break;
            case V1.InboxReply inbox: asker.Alerts.AddRange(inbox.Alerts); break;
            case V1.AssessmentReply { Assessment: { } made }: lab.Assessment = made; break;
            case V1.AccessChange { Entry: { } entry }: lab.Entry = entry.Id; break;
            case V1.GradesReply grades: lab.Grades = grades.Text; break;
        }
    }

    /// <summary>Asks the auditor, of every caller and of every sample, and holds it against what was told.</summary>
    private static async Task CompareAsync(WhoSawLab lab, List<string> wrong)
    {
        var (channel, _) = lab.Served.Client("examiner", Role.Auditor);
        var audit = new V1.Audit.AuditClient(channel);
        var found = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var sample in lab.Names)
            foreach (var entry in await SearchAsync(audit, new V1.AuditSearchRequest { Asking = new() { Purpose = V1.Purpose.Operations }, Sample = sample }))
                (found.TryGetValue(entry.Call, out var of) ? of : found[entry.Call] = new(StringComparer.Ordinal)).Add(sample);
        foreach (var asker in lab.Askers)
        {
            var entries = await SearchAsync(audit, new V1.AuditSearchRequest { Asking = new() { Purpose = V1.Purpose.Operations }, Who = asker.Id });
            var calls = entries.Where(e => e.Kind is not (AuditKind.Refused or AuditKind.Review)).DistinctBy(e => e.Call).ToList();
            Assert.Equal(asker.Calls.Select(c => c.Method[1..]), calls.Select(c => c.Verb));
            foreach (var (call, entry) in asker.Calls.Zip(calls)) Hold(call.Question, call.Told, found.GetValueOrDefault(entry.Call) ?? [], wrong);
        }
    }

    internal static void Hold(string question, HashSet<string> told, HashSet<string> found, List<string> wrong)
    {
        if (told.Except(found).Order(StringComparer.Ordinal).ToList() is { Count: > 0 } missed) wrong.Add($"{question}: speaks of {string.Join(' ', missed)}, and no auditor finds it");
        if (found.Except(told).Order(StringComparer.Ordinal).ToList() is { Count: > 0 } more) wrong.Add($"{question}: is found of {string.Join(' ', more)}, of whom it does not speak");
    }

    private static async Task<List<AuditEntry>> SearchAsync(V1.Audit.AuditClient audit, V1.AuditSearchRequest request)
    {
        using var call = audit.Search(request);
        var entries = new List<AuditEntry>();
        await foreach (var line in call.ResponseStream.ReadAllAsync())
        {
            Assert.True(AuditEntry.TryParse(Encoding.ASCII.GetBytes(line.Line), out var entry));
            entries.Add(entry);
        }
        return entries;
    }
}

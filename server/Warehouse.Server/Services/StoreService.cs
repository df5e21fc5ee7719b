using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Manifests;
using Warehouse.Protocol.V1;
using Warehouse.Server.Calls;

namespace Warehouse.Server.Services;

/// <summary>Reads all of the store and names what is wrong with it.</summary>
internal delegate IEnumerable<Engine.Manifests.VerifyFinding> StoreCheck(IProgress<WorkProgress> progress, CancellationToken stop);

/// <summary>The store as a whole. Any thread.</summary>
internal sealed class StoreService(CallGate gate, StoreCheck verify) : Store.StoreBase
{
    /// <summary>Progress is told at most so often.</summary>
    private static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(1);

    public override Task<InfoReply> Info(InfoRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var reply = new InfoReply();
        var info = gate.Host.Apart(store => store.Info());
        reply.Damage.AddRange(info.Damage);
        foreach (var (name, value) in info.Facts) reply.Facts.Add(new Fact { Name = name, Value = value });
        return Task.FromResult((reply, (long?)reply.Facts.Count));
    });

    public override Task<SnapshotsReply> Snapshots(SnapshotsRequest request, ServerCallContext context) => gate.AnswerAsync(context, request.Asking ?? new(), request, call =>
    {
        var reply = new SnapshotsReply();
        // Who runs the machine is told how much is there; others how much they see (I4).
        var asks = gate.Host.RolesOf(call.Who.Caller).Overlaps(MethodTable.Operators) ? null : call.AskAtLevel(request.Asking ?? new());
#if PLANTED_HIDDEN_TOTAL_SHOWN
        asks = null;
#endif
        foreach (var (version, created, samples) in gate.Host.Apart(store => store.Snapshots(asks))) reply.Snapshots.Add(new Snapshot { Version = version, Committed = Timestamp.FromDateTimeOffset(created), Samples = samples });
        if (asks is not null) reply.Context = call.Context();
        return Task.FromResult((reply, (long?)reply.Snapshots.Count));
    });

    public override Task Verify(VerifyRequest request, IServerStreamWriter<VerifyReply> responseStream, ServerCallContext context) =>
        gate.StreamAsync<VerifyReply>(context, request.Asking ?? new(), request, responseStream.WriteAsync, (call, send) =>
        {
            var (rows, last, told) = (0L, default(WorkProgress), gate.Clock.GetTimestamp());
            var progress = new Said(p =>
            {
                last = p;
                if (gate.Clock.GetElapsedTime(told) < TellEvery) return;
                told = gate.Clock.GetTimestamp();
                send(new VerifyReply { BytesRead = p.Done, BytesTotal = p.Total });
            });
            foreach (var finding in verify(progress, call.Stop))
            {
                rows += finding.Kind == FindingKind.Surplus ? 0 : 1;
                send(new VerifyReply { Finding = new Protocol.V1.VerifyFinding { Kind = finding.Kind.ToString().ToLowerInvariant(), File = finding.File, Problem = finding.Problem }, BytesRead = last.Done, BytesTotal = last.Total });
            }
            if (rows == 0) gate.Report.FoundWhole();
            send(new VerifyReply { BytesRead = last.Done, BytesTotal = last.Total, IsDone = true });
            return rows;
        });

    private sealed class Said(Action<WorkProgress> tell) : IProgress<WorkProgress>
    {
        public void Report(WorkProgress value) => tell(value);
    }
}

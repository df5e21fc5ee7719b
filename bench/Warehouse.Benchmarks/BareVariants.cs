using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Rpc.Server;
using Warehouse.Server.Calls;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Benchmarks;

/// <summary>
/// Three of the server's questions over the same store, runtime, TLS and conversions, asked as the store's owner and noted nowhere: what is left of
/// a call when access and audit are taken away. With appends each call of Seen waits until a plain entry is durable, and notes nothing else. No part of
/// the product, which has no such switch.
/// </summary>
internal sealed class BareVariants(VariantStore store, PlainAppends? appends) : V1.Variants.VariantsBase
{
    private readonly ConcurrentBag<Session> _small = [], _listings = [];
    private readonly Lock _gate = new();

    public static async Task<RpcServer> StartAsync(string path, X509Certificate2 certificate, PlainAppends? appends) => await RpcServer.StartAsync(
        new RpcServices().Add(V1.Variants.BindService(new BareVariants(VariantStore.Open(path), appends))),
        new() { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), Certificate = certificate, IsClientCertificateTaken = (_, _, _) => true });

    public override async Task<V1.SeenReply> Seen(V1.SeenRequest request, ServerCallContext context)
    {
        var session = Borrow(_small, isListing: false);
        var reply = new V1.SeenReply();
        foreach (var answer in session.Seen(request.Queries, Wire.Of(request.Samples), context.CancellationToken)) reply.Answers.Add(Wire.Of(answer));
        reply.Context = Wire.Of(session.AnsweredFrom!, session);
        _small.Add(session);
        if (appends is not null) await appends.AppendAsync().ConfigureAwait(false);
        return reply;
    }

    public override async Task SeenStream(IAsyncStreamReader<V1.SeenStreamRequest> requestStream, IServerStreamWriter<V1.SeenStreamReply> responseStream, ServerCallContext context)
    {
        await using var requests = new Requests<V1.SeenStreamRequest>(requestStream, context);
        var message = await requests.FirstAsync(TimeProvider.System);
        await Task.Factory.StartNew(() =>
        {
            var session = Borrow(_small, isListing: false);
            var brief = session.PrepareBrief(Wire.Of(message!.Request.Samples));
            var end = new V1.SeenStreamEnd();
            var writing = Task.CompletedTask;
            for (; message is not null; message = requests.Next())
            {
                var answers = new BriefAnswer[message.Queries.Count];
                brief.Answer(message.Queries, answers, context.CancellationToken);
                var columns = new V1.BriefAnswers();
                foreach (ref readonly var answer in answers.AsSpan())
                {
                    columns.States.Add(Wire.Of(answer.State));
                    columns.Ac.Add(answer.Figures.Ac);
                    columns.An.Add(answer.Figures.An);
                    columns.Carriers.Add(answer.Figures.Carriers);
                    end.Seen++;
                }
                writing.GetAwaiter().GetResult();
                writing = responseStream.WriteAsync(new() { Brief = columns });
            }
            end.Context = Wire.Of(session.AnsweredFrom!, session);
            writing.GetAwaiter().GetResult();
            responseStream.WriteAsync(new() { End = end }).GetAwaiter().GetResult();
            _small.Add(session);
        }, TaskCreationOptions.LongRunning);
    }

    public override Task Frequencies(V1.FrequenciesRequest request, IServerStreamWriter<V1.Chunk> responseStream, ServerCallContext context) => Task.Factory.StartNew(() =>
    {
        var session = Borrow(_listings, isListing: true);
        var writing = Task.CompletedTask;
        var rows = new ArrowAnswer(new ChunkStream(Send, CallGate.ChunkBytes), ArrowAnswer.Frequencies(symbolic: false, grouped: false));
        foreach (var batch in session.FrequencyBatches(new FrequencyRequest { Samples = Wire.Of(request.Samples) }, context.CancellationToken)) rows.Write(batch, symbolic: false, grouped: false);
        rows.Complete();
        Send(new() { End = new() { Context = Wire.Of(session.AnsweredFrom!, session), Completeness = new() { IsWhole = true }, Rows = rows.Rows } });
        writing.GetAwaiter().GetResult();
        _listings.Add(session);

        // As the server does: one reply is made while the one before leaves.
        void Send(V1.Chunk chunk)
        {
            writing.GetAwaiter().GetResult();
            writing = responseStream.WriteAsync(chunk);
        }
    }, TaskCreationOptions.LongRunning);

    private Session Borrow(ConcurrentBag<Session> idle, bool isListing)
    {
        if (idle.TryTake(out var session)) return session;
        lock (_gate) return store.OpenSession(new SessionOptions { AnyOrder = !isListing, AroundDamage = true });
    }
}

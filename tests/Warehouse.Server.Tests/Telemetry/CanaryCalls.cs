using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Warehouse.Rpc.Client;
using Warehouse.Server.Tests.Services;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>Calls of any method of a server, with tokens in whatever they send. How they ended is a sink. Any thread.</summary>
internal sealed class CanaryCalls(CanaryTokens tokens, CanaryLab lab)
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(20);

    private readonly Lock _gate = new();
    private readonly HashSet<string> _done = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _refused = [];

    /// <summary>Sound requests.</summary>
    public CanaryMethods Methods { get; } = new(tokens, lab);

    /// <summary>All others.</summary>
    public CanaryRequests Requests { get; } = new(tokens);

    /// <summary>Metadata that calls ended with.</summary>
    public List<Metadata> Trailers { get; } = [];

    /// <summary>Paths of methods that were answered.</summary>
    public IReadOnlySet<string> Done
    {
        get
        {
            lock (_gate) return _done.ToHashSet(StringComparer.Ordinal);
        }
    }

    /// <summary>Messages as they are sent.</summary>
    public static byte[][] Framed(IEnumerable<IMessage> requests) => [.. requests.Select(r => r.ToByteArray())];

    /// <summary>How the first call of a method was refused that was.</summary>
    public string WhyNot(string path)
    {
        lock (_gate) return _refused.GetValueOrDefault(path, "never asked");
    }

    /// <summary>Calls a method, to its end or as far as is said. One that has no end of its own is given up behind its first reply.</summary>
    /// <param name="channel">Who calls.</param>
    /// <param name="method">What.</param>
    /// <param name="requests">Messages, or bytes that are none.</param>
    /// <param name="until">How long it may take, null = long; how many replies are read; and a credential that is none, null = no further one.</param>
    /// <returns>Whether it was answered.</returns>
    public async Task<bool> CallAsync(RpcChannel channel, MethodDescriptor method, byte[][] requests, (TimeSpan? Time, int? Replies, string? Bearer) until = default)
    {
        using var stop = new CancellationTokenSource();
        var (isEndless, isDone) = (method.Name is "Follow" or "Watch", false);
        try
        {
            var options = new CallOptions(Headers(until.Bearer), DateTime.UtcNow + (until.Time ?? Most), stop.Token);
            await new MethodCall(method, requests) { MostReplies = isEndless ? Math.Min(1, until.Replies ?? 1) : until.Replies ?? int.MaxValue, Stop = stop, Hear = Hear }.RunAsync(channel, options);
            isDone = true;
        }
        catch (RpcException refused)
        {
            lock (_gate)
            {
                Trailers.Add([.. refused.Trailers, new Metadata.Entry("text", refused.Status.Detail)]);
                _refused.TryAdd(MethodCall.PathOf(method), string.Join(' ', refused.Trailers.Where(t => !t.IsBinary).Select(t => $"{t.Key}={t.Value}").Prepend(refused.Status.ToString())));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or InvalidOperationException)
        {
            // Given up by this side, or over before all of it was sent.
        }
        if (isDone)
            lock (_gate) _done.Add(MethodCall.PathOf(method));
        return isDone;

        void Hear(IMessage reply)
        {
            isDone |= isEndless;
            lock (_gate) Methods.Heard(reply);
        }
    }

    private Metadata Headers(string? bearer)
    {
        lock (tokens)
        {
            var headers = new Metadata { { "x-note", tokens.Next(CanaryKind.Metadata) }, { "baggage", "p=" + tokens.Next(CanaryKind.Metadata) }, { "tracestate", "a=" + tokens.Next(CanaryKind.Metadata) } };
            if (bearer is not null) headers.Add("authorization", "Bearer " + bearer);
            return headers;
        }
    }
}

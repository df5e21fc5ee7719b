using System.Diagnostics;
using System.Globalization;
using System.Net;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Testing;
using Warehouse.Rpc.Client;
using Warehouse.Rpc.Server;

namespace Warehouse.Benchmarks;

/// <summary>
/// Calls over the loopback: our client against servers of ours and of other implementations, each in a process of its own. Prints a table:
/// calls a second with one and with 64 at a time, bytes a second of streams of 64 KiB messages, and what the server's process spent on them.
/// </summary>
internal static class RpcCalls
{
    private const int InFlight = 64, MessageBytes = 64 << 10, MessagesPerStream = 2000, Rounds = 5, TicksPerSecond = 100;
    private static readonly TimeSpan RoundTime = TimeSpan.FromSeconds(1);

    /// <summary>With "server": serves until standard input ends. Otherwise measures; the argument is the folder of the foreign programs.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (arguments is ["server"])
        {
            var limits = new RpcCallLimits { StreamIdle = null };
            await using var server = await RpcServer.StartAsync(new RpcServices().Add(TestService.BindService(new Service())), new() { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), CallLimits = limits });
            Console.WriteLine($"listening {server.Port}");
            await Console.In.ReadToEndAsync();
            return 0;
        }
        var descriptors = Path.GetTempFileName();
        await File.WriteAllBytesAsync(descriptors, new FileDescriptorSet { File = { FileDescriptorProto.Parser.ParseFrom(TestingReflection.Descriptor.SerializedData) } }.ToByteArray());
        var proto = Path.Combine(arguments[0], "..", "..", "Warehouse.Tests", "Rpc", "testing.proto");
        Console.WriteLine("| server | calls/s, one at a time | calls/s, 64 at a time | server CPU per call | MB/s of replies | server CPU per GB | MB/s of requests | server CPU per GB |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        await MeasureAsync("ours", Environment.ProcessPath!, "rpc", "server");
        await MeasureAsync("grpc-go", Path.Combine(arguments[0], "..", "..", "..", "artifacts", "interop", "grpc-go"), "server");
        await MeasureAsync("grpcio", "/usr/bin/python3", Path.Combine(arguments[0], "grpcio.py"), "server", descriptors);
        await MeasureAsync("grpc-js", "node", Path.Combine(arguments[0], "grpc-js.mjs"), "server", proto);
        File.Delete(descriptors);
        return 0;
    }

    private static async Task MeasureAsync(string name, string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        try
        {
            var port = (await process.StandardOutput.ReadLineAsync())!.Split(' ')[1];
            using var channel = new RpcChannel(new Uri($"http://127.0.0.1:{port}"), new() { ReplyEncodings = [] });
            var client = new TestService.TestServiceClient(channel);
            var one = await MedianAsync(process, () => CallsAsync(client, 1));
            var many = await MedianAsync(process, () => CallsAsync(client, InFlight));
            var replies = await MedianAsync(process, () => RepliesAsync(client));
            var requests = await MedianAsync(process, () => RequestsAsync(client));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {name} | {one.Rate:N0} | {many.Rate:N0} | {many.CpuPerUnit * 1e6:N0} µs | {replies.Rate / 1e6:N0} | {replies.CpuPerUnit * 1e9:N2} s | {requests.Rate / 1e6:N0} | {requests.CpuPerUnit * 1e9:N2} s |"));
        }
        finally
        {
            process.StandardInput.Close();
            await process.WaitForExitAsync();
        }
    }

    /// <summary>The median round by rate, after one that warms up; a round returns how many units it did.</summary>
    private static async Task<(double Rate, double CpuPerUnit)> MedianAsync(Process server, Func<Task<long>> round)
    {
        await round();
        var rounds = new List<(double Rate, double CpuPerUnit)>();
        for (var i = 0; i < Rounds; i++)
        {
            var (cpu, start) = (CpuSeconds(server.Id), Stopwatch.GetTimestamp());
            var units = await round();
            rounds.Add((units / Stopwatch.GetElapsedTime(start).TotalSeconds, (CpuSeconds(server.Id) - cpu) / units));
        }
        return rounds.OrderBy(r => r.Rate).ElementAt(Rounds / 2);
    }

    private static async Task<long> CallsAsync(TestService.TestServiceClient client, int inFlight)
    {
        var (start, count) = (Stopwatch.GetTimestamp(), 0L);
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(start) < RoundTime)
            {
                await client.EmptyCallAsync(new());
                Interlocked.Increment(ref count);
            }
        }));
        return count;
    }

    private static async Task<long> RepliesAsync(TestService.TestServiceClient client)
    {
        var request = new StreamingOutputCallRequest();
        for (var i = 0; i < MessagesPerStream; i++) request.ResponseParameters.Add(new ResponseParameters { Size = MessageBytes });
        using var call = client.StreamingOutputCall(request);
        var bytes = 0L;
        await foreach (var reply in call.ResponseStream.ReadAllAsync()) bytes += reply.Payload.Body.Length;
        return bytes;
    }

    private static async Task<long> RequestsAsync(TestService.TestServiceClient client)
    {
        using var call = client.StreamingInputCall();
        var request = new StreamingInputCallRequest { Payload = Zeros(MessageBytes) };
        for (var i = 0; i < MessagesPerStream; i++) await call.RequestStream.WriteAsync(request);
        await call.RequestStream.CompleteAsync();
        return (await call).AggregatedPayloadSize;
    }

    private static double CpuSeconds(int process)
    {
        var fields = File.ReadAllText($"/proc/{process}/stat").Split(") ")[1].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    private static Payload Zeros(int size) => new() { Body = ByteString.CopyFrom(new byte[size]) };

    private sealed class Service : TestService.TestServiceBase
    {
        public override Task<Empty> EmptyCall(Empty request, ServerCallContext context) => Task.FromResult(new Empty());

        public override async Task StreamingOutputCall(StreamingOutputCallRequest request, IServerStreamWriter<StreamingOutputCallResponse> responseStream, ServerCallContext context)
        {
            foreach (var parameters in request.ResponseParameters) await responseStream.WriteAsync(new() { Payload = Zeros(parameters.Size) });
        }

        public override async Task<StreamingInputCallResponse> StreamingInputCall(IAsyncStreamReader<StreamingInputCallRequest> requestStream, ServerCallContext context)
        {
            var sum = 0;
            await foreach (var request in requestStream.ReadAllAsync()) sum += request.Payload.Body.Length;
            return new() { AggregatedPayloadSize = sum };
        }
    }
}

using System.Net;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Health.V1;
using Warehouse.Rpc.Client;
using Warehouse.Rpc.Server;
using Warehouse.Rpc.Services;

namespace Warehouse.Tests.Rpc;

/// <summary>Our server with the test service, health and reflection, on a free port of the loopback.</summary>
public sealed class RpcHost : IAsyncDisposable
{
    private readonly Changes _calls = new();

    private RpcHost(RpcServer server, TestService service, HealthService health)
    {
        (Server, Service, Health) = (server, service, health);
        server.RunningChanged += _calls.Tell;
    }

    public RpcServer Server { get; }

    public HealthService Health { get; }

    public int Port => Server.Port;

    internal TestService Service { get; }

    /// <summary>Starts one; the options start from those that take compressed requests.</summary>
    public static async Task<RpcHost> StartAsync(Func<RpcServerOptions, RpcServerOptions>? change = null)
    {
        var (service, health) = (new TestService(), new HealthService());
        health.Set("", HealthCheckResponse.Types.ServingStatus.Serving);
        var services = new RpcServices()
            .Add(Grpc.Testing.TestService.BindService(service), Grpc.Testing.TestService.Descriptor)
            .Add(Grpc.Health.V1.Health.BindService(health), Grpc.Health.V1.Health.Descriptor)
            .AddReflection();
        var options = new RpcServerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0), RequestEncodings = ["gzip", "deflate"], ReplyEncoding = "gzip", StopGrace = TimeSpan.Zero };
        return new(await RpcServer.StartAsync(services, change?.Invoke(options) ?? options), service, health);
    }

    /// <summary>A client of it.</summary>
    public RpcChannel Open(RpcChannelOptions? options = null) => new(new Uri($"http://127.0.0.1:{Port}"), options);

    /// <summary>Waits until as many calls run as stated.</summary>
    public Task RunningAsync(int calls) => _calls.UntilAsync(() => Server.RunningCalls == calls);

    /// <summary>A healthy client is answered.</summary>
    public async Task AssertAnswersAsync()
    {
        using var channel = Open();
        await new Grpc.Testing.TestService.TestServiceClient(channel).EmptyCallAsync(new());
    }

    /// <summary>The files of all services, for foreign programs.</summary>
    public static void WriteDescriptors(string path)
    {
        var set = new FileDescriptorSet();
        foreach (var file in new[] { Grpc.Testing.TestingReflection.Descriptor, HealthReflection.Descriptor, Grpc.Reflection.V1.ReflectionReflection.Descriptor, Grpc.Reflection.V1Alpha.ReflectionReflection.Descriptor })
            set.File.Add(FileDescriptorProto.Parser.ParseFrom(file.SerializedData));
        File.WriteAllBytes(path, set.ToByteArray());
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}

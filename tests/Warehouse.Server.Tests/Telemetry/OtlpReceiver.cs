using System.Net;
using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>A span as a collector receives it.</summary>
/// <param name="Trace">Its trace, hexadecimal.</param>
/// <param name="Id">Its id.</param>
/// <param name="Parent">The span that it is a part of; empty for none.</param>
/// <param name="Name">Its name.</param>
/// <param name="Attributes">Its attributes, numbers as text.</param>
internal sealed record ReceivedSpan(string Trace, string Id, string Parent, string Name, IReadOnlyDictionary<string, string> Attributes);

/// <summary>A collector (OTLP over HTTP) on a loopback port: keeps what it is sent. Meters and sources are known to the whole process by name, so it hears other servers of the process too.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly Lock _gate = new();
    private readonly List<(string Path, byte[] Body)> _received = [];

    private OtlpReceiver()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        _application = builder.Build();
        _application.Run(async http =>
        {
            var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            lock (_gate) _received.Add((http.Request.Path, body.ToArray()));
        });
    }

    public string Address => _application.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.First();

    /// <summary>What came: path and message.</summary>
    public IReadOnlyList<(string Path, byte[] Body)> Received
    {
        get
        {
            lock (_gate) return [.. _received];
        }
    }

    /// <summary>All spans that came, in the order of their ends.</summary>
    public IReadOnlyList<ReceivedSpan> Spans => [.. SpansOf(Received)];

    /// <summary>The spans of some requests.</summary>
    public static IEnumerable<ReceivedSpan> SpansOf(IEnumerable<(string Path, byte[] Body)> received) =>
        received.Where(r => r.Path == "/v1/traces").SelectMany(r => Fields(r.Body, 1)).SelectMany(resource => Fields(resource, 2)).SelectMany(scope => Fields(scope, 2)).Select(Read);

    public static async Task<OtlpReceiver> StartAsync()
    {
        var receiver = new OtlpReceiver();
        await receiver._application.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    /// <summary>trace_id 1, span_id 2, parent_span_id 4, name 5, attributes 9 { key 1, value 2 { string_value 1, int_value 3 } }.</summary>
    private static ReceivedSpan Read(byte[] span) => new(Hex(span, 1), Hex(span, 2), Hex(span, 4), Text(span, 5), Fields(span, 9).ToDictionary(a => Text(a, 1), a => Value(Fields(a, 2).First())));

    private static string Value(byte[] value)
    {
        var input = new CodedInputStream(value);
        return WireFormat.GetTagFieldNumber(input.ReadTag()) == 1 ? input.ReadString() : input.ReadInt64().ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    private static string Hex(byte[] message, int field) => Convert.ToHexStringLower(Fields(message, field).FirstOrDefault() ?? []);

    private static string Text(byte[] message, int field) => Encoding.UTF8.GetString(Fields(message, field).FirstOrDefault() ?? []);

    private static List<byte[]> Fields(byte[] message, int field)
    {
        var (found, input) = (new List<byte[]>(), new CodedInputStream(message));
        while (input.ReadTag() is > 0 and var tag)
        {
            if (WireFormat.GetTagFieldNumber(tag) == field && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited) found.Add(input.ReadBytes().ToByteArray());
            else input.SkipLastField();
        }
        return found;
    }
}

/// <summary>Tests that listen to what the whole process says of itself: nothing runs beside them.</summary>
[Xunit.CollectionDefinition("Meters", DisableParallelization = true)]
public sealed class MetersCollection;

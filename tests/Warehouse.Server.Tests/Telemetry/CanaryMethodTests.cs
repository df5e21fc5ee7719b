using System.Net;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Warehouse.Engine.Access;
using Warehouse.Rpc.Client;
using Warehouse.Server.Calls;
using Warehouse.Server.Host;
using Warehouse.Server.Telemetry;
using Warehouse.Server.Tests.Services;
using Warehouse.Units;
using Xunit;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// C20, F78 over the wire: each method that the server has, with tokens in each field of its requests, by somebody who may and by somebody who may not, answered, refused,
/// malformed, cancelled, out of time, with a failure in whatever layer reads the clock, and over a damaged store. Then none of the sinks has one of them. Methods and fields
/// come from the descriptors, so a new one is driven without a word here.
/// </summary>
public sealed class CanaryMethodTests
{
    private const int MostReadings = 25;

    [Fact]
    public async Task No_field_of_no_method_is_left_behind_however_the_call_ends()
    {
        var tokens = new CanaryTokens(20261201);
        using var folder = new TempFolder();
        await using var house = await House.StartAsync(folder, tokens);
        var methods = MethodTableTests.Services().SelectMany(s => s.Methods).ToList();
        foreach (var method in methods) await house.AnswerAsync(method);
        foreach (var method in methods) await house.RefuseAsync(method);
        foreach (var method in methods) await house.FailAsync(method);
        foreach (var method in methods) await house.CutAsync(method);
        house.Damage();
        foreach (var method in methods) await house.AnswerAsync(method, isWhole: false);
        var undone = methods.Select(m => MethodCall.PathOf(m)).Except(house.Done).Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.True(undone.Count < methods.Count / 3, $"{undone.Count} of {methods.Count} methods were never answered: {string.Join(' ', undone)}");
        Assert.True(house.Run.Driven > 2_000, $"{house.Run.Driven} calls");
        foreach (var layer in (string[])["Warehouse.Server.Calls.", "Warehouse.Server.Identity.", "Warehouse.Server.Services.", "Warehouse.Engine.Audit.", "Warehouse.Engine.VariantStore", "Warehouse.Clinic."])
            Assert.True(house.Clock.Failed.Any(t => t.StartsWith(layer, StringComparison.Ordinal)), $"nothing failed in {layer}: {string.Join(' ', house.Clock.Failed)}");
        Directory.Delete(folder["lab/store.server/uploads"], true); // what is received lies there as it came until it is loaded or forgotten, which RELIABILITY.md says
        house.AssertNoLeak();
    }

    /// <summary>The server, who calls it, and the sinks around it.</summary>
    private sealed class House : IAsyncDisposable
    {
        private readonly MemoryStream _log = new();
        private readonly List<Metadata> _trailers = [];
        private readonly ServerEventCatcher _events = new();
        private readonly Dictionary<Role, RpcChannel> _of = [];
        private readonly CanaryTokens _tokens;
        private readonly CanaryLab _lab;
        private readonly CanaryRequests _requests;
        private readonly CanaryMethods _methods;
        private readonly LineLog _lines;
        private OtlpReceiver? _receiver;
        private WarehouseServer? _server;
        private RpcChannel? _nobody, _stranger;

        private House(TempFolder folder, CanaryTokens tokens)
        {
            (_tokens, _lab, _requests) = (tokens, new CanaryLab(folder, tokens), new CanaryRequests(tokens));
            _methods = new CanaryMethods(tokens, _lab);
            _lines = new LineLog(_log, LogLevel.Trace, new Scrubber(), TimeProvider.System);
            Run = new CanaryRun(tokens, CanarySink.Of("log", _log), CanarySink.Of("figures and traces sent", () => _receiver!.Received), CanarySink.Of("figures", () => Page("metrics")), CanarySink.Of("readiness", () => Page("readyz")),
                CanarySink.OfTrailers("ends of calls", _trailers), CanarySink.OfFiles("audit log", folder["lab/store.audit"]), CanarySink.OfFiles("store", folder["lab/store"]), CanarySink.OfFiles("keys", folder["lab/store.keys"]),
                CanarySink.OfFiles("server", folder["lab/store.server"]), CanarySink.OfFiles("vault", folder["lab/store.linkage"]), CanarySink.OfFileNames("names of files", folder["lab"]), CanarySink.OfTemp(), CanarySink.OfEvents(_events));
            Run.Allow("audit log", CanaryKind.Remark, "who signs a review off says so in his own words, and the log keeps them: the protocol says that they are of nobody");
        }

        public CanaryRun Run { get; }

        public CanaryClock Clock { get; } = new();

        /// <summary>Paths of methods that were answered.</summary>
        public HashSet<string> Done { get; } = new(StringComparer.Ordinal);


        public static async Task<House> StartAsync(TempFolder folder, CanaryTokens tokens)
        {
            var house = new House(folder, tokens) { _receiver = await OtlpReceiver.StartAsync() };
            house._server = await WarehouseServer.StartAsync(new ServeOptions
            {
                StorePath = house._lab.Store, EndPoint = new(IPAddress.Loopback, 0), OperatorEndPoint = new(IPAddress.Loopback, 0), Clock = house.Clock,
                Configuration = new() { Collector = new() { Address = house._receiver.Address, TracedPart = 1 } },
            }, house._lines);
            foreach (var (role, roles) in (IEnumerable<(Role, Role[])>)[(Role.LabDirector, [Role.LabDirector, Role.Analyst, Role.Reviewer, Role.Clinician]), (Role.DataSteward, [Role.DataSteward]), (Role.Auditor, [Role.Auditor]), (Role.Operator, [Role.Operator])])
            {
                house._of[role] = house.Connect(role.ToString(), roles, out var id);
                if (role == Role.LabDirector) house._lab.GrantAll(id);
            }
            house._nobody = house.Connect("nobody", [], out _);
            house._stranger = new RpcChannel(new Uri($"https://localhost:{house._server.Port}"), new() { IsServerCertificateTaken = (_, _, _) => true });
            house._server.Store.LookNow();
            return house;
        }

        /// <summary>Sound requests, and where all is wanted each with a token in another field, then all fields at once, then bytes that are no message.</summary>
        public async Task AnswerAsync(MethodDescriptor method, bool isWhole = true)
        {
            var channel = Of(method);
            for (var i = 0; i < _methods.SoundOf(MethodCall.PathOf(method)).Length; i++)
            {
                // Made anew for each call: many are of use once.
                await DriveAsync(channel, method, Framed(_methods.SoundOf(MethodCall.PathOf(method))[i]));
                if (!isWhole) continue;
                foreach (var requests in _requests.OneByOne(_methods.SoundOf(MethodCall.PathOf(method))[i])) await DriveAsync(channel, method, Framed(requests));
            }
            foreach (var filled in _requests.Filled(method.InputType)) await DriveAsync(channel, method, [filled.ToByteArray()]);
            await DriveAsync(channel, method, [System.Text.Encoding.UTF8.GetBytes(_tokens.Next(CanaryKind.PatientName))]);
        }

        /// <summary>By somebody who has no role, and by somebody with a credential that is none.</summary>
        public async Task RefuseAsync(MethodDescriptor method)
        {
            foreach (var channel in (RpcChannel[])[_nobody!, _stranger!])
            {
                foreach (var sound in _methods.SoundOf(MethodCall.PathOf(method))) await DriveAsync(channel, method, Framed(sound));
                foreach (var filled in _requests.Filled(method.InputType)) await DriveAsync(channel, method, [filled.ToByteArray()]);
            }
        }

        /// <summary>With a failure at the first reading of the clock, at the second, and so on, until the call needs no further one.</summary>
        public async Task FailAsync(MethodDescriptor method)
        {
            if (_methods.SoundOf(MethodCall.PathOf(method)).Length == 0) return;
            for (var reading = 0; reading < MostReadings; reading++)
            {
                var at = reading;
                var requests = Framed(_methods.SoundOf(MethodCall.PathOf(method))[0]);
                Clock.FailAfter(reading, () => Thrown(at));
                await DriveAsync(Of(method), method, requests);
                if (!Clock.HasFailed()) break;
            }
        }

        /// <summary>Out of time at once and a little later; given up by the client before a reply, and after one.</summary>
        public async Task CutAsync(MethodDescriptor method)
        {
            foreach (var sound in _methods.SoundOf(MethodCall.PathOf(method)).Take(2))
            {
                foreach (var milliseconds in (int[])[1, 5]) await DriveAsync(Of(method), method, Framed(sound), TimeSpan.FromMilliseconds(milliseconds));
                foreach (var replies in (int[])[0, 1]) await DriveAsync(Of(method), method, Framed(sound), mostReplies: replies);
            }
        }

        /// <summary>A changed byte in the largest files of the store.</summary>
        public void Damage()
        {
            foreach (var path in Directory.GetFiles(_lab.Store, "*", SearchOption.AllDirectories).OrderByDescending(f => new FileInfo(f).Length).Take(3))
            {
                var bytes = File.ReadAllBytes(path);
                bytes[bytes.Length / 2] ^= 0x55;
                File.WriteAllBytes(path, bytes);
            }
        }

        public void AssertNoLeak()
        {
            _lines.Flush(Timeout.InfiniteTimeSpan);
            _server!.Collector!.Flush();
            Assert.NotEmpty(_trailers);
            Run.AssertNoLeak();
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var channel in (RpcChannel?[])[.. _of.Values, _nobody, _stranger]) channel?.Dispose();
            if (_server is not null) await _server.DisposeAsync();
            if (_receiver is not null) await _receiver.DisposeAsync();
            _events.Dispose();
            _lines.Dispose();
        }

        private static byte[][] Framed(IEnumerable<IMessage> requests) => [.. requests.Select(r => r.ToByteArray())];

        private Exception Thrown(int at)
        {
            var token = _tokens.Next(CanaryKind.PatientName);
            Exception thrown = (at % 4) switch
            {
                0 => new InvalidOperationException(token),
                1 => new IOException(token, new KeyNotFoundException(_tokens.Next(CanaryKind.Mrn))),
                2 => new Warehouse.Engine.InputException("canary", token, new(_tokens.Next(CanaryKind.FileName), 1, 1, _tokens.Next(CanaryKind.InfoValue))),
                _ => new FileNotFoundException(token, _tokens.Next(CanaryKind.FileName)),
            };
            thrown.Data["patient"] = _tokens.Next(CanaryKind.Mrn);
            return thrown;
        }

        private string Page(string name)
        {
            using var http = new HttpClient();
            using var reply = http.Send(new HttpRequestMessage(HttpMethod.Get, new Uri($"http://127.0.0.1:{_server!.OperatorPort}/{name}")));
            using var text = new StreamReader(reply.Content.ReadAsStream());
            return text.ReadToEnd();
        }

        private RpcChannel Of(MethodDescriptor method) => MethodTable.Of(MethodCall.PathOf(method)) is { Roles: { } roles } && !roles.Contains(Role.LabDirector) && roles.Intersect(_of.Keys).Any() ? _of[roles.Intersect(_of.Keys).First()] : _of[Role.LabDirector];

        private RpcChannel Connect(string name, Role[] roles, out string id)
        {
            (var pem, var issued) = _server!.Identity.Issue(name, 1, roles: roles, hasSecondFactor: true);
            id = issued.Id;
            return new RpcChannel(new Uri($"https://localhost:{_server.Port}"), new() { ClientCertificate = ServedStore.Shown(pem), IsServerCertificateTaken = (_, _, _) => true });
        }

        private Task DriveAsync(RpcChannel channel, MethodDescriptor method, byte[][] requests, TimeSpan? time = null, int mostReplies = int.MaxValue) => Run.DriveAsync([(method.FullName, async () =>
        {
            Clock.Advance(TimeSpan.FromMilliseconds(60)); // a person has twenty calls a second
            using var stop = new CancellationTokenSource();
            // What has no end of its own is ended.
            var endless = method.Name is "Follow" or "Watch";
            try
            {
                var headers = new Metadata { { "x-note", _tokens.Next(CanaryKind.Metadata) }, { "baggage", "p=" + _tokens.Next(CanaryKind.Metadata) }, { "tracestate", "a=" + _tokens.Next(CanaryKind.Metadata) } };
                if (channel == _stranger) headers.Add("authorization", "Bearer " + _tokens.Next(CanaryKind.Metadata));
                var options = new CallOptions(headers, DateTime.UtcNow + (time ?? TimeSpan.FromSeconds(endless ? 0.3 : 20)), stop.Token);
                await new MethodCall(method, requests) { MostReplies = mostReplies, Stop = stop, Hear = _methods.Heard }.RunAsync(channel, options);
                Done.Add(MethodCall.PathOf(method));
            }
            catch (RpcException refused)
            {
                if (endless && refused.StatusCode == StatusCode.DeadlineExceeded) Done.Add(MethodCall.PathOf(method));
                _trailers.Add([.. refused.Trailers, new Metadata.Entry("text", refused.Status.Detail)]);
            }
            catch (Exception e) when (e is OperationCanceledException or InvalidOperationException)
            {
                // Given up by this side, or over before all of it was sent.
            }
        })]);
    }
}

using System.Net;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Warehouse.Engine.Access;
using Warehouse.Rpc.Server;
using Warehouse.Server.Tests.Services;
using Xunit;
using RawConnection = Warehouse.Tests.Rpc.RawConnection;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Host;

/// <summary>F61 and F69 at the product's listener: over TLS, by somebody with a good certificate, beside somebody who asks and is answered right all the while.</summary>
public sealed class HostileFramesTests
{
    /// <summary>What HTTP/1.1 and the ways up from it look like.</summary>
    private static readonly string[] Older =
    [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /warehouse.v1.Variants/Seen HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    ];

    private const string Slow = "slow headers";

    [Fact]
    public async Task Whatever_frames_somebody_sends_he_is_cut_off_and_others_are_answered_right()
    {
        var limits = new RpcConnectionLimits { MaxConnections = 128, UnknownFor = TimeSpan.FromHours(1), HeaderTimeout = TimeSpan.FromSeconds(4), SlowReaderGrace = TimeSpan.FromSeconds(1.5), MinReplyBytesPerSecond = 1e6 };
        await using var served = await ServedStore.StartAsync(
            (_, options) => options with { ConnectionLimits = limits, Configuration = new() { Limits = new() { Person = ServedStore.Fast } } }, samples: 12, variants: 200);
        var (channel, id) = served.Client("healthy", Role.Analyst);
        served.Grant(new Subject(SubjectKind.Principal, id), null, Detail.Record);
        var (pem, hostile) = served.Server.Identity.Issue("hostile", 1, isService: true, roles: [Role.Analyst]);
        served.Grant(new Subject(SubjectKind.Principal, hostile.Id), null, Detail.Record);
        var healthy = new V1.Variants.VariantsClient(channel);
        var question = new V1.SeenRequest { Asking = ServedStore.Treatment, Queries = { "22-5-A-C" } };
        var right = (await healthy.SeenAsync(question)).Answers;
        using var certificate = ServedStore.Shown(pem);
        foreach (var name in Attacks.All.Keys)
        {
            using var attacks = new Attacks(served.Server.Port, certificate);
            var attack = Task.Factory.StartNew(() => attacks.Run(name), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            var answered = 0;
            do Assert.Equal(right, (await healthy.SeenAsync(question)).Answers);
            while (++answered < 20 || (name == Slow && !attack.IsCompleted && attacks.End.Refused == 0));
            if (name == Slow)
            {
                // All places of strangers are taken, of one address: who comes from another is let in beside them.
                using var other = new RawCaller(served, pem, from: IPAddress.Parse("127.0.0.2"));
                Assert.Equal(StatusCode.OK, (await other.CallAsync("/warehouse.v1.Variants/Seen", RawCaller.Framed(question.ToByteArray()))).Code);
            }
            await attack;
            var end = attacks.End;
            var expected = name switch
            {
                // A thousand come; of strangers so many are taken at a time as may be, and each of these is closed before it has said anything whole.
                Slow => end.Connections + end.Refused == Attacks.Slow && end.Dropped == end.Connections && end.Connections > 50,
                "window of nothing" => end is { Connections: 1, Dropped: 8 },
                _ => end is { Connections: 1, Dropped: 1 },
            };
            Assert.True(expected, $"{name}: {end}");
            await served.RunningAsync(running => running == 0);
        }
        // Who comes anew is let in.
        Assert.Equal(right, (await new V1.Variants.VariantsClient(served.Again(channel)).SeenAsync(question)).Answers);
        foreach (var text in Older)
        {
            using var old = new RawConnection(served.Server.Port, certificate, speaksHttp2: false);
            old.TrySend(Encoding.ASCII.GetBytes(text));
            var said = Encoding.Latin1.GetString(old.ReadToEnd());
            Assert.DoesNotContain("HTTP/1.1 2", said, StringComparison.Ordinal);
            Assert.DoesNotContain("101 ", said, StringComparison.Ordinal);
            Assert.Equal(right, (await healthy.SeenAsync(question)).Answers);
        }
    }
}

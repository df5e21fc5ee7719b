using System.Globalization;

namespace Warehouse.Server.Configuration;

/// <summary>The limits: each has a smallest value, with which the server still does its work, and a largest, beyond which it is no limit.</summary>
internal static partial class ConfigurationCheck
{
    private const int LargestSeconds = 600;
    private const long MostUnits = 1_000_000_000_000_000;

    private static void CheckLimits(Rules rules, LimitConfiguration limits)
    {
        Within("calls", limits.Calls, 1, 65_536);
        Within("seenStreams", limits.SeenStreams, 1, 256);
        Within("drainSeconds", limits.DrainSeconds, 1, LargestSeconds);
        Within("person.calls", limits.Person.Calls, 1, 65_536);
        Within("person.callsPerSecond", limits.Person.CallsPerSecond, 1, 100_000);
        Within("person.burst", limits.Person.Burst, 1, 100_000);
        Within("person.scanUnitsPerMinute", limits.Person.ScanUnitsPerMinute, 1, MostUnits);
        Within("service.calls", limits.Service.Calls, 1, 65_536);
        Within("service.scanUnitsPerMinute", limits.Service.ScanUnitsPerMinute, 1, MostUnits);
        rules.Require(limits.Person.Calls <= limits.Calls && limits.Service.Calls <= limits.Calls, "limit", "limits.calls", "one caller has no more places than there are");
        var call = limits.Call;
        // A piece of an upload has 256 KiB, one of an answer 1 MiB, and both have something around them.
        Within("call.receiveBytes", call.ReceiveBytes, 512 << 10, 16 << 20);
        Within("call.sendBytes", call.SendBytes, 2 << 20, 64 << 20);
        Within("call.longestSeconds", call.LongestSeconds, 1, LargestSeconds);
        Within("call.seconds", call.Seconds, 1, call.LongestSeconds);
        Within("call.streamIdleSeconds", call.StreamIdleSeconds, 1, LargestSeconds);
        var connection = limits.Connection;
        Within("connection.connections", connection.Connections, 2, 65_536);
        Within("connection.unknownSeconds", connection.UnknownSeconds, 1, LargestSeconds);
        Within("connection.streams", connection.Streams, 1, 1024);
        Within("connection.headerFields", connection.HeaderFields, 16, 256);
        Within("connection.headerBytes", connection.HeaderBytes, 4 << 10, 64 << 10);
        Within("connection.headerSeconds", connection.HeaderSeconds, 1, 60);
        Within("connection.handshakeSeconds", connection.HandshakeSeconds, 1, 60);
        Within("connection.keepAliveSeconds", connection.KeepAliveSeconds, 1, LargestSeconds);
        Within("connection.pingSeconds", connection.PingSeconds, 1, LargestSeconds);
        Within("connection.pingAnswerSeconds", connection.PingAnswerSeconds, 1, 60);
        Within("connection.slowReaderSeconds", connection.SlowReaderSeconds, 1, LargestSeconds);
        Within("connection.controlFrames", connection.ControlFrames, 1_000, 1 << 24);
        Within("connection.replyBytesPerSecond", connection.ReplyBytesPerSecond, 1, 1 << 20);
        Within("strangers.calls", limits.Strangers.Calls, 2, 1024);
        Within("strangers.callsOfOne", limits.Strangers.CallsOfOne, 1, limits.Strangers.Calls);
        Within("strangers.seconds", limits.Strangers.Seconds, 1, 60);

        void Within(string name, long value, long least, long most) =>
            rules.Require(value >= least && value <= most, "limit", "limits." + name, string.Create(CultureInfo.InvariantCulture, $"it is {least} to {most}"));
    }
}

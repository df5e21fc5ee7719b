using System.Globalization;
using System.Text;
using Grpc.Core;

namespace Warehouse.Rpc.Wire;

/// <summary>The header fields of gRPC, and how their values are written.</summary>
internal static class Headers
{
    public const string ContentType = "application/grpc", Encoding = "grpc-encoding", AcceptEncoding = "grpc-accept-encoding", Timeout = "grpc-timeout";
    public const string Status = "grpc-status", Message = "grpc-message", StatusDetails = "grpc-status-details-bin", RetryPushback = "grpc-retry-pushback-ms";

    private const int TimeoutDigits = 8, LargestTimeoutValue = 99_999_999, TicksPerMicrosecond = 10, NanosecondsPerTick = 100;
    private const string Reserved = "grpc-";

    private static readonly (char Unit, long Ticks)[] TimeoutUnits =
        [('u', TicksPerMicrosecond), ('m', TimeSpan.TicksPerMillisecond), ('S', TimeSpan.TicksPerSecond), ('M', TimeSpan.TicksPerMinute), ('H', TimeSpan.TicksPerHour)];

    /// <summary>True for <c>application/grpc</c> with or without what may follow it.</summary>
    public static bool IsContentType(string? value) =>
        value is not null && value.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase) && (value.Length == ContentType.Length || value[ContentType.Length] is '+' or ';' or ' ');

    /// <summary>True for the name, in lower case, of a field that belongs to the protocol and not to metadata; details of a status, and when to try again, are metadata.</summary>
    public static bool IsOfProtocol(string key) =>
        (key.StartsWith(Reserved, StringComparison.Ordinal) && key is not (StatusDetails or RetryPushback)) || key.StartsWith(':') || key is "te" or "content-type" or "content-length" or "connection" or "transfer-encoding" or "host" or "trailer";

    /// <summary>A timeout from its text: 1 to 8 digits and a unit.</summary>
    public static bool TryReadTimeout(string text, out TimeSpan timeout)
    {
        timeout = default;
        if (text.Length is < 2 or > TimeoutDigits + 1 || !int.TryParse(text.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var value)) return false;
        if (text[^1] == 'n')
        {
            timeout = new(value / NanosecondsPerTick);
            return true;
        }
        foreach (var (unit, ticks) in TimeoutUnits)
        {
            if (unit != text[^1]) continue;
            timeout = new(value * ticks);
            return true;
        }
        return false;
    }

    /// <summary>A timeout as text, in the finest unit that 8 digits can say, rounded up.</summary>
    public static string WriteTimeout(TimeSpan timeout)
    {
        foreach (var (unit, ticks) in TimeoutUnits)
        {
            var value = Math.Max(0, timeout.Ticks / ticks + (timeout.Ticks % ticks > 0 ? 1 : 0));
            if (value <= LargestTimeoutValue) return string.Create(CultureInfo.InvariantCulture, $"{value}{unit}");
        }
        return string.Create(CultureInfo.InvariantCulture, $"{LargestTimeoutValue}H");
    }

    /// <summary>A text as <c>grpc-message</c> carries it: bytes of its UTF-8 outside printable ASCII, and '%', as %XX.</summary>
    public static string WriteMessage(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~') && !text.Contains('%')) return text;
        var builder = new StringBuilder();
        foreach (var value in System.Text.Encoding.UTF8.GetBytes(text))
        {
            if (value is >= (byte)' ' and <= (byte)'~' and not (byte)'%') builder.Append((char)value);
            else builder.Append(CultureInfo.InvariantCulture, $"%{value:X2}");
        }
        return builder.ToString();
    }

    /// <summary>The reverse; never fails, and leaves alone what is not a %XX.</summary>
    public static string ReadMessage(string text)
    {
        if (!text.Contains('%')) return text;
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        var length = 0;
        for (var at = 0; at < bytes.Length; at++)
        {
            if (bytes[at] == '%' && at + 2 < bytes.Length && char.IsAsciiHexDigit((char)bytes[at + 1]) && char.IsAsciiHexDigit((char)bytes[at + 2]))
            {
                bytes[length++] = byte.Parse(bytes.AsSpan(at + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
                at += 2;
            }
            else
            {
                bytes[length++] = bytes[at];
            }
        }
        return System.Text.Encoding.UTF8.GetString(bytes, 0, length);
    }

    /// <summary>Adds a field that came over the wire, unless it belongs to the protocol.</summary>
    public static void Receive(Metadata metadata, string name, string value)
    {
        var key = name.ToLowerInvariant();
        if (IsOfProtocol(key)) return;
        if (!key.EndsWith(Metadata.BinaryHeaderSuffix, StringComparison.Ordinal))
        {
            metadata.Add(Metadata.Entry.Received(key, value));
            return;
        }
        foreach (var part in value.Split(',')) metadata.Add(Metadata.Entry.Received(key, ReadBase64(part.Trim())));
    }

    /// <summary>A value as it travels.</summary>
    public static string Send(Metadata.Entry entry) => entry.IsBinary ? Convert.ToBase64String(entry.ValueBytes).TrimEnd('=') : entry.Value;

    /// <summary>The status that headers or trailers carry, or null when they carry none.</summary>
    public static Grpc.Core.Status? ReadStatus(string? code, string? message)
    {
        if (code is null) return null;
        return int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= (int)StatusCode.Unauthenticated
            ? new((StatusCode)number, ReadMessage(message ?? ""))
            : new(StatusCode.Unknown, $"the server sent an unknown status: {ReadMessage(message ?? "")}");
    }

    private static byte[] ReadBase64(string text)
    {
        try
        {
            // With or without padding.
            return Convert.FromBase64String(text.Length % 4 == 0 ? text : text + "==="[..(4 - text.Length % 4)]);
        }
        catch (FormatException)
        {
            throw Failure.BadBinaryMetadata();
        }
    }
}

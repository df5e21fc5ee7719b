using System.Collections.Frozen;
using System.Text.Json;
using Warehouse.Engine.Sealing;

namespace Warehouse.Server.Telemetry;

/// <summary>The types whose values may stand in the log, and how they stand there. The analyzer knows the same list by name.</summary>
internal static class LogTypes
{
    /// <summary>Allowed beside every enum.</summary>
    public static readonly FrozenSet<Type> Allowed = new[]
    {
        typeof(bool), typeof(byte), typeof(sbyte), typeof(short), typeof(ushort), typeof(int), typeof(uint), typeof(long), typeof(ulong), typeof(float), typeof(double), typeof(decimal),
        typeof(TimeSpan), typeof(MethodName), typeof(PrincipalTag), typeof(Incident), typeof(FileId),
    }.ToFrozenSet();

    /// <summary>True for a type that may stand in the log.</summary>
    public static bool IsAllowed(Type type) => type.IsEnum || Allowed.Contains(type);

    /// <summary>Writes a field; a value of any other type is redacted.</summary>
    public static void Write(Utf8JsonWriter json, string name, object? value, Scrubber scrubber)
    {
        switch (value)
        {
            case bool truth: json.WriteBoolean(name, truth); break;
            case byte or sbyte or short or ushort or int or uint or long: json.WriteNumber(name, Convert.ToInt64(value, null)); break;
            case ulong number: json.WriteNumber(name, number); break;
            case decimal number: json.WriteNumber(name, number); break;
            case float or double: json.WriteNumber(name, Finite(Convert.ToDouble(value, null))); break;
            case TimeSpan time: json.WriteNumber(name + "_ms", Math.Round(time.TotalMilliseconds, 3)); break;
            // Constants of code: a sample may well be called as a method is.
            case MethodName or Enum: json.WriteString(name, value.ToString()); break;
            case PrincipalTag or FileId: json.WriteString(name, scrubber.Clean(value.ToString()!)); break;
            case Incident incident: Write(json, name, incident, scrubber); break;
            default: json.WriteString(name, Primitives.Phi.Redacted); break;
        }
    }

    private static void Write(Utf8JsonWriter json, string name, Incident incident, Scrubber scrubber)
    {
        json.WriteString(name, scrubber.Clean(incident.Id));
        WriteList(json, name + "_kinds", incident.Kinds, scrubber);
        WriteList(json, name + "_frames", incident.Frames, scrubber);
    }

    private static void WriteList(Utf8JsonWriter json, string name, IReadOnlyList<string> texts, Scrubber scrubber)
    {
        json.WriteStartArray(name);
        foreach (var text in texts) json.WriteStringValue(scrubber.Clean(text));
        json.WriteEndArray();
    }

    private static double Finite(double value) => double.IsFinite(value) ? value : -1;
}

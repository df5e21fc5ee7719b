using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Warehouse.Primitives;

/// <summary>
/// A value that is protected health information. Whatever turns values into text (ToString, formats, interpolation, debuggers, JSON) gets
/// <c>***</c>; the value itself comes out by <see cref="Reveal"/> alone, so every place that lets it out can be found by that name. Two are
/// equal when their values are. Its hash code is that of the value: not for output.
/// </summary>
[DebuggerDisplay(Phi.Redacted)]
[JsonConverter(typeof(PhiJson))]
public readonly struct Phi<T> : IEquatable<Phi<T>>, ISpanFormattable, IUtf8SpanFormattable
{
    [DebuggerBrowsable(DebuggerBrowsableState.Never)]
    private readonly T _value;

    /// <summary>Protects a value.</summary>
    public Phi(T value) => _value = value;

    /// <summary>The value itself. Name the reason where it is called.</summary>
    public T Reveal() => _value;

    /// <summary><c>***</c>.</summary>
    public override string ToString() => Phi.Redacted;

    /// <inheritdoc/>
    public string ToString(string? format, IFormatProvider? formatProvider) => Phi.Redacted;

    /// <inheritdoc/>
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        charsWritten = Phi.Redacted.TryCopyTo(destination) ? Phi.Redacted.Length : 0;
        return charsWritten > 0;
    }

    /// <inheritdoc/>
    public bool TryFormat(Span<byte> utf8Destination, out int bytesWritten, ReadOnlySpan<char> format, IFormatProvider? provider)
    {
        bytesWritten = "***"u8.TryCopyTo(utf8Destination) ? Phi.Redacted.Length : 0;
        return bytesWritten > 0;
    }

    /// <inheritdoc/>
    public bool Equals(Phi<T> other) => EqualityComparer<T>.Default.Equals(_value, other._value);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Phi<T> other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _value is null ? 0 : EqualityComparer<T>.Default.GetHashCode(_value);

    /// <summary>Equal values.</summary>
    public static bool operator ==(Phi<T> left, Phi<T> right) => left.Equals(right);

    /// <summary>Different values.</summary>
    public static bool operator !=(Phi<T> left, Phi<T> right) => !left.Equals(right);
}

/// <summary>Makes protected values.</summary>
public static class Phi
{
    /// <summary>What stands in the place of a protected value.</summary>
    public const string Redacted = "***";

    /// <summary>Protects a value.</summary>
    public static Phi<T> Of<T>(T value) => new(value);
}

/// <summary>Writes <c>***</c> for a protected value and reads none. For <c>object</c>, since a converter for each T would need code made at run time.</summary>
internal sealed class PhiJson : JsonConverter<object>
{
    /// <inheritdoc/>
    public override bool CanConvert(Type typeToConvert) => typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(Phi<>);

    /// <inheritdoc/>
    public override object Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException("a protected value is not read from JSON");

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object value, JsonSerializerOptions options) => writer.WriteStringValue(Phi.Redacted);

    /// <inheritdoc/>
    public override void WriteAsPropertyName(Utf8JsonWriter writer, object value, JsonSerializerOptions options) => writer.WritePropertyName(Phi.Redacted);
}

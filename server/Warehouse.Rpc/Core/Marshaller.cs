using System.Buffers;

namespace Grpc.Core;

/// <summary>Where one message is written to: its length first if it is known, then either one array or what a buffer writer takes.</summary>
public abstract class SerializationContext
{
    /// <summary>Ends the message with all its bytes.</summary>
    public abstract void Complete(byte[] payload);

    /// <summary>Takes the bytes of the message; <see cref="Complete()"/> ends it.</summary>
    public abstract IBufferWriter<byte> GetBufferWriter();

    /// <summary>States how many bytes the message has, before they are written.</summary>
    public virtual void SetPayloadLength(int payloadLength)
    {
    }

    /// <summary>Ends the message that was written to the buffer writer.</summary>
    public abstract void Complete();
}

/// <summary>Where one message is read from. What it hands out is good until the deserializer returns.</summary>
public abstract class DeserializationContext
{
    /// <summary>Bytes of the message.</summary>
    public abstract int PayloadLength { get; }

    /// <summary>The message in an array of its own.</summary>
    public abstract byte[] PayloadAsNewBuffer();

    /// <summary>The message where it lies.</summary>
    public abstract ReadOnlySequence<byte> PayloadAsReadOnlySequence();
}

/// <summary>How messages of a type become bytes and come back.</summary>
public sealed class Marshaller<T>
{
    /// <summary>By whole arrays.</summary>
    public Marshaller(Func<T, byte[]> serializer, Func<byte[], T> deserializer)
    {
        ArgumentNullException.ThrowIfNull(serializer);
        ArgumentNullException.ThrowIfNull(deserializer);
        Serializer = serializer;
        Deserializer = deserializer;
        ContextualSerializer = (message, context) => context.Complete(serializer(message));
        ContextualDeserializer = context => deserializer(context.PayloadAsNewBuffer());
    }

    /// <summary>By contexts, without arrays in between.</summary>
    public Marshaller(Action<T, SerializationContext> serializer, Func<DeserializationContext, T> deserializer)
    {
        ContextualSerializer = serializer ?? throw new ArgumentNullException(nameof(serializer));
        ContextualDeserializer = deserializer ?? throw new ArgumentNullException(nameof(deserializer));
        Serializer = _ => throw new NotSupportedException("this marshaller works by contexts");
        Deserializer = _ => throw new NotSupportedException("this marshaller works by contexts");
    }

    /// <summary>A message to an array; only of a marshaller that was made so.</summary>
    public Func<T, byte[]> Serializer { get; }

    /// <summary>An array to a message; only of a marshaller that was made so.</summary>
    public Func<byte[], T> Deserializer { get; }

    /// <summary>A message into a context.</summary>
    public Action<T, SerializationContext> ContextualSerializer { get; }

    /// <summary>A context to a message.</summary>
    public Func<DeserializationContext, T> ContextualDeserializer { get; }
}

/// <summary>Makes marshallers.</summary>
public static class Marshallers
{
    /// <summary>Text as UTF-8.</summary>
    public static Marshaller<string> StringMarshaller { get; } = new(System.Text.Encoding.UTF8.GetBytes, System.Text.Encoding.UTF8.GetString);

    /// <summary>By whole arrays.</summary>
    public static Marshaller<T> Create<T>(Func<T, byte[]> serializer, Func<byte[], T> deserializer) => new(serializer, deserializer);

    /// <summary>By contexts, without arrays in between.</summary>
    public static Marshaller<T> Create<T>(Action<T, SerializationContext> serializer, Func<DeserializationContext, T> deserializer) => new(serializer, deserializer);
}

using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// Requests with tokens in them, made from the descriptors alone: a method that is new, or a field that is, has its own without a word here.
/// </summary>
internal sealed class CanaryRequests(CanaryTokens tokens)
{
    private const int MostDepth = 6;

    private static readonly CanaryKind[] Any = [CanaryKind.PatientName, CanaryKind.Mrn, CanaryKind.OrderId, CanaryKind.BundleNote, CanaryKind.CliInput, CanaryKind.InfoValue];

    private int _next;

    /// <summary>Messages of a type in which every field has something: a token where it takes text or bytes, any that is allowed otherwise. As many as its oneofs have cases.</summary>
    public IEnumerable<IMessage> Filled(MessageDescriptor type)
    {
        var cases = type.Oneofs.Where(o => !o.IsSynthetic).Select(o => o.Fields.Count).DefaultIfEmpty(1).Max();
        for (var which = 0; which < cases; which++) yield return Filled(type, which, 0);
    }

    /// <summary>Copies of a sound message, each with a token in another of the fields that take text or bytes, also those that it leaves out.</summary>
    public IEnumerable<IMessage> OneByOne(IMessage sound) => OneByOne(sound, 0);

    /// <summary>The same of a stream of requests: one of its messages is another.</summary>
    public IEnumerable<IMessage[]> OneByOne(IMessage[] sound) => sound.SelectMany((message, i) => OneByOne(message).Select(m => (IMessage[])[.. sound[..i], m, .. sound[(i + 1)..]]));

    private IEnumerable<IMessage> OneByOne(IMessage sound, int depth)
    {
        if (depth > MostDepth) yield break;
        foreach (var field in sound.Descriptor.Fields.InFieldNumberOrder())
        {
            if (field.FieldType is FieldType.String or FieldType.Bytes || field.IsMap)
            {
                foreach (var token in TokensOf(field)) yield return With(sound, field, token);
                if (Embedded(field) is { } inside)
                    foreach (var message in OneByOne(inside, depth + 1)) yield return With(sound, field, message.ToByteString());
            }
            else if (field.FieldType == FieldType.Message)
            {
                var list = field.IsRepeated ? (System.Collections.IList)field.Accessor.GetValue(sound) : null;
                var child = (list is null ? field.Accessor.GetValue(sound) : list.Count > 0 ? list[0] : null) as IMessage ?? New(field.MessageType);
                foreach (var changed in OneByOne(child, depth + 1)) yield return With(sound, field, changed);
            }
        }
    }

    private IMessage Filled(MessageDescriptor type, int which, int depth)
    {
        var message = New(type);
        foreach (var field in type.Fields.InFieldNumberOrder())
        {
            if (depth > MostDepth || (field.RealContainingOneof is { } one && one.Fields[which % one.Fields.Count] != field)) continue;
            if (field.FieldType is FieldType.String or FieldType.Bytes || field.IsMap) Put(message, field, TokensOf(field).Last());
            else if (field.FieldType == FieldType.Message) Put(message, field, field.MessageType.ClrType == typeof(V1.Asking) ? new V1.Asking { Purpose = V1.Purpose.Treatment } : Filled(field.MessageType, which, depth + 1));
            else Put(message, field, Plain(field));
        }
        return message;
    }

    private static IMessage With(IMessage sound, FieldDescriptor field, object value)
    {
        var copy = sound.Descriptor.Parser.ParseFrom(sound.ToByteString());
        field.Accessor.Clear(copy);
        Put(copy, field, value);
        return copy;
    }

    private static void Put(IMessage message, FieldDescriptor field, object value)
    {
        if (field.IsMap) ((System.Collections.IDictionary)field.Accessor.GetValue(message)).Add(value, value);
        else if (field.IsRepeated) ((System.Collections.IList)field.Accessor.GetValue(message)).Add(value);
        else field.Accessor.SetValue(message, value);
    }

    /// <summary>What stands in a field that takes text: a token, and where alleles are asked one as HGVS too.</summary>
    private IEnumerable<object> TokensOf(FieldDescriptor field)
    {
        var token = tokens.Next(KindOf(field));
        if (field.FieldType == FieldType.Bytes) return [ByteString.CopyFromUtf8(token)];
        return field.Name is "queries" or "variants" or "variant" or "allele" ? [$"NC_000001.11:g.100A>{token}", token] : [token];
    }

    private CanaryKind KindOf(FieldDescriptor field) => field.Name switch
    {
        "remark" => CanaryKind.Remark,
        "sample" or "samples" or "names" => CanaryKind.SampleId,
        "person" or "persons" or "items" or "principal" or "subject" or "responsible" => CanaryKind.PatientName,
        "cohort" or "cases" or "controls" or "name" => CanaryKind.CohortName,
        "id" or "ids" or "sha256" or "project" => CanaryKind.OrderId,
        "reason" or "text" or "evidence" or "difference_reason" => CanaryKind.BundleNote,
        "queries" or "variants" or "variant" or "allele" or "where" => CanaryKind.CliInput,
        "source" or "release" or "before" or "after" or "date" or "contig" => CanaryKind.FileName,
        _ => Any[_next++ % Any.Length],
    };

    /// <summary>The message that a field of bytes holds.</summary>
    private static IMessage? Embedded(FieldDescriptor field) =>
        field.FullName == "arrow.flight.protocol.FlightDescriptor.cmd" ? new V1.FlightQuery { Carriers = new() { Asking = new() { Purpose = V1.Purpose.Treatment }, Queries = { "1-100-A-G" } } } : null;

    private static IMessage New(MessageDescriptor type) => (IMessage)Activator.CreateInstance(type.ClrType)!;

    private static object Plain(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Enum => Enum.ToObject(field.EnumType.ClrType, field.EnumType.Values[^1].Number),
        FieldType.Bool => true,
        FieldType.Double => 0.01,
        FieldType.Float => 0.01f,
        FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64 => 1L,
        FieldType.UInt64 or FieldType.Fixed64 => 1UL,
        FieldType.UInt32 or FieldType.Fixed32 => 1U,
        FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32 => 1,
        _ => throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{field.FullName} has a type that no request has had yet")),
    };
}

using System.Collections;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>
/// What classes of data a message carries: for contract tests. An answer at the level aggregate must have nothing in
/// <c>FieldsOf(answer, DataClass.Phi, DataClass.Pseudonymous)</c>, and what it has of <see cref="DataClass.Content"/> must be looked into.
/// </summary>
internal static class DataClasses
{
    /// <summary>The class that the protos give to a field; unspecified when they give none.</summary>
    public static DataClass ClassOf(FieldDescriptor field) => field.GetOptions()?.GetExtension(DataClassExtensions.DataClass) ?? DataClass.Unspecified;

    /// <summary>A field whose own fields have the classes: its type is a message of ours.</summary>
    public static bool IsContainer(FieldDescriptor field) => !field.IsMap && field.FieldType == FieldType.Message && field.MessageType.File.Package == Asking.Descriptor.File.Package;

    /// <summary>Paths of the fields that are set, with their classes, of all classes when none is named: <c>answers[0].figures.ac</c>.</summary>
    public static List<(string Path, DataClass Class)> FieldsOf(IMessage message, params DataClass[] classes)
    {
        var found = new List<(string, DataClass)>();
        // A field that this build does not know has no class: the worst is meant.
        if (message.Descriptor.Parser.WithDiscardUnknownFields(true).ParseFrom(message.ToByteArray()).CalculateSize() != message.CalculateSize()) found.Add(("a field that is in no proto", DataClass.Phi));
        Collect(message, "", found);
        return [.. found.Where(f => classes.Length == 0 || classes.Contains(f.Item2))];
    }

    private static void Collect(IMessage message, string path, List<(string, DataClass)> found)
    {
        foreach (var field in message.Descriptor.Fields.InFieldNumberOrder())
        {
            var value = field.Accessor.GetValue(message);
            if (!IsSet(message, field, value)) continue;
            if (!IsContainer(field)) found.Add((path + field.Name, ClassOf(field)));
            else if (value is IList several)
            {
                for (var i = 0; i < several.Count; i++) Collect((IMessage)several[i]!, $"{path}{field.Name}[{i}].", found);
            }
            else Collect((IMessage)value, $"{path}{field.Name}.", found);
        }
    }

    private static bool IsSet(IMessage message, FieldDescriptor field, object? value) => value switch
    {
        null => false,
        ICollection several => several.Count > 0,
        _ when field.HasPresence => field.Accessor.HasValue(message),
        string text => text.Length > 0,
        ByteString bytes => bytes.Length > 0,
        bool truth => truth,
        Enum member => Convert.ToInt32(member, null) != 0,
        double number => number != 0,
        float number => number != 0,
        _ => Convert.ToInt64(value, null) != 0,
    };
}

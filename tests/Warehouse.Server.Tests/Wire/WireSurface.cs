using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Warehouse.Protocol.V1;
using Field = Google.Protobuf.Reflection.FieldDescriptorProto;

namespace Warehouse.Server.Tests.Wire;

/// <summary>
/// What of warehouse.v1 others rely on, as lines: every message, field, oneof, enum, value, service, method and extension, each by its key (what
/// it is, and where: of a field its number) with all facts that a client could depend on.
/// <code>field⇥warehouse.v1.Asking⇥2⇥snapshot⇥json snapshot⇥int64⇥optional⇥explicit⇥class PUBLIC</code>
/// </summary>
internal sealed class WireSurface
{
    public const string Package = "warehouse.v1";
    private const int KeyCells = 3;
    private const string ClassFact = "class ", Deprecated = "deprecated";

    /// <summary>From the most protected class on: what is left of another may become it. The class of a file's bytes is that of the file, and never changes.</summary>
    private static readonly string[] Classes = ["PHI", "PSEUDONYMOUS", "AGGREGATE", "PUBLIC"];

    private readonly SortedDictionary<string, string> _facts = new(StringComparer.Ordinal);

    private WireSurface()
    {
    }

    /// <summary>The lines: type by type, and in each by number or name.</summary>
    public IEnumerable<string> Lines => _facts.Select(f => (Line: (f.Key + f.Value).TrimEnd('\t'), Cells: f.Key.Split('\t')))
        .OrderBy(l => l.Cells[1], StringComparer.Ordinal).ThenBy(l => l.Cells[2].Length > 0).ThenBy(l => int.TryParse(l.Cells[2], CultureInfo.InvariantCulture, out var number) ? number : 0).ThenBy(l => l.Line, StringComparer.Ordinal).Select(l => l.Line);

    /// <summary>The descriptors that the program is built with; a copy, which may be changed.</summary>
    public static List<FileDescriptorProto> Built()
    {
        var parser = FileDescriptorProto.Parser.WithExtensionRegistry([DataClassExtensions.DataClass]);
        return [.. typeof(Asking).Assembly.GetTypes().Select(t => t.GetProperty("Descriptor")).Where(p => p?.PropertyType == typeof(FileDescriptor)).Select(p => (FileDescriptor)p!.GetValue(null)!)
            .Where(f => f.Package == Package).Select(f => parser.ParseFrom(f.SerializedData))];
    }

    /// <summary>The surface of descriptors.</summary>
    public static WireSurface Of(IEnumerable<FileDescriptorProto> files)
    {
        var surface = new WireSurface();
        foreach (var file in files)
        {
            foreach (var message in file.MessageType) surface.Add(file.Package, message);
            foreach (var of in file.EnumType) surface.Add(file.Package, of);
            foreach (var service in file.Service) surface.Add(file.Package, service);
            foreach (var extension in file.Extension) surface.AddField("extension", extension.Extendee[1..], extension, []);
        }
        return surface;
    }

    /// <summary>A surface that was written down.</summary>
    public static WireSurface Read(IEnumerable<string> lines)
    {
        var surface = new WireSurface();
        foreach (var line in lines.Where(l => l.Length > 0 && l[0] != '#'))
        {
            string[] cells = [.. line.Split('\t'), "", ""];
            surface._facts.Add(string.Join('\t', cells[..KeyCells]) + '\t', string.Join('\t', cells[KeyCells..]).TrimEnd('\t'));
        }
        return surface;
    }

    /// <summary>What a client of this surface would miss in a later one.</summary>
    public List<string> BrokenBy(WireSurface later)
    {
        var problems = new List<string>();
        foreach (var (key, facts) in _facts)
        {
            if (!later._facts.TryGetValue(key, out var now)) problems.Add($"gone: {Show(key + facts)}");
            else if (!IsKept(facts.Split('\t'), now.Split('\t'))) problems.Add($"changed: {Show(key + facts)} to {Show(now)}");
        }
        return problems;
    }

    /// <summary>Lines of a later surface that this one does not have so: they are to be recorded.</summary>
    public List<string> LacksOf(WireSurface later) => [.. later._facts.Where(f => !_facts.TryGetValue(f.Key, out var known) || known != f.Value).Select(f => Show(f.Key + f.Value))];

    /// <summary>The same facts; a class may become more protected, and a thing deprecated.</summary>
    private static bool IsKept(string[] was, string[] now)
    {
        var (classWas, classNow) = (was.FirstOrDefault(IsClass), now.FirstOrDefault(IsClass));
        if (classWas != classNow)
        {
            var (rankWas, rankNow) = (Rank(classWas), Rank(classNow));
            if (rankWas < 0 || rankNow < 0 || rankNow > rankWas) return false;
        }
        if (was.Contains(Deprecated) && !now.Contains(Deprecated)) return false;
        return was.Where(f => !IsClass(f) && f != Deprecated).SequenceEqual(now.Where(f => !IsClass(f) && f != Deprecated));
    }

    private static bool IsClass(string fact) => fact.StartsWith(ClassFact, StringComparison.Ordinal);

    private static int Rank(string? fact) => fact is null ? -1 : Array.IndexOf(Classes, fact[ClassFact.Length..]);

    private static string Show(string line) => line.Trim('\t').Replace('\t', ' ');

    private void Add(string scope, DescriptorProto message)
    {
        var name = $"{scope}.{message.Name}";
        Add("message", name, "", [message.Options?.MapEntry == true ? "map" : "", .. OptionsOf(message.Options, o => o.ClearMapEntry())]);
        foreach (var field in message.Field) AddField("field", name, field, message.OneofDecl);
        foreach (var range in message.ReservedRange) Add("reserved", name, Number(range.Start), [Number(range.End)]);
        foreach (var nested in message.NestedType) Add(name, nested);
        foreach (var nested in message.EnumType) Add(name, nested);
    }

    private void AddField(string kind, string scope, Field field, IReadOnlyList<OneofDescriptorProto> oneofs)
    {
        var options = field.Options?.Clone() ?? new FieldOptions();
        var (dataClass, isDeprecated) = (options.GetExtension(DataClassExtensions.DataClass), options.Deprecated);
        options.ClearExtension(DataClassExtensions.DataClass);
        options.ClearDeprecated();
        var type = field.TypeName.Length > 0 ? $"{field.Type.ToString().ToLowerInvariant()} {field.TypeName[1..]}" : field.Type.ToString().ToLowerInvariant();
        // A field that states "optional" is, on the wire, alone in a oneof of its own.
        var place = !field.HasOneofIndex ? "" : field.Proto3Optional ? "explicit" : "oneof " + oneofs[field.OneofIndex].Name;
        Add(kind, scope, Number(field.Number),
        [
            field.Name, "json " + (field.JsonName.Length > 0 ? field.JsonName : JsonNameOf(field.Name)), type, field.Label.ToString().ToLowerInvariant(), place, field.DefaultValue.Length > 0 ? "default " + field.DefaultValue : "",
            dataClass == DataClass.Unspecified ? "" : ClassFact + dataClass.ToString().ToUpperInvariant(), isDeprecated ? Deprecated : "", .. OptionsOf(options, _ => { }),
        ]);
    }

    private void Add(string scope, EnumDescriptorProto of)
    {
        var name = $"{scope}.{of.Name}";
        Add("enum", name, "", OptionsOf(of.Options, _ => { }));
        foreach (var value in of.Value) Add("value", name, Number(value.Number), [value.Name, value.Options?.Deprecated == true ? Deprecated : "", .. OptionsOf(value.Options, o => o.ClearDeprecated())]);
    }

    private void Add(string scope, ServiceDescriptorProto service)
    {
        var name = $"{scope}.{service.Name}";
        Add("service", name, "", OptionsOf(service.Options, _ => { }));
        foreach (var method in service.Method)
            Add("method", name, method.Name,
            [
                (method.ClientStreaming ? "stream " : "") + method.InputType[1..], (method.ServerStreaming ? "stream " : "") + method.OutputType[1..],
                method.Options?.Deprecated == true ? Deprecated : "", .. OptionsOf(method.Options, o => o.ClearDeprecated()),
            ]);
    }

    private void Add(string kind, string scope, string name, IEnumerable<string> facts) => _facts.Add($"{kind}\t{scope}\t{name}\t", string.Join('\t', facts.Where(f => f.Length > 0)));

    /// <summary>Options that have no fact of their own, as their bytes.</summary>
    private static IEnumerable<string> OptionsOf<T>(T? options, Action<T> without) where T : class, IMessage<T>
    {
        if (options is null) return [];
        var rest = options.Clone();
        without(rest);
        return rest.CalculateSize() == 0 ? [] : ["options " + Convert.ToHexStringLower(rest.ToByteArray())];
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string JsonNameOf(string name)
    {
        var words = name.Split('_');
        return words[0] + string.Concat(words.Skip(1).Select(w => w.Length == 0 ? "" : char.ToUpperInvariant(w[0]) + w[1..]));
    }
}

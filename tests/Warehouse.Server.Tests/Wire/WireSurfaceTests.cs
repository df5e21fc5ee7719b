using Google.Protobuf.Reflection;
using Warehouse.Protocol.V1;
using Warehouse.Tests;
using Xunit;
using Label = Google.Protobuf.Reflection.FieldDescriptorProto.Types.Label;
using Type = Google.Protobuf.Reflection.FieldDescriptorProto.Types.Type;

namespace Warehouse.Server.Tests.Wire;

/// <summary>
/// What was released of warehouse.v1 stays as it is. It stands in server/Warehouse.Protocol/released.tsv; what is added to the protos is added
/// there by <c>WAREHOUSE_RECORD_WIRE=1 ./test.sh FullyQualifiedName~Wire</c>, which refuses to write what would break a client.
/// </summary>
public sealed class WireSurfaceTests
{
    private const string Switch = "WAREHOUSE_RECORD_WIRE";
    private static readonly string Released = Path.Combine(TestData.ProjectRoot, "server", "Warehouse.Protocol", "released.tsv");

    public static TheoryData<string> Breaks => [.. Breaking.Keys];

    public static TheoryData<string> Adds => [.. Adding.Keys];

    /// <summary>A change of each kind that a client would notice, and what is said of it.</summary>
    private static readonly Dictionary<string, (Action<Files> Change, string Said)> Breaking = new()
    {
        ["a field is removed"] = (f => f.Message("Figures").Field.Remove(f.Field("Figures", "an")), "gone: field warehouse.v1.Figures"),
        ["a field is renumbered"] = (f => f.Field("Figures", "an").Number = 99, "gone: field warehouse.v1.Figures"),
        ["two fields change places"] = (f => (f.Field("Figures", "an").Number, f.Field("Figures", "ac").Number) = (f.Field("Figures", "ac").Number, f.Field("Figures", "an").Number), "changed: field warehouse.v1.Figures"),
        ["a field is renamed"] = (f => f.Field("Figures", "an").Name = "total", "changed: field warehouse.v1.Figures"),
        ["a field has another name in JSON"] = (f => f.Field("Figures", "an").JsonName = "total", "changed: field warehouse.v1.Figures"),
        ["a field has another type"] = (f => f.Field("Figures", "an").Type = Type.Uint64, "changed: field warehouse.v1.Figures"),
        ["a field has another message"] = (f => f.Field("SeenAnswer", "figures").TypeName = ".warehouse.v1.ReleasedFigures", "changed: field warehouse.v1.SeenAnswer"),
        ["a field has another enum"] = (f => f.Field("Asking", "purpose").TypeName = ".warehouse.v1.Detail", "changed: field warehouse.v1.Asking"),
        ["a field is repeated"] = (f => f.Field("Figures", "an").Label = Label.Repeated, "changed: field warehouse.v1.Figures"),
        ["a list is one"] = (f => f.Field("SeenReply", "answers").Label = Label.Optional, "changed: field warehouse.v1.SeenReply"),
        ["a field forgets that it may be missing"] = (f => Implicit(f.Field("Asking", "snapshot")), "changed: field warehouse.v1.Asking"),
        ["a field joins a oneof"] = (f => Join(f.Message("Figures"), f.Field("Figures", "an")), "changed: field warehouse.v1.Figures"),
        ["a field leaves a oneof"] = (f => Implicit(f.InOneof), "changed: field warehouse.v1.FlightQuery"),
        ["a oneof is renamed"] = (f => f.Message("FlightQuery").OneofDecl[0].Name = "other", "changed: field warehouse.v1.FlightQuery"),
        ["a list is not packed"] = (f => f.Field("GrantRequest", "details").Options.Packed = false, "changed: field warehouse.v1.GrantRequest"),
        ["a class is weaker"] = (f => Class(f.Field("Carrier", "sample"), DataClass.Pseudonymous), "changed: field warehouse.v1.Carrier"),
        ["a class is gone"] = (f => f.Field("Carrier", "sample").Options = null, "changed: field warehouse.v1.Carrier"),
        ["bytes of a file are public"] = (f => Class(f.Field("Chunk", "data"), DataClass.Public), "changed: field warehouse.v1.Chunk"),
        ["a map has other values"] = (f => f.Message("AnswerContext").NestedType[0].Field[1].Type = Type.Bytes, "changed: field warehouse.v1.AnswerContext.RefgetAccessionsEntry"),
        ["a map is a list of messages"] = (f => f.Message("AnswerContext").NestedType[0].Options = null, "changed: message warehouse.v1.AnswerContext.RefgetAccessionsEntry"),
        ["a message is removed"] = (f => f.Of("Figures").MessageType.Remove(f.Message("Figures")), "gone: message warehouse.v1.Figures"),
        ["a message is renamed"] = (f => f.Message("Figures").Name = "Numbers", "gone: message warehouse.v1.Figures"),
        ["an enum is removed"] = (f => f.All.Single(a => a.EnumType.Any(e => e.Name == "Purpose")).EnumType.Remove(f.Enum("Purpose")), "gone: enum warehouse.v1.Purpose"),
        ["a value is removed"] = (f => f.Enum("Purpose").Value.RemoveAt(1), "gone: value warehouse.v1.Purpose 1"),
        ["a value is renumbered"] = (f => f.Enum("Purpose").Value[1].Number = 77, "gone: value warehouse.v1.Purpose 1"),
        ["a value is renamed"] = (f => f.Enum("Purpose").Value[1].Name = "PURPOSE_OTHER", "changed: value warehouse.v1.Purpose 1"),
        ["a service is renamed"] = (f => f.Service("Variants").Name = "Alleles", "gone: service warehouse.v1.Variants"),
        ["a method is removed"] = (f => f.Service("Variants").Method.Remove(f.Method("Variants", "Seen")), "gone: method warehouse.v1.Variants Seen"),
        ["a method is renamed"] = (f => f.Method("Variants", "Seen").Name = "Known", "gone: method warehouse.v1.Variants Seen"),
        ["a method takes another message"] = (f => f.Method("Variants", "Seen").InputType = ".warehouse.v1.InfoRequest", "changed: method warehouse.v1.Variants Seen"),
        ["a method gives another message"] = (f => f.Method("Variants", "Seen").OutputType = ".warehouse.v1.InfoReply", "changed: method warehouse.v1.Variants Seen"),
        ["a method streams its answer"] = (f => f.Method("Variants", "Seen").ServerStreaming = true, "changed: method warehouse.v1.Variants Seen"),
        ["a method streams its requests"] = (f => f.Method("Variants", "Seen").ClientStreaming = true, "changed: method warehouse.v1.Variants Seen"),
        ["a method has another option"] = (f => f.Method("Variants", "Seen").Options = new() { IdempotencyLevel = MethodOptions.Types.IdempotencyLevel.NoSideEffects }, "changed: method warehouse.v1.Variants Seen"),
        ["the extension is renumbered"] = (f => f.Of("DataClass", isEnum: true).Extension[0].Number = 50102, "gone: extension google.protobuf.FieldOptions 50101"),
        ["the package is another"] = (f => f.All.ForEach(a => a.Package = "warehouse.v2"), "gone: service warehouse.v1.Variants"),
    };

    private static readonly Dictionary<string, Action<Files>> Adding = new()
    {
        ["a field"] = f => f.Message("Figures").Field.Add(new FieldDescriptorProto { Name = "more", Number = 99, Type = Type.Int64, Label = Label.Optional }),
        ["a member of a oneof"] = f => f.Message("FlightQuery").Field.Add(new FieldDescriptorProto { Name = "more", Number = 99, Type = Type.Int64, Label = Label.Optional, OneofIndex = 0 }),
        ["a value"] = f => f.Enum("Purpose").Value.Add(new EnumValueDescriptorProto { Name = "PURPOSE_MORE", Number = 9 }),
        ["a method"] = f => f.Service("Variants").Method.Add(new MethodDescriptorProto { Name = "More", InputType = ".warehouse.v1.SeenRequest", OutputType = ".warehouse.v1.SeenReply" }),
        ["a message"] = f => f.All[0].MessageType.Add(new DescriptorProto { Name = "More" }),
        ["a stronger class"] = f => Class(f.Field("Figures", "an"), DataClass.Phi),
        ["that a field is deprecated"] = f => f.Field("Figures", "an").Options.Deprecated = true,
    };

    [Fact]
    public void What_was_released_is_as_it_was_and_what_was_added_is_recorded()
    {
        var (built, released) = (WireSurface.Of(WireSurface.Built()), WireSurface.Read(File.ReadLines(Released)));
        Assert.True(built.Lines.Count() > 300);
        var broken = released.BrokenBy(built);
        Assert.True(broken.Count == 0, "clients of what was released would break:\n" + string.Join('\n', broken));
        if (Environment.GetEnvironmentVariable(Switch) == "1")
        {
            File.WriteAllLines(Released, [.. File.ReadLines(Released).Where(l => l.StartsWith('#')), .. built.Lines]);
            return;
        }
        var added = released.LacksOf(built);
        Assert.True(added.Count == 0, $"not in released.tsv ({Switch}=1 records it):\n" + string.Join('\n', added));
    }

    [Theory]
    [MemberData(nameof(Breaks))]
    public void A_change_that_breaks_clients_is_found(string kind)
    {
        var (change, said) = Breaking[kind];
        var changed = new Files(WireSurface.Built());
        change(changed);
        Assert.Contains(WireSurface.Of(WireSurface.Built()).BrokenBy(WireSurface.Of(changed.All)), p => p.StartsWith(said, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Adds))]
    public void An_addition_breaks_nobody_and_has_to_be_recorded(string kind)
    {
        var changed = new Files(WireSurface.Built());
        Adding[kind](changed);
        var (was, now) = (WireSurface.Of(WireSurface.Built()), WireSurface.Of(changed.All));
        Assert.Empty(was.BrokenBy(now));
        Assert.Single(was.LacksOf(now));
        Assert.Empty(WireSurface.Read(now.Lines).LacksOf(now));
        Assert.NotEmpty(now.BrokenBy(was));
    }

    private static void Implicit(FieldDescriptorProto field)
    {
        field.ClearOneofIndex();
        field.ClearProto3Optional();
    }

    private static void Join(DescriptorProto message, FieldDescriptorProto field)
    {
        message.OneofDecl.Add(new OneofDescriptorProto { Name = "one" });
        field.OneofIndex = message.OneofDecl.Count - 1;
    }

    private static void Class(FieldDescriptorProto field, DataClass value) => field.Options.SetExtension(DataClassExtensions.DataClass, value);

    /// <summary>Descriptors that may be changed.</summary>
    private sealed class Files(List<FileDescriptorProto> all)
    {
        public List<FileDescriptorProto> All => all;

        public FieldDescriptorProto InOneof => Message("FlightQuery").Field.First(f => f.HasOneofIndex && !f.Proto3Optional);

        public FileDescriptorProto Of(string name, bool isEnum = false) => all.Single(f => isEnum ? f.EnumType.Any(e => e.Name == name) : f.MessageType.Any(m => m.Name == name));

        public DescriptorProto Message(string name) => Of(name).MessageType.Single(m => m.Name == name);

        public FieldDescriptorProto Field(string message, string name) => Message(message).Field.Single(f => f.Name == name);

        public EnumDescriptorProto Enum(string name) => Of(name, isEnum: true).EnumType.Single(e => e.Name == name);

        public ServiceDescriptorProto Service(string name) => all.SelectMany(f => f.Service).Single(s => s.Name == name);

        public MethodDescriptorProto Method(string service, string name) => Service(service).Method.Single(m => m.Name == name);
    }
}

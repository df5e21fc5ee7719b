using System.Collections.Frozen;
using System.Reflection;
using Google.Protobuf.Reflection;
using Warehouse.Protocol.V1;

namespace Warehouse.Server.Telemetry;

/// <summary>
/// A method of the server, by its place in the table of all that its protos define: <c>warehouse.v1.Variants/Seen</c>. What a client called
/// that is in no proto is <see cref="Other"/>, so no text of a client gets into logs, metrics or traces by this way.
/// </summary>
public readonly record struct MethodName
{
    private static readonly string[] Names = ["other", .. Find().Order(StringComparer.Ordinal)];
    private static readonly FrozenDictionary<string, int> Paths = Names.Skip(1).Index().ToFrozenDictionary(n => "/" + n.Item, n => n.Index + 1, StringComparer.Ordinal);

    private MethodName(int index) => Index = index;

    /// <summary>Every method, and <see cref="Other"/> as the first.</summary>
    public static IEnumerable<MethodName> All => Enumerable.Range(0, Names.Length).Select(i => new MethodName(i));

    /// <summary>How many there are, <see cref="Other"/> included.</summary>
    public static int Count => Names.Length;

    /// <summary>No method of ours.</summary>
    public static MethodName Other => default;

    /// <summary>Place in the table.</summary>
    public int Index { get; }

    /// <summary>The method of a path as gRPC sends it: <c>/warehouse.v1.Variants/Seen</c>.</summary>
    public static MethodName Of(string path) => new(Paths.GetValueOrDefault(path));

    /// <summary>Service and method.</summary>
    public override string ToString() => Names[Index];

    private static IEnumerable<string> Find()
    {
        // One class per proto file holds its descriptor.
        var files = new[] { typeof(Variants).Assembly, typeof(Rpc.Services.HealthService).Assembly }.SelectMany(a => a.GetTypes())
            .Select(t => t.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static)).Where(p => p?.PropertyType == typeof(FileDescriptor)).Select(p => (FileDescriptor)p!.GetValue(null)!);
        return files.SelectMany(f => f.Services).SelectMany(s => s.Methods.Select(m => s.FullName + "/" + m.Name));
    }
}

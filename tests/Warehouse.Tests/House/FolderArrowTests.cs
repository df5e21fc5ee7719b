using System.Text.RegularExpressions;
using Warehouse.Engine;
using Xunit;

namespace Warehouse.Tests.House;

/// <summary>The folders of the engine are the steps of the data's journey; use between them points one way. Checked by symbol.</summary>
public sealed partial class FolderArrowTests
{
    private const string Root = "Warehouse.Engine";

    /// <summary>Folders that each folder may use, beside the types at the root and those of Coding, a leaf for all.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Coding"] = [],
        ["Vcf"] = [],
        ["Variants"] = ["Vcf"],
        ["Storage"] = [],
        ["Sealing"] = ["Storage"],
        ["Audit"] = ["Sealing", "Storage"],
        ["Release"] = ["Sealing", "Storage"],
        ["Manifests"] = ["Sealing", "Storage"],
        ["Events"] = ["Sealing", "Storage", "Manifests"],
        ["Linkage"] = ["Sealing", "Storage", "Manifests"],
        ["Samples"] = [],
        ["Catalog"] = ["Manifests", "Samples"],
        ["Access"] = ["Catalog", "Manifests", "Samples"],
        ["Arrow"] = [],
        ["Segments"] = ["Vcf", "Variants", "Manifests", "Sealing"],
        ["Compact"] = ["Segments", "Catalog", "Variants", "Manifests", "Sealing"],
        ["Annotations"] = ["Vcf", "Variants", "Segments", "Manifests", "Samples", "Sealing"],
        ["Ingest"] = ["Vcf", "Variants", "Segments", "Manifests", "Samples", "Catalog", "Sealing"],
        ["Query"] = ["Access", "Catalog", "Linkage", "Manifests", "Segments", "Variants", "Samples", "Arrow"],
        ["Export"] = ["Access", "Annotations", "Catalog", "Query", "Segments", "Variants", "Vcf", "Arrow"],
        ["Simulate"] = ["Vcf", "Variants"],
        ["Doctor"] = ["Storage", "Sealing", "Manifests", "Catalog", "Segments", "Variants"],
    };

    /// <summary>A type that reaches into a folder it should not, and why it still may. This list may shrink, never grow.</summary>
    private static readonly (string FromType, string ToFolder, string Reason)[] Exceptions = [];

    [Fact]
    public void Use_between_folders_of_the_engine_follows_the_arrows()
    {
        using var symbols = new SymbolReferences(typeof(InputException).Assembly.Location);
        var pairs = symbols.Read().Where(p => p.From.Namespace.StartsWith(Root, StringComparison.Ordinal) && p.To.Namespace.StartsWith(Root, StringComparison.Ordinal)).ToList();
        Assert.True(pairs.Count > 5, "the reader of symbols found next to nothing: it is broken");
        var unknown = pairs.SelectMany(p => new[] { Folder(p.From.Namespace), Folder(p.To.Namespace) }).Where(f => f.Length > 0 && !Allowed.ContainsKey(f)).Distinct()
            .Select(f => $"the folder {f} has no row in the table of arrows");
        var wrong = pairs.Where(p => !IsAllowed(Folder(p.From.Namespace), Folder(p.To.Namespace))).ToList();
        var broken = wrong.Where(p => !Exceptions.Any(e => Matches(e, p)))
            .Select(p => $"{Folder(p.From.Namespace)} must not use {Folder(p.To.Namespace)}: {p.From.Name} uses {p.To.Name}");
        var idle = Exceptions.Where(e => !wrong.Any(p => Matches(e, p))).Select(e => $"the exception {e.FromType} to {e.ToFolder} is no longer needed: remove it");
        Problems.None(unknown.Concat(broken).Concat(idle));
    }

    [Fact]
    public void Reader_of_symbols_sees_fields_signatures_locals_calls_and_generic_arguments()
    {
        using var symbols = new SymbolReferences(typeof(FolderArrowTests).Assembly.Location);
        var used = symbols.Read().Where(p => p.From.Name == nameof(ArrowProbe)).Select(p => p.To.Name).Order(StringComparer.Ordinal);
        Assert.Equal(["ProbeArgument", "ProbeCalled", "ProbeField", "ProbeLambda", "ProbeReturned", "ProbeTypeOf"], used);
    }

    [Fact]
    public void Arrows_have_no_circle_and_ingest_and_query_never_meet()
    {
        foreach (var folder in Allowed.Keys) Assert.DoesNotContain(folder, Reachable(folder));
        Assert.DoesNotContain("Query", Reachable("Ingest"));
        Assert.DoesNotContain("Ingest", Reachable("Query"));
    }

    [Fact]
    public void Namespaces_are_folders()
    {
        var problems = new List<string>();
        foreach (var project in SourceTree.Files(suffix: ".csproj").Select(p => Path.GetDirectoryName(p)!))
        {
            foreach (var path in SourceTree.Files(project, ".cs"))
            {
                // The primitives are one small namespace of tools; their folders only sort the files.
                if (project.EndsWith("Warehouse.Primitives", StringComparison.Ordinal)) continue;
                var folder = Path.GetRelativePath(project, Path.GetDirectoryName(path)!);
                // Generated code of gRPC names its runtime by this namespace.
                var expected = (Path.GetFileName(project) + (folder == "." ? "" : "." + folder.Replace('/', '.'))).Replace("Warehouse.Rpc.Core", "Grpc.Core");
                if (Namespace().Match(SourceTree.Read(path)) is { Success: true } found && found.Groups[1].Value != expected)
                    problems.Add($"{path}: namespace {found.Groups[1].Value}, expected {expected}");
            }
        }
        Problems.None(problems);
    }

    private static bool IsAllowed(string from, string to) =>
        from == to || from.Length == 0 || to.Length == 0 || to == "Coding" || (Allowed.TryGetValue(from, out var allowed) && allowed.Contains(to));

    private static bool Matches((string FromType, string ToFolder, string Reason) exception, (SymbolReferences.TypeName From, SymbolReferences.TypeName To) pair) =>
        exception.FromType == pair.From.Name && exception.ToFolder == Folder(pair.To.Namespace);

    /// <summary>First part below the root; empty for the root itself.</summary>
    private static string Folder(string space) => space.Length == Root.Length ? "" : space[(Root.Length + 1)..].Split('.')[0];

    private static HashSet<string> Reachable(string folder)
    {
        var seen = new HashSet<string>();
        var open = new Queue<string>(Allowed[folder]);
        while (open.TryDequeue(out var next))
            if (seen.Add(next)) foreach (var further in Allowed[next]) open.Enqueue(further);
        return seen;
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}

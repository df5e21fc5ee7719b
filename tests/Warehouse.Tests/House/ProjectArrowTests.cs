using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using Xunit;

namespace Warehouse.Tests.House;

/// <summary>References between projects point one way, in the project files and in what was compiled from them.</summary>
public sealed class ProjectArrowTests
{
    private const string Primitives = "Warehouse.Primitives", Engine = "Warehouse.Engine", Cli = "Warehouse.Cli", Rpc = "Warehouse.Rpc", Simulation = "Warehouse.Simulation", Units = "Warehouse.Units";
    private const string Protocol = "Warehouse.Protocol", Server = "Warehouse.Server", Client = "Warehouse.Client", Analyzers = "Warehouse.Analyzers", Clinic = "Warehouse.Clinic";

    /// <summary>Who may refer to whom. A project that is missing here is an error, so that each new one is thought about.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        [Primitives] = [],
        [Engine] = [Primitives],
        [Clinic] = [Primitives, Engine],
        [Rpc] = [],
        [Protocol] = [Rpc],
        [Analyzers] = [],
        [Server] = [Primitives, Engine, Clinic, Protocol, Rpc, Analyzers],
        [Client] = [Protocol, Rpc],
        [Cli] = [Primitives, Engine, Clinic, Client, Protocol, Rpc],
        [Simulation] = [Primitives, Engine, Clinic],
        [Units] = [Primitives, Engine, Clinic, Simulation],
        ["Warehouse.Tests"] = [Primitives, Engine, Clinic, Cli, Rpc, Server, Simulation, Units],
        ["Warehouse.Server.Tests"] = [Primitives, Engine, Clinic, Cli, Client, Protocol, Rpc, Server, Analyzers, Simulation, Units],
        ["Warehouse.Benchmarks"] = [Primitives, Engine, Clinic, Cli, Rpc, Protocol, Server, Client],
    };

    [Fact]
    public void Project_files_refer_along_the_arrows_only()
    {
        var problems = new List<string>();
        foreach (var path in SourceTree.Files(suffix: ".csproj"))
        {
            var name = Path.GetFileNameWithoutExtension(path);
            if (!Allowed.TryGetValue(name, out var allowed))
            {
                problems.Add($"{name} has no row in the table of arrows");
                continue;
            }
            var references = XDocument.Parse(SourceTree.Read(path)).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension((string)r.Attribute("Include")!));
            problems.AddRange(references.Where(r => !allowed.Contains(r)).Select(r => $"{name} must not refer to {r}"));
        }
        Problems.None(problems);
    }

    [Fact]
    public void Compiled_assemblies_refer_along_the_arrows_only()
    {
        foreach (var (name, file) in new[] { (Primitives, Primitives), (Engine, Engine), (Clinic, Clinic), (Cli, "warehouse"), (Rpc, Rpc), (Simulation, Simulation), (Units, Units) })
        {
            using var assembly = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, file + ".dll")));
            var metadata = assembly.GetMetadataReader();
            var ours = metadata.AssemblyReferences.Select(h => metadata.GetString(metadata.GetAssemblyReference(h).Name)).Where(n => n.StartsWith("Warehouse", StringComparison.OrdinalIgnoreCase));
            Problems.None(ours.Except(Allowed[name]).Select(r => $"{name} refers to {r}"));
        }
    }

    [Fact]
    public void Unsafe_code_compiles_in_the_primitives_and_in_the_tests_that_guard_them_only()
    {
        var projects = SourceTree.Files(suffix: ".csproj").Where(p => XDocument.Parse(SourceTree.Read(p)).Descendants("AllowUnsafeBlocks").Any(e => e.Value == "true"));
        Problems.None(projects.Except(["engine/Warehouse.Primitives/Warehouse.Primitives.csproj", "tests/Warehouse.Units/Warehouse.Units.csproj"]));
    }
}

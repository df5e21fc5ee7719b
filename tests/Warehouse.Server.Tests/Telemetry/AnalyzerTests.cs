using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Warehouse.Analyzers;
using Warehouse.Server.Telemetry;
using Warehouse.Tests;
using Xunit;

namespace Warehouse.Server.Tests.Telemetry;

/// <summary>Each ban by a snippet that breaks it, compiled here; that the server itself keeps them, its build shows.</summary>
public sealed class AnalyzerTests
{
    /// <summary>A snippet is the body of a method of the server that has these.</summary>
    private const string Given = "System.Exception e, System.Net.Sockets.SocketException s, Warehouse.Engine.InputException i, Microsoft.Extensions.Logging.ILogger log, string name, System.Text.StringBuilder text";

    private static readonly ImmutableArray<MetadataReference> References =
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(':').Where(p => Path.GetFileName(p) is not "Warehouse.Server.Tests.dll").Select(p => (MetadataReference)MetadataReference.CreateFromFile(p))];

    [Theory]
    [InlineData("return e.Message;")]
    [InlineData("return s.Message;")] // an override
    [InlineData("return i.Message;")]
    [InlineData("return e.InnerException!.StackTrace!;")]
    [InlineData("return e.ToString();")]
    [InlineData("return s.ToString();")]
    [InlineData("return e.Data.ToString()!;")]
    [InlineData("return $\"{e}\";")]
    [InlineData("return $\"{s,40}\";")]
    [InlineData("return \"failed: \" + e;")]
    [InlineData("return string.Concat(\"failed: \", e);")]
    [InlineData("return string.Format(\"{0}\", e);")]
    [InlineData("return string.Join(\",\", (object[])new[] { e });")]
    [InlineData("return string.Join(\",\", new System.Collections.Generic.List<System.Exception> { e });")]
    [InlineData("return System.Text.Json.JsonSerializer.Serialize(e);")]
    [InlineData("return System.Convert.ToString(e)!;")]
    [InlineData("return text.Append(e).ToString();")]
    [InlineData("object o = e; return o.ToString()!;")]
    [InlineData("return System.Text.Json.JsonSerializer.Serialize<object>(e);")]
    [InlineData("System.Func<string> f = e.ToString; return f();")]
    [InlineData("try { } catch (System.IO.IOException x) { return x.Message; } return \"\";")]
    [InlineData("static string Of<T>(T x) where T : System.Exception => x.Message; return Of(e);")]
    [InlineData("return e is { Message: var m } ? m : \"\";")]
    public void An_exception_is_not_made_into_text(string body) => Assert.Equal(["WH1001"], Problems(Method(body)).Distinct());

    [Theory]
    [InlineData("log.LogInformation(\"a {Name}\", name); return \"\";")]
    [InlineData("log.LogError($\"a {name}\"); return \"\";")]
    [InlineData("log.Log(LogLevel.Error, name); return \"\";")]
    [InlineData("log.Log<string>(LogLevel.Error, new EventId(1102), name, null, (x, _) => x); return \"\";")]
    [InlineData("using var scope = log.BeginScope(name); return \"\";")]
    [InlineData("LoggerMessage.Define<string>(LogLevel.Error, new EventId(1), \"{x}\")(log, name, null); return \"\";")]
    [InlineData("System.Action<string, object?[]> f = log.LogWarning; f(name, System.Array.Empty<object?>()); return \"\";")]
    public void Only_templates_log(string body) => Assert.Equal(["WH1002"], Problems("using Microsoft.Extensions.Logging;\n" + Method(body)).Distinct());

    [Theory]
    [InlineData("string name")]
    [InlineData("object name")]
    [InlineData("System.Exception name")]
    [InlineData("Warehouse.Engine.InputPlace name")]
    [InlineData("System.Collections.Generic.List<int> name")]
    [InlineData("int? name")]
    [InlineData("System.Uri name")]
    [InlineData("Warehouse.Primitives.Phi<string> name")]
    [InlineData("char name")]
    public void A_template_takes_no_type_that_may_hold_text(string parameter) => Assert.Equal(["WH1003"], Problems(Template("ServerLog", parameter)));

    [Theory]
    [InlineData("int name")]
    [InlineData("System.TimeSpan name")]
    [InlineData("MethodName name")]
    [InlineData("RefusalReason name")]
    [InlineData("Warehouse.Engine.Sealing.FileId name")]
    public void A_template_takes_numbers_sets_and_ids(string parameter) => Assert.Empty(Problems(Template("ServerLog", parameter)));

    [Fact]
    public void A_template_elsewhere_is_refused() => Assert.Equal(["WH1002"], Problems(Template("OtherLog", "int name")));

    [Fact]
    public void Telemetry_does_not_reveal()
    {
        const string Body = "static string Of(Warehouse.Primitives.Phi<string> p) => p.Reveal();";
        Assert.Equal(["WH1004"], Problems("namespace Warehouse.Server.Telemetry; class C { " + Body + " }"));
        Assert.Empty(Problems("namespace Warehouse.Server.Services; class C { " + Body + " }"));
    }

    [Theory]
    [InlineData("throw new System.InvalidOperationException(\"x\", e);")]
    [InlineData("return e.GetType().Name;")]
    [InlineData("return i.Code;")]
    [InlineData("log.CallFailed(MethodName.Other, Incident.Of(e), default); return \"\";")]
    [InlineData("return log.IsEnabled(LogLevel.Debug) ? \"\" : \"x\";")]
    [InlineData("var t = new System.Threading.Tasks.TaskCompletionSource(); t.SetException(e); return \"\";")]
    [InlineData("return e is System.IO.IOException { HResult: 32 } ? \"a\" : \"b\";")]
    public void What_a_service_needs_is_allowed(string body) => Assert.Empty(Problems("using Microsoft.Extensions.Logging;\nusing Warehouse.Server.Telemetry;\n" + Method(body)));

    [Fact]
    public void A_pragma_does_not_turn_the_analyzer_off() =>
        Assert.Equal(["WH1001"], Problems("#pragma warning disable WH1001\n" + Method("return e.Message;")));

    [Fact]
    public void The_analyzer_and_the_log_know_the_same_types() =>
        Assert.Equal(LogTypes.Allowed.Select(t => t.FullName!).Order(StringComparer.Ordinal), TelemetryAnalyzer.AllowedTypes.Order(StringComparer.Ordinal));

    /// <summary>The list of banned symbols is read at build time by an analyzer that is not ours: a name with a slip in it would ban nothing.</summary>
    [Fact]
    public void Every_banned_symbol_is_one()
    {
        var compilation = CSharpCompilation.Create("x", references: References);
        var lines = File.ReadAllLines(Path.Combine(TestData.ProjectRoot, "BannedSymbols.Server.txt"));
        Assert.All(lines, l => Assert.NotEmpty(DocumentationCommentId.GetSymbolsForDeclarationId(l.Split(';')[0], compilation)));
        Assert.All(lines, l => Assert.True(l.Split(';') is [_, { Length: > 10 }], l));
        Assert.Contains(lines, l => l.StartsWith("T:System.Console;", StringComparison.Ordinal));
    }

    /// <summary>Who may use a banned symbol, and nobody else: the list may shrink, never grow without a reason here.</summary>
    [Fact]
    public void Bans_are_lifted_in_the_files_listed_here_only()
    {
        string[] may =
        [
            "Program.cs", // what the first start prints
            "Telemetry/Series.cs", "Telemetry/ServerMetrics.cs", "Telemetry/ServerTraces.cs", // where instruments and spans are made
        ];
        var folder = Path.Combine(TestData.ProjectRoot, "server/Warehouse.Server");
        var lifted = Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories).Where(f => File.ReadAllText(f) is var t && (t.Contains("RS0030", StringComparison.Ordinal) || t.Contains("WH100", StringComparison.Ordinal) || t.Contains("SuppressMessage", StringComparison.Ordinal)));
        // What quotes a release, which is public, is told to who sent it, in one place; of other input nothing can be quoted.
        Assert.Equal(["Services/IngestService.cs"], Directory.GetFiles(folder, "*.cs", SearchOption.AllDirectories).Where(f => File.ReadAllText(f).Contains(nameof(Engine.Annotations.ReleaseFault), StringComparison.Ordinal)).Select(f => Path.GetRelativePath(folder, f)));
        Assert.Equal(may.Order(StringComparer.Ordinal), lifted.Select(f => Path.GetRelativePath(folder, f)).Order(StringComparer.Ordinal));
        var project = File.ReadAllText(Path.Combine(folder, "Warehouse.Server.csproj"));
        Assert.Contains("BannedSymbols.Server.txt", project, StringComparison.Ordinal);
        Assert.Contains("OutputItemType=\"Analyzer\"", project, StringComparison.Ordinal);
        Assert.DoesNotContain("NoWarn", project, StringComparison.Ordinal);
    }

    private static string Method(string body) => $"namespace Warehouse.Server.Services; static class C {{ static string M({Given}) {{ {body} }} }}";

    private static string Template(string type, string parameter) => $$"""
        using Microsoft.Extensions.Logging;
        namespace Warehouse.Server.Telemetry;
        static partial class {{type}}
        {
            [LoggerMessage(2000, LogLevel.Information, "{name}")]
            public static partial void Event(this ILogger log, {{parameter}});
            public static partial void Event(this ILogger log, {{parameter}}) { }
        }
        """;

    private static List<string> Problems(string source)
    {
        // Names of the server's own assembly, so that internal types are seen.
        var options = new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable);
        var compilation = CSharpCompilation.Create("Warehouse.Server.Tests", [CSharpSyntaxTree.ParseText(source, CSharpParseOptions.Default.WithLanguageVersion(LanguageVersion.Preview))], References, options);
        Assert.Empty(compilation.GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Error && d.Id is not "CS0436"));
        return [.. compilation.WithAnalyzers([new TelemetryAnalyzer()]).GetAnalyzerDiagnosticsAsync().Result.Select(d => d.Id).Distinct()];
    }
}

using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Warehouse.Analyzers;

/// <summary>
/// Keeps data of persons out of logs, metrics and traces at build time. What a plain list of symbols can ban stands in
/// <c>BannedSymbols.Server.txt</c>; here is what it cannot say, since it depends on types:
/// <list type="bullet">
/// <item>WH1001: an exception made into text, whatever it is called through: its message, ToString, stack or data, an interpolation, an
/// addition to a string, a conversion to object. Only <c>Incident</c> may look into one, and what answers a terminal before a server runs
/// (<see cref="Terminals"/>).</item>
/// <item>WH1002: a log event that is not a template of <c>ServerLog</c>, or a call of a logger that is not one of them.</item>
/// <item>WH1003: a template of <c>ServerLog</c> with a parameter whose type may hold text.</item>
/// <item>WH1004: a protected value (<c>Phi</c>) revealed in the namespace of telemetry, but by the scrubber.</item>
/// </list>
/// </summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
public sealed class TelemetryAnalyzer : DiagnosticAnalyzer
{
    /// <summary>Types of parameters of templates, beside enums.</summary>
    public static readonly ImmutableHashSet<string> AllowedTypes = ImmutableHashSet.Create(
        "System.Boolean", "System.Byte", "System.SByte", "System.Int16", "System.UInt16", "System.Int32", "System.UInt32", "System.Int64", "System.UInt64", "System.Single", "System.Double", "System.Decimal", "System.TimeSpan",
        Telemetry + ".MethodName", Telemetry + ".PrincipalTag", Telemetry + ".Incident", "Warehouse.Engine.Sealing.FileId");

    /// <summary>Types that speak to who typed the command line, of what he typed.</summary>
    public static readonly ImmutableHashSet<string> Terminals = ImmutableHashSet.Create("Warehouse.Server.Program", "Warehouse.Server.Identity.CertificateCommand");

    private const string Telemetry = "Warehouse.Server.Telemetry", Log = Telemetry + ".ServerLog", Logging = "Microsoft.Extensions.Logging";

    private static readonly SymbolDisplayFormat Full = SymbolDisplayFormat.CSharpErrorMessageFormat.WithMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.None);

    private static readonly DiagnosticDescriptor ExceptionText = Rule("WH1001", "an exception's text may quote data: tell its Incident");
    private static readonly DiagnosticDescriptor OtherLog = Rule("WH1002", "log by a template of ServerLog");
    private static readonly DiagnosticDescriptor TemplateType = Rule("WH1003", "a value of the type {0} may hold data: templates take numbers, times, members of fixed sets and ids");
    private static readonly DiagnosticDescriptor Revealed = Rule("WH1004", "telemetry never reveals a protected value");

    /// <inheritdoc/>
    public override ImmutableArray<DiagnosticDescriptor> SupportedDiagnostics { get; } = [ExceptionText, OtherLog, TemplateType, Revealed];

    /// <inheritdoc/>
    public override void Initialize(AnalysisContext context)
    {
        // What the compiler's own generators write for ServerLog is theirs.
        context.ConfigureGeneratedCodeAnalysis(GeneratedCodeAnalysisFlags.None);
        context.EnableConcurrentExecution();
        context.RegisterSymbolAction(CheckTemplate, SymbolKind.Method);
        context.RegisterOperationAction(CheckCall, OperationKind.Invocation, OperationKind.MethodReference);
        context.RegisterOperationAction(CheckProperty, OperationKind.PropertyReference);
        context.RegisterOperationAction(CheckConversion, OperationKind.Conversion);
        context.RegisterOperationAction(CheckInterpolation, OperationKind.Interpolation);
    }

    private static DiagnosticDescriptor Rule(string id, string text) => new(id, text, text, "Telemetry", DiagnosticSeverity.Error, isEnabledByDefault: true, customTags: WellKnownDiagnosticTags.NotConfigurable);

    private static void CheckTemplate(SymbolAnalysisContext context)
    {
        var method = (IMethodSymbol)context.Symbol;
        if (!method.GetAttributes().Any(a => a.AttributeClass?.ToDisplayString() == Logging + ".LoggerMessageAttribute")) return;
        if (method.ContainingType.ToDisplayString() != Log) context.ReportDiagnostic(Diagnostic.Create(OtherLog, method.Locations[0]));
        foreach (var parameter in method.Parameters)
        {
            var type = parameter.Type;
            if (type.TypeKind != TypeKind.Enum && !AllowedTypes.Contains(NameOf(type)) && NameOf(type) != Logging + ".ILogger") context.ReportDiagnostic(Diagnostic.Create(TemplateType, parameter.Locations[0], type.ToDisplayString()));
        }
    }

    private static void CheckCall(OperationAnalysisContext context)
    {
        var (method, instance) = context.Operation switch
        {
            IInvocationOperation call => (call.TargetMethod, call.Instance),
            IMethodReferenceOperation reference => (reference.Method, reference.Instance),
            _ => (null, null),
        };
        if (method is null) return;
        var owner = NameOf(method.ContainingType.OriginalDefinition);
        if (IsLogger(method.ContainingType) || (owner.StartsWith(Logging + ".Logger", System.StringComparison.Ordinal) && method.Name is not ("CreateLogger" or "AddProvider" or "SetMinimumLevel" or "Dispose")))
        {
            // A logger's own methods are called by code that the compiler generates; to ask whether it listens tells nothing.
            if (method.Name != "IsEnabled" && !IsIn(context, Telemetry + ".LineLog")) Report(context, OtherLog);
        }
        if (method.Name == "ToString" && IsException(instance?.Type) && !MayTell(context)) Report(context, ExceptionText);
        if (method.TypeArguments.Any(IsException) && owner is "System.String" or "System.Text.StringBuilder" or "System.Text.Json.JsonSerializer" && !MayTell(context)) Report(context, ExceptionText);
        if (method.Name == "Reveal" && owner == "Warehouse.Primitives.Phi<T>" && InTelemetry(context) && !IsIn(context, Telemetry + ".Scrubber")) Report(context, Revealed);
    }

    private static void CheckProperty(OperationAnalysisContext context)
    {
        var reference = (IPropertyReferenceOperation)context.Operation;
        if (reference.Property.Name is "Message" or "StackTrace" or "Data" or "Source" or "HelpLink" && IsException(reference.Instance?.Type) && IsException(reference.Property.ContainingType) && !MayTell(context))
            Report(context, ExceptionText);
    }

    private static void CheckConversion(OperationAnalysisContext context)
    {
        var conversion = (IConversionOperation)context.Operation;
        var (from, to) = conversion.Operand.Type is IArrayTypeSymbol several ? (several.ElementType, (conversion.Type as IArrayTypeSymbol)?.ElementType) : (conversion.Operand.Type, conversion.Type);
        if (IsException(from) && to is { SpecialType: SpecialType.System_Object } && !MayTell(context)) Report(context, ExceptionText);
    }

    private static void CheckInterpolation(OperationAnalysisContext context)
    {
        if (IsException(((IInterpolationOperation)context.Operation).Expression.Type) && !MayTell(context)) Report(context, ExceptionText);
    }

    private static void Report(OperationAnalysisContext context, DiagnosticDescriptor rule) => context.ReportDiagnostic(Diagnostic.Create(rule, context.Operation.Syntax.GetLocation()));

    private static bool IsLogger(ITypeSymbol type) => NameOf(type.OriginalDefinition) is Logging + ".ILogger" or Logging + ".ILogger<TCategoryName>";

    private static bool IsException(ITypeSymbol? type)
    {
        for (var at = type is ITypeParameterSymbol parameter ? parameter.ConstraintTypes.FirstOrDefault() : type; at is not null; at = at.BaseType)
            if (NameOf(at) == "System.Exception") return true;
        return false;
    }

    private static bool InTelemetry(OperationAnalysisContext context) => context.ContainingSymbol.ContainingNamespace?.ToDisplayString() == Telemetry;

    private static bool MayTell(OperationAnalysisContext context) => IsIn(context, Telemetry + ".Incident") || Terminals.Any(t => IsIn(context, t));

    private static bool IsIn(OperationAnalysisContext context, string type)
    {
        for (var at = context.ContainingSymbol; at is not null; at = at.ContainingSymbol)
            if (at is INamedTypeSymbol named && NameOf(named) == type) return true;
        return false;
    }

    /// <summary>Namespace and name, type parameters in angle brackets: <c>System.Int32</c>, <c>Warehouse.Primitives.Phi&lt;T&gt;</c>.</summary>
    private static string NameOf(ITypeSymbol type) => type.ToDisplayString(Full);
}

using System.Collections.Frozen;

namespace Warehouse.Engine.Samples;

/// <summary>A column of a sample sheet.</summary>
/// <param name="Name">Its name, without <c>:aggregate</c>; case counts.</param>
/// <param name="Class">How far its values may travel.</param>
public sealed record SheetColumn(string Name, DataClass Class)
{
    /// <summary>Name of the one column that every sheet has.</summary>
    public const string Sample = "sample";

    /// <summary>The person that a sample was taken from.</summary>
    public const string Person = "person";

    /// <summary>What research the donor agreed to: terms of the Data Use Ontology, separated by spaces, commas or semicolons.</summary>
    public const string Consent = "duo";

    /// <summary>Last day of that consent, as YYYY-MM-DD.</summary>
    public const string ConsentUntil = "consent_until";

    /// <summary>Whether its values may name groups of an answer.</summary>
    internal bool IsAggregate => Class is DataClass.Aggregate or DataClass.Public;

    /// <summary>The columns that the warehouse knows, with their fixed class.</summary>
    public static FrozenDictionary<string, DataClass> Known { get; } = new Dictionary<string, DataClass>
    {
        [Sample] = DataClass.Pseudonymous,
        [Person] = DataClass.Phi,
        ["counts"] = DataClass.Pseudonymous,
        ["sex"] = DataClass.Aggregate,
        ["ancestry"] = DataClass.Aggregate,
        ["assay"] = DataClass.Aggregate,
        ["affected"] = DataClass.Aggregate,
        ["family"] = DataClass.Phi,
        [Consent] = DataClass.Pseudonymous,
        [ConsentUntil] = DataClass.Pseudonymous,
        ["fastq_sha256"] = DataClass.Phi,
        ["aligner"] = DataClass.Aggregate,
        ["caller"] = DataClass.Aggregate,
        ["filters"] = DataClass.Aggregate,
        ["model_version"] = DataClass.Aggregate,
        ["order_ref"] = DataClass.Phi,
        ["operator"] = DataClass.Phi,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>True for a text that names a column in a sheet and in a filter without quotes.</summary>
    internal static bool IsName(string text)
    {
        if (text.Length is 0 or > SampleSheet.MaxNameLength || SampleFilter.IsKeyword(text)) return false;
        return IsNameStart(text[0]) && text.All(IsNamePart);
    }

    /// <summary>True for a letter or <c>_</c>.</summary>
    internal static bool IsNameStart(char c) => char.IsLetter(c) || c == '_';

    /// <summary>True for what may follow the first character.</summary>
    internal static bool IsNamePart(char c) => char.IsLetterOrDigit(c) || c is '_' or '-' or '.';
}

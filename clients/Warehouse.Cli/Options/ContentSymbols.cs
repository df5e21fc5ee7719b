using System.CommandLine;
using System.Text;
using Warehouse.Clinic;
using Warehouse.Clinic.Assessments;
using Warehouse.Engine;

namespace Warehouse.Cli.Options;

/// <summary>The content of an assessment: by options, the long and the private parts from files, so that they stand in no list of processes.</summary>
internal sealed class ContentSymbols
{
    private readonly Option<string?> _condition = new("--condition") { HelpName = "MONDO", Description = "The condition: MONDO: and seven digits." };
    private readonly Option<string?> _name = new("--condition-name") { HelpName = "TEXT", Description = "Its name." };
    private readonly Option<string?> _class = new("--class") { HelpName = "CLASS", Description = "pathogenic, likely-pathogenic, uncertain, uncertain-high, uncertain-mid, uncertain-low, likely-benign or benign; as the criteria imply where not said." };
    private readonly Option<string[]> _criteria = new("--criterion") { HelpName = "CODE[=STRENGTH[:EVIDENCE]]", Description = "A criterion that is met, at its own strength or another: PVS1, PM2=supporting, PS3=moderate:assay.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string?> _difference = new("--difference") { HelpName = "TEXT", Description = "Why the class is not the one that the criteria imply." };
    private readonly Option<string?> _inheritance = new("--inheritance") { HelpName = "WORD", Description = "autosomal-dominant, autosomal-recessive, semidominant, x-linked, y-linked, mitochondrial or unknown." };
    private readonly Option<string[]> _references = new("--reference") { HelpName = "PMID:N", Description = "A publication.", AllowMultipleArgumentsPerToken = true };
    private readonly Option<string?> _text = new("--text-file") { HelpName = "FILE", Description = "Free text; - is standard input." };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_condition, _name, _class, _criteria, _difference, _inheritance, _references, _text]) command.Options.Add(option);
    }

    /// <summary>What the options say, on top of what was there.</summary>
    /// <param name="parsed">The line.</param>
    /// <param name="context">Where files come from.</param>
    /// <param name="allele">Of this allele.</param>
    /// <param name="before">What was said before; null = nothing.</param>
    public AssessmentContent Read(ParseResult parsed, CliContext context, AssessedAllele allele, AssessmentContent? before)
    {
        var condition = parsed.GetValue(_condition) ?? before?.ConditionId ?? throw new InputException("assess-condition", "name the condition by --condition", InputPlace.None);
        var content = before ?? new AssessmentContent { Allele = allele, ConditionId = condition, Class = Tier.Uncertain };
        content = content with
        {
            ConditionId = condition, ConditionName = parsed.GetValue(_name) ?? content.ConditionName,
            Criteria = parsed.GetValue(_criteria) is { Length: > 0 } criteria ? [.. criteria.Select(Use)] : content.Criteria,
            References = parsed.GetValue(_references) is { Length: > 0 } references ? references : content.References,
            Inheritance = parsed.GetValue(_inheritance) is { } way ? Words.Parse<Inheritance>(way) : content.Inheritance,
            Text = parsed.GetValue(_text) is { } file ? WholeText(file, context) : content.Text,
        };
        var (tier, third) = parsed.GetValue(_class) is { } word ? ClassOf(word) : before is null || parsed.GetValue(_criteria) is { Length: > 0 } ? (content.Implied, null) : (content.Class, content.Uncertain);
        var differs = tier != content.Implied;
        return content with { Class = tier, Uncertain = third, DifferenceReason = parsed.GetValue(_difference) ?? (differs ? content.DifferenceReason : "") };
    }

    private static (Tier, UncertainTier?) ClassOf(string word) =>
        word.StartsWith("uncertain-", StringComparison.Ordinal) ? (Tier.Uncertain, Words.Parse<UncertainTier>(word["uncertain-".Length..])) : (Words.Parse<Tier>(word), null);

    private static CriterionUse Use(string text)
    {
        var (code, rest) = Cut(text, '=');
        Criterion.OrderOf(code);
        var (strength, evidence) = Cut(rest, ':');
        return new CriterionUse(code, strength.Length == 0 ? Criterion.DefaultStrength(code) : Words.Parse<Strength>(strength), evidence);
    }

    private static (string Before, string After) Cut(string text, char at) => text.IndexOf(at, StringComparison.Ordinal) is >= 0 and var place ? (text[..place], text[(place + 1)..]) : (text, "");

    private static string WholeText(string path, CliContext context)
    {
        if (path != "-" && !File.Exists(path)) throw new InputException("no-file", "no such file", new InputPlace(path, 0, 0, ""));
        using var stream = path == "-" ? context.OpenInput() : File.OpenRead(path);
        var bytes = new byte[AssessmentContent.MaxTextBytes + 1];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (length > AssessmentContent.MaxTextBytes) throw new InputException("assess-text", $"a text has at most {AssessmentContent.MaxTextBytes} bytes", InputPlace.None);
        var utf8 = bytes.AsSpan(0, length);
        return System.Text.Unicode.Utf8.IsValid(utf8) ? Encoding.UTF8.GetString(utf8).TrimEnd('\n', '\r') : throw new InputException("text-encoding", "not UTF-8", new InputPlace(path, 0, 0, ""));
    }
}

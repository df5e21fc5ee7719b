using System.Text.Json;
using Warehouse.Engine;

namespace Warehouse.Clinic.Assessments;

/// <summary>What the laboratory has laid down for its assessments. Immutable.</summary>
public sealed record AssessmentSettings
{
    /// <summary>What is in force before anybody has laid anything down.</summary>
    public static AssessmentSettings Default { get; } = new();

    /// <summary>Name of the laboratory in what it exports; 1 to 100 characters.</summary>
    public string Laboratory { get; init; } = "own";

    /// <summary>BA1 is suggested where FAF95 is at least this.</summary>
    public double Ba1 { get; init; } = 0.05;

    /// <summary>BS1 is suggested where FAF95 is at least this; below <see cref="Ba1"/>.</summary>
    public double Bs1 { get; init; } = 0.01;

    /// <summary>PM2, as supporting, is suggested where AC over AN is at most this; below <see cref="Bs1"/>.</summary>
    public double Pm2 { get; init; }

    /// <summary>With fewer alleles assessed than this nothing is suggested.</summary>
    public long LeastAlleles { get; init; } = 2000;

    internal AssessmentSettings Checked()
    {
        if (Laboratory.Length is 0 or > 100 || Laboratory.Any(char.IsControl)) throw Bad("the name of a laboratory has 1 to 100 characters");
        if (!(Pm2 >= 0 && Pm2 < Bs1 && Bs1 < Ba1 && Ba1 <= 1)) throw Bad("the frequencies of PM2, BS1 and BA1 rise, from 0 to 1");
        if (LeastAlleles < 1) throw Bad("at least one allele");
        return this;
    }

    internal static AssessmentSettings Read(ref JsonMembers members) => new AssessmentSettings
    {
        Laboratory = members.Text("laboratory"), Ba1 = members.Real("ba1"), Bs1 = members.Real("bs1"), Pm2 = members.Real("pm2"), LeastAlleles = members.Number("least_alleles"),
    }.Checked();

    internal void Write(Utf8JsonWriter json)
    {
        json.WriteString("laboratory", Laboratory);
        json.WriteNumber("ba1", Ba1);
        json.WriteNumber("bs1", Bs1);
        json.WriteNumber("pm2", Pm2);
        json.WriteNumber("least_alleles", LeastAlleles);
    }

    private static InputException Bad(string text) => new("assess-settings", text, InputPlace.None);
}

namespace Warehouse.Cli.Output;

/// <summary>Figures below the level record, as a server released them: what is held back is a missing cell, never a zero.</summary>
internal sealed record ReleasedCells
{
    /// <summary>The answer that stands in the place of "not seen"; null = the answer is seen or not assessable.</summary>
    public string? Told { get; init; }

    /// <summary>Why cells are missing, in words; null where the answer's reason says it, and when none is held back.</summary>
    public string? Note { get; init; }

    /// <summary>Called alleles equal to the variant.</summary>
    public long? Ac { get; init; }

    /// <summary>Called and reference alleles, rounded.</summary>
    public long? An { get; init; }

    /// <summary>Frequency, rounded.</summary>
    public double? Af { get; init; }

    /// <summary>Samples with the variant in all their called alleles.</summary>
    public long? HomAlt { get; init; }

    /// <summary>Samples with at least one copy.</summary>
    public long? Carriers { get; init; }

    /// <summary>Writes the cells of the figures, as many as <see cref="RowWriter.Figures"/>.</summary>
    public void Write(RowWriter writer)
    {
        writer.Integer(Ac);
        writer.Integer(An);
        writer.Real(Af ?? double.NaN);
        writer.Missing();
        writer.Integer(HomAlt);
        writer.Missing();
        writer.Missing();
        writer.Integer(Carriers);
        for (var cell = 0; cell < 5; cell++) writer.Missing();
    }
}

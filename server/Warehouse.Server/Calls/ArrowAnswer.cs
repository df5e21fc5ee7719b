using Warehouse.Engine.Arrow;
using Warehouse.Engine.Query;

namespace Warehouse.Server.Calls;

/// <summary>
/// Rows of an answer as one Arrow IPC stream: text as Utf8, whole numbers as Int64, others as Float64, missing as null. The columns are those
/// that the command line writes with <c>--format arrow</c>. One thread.
/// </summary>
internal sealed class ArrowAnswer
{
    // Long enough to be quick; the first batch is short, so that the first rows come at once.
    private const int MaxRows = 1 << 14, FirstRows = 256, MaxBytes = 2 << 20;

    private static readonly string[] Place = ["contig", "pos", "ref", "alt"];
    private static readonly string[] Figures = ["ac", "an", "af", "n_het", "n_hom_alt", "n_hemi", "n_half", "carriers", "n_no_call", "n_not_assessed", "n_samples", "an_assumed", "faf95"];
    private static readonly HashSet<string> Texts = ["contig", "ref", "alt", "group", "sample", "gt", "zygosity"];
    private static readonly HashSet<string> Reals = ["af", "faf95", "af_cases", "af_controls", "odds_ratio", "p"];

    private readonly ArrowBatchBuilder _batch;
    private readonly ArrowStreamWriter _writer;
    private readonly ChunkStream _stream;
    private int _at;
    private int _mostRows = FirstRows;

    public ArrowAnswer(ChunkStream stream, ArrowSchema schema)
    {
        (_batch, _stream) = (new ArrowBatchBuilder(schema), stream);
        _writer = new ArrowStreamWriter(stream, schema);
    }

    /// <summary>Rows written.</summary>
    public long Rows { get; private set; }

    /// <summary>Columns of frequencies.</summary>
    public static ArrowSchema Frequencies(bool symbolic, bool grouped) => Schema([.. Place, .. symbolic ? ["end"] : Array.Empty<string>(), .. grouped ? ["group"] : Array.Empty<string>(), .. Figures]);

    /// <summary>Columns of the comparison of two cohorts.</summary>
    public static ArrowSchema CaseControl { get; } = Schema([.. Place, "ac_cases", "an_cases", "af_cases", "ac_controls", "an_controls", "af_controls", "odds_ratio", "p"]);

    /// <summary>Columns of genotypes.</summary>
    public static ArrowSchema Genotypes { get; } = Schema([.. Place, "sample", "gt", "zygosity", "gq", "dp", "ad_ref", "ad_alt"]);

    /// <summary>Rows of a batch of frequencies.</summary>
    public void Write(FrequencyBatch batch, bool symbolic, bool grouped)
    {
        for (var variant = 0; variant < batch.Count; variant++)
        {
            for (var group = 0; group < batch.GroupCount; group++)
            {
                Text(batch.Contig);
                Integer(batch.Start(variant) + 1L);
                _batch[_at++].Append(batch.Ref(variant));
                _batch[_at++].Append(batch.Alt(variant));
                if (symbolic) Integer(batch.End(variant) < 0 ? null : batch.End(variant));
                if (grouped) Text(batch.Groups[group]);
                var f = batch.Figures(variant, group);
                Integer(f.Ac);
                Integer(f.An);
                Real(Af(f));
                foreach (var figure in (ReadOnlySpan<long>)[f.NHet, f.NHomAlt, f.NHemi, f.NHalf, f.Carriers, f.NNoCall, f.NNotAssessed, f.NSamples, f.AnAssumed]) Integer(figure);
                Real(Faf95.Of(f.Ac, f.An));
                EndRow();
            }
        }
    }

    /// <summary>A row of the comparison of two cohorts.</summary>
    public void Write(CaseControlRow row)
    {
        WritePlace(row.Contig, row.Start, row.Ref, row.Alt);
        foreach (var f in (ReadOnlySpan<CountFigures>)[row.Cases, row.Controls])
        {
            Integer(f.Ac);
            Integer(f.An);
            Real(Af(f));
        }
        Real(row.OddsRatio);
        Real(row.PValue);
        EndRow();
    }

    /// <summary>A genotype.</summary>
    public void Write(Engine.Export.GenotypeRow row)
    {
        WritePlace(row.Contig, row.Start, row.Ref, row.Alt);
        Text(row.Sample);
        Text(row.Genotype);
        Text(row.Zygosity switch { Zygosity.Het => "het", Zygosity.Hom => "hom_alt", Zygosity.Hemi => "hemi", _ => "half" });
        foreach (var number in (ReadOnlySpan<int?>)[row.Gq, row.Dp, row.DepthRef, row.DepthAlt]) Integer(number);
        EndRow();
    }

    /// <summary>Ends the stream and sends all of it.</summary>
    public void Complete()
    {
        if (_batch.RowCount > 0) WriteBatch();
        _writer.Complete();
        _stream.Send();
    }

    private static ArrowSchema Schema(string[] columns) => new([.. columns.Select(c => new ArrowField(c, Texts.Contains(c) ? ArrowType.Utf8 : Reals.Contains(c) ? ArrowType.Float64 : ArrowType.Int64))]);

    private static double Af(in CountFigures figures) => figures.An == 0 ? double.NaN : (double)figures.Ac / figures.An;

    private void WritePlace(string contig, int start, string reference, string alternate)
    {
        Text(contig);
        Integer(start + 1L);
        Text(reference);
        Text(alternate);
    }

    private void Text(string? text) => _batch[_at++].Append(text);

    private void Integer(long? value)
    {
        if (value is { } number) _batch[_at++].Append(number);
        else _batch[_at++].AppendNull();
    }

    private void Real(double value)
    {
        if (double.IsNaN(value)) _batch[_at++].AppendNull();
        else _batch[_at++].Append(value);
    }

    private void EndRow()
    {
        _at = 0;
        Rows++;
        if (_batch.RowCount < _mostRows && (_batch.RowCount % 64 != 0 || _batch.LengthBytes < MaxBytes)) return;
        WriteBatch();
        if (_mostRows == FirstRows) _stream.Send();
        _mostRows = MaxRows;
    }

    private void WriteBatch()
    {
        _writer.Write(_batch);
        _batch.Clear();
    }
}

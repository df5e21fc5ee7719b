using System.Text;
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

    /// <summary>Rows between two looks at how many bytes a batch has.</summary>
    private const int Strip = 64;

    private static readonly string[] Place = ["contig", "pos", "ref", "alt"];
    private static readonly string[] Figures = ["ac", "an", "af", "n_het", "n_hom_alt", "n_hemi", "n_half", "carriers", "n_no_call", "n_not_assessed", "n_samples", "an_assumed", "faf95"];
    private static readonly HashSet<string> Texts = ["query", "contig", "ref", "alt", "group", "sample", "gt", "zygosity"];
    private static readonly HashSet<string> Reals = ["af", "faf95", "af_cases", "af_controls", "odds_ratio", "p"];

    private readonly ArrowBatchBuilder _batch;
    private readonly ArrowStreamWriter _writer;
    private readonly AnswerStream _stream;
    private readonly JoinedNotes? _notes;
    private int _at;
    private int _mostRows = FirstRows;

    /// <param name="stream">Where to.</param>
    /// <param name="schema">The columns.</param>
    /// <param name="notes">What is joined to each row's allele, in columns behind these; null = nothing.</param>
    public ArrowAnswer(AnswerStream stream, ArrowSchema schema, JoinedNotes? notes = null)
    {
        if (notes is not null) schema = new ArrowSchema([.. schema.Fields, .. notes.Fields]);
        (_batch, _stream, _notes) = (new ArrowBatchBuilder(schema), stream, notes);
        _writer = new ArrowStreamWriter(stream, schema);
        stream.EndMessage();
    }

    /// <summary>Rows written.</summary>
    public long Rows { get; private set; }

    /// <summary>Columns of frequencies.</summary>
    public static ArrowSchema Frequencies(bool symbolic, bool grouped) => Schema([.. Place, .. symbolic ? ["end"] : Array.Empty<string>(), .. grouped ? ["group"] : Array.Empty<string>(), .. Figures]);

    /// <summary>Columns of the comparison of two cohorts.</summary>
    public static ArrowSchema CaseControl { get; } = Schema([.. Place, "ac_cases", "an_cases", "af_cases", "ac_controls", "an_controls", "af_controls", "odds_ratio", "p"]);

    /// <summary>Columns of genotypes.</summary>
    public static ArrowSchema Genotypes { get; } = Schema([.. Place, "sample", "gt", "zygosity", "gq", "dp", "ad_ref", "ad_alt"]);

    /// <summary>Columns of carriers.</summary>
    public static ArrowSchema Carriers { get; } = Schema(["query", .. Place, "sample", "zygosity", "gt", "gq", "dp", "ad_ref", "ad_alt"]);

    /// <summary>Columns of listed variants.</summary>
    public static ArrowSchema Sites(bool symbolic) => Schema([.. Place, .. symbolic ? ["end"] : Array.Empty<string>()]);

    /// <summary>The schema as an Arrow IPC message.</summary>
    public static byte[] MessageOf(ArrowSchema schema)
    {
        using var bytes = new MemoryStream();
        _ = new ArrowStreamWriter(bytes, schema);
        return bytes.ToArray();
    }

    /// <summary>The variants of a batch of frequencies.</summary>
    public void WriteSites(FrequencyBatch batch, bool symbolic)
    {
        for (var variant = 0; variant < batch.Count; variant++)
        {
            Text(batch.Contig);
            Integer(batch.Start(variant) + 1L);
            _batch[_at++].Append(batch.Ref(variant));
            _batch[_at++].Append(batch.Alt(variant));
            if (symbolic) Integer(batch.End(variant) < 0 ? null : batch.End(variant));
            EndRow();
        }
    }

    /// <summary>A carrier of what a query asked for.</summary>
    public void Write(SeenAnswer seen, CarrierRow carrier)
    {
        Text(seen.Query);
        WritePlace(seen.Contig!, seen.Start, seen.Ref, seen.Alt);
        Text(carrier.Sample);
        Text(carrier.Zygosity);
        Text(carrier.Genotype);
        foreach (var number in (ReadOnlySpan<int?>)[carrier.Gq, carrier.Dp, carrier.DepthRef, carrier.DepthAlt]) Integer(number);
        EndRow();
    }

    /// <summary>Rows of a batch of frequencies: a strip of each column at a time, as many rows as are left until a batch may be full.</summary>
    public void Write(FrequencyBatch batch, bool symbolic, bool grouped)
    {
        var contig = Encoding.UTF8.GetBytes(batch.Contig);
        var rows = batch.Count * batch.GroupCount;
        for (var from = 0; from < rows;)
        {
            var count = Math.Min(rows - from, Math.Min(Strip - _batch.RowCount % Strip, _mostRows - _batch.RowCount));
            WritePlaces(batch, contig, (from, count), (symbolic, grouped));
            WriteFigures(batch, from, count);
            WriteNotes(batch, from, count);
            _at = 0;
            Rows += count;
            from += count;
            SendFull();
        }
    }

    private void WritePlaces(FrequencyBatch batch, byte[] contig, (int From, int Count) rows, (bool Symbolic, bool Grouped) has)
    {
        var groups = batch.GroupCount;
        ArrowColumnBuilder contigs = _batch[_at++], positions = _batch[_at++], refs = _batch[_at++], alts = _batch[_at++];
        var ends = has.Symbolic ? _batch[_at++] : null;
        var names = has.Grouped ? _batch[_at++] : null;
        Span<int> places = stackalloc int[Strip];
        contigs.Append(contig, rows.Count);
        for (var row = rows.From; row < rows.From + rows.Count; row++)
        {
            var variant = groups == 1 ? row : row / groups;
            places[row - rows.From] = checked(batch.Start(variant) + 1);
            refs.Append(batch.Ref(variant));
            alts.Append(batch.Alt(variant));
            if (ends is not null && batch.End(variant) >= 0) ends.Append((long)batch.End(variant));
            else ends?.AppendNull();
            names?.Append(batch.Groups[row % groups]);
        }
        positions.Append(places[..rows.Count]);
    }

    private void WriteNotes(FrequencyBatch batch, int from, int count)
    {
        if (_notes is null) return;
        for (var row = from; row < from + count; row++)
        {
            var variant = row / batch.GroupCount;
            // A described allele has none.
            _notes.AppendTo(_batch, _at, (batch.Contig, batch.Start(variant), Encoding.ASCII.GetString(batch.Ref(variant)), batch.End(variant) < 0 ? Encoding.ASCII.GetString(batch.Alt(variant)) : ""));
        }
    }

    private void WriteFigures(FrequencyBatch batch, int from, int count)
    {
        var groups = batch.GroupCount;
        Span<int> cells = stackalloc int[4 * Strip];
        Span<int> ac = cells[..count], an = cells.Slice(Strip, count), figure = cells.Slice(2 * Strip, count), carriers = cells.Slice(3 * Strip, count);
        Take(batch.Ac, ac);
        Take(batch.An, an);
        _batch[_at++].Append(ac);
        _batch[_at++].Append(an);
        var frequencies = _batch[_at++];
        for (var i = 0; i < count; i++) Real(frequencies, an[i] == 0 ? double.NaN : (double)ac[i] / an[i]);
        carriers.Clear();
        Carry(batch.NHet, figure, carriers);
        Carry(batch.NHomAlt, figure, carriers);
        Carry(batch.NHemi, figure, carriers);
        Carry(batch.NHalf, figure, carriers);
        _batch[_at++].Append(carriers);
        Figure(batch.NNoCall, figure);
        Figure(batch.NNotAssessed, figure);
        for (var i = 0; i < count; i++) figure[i] = batch.GroupSizes[(from + i) % groups];
        _batch[_at++].Append(figure);
        Figure(batch.AnAssumed, figure);
        var filters = _batch[_at++];
        for (var i = 0; i < count; i++) Real(filters, Faf95.Of(ac[i], an[i]));

        void Take(CountColumn column, Span<int> into)
        {
            if (!column.IsConstant) column.Values.Slice(from, into.Length).CopyTo(into);
            else if (groups == 1) into.Fill(column.Values[0]);
            else for (var i = 0; i < into.Length; i++) into[i] = column.Values[(from + i) % groups];
        }

        void Figure(CountColumn column, Span<int> cells)
        {
            Take(column, cells);
            _batch[_at++].Append(cells);
        }

        void Carry(CountColumn column, Span<int> cells, Span<int> sums)
        {
            Figure(column, cells);
            for (var i = 0; i < cells.Length; i++) sums[i] += cells[i];
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
        _notes?.AppendTo(_batch, _at, (row.Contig, row.Start, row.Ref, row.Alt));
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

    private void Real(double value) => Real(_batch[_at++], value);

    private static void Real(ArrowColumnBuilder column, double value)
    {
        if (double.IsNaN(value)) column.AppendNull();
        else column.Append(value);
    }

    private void EndRow()
    {
        _at = 0;
        Rows++;
        SendFull();
    }

    private void SendFull()
    {
        if (_batch.RowCount < _mostRows && (_batch.RowCount % Strip != 0 || _batch.LengthBytes < MaxBytes)) return;
        WriteBatch();
        if (_mostRows == FirstRows) _stream.Send();
        _mostRows = MaxRows;
    }

    private void WriteBatch()
    {
        _writer.Write(_batch);
        _batch.Clear();
        _stream.EndMessage();
    }
}

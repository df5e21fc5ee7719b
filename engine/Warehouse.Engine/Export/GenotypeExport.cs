using System.Text;
using Warehouse.Engine.Query;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Export;

/// <summary>
/// Gives back the genotypes that a session sees. As VCF or BCF: one line per record as the files wrote it (start, REF, ALTs upper-cased,
/// FILTER, ID), every chosen sample a column; as rows: one per normalised variant and carrier. Both in the order contig (COUNTS.md),
/// start. Not given back, because the store does not keep it: QUAL, INFO (but for where symbolic alleles lie), records without ALT
/// allele, reference blocks, and the evidence of calls without an ALT allele.
/// </summary>
public static class GenotypeExport
{
    /// <summary>Lines between two reports of progress.</summary>
    private const int ProgressEvery = 256;

    /// <summary>Writes lines with the genotypes of every chosen sample.</summary>
    /// <param name="session">What may be seen.</param>
    /// <param name="request">What is wanted of it.</param>
    /// <param name="output">Receives the file and is disposed; after a failure it holds an unfinished one.</param>
    /// <param name="progress">Gets the number of lines.</param>
    /// <param name="stop">Cancels.</param>
    /// <exception cref="InputException">An unknown contig, cohort or sample.</exception>
    public static void WriteLines(this Session session, GenotypeRequest request, (Stream Target, VariantEncoding Encoding) output, IProgress<WorkProgress>? progress = null, CancellationToken stop = default)
    {
        var selection = session.Select(request.Samples, new CountRules { PerSample = true });
        session.Begin(selection);
        var regions = session.RegionsByContig(request.Regions);
        var care = session.CareOf(RowNeeds.Counts | RowNeeds.Calls);
        var header = ExportHeader.Build(session.View, selection, regions, care, stop);
        foreach (var sample in header.Samples) session.Shows(sample);
        var order = session.View.ContigsInOrder().ToList();
        var notes = request.Annotations is { } set ? new AnnotationInfo(set) : null;
        using var writer = new VariantWriter(output.Target, output.Encoding, [.. header.MetaLines, .. notes?.MetaLines() ?? []], header.Samples, Environment.ProcessorCount);
        var (info, lines) = (new LineInfo(notes), 0L);
        foreach (var (contig, stretches) in regions)
        {
            session.Touch(session.View.Catalog.Contigs[contig].Canonical);
            var scan = new LineScan(session.View, contig, selection, stretches, care);
            var genotypes = new LineGenotypes(session.View, contig, selection, scan);
            genotypes.Record.ContigIndex = order.IndexOf(contig);
            foreach (var line in scan.Lines())
            {
                stop.ThrowIfCancellationRequested();
                if (!scan.CanAnswer(line)) continue;
                session.ChargeRow(selection.SlotCount);
                genotypes.Fill(line);
                writer.Write(genotypes.Record, info.Of(line, session.View.Catalog.Contigs[contig].Canonical, genotypes.Ac, genotypes.An));
                if (lines++ % ProgressEvery == 0) progress?.Report(new WorkProgress("writing", lines, 0, "lines"));
            }
        }
        // What the header does not say must not be missing: such a file stays unfinished.
        if (session.Unavailable is { Count: var found } && found > header.Unavailable) throw new InvalidDataException(session.Unavailable[^1].Damage);
        writer.Finish();
        session.Report("export", lines);
    }

    /// <summary>The carriers of every listed variant, variants in the order of COUNTS.md, samples in store order. The row is reused.</summary>
    /// <exception cref="InputException">An unknown contig, cohort or sample.</exception>
    public static IEnumerable<GenotypeRow> Rows(this Session session, GenotypeRequest request, CancellationToken stop = default)
    {
        var rules = new CountRules { PerSample = true };
        var selection = session.Select(request.Samples, rules);
        session.Begin(selection);
        var care = session.CareOf(RowNeeds.Calls);
        var (catalog, output, rows) = (session.View.Catalog, new GenotypeRow(), 0L);
        foreach (var (contig, regions) in session.RegionsByContig(request.Regions))
        {
            session.Touch(catalog.Contigs[contig].Canonical);
            output.Contig = catalog.Contigs[contig].Spelling;
            session.Touch(catalog.Contigs[contig].Canonical);
            foreach (var (start, end) in regions)
            {
                care?.Around.Ask(contig, start, end);
                var scan = ContigScan.Listing(session.View, contig, selection, rules, (true, care));
                foreach (var row in scan.List(start, end))
                {
                    stop.ThrowIfCancellationRequested();
                    if (!scan.CanAnswer(row)) continue;
                    session.ChargeRow(selection.SlotCount);
                    (output.Start, output.Ref, output.Alt) = (row.Start, Encoding.ASCII.GetString(row.Ref), Encoding.ASCII.GetString(row.Alt));
                    foreach (var carrier in scan.Carriers(row).OrderBy(c => catalog.Ordinals[c.Ordinal].Sample))
                    {
                        Fill(output, catalog.Samples[catalog.Ordinals[carrier.Ordinal].Sample].Name, carrier);
                        rows++;
                        session.Shows(output.Sample);
                        yield return output;
                    }
                }
            }
        }
        session.Report("export", rows);
    }

    private static void Fill(GenotypeRow output, string sample, CarrierCall carrier)
    {
        (output.Sample, output.Genotype, output.Zygosity) = (sample, carrier.Genotype, carrier.Zygosity);
        (output.Gq, output.Dp, output.DepthRef, output.DepthAlt) = (Known(carrier.Detail?.Gq), Known(carrier.Detail?.Dp), null, null);
        if (carrier.Detail is not { Ad.Length: > 0 } detail) return;
        (output.DepthRef, output.DepthAlt) = (Known(detail.Ad[0]), Known(detail.Ad[carrier.Alt]));
    }

    private static int? Known(int? value) => value >= 0 ? value : null;
}

using Warehouse.Engine.Catalog;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Ingest;

/// <summary>What a file became: its sealed segments, not yet named by any manifest.</summary>
internal sealed record FileResult
{
    public required string File { get; init; }

    public required byte[] Sha256 { get; init; }

    public required VcfHeader Header { get; init; }

    public required long Records { get; init; }

    /// <summary>Allele rows of bases.</summary>
    public required long Variants { get; init; }

    /// <summary>Rows that repeat an allele of the file.</summary>
    public required long Collapsed { get; init; }

    /// <summary>It has reference blocks.</summary>
    public required bool HasBlocks { get; init; }

    /// <summary>The stretch covered per contig ordinal: first start to last end.</summary>
    public required IReadOnlyDictionary<int, (int Start, int End)> Stretches { get; init; }

    /// <summary>The file in memory, when it was gathered; then it has no segment yet.</summary>
    public GatheredFile? Gathered { get; init; }

    /// <summary>Nothing of it can be stored.</summary>
    public bool IsEmpty => Gathered is null && Segments.Count == 0;

    public required IReadOnlyList<(int First, int Count, FileEntry File, IReadOnlyList<BlockInfo> Blocks)> Segments { get; init; }

    public required Dictionary<string, long> Skipped { get; init; }

    public required List<string> SkippedPlaces { get; init; }

    public required IReadOnlyList<string> Warnings { get; init; }

    public required SexEvidence? Sex { get; init; }

    /// <summary>Identity sketches in column order.</summary>
    public required IReadOnlyList<IdentitySketch> Sketches { get; init; }
}

/// <summary>Reads the files of a command into segments, one at a time. A failure leaves sealed files that no manifest names. One thread.</summary>
internal sealed class FileIngest(IngestRequest request, ContigMap contigs, Normalizer normalizer, Assembly assembly, Commit commit)
{
    /// <summary>Bytes of all files of the command; 0 when one of them is no regular file and tells no length.</summary>
    private readonly long _totalBytes = request.Files.All(f => f != "-" && File.Exists(f) && new FileInfo(f).Length > 0) ? request.Files.Sum(f => new FileInfo(f).Length) : 0;
    private long _bytesBefore;
    private long _gathered;

    /// <summary>The result of a file that was gathered: its contigs become those of the store now, in the order in which it has them.</summary>
    /// <exception cref="InputException">A contig belongs to another assembly.</exception>
    public FileResult Take(GatheredFile gathered, string file)
    {
        var stretches = new Dictionary<int, (int Start, int End)>();
        foreach (var run in gathered.Runs)
        {
            var contig = contigs.Of(gathered.Header.Contigs[run.HeaderContig], file);
            var known = stretches.GetValueOrDefault(contig, run.Stretch);
            stretches[contig] = (Math.Min(known.Start, run.Stretch.Start), Math.Max(known.End, run.Stretch.End));
        }
        _bytesBefore += new FileInfo(file).Length;
        return new FileResult
        {
            File = file, Sha256 = gathered.Sha256, Header = gathered.Header, Records = gathered.Records, Segments = [], Gathered = gathered,
            Variants = gathered.Variants, Collapsed = 0, HasBlocks = gathered.HasBlocks, Stretches = stretches, Skipped = [], SkippedPlaces = [], Warnings = gathered.Header.Warnings,
            Sex = gathered.Sex, Sketches = [gathered.Sketch],
        };
    }

    /// <summary>Bytes of a gathered file have been read.</summary>
    public void Report(long bytes, IProgress<WorkProgress>? progress) => progress?.Report(new WorkProgress("reading", _gathered += bytes, _totalBytes, "bytes"));

    public FileResult Run(string file, int firstOrdinal, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        try
        {
            using var reader = VariantFile.Open(file, new VcfReadOptions { SkipBadRecords = request.SkipBadRecords, Lint = request.Lint, Threads = request.Threads });
            return Read(reader, file, firstOrdinal, progress, stop);
        }
        catch (InputException bad) when (string.IsNullOrEmpty(bad.Place.File))
        {
            throw new InputException(bad.Code, bad.Expected, bad.Place with { File = file });
        }
    }

    private FileResult Read(VariantReader reader, string file, int firstOrdinal, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        var header = reader.Header;
        SegmentWriter CreateSegment(int first, int count) => new(commit.CreateFile(SegmentWriter.FileKind), [.. Enumerable.Range(firstOrdinal + first, count)]);
        CallSetWriter? writer = null;
        try
        {
            writer = header.Samples.Count == 0 ? null : new CallSetWriter(CreateSegment, header.Samples.Count, new CallSetOptions(request.BlockGq, request.SkipBadRecords, request.Threads));
            var sex = header.Samples.Count == 0 ? null : new SexEvidence(header.Samples.Count, assembly);
            var sketches = new SketchBuilder(header.Samples.Count);
            var check = new ReferenceCheck(normalizer, file, request.SkipBadRecords);
            ReadRecords(reader, writer, check, (sex, sketches), (file, progress, stop));
            _bytesBefore += reader.CompressedBytesRead;
            check.Complete();
            var skipped = new Dictionary<string, long>(reader.Skipped);
            var places = reader.SkippedPlaces.Select(p => $"{p.Place} [{p.Code}]").ToList();
            if (check.Skipped > 0)
            {
                skipped["ref-mismatch"] = check.Skipped;
                places.Add($"{check.First} [ref-mismatch]");
            }
            var segments = writer is null || writer.RecordCount == 0 ? [] : writer.Complete();
            if (writer?.SkippedDuplicates > 0) skipped["vcf-repeated-allele"] = writer.SkippedDuplicates;
            return new FileResult
            {
                File = file, Sha256 = reader.Sha256OfInput(), Header = header, Records = reader.RecordCount, Segments = segments,
                Variants = writer?.VariantCount ?? 0, Collapsed = writer?.CollapsedCount ?? 0, HasBlocks = writer?.HasBlocks ?? false, Stretches = writer?.Stretches ?? [],
                Skipped = skipped, SkippedPlaces = places, Warnings = reader.LintWarnings, Sex = sex, Sketches = sketches.Complete(),
            };
        }
        catch (Exception) when (writer is not null)
        {
            writer.Settle();
            throw;
        }
        finally
        {
            writer?.Dispose();
        }
    }

    private void ReadRecords(VariantReader reader, CallSetWriter? writer, ReferenceCheck check, (SexEvidence? Sex, SketchBuilder Sketches) people, (string File, IProgress<WorkProgress>? Progress, CancellationToken Stop) run)
    {
        var record = new VcfRecord();
        var maker = new RowMaker(normalizer, assembly, reader.Header.Version);
        var (written, contig, canonical) = (-1, -1, "");
        var entered = new HashSet<int>();
        for (var count = 0L; reader.Read(record); count++)
        {
            if ((count & 0x3ff) == 0)
            {
                run.Stop.ThrowIfCancellationRequested();
                run.Progress?.Report(new WorkProgress("reading", _bytesBefore + reader.CompressedBytesRead, _totalBytes, "bytes"));
            }
            if (record.ContigIndex != written)
            {
                written = record.ContigIndex;
                contig = contigs.Of(reader.Header.Contigs[written], run.File);
                canonical = contigs.Entries[contig].Canonical;
                if (!entered.Add(contig)) throw ContigTwice(reader.Header.Contigs[written].Name, canonical, new InputPlace(run.File, record.Line, record.OffsetBytes, "CHROM"));
                people.Sex?.Enter(canonical);
                people.Sketches.Enter(canonical);
            }
            Store(record, writer, check, people, (maker, contig, canonical));
        }
    }

    /// <summary>Records of chr1 after those of 1 are in order within each name only; and one allele under both would be counted twice.</summary>
    private static InputException ContigTwice(string name, string canonical, InputPlace place) => new("contig-twice",
        $"{InputException.Quote(System.Text.Encoding.UTF8.GetBytes(name))} is contig {canonical}, as another name in this file is: records of one contig need one name", place);

    private static void Store(VcfRecord record, CallSetWriter? writer, ReferenceCheck check, (SexEvidence? Sex, SketchBuilder Sketches) people, (RowMaker Maker, int Contig, string Canonical) at)
    {
        var rows = at.Maker.Make(at.Canonical, record);
        if (!check.Accepts(at.Canonical, record, at.Maker.Reference.Span) || writer is null) return;
        if (rows.All(r => r.Kind == AlleleKind.Unspecified))
        {
            writer.AddBlock(at.Contig, record);
            return;
        }
        writer.AddRecord(at.Contig, record, at.Maker.Reference.Span, rows);
        people.Sex?.Add(record);
        people.Sketches.Add(record, at.Maker.Reference.Span, rows);
    }
}

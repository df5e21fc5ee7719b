using System.Globalization;
using Warehouse.Engine.Catalog;
using Warehouse.Engine.Manifests;
using Warehouse.Engine.Samples;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Segments;
using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Ingest;

/// <summary>
/// One <c>ingest</c> command: reads every file into sealed segments, then changes the catalog in one piece. Nothing is visible before the
/// caller publishes the commit, and any exception leaves the store as it was. One thread.
/// </summary>
/// <param name="request">What to load.</param>
/// <param name="before">The store.</param>
/// <param name="assembly">Its assembly.</param>
/// <param name="reference">Its reference; null = there is none.</param>
/// <param name="bounds">What the sender of a batch may change; null = it is the owner's.</param>
internal sealed class IngestRun(IngestRequest request, StoreCatalog before, Assembly assembly, ReferenceGenome? reference, SenderBounds? bounds = null)
{
    private readonly PagedBuilder<SampleEntry> _samples = new(before.Samples);
    private readonly PagedBuilder<OrdinalEntry> _ordinals = new(before.Ordinals);
    private readonly PagedBuilder<BatchEntry> _batches = new(before.Batches);
    private readonly PagedBuilder<IReadOnlyList<string>> _lineages = new(before.Lineages);
    private readonly List<SegmentEntry> _segments = [.. before.Segments];
    private readonly PagedBuilder<SheetEntry> _sheets = new(before.Sheets);
    private readonly List<CallableEntry> _callables = [.. before.Callables];
    private readonly Dictionary<string, bool> _columns = new(before.Columns);
    private readonly Dictionary<string, int> _index = [];
    private readonly List<FileReceipt> _receipts = [];
    private readonly List<string> _findings = [];
    private readonly List<(string File, IReadOnlyList<string> Samples, SexEvidence Sex)> _sexes = [];
    private readonly Dictionary<int, List<int>> _parts = [];
    private readonly Lazy<ILookup<int, int>> _oldParts = new(() => before.Ordinals.Select((o, i) => (o.Sample, Ordinal: i)).ToLookup(o => o.Sample, o => o.Ordinal));
    private readonly Dictionary<int, (IdentitySketch Sketch, bool Replaces)> _sketches = [];
    private readonly Dictionary<int, string> _fileOfBatch = [];
    private readonly List<(int Ordinal, GatheredFile File)> _gathered = [];
    private readonly Dictionary<int, string> _unchanged = [];
    private bool _changed;

    /// <summary>Runs the command against a commit. Returns the new catalog, or null when nothing is to be committed, and the receipt.</summary>
    /// <param name="commit">Gets segments and sketches; the caller sets the catalog and publishes.</param>
    /// <param name="readPart">Reads a part of the version before, or so many of its first bytes; null when absent.</param>
    /// <param name="progress">Gets bytes read.</param>
    /// <param name="stop">Cancels.</param>
    public (StoreCatalog? Catalog, IngestReceipt Receipt) Run(Commit commit, Func<string, int, byte[]?> readPart, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        foreach (var sample in before.Samples) _index.Add(sample.Name, _index.Count);
        var contigs = new ContigMap(before.Contigs, assembly, reference);
        var sheet = request.SheetPath is { } path ? SampleSheet.Read(path) : null;
        bounds?.Expect(sheet);
        var callable = request.CallablePath is { } bed ? AddCallable(CallableRegions.Read(bed), contigs, bed) : -1;
        var ingest = new FileIngest(request, contigs, new Normalizer(reference), assembly, commit);
        var firstNew = before.Ordinals.Count;
        var gather = new Gather(request, assembly, reference);
        foreach (var wave in gather.Waves())
        {
            var gathered = gather.Read(wave, bytes => ingest.Report(bytes, progress), stop);
            for (var i = 0; i < gathered.Length; i++)
            {
                var file = request.Files[wave.First + i];
                var result = gathered[i] is { } small ? ingest.Take(small, file) : ingest.Run(file, _ordinals.Count, progress, stop);
                gathered[i] = null;
                _receipts.Add(Take(result, contigs, (callable, firstNew), commit));
                if (_receipts[^1].Outcome == "unchanged") _unchanged.Add(_receipts.Count - 1, result.Header.Samples[0]);
            }
            WriteGathered(contigs, commit, stop);
        }
        // With --replace a file that was there may come before the one that retires its samples: then it is part of the new version too.
        for (var again = request.Replace; again;)
        {
            again = false;
            for (var i = 0; i < request.Files.Count; i++)
            {
                if (!WasRetired(i)) continue;
                _receipts[i] = Take(ingest.Run(request.Files[i], _ordinals.Count, progress, stop), contigs, (callable, firstNew), commit);
                if (_receipts[i].Outcome != "unchanged") _unchanged.Remove(i);
                again = true;
            }
        }
        // The files of a command are committed together, however long the first of them waited for the last.
        var now = commit.TimeUtc.ToUnixTimeMilliseconds();
        for (var b = before.Batches.Count; b < _batches.Count; b++) _batches[b] = _batches[b] with { LoadedUnixMs = now };
        if (sheet is not null) TakeSheet(sheet, commit.Version);
        ReportSex(commit.Version);
        ReportIdentity(commit, readPart, stop);
        var receipt = new IngestReceipt { Version = _changed ? commit.Version : commit.Version - 1, Committed = _changed, Files = _receipts, Findings = _findings };
        if (!_changed) return (null, receipt);
        return (before with
        {
            Contigs = [.. contigs.Entries], Samples = _samples.Build(), Ordinals = _ordinals.Build(), Batches = _batches.Build(), Lineages = _lineages.Build(),
            Segments = _segments, Sheets = _sheets.Build(), Callables = _callables, Columns = _columns,
        }, receipt);
    }

    private FileReceipt Take(FileResult result, ContigMap contigs, (int Callable, int FirstNew) with, Commit commit)
    {
        var names = result.Header.Samples;
        foreach (var name in names) bounds?.Admit(name, _index.TryGetValue(name, out var known) && known < before.Samples.Count ? known : -1, result.File);
        string outcome;
        if (names.Count == 0 || result.IsEmpty) outcome = "empty";
        else
        {
            if (names.Any(IsWithdrawn)) throw new InputException("sample-withdrawn", "the file has a sample that was withdrawn from this store", new InputPlace(result.File, 0, 0, "#CHROM"));
#if PLANTED_DOUBLE_COUNT
            outcome = "loaded";
#else
            outcome = IsKnown(result, with.Callable) ? "unchanged" : "loaded";
#endif
            if (outcome == "loaded") Load(result, contigs, with, commit);
        }
        return new FileReceipt
        {
            File = result.File, Sha256 = Convert.ToHexStringLower(result.Sha256), Outcome = outcome, Samples = names.Count, Records = result.Records,
            Variants = result.Variants, Collapsed = result.Collapsed,
            Skipped = result.Skipped, SkippedPlaces = result.SkippedPlaces, Warnings = result.Warnings,
        };
    }

    private bool IsWithdrawn(string name) => _index.TryGetValue(name, out var sample) && _samples[sample].WithdrawnVersion != 0;

    /// <summary>
    /// The same bytes are in the store when a batch of them has an ordinal in force; for --replace all of them, else a sample that has
    /// another version since would keep it. Such a batch has a part of the file's first sample.
    /// </summary>
    /// <exception cref="InputException">They are there, but were loaded with options that count otherwise.</exception>
    private bool IsKnown(FileResult result, int callable)
    {
        var differs = false;
        foreach (var batch in BatchesOf(result.Header.Samples[0], result.Sha256))
        {
            if (!IsInForce(batch, all: request.Replace)) continue;
            if ((batch.AssumeReference, batch.BlockGq, batch.Callable) == (request.AssumeReference, request.BlockGq, callable)) return true;
            differs = true;
        }
        if (!differs || request.Replace) return false;
        throw new InputException("other-options",
            "the same bytes are in the store, loaded with other values of --assume-reference, --callable or --block-gq; give the same ones again, or use --replace to load the file anew with these", new InputPlace(result.File, 0, 0, ""));
    }

    /// <summary>Batches of these bytes, by a sample that their file has.</summary>
    private IEnumerable<BatchEntry> BatchesOf(string sample, byte[] sha256) =>
        _index.TryGetValue(sample, out var index) ? PartsOf(index).Select(o => _batches[_ordinals[o].Batch]).Where(b => b.InputSha256.AsSpan().SequenceEqual(sha256)) : [];

    private bool IsInForce(BatchEntry batch, bool all)
    {
        for (var part = batch.FirstOrdinal; part < batch.FirstOrdinal + batch.Count; part++)
            if (_ordinals[part].UntilVersion == 0 != all) return !all;
        return all;
    }

    /// <summary>Loaded parts of a sample, ascending.</summary>
    private List<int> PartsOf(int sample)
    {
        if (!_parts.TryGetValue(sample, out var parts)) _parts.Add(sample, parts = sample < before.Samples.Count ? [.. _oldParts.Value[sample]] : []);
        return parts;
    }

    /// <summary>Whether a file was left as it was, and a later one of the command has retired a part of it.</summary>
    private bool WasRetired(int file) =>
        _unchanged.TryGetValue(file, out var first) && !BatchesOf(first, Convert.FromHexString(_receipts[file].Sha256)).Any(b => IsInForce(b, all: true));

    private void Load(FileResult result, ContigMap contigs, (int Callable, int FirstNew) with, Commit commit)
    {
        if (request.AssumeReference && result.HasBlocks)
            throw new InputException("assume-blocks", "the file has reference blocks, which say where it was assessed; load it without --assume-reference", new InputPlace(result.File, 0, 0, ""));
        var batch = _batches.Count;
        var firstOrdinal = _ordinals.Count;
        for (var column = 0; column < result.Header.Samples.Count; column++)
        {
            var sample = SampleOf(result.Header.Samples[column]);
            CheckParts(sample, column, result, contigs, (with.FirstNew, commit.Version));
            var parts = PartsOf(sample);
            var replaces = parts.Count > 0 && parts.TrueForAll(o => _ordinals[o].UntilVersion != 0);
            if (result.Sketches.Count > 0)
                _sketches[sample] = _sketches.TryGetValue(sample, out var known) ? (IdentitySketch.Join(known.Sketch, result.Sketches[column]), known.Replaces) : (result.Sketches[column], replaces);
            parts.Add(_ordinals.Count);
            _ordinals.Add(new OrdinalEntry(sample, batch, commit.Version, 0));
        }
        if (result.Sketches.Count == 0)
            _findings.Add(string.Create(CultureInfo.InvariantCulture, $"{result.File}: more than {SketchBuilder.MaxSamples} samples: nobody in it was compared for being the same person"));
        _fileOfBatch.Add(batch, result.File);
        _batches.Add(new BatchEntry
        {
            InputSha256 = result.Sha256, Version = commit.Version, LoadedUnixMs = 0,
            AssumeReference = request.AssumeReference, HasBlocks = result.HasBlocks, BlockGq = request.BlockGq, Callable = with.Callable,
            FirstOrdinal = firstOrdinal, Count = result.Header.Samples.Count, Records = result.Records, Stretches = result.Stretches,
        });
        _lineages.Add([.. result.Header.MetaLines.Where(IsLineage).Take(64)]);
        foreach (var (first, count, file, blocks) in result.Segments) AddSegment(file, [.. Enumerable.Range(firstOrdinal + first, count)], blocks, commit);
        if (result.Gathered is { } gathered) _gathered.Add((firstOrdinal, gathered));
        if (result.Sex is { } sex) _sexes.Add((result.File, result.Header.Samples, sex));
        _changed = true;
    }

    /// <summary>
    /// Writes the gathered files as few segments: first fit in the order of loading, no sample twice. Parts of samples that came in
    /// several files go with parts of the same contigs, as in a compaction.
    /// </summary>
    private void WriteGathered(ContigMap contigs, Commit commit, CancellationToken stop)
    {
        var bins = new List<(string Key, List<(int Ordinal, GatheredFile File)> Files, HashSet<int> Samples)>();
        foreach (var (ordinal, file) in _gathered)
        {
            var sample = _ordinals[ordinal].Sample;
            var isOne = PartsOf(sample).Count(o => _ordinals[o].UntilVersion == 0) == 1;
            var key = isOne ? "" : string.Join(',', _batches[_ordinals[ordinal].Batch].Stretches.Keys.Order());
            var bin = bins.Find(b => b.Key == key && b.Files.Count < CallColumns.MaxSamples && !b.Samples.Contains(sample));
            if (bin.Files is null) bins.Add(bin = (key, [], []));
            bin.Files.Add((ordinal, file));
            bin.Samples.Add(sample);
        }
        foreach (var (_, files, _) in bins)
        {
            using var writer = new SegmentWriter(commit.CreateFile(SegmentWriter.FileKind), [.. files.Select(f => f.Ordinal)]);
            new GatherMerge([.. files.Select(f => f.File)], writer, stop).Run(name => contigs.Known(name));
            AddSegment(writer.Complete(), [.. files.Select(f => f.Ordinal)], writer.Blocks, commit);
        }
        if (_gathered.Count == 0) return;
        _gathered.Clear();
        bins.Clear();
        // A wave is hundreds of megabytes of long arrays, which nothing frees before the next has as many again: the bound of memory is that of one.
        GC.Collect();
    }

    private void AddSegment(FileEntry file, int[] ordinals, IReadOnlyList<BlockInfo> blocks, Commit commit)
    {
        commit.Add(file);
        _segments.Add(new SegmentEntry
        {
            File = file.Id.ToString(), Ordinals = ordinals, Stretches = BlockInfo.StretchesOf(blocks),
            Records = blocks.Sum(b => (long)b.RecordCount), Rows = blocks.Sum(b => (long)b.RowCount),
        });
    }

    private static bool IsLineage(string line) =>
        line.StartsWith("##reference", StringComparison.Ordinal) || line.StartsWith("##source", StringComparison.Ordinal) || line.StartsWith("##fileDate", StringComparison.Ordinal)
        || line.Contains("Command", StringComparison.Ordinal) || line.Contains("Version", StringComparison.Ordinal);

    private int SampleOf(string name)
    {
        if (!_index.TryGetValue(name, out var sample))
        {
            _index.Add(name, sample = _samples.Count);
            _samples.Add(new SampleEntry(name, 0));
        }
        return sample;
    }

    /// <summary>Parts of a sample may not overlap; --replace retires those that were there before the command.</summary>
    private void CheckParts(int sample, int column, FileResult result, ContigMap contigs, (int FirstNew, long Version) command)
    {
        foreach (var o in PartsOf(sample))
        {
            if (_ordinals[o].UntilVersion != 0) continue;
            if (request.Replace && o < command.FirstNew)
            {
                _ordinals[o] = _ordinals[o] with { UntilVersion = command.Version };
                continue;
            }
            foreach (var (contig, (start, end)) in _batches[_ordinals[o].Batch].Stretches)
            {
#if PLANTED_DOUBLE_COUNT
                if (!result.Stretches.TryGetValue(contig, out var mine) || mine.Start >= end || start >= mine.End || end > 0) continue;
#else
                if (!result.Stretches.TryGetValue(contig, out var mine) || mine.Start >= end || start >= mine.End) continue;
#endif
                throw new InputException("sample-overlap", string.Create(CultureInfo.InvariantCulture,
                    $"sample column {column + 1} is in the store with data that overlaps this file's, first at {contigs.Entries[contig].Canonical}:{Math.Max(start, mine.Start) + 1}; use --replace for a new version, or join SNV and indel files with `bcftools concat -a`"),
                    new InputPlace(result.File, 0, 0, "#CHROM"));
            }
        }
    }

    private int AddCallable(CallableRegions regions, ContigMap contigs, string file)
    {
        var intervals = new Dictionary<int, (int Start, int End)[]>();
        var digest = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        foreach (var written in regions.Contigs)
        {
            var contig = contigs.Of(written, file);
            var list = regions.Of(written).ToArray().Select(i => (i.Start, i.End));
            if (intervals.TryGetValue(contig, out var known)) list = known.Concat(list);
            intervals[contig] = Merge(list);
        }
        foreach (var (contig, list) in intervals.OrderBy(i => i.Key))
            foreach (var (start, end) in list) digest.AppendData(System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{contig}\t{start}\t{end}\n")));
        var sha256 = digest.GetHashAndReset();
        var at = _callables.FindIndex(c => c.Sha256.AsSpan().SequenceEqual(sha256));
        if (at >= 0) return at;
        _callables.Add(new CallableEntry(sha256, intervals));
        return _callables.Count - 1;
    }

    private static (int, int)[] Merge(IEnumerable<(int Start, int End)> intervals)
    {
        var merged = new List<(int Start, int End)>();
        foreach (var (start, end) in intervals.Where(i => i.End > i.Start).Order())
        {
            if (merged.Count > 0 && start <= merged[^1].End) merged[^1] = (merged[^1].Start, Math.Max(merged[^1].End, end));
            else merged.Add((start, end));
        }
        return [.. merged];
    }

    private void TakeSheet(SampleSheet sheet, long version)
    {
        bounds?.Require(sheet, request.SheetPath!);
        var now = new StoreCatalog { Sheets = _sheets }.SheetAt(version);
        var (unknown, withdrawn) = (0, 0);
        foreach (var column in sheet.Columns)
            if (column.Name != SheetColumn.Sample) _columns[column.Name] = column.IsAggregate;
        foreach (var row in sheet.Rows)
        {
            if (!_index.TryGetValue(row.Sample, out var sample))
            {
                unknown++;
                continue;
            }
            if (_samples[sample].WithdrawnVersion != 0)
            {
                withdrawn++;
                continue;
            }
            // What is there is as the sender knows it, or the owner has changed it since.
            if (bounds is not null && sample < before.Samples.Count) continue;
            var values = row.Said();
            if (now.TryGetValue(sample, out var known) && SheetRow.SaySame(values, known)) continue;
            _sheets.Add(new SheetEntry(sample, version, values));
            _changed = true;
        }
        if (unknown > 0) _findings.Add(string.Create(CultureInfo.InvariantCulture, $"{unknown} rows of the sheet name a sample that the store does not have"));
        if (withdrawn > 0) _findings.Add(string.Create(CultureInfo.InvariantCulture, $"{withdrawn} rows of the sheet name a withdrawn sample; nothing of them was stored"));
    }

    private void ReportSex(long version)
    {
        var sheets = SheetsAt(version);
        foreach (var (file, samples, evidence) in _sexes)
        {
            for (var column = 0; column < samples.Count && sheets.Count > 0; column++)
            {
                var recorded = sheets.TryGetValue(_index[samples[column]], out var sheet) && sheet.TryGetValue("sex", out var sex) ? sex : "";
                if (recorded is "XX" or "XY" && evidence.Of(column) is { } seen && seen != recorded)
                    _findings.Add($"{file}: the X and Y calls of sample column {column + 1} look like {seen}, the sheet says {recorded}");
            }
        }
    }

    /// <summary>The sheet at a version, as far as the samples of the command can have entries: without a sheet in the command, new samples have none.</summary>
    private Dictionary<int, IReadOnlyDictionary<string, string>> SheetsAt(long version)
    {
        if (request.SheetPath is null && Enumerable.Range(before.Ordinals.Count, _ordinals.Count - before.Ordinals.Count).All(o => _ordinals[o].Sample >= before.Samples.Count)) return [];
        var sheets = new StoreCatalog { Sheets = _sheets }.SheetAt(version);
        return bounds?.Known(sheets) ?? sheets;
    }

    private void ReportIdentity(Commit commit, Func<string, int, byte[]?> readPart, CancellationToken stop)
    {
        if (_sketches.Count == 0) return;
        var check = new IdentityCheck(commit, readPart, SheetsAt(commit.Version), bounds is { HidesNothing: false });
        foreach (var found in check.Run(_sketches, _samples.Count, stop))
        {
            var (batch, column) = PlaceOf(found.Sample);
            var (otherBatch, otherColumn) = PlaceOf(found.Other);
            var file = otherBatch == batch ? "the same file" : _fileOfBatch.TryGetValue(otherBatch, out var path) ? path : StoredFile(otherBatch);
            var other = string.Create(CultureInfo.InvariantCulture, $"sample column {otherColumn + 1} of {file}");
            var what = found.Sample == found.Other ? "does not look like the data that it replaces"
                : found.IsSame ? $"looks like the same person as {other}" : $"does not look like the person of {other}, as the sheet says";
            var more = found.More > 0 ? string.Create(CultureInfo.InvariantCulture, $"; {found.More} more look alike") : "";
            var of = found.IsSame ? found.Match.Carried : found.Match.Shared;
            _findings.Add(string.Create(CultureInfo.InvariantCulture, $"{_fileOfBatch[batch]}: sample column {column + 1} {what} ({found.Match.Agreeing} of {of} SNV alleles alike{more})"));
        }
    }

    /// <summary>Last loaded part of a sample that is in force: its batch and 0-based column.</summary>
    private (int Batch, int Column) PlaceOf(int sample)
    {
        var ordinal = PartsOf(sample).FindLast(o => _ordinals[o].UntilVersion == 0);
        return (_ordinals[ordinal].Batch, ordinal - _batches[_ordinals[ordinal].Batch].FirstOrdinal);
    }

    private string StoredFile(int batch)
    {
        var version = _batches[batch].Version;
        var (first, last) = (batch, batch);
        while (first > 0 && _batches[first - 1].Version == version) first--;
        while (last + 1 < _batches.Count && _batches[last + 1].Version == version) last++;
        return first == last
            ? string.Create(CultureInfo.InvariantCulture, $"the file loaded in snapshot {version}")
            : string.Create(CultureInfo.InvariantCulture, $"file {batch - first + 1} of those loaded in snapshot {version}");
    }
}

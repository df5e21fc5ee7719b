using Warehouse.Engine.Manifests;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Variants;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Annotations;

/// <summary>What <c>annotations load</c> asks.</summary>
public sealed record AnnotationRequest
{
    /// <summary>Longest name of a source.</summary>
    public const int MaxSourceLength = 40;

    /// <summary>Name of the source, an INFO key to be: letters, digits and <c>_</c>, a letter first.</summary>
    public required string Source { get; init; }

    /// <summary>Day of the release.</summary>
    public required DateOnly Date { get; init; }

    /// <summary>The file; <c>-</c> is standard input.</summary>
    public required string File { get; init; }

    /// <summary>How it is read; null = the built-in mapping of the source, else all that the header of a VCF declares.</summary>
    public AnnotationMapping? Mapping { get; init; }

    /// <summary>Leave records out that are not understood or whose REF differs, while less than one in a thousand differs, instead of refusing the file.</summary>
    public bool SkipBadRecords { get; init; }

    /// <summary>Threads used; results do not depend on it.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Sizes of runs and blocks, for tests; null = the usual ones.</summary>
    internal (int Run, int Block, int Slack)? Sizes { get; init; }

    /// <summary>Refuses what names no source.</summary>
    /// <exception cref="InputException">It does not.</exception>
    public static void RequireSource(string name)
    {
        if (!IsSource(name)) throw new InputException("annotation-source", $"a source is named by letters, digits and _, a letter first, at most {MaxSourceLength}", InputPlace.None);
    }

    /// <summary>Whether a text may name a source.</summary>
    public static bool IsSource(string name) => name.Length is > 0 and <= MaxSourceLength && char.IsAsciiLetter(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}

/// <summary>
/// What is wrong with a release, in words that may quote it: a release is public, and of nobody, so whoever sent it may be told. Of files of samples a server
/// tells the rule, the file and the line alone.
/// </summary>
/// <param name="Rule">Name of the rule.</param>
/// <param name="Text">What was found and expected.</param>
/// <param name="Place">Where; the path is that of the loading side.</param>
public sealed record ReleaseFault(string Rule, string Text, (long Line, long OffsetBytes, string Field) Place)
{
    /// <summary>Of a refusal by <see cref="VariantStore.LoadAnnotations"/>, or of its mapping.</summary>
    public static ReleaseFault Of(InputException refusal) => new(refusal.Code, refusal.Expected, (refusal.Place.Line, refusal.Place.OffsetBytes, refusal.Place.Field));
}

/// <summary>What a load did.</summary>
/// <param name="Release">The release: the one that was loaded, or the one that the store has already.</param>
/// <param name="Committed">False when the store has it already: the same file by the same mapping.</param>
/// <param name="IsNewest">Whether it is the newest of its source now.</param>
/// <param name="Version">The newest manifest version.</param>
/// <param name="Unmapped">INFO keys that the file declares and no field has.</param>
public sealed record AnnotationReceipt(AnnotationRelease Release, bool Committed, bool IsNewest, long Version, IReadOnlyList<string> Unmapped);

/// <summary>Reads one file into a sealed file of a commit. A failure leaves nothing that a manifest names. One thread.</summary>
internal sealed class AnnotationLoad(AnnotationRequest request, Assembly assembly, ReferenceGenome? reference)
{
    /// <summary>Reads the file.</summary>
    /// <returns>The release, whose number and version are still to be given.</returns>
    /// <exception cref="InputException">The file is not understood, or not of the store's assembly and reference.</exception>
    public (AnnotationRelease Release, IReadOnlyList<string> Unmapped) Run(Commit commit, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        var mapping = request.Mapping ?? AnnotationMapping.BuiltIn(request.Source) ?? AnnotationMapping.AllOfHeader;
        var intake = new AnnotationIntake(new Normalizer(reference), assembly, request.File, request.SkipBadRecords);
        if (mapping.Assembly is { } stated) intake.RequireAssembly(stated, "assembly");
        try
        {
            return mapping.Format == AnnotationFormat.Vcf ? OfVcf(commit, mapping, intake, progress, stop) : OfTable(commit, mapping, intake, progress, stop);
        }
        catch (InputException bad) when (string.IsNullOrEmpty(bad.Place.File))
        {
            throw new InputException(bad.Code, bad.Expected, bad.Place with { File = request.File });
        }
    }

    /// <summary>Length of a file; 0 when it is no regular one.</summary>
    internal static long BytesOf(string file) => file != "-" && File.Exists(file) ? new FileInfo(file).Length : 0;

    private (AnnotationRelease, IReadOnlyList<string>) OfVcf(Commit commit, AnnotationMapping mapping, AnnotationIntake intake, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        using var reader = VariantFile.Open(request.File, new VcfReadOptions { SitesOnly = true, SkipBadRecords = request.SkipBadRecords, Threads = request.Threads });
        var source = new VcfAnnotations(reader, mapping, intake, request.File);
        using var sink = new AnnotationSink(commit, Shape(false, source.Fields));
        var records = source.ReadInto(sink, progress, stop);
        if (reader is VcfTextReader { EndedWithLineEnd: false }) throw new InputException("truncated", "the last line has no line end: the file is cut off", new InputPlace(request.File, 0, 0, ""));
        intake.Complete();
        foreach (var (code, count) in reader.Skipped) intake.LeaveOut(code, count);
        var (file, rows) = sink.Complete(stop);
        return (Released((file, rows), mapping, records, source.Fields, isIntervals: false) with { SourceSha256 = Convert.ToHexStringLower(reader.Sha256OfInput()), LeftOut = intake.LeftOut, Lineage = source.Lineage }, source.Unmapped);
    }

    private (AnnotationRelease, IReadOnlyList<string>) OfTable(Commit commit, AnnotationMapping mapping, AnnotationIntake intake, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        var from = VariantFile.OpenLines(request.File, new VcfReadOptions { Threads = request.Threads });
        using var input = from.Input;
        using var lines = from.Lines;
        var source = new TableAnnotations(from, mapping, intake, request.File);
        var fields = mapping.Fields.Select(f => f.Field).ToList();
        var isIntervals = mapping.Format == AnnotationFormat.Bed || mapping.Places.ContainsKey("end");
        using var sink = new AnnotationSink(commit, Shape(isIntervals, fields));
        var records = source.ReadInto(sink, progress, stop);
        intake.Complete();
        var (file, rows) = sink.Complete(stop);
        return (Released((file, rows), mapping, records, fields, isIntervals) with { SourceSha256 = Convert.ToHexStringLower(input.Raw.Sha256()), LeftOut = intake.LeftOut, Lineage = source.Lineage }, []);
    }

    private AnnotationShape Shape(bool isIntervals, IReadOnlyList<AnnotationField> fields)
    {
        var shape = new AnnotationShape(isIntervals, reference is null, fields);
        return request.Sizes is { } sizes ? shape with { Sizes = sizes } : shape;
    }

    private AnnotationRelease Released((FileEntry File, long Rows) written, AnnotationMapping mapping, long records, IReadOnlyList<AnnotationField> fields, bool isIntervals) => new()
    {
        Source = request.Source, Date = request.Date, Number = 0, FromVersion = 0, SourceSha256 = "", MappingSha256 = mapping.Sha256, ContentSha256 = written.File.ContentSha256.ToString(),
        IsIntervals = isIntervals, TrimmedOnly = reference is null, Records = records, Rows = written.Rows, LeftOut = [], Lineage = [], Fields = fields,
    };
}

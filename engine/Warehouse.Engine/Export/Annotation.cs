using Warehouse.Engine.Annotations;
using Warehouse.Engine.Query;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Export;

/// <summary>What an annotation found, by alleles. <c>*</c>, <c>&lt;*&gt;</c> and <c>&lt;NON_REF&gt;</c> are no alleles of their own and are not among them.</summary>
/// <param name="Records">Records written.</param>
/// <param name="Seen">Alleles that a visible sample carries.</param>
/// <param name="NotSeen">Alleles without a carrier among at least one assessed sample.</param>
/// <param name="NotAssessable">Alleles where no sample was assessed, and symbolic alleles and breakends, which are not looked up.</param>
public sealed record AnnotationSummary(long Records, long Seen, long NotSeen, long NotAssessable)
{
    /// <summary>What was met damaged first, naming the file: the alleles that need it are not assessable. Null when nothing was.</summary>
    public string? Damage { get; init; }
}

/// <summary>Answers <c>seen</c> for every allele of a VCF, into its INFO column.</summary>
public static class Annotation
{
    /// <summary>
    /// Copies a VCF to the target, each line as it is but for INFO fields added behind: WH_SEEN, WH_AC, WH_AN, WH_AF, WH_HOM, WH_CARRIERS,
    /// one value per ALT. Memory does not grow with the file. The target is the caller's; after a failure it holds an unfinished file.
    /// </summary>
    /// <exception cref="InputException">The file is not understood, is of another assembly, differs from the reference, or was annotated before; or an unknown sample or cohort.</exception>
    public static AnnotationSummary Annotate(this Session session, string inputPath, SampleChoice samples, Stream target, IProgress<WorkProgress>? progress = null, CancellationToken stop = default) =>
        Run((session, null), inputPath, samples, (() => VariantFile.Open(inputPath, Reading), target), progress, stop);

    /// <summary>The same, with what annotations say of each allele behind it.</summary>
    /// <param name="asked">The session, and the annotations, which stay the caller's.</param>
    /// <param name="inputPath">The file.</param>
    /// <param name="samples">Over which samples.</param>
    /// <param name="target">Where to; the caller's.</param>
    /// <param name="progress">Gets bytes read.</param>
    /// <param name="stop">Cancels.</param>
    public static AnnotationSummary Annotate((Session Session, AnnotationSet? Notes) asked, string inputPath, SampleChoice samples, Stream target, IProgress<WorkProgress>? progress, CancellationToken stop) =>
        Run(asked, inputPath, samples, (() => VariantFile.Open(inputPath, Reading), target), progress, stop);

    /// <summary>The same for the bytes of a VCF as they come: text, gzip or BGZF, read forward only.</summary>
    /// <param name="session">The session.</param>
    /// <param name="input">The bytes, and what to call them in errors; closed at the end, also after a failure.</param>
    /// <param name="samples">Over which samples.</param>
    /// <param name="target">Where to; the caller's.</param>
    /// <param name="stop">Cancels between windows of records; a read that waits is for the stream to end.</param>
    /// <exception cref="InputException">As for a file.</exception>
    public static AnnotationSummary Annotate(this Session session, (Stream Bytes, string Name) input, SampleChoice samples, Stream target, CancellationToken stop = default) =>
        Run((session, null), input.Name, samples, (() => VariantFile.Open(input.Bytes, input.Name, Reading), target), progress: null, stop);

    /// <summary>The same for bytes, with what annotations say of each allele behind it.</summary>
    /// <param name="asked">The session, and the annotations, which stay the caller's.</param>
    /// <param name="input">The bytes, and what to call them in errors; closed at the end, also after a failure.</param>
    /// <param name="samples">Over which samples.</param>
    /// <param name="target">Where to; the caller's.</param>
    /// <param name="stop">Cancels between windows of records.</param>
    public static AnnotationSummary Annotate((Session Session, AnnotationSet? Notes) asked, (Stream Bytes, string Name) input, SampleChoice samples, Stream target, CancellationToken stop = default) =>
        Run(asked, input.Name, samples, (() => VariantFile.Open(input.Bytes, input.Name, Reading), target), progress: null, stop);

    private static VcfReadOptions Reading => new() { SitesOnly = true, Threads = Environment.ProcessorCount };

    private static AnnotationSummary Run((Session Session, AnnotationSet? Notes) asked, string name, SampleChoice samples, (Func<VariantReader> From, Stream To) copy, IProgress<WorkProgress>? progress, CancellationToken stop)
    {
        try
        {
            using var reader = copy.From();
            var summary = new AnnotationRun(asked, samples, name, copy.To).Run(reader, progress, stop);
            asked.Session.Report("annotate", summary.Records);
            return summary;
        }
        catch (InputException bad) when (string.IsNullOrEmpty(bad.Place.File) && bad.Place.Line > 0)
        {
            throw new InputException(bad.Code, bad.Expected, bad.Place with { File = name });
        }
    }
}

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
    public static AnnotationSummary Annotate(this Session session, string inputPath, SampleChoice samples, Stream target, IProgress<WorkProgress>? progress = null, CancellationToken stop = default)
    {
        try
        {
            using var reader = VariantFile.Open(inputPath, new VcfReadOptions { SitesOnly = true, Threads = Environment.ProcessorCount });
            var summary = new AnnotationRun(session, samples, inputPath, target).Run(reader, progress, stop);
            session.Report("annotate", summary.Records);
            return summary;
        }
        catch (InputException bad) when (string.IsNullOrEmpty(bad.Place.File) && bad.Place.Line > 0)
        {
            throw new InputException(bad.Code, bad.Expected, bad.Place with { File = inputPath });
        }
    }
}

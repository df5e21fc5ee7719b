namespace Warehouse.Engine.Simulate;

/// <summary>
/// Writes a simulated cohort: reference, sheet, genotypes and, when asked, the figures that <c>freq</c> must give for them.
/// <para>
/// Model: alleles by a power-law frequency spectrum, carriers as clades of a slowly changing order of haplotypes, ancestry
/// groups, trios, X, Y and MT with their ploidies, multi-allelic sites, indels in repeats, <c>*</c>, no-calls. Memory is
/// bounded by the reference (one byte per base, 35 bases per site) plus about 250 bytes per sample of a joint file, or about
/// 200 KB per sample where every sample has a file; never by sites times samples.
/// </para>
/// A failure or cancellation leaves incomplete files without an end block.
/// </summary>
public static class Simulator
{
    internal const string JointName = "cohort.vcf.gz";

    /// <summary>Writes everything that the options ask for. One call at a time per folder.</summary>
    /// <exception cref="InputException">Options that cannot be simulated.</exception>
    /// <exception cref="IOException">A file could not be written.</exception>
    /// <exception cref="OperationCanceledException">Cancelled between two sites.</exception>
    public static SimulationReport Run(SimulationOptions options, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        Directory.CreateDirectory(options.Folder);
        var population = new Population(options);
        var contigs = Genome.Make(options, population.GenotypeSex.Contains(Sex.Xy));
        var files = new List<string> { "reference.fa", "reference.fa.fai", "samples.tsv" };
        Genome.Write(options.Folder, contigs);
        population.WriteSheet(Path.Combine(options.Folder, "samples.tsv"));
        if (options.Truth)
        {
            population.WritePlanted(Path.Combine(options.Folder, "planted.tsv"));
            files.AddRange(["planted.tsv", "truth.tsv"]);
        }
        Callable? callable = null;
        if (options.Callable)
        {
            callable = new Callable(options.Seed, contigs);
            callable.Write(Path.Combine(options.Folder, "callable.bed"));
            files.Add("callable.bed");
        }
        using var truth = options.Truth ? new Truth(Path.Combine(options.Folder, "truth.tsv"), options.Samples) : null;
        var run = new SimulationRun(options, population, contigs, truth, progress);
        if (options.Shape == SimulationShape.Joint)
        {
            run.Joint(cancellation);
            files.Add(JointName);
        }
        else
        {
            Directory.CreateDirectory(Path.Combine(options.Folder, options.Shape == SimulationShape.Gvcf ? "gvcf" : "single"));
            files.AddRange(run.PerSample(callable, cancellation));
        }
        if (options.ClinVar is { } form)
        {
            new ClinVarReleases(options, contigs, form).Write(cancellation);
            files.AddRange(ClinVarReleases.Files);
        }
        return run.Report(files);
    }
}

using System.Globalization;
using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Simulate;

/// <summary>A record that one sample's file has.</summary>
/// <param name="Site">Its site; REF is as there.</param>
/// <param name="Listed">Bit a is set when allele a of the site is among the ALTs.</param>
/// <param name="First">First allele as in the site, or missing.</param>
/// <param name="Second">Second allele, missing, or -1 when written haploid.</param>
/// <param name="Alt">ALT column.</param>
/// <param name="Gt">GT as written.</param>
internal readonly record struct SampleRecord(Site Site, int Listed, int First, int Second, string Alt, string Gt)
{
    /// <summary>True when at least one allele is called.</summary>
    public bool IsCalled => First != Genotypes.Missing || Second is >= 0 and < Genotypes.Missing;
}

/// <summary>
/// The file or files of one sample, single or gVCF. A record lists only the sample's own alleles; half of the no-calls have
/// no record. In gVCF, blocks fill what records leave of the sample's evidence.
/// </summary>
internal sealed class SampleFile(SimulationOptions options, Population population, List<Contig> contigs, int sample) : IDisposable
{
    private const int MarginBases = 200;
    private const int RecentBases = 500;
    private readonly Prng _random = new(options.Seed, 1000 + (2 * (ulong)sample));
    private readonly Prng _blockRandom = new(options.Seed, 1001 + (2 * (ulong)sample));
    private readonly ByteText _text = new();
    private readonly bool _gvcf = options.Shape == SimulationShape.Gvcf;
    private BgzfWriter? _file;
    private Contig _contig = contigs[0];
    private BlockTrack? _blocks;
    private int _written;

    /// <summary>The last records of the contig, ascending.</summary>
    public List<SampleRecord> Recent { get; } = [];

    /// <summary>The file that this sample writes for a contig, below the folder.</summary>
    public string FileName(Contig contig) => !_gvcf ? $"single/{population.Names[sample]}.vcf.gz"
        : options.SplitByContig ? $"gvcf/{population.Names[sample]}.{contig.Name}.g.vcf.gz" : $"gvcf/{population.Names[sample]}.g.vcf.gz";

    /// <summary>Turns to the next contig.</summary>
    public void BeginContig(Contig contig)
    {
        _contig = contig;
        Recent.Clear();
        if (_file is null)
        {
            _file = new BgzfWriter(File.Create(Path.Combine(options.Folder, FileName(contig))));
            _text.Clear();
            VcfText.AddHeader(_text, options, contigs, [population.Names[sample]]);
            _file.Write(_text.Bytes);
        }
        var hasBlocks = _gvcf && population.Ploidy(sample, contig.Kind, false) > 0;
        _written = Math.Max(0, contig.Start - MarginBases);
        _blocks = hasBlocks ? new BlockTrack(_written, Math.Min(contig.End + (2 * MarginBases), contig.Sequence.Length), _blockRandom) : null;
    }

    /// <summary>Writes the record of a site, if the sample's file has one. Returns the ALTs of the site that it lists, as bits.</summary>
    public int Add(Site site, int first, int second)
    {
        var hole = first == Genotypes.Missing || second == Genotypes.Missing;
        var called = first != Genotypes.Missing || second is >= 0 and < Genotypes.Missing;
        if (!called && _random.Chance(0.5)) return 0;
        var bases = (1 << (site.Alleles.Length + 1)) - 2;
        var own = (Bit(first) | Bit(second)) & bases;
        if (own == 0 && !hole) return 0;
        var listed = own == 0 ? bases : own;
        var star = ((Bit(first) | Bit(second)) & ~bases) != 0;
        WriteBlocks(site.Start);
        _written = Math.Max(_written, site.End);
        var record = MakeRecord(site, first, second, star ? listed | (1 << site.Alts.Length) : listed);
        Write(record);
        Recent.RemoveAll(r => r.Site.End < site.Start - RecentBases);
        Recent.Add(record);
        return listed;
    }

    /// <summary>Writes the blocks up to the end of the contig.</summary>
    public void EndContig()
    {
        if (_blocks is not null) WriteBlocks(_blocks.End);
        if (!options.SplitByContig) return;
        _file?.Dispose();
        _file = null;
    }

    /// <summary>True when a block of the file covers a base and is evidence for the reference. Records cut blocks: ask about those first.</summary>
    public bool IsEvidence(int position) => _blocks is not null && position >= _blocks.Start && position < _blocks.End && _blocks.At(position).IsEvidence;

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();

    /// <summary>Bit of an ALT allele; 0 for REF, missing and none.</summary>
    private static int Bit(int allele) => allele is > 0 and < Genotypes.Missing ? 1 << allele : 0;

    private SampleRecord MakeRecord(Site site, int first, int second, int listed)
    {
        var alts = Enumerable.Range(1, site.Alts.Length).Where(a => (listed & (1 << a)) != 0).Select(a => site.Alts[a - 1]);
        if (_gvcf) alts = alts.Append("<NON_REF>");
        _text.Clear();
        var (one, two) = (Local(first, listed), Local(second, listed));
        var phased = options.Phased && !_gvcf;
        // Unphased calls are written in ascending order, a missing allele first, as callers do.
        var swap = !phased && two >= 0 && (two == Genotypes.Missing || (one != Genotypes.Missing && one > two));
        VcfText.AddGt(_text, swap ? two : one, swap ? one : two, phased ? '|' : '/');
        return new SampleRecord(site, listed & ((2 << site.Alleles.Length) - 1), first, second, string.Join(',', alts), System.Text.Encoding.ASCII.GetString(_text.Bytes));
    }

    /// <summary>Index of an allele among the listed ones.</summary>
    private static int Local(int allele, int listed) =>
        Bit(allele) == 0 ? allele : System.Numerics.BitOperations.PopCount((uint)(listed & (Bit(allele) - 1))) + 1;

    private void Write(SampleRecord record)
    {
        _text.Clear();
        VcfText.AddFixed(_text, record.Site, [record.Alt]);
        _text.Add(_gvcf ? ".\tGT:AD:DP:GQ:PL\t"u8 : options.Format == SimulationFormat.Full ? ".\tGT:GQ:DP:AD\t"u8 : ".\tGT\t"u8).Add(record.Gt);
        if (_gvcf || options.Format == SimulationFormat.Full) AddValues(record);
        _text.Add('\n');
        _file!.Write(_text.Bytes);
    }

    private void AddValues(SampleRecord record)
    {
        if (!record.IsCalled)
        {
            _text.Add(_gvcf ? ":.:.:.:."u8 : ":.:.:."u8);
            return;
        }
        var numbers = record.Gt.Split('|', '/').Select(g => g == "." ? Genotypes.Missing : int.Parse(g, CultureInfo.InvariantCulture)).ToArray();
        Span<int> depths = stackalloc int[record.Alt.Count(c => c == ',') + 2];
        var second = numbers.Length == 1 ? -1 : numbers[1];
        var depth = VcfText.DrawDepths(_random, numbers[0], second, depths);
        var quality = VcfText.DrawQuality(_random);
        if (!_gvcf) _text.Add(':').Add(quality).Add(':').Add(depth);
        for (var a = 0; a < depths.Length; a++) _text.Add(a == 0 ? ':' : ',').Add(depths[a]);
        if (_gvcf) _text.Add(':').Add(depth).Add(':').Add(quality);
        if (_gvcf) AddLikelihoods(numbers[0], second, depths.Length, quality);
    }

    /// <summary>PL in VCF genotype order: 0 for the called genotype, GQ for the next best, more for others.</summary>
    private void AddLikelihoods(int first, int second, int alleles, int quality)
    {
        if (first == Genotypes.Missing || second == Genotypes.Missing)
        {
            _text.Add(":."u8);
            return;
        }
        var genotypes = second < 0 ? alleles : alleles * (alleles + 1) / 2;
        var (low, high) = (Math.Min(first, second), Math.Max(first, second));
        var called = second < 0 ? first : (high * (high + 1) / 2) + low;
        for (var g = 0; g < genotypes; g++) _text.Add(g == 0 ? ':' : ',').Add(g == called ? 0 : quality + (g == (called == 0 ? 1 : 0) ? 0 : 40 * (g + 1)));
    }

    private void WriteBlocks(int end)
    {
        if (_blocks is null) return;
        while (_written < Math.Min(end, _blocks.End))
        {
            var stretch = _blocks.At(_written);
            var blockEnd = Math.Min(Math.Min(stretch.End, end), _blocks.End);
            if (_written < _contig.ParEnd) blockEnd = Math.Min(blockEnd, _contig.ParEnd);
            if (stretch.Gq >= 0) WriteBlock(stretch, blockEnd);
            _written = blockEnd;
        }
        _blocks.Forget(_written - (2 * RecentBases));
    }

    private void WriteBlock(Stretch stretch, int end)
    {
        _text.Clear();
        _text.Add(_contig.Name).Add('\t').Add(_written + 1).Add("\t.\t"u8).Add((char)_contig.Sequence[_written]).Add("\t<NON_REF>\t.\t"u8);
        _text.Add(stretch.Passes ? ".\tEND="u8 : "LowQual\tEND="u8).Add(end).Add("\tGT:DP:GQ:MIN_DP:PL\t"u8);
        var diploid = population.Ploidy(sample, _contig.Kind, _contig.InPar(_written)) == 2;
        _text.Add(diploid ? "0/0:"u8 : "0:"u8).Add(stretch.MinDepth + _random.Below(3)).Add(':').Add(stretch.Gq).Add(':').Add(stretch.MinDepth);
        _text.Add(":0,"u8).Add(stretch.Gq);
        if (diploid) _text.Add(',').Add(stretch.Gq * 12);
        _text.Add('\n');
        _file!.Write(_text.Bytes);
    }
}

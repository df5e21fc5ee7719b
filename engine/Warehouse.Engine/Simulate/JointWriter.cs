using Warehouse.Engine.Vcf;

namespace Warehouse.Engine.Simulate;

/// <summary>
/// Writes <c>cohort.vcf.gz</c>. A GT-only line is kept as text of all-reference genotypes: a site changes the few bytes of its
/// carriers, is written, and changes them back. Memory: about 10 bytes per sample, 40 with depths, besides the haplotype model.
/// </summary>
internal sealed class JointWriter : IDisposable
{
    private readonly SimulationOptions _options;
    private readonly Population _population;
    private readonly BgzfWriter _file;
    private readonly Prng _random;
    private readonly ByteText _head = new();
    private readonly ByteText _line = new();
    private readonly int[] _offsets;
    private Zone? _zone;

    /// <summary>Writes the header.</summary>
    public JointWriter(SimulationOptions options, Population population, List<Contig> contigs)
    {
        (_options, _population) = (options, population);
        _random = new Prng(options.Seed, 5);
        _offsets = new int[population.Count];
        _file = new BgzfWriter(File.Create(Path.Combine(options.Folder, Simulator.JointName)), threads: options.Threads);
        VcfText.AddHeader(_head, options, contigs, population.Names);
        _file.Write(_head.Bytes);
    }

    /// <summary>Writes one record.</summary>
    public void Write(Site site, Zone zone, Genotypes genotypes)
    {
        _head.Clear();
        VcfText.AddFixed(_head, site, site.Alts);
        if (_options.InfoCounts) AddInfo(site, zone, genotypes);
        else _head.Add('.');
        if (_options.Format == SimulationFormat.Full) WriteFull(site, zone, genotypes);
        else WriteGt(zone, genotypes);
    }

    /// <summary>Writes the end; without it the file stays recognisably cut off.</summary>
    public void Complete() => _file.Complete();

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void WriteGt(Zone zone, Genotypes genotypes)
    {
        if (_zone != zone) MakeTemplate(zone);
        _file.Write(_head.Add("\tGT"u8).Bytes);
        var line = _line.Bytes;
        foreach (var h in genotypes.Carriers) line[_offsets[h >> 1] + (2 * (h & 1))] = (byte)('0' + genotypes.Alleles[h]);
        foreach (var s in genotypes.Holes)
            for (var slot = 0; slot < zone.Ploidy[s]; slot++)
                if (genotypes.Alleles[(2 * s) + slot] == Genotypes.Missing) line[_offsets[s] + (2 * slot)] = (byte)'.';
        _file.Write(line);
        foreach (var h in genotypes.Carriers) line[_offsets[h >> 1] + (2 * (h & 1))] = (byte)'0';
        foreach (var s in genotypes.Holes)
            for (var slot = 0; slot < zone.Ploidy[s]; slot++) line[_offsets[s] + (2 * slot)] = (byte)'0';
    }

    private void MakeTemplate(Zone zone)
    {
        _zone = zone;
        _line.Clear();
        for (var s = 0; s < _offsets.Length; s++)
        {
            _line.Add('\t');
            _offsets[s] = _line.Count;
            _line.Add(zone.Ploidy[s] switch { 0 => "."u8, 1 => "0"u8, _ => _options.Phased ? "0|0"u8 : "0/0"u8 });
        }
        _line.Add('\n');
    }

    private void WriteFull(Site site, Zone zone, Genotypes genotypes)
    {
        Span<int> depths = stackalloc int[site.Alts.Length + 1];
        var between = _options.Phased ? '|' : '/';
        _head.Add("\tGT:GQ:DP:AD"u8);
        _line.Clear();
        for (var s = 0; s < _population.Count; s++)
        {
            _line.Add('\t');
            var (first, second) = zone.Call(genotypes, s);
            VcfText.AddGt(_line, first, second, between);
            if (first == Genotypes.Missing && second is -1 or Genotypes.Missing)
            {
                _line.Add(":.:.:."u8);
                continue;
            }
            var depth = VcfText.DrawDepths(_random, first, second, depths);
            _line.Add(':').Add(VcfText.DrawQuality(_random)).Add(':').Add(depth);
            for (var a = 0; a < depths.Length; a++) _line.Add(a == 0 ? ':' : ',').Add(depths[a]);
        }
        _line.Add('\n');
        _file.Write(_head.Bytes);
        _file.Write(_line.Bytes);
    }

    private void AddInfo(Site site, Zone zone, Genotypes genotypes)
    {
        var an = zone.TotalPloidy;
        foreach (var s in genotypes.Holes)
            for (var slot = 0; slot < zone.Ploidy[s]; slot++)
                if (genotypes.Alleles[(2 * s) + slot] == Genotypes.Missing) an--;
        Span<long> ac = stackalloc long[site.Alts.Length];
        foreach (var h in genotypes.Carriers)
            if (genotypes.Alleles[h] != Genotypes.Missing) ac[genotypes.Alleles[h] - 1]++;
        for (var a = 0; a < ac.Length; a++) _head.Add(a == 0 ? "AC="u8 : ","u8).Add(ac[a]);
        _head.Add(";AN="u8).Add(an);
        if (an == 0) return;
        for (var a = 0; a < ac.Length; a++)
            _head.Add(a == 0 ? ";AF="u8 : ","u8).Add(((double)ac[a] / an).ToString("g6", System.Globalization.CultureInfo.InvariantCulture));
    }
}

namespace Warehouse.Engine.Simulate;

/// <summary>
/// Who carries what. The founder haplotypes stand in a local order, as the leaves of a local tree do, and the carriers of an
/// allele with k copies are k neighbours in it: clades. Between sites pairs of haplotypes change places, so that the order,
/// and with it linkage, decays over some hundred sites. The order is cut into clades that the ancestry groups like more or
/// less; a change of places is taken or not so that the groups keep to their clades (Metropolis), which drifts their
/// frequencies apart. Children copy one haplotype of each parent and switch between the parent's two now and then; planted
/// duplicates copy everything. Bounded by about 20 bytes per haplotype.
/// </summary>
internal sealed class HaplotypeModel
{
    private const int CladeCount = 48;
    private const double Drift = 1.6;
    private const int SwapShare = 200;
    private const int Strata = 1024;
    private const double ChildSwitchRate = 0.0005;

    private readonly Population _population;
    private readonly SimulationOptions _options;
    private readonly Prng _random;
    private readonly int[] _order;
    private readonly double[] _weight;
    private readonly double[] _spectrum;
    private readonly bool[] _fromSecond;
    private readonly int[] _children;
    private readonly List<(int Haplotype, byte Allele)> _longCarriers = [];
    private readonly int[] _strata = [.. Enumerable.Range(0, Strata)];
    private int _stratum = Strata;
    private int _sitesToSwitch;

    /// <summary>Sets up the first order.</summary>
    public HaplotypeModel(Population population, SimulationOptions options)
    {
        (_population, _options) = (population, options);
        _random = new Prng(options.Seed, 4);
        _order = [.. population.FounderHaplotypes];
        Shuffle(_order);
        _weight = new double[options.AncestryGroups * CladeCount];
        for (var i = 0; i < _weight.Length; i++) _weight[i] = Prng.Exp(Drift * (_random.Unit() - 0.5));
        _spectrum = Spectrum(Math.Max(1, _order.Length - 1), options.SfsExponent);
        _children = [.. Enumerable.Range(0, population.Count).Where(s => population.IsChild[s])];
        _fromSecond = new bool[2 * population.Count];
        _sitesToSwitch = NextSwitch();
        Recombine(_order.Length * 6);
    }

    /// <summary>Draws the genotypes of the next site. Every ALT gets a carrier where any chromosome is free.</summary>
    public void Draw(Site site, Zone zone, Genotypes genotypes)
    {
        genotypes.Clear();
        Recombine(Math.Max(1, _order.Length / SwapShare));
        while (--_sitesToSwitch < 0 && _children.Length > 0) SwitchChild();
        if (site.Spanning is not null) MarkSpanned(site, genotypes);
        var at = _random.Below(_order.Length);
        var free = _order.Length;
        for (var allele = 1; allele <= site.Alleles.Length; allele++)
        {
            var copies = Math.Min(Math.Max(1, free - site.Alleles.Length), DrawCopies());
            at = Place((byte)allele, at, copies, zone, genotypes);
            free -= copies;
        }
        if (site.Ref.Length > 1) Remember(genotypes);
        DrawMissing(zone, genotypes);
    }

    /// <summary>Cumulative probabilities of 1 to <paramref name="most"/> copies.</summary>
    private static double[] Spectrum(int most, double exponent)
    {
        var cumulative = new double[most];
        double sum = 0;
        for (var k = 1; k <= most; k++) cumulative[k - 1] = sum += Prng.Exp(-exponent * Prng.Log(k));
        return cumulative;
    }

    /// <summary>
    /// Copies of an allele. Each run of 1024 draws takes every 1024th part of the spectrum once, in a drawn order: with a
    /// heavy tail, totals would otherwise differ by several per cent from seed to seed.
    /// </summary>
    private int DrawCopies()
    {
        if (_stratum == Strata)
        {
            Shuffle(_strata);
            _stratum = 0;
        }
        var part = (_strata[_stratum++] + _random.Unit()) / Strata;
        var found = Array.BinarySearch(_spectrum, part * _spectrum[^1]);
        return Math.Min(found < 0 ? ~found : found, _spectrum.Length - 1) + 1;
    }

    private void Shuffle(int[] items)
    {
        for (var i = items.Length - 1; i > 0; i--)
        {
            var j = _random.Below(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>Gives an allele to the haplotypes at [at, at + copies) of the order, round its end, and further until one has it. Returns the end.</summary>
    private int Place(byte allele, int at, int copies, Zone zone, Genotypes genotypes)
    {
        var before = genotypes.Carriers.Count;
        for (var tried = 0; tried < copies || (tried < _order.Length && genotypes.Carriers.Count == before); tried++)
        {
            Give(_order[at], allele, zone, genotypes);
            if (++at == _order.Length) at = 0;
        }
        return at;
    }

    /// <summary>Gives an allele to a haplotype and to all that were copied from it.</summary>
    private void Give(int haplotype, byte allele, Zone zone, Genotypes genotypes)
    {
        if (!zone.Has(haplotype) || genotypes.Alleles[haplotype] != 0) return;
        Set(haplotype, allele, zone, genotypes);
        if (_population.ChildOf[haplotype >> 1] < 0) return;
        var heir = Heir(haplotype, zone);
        if (heir >= 0 && zone.Has(heir) && genotypes.Alleles[heir] == 0) Set(heir, allele, zone, genotypes);
    }

    private void Set(int haplotype, byte allele, Zone zone, Genotypes genotypes)
    {
        genotypes.Alleles[haplotype] = allele;
        genotypes.Carriers.Add(haplotype);
        var copy = _population.CopyOf[haplotype >> 1];
        if (copy < 0 || !zone.Has((2 * copy) + (haplotype & 1))) return;
        genotypes.Alleles[(2 * copy) + (haplotype & 1)] = allele;
        genotypes.Carriers.Add((2 * copy) + (haplotype & 1));
    }

    /// <summary>The child's haplotype that copies this one here, or -1.</summary>
    private int Heir(int haplotype, Zone zone)
    {
        var (parent, slot) = (haplotype >> 1, haplotype & 1);
        var child = _population.ChildOf[parent];
        var mother = _population.IsMother[parent];
        var heir = (2 * child) + (mother ? 0 : 1);
        return zone.Kind switch
        {
            ContigKind.Mitochondrion => mother ? heir : -1,
            ContigKind.Y => mother ? -1 : 2 * child,
            ContigKind.X when !zone.Par && !mother => heir,
            _ => _fromSecond[heir] == (slot == 1) ? heir : -1,
        };
    }

    /// <summary>Carriers of the deletion that overlaps the site have no base here: they get <c>*</c>, the last allele.</summary>
    private void MarkSpanned(Site site, Genotypes genotypes)
    {
        var deletion = site.Spanning!;
        foreach (var (haplotype, allele) in _longCarriers)
        {
            if (deletion.Alts[allele - 1].Length + site.Start > deletion.End) continue;
            genotypes.Alleles[haplotype] = (byte)site.Alts.Length;
            genotypes.Carriers.Add(haplotype);
        }
    }

    private void Remember(Genotypes genotypes)
    {
        _longCarriers.Clear();
        foreach (var h in genotypes.Carriers) _longCarriers.Add((h, genotypes.Alleles[h]));
    }

    private void DrawMissing(Zone zone, Genotypes genotypes)
    {
        var rate = _options.MissingRate + _options.HalfCallRate;
        for (long s = _random.Failures(rate); s < zone.Ploidy.Length; s += 1L + _random.Failures(rate))
        {
            var sample = (int)s;
            var half = _options.HalfCallRate > 0 && _random.Unit() * rate < _options.HalfCallRate;
            if (zone.Ploidy[sample] == 0 || (half && zone.Ploidy[sample] == 1)) continue;
            genotypes.Holes.Add(sample);
            var slot = half ? _random.Below(2) : 0;
            genotypes.Alleles[(2 * sample) + slot] = Genotypes.Missing;
            if (!half && zone.Ploidy[sample] == 2) genotypes.Alleles[(2 * sample) + 1] = Genotypes.Missing;
        }
    }

    private int NextSwitch() => _random.Failures(Math.Min(0.9, ChildSwitchRate * 2 * _children.Length));

    private void SwitchChild()
    {
        var haplotype = (2 * _children[_random.Below(_children.Length)]) + _random.Below(2);
        _fromSecond[haplotype] = !_fromSecond[haplotype];
        _sitesToSwitch = NextSwitch();
    }

    /// <summary>Tries a number of exchanges of two places of the order.</summary>
    private void Recombine(int tries)
    {
        var order = _order;
        for (var t = 0; t < tries; t++)
        {
            var (i, j) = (_random.Below(order.Length), _random.Below(order.Length));
            var a = _population.Group[order[i] >> 1] * CladeCount;
            var b = _population.Group[order[j] >> 1] * CladeCount;
            if (a != b)
            {
                var (p, q) = ((int)((long)i * CladeCount / order.Length), (int)((long)j * CladeCount / order.Length));
                if (_random.Unit() * _weight[a + p] * _weight[b + q] > _weight[a + q] * _weight[b + p]) continue;
            }
            (order[i], order[j]) = (order[j], order[i]);
        }
    }
}

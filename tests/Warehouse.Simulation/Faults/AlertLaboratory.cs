using System.Globalization;
using System.Text;

namespace Warehouse.Simulation.Faults;

/// <summary>
/// A laboratory on paper: its samples and what they carry, the releases of ClinVar, which alerts must follow from them, and what its clinician was shown and has acknowledged. It writes the files
/// that the program is given, and knows nothing of the program's code. One person a sample; the clinician of all of them is whoever runs the program.
/// </summary>
internal sealed class AlertLaboratory(string folder, Random chance)
{
    private const int Sites = 8, MostSamples = 200;

    private static readonly string[] Words = ["Pathogenic", "Likely_pathogenic", "Benign", "Likely_benign", "Uncertain_significance"];

    private readonly string[] _words = new string[Sites];
    private readonly Dictionary<int, (string From, string To)> _changed = [];
    private readonly List<string> _samples = [];
    private readonly Dictionary<string, int[]> _doses = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _raised = new(StringComparer.Ordinal);
    private readonly HashSet<string> _shown = new(StringComparer.Ordinal), _tried = new(StringComparer.Ordinal), _acknowledged = new(StringComparer.Ordinal);
    private int _releases;
    private string[]? _next;

    /// <summary>Ids of all alerts, once they were reckoned.</summary>
    internal IReadOnlyCollection<string> Known { get; private set; } = [];

    /// <summary>A file of genotypes of samples.</summary>
    internal string Samples(params string[] names)
    {
        foreach (var name in names.Where(n => !_doses.ContainsKey(n)))
        {
            _doses.Add(name, [.. Enumerable.Range(0, Sites).Select(_ => Math.Max(0, chance.Next(4) - 1))]);
            if (_releases == 0) _samples.Add(name);
        }
        var text = new StringBuilder("##fileformat=VCFv4.2\n##contig=<ID=1>\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t").AppendJoin('\t', names).Append('\n');
        for (var site = 0; site < Sites; site++)
            text.Append(CultureInfo.InvariantCulture, $"1\t{Position(site)}\t.\tA\tG\t50\tPASS\t.\tGT\t").AppendJoin('\t', names.Select(n => _doses[n][site] switch { 0 => "0/0", 1 => "0/1", _ => "1/1" })).Append('\n');
        return Write($"{names[0]}.vcf", text.ToString());
    }

    /// <summary>Their sheet.</summary>
    internal string Sheet(params string[] names) => Write($"{names[0]}.tsv", "sample\tperson\n" + string.Concat(names.Select(n => $"{n}\t{PersonOf(n)}\n")));

    /// <summary>Who cares for whom, those to come among them.</summary>
    internal string Care() => Write("care.tsv", "person\tresponsible\tdeputies\n" + string.Concat(Enumerable.Range(0, MostSamples).Select(n => FormattableString.Invariant($"P{n}\tlocal:{Environment.UserName}\t\n"))));

    /// <summary>A sample that is not there yet.</summary>
    internal string NextSample() => FormattableString.Invariant($"S{_doses.Count}");

    /// <summary>A sample has come: what the newest release changed concerns it too, and of the rest what is pathogenic.</summary>
    internal void Loaded(string sample)
    {
        _samples.Add(sample);
        RaiseChanges(sample);
        for (var site = 0; site < Sites; site++)
            if (_doses[sample][site] > 0 && Net(_words[site]) == "pathogenic" && !_changed.ContainsKey(site)) _raised.Add($"{PersonOf(sample)} {AlleleOf(site)} newly-seen germline pathogenic");
    }

    /// <summary>The next release: its date and its file.</summary>
    internal (string Date, string File) NextRelease()
    {
        _next = [.. _words.Select(w => w is not null && chance.Next(3) > 0 ? w : Words[chance.Next(Words.Length)])];
        var date = Date(_releases);
        var text = new StringBuilder($"##fileformat=VCFv4.1\n##fileDate={date}\n##source=ClinVar\n##reference=GRCh37\n##INFO=<ID=CLNSIG,Number=.,Type=String,Description=\"c\">\n##INFO=<ID=CLNREVSTAT,Number=.,Type=String,Description=\"r\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n");
        for (var site = 0; site < Sites; site++) text.Append(CultureInfo.InvariantCulture, $"1\t{Position(site)}\t{site + 1}\tA\tG\t.\t.\tCLNSIG={_next[site]};CLNREVSTAT=criteria_provided,_single_submitter\n");
        return (date, Write($"{date}.vcf", text.ToString()));
    }

    /// <summary>It holds; returns how many alerts follow from that.</summary>
    internal int Accepted()
    {
        var before = _raised.Count;
        _changed.Clear();
        for (var site = 0; site < Sites; site++)
        {
            var now = Net(_next![site]);
            if (_releases > 0 && Net(_words[site]) is var was && was != now) _changed.Add(site, (was, now));
            _words[site] = _next[site];
        }
        _releases++;
        foreach (var sample in _samples) RaiseChanges(sample);
        return _raised.Count - before;
    }

    /// <summary>Rows of the inbox were printed: the clinician has seen them.</summary>
    internal void Shown(IEnumerable<string[]> rows)
    {
        foreach (var row in rows) _shown.Add(row[0]);
    }

    internal bool WasShown(string id) => _shown.Contains(id);

    /// <summary>Some of the alerts that were shown.</summary>
    internal List<string> ToBeAcknowledged() => [.. _shown.Where(id => !_acknowledged.Contains(id)).Order(StringComparer.Ordinal).Where(_ => chance.Next(2) == 0).Take(4)];

    /// <summary>The clinician acknowledges.</summary>
    internal void Tries(string id) => _tried.Add(id);

    /// <summary>And was told that it is done.</summary>
    internal void Acknowledged(string id) => _acknowledged.Add(id);

    /// <summary>Holds the whole inbox, with what is closed, against what must be there; null when it is.</summary>
    internal string? Quarrel(List<string[]> inbox)
    {
        var rows = inbox.Where(r => r[7].StartsWith("clinvar ", StringComparison.Ordinal) || r[7].StartsWith("newly-seen ", StringComparison.Ordinal)).ToList();
        Known = [.. rows.Select(r => r[0])];
        var found = rows.Select(r => $"{r[3]} {r[5]} {r[7]}").ToList();
        if (found.GroupBy(f => f).FirstOrDefault(g => g.Count() > 1) is { } twice) return $"raised twice: {twice.Key}";
        if (_raised.Except(found).FirstOrDefault() is { } lost) return $"lost: {lost}, and {_raised.Except(found).Count() - 1} more of {_raised.Count}";
        if (found.Except(_raised).FirstOrDefault() is { } surplus) return $"nothing calls for: {surplus}";
        foreach (var row in rows)
        {
            if (row[2] == "acknowledged" && !(_shown.Contains(row[0]) && _tried.Contains(row[0]))) return $"acknowledged and never shown: {row[0]}";
            if (row[2] != "acknowledged" && _acknowledged.Contains(row[0])) return $"an acknowledgement was lost: {row[0]} is {row[2]}";
        }
        return null;
    }

    private void RaiseChanges(string sample)
    {
        foreach (var (site, (from, to)) in _changed)
            if (_doses[sample][site] > 0) _raised.Add($"{PersonOf(sample)} {AlleleOf(site)} clinvar {Date(_releases - 1)} germline {from}>{to}");
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static string Net(string word) => word.EndsWith("athogenic", StringComparison.Ordinal) ? "pathogenic" : word.EndsWith("enign", StringComparison.Ordinal) ? "benign" : "uncertain";

    private static string PersonOf(string sample) => "P" + sample[1..];

    private static int Position(int site) => 100 * (site + 1);

    private static string AlleleOf(int site) => FormattableString.Invariant($"1-{Position(site)}-A-G");

    private static string Date(int release) => new DateOnly(2024, 1, 7).AddDays(7 * release).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}

using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Export;
using Warehouse.Engine.Query;
using Warehouse.Engine.Vcf;
using Warehouse.Units.Query;

namespace Warehouse.Units.Access;

/// <summary>
/// Every question that a session can be asked, and what it says as text: every field of every answer, errors with their texts, what the answers
/// rest on, and what the session tells of itself and to its sink. Left out are the ends of batches of frequencies, which no answer shows.
/// </summary>
internal sealed partial class PairQuestions
{
    private static readonly JsonSerializerOptions Json = new() { IncludeFields = true, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    private readonly List<string> _spellings = [];
    private readonly List<FrequencyRequest> _listings = [];

    private readonly List<SampleChoice> _choices;
    private readonly List<(string, string)> _compared;
    private readonly List<string> _cohorts = ["cases", "controls", "afr", "granted", "others0", "others1", "none"];
    private readonly List<long?> _snapshots;
    private readonly string? _annotated;

    /// <summary>Draws questions about what any of the stores has.</summary>
    public PairQuestions(StorePairs pairs, Random dice)
    {
        foreach (var store in pairs.Stores) Spell(store, dice);
        _spellings.AddRange(["1-1010-A-G", "nonsense", "GL101.1-1010-A-C", "GL999.1-10-A-C", "1:100-2000 <DEL>", "chrM-410-A-G", "X-60010-A-G", "ga4gh:VA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]);
        var named = pairs.Names.Where(_ => dice.Next(3) == 0).ToList();
        _choices = [SampleChoice.All, new() { Cohort = _cohorts[dice.Next(_cohorts.Count)] }, new() { Names = [.. pairs.Visible.Where((_, i) => i == 0 || dice.Next(2) == 0)] }, new() { Names = named }];
        for (var i = 0; i < 4; i++)
            _listings.Add(new FrequencyRequest
            {
                Samples = _choices[dice.Next(4) == 0 ? dice.Next(4) : 0], MinAc = dice.Next(5) == 0 ? 1 : 0, Symbolic = dice.Next(2) == 0,
                By = dice.Next(3) == 0 ? ((string[])["ancestry", "assay", "sex", "secret0", "secret1", "none"])[dice.Next(6)] : null,
                Regions = dice.Next(3) > 0 ? [] : [new Region(((string[])["1", "chr1", "X", "GL101.1", "GL999.1", "MT"])[dice.Next(6)], dice.Next(2) * 150, dice.Next(2) == 0 ? 1100 : Region.Unbounded)],
                Rules = new CountRules { Adj = dice.Next(3) == 0, PassOnly = dice.Next(3) == 0, PloidyAsCalled = dice.Next(4) == 0, PerSample = dice.Next(3) == 0, NoPrecomputed = dice.Next(4) == 0 },
            });
        _compared = [("cases", "controls"), (_cohorts[dice.Next(7)], _cohorts[dice.Next(7)])];
        _snapshots = [null, dice.Next((int)pairs.First.Store.Version + 2)];
        _annotated = dice.Next(4) == 0 ? pairs.VisibleFile : null;
    }

    /// <summary>Variants of the stores, as one asks for them, and some of none.</summary>
    public IReadOnlyList<string> Spellings => _spellings;

    /// <summary>Listings.</summary>
    public IReadOnlyList<FrequencyRequest> Listings => _listings;

    /// <summary>Samples asked.</summary>
    public IReadOnlyList<SampleChoice> Choices => _choices;

    /// <summary>Pairs of cohorts.</summary>
    public IReadOnlyList<(string Cases, string Controls)> Compared => _compared;

    /// <summary>Names of cohorts, of some that one of the stores has too.</summary>
    public IReadOnlyList<string> CohortNames => _cohorts;

    /// <summary>Snapshots; null = the newest.</summary>
    public IReadOnlyList<long?> Snapshots => _snapshots;

    /// <summary>A VCF to annotate, or null.</summary>
    public string? Annotated => _annotated;

    /// <summary>Bytes of answers given in all, to see that there are any.</summary>
    public long Length { get; private set; }

    /// <summary>All that a caller is told by a store.</summary>
    public string Ask(VariantStore store, SessionOptions options)
    {
        var said = new StringBuilder();
        foreach (var snapshot in _snapshots)
            foreach (var asks in ((SessionOptions[])[options with { Snapshot = snapshot, AnyOrder = true }, options with { Snapshot = snapshot, Detail = Detail.Aggregate, OneQuestion = true, AroundDamage = true }])[(snapshot is null ? 0 : 1)..])
                Try(said, "session", () =>
                {
                    using var session = store.OpenSession(asks with { Sink = e => Say(said, e), Shown = s => said.Append("shown ").AppendLine(s) });
                    Ask(session, said);
                    foreach (var version in store.Snapshots(session)) Say(said, version);
                });
        Try(said, "stranger", () => store.OpenSession(options with { Caller = PolicyStore.Person("stranger") }).Dispose());
        Length += said.Length;
        return said.ToString();
    }

    /// <summary>What the store's owner is told of variants alone, or a caller.</summary>
    public string AskOwner(VariantStore store, SessionOptions? caller = null)
    {
        var said = new StringBuilder();
        using var session = store.OpenSession(caller);
        foreach (var row in session.Frequencies(new FrequencyRequest { Symbolic = true })) Say(said, row);
        foreach (var answer in session.Carriers(_spellings)) Say(said, answer with { Seen = answer.Seen with { Context = null } });
        return said.ToString();
    }

    /// <summary>Everything that is the same for the owner and for a caller from whom nothing is hidden: files that are exported, cohorts, and digests of data too.</summary>
    public string AskWhole(VariantStore store, SessionOptions? caller = null)
    {
        var said = new StringBuilder(AskOwner(store, caller));
        using var session = store.OpenSession(caller);
        foreach (var choice in _choices) Try(said, "lines", () => Written(said, to => session.WriteLines(new GenotypeRequest { Samples = choice }, (to, VariantEncoding.Vcf))));
        foreach (var request in _listings)
        {
            Try(said, "frequencies", () => Each(said, session, session.Frequencies(request)));
            Say(said, session.GenotypeBytesRead);
        }
        Try(said, "cohorts", () => Each(said, session, session.Cohorts()));
        foreach (var cohort in _cohorts) Try(said, "members", () => Each(said, session, session.CohortMembers(cohort)));
        return ScopeDigest().Replace(said.ToString(), "");
    }

    [System.Text.RegularExpressions.GeneratedRegex("\"ScopeDigest\":\"[0-9a-f]*\"")]
    private static partial System.Text.RegularExpressions.Regex ScopeDigest();

    private void Ask(Session session, StringBuilder said)
    {
        foreach (var choice in _choices)
            Try(said, "seen", () => Each(said, session, session.Seen(_spellings, choice), answer => Say(said, session.Identify(answer))));
        Try(said, "carriers", () => Each(said, session, session.Carriers(_spellings)));
        Try(said, "resolve", () => Each(said, session, session.Resolve(_spellings)));
        Try(said, "lookup", () => LookUp(session, said));
        foreach (var request in _listings)
        {
            Try(said, "frequencies", () => Each(said, session, session.Frequencies(request)));
            Say(said, session.GenotypeBytesRead);
            Say(said, session.Unavailable);
        }
        Try(said, "asked", () => Each(said, session, session.Frequencies(_listings[0] with { Variants = _spellings[..4], Regions = [] })));
        Try(said, "asked", () => Each(said, session, session.Frequencies(_listings[1] with { Variants = _spellings, Regions = [] })));
        foreach (var (cases, controls) in _compared) Try(said, "case-control", () => Each(said, session, session.CaseControl(cases, controls)));
        Try(said, "cohorts", () => Each(said, session, session.Cohorts()));
        foreach (var cohort in _cohorts) Try(said, "members", () => Each(said, session, session.CohortMembers(cohort)));
        foreach (var choice in _choices)
        {
            var request = new GenotypeRequest { Samples = choice, Regions = _listings[0].Regions };
            Try(said, "rows", () => Each(said, session, session.Rows(request)));
            Try(said, "lines", () => Written(said, to => session.WriteLines(request, (to, VariantEncoding.Vcf))));
        }
        if (_annotated is not null) Try(said, "annotate", () => Annotate(session, said));
        Say(said, (session.Snapshot, session.NewestVersion, session.PolicyVersion, session.ValidUntilUtc, session.Detail));
    }

    private void Annotate(Session session, StringBuilder said)
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder["a.vcf"], _annotated);
        Written(said, to => Say(said, session.Annotate(folder["a.vcf"], SampleChoice.All, to)));
    }

    private void LookUp(Session session, StringBuilder said)
    {
        using var lookup = session.PrepareLookup(SampleChoice.All);
        foreach (var spelling in _spellings)
        {
            // A VRS identifier may have dashes too.
            if (spelling.Split('-') is not [var contig, var pos, var reference, var alternate] || !int.TryParse(pos, CultureInfo.InvariantCulture, out var number)) continue;
            var state = lookup.Find(contig, number - 1, Encoding.ASCII.GetBytes(reference), Encoding.ASCII.GetBytes(alternate), out var figures);
            Say(said, (state, figures));
        }
    }

    private void Spell(MemoryStore store, Random dice)
    {
        using var session = store.Store.OpenSession();
        var rows = session.Frequencies(new FrequencyRequest { Symbolic = true }).Select(r => r.End < 0 ? $"{r.Contig}-{r.Start + 1}-{r.Ref}-{r.Alt}" : $"{r.Contig}:{r.Start + 1}-{r.End} {r.Alt}").Distinct().OrderBy(_ => dice.Next()).Take(7).ToList();
        _spellings.AddRange(rows.Except(_spellings));
        foreach (var answer in session.Seen(rows.Take(2), SampleChoice.All))
            if (session.Identify(answer)?.Vrs is { } vrs && !_spellings.Contains(vrs)) _spellings.Add(vrs);
    }

    private static void Written(StringBuilder said, Action<Stream> write)
    {
        using var stream = new MemoryStream();
        write(stream);
        said.AppendLine(Encoding.UTF8.GetString(stream.ToArray()));
    }

    private static void Each<T>(StringBuilder said, Session session, IEnumerable<T> answers, Action<T>? also = null)
    {
        foreach (var answer in answers)
        {
            Say(said, answer);
            also?.Invoke(answer);
        }
        Say(said, session.AnsweredFrom);
    }

    private static void Say<T>(StringBuilder said, T what) => said.AppendLine(JsonSerializer.Serialize(what, Json));

    private static void Try(StringBuilder said, string what, Action ask)
    {
        said.Append("== ").AppendLine(what);
        try
        {
            ask();
        }
        catch (InputException bad)
        {
            said.AppendLine(CultureInfo.InvariantCulture, $"refused: {bad.Code}: {bad.Message} at {bad.Place.Line}");
        }
        catch (AccessRefusedException refused)
        {
            said.AppendLine(CultureInfo.InvariantCulture, $"refused: {refused.Rule}: {refused.Message}");
        }
    }
}

using System.Globalization;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Engine;
using Warehouse.Engine.Annotations;
using Warehouse.Engine.Query;

namespace Warehouse.Cli;

internal partial class Engine
{
    /// <summary>Alleles that one question by gene or HGVS may stand for.</summary>
    private const int MostNamed = 200_000;

    /// <summary>What is joined to the answers that follow; null = nothing. The caller's.</summary>
    public AnnotationSet? Joined { get; private set; }

    /// <summary>The snapshot of what is joined, as typed; null = nothing is.</summary>
    private string? JoinedSnapshot => Joined?.Snapshot.ToString(CultureInfo.InvariantCulture);

    /// <summary>Cells of what is joined.</summary>
    public JoinedCells? Cells { get; protected set; }

    /// <summary>Loads a release; the report has one row per fact.</summary>
    public virtual Report LoadAnnotations(StoreAddress store, AnnotationRequest request, IProgress<WorkProgress>? progress, CancellationToken cancellation)
    {
        using var opened = Open(store);
        return Changed(opened, Reports.Of(opened.LoadAnnotations(request, progress, cancellation)));
    }

    /// <summary>All releases.</summary>
    public virtual Report ListAnnotations(StoreAddress store, CancellationToken cancellation)
    {
        using var opened = Open(store);
        return Reports.Of(opened.AnnotationReleases());
    }

    /// <summary>Retires a release.</summary>
    public virtual Report DropAnnotations(StoreAddress store, string choice, CancellationToken cancellation)
    {
        using var opened = Open(store);
        return Changed(opened, Reports.Of([opened.RetireAnnotations(choice)]));
    }

    /// <summary>Opens what is to be joined to the answers that follow. Says on standard error which releases they are.</summary>
    /// <param name="store">The store.</param>
    /// <param name="choices">As typed; none = nothing is joined.</param>
    /// <param name="asOf">Snapshot, as typed; null = newest.</param>
    /// <param name="error">Standard error.</param>
    /// <returns>The snapshot that the answers are to be of, as typed: that of the annotations.</returns>
    public virtual string? Join(StoreAddress store, string[] choices, string? asOf, TextWriter error)
    {
        if (choices.Length == 0) return asOf;
        _joinedStore = Open(store);
        Joined = _joinedStore.JoinAnnotations(choices, Snapshot(asOf));
        Cells = new JoinedCells(new JoinedReleases(Joined));
        foreach (var release in Joined.Releases) error.WriteLine("warehouse: annotated from " + SafeText.EscapeMessage(release.ToString()));
        return JoinedSnapshot;
    }

    /// <summary>Lets go of what was joined.</summary>
    public virtual void EndJoin()
    {
        Joined?.Dispose();
        _joinedStore?.Dispose();
        (Joined, Cells, _joinedStore) = (null, null, null);
    }

    private VariantStore? _joinedStore;

    /// <summary>
    /// Spellings as a session understands them: a gene, or HGVS of a transcript or protein, becomes all alleles that the newest annotations know by it.
    /// </summary>
    /// <param name="search">Alleles of a gene or an HGVS text; none where it is not known.</param>
    protected sealed class NamedQueries(Func<string, IReadOnlyList<string>> search)
    {
        private readonly Queue<(string Text, int Alleles, bool IsGene)> _asked = new();
        private int _left;
        private bool _shown;
        private SeenState _worst;

        /// <summary>Spellings of alleles, in order.</summary>
        public IEnumerable<string> Of(IEnumerable<string> queries)
        {
            foreach (var query in queries)
            {
                var (isHgvs, isGene) = (NotationQuery.IsHgvs(query), NotationQuery.IsGene(query));
                var alleles = isHgvs || isGene ? search(query) : [];
                _asked.Enqueue((query, alleles.Count, isGene));
                if (alleles.Count == 0) yield return query; // whoever understands it otherwise, or says why not
                else foreach (var allele in alleles) yield return allele;
            }
        }

        /// <summary>
        /// An answer under the spelling that was asked: of a gene only alleles that are seen, and one line when none is. Null = not shown.
        /// </summary>
        public SeenAnswer? Take(SeenAnswer answer)
        {
            var (text, alleles, isGene) = _asked.Peek();
            if (alleles == 0)
            {
                _asked.Dequeue();
                return answer;
            }
            if (_left == 0) (_left, _shown, _worst) = (alleles, false, SeenState.NotSeen);
            _left--;
            if (answer.State == SeenState.NotAssessable) _worst = SeenState.NotAssessable;
            var last = _left == 0;
            if (last) _asked.Dequeue();
            var named = answer with { Query = text, Reason = answer.Reason ?? Place(answer) };
            if (!isGene || answer.State == SeenState.Seen || answer.Damage is not null)
            {
                _shown = true;
                return alleles == 1 ? answer with { Query = text } : named;
            }
            if (!last || _shown) return null;
            var reason = string.Create(CultureInfo.InvariantCulture, $"none of the {alleles} alleles that annotations know of it is seen");
            return new SeenAnswer { Query = text, State = _worst, Reason = reason, Context = answer.Context };
        }

        private static string? Place(SeenAnswer answer) => answer.TrimmedOnly ? null : "one of several alleles of this name";
    }

    /// <summary>Finds alleles by name in the newest annotations of a store, which are opened with the first name.</summary>
    private sealed class NameSearch(VariantStore store, long snapshot) : IDisposable
    {
        private AnnotationSet? _search;
        private bool _opened;

        public IReadOnlyList<string> Of(string name)
        {
            if (!_opened) (_search, _opened) = (store.SearchAnnotations(snapshot), true);
            return [.. (_search?.Search(name, MostNamed) ?? []).Select(v => v.ToString())];
        }

        public void Dispose() => _search?.Dispose();
    }
}

using System.Runtime.CompilerServices;
using Warehouse.Protocol.V1;

namespace Warehouse.Client;

/// <summary>Releases of annotations: what they hold is public, and depends on no sample.</summary>
public sealed partial class WarehouseClient
{
    private Annotations.AnnotationsClient AnnotationsService => new(_channel);

    /// <summary>All releases, retired ones too, in the order of loading.</summary>
    public async Task<IReadOnlyList<AnnotationRelease>> AnnotationsAsync(AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new ListAnnotationsRequest { Asking = ask.ToWire() };
        return (await _caller.AskAsync(how => AnnotationsService.ListAsync(request, how), ask, stop).ConfigureAwait(false)).Releases;
    }

    /// <summary>The columns that <see cref="AskOptions.Annotate"/> adds to answers.</summary>
    public Task<AnnotationColumns> DescribeAnnotationsAsync(AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new DescribeAnnotationsRequest { Asking = ask.ToWire(), Annotate = { ask.Annotate } };
        return _caller.AskAsync(how => AnnotationsService.DescribeAsync(request, how), ask, stop);
    }

    /// <summary>What <see cref="AskOptions.Annotate"/> says of alleles, whether anybody carries them or not.</summary>
    /// <param name="variants">Each CONTIG-POS-REF-ALT, normalised, POS 1-based; at most <see cref="MaxQueries"/>.</param>
    /// <param name="ask">What the question says beside; null = as the client says.</param>
    /// <param name="stop">Gives the question up.</param>
    public Task<LookupAnnotationsReply> LookupAnnotationsAsync(IReadOnlyCollection<string> variants, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new LookupAnnotationsRequest { Asking = ask.ToWire(), Annotate = { ask.Annotate }, Variants = { variants } };
        return _caller.AskAsync(how => AnnotationsService.LookupAsync(request, how), ask, stop);
    }

    /// <summary>Alleles that the newest releases know by a gene, or by HGVS of a transcript or protein; in the order of the queries.</summary>
    public async IAsyncEnumerable<(string Query, IReadOnlyList<string> Variants)> SearchAnnotationsAsync(IReadOnlyCollection<string> queries, AskOptions? ask = null, [EnumeratorCancellation] CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var (request, name, found, isDone) = (new SearchAnnotationsRequest { Asking = ask.ToWire(), Queries = { queries } }, "", new List<string>(), false);
        await foreach (var reply in _caller.ReadAsync(how => AnnotationsService.Search(request, how), ask, stop).ConfigureAwait(false))
        {
            isDone |= reply.IsDone;
            if (reply.IsDone) continue;
            if (reply.Query.Length > 0) name = reply.Query;
            found.AddRange(reply.Variants);
            if (reply.GoesOn) continue;
            yield return (name, found);
            found = [];
        }
        if (!isDone) throw WarehouseException.Cut();
    }

    /// <summary>Retires a release; lab directors. Asked once.</summary>
    public async Task<AnnotationRelease> RetireAnnotationsAsync(string release, AskOptions? ask = null, CancellationToken stop = default)
    {
        ask ??= _options.Ask;
        var request = new RetireAnnotationsRequest { Asking = ask.ToWire(), Release = release };
        return (await _caller.ChangeAsync(how => AnnotationsService.RetireAsync(request, how), ask, stop).ConfigureAwait(false)).Release;
    }
}

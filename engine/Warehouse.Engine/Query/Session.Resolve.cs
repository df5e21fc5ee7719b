using Warehouse.Engine.Variants;

namespace Warehouse.Engine.Query;

public sealed partial class Session
{
    private VariantContext? _context;

    private VariantContext Context => _context ??= new VariantContext(_view.Assembly, Reference(), _view.Catalog.Contigs.Select(c => c.Canonical));

    /// <summary>The variant of a spelling.</summary>
    /// <exception cref="InputException">The spelling is none, is ambiguous or contradicts the reference.</exception>
    private Variant Resolve(string text)
    {
        var query = VariantQuery.Parse(text, Context);
        return query.Variant ?? throw new InputException("variant-kind", "this question is answered for base alleles only", InputPlace.None);
    }
}

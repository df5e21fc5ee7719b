using Warehouse.Cli.Options;
using Warehouse.Engine;
using Warehouse.Engine.Linkage;
using Warehouse.Engine.Storage;

namespace Warehouse.Cli;

internal partial class Engine
{
    /// <summary>Changes the linkage vault of a store, which is made where there is none.</summary>
    public virtual Report ChangeVault(StoreAddress store, VaultPlaces places, Func<LinkageVault, Report> change)
    {
        using var opened = Open(store);
        using var vault = LinkageVault.OpenOrCreate(opened, store.Path, places);
        return Changed(opened, change(vault));
    }

    /// <summary>Looks at the linkage vault of a store.</summary>
    public virtual Report LookAtVault(StoreAddress store, VaultPlaces places, Func<LinkageVault, Report> look)
    {
        using var opened = Open(store);
        using var vault = OpenVault(opened, store, places);
        return Changed(opened, look(vault));
    }

    /// <summary>Whom samples are of; the audit log names each.</summary>
    public virtual Report Link(StoreAddress store, VaultPlaces places, (IReadOnlyList<string> Samples, IReadOnlyList<string> Persons) asked)
    {
        using var opened = Open(store);
        using var vault = OpenVault(opened, store, places);
        using var session = opened.OpenSession(Asks(null));
        var table = vault.Read();
        return Reports.OfLinks(table.Columns, session.Link(table, asked.Samples, asked.Persons));
    }

    private static LinkageVault OpenVault(VariantStore opened, StoreAddress store, VaultPlaces places) =>
        LinkageVault.TryOpen(opened, store.Path, places) ?? throw new StoreRefusedException("the store has no linkage vault: warehouse linkage import makes one");
}

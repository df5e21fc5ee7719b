using Warehouse.Cli;
using Warehouse.Tests.Export;
using Xunit;

namespace Warehouse.Tests.Cli;

/// <summary>Where a store and its keys lie, as users spell it.</summary>
public sealed class StorePlaceTests
{
    [Fact]
    public void A_slash_at_the_end_of_the_store_changes_nothing()
    {
        using var folder = new TempFolder();
        ExportStore.Must("init", folder["s"] + "/", "--assembly", "GRCh38");
        Assert.True(Directory.Exists(folder["s.keys"]));
        Assert.Equal(ExportStore.Must("info", folder["s"]), ExportStore.Must("info", folder["s"] + "//"));
        Assert.Equal(ExportStore.Must("snapshots", folder["s"]), ExportStore.Must("snapshots", folder["s/m/.."]));
        Assert.Contains("acknowledged", ExportStore.Must("doctor", folder["s"] + "/"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("new", "new/keys", "outside")]
    [InlineData("new", "new", "outside")]
    [InlineData("new/store", "new", "outside")]
    [InlineData("new", "taken", "the key folder is not empty")]
    [InlineData("taken", "new", "the store folder is not empty")]
    public void An_init_that_is_refused_leaves_nothing_behind(string store, string keys, string text)
    {
        using var folder = new TempFolder();
        Directory.CreateDirectory(folder["taken/x"]);
        var cli = new Cli();
        Assert.Equal(ExitCode.CouldNot, cli.Run("init", folder[store], "--assembly", "GRCh38", "--keys", folder[keys]));
        Assert.Contains(text, cli.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder["new"]));
        Assert.Single(Directory.GetFileSystemEntries(folder["taken"]));
    }

    [Fact]
    public void A_folder_that_is_missing_or_a_file_is_called_by_its_role()
    {
        using var store = new ExportStore();
        store.Write("file", "x");
        Assert.Contains("the store folder does not exist", Error("freq", store["nowhere"]), StringComparison.Ordinal);
        Assert.Contains("the store folder is not a folder", Error("verify", store["file"]), StringComparison.Ordinal);
        Assert.Contains("the key folder does not exist", Error("info", store.Path, "--keys", store["nowhere"]), StringComparison.Ordinal);
    }

    private static string Error(params string[] arguments)
    {
        var cli = new Cli();
        Assert.Equal(ExitCode.CouldNot, cli.Run(arguments));
        return cli.Error;
    }
}

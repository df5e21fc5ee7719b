using System.Globalization;
using Warehouse.Engine.Variants;
using Xunit;

namespace Warehouse.Tests.Variants;

/// <summary>
/// VariantKey against published keys. Of the public files only nrvk.10.unsorted.tsv holds keys with their REF and ALT; the rsvk and vkrs
/// files hold keys of an older layout (lengths of zero), genoref and test_data other structures, and the table of 568 keys is C source.
/// </summary>
public sealed class PublicKeyTests
{
    [DataFact]
    public void Keys_of_the_public_file_come_out_again()
    {
        var lines = File.ReadAllLines(TestData.File("normalization/tecnickcom+variantkey/c/test/data/nrvk.10.unsorted.tsv"));
        Assert.Equal(10, lines.Length);
        foreach (var cells in lines.Select(l => l.Split('\t')))
        {
            var key = ulong.Parse(cells[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            var contig = (int)(key >> 59) is var code && code <= 22 ? $"{code}" : new[] { "X", "Y", "MT" }[code - 23];
            Assert.Equal(cells[0], VariantKey.Encode(contig, (int)(key >> 31) & 0xfffffff, cells[1], cells[2]).ToString());
        }
    }
}

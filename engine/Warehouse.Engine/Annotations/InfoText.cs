using System.Buffers;
using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Annotations;

/// <summary>Text as it may stand in one value of a list of INFO: what would end it is percent-encoded (VCF 4.3, 1.2), blanks too; what is encoded already stays so. Any thread.</summary>
internal static class InfoText
{
    private static readonly SearchValues<byte> Special = SearchValues.Create(" ,;=\t\r\n"u8);

    public static bool NeedsEncoding(ReadOnlySpan<byte> text) => text.ContainsAny(Special);

    public static byte[] Encode(ReadOnlySpan<byte> text)
    {
        var to = new ByteWriter(text.Length + 16);
        foreach (var b in text)
        {
            if (!Special.Contains(b))
            {
                to.Byte(b);
                continue;
            }
            to.Byte((byte)'%');
            to.Byte("0123456789ABCDEF"u8[b >> 4]);
            to.Byte("0123456789ABCDEF"u8[b & 15]);
        }
        return to.ToArray();
    }
}

using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Sealing;
using Warehouse.Engine.Storage;

namespace Warehouse.Engine.Release;

/// <summary>
/// Frames of a ledger file, integers little-endian. A record is bound to its file, its place and the record before it; a mark is written once
/// all records up to it are durable:
/// <code>
/// record   0   4  bytes of the content, n
///          4  12  nonce, random
///         16   n  content, AES-256-GCM; associated: file number (8), number of the record in the file (8), tag of the record before it or zeros (16)
///       16+n  16  tag
/// mark     0   4  0xFFFFFFFF
///          4   8  number of records before it in the file
///         12  16  first bytes of the HMAC-SHA256 of the file number (8) and that number (8)
/// </code>
/// Keys follow from the secret of the key folder, so nobody without it can read what a project asked for, or write a frame. One thread.
/// </summary>
internal sealed class LedgerCipher : IDisposable
{
    internal const int TagBytes = 16, HeadBytes = 16, MarkBytes = 28, MaxContentBytes = 1 << 24;

    internal const uint MarkHead = uint.MaxValue;

    private const int NonceBytes = 12, LabelBytes = 32;

    private readonly AesGcm _records;
    private readonly byte[] _marks;

    internal LedgerCipher(IStorage keys)
    {
        var (_, master) = Acknowledgement.Read(keys); // a folder that is none, or damaged, is refused before a secret is made in it
        master.Dispose();
        var secret = KeySecret.Read(keys);
        var key = HKDF.Expand(HashAlgorithmName.SHA256, secret, 32, Encoding.ASCII.GetBytes("warehouse release ledger records"));
        _records = new AesGcm(key, TagBytes);
        CryptographicOperations.ZeroMemory(key);
        _marks = HKDF.Expand(HashAlgorithmName.SHA256, secret, 32, Encoding.ASCII.GetBytes("warehouse release ledger marks"));
        CryptographicOperations.ZeroMemory(secret);
    }

    /// <summary>Bytes of a record with so much content.</summary>
    internal static int FrameBytes(int contentBytes) => HeadBytes + contentBytes + TagBytes;

    /// <summary>Writes a record; its tag is at its end.</summary>
    internal void Seal(Span<byte> frame, ReadOnlySpan<byte> content, (long File, long Number) place, ReadOnlySpan<byte> tagBefore)
    {
        if (content.Length > MaxContentBytes) throw new ArgumentException("the record is too long", nameof(content));
        BinaryPrimitives.WriteInt32LittleEndian(frame, content.Length);
        var nonce = frame.Slice(4, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        Span<byte> label = stackalloc byte[LabelBytes];
        Label(label, place, tagBefore);
        _records.Encrypt(nonce, content, frame.Slice(HeadBytes, content.Length), frame.Slice(HeadBytes + content.Length, TagBytes), label);
    }

    /// <summary>Reads a record; false when it is not what was written at this place.</summary>
    internal bool TryOpen(ReadOnlySpan<byte> frame, Span<byte> content, (long File, long Number) place, ReadOnlySpan<byte> tagBefore)
    {
        Span<byte> label = stackalloc byte[LabelBytes];
        Label(label, place, tagBefore);
        try
        {
            _records.Decrypt(frame.Slice(4, NonceBytes), frame.Slice(HeadBytes, content.Length), frame.Slice(HeadBytes + content.Length, TagBytes), content, label);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    internal void Mark(Span<byte> mark, long file, long records)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(mark, MarkHead);
        BinaryPrimitives.WriteInt64LittleEndian(mark[4..], records);
        MacOf(mark[12..MarkBytes], file, records);
    }

    /// <summary>The number of records that a mark vouches for, or -1.</summary>
    internal long MarkedAt(ReadOnlySpan<byte> mark, long file)
    {
        if (mark.Length < MarkBytes || BinaryPrimitives.ReadUInt32LittleEndian(mark) != MarkHead) return -1;
        var records = BinaryPrimitives.ReadInt64LittleEndian(mark[4..]);
        Span<byte> mac = stackalloc byte[TagBytes];
        MacOf(mac, file, records);
        return CryptographicOperations.FixedTimeEquals(mac, mark[12..MarkBytes]) ? records : -1;
    }

    public void Dispose()
    {
        _records.Dispose();
        CryptographicOperations.ZeroMemory(_marks);
    }

    private static void Label(Span<byte> label, (long File, long Number) place, ReadOnlySpan<byte> tagBefore)
    {
        BinaryPrimitives.WriteInt64LittleEndian(label, place.File);
        BinaryPrimitives.WriteInt64LittleEndian(label[8..], place.Number);
        tagBefore.CopyTo(label[16..]);
    }

    private void MacOf(Span<byte> mac, long file, long records)
    {
        Span<byte> text = stackalloc byte[16];
        Span<byte> whole = stackalloc byte[HMACSHA256.HashSizeInBytes];
        BinaryPrimitives.WriteInt64LittleEndian(text, file);
        BinaryPrimitives.WriteInt64LittleEndian(text[8..], records);
        HMACSHA256.HashData(_marks, text, whole);
        whole[..TagBytes].CopyTo(mac);
    }
}

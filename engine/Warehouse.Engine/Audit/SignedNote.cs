using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Warehouse.Engine.Sealing;
using Warehouse.Primitives;

namespace Warehouse.Engine.Audit;

/// <summary>Who may sign notes, by name and public key: what a verifier has to know. As text <c>name+keyid+key</c>. Immutable.</summary>
internal sealed record NoteKey
{
    private const byte Ed25519Type = 1;

    /// <summary>Makes it from its parts.</summary>
    internal NoteKey(string name, ReadOnlySpan<byte> publicKey)
    {
        if (!IsName(name)) throw new ArgumentException("a name has no space and no +", nameof(name));
        (Name, PublicKey, Id) = (name, publicKey.ToArray(), IdOf(name, publicKey));
    }

    /// <summary>The signer.</summary>
    internal string Name { get; }

    /// <summary>His Ed25519 key.</summary>
    internal ReadOnlyMemory<byte> PublicKey { get; }

    /// <summary>The first four bytes of SHA-256 of name, LF, type and key.</summary>
    internal uint Id { get; }

    /// <summary>Reads the text form of an Ed25519 key.</summary>
    internal static bool TryParse(string text, [NotNullWhen(true)] out NoteKey? key)
    {
        key = null;
        var parts = text.Split('+', 3);
        Span<byte> bytes = stackalloc byte[1 + Ed25519.PublicKeyBytes];
        if (parts.Length != 3 || !IsName(parts[0]) || parts[1].Length != 8 || parts[2].Length > 100) return false;
        if (!Convert.TryFromBase64String(parts[2], bytes, out var length) || length != bytes.Length || bytes[0] != Ed25519Type) return false;
        key = new NoteKey(parts[0], bytes[1..]);
        if (key.Id.ToString("x8", CultureInfo.InvariantCulture) == parts[1]) return true;
        key = null;
        return false;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}+{Id:x8}+{Convert.ToBase64String([Ed25519Type, .. PublicKey.Span])}");

    internal static bool IsName(string name) => name.Length is > 0 and <= 256 && !name.Any(c => c is '+' || char.IsWhiteSpace(c) || char.IsControl(c));

    private static uint IdOf(string name, ReadOnlySpan<byte> publicKey)
    {
        var digest = SHA256.HashData([.. Encoding.UTF8.GetBytes(name), (byte)'\n', Ed25519Type, .. publicKey]);
        return BinaryPrimitives.ReadUInt32BigEndian(digest);
    }
}

/// <summary>
/// A text with signatures (C2SP signed-note): the text, which ends with a line feed, an empty line, and a line <c>— name base64</c> per
/// signature, of the key's id and the signature of the text. Stateless.
/// </summary>
internal static class SignedNote
{
    /// <summary>Longest note that is read.</summary>
    internal const int MaxBytes = 1 << 14;

    private const int MaxSignatures = 64;
    private const string Dash = "\u2014 ";

    // Bytes that are no UTF-8 are no note; a decoder that mends them would show another text than the one signed.
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The note of a text and one signature.</summary>
    internal static byte[] Sign(string text, NoteKey key, ReadOnlySpan<byte> secretKey)
    {
        if (!IsText(text)) throw new ArgumentException("not the text of a note", nameof(text));
        Span<byte> blob = stackalloc byte[4 + Ed25519.SignatureBytes];
        BinaryPrimitives.WriteUInt32BigEndian(blob, key.Id);
        Ed25519.Sign(Encoding.UTF8.GetBytes(text), secretKey, blob[4..]);
        return Encoding.UTF8.GetBytes($"{text}\n{Dash}{key.Name} {Convert.ToBase64String(blob)}\n");
    }

    /// <summary>The text of a note that the key signed; signatures by others are passed over, a wrong one by this key refuses the note.</summary>
    internal static bool TryOpen(ReadOnlySpan<byte> note, NoteKey key, [NotNullWhen(true)] out string? text)
    {
        text = null;
        if (note.Length > MaxBytes || !TryDecode(note, out var all)) return false;
        var split = all.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (split < 0 || !all.EndsWith('\n')) return false;
        var (signed, lines) = (all[..(split + 1)], all[(split + 2)..].Split('\n'));
        if (!IsText(signed) || lines.Length is < 2 or > MaxSignatures + 1) return false;
        var isSigned = false;
        foreach (var line in lines.AsSpan(..^1))
        {
            if (!TrySignature(line, out var name, out var blob)) return false;
            if (name != key.Name || BinaryPrimitives.ReadUInt32BigEndian(blob) != key.Id) continue;
            if (!Ed25519.IsSigned(Encoding.UTF8.GetBytes(signed), key.PublicKey.Span, blob.AsSpan(4))) return false;
            isSigned = true;
        }
        if (isSigned) text = signed;
        return isSigned;
    }

    private static bool TrySignature(string line, out string name, out byte[] blob)
    {
        (name, blob) = ("", []);
        var parts = line.Split(' ');
        if (parts.Length != 3 || parts[0] + ' ' != Dash || !NoteKey.IsName(parts[1])) return false;
        name = parts[1];
        blob = new byte[parts[2].Length];
        if (!Convert.TryFromBase64String(parts[2], blob, out var length) || length < 5) return false;
        blob = blob[..length];
        return Convert.ToBase64String(blob) == parts[2]; // one spelling of a signature: the decoder passes over white space and the bits behind the last byte
    }

    private static bool TryDecode(ReadOnlySpan<byte> note, out string text)
    {
        try
        {
            text = Strict.GetString(note);
            return true;
        }
        catch (DecoderFallbackException)
        {
            text = "";
            return false;
        }
    }

    private static bool IsText(string text) => text.EndsWith('\n') && !text.Any(c => c != '\n' && char.IsControl(c));
}

/// <summary>What a log promises (C2SP tlog-checkpoint): origin, number of entries and root, a line each.</summary>
/// <param name="Origin">Which log; also the name of its key.</param>
/// <param name="Size">Entries.</param>
/// <param name="Root">Root over them.</param>
internal readonly record struct Checkpoint(string Origin, long Size, Digest Root)
{
    /// <summary>The text that is signed.</summary>
    internal string Text()
    {
        Span<byte> root = stackalloc byte[Digest.SizeBytes];
        Root.Write(root);
        return string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Convert.ToBase64String(root)}\n");
    }

    /// <summary>Opens a signed checkpoint of the log that the key signs for.</summary>
    internal static bool TryOpen(ReadOnlySpan<byte> note, NoteKey key, out Checkpoint checkpoint)
    {
        checkpoint = default;
        if (!SignedNote.TryOpen(note, key, out var text)) return false;
        var lines = text.Split('\n'); // further lines are extensions, which nothing here makes or needs
        if (lines.Length < 4 || lines[0] != key.Name) return false;
        if (!long.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size) || size.ToString(CultureInfo.InvariantCulture) != lines[1]) return false;
        Span<byte> root = stackalloc byte[Digest.SizeBytes];
        if (!Convert.TryFromBase64String(lines[2], root, out var length) || length != root.Length || Convert.ToBase64String(root) != lines[2]) return false;
        checkpoint = new Checkpoint(lines[0], size, Digest.Read(root));
        return true;
    }
}

using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Warehouse.Engine;

namespace Warehouse.Server.Identity;

/// <summary>
/// A list of revoked certificates (RFC 5280, section 5) that an authority has signed. .NET writes such lists and reads none of a file, so this
/// reads them: whole lists alone, neither indirect nor by difference. A critical extension refuses the list.
/// <code>
/// CertificateList  SEQUENCE { tbsCertList, signatureAlgorithm, signature BIT STRING }
/// tbsCertList      SEQUENCE { version 1, signature, issuer, thisUpdate, nextUpdate?, revoked SEQUENCE OF { serial, date, extensions? }?, [0] extensions? }
/// </code>
/// Immutable.
/// </summary>
internal sealed class RevocationList
{
    /// <summary>Label of its PEM block.</summary>
    public const string PemLabel = "X509 CRL";

    /// <summary>How far the clocks of two machines may differ.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);

    private static readonly Asn1Tag Extensions = new(TagClass.ContextSpecific, 0);

    private readonly HashSet<string> _serials = new(StringComparer.Ordinal);
    private byte[] _signed = [], _signature = [];
    private string _algorithm = "";

    private RevocationList() { }

    /// <summary>Name of the authority, DER.</summary>
    public byte[] Issuer { get; private set; } = [];

    public DateTimeOffset ThisUpdate { get; private set; }

    public DateTimeOffset? NextUpdate { get; private set; }

    public int Count => _serials.Count;

    /// <summary>Reads all PEM blocks of a file, or the one DER list that it is. Throws <see cref="InputException"/> when there is none or one is not understood.</summary>
    public static IReadOnlyList<RevocationList> ReadFile(string path)
    {
        var bytes = File.ReadAllBytes(path);
        try
        {
            if (bytes is [0x30, ..]) return [Read(bytes)];
            var lists = new List<RevocationList>();
            var text = System.Text.Encoding.ASCII.GetString(bytes).AsSpan();
            while (PemEncoding.TryFind(text, out var block))
            {
                if (text[block.Label] is not PemLabel) throw new CryptographicException("a block is not a revocation list");
                lists.Add(Read(Convert.FromBase64String(text[block.Base64Data].ToString())));
                text = text[block.Location.End..];
            }
            return lists.Count > 0 ? lists : throw new CryptographicException("no block");
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            throw new InputException("revocation-list", "the file is not a list of revoked certificates that is understood", new(path, 0, 0, ""));
        }
    }

    /// <summary>True when the list names the certificate.</summary>
    public bool Has(X509Certificate2 certificate) => _serials.Contains(Name(certificate.SerialNumberBytes.Span));

    /// <summary>True when an authority has this name and signed the list.</summary>
    public bool IsOf(X509Certificate2 authority)
    {
        if (!authority.SubjectName.RawData.AsSpan().SequenceEqual(Issuer)) return false;
        if (authority.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault() is { } usage && !usage.KeyUsages.HasFlag(X509KeyUsageFlags.CrlSign)) return false;
        using var ec = authority.GetECDsaPublicKey();
        using var rsa = authority.GetRSAPublicKey();
        return (_algorithm, ec, rsa) switch
        {
            ("1.2.840.10045.4.3.2", { } key, _) => key.VerifyData(_signed, _signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence),
            ("1.2.840.10045.4.3.3", { } key, _) => key.VerifyData(_signed, _signature, HashAlgorithmName.SHA384, DSASignatureFormat.Rfc3279DerSequence),
            ("1.2.840.113549.1.1.11", _, { } key) => key.VerifyData(_signed, _signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            ("1.2.840.113549.1.1.12", _, { } key) => key.VerifyData(_signed, _signature, HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
            ("1.2.840.113549.1.1.13", _, { } key) => key.VerifyData(_signed, _signature, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
            _ => false,
        };
    }

    /// <summary>True when the list is neither of the future, nor over, nor older than an age.</summary>
    public bool IsFresh(DateTimeOffset now, TimeSpan maxAge) => ThisUpdate <= now + Skew && now - ThisUpdate <= maxAge && !(NextUpdate < now);

    private static RevocationList Read(ReadOnlyMemory<byte> der)
    {
        var list = new RevocationList();
        var all = new AsnReader(der, AsnEncodingRules.DER);
        var outer = all.ReadSequence();
        all.ThrowIfNotEmpty();
        list._signed = outer.PeekEncodedValue().ToArray();
        var body = outer.ReadSequence();
        list._algorithm = outer.ReadSequence().ReadObjectIdentifier();
        list._signature = outer.ReadBitString(out _);
        outer.ThrowIfNotEmpty();

        if (!body.TryReadInt32(out var version) || version != 1) throw new CryptographicException("version");
        if (body.ReadSequence().ReadObjectIdentifier() != list._algorithm) throw new CryptographicException("algorithm");
        list.Issuer = body.ReadEncodedValue().ToArray();
        list.ThisUpdate = ReadTime(body);
        if (body.HasData && body.PeekTag().TagValue is (int)UniversalTagNumber.UtcTime or (int)UniversalTagNumber.GeneralizedTime) list.NextUpdate = ReadTime(body);
        if (body.HasData && body.PeekTag() == Asn1Tag.Sequence) list.ReadEntries(body.ReadSequence());
        if (body.HasData) RefuseCritical(body.ReadSequence(Extensions).ReadSequence());
        body.ThrowIfNotEmpty();
        return list;
    }

    private void ReadEntries(AsnReader entries)
    {
        while (entries.HasData)
        {
            var entry = entries.ReadSequence();
            _serials.Add(Name(entry.ReadIntegerBytes().Span));
            ReadTime(entry);
            if (entry.HasData) RefuseCritical(entry.ReadSequence());
        }
    }

    /// <summary>A critical extension changes what an entry means (a list of parts, another issuer), and none is known here.</summary>
    private static void RefuseCritical(AsnReader extensions)
    {
        while (extensions.HasData)
        {
            var extension = extensions.ReadSequence();
            extension.ReadObjectIdentifier();
            if (extension.PeekTag() == Asn1Tag.Boolean && extension.ReadBoolean()) throw new CryptographicException("critical extension");
        }
    }

    private static string Name(ReadOnlySpan<byte> serial) => Convert.ToHexString(serial.TrimStart((byte)0));

    private static DateTimeOffset ReadTime(AsnReader reader) =>
        reader.PeekTag().TagValue == (int)UniversalTagNumber.UtcTime ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();
}

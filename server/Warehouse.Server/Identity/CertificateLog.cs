using System.Globalization;
using System.Text.Json;
using Warehouse.Engine;
using Warehouse.Engine.Audit;

namespace Warehouse.Server.Identity;

/// <summary>What becomes of certificates of the local authority.</summary>
internal enum CertificateChange
{
    /// <summary>Made, for a new key.</summary>
    Issue,

    /// <summary>Made anew, for the same key.</summary>
    Renew,

    /// <summary>Taken back.</summary>
    Revoke,
}

/// <summary>
/// Says in the store's audit log who gets or loses a certificate: `begin` is durable before it holds, with id, roles and end of each, and `end` says what came of it. Where
/// the log cannot be written nothing changes. Any thread.
/// </summary>
/// <param name="audit">The log.</param>
/// <param name="who">Who changes it.</param>
internal sealed class CertificateLog(StoreAudit audit, string who)
{
    /// <summary>Changes something between its two entries.</summary>
    /// <exception cref="AuditRefusedException">The first cannot be written: nothing was changed.</exception>
    public void Around(CertificateChange change, IReadOnlyList<IssuedCertificate> certificates, Action apply)
    {
        var entry = new AuditEntry { Kind = AuditKind.Begin, Call = Guid.NewGuid().ToString("n"), Who = who, Role = "operator", Verb = "certificate " + JsonNamingPolicy.KebabCaseLower.ConvertName(change.ToString()), Purpose = "operations" };
        Append(certificates.Select(c => entry with { Note = NoteOf(c) }));
        var outcome = "could-not";
        try
        {
            apply();
            outcome = "done";
        }
        finally
        {
            Append([entry with { Kind = AuditKind.End, Outcome = outcome }]);
        }
    }

    private void Append(IEnumerable<AuditEntry> entries)
    {
        try
        {
            audit.Log.Append([.. entries]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new AuditRefusedException(e);
        }
    }

    /// <summary>The caller's id, and what the certificate makes of him. What people call it is left out: it may be a name.</summary>
    private static string NoteOf(IssuedCertificate of) => string.Create(CultureInfo.InvariantCulture,
        $"{of.Id} until {of.NotAfter.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}{(of.IsService ? ", service" : "")}{(of.HasSecondFactor ? ", second factor" : "")}{string.Concat(of.Roles.Select(r => ", " + JsonNamingPolicy.KebabCaseLower.ConvertName(r.ToString())))}");
}

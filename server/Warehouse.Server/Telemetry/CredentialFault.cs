namespace Warehouse.Server.Telemetry;

/// <summary>Why a credential is not taken. A fixed set, for the operator's log: no word of what was shown stands there, and its client is told one text for all.</summary>
public enum CredentialFault
{
    /// <summary>Neither token nor certificate.</summary>
    Nothing,

    /// <summary>The certificate of the connection is not, or no longer, taken.</summary>
    Certificate,

    /// <summary>The session of the certificate's owner is over.</summary>
    Session,

    /// <summary>More than one authorization, or a token where no issuer is configured.</summary>
    Header,

    /// <summary>A scheme that is neither Bearer nor DPoP.</summary>
    Scheme,

    /// <summary>A token that is too long.</summary>
    Size,

    /// <summary>Not three parts.</summary>
    Parts,

    /// <summary>A part that is not base64url in its one spelling.</summary>
    Base64,

    /// <summary>A part that is no JSON object, or has a name twice.</summary>
    Json,

    /// <summary>A header that must be understood.</summary>
    Crit,

    /// <summary>An algorithm that is not allowed.</summary>
    Alg,

    /// <summary>No access token.</summary>
    Typ,

    /// <summary>A claim of another type.</summary>
    ClaimType,

    /// <summary>An issuer that is not configured.</summary>
    Issuer,

    /// <summary>No key of the issuer fits.</summary>
    Key,

    /// <summary>The signature is not the key's.</summary>
    Signature,

    /// <summary>Meant for another.</summary>
    Audience,

    /// <summary>Without an end.</summary>
    Exp,

    /// <summary>Without a beginning.</summary>
    Iat,

    /// <summary>Ended.</summary>
    Expired,

    /// <summary>Of the future.</summary>
    NotYet,

    /// <summary>Issued for too long.</summary>
    Life,

    /// <summary>Without a subject, or one that is too long.</summary>
    Sub,

    /// <summary>Without the client that it was issued to.</summary>
    ClientId,

    /// <summary>Without a name.</summary>
    Jti,

    /// <summary>Issued to a client that is not configured.</summary>
    Client,

    /// <summary>Bound in a way that is not understood.</summary>
    Cnf,

    /// <summary>Bound to nothing, where that is required.</summary>
    Unbound,

    /// <summary>The directory has not exactly one entry of the person.</summary>
    Directory,

    /// <summary>The directory does not answer.</summary>
    DirectoryUnavailable,

    /// <summary>No room for another session.</summary>
    Sessions,

    /// <summary>Ended, revoked, its key gone or its session over since it was read.</summary>
    Over,

    /// <summary>Bound to another certificate.</summary>
    OtherCertificate,

    /// <summary>No proof of possession where one is due, or one where none is.</summary>
    ProofMissing,

    /// <summary>A proof of another type.</summary>
    ProofTyp,

    /// <summary>A proof by another key, or by none that is understood.</summary>
    ProofKey,

    /// <summary>The proof's signature is not the key's.</summary>
    ProofSignature,

    /// <summary>A proof that was used before.</summary>
    ProofReplayed,

    /// <summary>A proof for another method of HTTP.</summary>
    ProofMethod,

    /// <summary>A proof for another address.</summary>
    ProofUrl,

    /// <summary>A proof for another token.</summary>
    ProofToken,

    /// <summary>A proof that is too old, or of the future.</summary>
    ProofIat,

    /// <summary>A proof without a name.</summary>
    ProofId,
}

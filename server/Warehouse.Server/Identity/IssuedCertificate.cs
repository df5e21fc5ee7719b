using System.Text.Json;
using System.Text.Json.Serialization;
using Warehouse.Engine;
using Warehouse.Engine.Access;

namespace Warehouse.Server.Identity;

/// <summary>A client certificate that the local authority has issued; the list of them is a file of the state folder.</summary>
/// <param name="Name">What people call it. Names no caller: <paramref name="Id"/> does.</param>
/// <param name="Id">Id of the caller: its key.</param>
/// <param name="Serial">Serial number, hexadecimal.</param>
/// <param name="NotAfter">When it ends.</param>
internal sealed record IssuedCertificate(string Name, string Id, string Serial, DateTimeOffset NotAfter)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, allowIntegerValues: false) },
    };

    /// <summary>A machine's, not a person's.</summary>
    public bool IsService { get; init; }

    /// <summary>
    /// Whoever shows it has shown a second factor: the issuer says that a person has its key on hardware that he unlocks. Never a machine's.
    /// </summary>
    public bool HasSecondFactor { get; init; }

    /// <summary>Roles of its owner.</summary>
    public IReadOnlyList<Role> Roles { get; init; } = [];

    /// <summary>When it was revoked; null while it holds.</summary>
    public DateTimeOffset? Revoked { get; init; }

    /// <summary>Reads the list. Throws <see cref="InputException"/> when it is not one.</summary>
    public static IReadOnlyList<IssuedCertificate> ReadAll(PrivateFolder folder, string name)
    {
        try
        {
            var all = JsonSerializer.Deserialize<List<IssuedCertificate>>(folder.Read(name), Json) ?? throw new JsonException();
            // Whoever started the server first administers it; lists of before the mark do not say so.
            return [.. all.Select(i => i.Id == all[0].Id ? i with { HasSecondFactor = true } : i)];
        }
        catch (JsonException e)
        {
            throw new InputException("certificate-list", "the list of issued certificates is not understood", new(folder[name], (e.LineNumber ?? 0) + 1, 0, e.Path ?? ""));
        }
    }

    /// <summary>Writes the list.</summary>
    public static void WriteAll(PrivateFolder folder, string name, IEnumerable<IssuedCertificate> all) => folder.Write(name, JsonSerializer.SerializeToUtf8Bytes(all, Json));
}

using Warehouse.Engine.Coding;

namespace Warehouse.Engine.Access;

/// <summary>
/// The part <c>policy</c> of the manifest: a version byte (1), the manifest version that changed it last, the entries in the order of their
/// numbers, the release epochs. Drawn in FORMAT.md. A part that is not there is the empty policy.
/// </summary>
internal static class PolicyCodec
{
    /// <summary>Name of the part.</summary>
    public const string Part = "policy";

    private const byte Version = 1;
    private const byte GrantEntry = 1, AssignmentEntry = 2, ProjectEntry = 3, SettingsEntry = 4, StrictSettingsEntry = 5;

    public static byte[] Encode(Policy policy)
    {
        var to = new ByteWriter(4096);
        to.Byte(Version);
        to.Var((ulong)policy.Version);
        to.Var(policy.Entries.Count);
        foreach (var entry in policy.Entries) Write(entry, to);
        to.Var(policy.Epochs.Count);
        foreach (var epoch in policy.Epochs)
        {
            to.Var((ulong)epoch.Snapshot);
            Write(epoch.Opened, to);
        }
        return to.ToArray();
    }

    /// <summary>Decodes a part; null is the empty policy.</summary>
    /// <exception cref="InvalidDataException">It is not what <see cref="Encode"/> writes.</exception>
    public static Policy Decode(byte[]? bytes)
    {
        if (bytes is null) return Policy.Empty;
        var from = new ByteReader(bytes);
        if (from.Byte() != Version) throw new InvalidDataException("the policy has an unknown version");
        var version = (long)from.Var();
        var entries = new PolicyEntry[from.Count(from.Remaining)];
        for (var i = 0; i < entries.Length; i++) entries[i] = ReadEntry(ref from, i + 1);
        var epochs = new ReleaseEpoch[from.Count(from.Remaining)];
        for (var i = 0; i < epochs.Length; i++) epochs[i] = new ReleaseEpoch(i + 1, (long)from.Var(), ReadStamp(ref from));
        from.End();
        return new Policy { Version = version, Entries = entries, Epochs = epochs };
    }

    private static void Write(PolicyEntry entry, ByteWriter to)
    {
        to.Byte(entry switch { Grant => GrantEntry, RoleAssignment => AssignmentEntry, Project => ProjectEntry, PolicySettings { ChargesByVariant: false } => StrictSettingsEntry, PolicySettings => SettingsEntry, _ => throw new ArgumentException("an entry of no known kind", nameof(entry)) });
        Write(entry.Made, to);
        Write(entry.Approved, to);
        to.Bool(entry.IsBootstrap);
        Write(entry.Ended, to);
        switch (entry)
        {
            case Grant grant: WriteGrant(grant, to); break;
            case RoleAssignment assignment:
                Write(assignment.Subject, to);
                to.Byte((byte)assignment.Role);
                break;
            case Project project: WriteProject(project, to); break;
            case PolicySettings settings:
                foreach (var number in (ReadOnlySpan<int>)[settings.K, settings.MinCohort, settings.MaxGrantDays, settings.MaxElevationMinutes, settings.MaxBreakGlassMinutes]) to.Var(number);
                break;
        }
    }

    private static PolicyEntry ReadEntry(ref ByteReader from, int id)
    {
        var kind = from.Byte();
        var (made, approved, isBootstrap, ended) = (ReadStamp(ref from), ReadOptional(ref from), from.Bool(), ReadOptional(ref from));
        PolicyEntry entry = kind switch
        {
            GrantEntry => ReadGrant(ref from, made),
            AssignmentEntry => new RoleAssignment { Made = made, Subject = ReadSubject(ref from), Role = (Role)ReadOf<Role>(ref from) },
            ProjectEntry => ReadProject(ref from, made),
            SettingsEntry or StrictSettingsEntry => new PolicySettings { ChargesByVariant = kind == SettingsEntry, Made = made, K = from.Count(), MinCohort = from.Count(), MaxGrantDays = from.Count(), MaxElevationMinutes = from.Count(), MaxBreakGlassMinutes = from.Count() },
            _ => throw new InvalidDataException("an entry of the policy is of an unknown kind"),
        };
        return entry with { Id = id, Approved = approved, IsBootstrap = isBootstrap, Ended = ended };
    }

    private static void WriteGrant(Grant grant, ByteWriter to)
    {
        to.Byte((byte)grant.Kind);
        Write(grant.Subject, to);
        to.Byte(grant.Target switch { { IsAll: true } => 0, { Cohort: not null } => 1, _ => 2 });
        if (grant.Target.Cohort is { } cohort) to.Text(cohort);
        else if (grant.Target.Samples is { } samples)
        {
            to.Var(samples.Count);
            for (var i = 0; i < samples.Count; i++) to.Var(samples[i] - (i == 0 ? 0 : samples[i - 1]));
        }
        to.Byte((byte)grant.Details.Sum(d => 1 << (int)d));
        to.Byte((byte)grant.Purposes.Sum(p => 1 << (int)p));
        to.Var((ulong)grant.FromUtc.UtcTicks);
        to.Var((ulong)grant.UntilUtc.UtcTicks);
        to.Text(grant.Reason);
        to.Var(grant.Attested.Count);
        foreach (var attested in grant.Attested) Write(attested, to);
        Write(grant.Reviewed, to);
    }

    private static Grant ReadGrant(ref ByteReader from, Stamp made) => new()
    {
        Made = made,
        Kind = (GrantKind)ReadOf<GrantKind>(ref from),
        Subject = ReadSubject(ref from),
        Target = ReadTarget(ref from),
        Details = ReadSet<Detail>(ref from),
        Purposes = ReadSet<Purpose>(ref from),
        FromUtc = ReadTime(ref from),
        UntilUtc = ReadTime(ref from),
        Reason = from.Text(),
        Attested = ReadStamps(ref from),
        Reviewed = ReadOptional(ref from),
    };

    private static Target ReadTarget(ref ByteReader from)
    {
        switch (from.Byte())
        {
            case 0: return Target.All;
            case 1: return new Target { Cohort = from.Text() };
            case 2:
                var samples = new int[from.Count(from.Remaining)];
                for (var (i, before) = (0, 0); i < samples.Length; i++) samples[i] = before = ByteReader.Sum(before, from.Count());
                return new Target { Samples = samples };
            default: throw new InvalidDataException("a grant is about an unknown kind of samples");
        }
    }

    private static void WriteProject(Project project, ByteWriter to)
    {
        to.Text(project.Name);
        to.Text(project.CollusionGroup);
        to.Var(project.Members.Count);
        foreach (var member in project.Members) Write(member, to);
        to.Byte((byte)project.Use.Kind);
        to.Var(project.Use.Diseases.Count);
        foreach (var disease in project.Use.Diseases)
        {
            to.Text(disease.Term);
            Write(disease.Broader, to);
        }
        Write(project.Use.Modifiers, to);
    }

    private static Project ReadProject(ref ByteReader from, Stamp made)
    {
        var (name, group) = (from.Text(), from.Text());
        var members = new Subject[from.Count(from.Remaining)];
        for (var i = 0; i < members.Length; i++) members[i] = ReadSubject(ref from);
        var kind = (ResearchKind)ReadOf<ResearchKind>(ref from);
        var diseases = new Disease[from.Count(from.Remaining)];
        for (var i = 0; i < diseases.Length; i++) diseases[i] = new Disease(from.Text(), ReadTexts(ref from));
        var use = new RegisteredUse { Kind = kind, Diseases = diseases, Modifiers = ReadTexts(ref from) };
        return new Project { Made = made, Name = name, CollusionGroup = group, Members = members, Use = use };
    }

    private static void Write(Subject subject, ByteWriter to)
    {
        to.Byte((byte)subject.Kind);
        to.Text(subject.Name);
        to.Text(subject.Value);
    }

    private static Subject ReadSubject(ref ByteReader from) => new((SubjectKind)ReadOf<SubjectKind>(ref from), from.Text(), from.Text());

    private static void Write(Stamp stamp, ByteWriter to)
    {
        to.Var((ulong)stamp.Utc.UtcTicks);
        to.Text(stamp.By);
    }

    private static void Write(Stamp? stamp, ByteWriter to)
    {
        to.Bool(stamp is not null);
        if (stamp is { } there) Write(there, to);
    }

    private static Stamp ReadStamp(ref ByteReader from) => new(ReadTime(ref from), from.Text());

    private static Stamp? ReadOptional(ref ByteReader from) => from.Bool() ? ReadStamp(ref from) : null;

    private static Stamp[] ReadStamps(ref ByteReader from)
    {
        var stamps = new Stamp[from.Count(from.Remaining)];
        for (var i = 0; i < stamps.Length; i++) stamps[i] = ReadStamp(ref from);
        return stamps;
    }

    private static void Write(IReadOnlyList<string> texts, ByteWriter to)
    {
        to.Var(texts.Count);
        foreach (var text in texts) to.Text(text);
    }

    private static string[] ReadTexts(ref ByteReader from)
    {
        var texts = new string[from.Count(from.Remaining)];
        for (var i = 0; i < texts.Length; i++) texts[i] = from.Text();
        return texts;
    }

    private static DateTimeOffset ReadTime(ref ByteReader from)
    {
        var ticks = from.Var();
        return ticks <= (ulong)DateTimeOffset.MaxValue.Ticks ? new DateTimeOffset((long)ticks, TimeSpan.Zero) : throw new InvalidDataException("a time of the policy is out of range");
    }

    /// <summary>A byte that names a value of an enumeration.</summary>
    private static int ReadOf<T>(ref ByteReader from) where T : struct, Enum
    {
        var value = from.Byte();
        return value < Enum.GetValues<T>().Length ? value : throw new InvalidDataException("the policy names something unknown");
    }

    /// <summary>A byte of bits, ascending values of an enumeration.</summary>
    private static T[] ReadSet<T>(ref ByteReader from) where T : struct, Enum
    {
        var (bits, all) = (from.Byte(), Enum.GetValues<T>());
        return bits >> all.Length == 0 ? [.. all.Where((_, i) => (bits >> i & 1) != 0)] : throw new InvalidDataException("the policy names something unknown");
    }
}

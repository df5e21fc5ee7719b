using Warehouse.Engine;
using Warehouse.Engine.Access;
using Warehouse.Engine.Events;
using Warehouse.Engine.Storage;

namespace Warehouse.Clinic.Assessments;

/// <summary>
/// The laboratory's assessments: what it says of an allele in a condition, who wrote it, who signed it, and what it said before. Its state is the event log
/// of the store; everything here can be made of that again. No assessment refers to a sample, so withdrawing one, or deleting a case, changes none.
/// <para>
/// Life cycle: draft, in review, signed, superseded or retired. Of an allele in a condition at most one is signed and at most one is being worked on. Whoever
/// changes one says which version he saw; when it is another by now, nothing is changed (<c>assess-conflict</c>). A failed call changes nothing.
/// </para>
/// Thread-safe as far as the store is: one call at a time. Whether a reading was audited is its caller's part.
/// </summary>
public sealed class AssessmentDesk
{
    private const int Attempts = 1000;

    private readonly VariantStore _store;
    private readonly Lock _gate = new();
    private AssessmentBook _book = new();

    /// <summary>With fewer events all of them are read at once; with more the index finds those of an allele, until somebody asks for more.</summary>
    internal long IndexFrom { get; init; } = 20_000;

    /// <summary>The assessments of a store, which stays the caller's.</summary>
    public AssessmentDesk(VariantStore store) => _store = store;

    /// <summary>Begins an assessment.</summary>
    /// <param name="actor">Who.</param>
    /// <param name="content">What it says.</param>
    /// <param name="supersedes">The signed assessment whose place it is to take; needed where one of this allele and condition is signed.</param>
    /// <exception cref="AccessRefusedException">He may not.</exception>
    /// <exception cref="InputException">It says what no assessment says, or another one is in its way.</exception>
    public Assessment Begin(AccessActor actor, AssessmentContent content, long? supersedes = null)
    {
        var asked = content.Checked();
        return Change(actor, AssessmentAction.Write, book =>
        {
            var rivals = book.Of(asked.Allele).Where(a => a.Content.ConditionId == asked.ConditionId).ToList();
            if (rivals.FirstOrDefault(a => a.IsOpen) is { } open) throw AssessmentRules.Bad("assess-exists", FormattableString.Invariant($"assessment {open.Id} of this allele and condition is being worked on"));
            var signed = rivals.FirstOrDefault(a => a.State == AssessmentState.Signed);
            if (signed?.Id != supersedes)
                throw AssessmentRules.Bad("assess-supersedes", signed is null ? "what is to be superseded is no signed assessment of this allele and condition" : FormattableString.Invariant($"assessment {signed.Id} of this allele and condition is signed: begin one that supersedes it"));
            return new AssessmentEvent.Drafted(null, 0, supersedes, asked);
        });
    }

    /// <summary>Changes a draft. Allele and condition stay.</summary>
    public Assessment Edit(AccessActor actor, long id, int version, AssessmentContent content)
    {
        var asked = content.Checked();
        return Change(actor, AssessmentAction.Write, book =>
        {
            var draft = Current(book, id, version, AssessmentState.Draft);
            if (draft.Content.Allele != asked.Allele || draft.Content.ConditionId != asked.ConditionId) throw AssessmentRules.Bad("assess-place", "a draft keeps its allele and its condition; begin another one");
            return new AssessmentEvent.Drafted(id, version, null, asked);
        });
    }

    /// <summary>Hands a draft in: it waits for a signature.</summary>
    public Assessment Submit(AccessActor actor, long id, int version) => Change(actor, AssessmentAction.Write, book =>
    {
        Current(book, id, version, AssessmentState.Draft);
        return new AssessmentEvent.Submitted(id, version);
    });

    /// <summary>Sends one in review back to its authors.</summary>
    public Assessment Return(AccessActor actor, long id, int version, string reason) => Change(actor, AssessmentAction.Return, book =>
    {
        Current(book, id, version, AssessmentState.InReview);
        return new AssessmentEvent.Returned(id, version, Needed(reason));
    });

    /// <summary>Signs one in review: from now on it is what the laboratory says of every sample that carries the allele, loaded or to come.</summary>
    /// <exception cref="AccessRefusedException">He may not, has shown no second factor, or wrote it himself.</exception>
    public Assessment Sign(AccessActor actor, long id, int version, SignatureMeaning meaning, string reason) => Change(actor, AssessmentAction.Sign, book =>
    {
        var reviewed = Current(book, id, version, AssessmentState.InReview);
        var isAlone = AssessmentRules.RequireSecondPerson(_store.Policy(), actor, reviewed);
        if (book.Signed(reviewed.Content.Allele, reviewed.Content.ConditionId)?.Id != reviewed.Supersedes) throw AssessmentRules.Bad("assess-supersedes", "what is signed for this allele and condition is not what this one supersedes");
        return new AssessmentEvent.Signed(id, version, meaning, Needed(reason), AssessmentBook.DigestOf(reviewed.Content)) { IsAlone = isAlone };
    });

    /// <summary>Takes one back that is signed, or gives one up that never was.</summary>
    public Assessment Retire(AccessActor actor, long id, int version, string reason)
    {
        var isSigned = Get(id)?.State == AssessmentState.Signed;
        return Change(actor, isSigned ? AssessmentAction.RetireSigned : AssessmentAction.GiveUp, book =>
        {
            var now = Current(book, id, version, null);
            if (now.State is AssessmentState.Superseded or AssessmentState.Retired) throw WrongState(now);
            // It was signed since it was looked at.
            if ((now.State == AssessmentState.Signed) != isSigned) throw Conflict(now, version);
            return new AssessmentEvent.Given(id, version, Needed(reason));
        });
    }

    /// <summary>The laboratory's settings in force.</summary>
    public AssessmentSettings Settings => UsesIndex ? Part([AssessmentEvent.SettingsSubject], _ => true, null).Settings : Fresh(book => book.Settings);

    /// <summary>Lays settings down.</summary>
    public void Set(AccessActor actor, AssessmentSettings settings)
    {
        settings.Checked();
        Append(actor, AssessmentAction.Set, _ => [new AssessmentEvent.SettingsChanged(settings).Encode()]);
    }

    /// <summary>Takes in what other laboratories say, all of it or nothing. What is known is passed over; an older version than what is known changes nothing either.</summary>
    /// <exception cref="InputException">A statement is of another assembly, of this laboratory, or another one of a version that is known.</exception>
    public ImportReceipt Import(AccessActor actor, IReadOnlyList<OtherAssessment> statements)
    {
        var receipt = new ImportReceipt(0, 0, 0);
        Append(actor, AssessmentAction.Import, book =>
        {
            var (taken, known, older) = (new Dictionary<(string, long), OtherAssessment>(), 0, 0);
            foreach (var statement in statements)
            {
                if (statement.Assembly != _store.Assembly.Name) throw AssessmentRules.Bad("assess-assembly", "a statement is of another assembly than the store");
                if (statement.Laboratory == book.Settings.Laboratory) throw AssessmentRules.Bad("assess-own", "a statement says that it is of this laboratory: what is its own is drafted and signed here");
                var key = (statement.Laboratory, statement.Id);
                var before = taken.GetValueOrDefault(key) ?? book.FindOther(statement.Laboratory, statement.Id);
                if (before is not null && before.Version > statement.Version) older++;
                else if (before?.Version != statement.Version) taken[key] = statement;
                else if (before.ToLine().AsSpan().SequenceEqual(statement.ToLine())) known++;
                else throw AssessmentRules.Bad("assess-import", "a laboratory says two things as one version");
            }
            receipt = new ImportReceipt(taken.Count, known, older);
            return [.. taken.Values.OrderBy(s => s.Laboratory, StringComparer.Ordinal).ThenBy(s => s.Id).Select(s => new AssessmentEvent.Imported(s).Encode())];
        });
        return receipt;
    }

    /// <summary>An assessment as it is now; null when there is none of that number.</summary>
    public Assessment? Get(long id) => UsesIndex ? PartOf(id)?.Find(id) : Fresh(book => book.Find(id));

    /// <summary>Every version of an assessment, the first first, as far as a reader may see them; empty when there is none of that number.</summary>
    public IReadOnlyList<Assessment> History(AccessActor reader, long id)
    {
        var all = RequireReader(reader);
        return (UsesIndex ? PartOf(id)?.History(id) ?? [] : Fresh(book => book.History(id))) is var history && (all || WasSigned(history)) ? [.. history.Where(h => all || h.Signature is not null)] : [];
    }

    /// <summary>The signed assessments of an allele, one per condition, by condition.</summary>
    /// <param name="reader">Who reads.</param>
    /// <param name="allele">The allele.</param>
    /// <param name="asOf">As of this manifest version; null = now.</param>
    public IReadOnlyList<Assessment> SignedOf(AccessActor reader, AssessedAllele allele, long? asOf = null) => [.. List(reader, asOf, allele).Where(a => a.State == AssessmentState.Signed)];

    /// <summary>Assessments that a reader may see, by allele, condition and number.</summary>
    /// <param name="reader">Who reads.</param>
    /// <param name="asOf">As of this manifest version; null = now.</param>
    /// <param name="allele">Of this allele; null = all.</param>
    public IReadOnlyList<Assessment> List(AccessActor reader, long? asOf = null, AssessedAllele? allele = null)
    {
        var all = RequireReader(reader);
        var found = allele is not null && UsesIndex ? PartOf(allele, asOf).Of(allele) : From(asOf, book => (allele is null ? book.All : book.Of(allele)).ToList());
        return [.. found.Where(a => all || a.Signature is not null).OrderBy(a => a.Content.Allele).ThenBy(a => a.Content.ConditionId, StringComparer.Ordinal).ThenBy(a => a.Id)];
    }

    /// <summary>What other laboratories say, by allele, laboratory and number.</summary>
    public IReadOnlyList<OtherAssessment> Others(AccessActor reader, long? asOf = null, AssessedAllele? allele = null)
    {
        RequireReader(reader);
        var found = From(asOf, book => (allele is null ? book.Others : book.OthersOf(allele)).ToList());
        return [.. found.OrderBy(o => o.Content.Allele).ThenBy(o => o.Laboratory, StringComparer.Ordinal).ThenBy(o => o.Id)];
    }

    /// <summary>Refuses who may read nothing of assessments.</summary>
    /// <returns>Whether he may read what is not signed too.</returns>
    /// <exception cref="AccessRefusedException">He may read nothing.</exception>
    public bool RequireReader(AccessActor reader)
    {
        var policy = _store.Policy();
        AssessmentRules.Require(policy, reader, AssessmentAction.ReadSigned);
        return AssessmentRules.Allows(policy, reader, AssessmentAction.ReadAll);
    }

    private static bool WasSigned(IReadOnlyList<Assessment> history) => history.Any(h => h.Signature is not null);

    private Assessment Change(AccessActor actor, AssessmentAction action, Func<AssessmentBook, AssessmentEvent> decide)
    {
        var id = 0L;
        var last = Append(actor, action, book =>
        {
            var made = decide(book);
            id = made switch
            {
                AssessmentEvent.Drafted drafted => drafted.Id ?? 0,
                AssessmentEvent.Submitted submitted => submitted.Id,
                AssessmentEvent.Returned returned => returned.Id,
                AssessmentEvent.Signed signed => signed.Id,
                AssessmentEvent.Given given => given.Id,
                _ => 0,
            };
            return [made.Encode()];
        });
        return Get(id == 0 ? last : id)!;
    }

    /// <summary>Reads on, decides, and appends behind what was read; where somebody else was first, once more.</summary>
    private long Append(AccessActor actor, AssessmentAction action, Func<AssessmentBook, IReadOnlyList<NewEvent>> decide)
    {
        for (var attempt = 1; ; attempt++)
        {
            AssessmentRules.Require(_store.Policy(), actor, action);
            lock (_gate)
            {
                if (attempt == 1 && _store.Events.BehindIndex(AssessmentEvent.Index) > EventLog.MostBehindIndex) _store.Events.SaveIndex(AssessmentEvent.Index);
                ReadOn();
                var events = decide(_book);
                if (events.Count == 0) return _book.Head;
                try
                {
                    return _store.Events.Append(new EventBatch { Actor = actor.Id, ManifestVersion = _store.Version, Events = events, ExpectedHead = _book.Head });
                }
                catch (EventConflictException) when (attempt < Attempts)
                {
                    // Decided on what is no longer all: look again.
                }
            }
        }
    }

    private T Fresh<T>(Func<AssessmentBook, T> read)
    {
        lock (_gate)
        {
            ReadOn();
            return read(_book);
        }
    }

    private bool UsesIndex
    {
        get
        {
            lock (_gate) return _book.Head == 0 && _store.Events.Refresh() >= IndexFrom;
        }
    }

    /// <summary>What the log says of an allele.</summary>
    private AssessmentBook PartOf(AssessedAllele allele, long? asOf)
    {
        var begun = _store.Events.Find(AssessmentEvent.Index, [AssessmentEvent.SubjectOf(allele)], asOf);
        var ids = begun.Where(e => Decoded(e) is AssessmentEvent.Drafted { Id: null } drafted && drafted.Content.Allele == allele).Select(e => e.Number).ToHashSet();
        return Part([.. ids.Select(AssessmentEvent.SubjectOf)], e => ids.Contains(Decoded(e)?.About ?? e.Number), asOf);
    }

    /// <summary>What the log says of the allele of an assessment; null where it has no such assessment.</summary>
    private AssessmentBook? PartOf(long id) =>
        _store.Events.Find(AssessmentEvent.Index, [AssessmentEvent.SubjectOf(id)]).FirstOrDefault(e => e.Number == id) is { } first && Decoded(first) is AssessmentEvent.Drafted { Id: null } drafted ? PartOf(drafted.Content.Allele, null) : null;

    private AssessmentBook Part(IReadOnlyCollection<string> subjects, Func<LoggedEvent, bool> isMeant, long? asOf)
    {
        var book = new AssessmentBook();
        foreach (var logged in _store.Events.Find(AssessmentEvent.Index, subjects, asOf).Where(isMeant)) Apply(book.ApplyPart, logged);
        return book;
    }

    private static AssessmentEvent? Decoded(LoggedEvent logged)
    {
        AssessmentEvent? said = null;
        Apply(e => said = AssessmentEvent.Decode(e), logged);
        return said;
    }

    private T From<T>(long? asOf, Func<AssessmentBook, T> read)
    {
        if (asOf is null) return Fresh(read);
        var then = new AssessmentBook();
        foreach (var logged in _store.Events.Read(asOf: asOf)) Apply(then.Apply, logged);
        return read(then);
    }

    private void ReadOn()
    {
        var book = _book;
        try
        {
            foreach (var logged in _store.Events.Read(book.Head + 1)) Apply(book.Apply, logged);
        }
        catch
        {
            _book = new AssessmentBook(); // an event may have been taken in by half
            throw;
        }
    }

    private static void Apply(Action<LoggedEvent> read, LoggedEvent logged)
    {
        try
        {
            read(logged);
        }
        catch (Exception bad) when (bad is InvalidDataException or InputException)
        {
            throw new DamagedStoreException("e", bad.Message, bad);
        }
    }

    private static Assessment Current(AssessmentBook book, long id, int version, AssessmentState? state)
    {
        var now = book.Find(id) ?? throw AssessmentRules.Bad("assess-unknown", FormattableString.Invariant($"there is no assessment {id}"));
        if (now.Version != version) throw Conflict(now, version);
        if (state is not null && now.State != state) throw WrongState(now);
        return now;
    }

    private static InputException WrongState(Assessment now) => AssessmentRules.Bad("assess-state", FormattableString.Invariant($"assessment {now.Id} is {Words.Of(now.State)}: this cannot be done to it"));

    private static InputException Conflict(Assessment now, int version) =>
        AssessmentRules.Bad("assess-conflict", FormattableString.Invariant($"assessment {now.Id} is at version {now.Version}, not at {version}: somebody changed it since; nothing was changed"));

    private static string Needed(string reason)
    {
        if (reason.Trim().Length == 0) throw AssessmentRules.Bad("assess-reason", "a reason is needed");
        AssessmentContent.Short(reason, "a reason");
        return reason;
    }
}

/// <summary>What an import did.</summary>
/// <param name="Taken">Statements that are new, or of a newer version.</param>
/// <param name="Known">Statements that were known.</param>
/// <param name="Older">Statements of an older version than what is known.</param>
public readonly record struct ImportReceipt(int Taken, int Known, int Older);

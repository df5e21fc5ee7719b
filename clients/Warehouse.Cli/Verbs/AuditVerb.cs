using System.CommandLine;
using System.Globalization;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Engine;
using Warehouse.Engine.Audit;

namespace Warehouse.Cli.Verbs;

/// <summary><c>audit verify</c>, <c>search</c>, <c>prove</c>, <c>review</c> and <c>export</c>.</summary>
internal sealed class AuditVerb : Verb
{
    private const int MaxCheckpointBytes = 1 << 14;

    private readonly StoreSymbols _store = new();
    private readonly OutputSymbols _output = new();
    private readonly Argument<long> _entry = new("ENTRY") { Description = "Number of the entry, from 0." };
    private readonly Option<string?> _witness = new("--witness") { HelpName = "FILE", Description = "A checkpoint of this log that was kept elsewhere: what was cut off since is seen only against it." };
    private readonly Option<string?> _since = new("--since") { HelpName = "FILE", Description = "Also prove that the log begins with that of this older checkpoint." };
    private readonly Option<string?> _sample = new("--sample") { HelpName = "NAME", Description = "Calls that showed data of this sample." };
    private readonly Option<string?> _who = new("--who") { HelpName = "NAME", Description = "Calls of this principal." };
    private readonly Option<string?> _verb = new("--verb") { HelpName = "VERB", Description = "Calls of this verb." };
    private readonly Option<string?> _signOff = new("--sign-off") { HelpName = "REMARK", Description = "Put into the log that everything up to here was looked through." };
    private readonly Option<string?> _hours = new("--working-hours") { HelpName = "HH:MM-HH:MM", Description = "When people work, from Monday to Friday, in the time zone of this machine (default 06:00-20:00): what shows data of samples at another time is listed." };
    private readonly Option<string?> _checkpoint = new("--checkpoint") { HelpName = "FILE", Description = "Also write the last signed checkpoint: a witness for later." };
    private readonly Option<string> _path = new("-o", "--output") { HelpName = "OUT", Required = true, Description = "Where to; - is standard output." };

    private static readonly Column[] EntryColumns =
    [
        new("entry", ColumnKind.Integer), new("utc", ColumnKind.Text), new("kind", ColumnKind.Text), new("call", ColumnKind.Text), new("who", ColumnKind.FreeText),
        new("verb", ColumnKind.FreeText), new("purpose", ColumnKind.Text), new("snapshot", ColumnKind.Integer), new("subjects", ColumnKind.Integer),
        new("rows", ColumnKind.Integer), new("outcome", ColumnKind.Text), new("note", ColumnKind.FreeText),
    ];

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        Sub(command, "verify", "Read the whole log and name what was changed, removed or moved.", [_witness], (audit, parsed) => Verify(audit, parsed, context), context);
        Sub(command, "search", "Who saw data of a sample, and what did somebody see?", [_sample, _who, _verb], (audit, parsed) => Search(audit, parsed, context), context);
        var prove = Sub(command, "prove", "Prove that an entry is in the log, against its last signed checkpoint.", [_since], Prove, context);
        prove.Arguments.Add(_entry);
        Sub(command, "review", "List what somebody should look at since the last sign-off.", [_signOff, _hours], (audit, parsed) => Review(audit, parsed, context), context);
        var export = new Command("export", "Write the entries as they are: a line of JSON each.");
        _store.AddTo(export);
        export.Options.Add(_path);
        export.Options.Add(_checkpoint);
        export.SetAction(parsed => (int)Export(parsed, context));
        command.Subcommands.Add(export);
    }

    /// <inheritdoc/>
    protected override ExitCode Run(ParseResult parsed, CliContext context) => throw new InvalidOperationException("only the sub-verbs run");

    private Command Sub(Command command, string name, string summary, Option[] options, Func<StoreAudit, ParseResult, Report> ask, CliContext context)
    {
        var sub = new Command(name, summary);
        _store.AddTo(sub);
        foreach (var option in options) sub.Options.Add(option);
        _output.AddTo(sub);
        sub.SetAction(parsed =>
        {
            using var audit = Engine.OpenAudit(_store.Read(parsed));
            var report = ask(audit, parsed);
            return (int)_output.Write(parsed, context, report.Columns, report.WriteTo);
        });
        command.Subcommands.Add(sub);
        return sub;
    }

    private Report Verify(StoreAudit audit, ParseResult parsed, CliContext context)
    {
        var (entries, findings) = audit.Verify(parsed.GetValue(_witness) is { } file ? Checkpoint(file) : null, context.Cancellation);
        // A damaged log cannot say how far the ledger went.
        if (!findings.Any(f => f.IsDamage) && audit.CheckLedger() is { } ledger) findings = [.. findings, ledger];
        var report = new Report(new Column("entry", ColumnKind.Integer), new Column("kind", ColumnKind.Text), new Column("problem", ColumnKind.FreeText)) { Code = findings.Any(f => f.IsDamage) ? ExitCode.DamagedStore : ExitCode.Done };
        report.With(findings.Select(f => new object?[] { f.Entry, f.IsDamage ? "damaged" : "note", f.Problem }));
        context.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{entries} entries under the last checkpoint; the key that signs it is {audit.Keys.VerifierKey}"));
        return report;
    }

    private Report Search(StoreAudit audit, ParseResult parsed, CliContext context)
    {
        context.Begin(_store.Read(parsed), parsed);
        var (who, verb, sample) = (parsed.GetValue(_who), parsed.GetValue(_verb), parsed.GetValue(_sample));
        var subject = sample is null ? null : audit.Keys.Hide("sample", sample);
        // A call is found by any of its entries, and shown with all of them: what it showed stands in one, how it ended in another.
        var calls = new HashSet<string>(StringComparer.Ordinal);
        var reader = audit.Reader();
        foreach (var (entry, _) in reader.Entries())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            if ((who is null || entry.Who == who) && (verb is null || entry.Verb == verb) && (subject is null || entry.Subjects.Contains(subject))) calls.Add(entry.Call);
        }
        var report = new Report(EntryColumns) { Code = calls.Count == 0 ? ExitCode.NothingMatched : ExitCode.Done };
        return report.With(reader.Entries().Where(e => calls.Contains(e.Entry.Call)).Select(e => Row(e.Entry, e.Entry.Note ?? Summed(e.Entry))));
    }

    private Report Prove(StoreAudit audit, ParseResult parsed)
    {
        var reader = audit.Reader();
        var index = parsed.GetValue(_entry);
        var proof = reader.ProveEntry(index);
        List<(string, string)> facts = [("entry", Text(index)), ("size", Text(proof.Size)), ("line", System.Text.Encoding.ASCII.GetString(reader.Entries(index).First().Line.Span))];
        facts.AddRange(proof.Path.Select(h => ("inclusion", h)));
        if (parsed.GetValue(_since) is { } file) facts.AddRange(reader.ProveSince(Checkpoint(file)).Path.Select(h => ("consistency", h)));
        facts.AddRange(proof.Checkpoint.TrimEnd('\n').Split('\n').Select(l => ("checkpoint", l)));
        return Report.OfFacts([.. facts, ("key", audit.Keys.VerifierKey)]);
    }

    private Report Review(StoreAudit audit, ParseResult parsed, CliContext context)
    {
        context.Begin(_store.Read(parsed), parsed);
        var unusual = new LogReview(Usual(parsed));
        var (rows, open) = (new List<(AuditEntry Entry, string Reason)>(), new Dictionary<string, AuditEntry>(StringComparer.Ordinal));
        foreach (var (entry, _) in audit.Reader().Entries())
        {
            unusual.Add(entry);
            if (entry.Kind == AuditKind.Begin) open[entry.Call] = entry;
            else if (entry.Kind == AuditKind.End) open.Remove(entry.Call);
            if (entry.Kind == AuditKind.Review) rows.Clear();
            else if (entry.Kind == AuditKind.Recovered) rows.Add((entry, "a stop in the middle"));
            else if (entry.Kind is AuditKind.Begin or AuditKind.Call && IsExport(entry.Verb)) rows.Add((entry, "export"));
            else if (entry.Kind is AuditKind.Begin or AuditKind.Call && entry.Verb is "access break-glass" or "warehouse.v1.Access/BreakGlass") rows.Add((entry, "break-glass"));
            else if (entry.Kind is AuditKind.Begin && entry.Verb.StartsWith("access ", StringComparison.Ordinal) && entry.Verb is not ("access list" or "access review" or "access explain")) rows.Add((entry, "access"));
            else if (entry.Kind == AuditKind.Refused) rows.Add((entry, Summed(entry)!));
            else if (entry.Kind is AuditKind.End or AuditKind.Call && entry.Outcome is not ("done" or "nothing-matched")) rows.Add((entry, "did not end well"));
        }
        rows.AddRange(unusual.Findings());
        rows.AddRange(open.Values.Select(e => (e, "never ended: what it names may have been shown")));
        if (parsed.GetValue(_signOff) is { } remark)
            audit.Log.Append([new AuditEntry { Kind = AuditKind.Review, Call = Guid.NewGuid().ToString("n"), Who = Engine.Principal, Role = "owner", Verb = "audit review", Purpose = "operations", Note = remark }]);
        return new Report(EntryColumns).With(rows.OrderBy(r => r.Entry.Sequence).Select(r => Row(r.Entry, r.Reason)));
    }

    private LogReviewOptions Usual(ParseResult parsed)
    {
        var usual = new LogReviewOptions { Zone = TimeProvider.System.LocalTimeZone };
        if (parsed.GetValue(_hours) is not { } text) return usual;
        return LogReviewOptions.HoursOf(text) is var (from, until) ? usual with { WorkFrom = from, WorkUntil = until } : throw new InputException("working-hours", "working hours are HH:MM-HH:MM", InputPlace.None);
    }

    /// <summary>Whether a verb, or a method of the server, is the one that gives genotypes away.</summary>
    private static bool IsExport(string verb) => verb is "export" or "warehouse.v1.Variants/Export";

    private ExitCode Export(ParseResult parsed, CliContext context)
    {
        var store = _store.Read(parsed);
        context.Begin(store, parsed);
        using var audit = Engine.OpenAudit(store);
        var (reader, path) = (audit.Reader(), parsed.GetRequiredValue(_path));
        if (path == "-")
        {
            using var output = context.OpenAnswer();
            Write(reader, output, context);
        }
        else
        {
            using var file = OutputFile.Open(path);
            using (var stream = context.Guard(file.Stream)) Write(reader, stream, context);
            file.Complete();
        }
        if (parsed.GetValue(_checkpoint) is not { } to || reader.LatestCheckpoint() is not { } note) return ExitCode.Done;
        using var witness = OutputFile.Open(to);
        witness.Stream.Write(note);
        witness.Complete();
        return ExitCode.Done;
    }

    private static void Write(AuditReader reader, Stream output, CliContext context)
    {
        using var buffered = new BufferedStream(output, 1 << 16);
        foreach (var (_, line) in reader.Entries())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            buffered.Write(line.Span);
            buffered.WriteByte((byte)'\n');
        }
    }

    /// <summary>What an entry that sums calls up says; null for others.</summary>
    private static string? Summed(AuditEntry entry) =>
        entry is { Kind: AuditKind.Refused, FirstUtc: { } first, LastUtc: { } last } ? string.Create(CultureInfo.InvariantCulture, $"{entry.Calls} calls refused from {Columns.Time(first)} to {Columns.Time(last)}") : null;

    private static object?[] Row(AuditEntry entry, string? note) =>
    [
        entry.Sequence, Columns.Time(entry.Utc), entry.Kind.ToString().ToLowerInvariant(), entry.Call, entry.Who, entry.Verb, entry.Purpose, entry.Snapshot,
        (long)entry.Subjects.Count, entry.Rows, entry.Outcome, note,
    ];

    private static byte[] Checkpoint(string path)
    {
        using var file = File.OpenRead(path);
        var bytes = new byte[MaxCheckpointBytes + 1];
        var read = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        return read <= MaxCheckpointBytes ? bytes[..read] : throw new InputException("audit-checkpoint", "this is no checkpoint: it is too long", new InputPlace(path, 0, 0, ""));
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

using System.CommandLine;
using System.Globalization;
using Warehouse.Cli.Options;
using Warehouse.Cli.Output;
using Warehouse.Engine;
using Warehouse.Engine.Audit;

namespace Warehouse.Cli.Verbs;

/// <summary><c>audit verify</c>, <c>search</c>, <c>prove</c>, <c>review</c>, <c>checkpoint</c> and <c>export</c>.</summary>
internal sealed class AuditVerb : GroupVerb
{
    private const int MaxCheckpointBytes = 1 << 14;

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
    protected override bool MayAskServer => true;

    /// <inheritdoc/>
    protected override bool IsQuestion => false;

    /// <inheritdoc/>
    protected override void Declare(Command command, CliContext context)
    {
        Of(command, context, ("verify", "Read the whole log and name what was changed, removed or moved."), [_witness], (record, parsed, _) => Verify(record, parsed, context));
        Of(command, context, ("search", "Who saw data of a sample, and what did somebody see?"), [_sample, _who, _verb], (record, parsed, address) =>
        {
            context.Begin(address, parsed);
            var rows = record.CallsOf(parsed.GetValue(_sample), parsed.GetValue(_who), parsed.GetValue(_verb)).Select(e => Row(e, e.Note ?? AuditReview.Summed(e))).ToList();
            return new Report(EntryColumns) { Code = rows.Count == 0 ? ExitCode.NothingMatched : ExitCode.Done }.With(rows);
        });
        Of(command, context, ("prove", "Prove that an entry is in the log, against its last signed checkpoint."), [_entry, _since], (record, parsed, _) => Prove(record, parsed));
        Of(command, context, ("review", "List what somebody should look at since the last sign-off."), [_signOff, _hours], (record, parsed, address) => Review(record, parsed, () => context.Begin(address, parsed)));
        Writes(command, context, ("checkpoint", "Write the last signed checkpoint: kept elsewhere, it shows later what was cut off."), [_path], (record, _, output) => WriteCheckpoint(record, output, context));
        Writes(command, context, ("export", "Write the entries as they are: a line of JSON each."), [_path, _checkpoint], (record, parsed, output) =>
        {
            Write(record, output, context);
            if (parsed.GetValue(_checkpoint) is not { } to || record.Checkpoint().Note is not { } note) return;
            using var witness = OutputFile.Open(to);
            witness.Stream.Write(note);
            witness.Complete();
        });
    }

    private void Of(Command command, CliContext context, (string Name, string Summary) named, Symbol[] symbols, Func<IAuditRecord, ParseResult, StoreAddress, Report> ask) => Sub(command, context, named, symbols, (parsed, address) =>
    {
        using var record = context.Engine.AuditRecord(address, context.Cancellation);
        return ask(record, parsed, address);
    });

    /// <summary>A sub-verb whose answer is a file of its own shape.</summary>
    private void Writes(Command command, CliContext context, (string Name, string Summary) named, Option[] options, Action<IAuditRecord, ParseResult, Stream> write)
    {
        var sub = new Command(named.Name, named.Summary);
        Store.AddReadingTo(sub, AsksServer, isQuestion: false);
        foreach (var option in options) sub.Options.Add(option);
        sub.SetAction(parsed =>
        {
            var store = Store.Read(parsed, context);
            context.Begin(store, parsed);
            using var record = context.Engine.AuditRecord(store, context.Cancellation);
            var path = parsed.GetRequiredValue(_path);
            if (path == "-")
            {
                using var output = context.OpenAnswer();
                write(record, parsed, output);
                return (int)ExitCode.Done;
            }
            using var file = OutputFile.Open(path);
            using (var stream = context.Guard(file.Stream)) write(record, parsed, stream);
            file.Complete();
            return (int)ExitCode.Done;
        });
        command.Subcommands.Add(sub);
    }

    private Report Verify(IAuditRecord record, ParseResult parsed, CliContext context)
    {
        var (entries, findings, key) = record.Verify(parsed.GetValue(_witness) is { } file ? Checkpoint(file) : null);
        var report = new Report(new Column("entry", ColumnKind.Integer), new Column("kind", ColumnKind.Text), new Column("problem", ColumnKind.FreeText)) { Code = findings.Any(f => f.IsDamage) ? ExitCode.DamagedStore : ExitCode.Done };
        report.With(findings.Select(f => new object?[] { f.Entry, f.IsDamage ? "damaged" : "note", f.Problem }));
        context.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{entries} entries under the last checkpoint; the key that signs it is {key}"));
        return report;
    }

    private Report Prove(IAuditRecord record, ParseResult parsed)
    {
        var index = parsed.GetValue(_entry);
        var (line, proof, consistency, key) = record.Prove(index, parsed.GetValue(_since) is { } file ? Checkpoint(file) : null);
        List<(string, string)> facts = [("entry", Text(index)), ("size", Text(proof.Size)), ("line", line)];
        facts.AddRange(proof.Path.Select(h => ("inclusion", h)));
        facts.AddRange((consistency ?? []).Select(h => ("consistency", h)));
        facts.AddRange(proof.Checkpoint.TrimEnd('\n').Split('\n').Select(l => ("checkpoint", l)));
        return Report.OfFacts([.. facts, ("key", key)]);
    }

    private Report Review(IAuditRecord record, ParseResult parsed, Action begin)
    {
        begin();
        var rows = AuditReview.Of(record.Entries().Select(e => e.Entry), Usual(parsed)).ToList();
        if (parsed.GetValue(_signOff) is { } remark) record.SignOff(remark);
        return new Report(EntryColumns).With(rows.Select(r => Row(r.Entry, r.Reason)));
    }

    private LogReviewOptions Usual(ParseResult parsed)
    {
        var usual = new LogReviewOptions { Zone = TimeProvider.System.LocalTimeZone };
        if (parsed.GetValue(_hours) is not { } text) return usual;
        return LogReviewOptions.HoursOf(text) is var (from, until) ? usual with { WorkFrom = from, WorkUntil = until } : throw new InputException("working-hours", "working hours are HH:MM-HH:MM", InputPlace.None);
    }

    private static void WriteCheckpoint(IAuditRecord record, Stream output, CliContext context)
    {
        var (note, key) = record.Checkpoint();
        output.Write(note ?? throw new InputException("audit-checkpoint", "the log is empty, and nothing is signed yet", InputPlace.None));
        context.Error.WriteLine("warehouse: the key that signs it is " + key);
    }

    private static void Write(IAuditRecord record, Stream output, CliContext context)
    {
        using var buffered = new BufferedStream(output, 1 << 16);
        foreach (var (_, line) in record.Entries())
        {
            context.Cancellation.ThrowIfCancellationRequested();
            buffered.Write(line.Span);
            buffered.WriteByte((byte)'\n');
        }
    }

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

using System.Diagnostics;
using System.Globalization;

namespace Warehouse.Simulation.Faults;

/// <summary>
/// The released program, killed at random moments while releases of ClinVar are loaded and accepted, samples come, alerts are derived, delivered to a folder and to a webhook, shown and
/// acknowledged (F80, I10). What must come of it is decided here, outside the store, by <see cref="AlertLaboratory"/>. A run is one killed process. What is done and when it is killed follows
/// from the seed; what the process has done by then is its own.
/// </summary>
public sealed class AlertKills : IDisposable
{
    private const int KillsPerStore = 50;

    /// <summary>The first release raises nothing: what follows has to be looked at even where there are few kills.</summary>
    private const int LeastRounds = 3;

    private readonly string _program, _folder;
    private readonly Random _chance;
    private readonly AlertLie _lie;
    private readonly AlertLaboratory _laboratory;
    private readonly MessageSink _sink;
    private readonly Dictionary<string, double> _usualMs = new(StringComparer.Ordinal);
    private readonly Func<long, bool> _isEnough;
    private long _kills, _killedRuns;
    private string _step = "";

    private AlertKills(string program, string folder, int seed, (AlertLie Lie, Func<long, bool> IsEnough) how)
    {
        (_program, _folder, _chance, _lie, _isEnough) = (program, folder, new Random(seed), how.Lie, how.IsEnough);
        (_laboratory, _sink) = (new AlertLaboratory(folder, _chance), new MessageSink(how.Lie == AlertLie.ForgetfulReceiver));
        File.WriteAllBytes(Path.Combine(folder, "secret"), MessageSink.Secret);
    }

    private string Store => Path.Combine(_folder, "lab.wh");

    private string Messages => Path.Combine(_folder, "messages");

    /// <summary>Kills until it is enough.</summary>
    /// <param name="program">The program: a file.</param>
    /// <param name="seed">The first seed; each store has the next one.</param>
    /// <param name="isEnough">Whether so many kills are enough.</param>
    /// <param name="lie">A lie that the loop must see; none for the proof itself.</param>
    public static Outcome Run(string program, int seed, Func<long, bool> isEnough, AlertLie lie = AlertLie.None)
    {
        var (runs, failures) = (0L, new List<string>());
        for (; !isEnough(runs) && failures.Count < Outcome.MostFailures; seed++)
        {
            var (folder, before) = (Directory.CreateTempSubdirectory("warehouse-alerts-"), runs);
            using var loop = new AlertKills(program, folder.FullName, seed, (lie, kills => kills >= KillsPerStore || isEnough(before + kills)));
            try
            {
                loop.Work();
            }
            catch (HarnessException e)
            {
                failures.Add(FormattableString.Invariant($"alert kills, seed {seed}, after {loop._kills} kills, {loop._step}: {e.Message}"));
            }
            finally
            {
                folder.Delete(recursive: true);
            }
            runs += loop._kills;
        }
        return new Outcome(runs, failures);
    }

    /// <inheritdoc/>
    public void Dispose() => _sink.Dispose();

    /// <summary>A store from its beginning: rounds until there were enough kills, and at last one run that nobody disturbs and the reckoning.</summary>
    private void Work()
    {
        Do("init", Store, "--assembly", "GRCh37");
        Do("ingest", Store, _laboratory.Samples("S0", "S1", "S2", "S3"), "--samples", _laboratory.Sheet("S0", "S1", "S2", "S3"));
        Do("care", "import", Store, _laboratory.Care());
        Do("watch", "add", Store, "everybody");
        Do("alerts", "settings", Store, "--messages-an-hour", "10000"); // each alert is a message of its own
        for (var round = 0; round < LeastRounds || !_isEnough(_kills); round++) Round(round);
        _step = "reckoning";
        Expect(Deliver());
        var all = Do("alerts", "list", Store, "--closed");
        var verified = Start("verify", Store).Finish();
        if (verified.Exit != 0) throw new HarnessException($"verify says {verified.Exit}: {verified.Error}");
        if (_laboratory.Quarrel(Rows(all)) is { } quarrel) throw new HarnessException(quarrel);
        var written = Directory.EnumerateFiles(Messages, "*.json").Select(File.ReadAllText).ToList();
        foreach (var id in _laboratory.Known)
        {
            if (!_sink.Alerts.ContainsKey(id)) throw new HarnessException($"the webhook never got a message of {id}");
            if (!written.Any(text => text.Contains(id, StringComparison.Ordinal))) throw new HarnessException($"the folder has no message of {id}");
        }
        var twice = _sink.Received.Values.Sum(n => n - 1);
        if (twice > _killedRuns) throw new HarnessException($"{twice} messages came again, after {_killedRuns} runs that were killed");
    }

    private void Round(int round)
    {
        if (round > 0 && _chance.Next(2) == 0)
        {
            var sample = _laboratory.NextSample();
            Until("ingest", Store, _laboratory.Samples(sample), "--samples", _laboratory.Sheet(sample));
            _laboratory.Loaded(sample);
            if (_chance.Next(2) == 0) UntilDelivered();
        }
        var (date, file) = _laboratory.NextRelease();
        int? previewed = null;
        if (_chance.Next(2) == 0) Until("clinvar", "load", Store, file, "--release", date);
        else
        {
            Until("clinvar", "load", Store, file, "--release", date, "--hold");
            previewed = Rows(Until("clinvar", "preview", Store, date)).Where(r => r[0] == "alerts").Sum(r => int.Parse(r[5], CultureInfo.InvariantCulture));
            Until("clinvar", "accept", Store, date);
        }
        var raised = _laboratory.Accepted();
        if (previewed is { } said && said != raised) throw new HarnessException($"the preview says {said} alerts, there are {raised}");
        UntilDelivered();
        Probe();
        _laboratory.Shown(Rows(Until("alerts", "list", Store)));
        Acknowledge();
    }

    /// <summary>What nobody has looked at cannot be acknowledged: its id is found in the list that shows nothing, and tried.</summary>
    private void Probe()
    {
        var unseen = Rows(Do("alerts", "list", Store, "--everybody")).Where(r => r[^1] != "yes" && !_laboratory.WasShown(r[0])).Select(r => r[0]).FirstOrDefault();
        if (unseen is null) return;
        var (exit, _, error) = Start("alerts", "ack", Store, unseen, "--reason", "not looked at").Finish();
        if (exit != 2) throw new HarnessException($"an alert that was never shown is acknowledged: exit {exit}: {error}");
    }

    private void Acknowledge()
    {
        foreach (var id in _laboratory.ToBeAcknowledged())
        {
            // A second try may find that the first one was recorded before it was killed.
            _laboratory.Tries(id);
            for (var (isDone, tries) = (false, 0); !isDone; tries++)
            {
                var (exit, _, error) = Attempt("alerts", "ack", Store, id, "--reason", "recontacted");
                if (exit is null && _lie == AlertLie.EarlyAcknowledgement) break;
                isDone = exit == 0 || (exit == 2 && tries > 0 && error.Contains("closed already", StringComparison.Ordinal));
                if (exit is not null && !isDone) throw new HarnessException($"exit {exit}: {error}");
            }
            _laboratory.Acknowledged(id);
        }
    }

    private void UntilDelivered()
    {
        while (true)
        {
            if (_chance.Next(3) == 0) _sink.KillAt(1 + _chance.Next(6), _chance.Next(2) == 0);
            var ended = Deliver();
            _sink.KillAt(0, false);
            if (ended.Exit is null) _killedRuns++;
            else
            {
                Expect(ended);
                return;
            }
        }
    }

    private (int? Exit, string Output, string Error) Deliver() =>
        Attempt("alerts", "run", Store, "--fhir-communications", Messages, "--webhook", _sink.Address, "--webhook-secret", Path.Combine(_folder, "secret"));

    /// <summary>Runs a verb until it comes to its end; between two tries, now and then, alerts are derived from what the killed one has left.</summary>
    private string Until(params string[] words)
    {
        while (true)
        {
            var ended = Attempt(words);
            if (ended.Exit is not null) return Expect(ended);
            if (words is ["alerts", "list", ..]) _laboratory.Shown(Rows(ended.Output));
            if (_chance.Next(4) == 0) UntilDelivered();
        }
    }

    private static string Expect((int? Exit, string Output, string Error) ended) =>
        ended.Exit == 0 ? ended.Output : throw new HarnessException($"exit {ended.Exit}: {ended.Error}{ended.Output}");

    private string Do(params string[] words) => Expect(Start(words).Finish());

    /// <summary>Runs a verb and kills it, most of the time; exit null = it was killed.</summary>
    private (int? Exit, string Output, string Error) Attempt(params string[] words)
    {
        var verb = string.Join(' ', words.TakeWhile(w => w != Store));
        var usual = _usualMs.GetValueOrDefault(verb, 100);
        var at = Timeout.Infinite;
        // A third of the kills come anywhere, most in the later part, where something was begun.
        if (!_isEnough(_kills) && _chance.Next(4) > 0) at = (int)(usual * (_chance.Next(3) == 0 ? _chance.NextDouble() : 0.4 + (0.6 * _chance.NextDouble())));
        if (_lie == AlertLie.EarlyAcknowledgement && verb == "alerts ack") at = (int)(usual / 4);
        var clock = Stopwatch.StartNew();
        using var process = Start(words);
        _sink.Process = process.Process;
        var ended = process.Finish(at);
        _sink.Process = null;
        if (ended.Exit is null) _kills++;
        else _usualMs[verb] = _usualMs.ContainsKey(verb) ? (0.8 * usual) + (0.2 * clock.Elapsed.TotalMilliseconds) : clock.Elapsed.TotalMilliseconds;
        return ended;
    }

    private KilledProcess Start(params string[] words)
    {
        _step = string.Join(' ', words.Select(w => w.StartsWith(_folder, StringComparison.Ordinal) ? Path.GetFileName(w) : w));
        return new KilledProcess(_program, words);
    }

    /// <summary>The rows of a table that were printed whole, without its header.</summary>
    private static List<string[]> Rows(string output) => [.. output[..(output.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(l => l.Split('\t'))];
}

/// <summary>A lie that the loop must see.</summary>
public enum AlertLie
{
    /// <summary>None.</summary>
    None,

    /// <summary>The receiver of the webhook takes each message and forgets every third one.</summary>
    ForgetfulReceiver,

    /// <summary>An acknowledgement counts although its process was killed.</summary>
    EarlyAcknowledgement,
}

/// <summary>A process that may be killed.</summary>
internal sealed class KilledProcess : IDisposable
{
    private const int Killed = 137, LongestMs = 60_000;

    private readonly Task<string> _output, _error;

    internal KilledProcess(string program, IEnumerable<string> words)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in words) start.ArgumentList.Add(word);
        Process = Process.Start(start)!;
        (_output, _error) = (Process.StandardOutput.ReadToEndAsync(), Process.StandardError.ReadToEndAsync());
    }

    internal Process Process { get; }

    /// <summary>Waits for its end, or kills it then; exit null = it was killed.</summary>
    internal (int? Exit, string Output, string Error) Finish(int afterMs = Timeout.Infinite)
    {
        if (afterMs != Timeout.Infinite && !Process.WaitForExit(afterMs)) Process.Kill();
        if (!Process.WaitForExit(LongestMs)) throw new HarnessException("it does not end");
        Process.WaitForExit();
        return (Process.ExitCode == Killed ? null : Process.ExitCode, _output.Result, _error.Result);
    }

    public void Dispose() => Process.Dispose();
}

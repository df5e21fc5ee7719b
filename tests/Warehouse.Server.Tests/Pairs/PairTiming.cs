using System.Diagnostics;
using System.Globalization;
using System.Text;
using Warehouse.Engine.Access;
using Warehouse.Engine.Query;
using Warehouse.Units.Access;
using Warehouse.Units.Oracle;
using Warehouse.Units.Query;
using V1 = Warehouse.Protocol.V1;

namespace Warehouse.Server.Tests.Pairs;

/// <summary>
/// <c>timing</c>: how long answers take on two stores that a caller cannot tell apart by what they say (F67), as dudect asks: the question goes to the two in
/// random order, so many times, and Welch's t says whether the times are of one kind (|t| under 4.5) or not. It measures and asserts nothing:
/// <c>bench/timing.sh</c> keeps its table.
/// <code>timing [--count N] [--seed S]</code>
/// </summary>
internal sealed class PairTiming : IDisposable
{
    private const int Visible = 60, Hidden = 60, Sites = 400, WarmUp = 2_000;

    /// <summary>Share of the times that is kept in the second figure: what interrupts a process is in the rest.</summary>
    private const double Kept = 0.9;

    private readonly PairHouse _house = new();
    private readonly MemoryStore _left, _right, _twin;
    private readonly PairHouse.Client _user;

    private PairTiming()
    {
        _user = _house.Of(1);
        (_left, _right, _twin) = (Build(0), Build(1), Build(0));
    }

    public static int Run(ReadOnlySpan<string> words)
    {
        var (count, seed) = (100_000, 1);
        for (var i = 0; i + 1 < words.Length; i += 2)
        {
            var number = int.Parse(words[i + 1], CultureInfo.InvariantCulture);
            if (words[i] == "--count") count = number;
            else if (words[i] == "--seed") seed = number;
            else throw new ArgumentException("timing [--count N] [--seed S]");
        }
        using var timing = new PairTiming();
        Console.WriteLine("| asked | what one store has and the other has not | times | median, us | difference of means, us | t | t of the fastest 90 % | under 4.5 |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (var (where, what, question) in timing.Questions()) Console.WriteLine(Row(where, what, Measure(question, count, new Random(seed))));
        return 0;
    }

    public void Dispose()
    {
        _left.Dispose();
        _right.Dispose();
        _twin.Dispose();
        _house.Dispose();
    }

    /// <summary>Each asks the first store or the second.</summary>
    private IEnumerable<(string Where, string What, Action<bool> Ask)> Questions()
    {
        using Session left = Open(_left), right = Open(_right), twin = Open(_twin);
        var sessions = new Dictionary<MemoryStore, Session> { [_left] = left, [_right] = right, [_twin] = twin };
        V1.Samples hidden = new() { Names = { "h7" } }, nobody = new() { Names = { "x7" } }, cohort = new() { Cohort = "secret" };
        foreach (var (what, query, one, other) in ((string, string, (MemoryStore Store, V1.Samples Samples), (MemoryStore Store, V1.Samples Samples))[])
                 [
                     ("nothing: the same store twice", "1-1001-A-G", (_left, new V1.Samples { Names = { "v1" } }), (_left, new V1.Samples { Names = { "v1" } })),
                     ("nothing: another store of the same data, and a name that nobody has", "1-1003-A-G", (_left, nobody), (_twin, nobody)),
                     ("60 hidden carriers of a variant, in a file of visible samples", "1-1003-A-G", (_left, new V1.Samples()), (_right, new V1.Samples())),
                     ("a hidden call set with the variant that is asked", "1-5001-A-G", (_left, new V1.Samples()), (_right, new V1.Samples())),
                     ("a hidden cohort of the name that is asked", "1-1003-A-G", (_left, cohort), (_right, cohort)),
                     ("a hidden sample of the name that is asked", "1-1003-A-G", (_left, hidden), (_right, hidden)),
                     ("the same in one store, which is asked a hidden name and one that nobody has", "1-1003-A-G", (_right, nobody), (_right, hidden)),
                 ])
        {
            yield return ("a session, `Seen`", what, isOther => Ask(sessions[(isOther ? other : one).Store], query, isOther ? ChoiceOf(other.Samples) : ChoiceOf(one.Samples)));
            V1.SeenRequest[] requests = [.. ((V1.Samples[])[one.Samples, other.Samples]).Select(samples => new V1.SeenRequest { Asking = new V1.Asking { Purpose = V1.Purpose.Operations }, Samples = samples, Queries = { query } })];
            // New ones for each question: their audit logs grow with every call.
            using PairServer first = new(one.Store, _left.Keys, _house, 0);
            using var second = one.Store == other.Store ? null : new PairServer(other.Store, _left.Keys, _house, 1);
            yield return ("the server, `Variants/Seen`", what, isOther => (isOther && second is not null ? second : first).Call("/warehouse.v1.Variants/Seen", _user, [requests[isOther ? 1 : 0]]));
        }
    }

    private static SampleChoice ChoiceOf(V1.Samples samples) => samples.Cohort.Length > 0 ? new SampleChoice { Cohort = samples.Cohort } : samples.Names.Count > 0 ? new SampleChoice { Names = [.. samples.Names] } : SampleChoice.All;

    private Session Open(MemoryStore store) => store.Store.OpenSession(new SessionOptions { Caller = _user.Caller, Purpose = Purpose.Operations, AnyOrder = true });

    private static void Ask(Session session, string query, SampleChoice choice)
    {
        try
        {
            foreach (var answer in session.Seen([query], choice)) _ = answer.State;
        }
        catch (Engine.InputException)
        {
            // Refused in both stores, and in the same words.
        }
    }

    private static (double[] Left, double[] Right) Measure(Action<bool> question, int count, Random dice)
    {
        var times = (Left: new List<double>(count), Right: new List<double>(count));
        for (var i = -WarmUp; i < count; i++)
        {
            var isRight = dice.Next(2) == 1;
            var began = Stopwatch.GetTimestamp();
            question(isRight);
            var took = Stopwatch.GetElapsedTime(began).TotalMicroseconds;
            if (i >= 0) (isRight ? times.Right : times.Left).Add(took);
        }
        return ([.. times.Left.Order()], [.. times.Right.Order()]);
    }

    private static string Row(string where, string what, (double[] Left, double[] Right) times)
    {
        // One bound for both: a share of each would hide what makes one of them slow.
        var bound = times.Left.Concat(times.Right).Order().ElementAt((int)((times.Left.Length + times.Right.Length) * Kept));
        var (raw, kept) = (T(times.Left, times.Right), T([.. times.Left.Where(t => t <= bound)], [.. times.Right.Where(t => t <= bound)]));
        return string.Create(CultureInfo.InvariantCulture,
            $"| {where} | {what} | {times.Left.Length + times.Right.Length} | {times.Left[times.Left.Length / 2]:f1} and {times.Right[times.Right.Length / 2]:f1} | {times.Right.Average() - times.Left.Average():f2} | {raw:f1} | {kept:f1} | {(Math.Abs(raw) < 4.5 && Math.Abs(kept) < 4.5 ? "yes" : "no")} |");
    }

    /// <summary>Welch's t.</summary>
    private static double T(double[] left, double[] right)
    {
        static (double Mean, double Error) Of(double[] times)
        {
            var mean = times.Average();
            return (mean, times.Sum(t => (t - mean) * (t - mean)) / (times.Length - 1) / times.Length);
        }
        var ((a, ea), (b, eb)) = (Of(left), Of(right));
        return (b - a) / Math.Sqrt(ea + eb);
    }

    /// <summary>One of the two: equal in the samples v0, v1 and so on, which the caller sees.</summary>
    private MemoryStore Build(int side)
    {
        var store = new MemoryStore("GRCh38", clock: _house.Clock);
        string[] visible = [.. Enumerable.Range(0, Visible).Select(i => "v" + i)], hidden = [.. Enumerable.Range(0, Hidden).Select(i => (side == 0 ? "g" : "h") + i)];
        var dice = new Random(7);
        var text = new StringBuilder(Header(visible.Concat(hidden)));
        for (var site = 0; site < Sites; site++)
        {
            text.Append(CultureInfo.InvariantCulture, $"1\t{1001 + (2 * site)}\t.\tA\tG\t.\tPASS\t.\tGT");
            foreach (var _ in visible) text.Append(dice.Next(4) == 0 ? "\t0/1" : "\t0/0");
            foreach (var _ in hidden) text.Append(side == 1 && site == 1 ? "\t0/1" : "\t0/0");
            text.Append('\n');
        }
        var call = Header([side == 0 ? "other" : "hiding"]) + string.Concat(Enumerable.Range(0, Sites).Select(site => $"1\t{(side == 0 ? 7001 : 5001) + (2 * site)}\t.\tA\tG\t.\tPASS\t.\tGT\t0/1\n"));
        store.Ingest(new NaiveIngest(), text.ToString(), call);
        store.Store.SetCohort(side == 0 ? "other" : "secret", hidden, null);
        var entry = store.Store.Grant(PolicyStore.Owner, new GrantRequest { Subject = new Subject(SubjectKind.Principal, _user.Caller.Id), Samples = visible, Details = [Detail.Record], Purposes = [Purpose.Operations], Reason = "work" });
        store.Store.Approve(AccessActor.Owner("second"), entry);
        return store;
    }

    private static string Header(IEnumerable<string> samples) =>
        "##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1,Type=String,Description=\"genotype\">\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + string.Join('\t', samples) + "\n";
}

#pragma warning disable RS0030 // instruments are made here, of fixed sets alone
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Warehouse.Server.Telemetry;

/// <summary>One value of a family: a value per label, and the number.</summary>
internal readonly record struct Sample(string[] Values, double Number);

/// <summary>
/// A counter or a gauge with fixed labels, read when it is asked for. The instrument of <see cref="System.Diagnostics.Metrics"/> and the page
/// of the operator show the same.
/// </summary>
/// <param name="Name">With dots; the page writes underscores.</param>
/// <param name="Help">One line.</param>
/// <param name="IsCounter">It only grows.</param>
/// <param name="Labels">Names of the labels.</param>
/// <param name="Read">What it is now.</param>
internal sealed record Family(string Name, string Help, bool IsCounter, string[] Labels, Func<IEnumerable<Sample>> Read)
{
    /// <summary>Makes its instrument.</summary>
    public void Offer(Meter meter)
    {
        if (IsCounter) meter.CreateObservableCounter(Name, Measure, unit: null, Help);
        else meter.CreateObservableGauge(Name, Measure, unit: null, Help);
    }

    /// <summary>Writes its lines.</summary>
    public void Write(StringBuilder page)
    {
        var name = Exposition.NameOf(Name) + (IsCounter ? "_total" : "");
        Exposition.Head(page, name, Help, IsCounter ? "counter" : "gauge");
        foreach (var sample in Read()) Exposition.Line(page, name, Labels.Zip(sample.Values), sample.Number);
    }

    private IEnumerable<Measurement<double>> Measure() => Read().Select(s => new Measurement<double>(s.Number, Labels.Zip(s.Values).Select(l => KeyValuePair.Create(l.First, (object?)l.Second))));
}

/// <summary>
/// Durations in buckets of fixed bounds, for each value of one label. Adding takes no lock, so a reader may see a duration in its bucket and
/// not yet in the sum.
/// </summary>
internal sealed class Durations(string name, string help, string label, string[] values)
{
    /// <summary>Upper bounds of the buckets in seconds, inclusive; one more bucket has the rest.</summary>
    public static readonly double[] BoundsSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];

    private readonly long[] _counts = new long[values.Length * (BoundsSeconds.Length + 1)];
    private readonly long[] _ticks = new long[values.Length];
    private Histogram<double>? _instrument;

    /// <summary>Makes its instrument.</summary>
    public void Offer(Meter meter) => _instrument = meter.CreateHistogram(name, "s", help, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = BoundsSeconds });

    /// <summary>Adds a duration.</summary>
    /// <param name="value">Place of the label's value.</param>
    /// <param name="elapsed">Not negative.</param>
    public void Add(int value, TimeSpan elapsed)
    {
        var bucket = 0;
        while (bucket < BoundsSeconds.Length && elapsed.TotalSeconds > BoundsSeconds[bucket]) bucket++;
        Interlocked.Increment(ref _counts[value * (BoundsSeconds.Length + 1) + bucket]);
        Interlocked.Add(ref _ticks[value], elapsed.Ticks);
        if (_instrument is { Enabled: true } instrument) instrument.Record(elapsed.TotalSeconds, KeyValuePair.Create(label, (object?)values[value]));
    }

    /// <summary>Writes its lines.</summary>
    public void Write(StringBuilder page)
    {
        var shown = Exposition.NameOf(name) + "_seconds";
        Exposition.Head(page, shown, help, "histogram");
        for (var value = 0; value < values.Length; value++)
        {
            var own = (label, values[value]);
            long count = 0;
            for (var bucket = 0; bucket <= BoundsSeconds.Length; bucket++)
            {
                count += Interlocked.Read(ref _counts[value * (BoundsSeconds.Length + 1) + bucket]);
                var bound = bucket < BoundsSeconds.Length ? BoundsSeconds[bucket].ToString(CultureInfo.InvariantCulture) : "+Inf";
                if (count > 0 || bucket == BoundsSeconds.Length) Exposition.Line(page, shown + "_bucket", [own, ("le", bound)], count);
            }
            Exposition.Line(page, shown + "_sum", [own], TimeSpan.FromTicks(Interlocked.Read(ref _ticks[value])).TotalSeconds);
            Exposition.Line(page, shown + "_count", [own], count);
        }
    }
}

/// <summary>The text format of Prometheus, 0.0.4. Values of labels are our own names: none needs an escape, and one that did would be redacted.</summary>
internal static class Exposition
{
    /// <summary>Media type.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>A name as the format allows it.</summary>
    public static string NameOf(string name) => name.Replace('.', '_');

    /// <summary>The two lines before a family.</summary>
    public static void Head(StringBuilder page, string name, string help, string kind) => page.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {kind}\n");

    /// <summary>One value.</summary>
    public static void Line(StringBuilder page, string name, IEnumerable<(string Label, string Value)> labels, double number)
    {
        var all = string.Join(',', labels.Select(l => $"{l.Label}=\"{(l.Value.AsSpan().IndexOfAny("\"\\\n") < 0 ? l.Value : Primitives.Phi.Redacted)}\""));
        page.Append(name);
        if (all.Length > 0) page.Append('{').Append(all).Append('}');
        page.Append(CultureInfo.InvariantCulture, $" {number}\n");
    }
}

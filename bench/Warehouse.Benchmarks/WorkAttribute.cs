using System.Globalization;
using System.Reflection;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Warehouse.Benchmarks;

/// <summary>What one call of a benchmark works through; <see cref="RateColumn"/> divides it by the time.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class WorkAttribute(double amount, string unit) : Attribute
{
    public double Amount => amount;

    public string Unit => unit;
}

/// <summary>Amount per second of each benchmark that has a <see cref="WorkAttribute"/>.</summary>
public sealed class RateColumn : IColumn
{
    public string Id => nameof(RateColumn);

    public string ColumnName => "Rate";

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => false;

    public UnitType UnitType => UnitType.Dimensionless;

    public string Legend => "Work per second of one thread";

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        var work = benchmarkCase.Descriptor.WorkloadMethod.GetCustomAttribute<WorkAttribute>();
        var statistics = summary[benchmarkCase]?.ResultStatistics;
        if (work is null || statistics is null) return "-";
        var perNanosecond = work.Amount / statistics.Mean;
        return perNanosecond < 0.1 ? string.Create(CultureInfo.InvariantCulture, $"{perNanosecond * 1e3:f2} M {work.Unit}/s") : string.Create(CultureInfo.InvariantCulture, $"{perNanosecond:f2} G {work.Unit}/s");
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);
}

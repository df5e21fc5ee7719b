namespace Warehouse.Engine;

/// <summary>How far a long piece of work is.</summary>
/// <param name="Stage">What is being done, one or two words: no file name, no sample name.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all; 0 when unknown.</param>
/// <param name="Unit">Name of a unit: bytes, records, files.</param>
public readonly record struct WorkProgress(string Stage, long Done, long Total, string Unit);
